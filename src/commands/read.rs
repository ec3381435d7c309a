//! Reads the fields of a wish, checks ranges, and asks who may.

use super::{Command, Wish};
use crate::app::App;
use crate::auth::Principal;
use crate::fields::Fields;
use crate::permissions::{self, Decision};
use crate::problem::{FieldError, Problem, Unknown};
use homeroom_actors::domain::{Action, Evidence, ResourceRef};
use homeroom_actors::engine::{EarnRequest, ProgressRequest};
use homeroom_actors::roster::Roster;
use homeroom_schema::ids::ID_MAX;
use homeroom_schema::limits::OCCURRED_AHEAD_MS;
use homeroom_schema::records::TokenRole;
use homeroom_schema::{ReferenceId, TimeMs, UnitId};
use serde_json::Value;

const ACTIONS: &str = "read_content, complete_quiz, contribute_resource, community_feedback, team_achievement";

/// Fields of answers that no student may send.
const DECIDED_BY_RULES: [&str; 9] = [
    "points",
    "total",
    "level",
    "awarded",
    "role",
    "achievement_type",
    "achievements_unlocked",
    "tier",
    "completed_at",
];

/// The command that a wish comes to, if its caller may give it.
pub(super) fn command(app: &App, caller: &Principal, wish: &Wish) -> Result<Command, Problem> {
    let now = app.clock().now();
    let roster = app.engine().roster();
    if caller.role == TokenRole::Student {
        let (Wish::Earn(fields) | Wish::Progress(fields)) = wish;
        assigns_nothing(fields)?;
    }
    match wish {
        Wish::Earn(fields) => {
            let request = earn(fields, now)?;
            permissions::may_earn(
                caller,
                request.user_id,
                request.action,
                request.evidence.team_id,
                &app.engine().rules(),
                roster,
            )?;
            may_say_when(caller, request.occurred_at)?;
            if caller.role == TokenRole::Student {
                is_of_the_catalogue(request.reference, roster)?;
            }
            Ok(Command::Earn(request))
        }
        Wish::Progress(fields) => {
            let request = progress(fields, now)?;
            permissions::may_record_progress(caller, request.user_id, roster)?;
            may_say_when(caller, request.occurred_at)?;
            Ok(Command::Progress(request))
        }
    }
}

/// Unknown fields are left alone, but these a student's device can only send to get more than the rules give.
fn assigns_nothing(fields: &Value) -> Decision {
    let assigned = DECIDED_BY_RULES.iter().find(|field| fields.get(**field).is_some());
    match assigned {
        Some(field) => Err(Problem::forbidden_field(
            field,
            "is decided by the rules, not by a student",
        )),
        None => Ok(()),
    }
}

fn earn(value: &Value, now: TimeMs) -> Result<EarnRequest, Problem> {
    let mut fields = Fields::of(value);
    let user_id = fields.id("user_id");
    let action = fields.text("action_type").and_then(Action::parse);
    let reference = fields.id("reference_id");
    let unit_id = fields.optional_id("unit_id");
    let occurred_at = occurred_at(&mut fields, now);
    let evidence = fields.object("evidence", evidence).unwrap_or_default();
    if action == Some(Action::TeamAchievement) && evidence.team_id.is_none() {
        fields.wrong("evidence.team_id", "is required for a team_achievement");
    }
    fields.finish(())?;
    Ok(EarnRequest {
        user_id,
        action: action.ok_or_else(unknown_action)?,
        reference,
        unit_id,
        occurred_at,
        evidence,
    })
}

fn unknown_action() -> Problem {
    let mut problem = Problem::unknown(Unknown::Action).with_path(&[]);
    problem.detail = format!("action_type must be one of {ACTIONS}");
    problem.errors = vec![FieldError::new("action_type", format!("must be one of {ACTIONS}"))];
    problem
}

fn evidence(fields: &mut Fields<'_>) -> Evidence {
    Evidence {
        score: fields.optional_share("score"),
        duration_ms: fields.optional_whole("duration_ms", 0..=ID_MAX),
        quality: fields.optional_share("quality"),
        resource: fields.object("resource", |resource| ResourceRef {
            user_id: resource.id("user_id"),
            reference_id: resource.id("reference_id"),
        }),
        rating: fields.optional_whole("rating", 1..=5).map(|rating| rating as u8),
        team_id: fields.optional_id("team_id"),
    }
}

