//! Who may do what, and how they see it: the contract's table as pure functions over a caller and who belongs to whom.
//!
//! Three answers beside yes: 403 when the role has no such right at all (or a student asks for more about a teammate);
//! 404 when the caller may not even know about the person or team, whether there is one or not; never anything else.

mod relations;
#[cfg(test)]
mod tests;

pub use relations::Relations;

use crate::auth::Principal;
use crate::problem::{Problem, Unknown};
use homeroom_actors::Lens;
use homeroom_actors::domain::{Action, Rules};
use homeroom_actors::engine::Audience;
use homeroom_actors::topics::{BoardName, TopicName};
use homeroom_schema::records::TokenRole;
use homeroom_schema::{TeamId, UserId};

/// Yes, or the problem that says no.
pub type Decision<T = ()> = Result<T, Problem>;

/// Tokens: listing and ending them.
///
/// # Errors
/// 403 for all but admins.
pub fn may_manage_tokens(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin])
}

/// Making a token of a role.
///
/// # Errors
/// 403: admins make all, services make student, mentor and projector tokens.
pub fn may_make_token(caller: &Principal, role: TokenRole) -> Decision {
    only(caller, &[TokenRole::Admin, TokenRole::Service])?;
    let privileged = matches!(role, TokenRole::Admin | TokenRole::Service);
    if caller.role == TokenRole::Service && privileged {
        return Err(Problem::forbidden_field(
            "role",
            "must be student, mentor or projector for a service token",
        ));
    }
    Ok(())
}

/// Writing roster and catalogue, importing.
///
/// # Errors
/// 403 for all but admins and services.
pub fn may_write_roster(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin, TokenRole::Service])
}

/// Saying whether somebody is on boards, and reading it: oneself, admins and services.
///
/// # Errors
/// As [`person_lens`]; 403 about anybody else whom the caller may know about.
pub fn may_prefer(caller: &Principal, user_id: UserId, relations: &impl Relations) -> Decision {
    person_lens(caller, user_id, relations)?;
    if caller.user_id == Some(user_id) {
        return Ok(());
    }
    only(caller, &[TokenRole::Admin, TokenRole::Service])
}

/// Erasing people.
///
/// # Errors
/// 403 for all but admins.
pub fn may_erase(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin])
}

/// Reading the audit log.
///
/// # Errors
/// 403 for all but admins.
pub fn may_read_audit(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin])
}

/// Making, reading, checking and removing backups.
///
/// # Errors
/// 403 for all but admins.
pub fn may_manage_backups(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin])
}

/// Seeing, previewing and changing the rules in force.
///
/// # Errors
/// 403 for all but admins.
pub fn may_rule(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin])
}

/// Setting the class up and changing it, merging doubles.
///
/// # Errors
/// 403 for all but admins.
pub fn may_host(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin])
}

/// Giving a person a new PIN: admins and services, their mentor, themselves.
///
/// # Errors
/// 403 for projectors, and for students about teammates; 404 for people whom the caller may not know about.
pub fn may_set_pin(caller: &Principal, user_id: UserId, relations: &impl Relations) -> Decision {
    match person_lens(caller, user_id, relations)? {
        Lens::Staff => Ok(()),
        _ => Err(no_right()),
    }
}

/// Reading the catalogue and lists of the roster (of what one may see).
///
/// # Errors
/// 403 for projectors.
pub fn may_read_roster(caller: &Principal) -> Decision {
    if caller.role == TokenRole::Projector {
        return Err(no_right());
    }
    Ok(())
}

/// Sending learning events at all; each is then decided by [`may_earn`] or [`may_record_progress`].
///
/// # Errors
/// 403 for projectors.
pub fn may_send_events(caller: &Principal) -> Decision {
    may_read_roster(caller)
}

/// How a caller sees a person of the roster.
///
/// # Errors
/// 403 for projectors, 404 for people whom the caller may not know about.
pub fn person_lens(caller: &Principal, user_id: UserId, relations: &impl Relations) -> Decision<Lens> {
    may_read_roster(caller)?;
    match (caller.role, caller.user_id) {
        (TokenRole::Admin | TokenRole::Service, _) => Ok(Lens::Staff),
        (_, Some(own)) if own == user_id => Ok(Lens::Staff),
        (TokenRole::Mentor, Some(own)) if relations.mentors(own, user_id) => Ok(Lens::Staff),
        (TokenRole::Student, Some(own)) if relations.are_teammates(own, user_id) => Ok(Lens::Peer),
        _ => Err(Problem::unknown(Unknown::User)),
    }
}

