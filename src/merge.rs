//! Two entries of the roster that are one person: what the double has earned goes to the other, and the double is archived.
//! Nothing is rewritten: the other's stream gets facts of its own, at the moments when they happened, by the rules of now. A
//! natural key counts once, so that what both have counts once; a merge that broke off can be sent again.

use crate::app::App;
use crate::audit;
use crate::auth::Principal;
use crate::idempotency::{self, Fingerprint};
use crate::problem::Problem;
use homeroom_actors::EngineError;
use homeroom_actors::domain::{Action, LearnerEvent};
use homeroom_actors::engine::{EarnRequest, GrantRequest, ProgressRequest};
use homeroom_actors::roster::RosterCommand;
use homeroom_schema::records::AuditSubject;
use homeroom_schema::{EventId, UserId, Version};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was moved.
#[derive(Debug, Clone, Copy, Default)]
pub struct Merged {
    /// Awards that count for the other now.
    pub awards: u64,
    /// Awards that did not count again: the other had them, or the rules of now refuse them.
    pub refused: u64,
    /// Units whose progress was looked at.
    pub units: u64,
}

/// What the double has that counts.
#[derive(Default)]
struct Estate {
    awards: BTreeMap<EventId, LearnerEvent>,
}

/// Moves what `double` has earned to `into`, and archives the double. Both have to be there.
///
/// # Errors
/// As the engine says; what was moved by then stays moved.
pub async fn merge(app: &App, caller: &Principal, double: UserId, into: UserId) -> Result<Merged, Problem> {
    let by = audit::by(caller);
    let engine = app.engine();
    for team_id in engine.roster().teams_of(double) {
        if !engine.roster().is_member(team_id, into) {
            let command = RosterCommand::PutMember {
                team_id,
                user_id: into,
                role: None,
            };
            engine.change_roster(command, None, by).await?;
        }
    }
    for (qualification_id, _) in engine.roster().enrolments(double) {
        let command = RosterCommand::Enrol {
            qualification_id,
            user_id: into,
        };
        engine.change_roster(command, None, by).await?;
    }
    let mut merged = Merged::default();
    for (event_id, award) in estate(app, double).await?.awards {
        match give(app, caller, into, event_id, award).await {
            Ok(true) => merged.awards += 1,
            Ok(false) => merged.refused += 1,
            Err(error) => return Err(error),
        }
    }
    for &(unit_id, unit) in &engine.learner(double).await?.units {
        let request = ProgressRequest {
            user_id: into,
            unit_id,
            progress_percentage: unit.progress_percentage,
            occurred_at: Some(unit.completed_at.unwrap_or(unit.last_accessed)),
        };
        engine.progress(request, None).await?.outcome().await?;
        merged.units += 1;
    }
    archive(app, caller, double).await?;
    let subject = AuditSubject {
        kind: "user",
        id: double.get(),
    };
    let detail = json!({"into": into, "awards": merged.awards, "units": merged.units});
    audit::keep(app, by, "user_merged", Some(subject), &detail).await?;
    Ok(merged)
}

/// The awards of somebody that count now: those that were taken back do not.
async fn estate(app: &App, user_id: UserId) -> Result<Estate, Problem> {
    let mut estate = Estate::default();
    let mut after = Version::ZERO;
    loop {
        let page = app.engine().events_of(user_id, after).await?;
        let Some(last) = page.last() else { return Ok(estate) };
        after = last.version;
        for stored in &page {
            let Ok(event) = serde_json::from_str::<LearnerEvent>(&stored.body) else {
                continue;
            };
            match event {
                LearnerEvent::PointsAwarded { .. } => drop(estate.awards.insert(stored.event_id, event)),
                LearnerEvent::PointsReversed { of, .. } => drop(estate.awards.remove(&of)),
                LearnerEvent::PointsReinstated { of, .. } => {
                    if let Some(award) = app.engine().ledger_entry(of).await? {
                        let read = serde_json::from_str(&award.body).map_err(|_| Problem::internal())?;
                        estate.awards.insert(of, read);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Gives one award to the other. Returns whether it counts.
async fn give(
    app: &App,
    caller: &Principal,
    into: UserId,
    event_id: EventId,
    award: LearnerEvent,
) -> Result<bool, Problem> {
    let LearnerEvent::PointsAwarded {
        action,
        reference,
        unit,
        evidence,
        points,
        granted_by,
        occurred_at,
        ..
    } = award
    else {
        return Ok(false);
    };
    if action == Action::ManualAward {
        return give_by_hand(app, caller, into, (event_id, points, granted_by)).await;
    }
    let request = EarnRequest {
        user_id: into,
        action,
        reference,
        unit_id: unit,
        occurred_at: Some(occurred_at),
        evidence,
    };
    let outcome = app.engine().earn(request, None).await?.outcome().await?;
    Ok(outcome.awarded)
}

/// Points by hand have no natural key: the merge's own key keeps a repeat from giving them twice.
async fn give_by_hand(
    app: &App,
    caller: &Principal,
    into: UserId,
    (event_id, points, granted_by): (EventId, u32, Option<UserId>),
) -> Result<bool, Problem> {
    let entry = app.engine().ledger_entry(event_id).await?;
    let request = GrantRequest {
        user_id: into,
        points,
        reason: entry
            .and_then(|entry| entry.note)
            .unwrap_or_else(|| "merged".to_owned()),
        granted_by,
        is_budgeted: false,
    };
    let fingerprint = Fingerprint::of("MERGE", "", &[], &Value::Null);
    let key = format!("merge-{event_id}-into-{into}");
    let claim = idempotency::claim(caller, &key, "key", fingerprint)?;
    match app.engine().grant(request, Some(claim), audit::by(caller)).await {
        Ok(pending) => match pending.outcome().await {
            Ok(_) => Ok(true),
            Err(EngineError::KeyTaken) => Ok(false),
            Err(error) => Err(error.into()),
        },
        Err(EngineError::KeyTaken) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The double leaves boards and lists; its tokens are void.
async fn archive(app: &App, caller: &Principal, double: UserId) -> Result<(), Problem> {
    let command = RosterCommand::PatchUser {
        user_id: double,
        name: None,
        alias: None,
        role: None,
        archived: Some(true),
    };
    app.engine().change_roster(command, None, audit::by(caller)).await?;
    for token_id in app.tokens().of_person(double) {
        app.engine().sessions().end_token(token_id);
    }
    Ok(())
}
