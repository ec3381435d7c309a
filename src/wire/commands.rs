//! Answers to commands, fresh from the engine or found again from the kept fact.

use super::{optional_time, raw, time};
use homeroom_actors::domain::achievements::Tier;
use homeroom_actors::domain::learner::UnitProgress;
use homeroom_actors::domain::{Action, LearnerEvent};
use homeroom_actors::engine::Correction;
use homeroom_actors::views::{CorrectionOutcome, EarnOutcome, ProgressOutcome};
use homeroom_schema::records::StoredEvent;
use homeroom_schema::{EventId, ReferenceId, UnitId, UserId, Version};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// The answer to `POST /points/earn`.
#[must_use]
pub fn earn_answer(outcome: &EarnOutcome) -> Box<RawValue> {
    raw(&Earned {
        reason: outcome.reason.map(|reason| Some(reason.as_str())),
        retry_at: outcome.reason.map(|_| optional_time(outcome.retry_at)),
        ..Earned::of(outcome)
    })
}

/// The answer to `POST /points/award`: that of an award, with what was written about it; none of it is left after an erasure.
#[must_use]
pub fn grant_answer(outcome: &EarnOutcome, reason: Option<&str>) -> Box<RawValue> {
    raw(&Earned {
        reason: Some(reason),
        ..Earned::of(outcome)
    })
}

/// Every award is answered with this: written straight into text.
#[derive(Serialize)]
struct Earned<'a> {
    event_id: EventId,
    user_id: UserId,
    action_type: &'static str,
    reference_id: ReferenceId,
    awarded: bool,
    points: u32,
    total: u64,
    level: u32,
    achievements_unlocked: Vec<Unlocked<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Option<String>>,
}

#[derive(Serialize)]
struct Unlocked<'a> {
    achievement_type: &'a str,
    tier: &'static str,
}

impl<'a> Earned<'a> {
    fn of(outcome: &'a EarnOutcome) -> Self {
        let unlocked = outcome.unlocked.iter().map(|(kind, tier)| Unlocked {
            achievement_type: kind,
            tier: tier.as_str(),
        });
        Self {
            event_id: outcome.event_id,
            user_id: outcome.user_id,
            action_type: outcome.action.as_str(),
            reference_id: outcome.reference,
            awarded: outcome.awarded,
            points: outcome.points,
            total: outcome.total,
            level: outcome.level,
            achievements_unlocked: unlocked.collect(),
            reason: None,
            retry_at: None,
        }
    }
}

/// The answer to `POST /progress/{user_id}`: the unit's state.
#[must_use]
pub fn progress_answer(outcome: &ProgressOutcome) -> Box<RawValue> {
    #[derive(Serialize)]
    struct State {
        user_id: UserId,
        unit_id: UnitId,
        progress_percentage: u8,
        last_accessed: String,
        completed_at: Option<String>,
    }
    let progress = &outcome.progress;
    raw(&State {
        user_id: outcome.user_id,
        unit_id: outcome.unit_id,
        progress_percentage: progress.progress_percentage,
        last_accessed: time(progress.last_accessed),
        completed_at: optional_time(progress.completed_at),
    })
}

/// The answer to a reversal or reinstatement: the compensating entry.
#[must_use]
pub fn correction_answer(correction: Correction, outcome: &CorrectionOutcome) -> Box<RawValue> {
    let kind = match correction {
        Correction::Reverse => "reversal",
        Correction::Reinstate => "reinstatement",
    };
    raw(&json!({
        "event_id": outcome.event_id,
        "kind": kind,
        "of_event_id": outcome.of,
        "user_id": outcome.user_id,
        "points": outcome.points,
        "total": outcome.total,
        "level": outcome.level,
    }))
}

/// The first answer to a keyed command, from the fact that it kept, the facts that follow it in the stream, and the totals
/// when it was answered. None if the fact answers no command.
#[must_use]
pub fn first_answer(stored: &StoredEvent, after: &[StoredEvent], total: u64, level: u32) -> Option<Box<RawValue>> {
    let user_id = UserId::new(stored.stream.id).ok()?;
    let event: LearnerEvent = serde_json::from_str(&stored.body).ok()?;
    let event_id = stored.event_id;
    let corrected = |correction, of, points| {
        let outcome = CorrectionOutcome {
            event_id,
            of,
            user_id,
            points,
            total,
            level,
        };
        Some(correction_answer(correction, &outcome))
    };
    let earned = |action, reference, points: Option<u32>, reason, retry_at| EarnOutcome {
        event_id,
        user_id,
        action,
        reference,
        awarded: points.is_some(),
        points: points.unwrap_or(0),
        total,
        level,
        reason,
        retry_at,
        unlocked: unlocked_by(stored.version, after),
    };
    match event {
        LearnerEvent::PointsAwarded {
            action,
            reference,
            points,
            ..
        } => {
            let outcome = earned(action, reference, Some(points), None, None);
            Some(match action {
                Action::ManualAward => grant_answer(&outcome, stored.note.as_deref()),
                _ => earn_answer(&outcome),
            })
        }
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            retry_at,
            ..
        } => Some(earn_answer(&earned(action, reference, None, Some(reason), retry_at))),
        LearnerEvent::PointsReversed { of, points, .. } => corrected(Correction::Reverse, of, -i64::from(points)),
        LearnerEvent::PointsReinstated { of, points, .. } => corrected(Correction::Reinstate, of, i64::from(points)),
        // Nothing answers a caller's command with these.
        LearnerEvent::PointsAdjusted { .. }
        | LearnerEvent::StateCarried { .. }
        | LearnerEvent::AchievementUnlocked { .. } => None,
        LearnerEvent::ProgressMade {
            unit,
            progress_percentage,
            last_accessed,
            completed_at,
            ..
        } => Some(progress_answer(&ProgressOutcome {
            user_id,
            unit_id: unit,
            progress: UnitProgress {
                progress_percentage,
                last_accessed,
                completed_at,
                version: stored.version,
            },
        })),
    }
}

