//! Entries of a person's ledger.

use super::{optional_time, time};
use homeroom_actors::domain::{Action, LearnerEvent};
use homeroom_schema::records::StoredEvent;
use serde_json::{Value, json};

/// An item of `GET /points/{user_id}`; none if the event is no entry of a ledger. `for_staff`: with who gave points by hand.
#[must_use]
pub fn ledger_entry(stored: &StoredEvent, for_staff: bool) -> Option<Value> {
    let event: LearnerEvent = serde_json::from_str(&stored.body).ok()?;
    let note = stored.note.as_deref().map(Value::from).unwrap_or_default();
    let entry = |kind: &str, (action, reference): (Action, _), points: i64, total: u64, reason: Value| {
        json!({
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
        })
    };
    match event {
        LearnerEvent::PointsAwarded {
            action,
            reference,
            points,
            total,
            rules,
            bonus_percent,
            granted_by,
            ..
        } => {
            let mut entry = entry("award", (action, reference), i64::from(points), total, note);
            entry["rules"] = json!(rules);
            if let Some(percent) = bonus_percent {
                entry["bonus_percent"] = json!(percent);
            }
            if let Some(giver) = granted_by.filter(|_| for_staff) {
                entry["granted_by"] = json!(giver);
            }
            Some(entry)
        }
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            retry_at,
            total,
            rules,
            ..
        } => {
            let mut entry = entry("refusal", (action, reference), 0, total, json!(reason.as_str()));
            entry["retry_at"] = json!(optional_time(retry_at));
            Some(under(rules, entry))
        }
        LearnerEvent::PointsReversed {
            of,
            action,
            reference,
            points,
            total,
            rules,
            ..
        } => {
            let mut entry = entry("reversal", (action, reference), -i64::from(points), total, note);
            entry["of_event_id"] = json!(of);
            Some(under(rules, entry))
        }
        LearnerEvent::PointsReinstated {
            of,
            action,
            reference,
            points,
            total,
            rules,
            ..
        } => {
            let mut entry = entry("reinstatement", (action, reference), i64::from(points), total, note);
            entry["of_event_id"] = json!(of);
            Some(under(rules, entry))
        }
        LearnerEvent::PointsAdjusted {
            act,
            undone,
            points,
            total,
            rules,
            ..
        } => Some(under(Some(rules), adjustment(stored, act, undone, points, total))),
        LearnerEvent::StateCarried { state, .. } => Some(carried(stored, state.total)),
        LearnerEvent::AchievementUnlocked { .. } | LearnerEvent::ProgressMade { .. } => None,
    }
}

/// With the version of the rules in force; entries of early versions say none.
fn under(rules: Option<u32>, mut entry: Value) -> Value {
    if let Some(rules) = rules {
        entry["rules"] = json!(rules);
    }
    entry
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

/// The single entries before it were purged: here the ledger begins.
fn carried(stored: &StoredEvent, total: u64) -> Value {
    json!({
        "event_id": stored.event_id,
        "kind": "carried",
        "action_type": null,
        "reference_id": null,
        "awarded": false,
        "points": total,
        "reason": null,
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
