//! Answers to commands, fresh from the engine or found again from the kept fact.

use super::{optional_time, time};
use homeroom_actors::domain::achievements::Tier;
use homeroom_actors::domain::learner::UnitProgress;
use homeroom_actors::domain::{Action, LearnerEvent};
use homeroom_actors::engine::Correction;
use homeroom_actors::views::{CorrectionOutcome, EarnOutcome, ProgressOutcome};
use homeroom_schema::records::StoredEvent;
use homeroom_schema::{UserId, Version};
use serde_json::{Value, json};

/// The answer to `POST /points/earn`.
#[must_use]
pub fn earn_answer(outcome: &EarnOutcome) -> Value {
    let unlocked = outcome.unlocked.iter();
    let unlocked = unlocked.map(|(kind, tier)| json!({"achievement_type": kind, "tier": tier.as_str()}));
    let mut answer = json!({
        "event_id": outcome.event_id,
        "user_id": outcome.user_id,
        "action_type": outcome.action.as_str(),
        "reference_id": outcome.reference,
        "awarded": outcome.awarded,
        "points": outcome.points,
        "total": outcome.total,
        "level": outcome.level,
        "achievements_unlocked": unlocked.collect::<Vec<_>>(),
    });
    if let Some(reason) = outcome.reason {
        answer["reason"] = json!(reason.as_str());
        answer["retry_at"] = json!(optional_time(outcome.retry_at));
    }
    answer
}

/// The answer to `POST /points/award`: that of an award, with what was written about it; none of it is left after an erasure.
#[must_use]
pub fn grant_answer(outcome: &EarnOutcome, reason: Option<&str>) -> Value {
    let mut answer = earn_answer(outcome);
    answer["reason"] = json!(reason);
    answer
}

/// The answer to `POST /progress/{user_id}`: the unit's state.
#[must_use]
pub fn progress_answer(outcome: &ProgressOutcome) -> Value {
    let progress = &outcome.progress;
    json!({
        "user_id": outcome.user_id,
        "unit_id": outcome.unit_id,
        "progress_percentage": progress.progress_percentage,
        "last_accessed": time(progress.last_accessed),
        "completed_at": optional_time(progress.completed_at),
    })
}

/// The answer to a reversal or reinstatement: the compensating entry.
#[must_use]
pub fn correction_answer(correction: Correction, outcome: &CorrectionOutcome) -> Value {
    let kind = match correction {
        Correction::Reverse => "reversal",
        Correction::Reinstate => "reinstatement",
    };
    json!({
        "event_id": outcome.event_id,
        "kind": kind,
        "of_event_id": outcome.of,
        "user_id": outcome.user_id,
        "points": outcome.points,
        "total": outcome.total,
        "level": outcome.level,
    })
}

/// The first answer to a keyed command, from the fact that it kept, the facts that follow it in the stream, and the totals
/// when it was answered. None if the fact answers no command.
#[must_use]
pub fn first_answer(stored: &StoredEvent, after: &[StoredEvent], total: u64, level: u32) -> Option<Value> {
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
    let earned = |action, reference, points: Option<u32>, reason, retry_at| {
        let outcome = EarnOutcome {
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
        Some(earn_answer(&outcome))
    };
    match event {
        LearnerEvent::PointsAwarded {
            action,
            reference,
            points,
            ..
        } => {
            let mut answer = earned(action, reference, Some(points), None, None)?;
            if action == Action::ManualAward {
                answer["reason"] = json!(stored.note);
            }
            Some(answer)
        }
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            retry_at,
            ..
        } => earned(action, reference, None, Some(reason), retry_at),
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
    use homeroom_schema::records::StreamId;
    use homeroom_schema::{EventId, ReferenceId, TimeMs};

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
        assert_eq!(
            first_answer(&stored(&awarded), &[], 120, 2),
            Some(earn_answer(&outcome(true)))
        );
        assert_eq!(
            first_answer(&stored(&refused), &[], 120, 2),
            Some(earn_answer(&outcome(false)))
        );
        assert_eq!(earn_answer(&outcome(false))["reason"], "already_awarded");
        assert!(earn_answer(&outcome(true)).get("reason").is_none());
    }

    #[test]
    fn corrections_and_progress_are_found_again_too() {
        let reversed = json!({"type": "points_reversed", "of": 12, "action": "read_content", "reference": 9,
            "points": 0, "total": 0, "level": 1, "occurred_at": 1000});
        let answer = first_answer(&stored(&reversed), &[], 0, 1).expect("an answer");
        assert_eq!(
            (&answer["kind"], &answer["of_event_id"]),
            (&json!("reversal"), &json!(12))
        );
        let made = json!({"type": "progress_made", "unit": 5, "progress_percentage": 100, "last_accessed": 1000,
            "completed_at": 1000, "occurred_at": 1000});
        let expected = json!({"user_id": 7, "unit_id": 5, "progress_percentage": 100,
            "last_accessed": "1970-01-01T00:00:01.000Z", "completed_at": "1970-01-01T00:00:01.000Z"});
        assert_eq!(first_answer(&stored(&made), &[], 0, 1), Some(expected));
    }

    #[test]
    fn a_fact_of_another_kind_answers_nothing() {
        assert_eq!(
            first_answer(&stored(&json!({"type": "team_achieved"})), &[], 0, 1),
            None
        );
    }
}
