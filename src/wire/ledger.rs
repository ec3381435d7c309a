//! Entries of a person's ledger.

use super::time;
use homeroom_actors::domain::LearnerEvent;
use homeroom_schema::records::StoredEvent;
use serde_json::{Value, json};

/// An item of `GET /points/{user_id}`; none if the event is no entry of a ledger.
#[must_use]
pub fn ledger_entry(stored: &StoredEvent) -> Option<Value> {
    let event: LearnerEvent = serde_json::from_str(&stored.body).ok()?;
    let note = || stored.note.as_deref().map(Value::from).unwrap_or_default();
    let (kind, action, reference, points, total, reason) = match event {
        LearnerEvent::PointsAwarded {
            action,
            reference,
            points,
            total,
            ..
        } => ("award", action, reference, i64::from(points), total, Value::Null),
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            total,
            ..
        } => ("refusal", action, reference, 0, total, json!(reason.as_str())),
        LearnerEvent::PointsReversed {
            action,
            reference,
            points,
            total,
            ..
        } => ("reversal", action, reference, -i64::from(points), total, note()),
        LearnerEvent::PointsReinstated {
            action,
            reference,
            points,
            total,
            ..
        } => ("reinstatement", action, reference, i64::from(points), total, note()),
        LearnerEvent::PointsAdjusted {
            act,
            undone,
            points,
            total,
            ..
        } => return Some(adjustment(stored, act, undone, points, total)),
        LearnerEvent::AchievementUnlocked { .. } | LearnerEvent::ProgressMade { .. } => return None,
    };
    Some(json!({
        "event_id": stored.event_id,
        "kind": kind,
        "action_type": action.as_str(),
        "reference_id": reference,
        "awarded": kind == "award",
        "points": points,
        "reason": reason,
        "occurred_at": time(stored.occurred_at),
        "recorded_at": time(stored.recorded_at),
        "total": total,
    }))
}

/// Changed rules were applied, or that was undone: about no single action.
fn adjustment(stored: &StoredEvent, act: u32, undone: bool, points: i64, total: u64) -> Value {
    json!({
        "event_id": stored.event_id,
        "kind": "adjustment",
        "action_type": null,
        "reference_id": null,
        "act": act,
        "awarded": false,
        "points": points,
        "reason": adjustment_reason(undone),
        "occurred_at": time(stored.occurred_at),
        "recorded_at": time(stored.recorded_at),
        "total": total,
    })
}

/// What an adjustment says for its reason.
#[must_use]
pub const fn adjustment_reason(undone: bool) -> &'static str {
    if undone { "rules_undone" } else { "rules_applied" }
}