fn progress(value: &Value, now: TimeMs) -> Result<ProgressRequest, Problem> {
    let mut fields = Fields::of(value);
    let request = ProgressRequest {
        user_id: fields.id("user_id"),
        unit_id: fields.id("unit_id"),
        progress_percentage: fields.whole("progress_percentage", 0..=100) as u8,
        occurred_at: occurred_at(&mut fields, now),
    };
    fields.finish(request)
}

fn occurred_at(fields: &mut Fields<'_>, now: TimeMs) -> Option<TimeMs> {
    let at = fields.optional_time("occurred_at")?;
    if at < TimeMs(0) || at > now.plus_ms(OCCURRED_AHEAD_MS) {
        fields.wrong("occurred_at", "must lie between 1970 and five minutes from now");
    }
    Some(at)
}

fn may_say_when(caller: &Principal, occurred_at: Option<TimeMs>) -> Decision {
    if occurred_at.is_some() && !permissions::may_say_when(caller) {
        return Err(Problem::forbidden_field(
            "occurred_at",
            "is for admin and service tokens only",
        ));
    }
    Ok(())
}

/// What students report of themselves is about a unit: else any number would be worth points.
fn is_of_the_catalogue(reference: ReferenceId, roster: &Roster) -> Result<(), Problem> {
    let unit = UnitId::new(reference.get())
        .ok()
        .and_then(|unit_id| roster.unit(unit_id));
    match unit {
        Some(unit) if unit.archived_at.is_none() => Ok(()),
        _ => Err(Problem::unknown(Unknown::Unit).with_path(&[])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: TimeMs = TimeMs(1_772_357_400_000);

    fn said<T>(read: Result<T, Problem>) -> Vec<String> {
        match read {
            Ok(_) => Vec::new(),
            Err(problem) => problem
                .errors
                .iter()
                .map(|e| format!("{} {}", e.field, e.message))
                .collect(),
        }
    }

    #[test]
    fn evidence_is_checked_whatever_the_action() {
        for (evidence, wrong) in [
            (json!({}), ""),
            (
                json!({"score": 1, "duration_ms": 0, "quality": 0.5, "rating": 5, "team_id": 3}),
                "",
            ),
            (json!({"resource": {"user_id": 1, "reference_id": 2}}), ""),
            (json!({"points": 1000}), ""),
            (json!(null), ""),
            (json!({"score": 1.1}), "evidence.score"),
            (json!({"duration_ms": -1}), "evidence.duration_ms"),
            (json!({"quality": "high"}), "evidence.quality"),
            (json!({"rating": 0}), "evidence.rating"),
            (json!({"rating": 4.5}), "evidence.rating"),
            (json!({"team_id": 0}), "evidence.team_id"),
            (json!({"resource": {"user_id": 1}}), "evidence.resource.reference_id"),
            (json!({"resource": 7}), "evidence.resource"),
            (json!([]), "evidence"),
        ] {
            let body = json!({"user_id": 1, "action_type": "read_content", "reference_id": 2, "evidence": evidence});
            let said = said(earn(&body, NOW));
            assert_eq!(
                said.first().map_or("", |s| s.split(' ').next().unwrap_or("")),
                wrong,
                "{evidence} {said:?}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_said_and_a_team_achievement_needs_its_team() {
        assert_eq!(said(earn(&json!({}), NOW)).len(), 3);
        assert_eq!(said(progress(&json!({}), NOW)).len(), 3);
        let team = json!({"user_id": 1, "action_type": "team_achievement", "reference_id": 2});
        assert_eq!(
            said(earn(&team, NOW)),
            ["evidence.team_id is required for a team_achievement"]
        );
        let other = json!({"user_id": 1, "action_type": "juggling", "reference_id": 2});
        assert_eq!(
            said(earn(&other, NOW)),
            [format!("action_type must be one of {ACTIONS}")]
        );
    }

    #[test]
    fn a_moment_lies_between_1970_and_five_minutes_ahead() {
        for (at, good) in [
            ("1970-01-01T00:00:00Z", true),
            ("1969-12-31T23:59:59.999Z", false),
            ("2026-03-01T09:35:00.000Z", true),
            ("2026-03-01T09:35:00.001Z", false),
            ("2026-03-01T10:35:00+01:00", true),
            ("9999-12-31T23:59:59Z", false),
        ] {
            let body = json!({"user_id": 1, "unit_id": 2, "progress_percentage": 3, "occurred_at": at});
            assert_eq!(progress(&body, NOW).is_ok(), good, "{at}");
        }
    }
}
