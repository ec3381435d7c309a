//! What the audit log says about a roster command: ids and words of the roster, never a name.

use super::{Entity, RosterCommand, RosterOutcome};
use homeroom_schema::records::{AuditRecord, AuditSubject, AuditedBy};
use homeroom_schema::{QualificationId, TeamId, TimeMs, UserId};
use serde_json::{Value, json};

/// What a command is about, as far as the audit log tells: taken before the command is carried out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Act {
    /// Something was created or changed: its outcome says which.
    Put,
    Archiving(UserId, bool),
    Erasing(UserId),
    Archived(Entity),
    Member(&'static str, TeamId, UserId),
    Learner(&'static str, QualificationId, UserId),
    Imported,
}

impl Act {
    pub(super) fn of(command: &RosterCommand) -> Self {
        match *command {
            RosterCommand::PatchUser {
                user_id,
                archived: Some(archived),
                ..
            } => Self::Archiving(user_id, archived),
            RosterCommand::EraseUser { user_id, .. } => Self::Erasing(user_id),
            RosterCommand::Archive(entity) => Self::Archived(entity),
            RosterCommand::PutMember { team_id, user_id, .. } => Self::Member("member_put", team_id, user_id),
            RosterCommand::RemoveMember { team_id, user_id } => Self::Member("member_removed", team_id, user_id),
            RosterCommand::Enrol {
                qualification_id,
                user_id,
            } => Self::Learner("learner_enrolled", qualification_id, user_id),
            RosterCommand::Unenrol {
                qualification_id,
                user_id,
            } => Self::Learner("learner_unenrolled", qualification_id, user_id),
            RosterCommand::Import(_) => Self::Imported,
            _ => Self::Put,
        }
    }

    /// The entry for a command that came to this outcome.
    pub(super) fn record(self, by: AuditedBy, at: TimeMs, outcome: &RosterOutcome) -> AuditRecord {
        let (act, subject, detail) = match self {
            Self::Put => put(outcome),
            Self::Archiving(user_id, true) => ("user_archived", user(user_id), json!({})),
            Self::Archiving(user_id, false) => ("user_brought_back", user(user_id), json!({})),
            Self::Erasing(user_id) => ("user_erased", user(user_id), json!({})),
            Self::Archived(entity) => archived(entity),
            Self::Member(act, team_id, user_id) => (act, user(user_id), json!({"team_id": team_id})),
            Self::Learner(act, id, user_id) => (act, user(user_id), json!({"qualification_id": id})),
            Self::Imported => ("imported", None, counts(outcome)),
        };
        AuditRecord {
            at,
            by,
            act,
            subject,
            detail: detail.to_string(),
        }
    }
}

type Told = (&'static str, Option<AuditSubject>, Value);

fn put(outcome: &RosterOutcome) -> Told {
    let word = |created: bool, words: [&'static str; 2]| words[usize::from(!created)];
    match outcome {
        RosterOutcome::User { user: row, created } => (
            word(*created, ["user_created", "user_changed"]),
            user(row.user_id),
            json!({"role": row.role}),
        ),
        RosterOutcome::Qualification { qualification, created } => (
            word(*created, ["qualification_created", "qualification_changed"]),
            subject("qualification", qualification.qualification_id.get()),
            json!({}),
        ),
        RosterOutcome::Unit { unit, created } => (
            word(*created, ["unit_created", "unit_changed"]),
            subject("unit", unit.unit_id.get()),
            json!({}),
        ),
        RosterOutcome::Team { team, created } => (
            word(*created, ["team_created", "team_changed"]),
            subject("team", team.team_id.get()),
            json!({"mentor_id": team.mentor_id}),
        ),
        RosterOutcome::Preference { preference, .. } => (
            "preference_changed",
            user(preference.user_id),
            json!({"leaderboard": if preference.on_boards { "in" } else { "out" }}),
        ),
        RosterOutcome::Done { .. } | RosterOutcome::Imported { .. } | RosterOutcome::ImportRefused(_) => {
            ("roster_changed", None, json!({}))
        }
    }
}

fn archived(entity: Entity) -> Told {
    let (act, kind, id) = match entity {
        Entity::Qualification(id) => ("qualification_archived", "qualification", id.get()),
        Entity::Unit(id) => ("unit_archived", "unit", id.get()),
        Entity::Team(id) => ("team_archived", "team", id.get()),
    };
    (act, subject(kind, id), json!({}))
}

fn counts(outcome: &RosterOutcome) -> Value {
    match outcome {
        RosterOutcome::Imported {
            qualifications,
            units,
            users,
            teams,
            team_members,
            enrolments,
            skipped_erased,
        } => json!({
            "qualifications": qualifications,
            "units": units,
            "users": users,
            "teams": teams,
            "team_members": team_members,
            "enrolments": enrolments,
            "skipped_erased": skipped_erased.len(),
        }),
        _ => json!({}),
    }
}

fn user(user_id: UserId) -> Option<AuditSubject> {
    subject("user", user_id.get())
}

const fn subject(kind: &'static str, id: u64) -> Option<AuditSubject> {
    Some(AuditSubject { kind, id })
}
