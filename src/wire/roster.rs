//! People, teams, units, qualifications and tokens as the roster's routes show them.

use super::{optional_time, time};
use homeroom_actors::Lens;
use homeroom_actors::roster::{Roster, RosterOutcome};
use homeroom_schema::records::{QualificationRecord, TeamRecord, TokenRecord, UnitRecord, UserRecord};
use homeroom_schema::{TeamId, TimeMs, UserId};
use serde_json::{Value, json};

/// A person, as staff and they themselves see them.
#[must_use]
pub fn person(user: &UserRecord) -> Value {
    json!({
        "id": user.user_id,
        "name": user.name,
        "alias": user.alias,
        "role": user.role.as_str(),
        "created_at": time(user.created_at),
        "archived_at": optional_time(user.archived_at),
    })
}

/// A person by lens: peers see the alias in place of the name.
#[must_use]
pub fn person_by_lens(user: &UserRecord, lens: Lens, roster: &Roster) -> Value {
    if lens == Lens::Staff {
        return person(user);
    }
    let alias = roster.alias(user.user_id);
    let alias = alias.as_deref().unwrap_or_default();
    json!({"id": user.user_id, "name": alias, "alias": alias, "role": user.role.as_str()})
}

/// Whether somebody is on boards as far as it is theirs to say, and until when they cannot say something else.
#[must_use]
pub fn preference(user_id: UserId, on_boards: bool, locked_until: Option<TimeMs>) -> Value {
    let leaderboard = if on_boards { "in" } else { "out" };
    json!({"user_id": user_id, "leaderboard": leaderboard, "locked_until": optional_time(locked_until)})
}

/// A qualification.
#[must_use]
pub fn qualification(qualification: &QualificationRecord) -> Value {
    json!({
        "id": qualification.qualification_id,
        "name": qualification.name,
        "created_at": time(qualification.created_at),
        "archived_at": optional_time(qualification.archived_at),
    })
}

/// A unit.
#[must_use]
pub fn unit(unit: &UnitRecord) -> Value {
    json!({
        "id": unit.unit_id,
        "title": unit.title,
        "qualification_id": unit.qualification_id,
        "skills": unit.skills,
        "created_at": time(unit.created_at),
        "archived_at": optional_time(unit.archived_at),
    })
}

/// A team without its members.
#[must_use]
pub fn team(team: &TeamRecord) -> Value {
    json!({
        "id": team.team_id,
        "name": team.name,
        "mentor_id": team.mentor_id,
        "created_at": time(team.created_at),
        "archived_at": optional_time(team.archived_at),
    })
}

/// The present members of a team, by lens.
#[must_use]
pub fn team_members(team_id: TeamId, lens: Lens, roster: &Roster) -> Vec<Value> {
    let members = roster.members(team_id).into_iter().filter_map(|member| {
        let user = roster.user(member.user_id)?;
        let shown = person_by_lens(&user, lens, roster);
        Some(json!({
            "user_id": member.user_id,
            "name": shown["name"],
            "role": member.role,
            "joined_at": time(member.joined_at),
        }))
    });
    members.collect()
}

/// A token, never its secret.
#[must_use]
pub fn token(token: &TokenRecord) -> Value {
    json!({
        "token_id": token.token_id,
        "role": token.role.as_str(),
        "user_id": token.user_id,
        "label": token.label,
        "created_at": time(token.created_at),
        "expires_at": optional_time(token.expires_at),
    })
}

/// The answer to a change of the roster: status and JSON body. Kept under the change's key.
#[must_use]
pub fn roster_answer(outcome: &RosterOutcome) -> (u16, String) {
    let put = |body: Value, created: bool| (if created { 201 } else { 200 }, body.to_string());
    match outcome {
        RosterOutcome::User { user, created } => put(person(user), *created),
        RosterOutcome::Qualification {
            qualification: it,
            created,
        } => put(qualification(it), *created),
        RosterOutcome::Unit { unit: it, created } => put(unit(it), *created),
        RosterOutcome::Team { team: it, created } => put(team(it), *created),
        RosterOutcome::Preference {
            preference,
            locked_until,
        } => put(
            self::preference(preference.user_id, preference.on_boards, *locked_until),
            false,
        ),
        RosterOutcome::Done { changed } => put(json!({"changed": changed}), *changed),
        RosterOutcome::Imported {
            qualifications,
            units,
            users,
            teams,
            team_members,
            enrolments,
            skipped_erased,
        } => put(
            json!({
                "qualifications": qualifications,
                "units": units,
                "users": users,
                "teams": teams,
                "team_members": team_members,
                "enrolments": enrolments,
                "skipped_erased": skipped_erased,
            }),
            false,
        ),
        // Nothing was kept, so nothing is kept under the key either: the edge answers the errors.
        RosterOutcome::ImportRefused(_) => (422, String::new()),
    }
}