/// Reading a person's progress, achievements and points.
///
/// # Errors
/// 403 for projectors, for students about teammates, for mentors about themselves; 404 for people unknown to the caller.
pub fn may_read_person(caller: &Principal, user_id: UserId, relations: &impl Relations) -> Decision {
    let lens = person_lens(caller, user_id, relations)?;
    let of_themselves = caller.role == TokenRole::Mentor && caller.user_id == Some(user_id);
    if lens != Lens::Staff || (of_themselves && !relations.mentors(user_id, user_id)) {
        return Err(no_right());
    }
    Ok(())
}

/// Recording a person's progress.
///
/// # Errors
/// As [`may_read_person`].
pub fn may_record_progress(caller: &Principal, user_id: UserId, relations: &impl Relations) -> Decision {
    may_read_person(caller, user_id, relations)
}

/// Reporting an action of a person; `team_id` is the team of a team achievement.
///
/// # Errors
/// As [`may_read_person`]; 403 for students about actions that rules do not let them report; 404 for a mentor about a
/// team that is not theirs.
pub fn may_earn(
    caller: &Principal,
    user_id: UserId,
    action: Action,
    team_id: Option<TeamId>,
    rules: &Rules,
    relations: &impl Relations,
) -> Decision {
    may_read_person(caller, user_id, relations)?;
    match (caller.role, team_id) {
        (TokenRole::Student, _) if !rules.is_self_reportable(action) => Err(Problem::forbidden_field(
            "action_type",
            "is not for students to report of themselves",
        )),
        (TokenRole::Mentor, Some(team_id)) => team_lens(caller, team_id, relations).map(drop),
        _ => Ok(()),
    }
}

/// Whether a caller may say when something happened.
#[must_use]
pub const fn may_say_when(caller: &Principal) -> bool {
    matches!(caller.role, TokenRole::Admin | TokenRole::Service)
}

/// Taking awards back and giving them again, at all; whose is then decided by [`may_correct_of`].
///
/// # Errors
/// 403 for services, students and projectors.
pub fn may_correct(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin, TokenRole::Mentor])
}

/// Taking back an award of this person.
///
/// # Errors
/// As [`may_correct`]; 404 for a mentor about an entry of somebody who is no member of theirs.
pub fn may_correct_of(caller: &Principal, user_id: UserId, relations: &impl Relations) -> Decision {
    may_correct(caller)?;
    let mentors = caller.user_id.is_some_and(|own| relations.mentors(own, user_id));
    if caller.role == TokenRole::Mentor && !mentors {
        return Err(Problem::unknown(Unknown::Event));
    }
    Ok(())
}

/// Giving points by hand to this person.
///
/// # Errors
/// As [`may_correct`]; 404 for a mentor about somebody who is no member of theirs.
pub fn may_grant(caller: &Principal, user_id: UserId, relations: &impl Relations) -> Decision {
    may_correct(caller)?;
    let mentors = caller.user_id.is_some_and(|own| relations.mentors(own, user_id));
    if caller.role == TokenRole::Mentor && !mentors {
        return Err(Problem::unknown(Unknown::User));
    }
    Ok(())
}

/// How a caller sees a team: its page, its performance, its topic.
///
/// # Errors
/// 404 for students and mentors about teams that are not their own.
pub fn team_lens(caller: &Principal, team_id: TeamId, relations: &impl Relations) -> Decision<Lens> {
    match (caller.role, caller.user_id) {
        (TokenRole::Admin | TokenRole::Service, _) => Ok(Lens::Staff),
        (TokenRole::Projector, _) => Ok(Lens::Projector),
        (TokenRole::Mentor, Some(own)) if relations.is_mentor_of(own, team_id) => Ok(Lens::Staff),
        (TokenRole::Student, Some(own)) if relations.is_member(team_id, own) => Ok(Lens::Peer),
        _ => Err(Problem::unknown(Unknown::Team)),
    }
}

/// How a caller sees analytics of a team; of everybody without one.
///
/// # Errors
/// 403 for students and projectors; 404 for mentors about teams that are not their own; 422 for mentors without a team.
pub fn analytics_lens(caller: &Principal, team_id: Option<TeamId>, relations: &impl Relations) -> Decision<Lens> {
    staff_lens(caller, team_id, relations)
}

/// What is for staff alone, about a team or, for those above all teams, everybody.
///
/// # Errors
/// 403 for students and projectors; 404 for mentors about teams that are not their own; 422 for mentors without a team.
fn staff_lens(caller: &Principal, team_id: Option<TeamId>, relations: &impl Relations) -> Decision<Lens> {
    only(caller, &[TokenRole::Admin, TokenRole::Service, TokenRole::Mentor])?;
    match team_id {
        Some(team_id) => team_lens(caller, team_id, relations),
        None if caller.role == TokenRole::Mentor => Err(Problem::invalid(
            "team_id",
            "is required for mentors: one of their own teams",
        )),
        None => Ok(Lens::Staff),
    }
}

