//! Whom kept rows concern: what boards and teams have to look at again. Pure.

use super::state::RosterState;
use crate::hub::RosterChange;
use homeroom_schema::records::Row;
use homeroom_schema::{EventId, QualificationId, TeamId, UnitId, UserId};
use std::collections::BTreeSet;

/// What `rows` concern, given the state before them.
pub(super) fn touched(before: &RosterState, rows: &[Row], event_id: EventId) -> RosterChange {
    let mut users: BTreeSet<UserId> = BTreeSet::new();
    let mut teams: BTreeSet<TeamId> = BTreeSet::new();
    let mut qualifications: BTreeSet<QualificationId> = BTreeSet::new();
    let mut units: BTreeSet<UnitId> = BTreeSet::new();
    let mut erased: Vec<UserId> = Vec::new();
    for row in rows {
        match row {
            Row::User(user) => {
                users.insert(user.user_id);
                // Archived members leave their teams' boards, and come back to them.
                teams.extend(before.teams_of(user.user_id));
            }
            Row::Preference(row) => drop(users.insert(row.user_id)),
            Row::Erased { user_id, .. } => {
                erased.push(*user_id);
                users.insert(*user_id);
                teams.extend(before.teams_naming(*user_id));
                qualifications.extend(before.enrolments_of(*user_id).map(|(id, _)| id));
            }
            Row::Qualification(row) => drop(qualifications.insert(row.qualification_id)),
            Row::Unit(unit) => {
                units.insert(unit.unit_id);
                let unit_before = before.units.get(&unit.unit_id);
                qualifications.extend(unit_before.and_then(|unit| unit.qualification_id));
                qualifications.extend(unit.qualification_id);
            }
            Row::Team(team) => drop(teams.insert(team.team_id)),
            Row::Member(member) => drop(teams.insert(member.team_id)),
            Row::MemberRemoved { team_id, .. } => drop(teams.insert(*team_id)),
            Row::Enrolment(enrolment) => {
                qualifications.insert(enrolment.qualification_id);
                users.insert(enrolment.user_id);
            }
            Row::EnrolmentRemoved {
                qualification_id,
                user_id,
            } => {
                qualifications.insert(*qualification_id);
                users.insert(*user_id);
            }
            _ => {}
        }
    }
    RosterChange {
        event_id,
        users: users.into_iter().collect(),
        teams: teams.into_iter().collect(),
        qualifications: qualifications.into_iter().collect(),
        units: units.into_iter().collect(),
        erased,
    }
}