/// What a fact unlocked: facts of the same append, right behind it.
fn unlocked_by(version: Version, after: &[StoredEvent]) -> Vec<(String, Tier)> {
    let facts = after
        .iter()
        .map_while(|stored| match serde_json::from_str(&stored.body) {
            Ok(LearnerEvent::AchievementUnlocked {
                achievement,
                tier,
                cause,
                ..
            }) if cause == Some(version) => Some((achievement, tier)),
            _ => None,
        });
    facts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_actors::domain::RefusalReason;
    use homeroom_schema::TimeMs;
    use homeroom_schema::records::StreamId;
    use serde_json::Value;

    fn read(answer: &RawValue) -> Value {
        serde_json::from_str(answer.get()).expect("JSON")
    }

    fn again(body: &Value, total: u64, level: u32) -> Option<Value> {
        first_answer(&stored(body), &[], total, level).as_deref().map(read)
    }

    fn stored(body: &Value) -> StoredEvent {
        StoredEvent {
            event_id: EventId::new(41).expect("an id"),
            stream: StreamId::learner(UserId::new(7).expect("an id")),
            version: Version(3),
            event_type: body["type"].as_str().expect("a type").into(),
            occurred_at: TimeMs(1_000),
            recorded_at: TimeMs(2_000),
            body: body.to_string(),
            note: None,
        }
    }

    #[test]
    fn an_answer_found_again_is_the_first_one_exactly() {
        let awarded = json!({"type": "points_awarded", "action": "complete_quiz", "reference": 9, "points": 50,
            "total": 50, "level": 1, "rules": 1, "occurred_at": 1000});
        let refused = json!({"type": "points_refused", "action": "complete_quiz", "reference": 9,
            "reason": "already_awarded", "total": 50, "level": 1, "occurred_at": 1000, "day": 0});
        let outcome = |awarded: bool| EarnOutcome {
            event_id: EventId::new(41).expect("an id"),
            user_id: UserId::new(7).expect("an id"),
            action: Action::CompleteQuiz,
            reference: ReferenceId::new(9).expect("an id"),
            awarded,
            points: if awarded { 50 } else { 0 },
            total: 120,
            level: 2,
            reason: (!awarded).then_some(RefusalReason::AlreadyAwarded),
            retry_at: None,
            unlocked: Vec::new(),
        };
        let first = |awarded| read(&earn_answer(&outcome(awarded)));
        assert_eq!(again(&awarded, 120, 2), Some(first(true)));
        assert_eq!(again(&refused, 120, 2), Some(first(false)));
        assert_eq!(first(false)["reason"], "already_awarded");
        assert_eq!(first(false)["retry_at"], Value::Null);
        assert!(first(true).get("reason").is_none() && first(true).get("retry_at").is_none());
    }

    #[test]
    fn corrections_and_progress_are_found_again_too() {
        let reversed = json!({"type": "points_reversed", "of": 12, "action": "read_content", "reference": 9,
            "points": 0, "total": 0, "level": 1, "occurred_at": 1000});
        let answer = again(&reversed, 0, 1).expect("an answer");
        assert_eq!(
            (&answer["kind"], &answer["of_event_id"]),
            (&json!("reversal"), &json!(12))
        );
        let made = json!({"type": "progress_made", "unit": 5, "progress_percentage": 100, "last_accessed": 1000,
            "completed_at": 1000, "occurred_at": 1000});
        let expected = json!({"user_id": 7, "unit_id": 5, "progress_percentage": 100,
            "last_accessed": "1970-01-01T00:00:01.000Z", "completed_at": "1970-01-01T00:00:01.000Z"});
        assert_eq!(again(&made, 0, 1), Some(expected));
    }

    #[test]
    fn a_fact_of_another_kind_answers_nothing() {
        assert_eq!(again(&json!({"type": "team_achieved"}), 0, 1), None);
    }
}