/// Seeing which members of a team are stuck, silent or nearly there.
///
/// # Errors
/// 404 for teams that the caller may not know about; 403 for students and projectors.
pub fn may_see_signals(caller: &Principal, team_id: TeamId, relations: &impl Relations) -> Decision {
    if team_lens(caller, team_id, relations)? != Lens::Staff {
        return Err(no_right());
    }
    Ok(())
}

/// How a caller sees a board and its topic.
///
/// # Errors
/// 403 `leaderboards_off` where there are none; 404 for students and mentors about the board of a team that is not their own.
pub fn board_lens(caller: &Principal, board: BoardName, relations: &impl Relations) -> Decision<Lens> {
    if !relations.has_boards() {
        let detail = "This node keeps no leaderboards.";
        return Err(Problem::new(403, "leaderboards_off", "No leaderboards", detail));
    }
    match (board, caller.role) {
        (BoardName::Team(team_id), _) => team_lens(caller, team_id, relations),
        (_, TokenRole::Admin | TokenRole::Service) => Ok(Lens::Staff),
        (_, TokenRole::Mentor | TokenRole::Student) => Ok(Lens::Peer),
        (_, TokenRole::Projector) => Ok(Lens::Projector),
    }
}

/// How a caller sees a topic.
///
/// # Errors
/// As the page that shows the same.
pub fn topic_lens(caller: &Principal, topic: TopicName, relations: &impl Relations) -> Decision<Lens> {
    match topic {
        TopicName::User(user_id) => may_read_person(caller, user_id, relations).map(|()| Lens::Staff),
        TopicName::Team(team_id) => team_lens(caller, team_id, relations),
        TopicName::Board(board, _) => board_lens(caller, board, relations),
        TopicName::Presence(team_id) => presence_lens(caller, team_id, relations),
        TopicName::Announcements(audience) => announcements_lens(caller, audience, relations),
        // Who is honoured is who is on the board of all.
        TopicName::Honours => board_lens(caller, BoardName::All, relations),
    }
}

/// How a caller sees who is here in a team.
///
/// # Errors
/// As [`team_lens`]; 403 for projectors.
pub fn presence_lens(caller: &Principal, team_id: TeamId, relations: &impl Relations) -> Decision<Lens> {
    may_read_roster(caller)?;
    team_lens(caller, team_id, relations)
}

/// How a caller sees announcements to everybody, or to one team.
///
/// # Errors
/// As [`team_lens`].
pub fn announcements_lens(caller: &Principal, audience: Audience, relations: &impl Relations) -> Decision<Lens> {
    match (audience, caller.role) {
        (Some(team_id), _) => team_lens(caller, team_id, relations),
        (None, TokenRole::Admin | TokenRole::Service) => Ok(Lens::Staff),
        (None, TokenRole::Mentor | TokenRole::Student) => Ok(Lens::Peer),
        (None, TokenRole::Projector) => Ok(Lens::Projector),
    }
}

/// Announcing at all; to whom is then decided by [`may_announce`].
///
/// # Errors
/// 403 for students and projectors.
pub fn may_announce_at_all(caller: &Principal) -> Decision {
    only(caller, &[TokenRole::Admin, TokenRole::Service, TokenRole::Mentor])
}

/// Announcing something to everybody, or to one team.
///
/// # Errors
/// 403 for students and projectors; 404 for mentors about teams that are not their own; 422 for mentors without a team.
pub fn may_announce(caller: &Principal, audience: Audience, relations: &impl Relations) -> Decision {
    staff_lens(caller, audience, relations).map(drop)
}

/// Taking an announcement of this author back.
///
/// # Errors
/// 403 for students and projectors; 404 for mentors about what they did not say.
pub fn may_take_back(caller: &Principal, author: Option<UserId>) -> Decision {
    only(caller, &[TokenRole::Admin, TokenRole::Service, TokenRole::Mentor])?;
    if caller.role == TokenRole::Mentor && (author.is_none() || author != caller.user_id) {
        return Err(Problem::unknown(Unknown::Announcement));
    }
    Ok(())
}

fn only(caller: &Principal, roles: &[TokenRole]) -> Decision {
    if roles.contains(&caller.role) {
        Ok(())
    } else {
        Err(no_right())
    }
}

fn no_right() -> Problem {
    Problem::forbidden("This token has no right to do that.")
}
