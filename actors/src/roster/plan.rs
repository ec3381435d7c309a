//! What one roster command comes to: rows and facts to keep, or why not. Pure; decides on durable state alone.

mod entities;
mod links;

use super::event::RosterEvent;
use super::import;
use super::state::RosterState;
use super::{Entity, RosterCommand, RosterOutcome};
use crate::error::EngineError;
use homeroom_schema::records::Row;
use homeroom_schema::{QualificationId, TeamId, TimeMs, UnitId, UserId};
use std::collections::{HashMap, HashSet};

/// What is to be kept for one command, and the answer when it is. Without rows there is nothing to keep.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rows: Vec<Row>,
    pub(crate) events: Vec<RosterEvent>,
    pub(crate) outcome: RosterOutcome,
}

/// The next ids to try. Ids that are in use, archived ones too, are skipped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NextIds {
    user: u64,
    qualification: u64,
    unit: u64,
    team: u64,
}

impl Default for NextIds {
    fn default() -> Self {
        Self {
            user: 1,
            qualification: 1,
            unit: 1,
            team: 1,
        }
    }
}

/// What the commands of one batch have touched so far: all of them are decided on the state before the batch, so none may
/// rest on what another one changes.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    written: HashSet<Touched>,
    read: HashSet<Touched>,
    members_added: HashMap<TeamId, usize>,
    is_full: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Touched {
    User(UserId),
    Entity(Entity),
    Member(TeamId, UserId),
    Enrolment(QualificationId, UserId),
}

impl Batch {
    /// Takes a command in, unless it rests on what the batch changes: then it has to wait for the next one.
    pub(crate) fn admits(&mut self, command: &RosterCommand) -> bool {
        // An erasure touches whatever names the person.
        if matches!(command, RosterCommand::Import(_) | RosterCommand::EraseUser { .. }) {
            let is_alone = !self.is_full && self.written.is_empty() && self.read.is_empty();
            self.is_full = true;
            return is_alone;
        }
        let (written, read) = touches(command);
        let conflicts = self.is_full
            || written
                .iter()
                .any(|it| self.written.contains(it) || self.read.contains(it))
            || read.iter().any(|it| self.written.contains(it));
        if !conflicts {
            self.written.extend(written);
            self.read.extend(read);
        }
        !conflicts
    }

    fn gives(&mut self, id: Touched) -> bool {
        self.written.insert(id)
    }
}

fn touches(command: &RosterCommand) -> (Vec<Touched>, Vec<Touched>) {
    let user = |id: &UserId| Touched::User(*id);
    let qualification = |id: &QualificationId| Touched::Entity(Entity::Qualification(*id));
    let unit = |id: &UnitId| Touched::Entity(Entity::Unit(*id));
    let team = |id: &TeamId| Touched::Entity(Entity::Team(*id));
    let listed = |it: Option<Touched>| it.into_iter().collect::<Vec<_>>();
    match command {
        RosterCommand::PutUser { user_id, .. } => (listed(user_id.as_ref().map(user)), vec![]),
        RosterCommand::PatchUser { user_id, .. } | RosterCommand::SetPreference { user_id, .. } => {
            (vec![user(user_id)], vec![])
        }
        RosterCommand::PutQualification { qualification_id, .. } => {
            (listed(qualification_id.as_ref().map(qualification)), vec![])
        }
        RosterCommand::PatchQualification { qualification_id, .. } => (vec![qualification(qualification_id)], vec![]),
        RosterCommand::PutUnit {
            unit_id,
            qualification_id,
            ..
        } => (
            listed(unit_id.as_ref().map(unit)),
            listed(qualification_id.as_ref().map(qualification)),
        ),
        RosterCommand::PatchUnit {
            unit_id,
            qualification_id,
            ..
        } => (
            vec![unit(unit_id)],
            listed(qualification_id.flatten().as_ref().map(qualification)),
        ),
        RosterCommand::PutTeam { team_id, mentor_id, .. } => {
            (listed(team_id.as_ref().map(team)), listed(mentor_id.as_ref().map(user)))
        }
        RosterCommand::PatchTeam { team_id, mentor_id, .. } => {
            (vec![team(team_id)], listed(mentor_id.flatten().as_ref().map(user)))
        }
        RosterCommand::Archive(entity) => (vec![Touched::Entity(*entity)], vec![]),
        RosterCommand::PutMember { team_id, user_id, .. } | RosterCommand::RemoveMember { team_id, user_id } => (
            vec![Touched::Member(*team_id, *user_id)],
            vec![team(team_id), user(user_id)],
        ),
        RosterCommand::Enrol {
            qualification_id,
            user_id,
        }
        | RosterCommand::Unenrol {
            qualification_id,
            user_id,
        } => (
            vec![Touched::Enrolment(*qualification_id, *user_id)],
            vec![qualification(qualification_id), user(user_id)],
        ),
        RosterCommand::Import(_) | RosterCommand::EraseUser { .. } => (vec![], vec![]),
    }
}

/// Plans one command that `batch` has taken in.
pub(crate) fn plan(
    state: &RosterState,
    batch: &mut Batch,
    next: &mut NextIds,
    command: RosterCommand,
    now: TimeMs,
) -> Result<Plan, EngineError> {
    let mut planner = Planner {
        state,
        batch,
        next,
        now,
    };
    match command {
        RosterCommand::PutUser { .. } | RosterCommand::PatchUser { .. } => planner.user(command),
        RosterCommand::SetPreference {
            user_id,
            on_boards,
            own,
            lock_ms,
        } => planner.set_preference(user_id, on_boards, own, lock_ms),
        RosterCommand::EraseUser { user_id, erased_at } => planner.erase(user_id, erased_at),
        RosterCommand::PutQualification { .. } | RosterCommand::PatchQualification { .. } => {
            planner.qualification(command)
        }
        RosterCommand::PutUnit { .. } | RosterCommand::PatchUnit { .. } => planner.unit(command),
        RosterCommand::PutTeam { .. } | RosterCommand::PatchTeam { .. } => planner.team(command),
        RosterCommand::Archive(entity) => planner.archive(entity),
        RosterCommand::PutMember { team_id, user_id, role } => planner.put_member(team_id, user_id, role),
        RosterCommand::RemoveMember { team_id, user_id } => planner.remove_member(team_id, user_id),
        RosterCommand::Enrol {
            qualification_id,
            user_id,
        } => planner.enrol(qualification_id, user_id),
        RosterCommand::Unenrol {
            qualification_id,
            user_id,
        } => planner.unenrol(qualification_id, user_id),
        RosterCommand::Import(import) => Ok(import::plan(state, *import, now)),
    }
}

/// Until when a person who changed their mind at `at` waits. A clock that went back holds nobody for longer than the lock.
pub(crate) fn locked_until(at: TimeMs, lock_ms: i64, now: TimeMs) -> Option<TimeMs> {
    let until = TimeMs(at.0.saturating_add(lock_ms));
    (at <= now && now < until).then_some(until)
}

struct Planner<'a> {
    state: &'a RosterState,
    batch: &'a mut Batch,
    next: &'a mut NextIds,
    now: TimeMs,
}
