//! What an import comes to: all of its rows, or the first bad ones. Pure.
//!
//! Only what differs is kept, so that a daily import of the same school writes nothing. A person's role and alias stay as
//! they are when the import does not give them; everything else is as the import says.

use super::event::{EVENT_ENTRIES_MAX, EnrolmentRef, MemberRef, RosterEvent, TeamPut, UnitPut, UserPut};
use super::plan::Plan;
use super::state::RosterState;
use super::{Import, ImportError, RosterOutcome};
use homeroom_schema::limits::{PROBLEM_ERRORS_MAX, TEAM_MEMBERS_MAX};
use homeroom_schema::records::{
    EnrolmentRecord, MemberRecord, QualificationRecord, Row, TeamRecord, UnitRecord, UserRecord, UserRole,
};
use homeroom_schema::{QualificationId, TeamId, TimeMs, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;

/// Plans an import; it is alone in its batch.
pub(super) fn plan(state: &RosterState, mut import: Import, now: TimeMs) -> Plan {
    let errors = errors(state, &import);
    if !errors.is_empty() {
        return Plan {
            rows: Vec::new(),
            events: Vec::new(),
            outcome: RosterOutcome::ImportRefused(errors),
        };
    }
    let skipped_erased = leave_out_erased(state, &mut import);
    let mut upserts = Upserts {
        state,
        now,
        rows: Vec::new(),
        events: Vec::new(),
    };
    // Entities before what refers to them: rows are applied in order, under foreign keys.
    let outcome = RosterOutcome::Imported {
        qualifications: upserts.qualifications(import.qualifications),
        units: upserts.units(import.units),
        users: upserts.users(import.users),
        teams: upserts.teams(import.teams),
        team_members: upserts.team_members(import.team_members),
        enrolments: upserts.enrolments(import.enrolments),
        skipped_erased,
    };
    Plan {
        rows: upserts.rows,
        events: upserts.events,
        outcome,
    }
}

/// Takes the rows of erased people out, and says whose they were.
fn leave_out_erased(state: &RosterState, import: &mut Import) -> Vec<UserId> {
    let mut skipped = BTreeSet::new();
    let mut is_kept = |user_id: UserId| {
        let is_erased = state.refuse_erased(user_id).is_err();
        if is_erased {
            skipped.insert(user_id);
        }
        !is_erased
    };
    import.users.retain(|row| is_kept(row.0));
    for team in &mut import.teams {
        team.2 = team.2.filter(|mentor_id| is_kept(*mentor_id));
    }
    import.team_members.retain(|row| is_kept(row.1));
    import.enrolments.retain(|row| is_kept(row.1));
    skipped.into_iter().collect()
}

/// The first bad rows, at most [`PROBLEM_ERRORS_MAX`].
fn errors(state: &RosterState, import: &Import) -> Vec<ImportError> {
    let qualifications: BTreeSet<_> = import.qualifications.iter().map(|row| row.0).collect();
    let users: BTreeSet<_> = import.users.iter().map(|row| row.0).collect();
    let teams: BTreeSet<_> = import.teams.iter().map(|row| row.0).collect();
    let no_qualification =
        |id: QualificationId| !qualifications.contains(&id) && state.active_qualification(id).is_none();
    // Rows of erased people are left out, whatever they say.
    let no_user =
        |id: UserId| !users.contains(&id) && state.active_user(id).is_none() && state.refuse_erased(id).is_ok();
    let no_team = |id: TeamId| !teams.contains(&id) && state.active_team(id).is_none();

    let units = import.units.iter().enumerate().filter_map(|(index, row)| {
        let id = row.2.filter(|id| no_qualification(*id))?;
        Some(unknown("units", index, "qualification_id", "qualification", id))
    });
    let mentors = import.teams.iter().enumerate().filter_map(|(index, row)| {
        let id = row.2.filter(|id| no_user(*id))?;
        Some(unknown("teams", index, "mentor_id", "user", id))
    });
    let members = import.team_members.iter().enumerate().flat_map(|(index, row)| {
        let team = no_team(row.0).then(|| unknown("team_members", index, "team_id", "team", row.0));
        let user = no_user(row.1).then(|| unknown("team_members", index, "user_id", "user", row.1));
        team.into_iter().chain(user)
    });
    let enrolments = import.enrolments.iter().enumerate().flat_map(|(index, row)| {
        let qualification =
            no_qualification(row.0).then(|| unknown("enrolments", index, "qualification_id", "qualification", row.0));
        let user = no_user(row.1).then(|| unknown("enrolments", index, "user_id", "user", row.1));
        qualification.into_iter().chain(user)
    });
    taken(state, import)
        .chain(units)
        .chain(mentors)
        .chain(members)
        .chain(enrolments)
        .chain(overfull(state, import))
        .take(PROBLEM_ERRORS_MAX)
        .collect()
}

/// Rows that make something under an id that is taken.
fn taken<'i>(state: &'i RosterState, import: &'i Import) -> impl Iterator<Item = ImportError> + 'i {
    let new = &import.must_be_new;
    let users = import.users.iter().map(|row| row.0);
    let users = users.map(|id| new.users.contains(&id) && state.users.contains_key(&id));
    let teams = import.teams.iter().map(|row| row.0);
    let teams = teams.map(|id| new.teams.contains(&id) && state.teams.contains_key(&id));
    let units = import.units.iter().map(|row| row.0);
    let units = units.map(|id| new.units.contains(&id) && state.units.contains_key(&id));
    let qualifications = import.qualifications.iter().map(|row| row.0);
    let qualifications =
        qualifications.map(|id| new.qualifications.contains(&id) && state.qualifications.contains_key(&id));
    let named = |list: &'static str| {
        move |(index, is_taken): (usize, bool)| {
            is_taken.then(|| ImportError {
                list,
                index,
                field: "id",
                message: "is taken already".into(),
            })
        }
    };
    qualifications
        .enumerate()
        .filter_map(named("qualifications"))
        .chain(units.enumerate().filter_map(named("units")))
        .chain(users.enumerate().filter_map(named("users")))
        .chain(teams.enumerate().filter_map(named("teams")))
}

fn unknown(list: &'static str, index: usize, field: &'static str, kind: &str, id: impl Display) -> ImportError {
    ImportError {
        list,
        index,
        field,
        message: format!("unknown {kind} {id}"),
    }
}

/// Rows that would give a team more members than it may have.
fn overfull(state: &RosterState, import: &Import) -> Vec<ImportError> {
    // How many members a team has, and who comes to it.
    let mut teams: HashMap<TeamId, (usize, BTreeSet<UserId>)> = HashMap::new();
    let mut errors = Vec::new();
    for (index, (team_id, user_id, _)) in import.team_members.iter().enumerate() {
        if state.membership(*team_id, *user_id).is_some() || state.refuse_erased(*user_id).is_err() {
            continue;
        }
        let team = teams.entry(*team_id);
        let (present, added) = team.or_insert_with(|| (state.member_count(*team_id), BTreeSet::new()));
        if *present + added.len() < TEAM_MEMBERS_MAX {
            added.insert(*user_id);
        } else if !added.contains(user_id) && errors.len() < PROBLEM_ERRORS_MAX {
            errors.push(ImportError {
                list: "team_members",
                index,
                field: "team_id",
                message: format!("team {team_id} is full"),
            });
        }
    }
    errors
}

/// Rows and facts of what differs, list by list. Each list gives the number of different ids in it.
struct Upserts<'a> {
    state: &'a RosterState,
    now: TimeMs,
    rows: Vec<Row>,
    events: Vec<RosterEvent>,
}

impl Upserts<'_> {
    fn qualifications(&mut self, rows: Vec<(QualificationId, String)>) -> usize {
        let last: BTreeMap<_, _> = rows.into_iter().collect();
        let count = last.len();
        let mut put = Vec::new();
        for (qualification_id, name) in last {
            let before = self.state.qualifications.get(&qualification_id);
            let row = QualificationRecord {
                qualification_id,
                name,
                created_at: before.map_or(self.now, |row| row.created_at),
                archived_at: None,
            };
            if before != Some(&row) {
                put.push(qualification_id);
                self.rows.push(Row::Qualification(row));
            }
        }
        self.note(&put, |qualifications| RosterEvent::QualificationsPut { qualifications });
        count
    }

    fn units(&mut self, rows: Vec<super::ImportUnit>) -> usize {
        let last: BTreeMap<_, _> = rows.into_iter().map(|row| (row.0, row)).collect();
        let count = last.len();
        let mut put = Vec::new();
        for (unit_id, title, qualification_id, skills) in last.into_values() {
            let before = self.state.units.get(&unit_id);
            let row = UnitRecord {
                unit_id,
                title,
                qualification_id,
                skills,
                created_at: before.map_or(self.now, |unit| unit.created_at),
                archived_at: None,
            };
            if before != Some(&row) {
                put.push(UnitPut {
                    id: unit_id,
                    qualification_id,
                    skills: row.skills.clone(),
                });
                self.rows.push(Row::Unit(row));
            }
        }
        self.note(&put, |units| RosterEvent::UnitsPut { units });
        count
    }

    fn users(&mut self, rows: Vec<super::ImportUser>) -> usize {
        let last: BTreeMap<_, _> = rows.into_iter().map(|row| (row.0, row)).collect();
        let count = last.len();
        let mut put = Vec::new();
        for (user_id, name, alias, role) in last.into_values() {
            let before = self.state.users.get(&user_id);
            let row = UserRecord {
                user_id,
                name,
                alias: alias.or_else(|| before.and_then(|user| user.alias.clone())),
                role: role.or(before.map(|user| user.role)).unwrap_or(UserRole::Student),
                created_at: before.map_or(self.now, |user| user.created_at),
                archived_at: None,
                erased_at: None,
            };
            if before != Some(&row) {
                put.push(UserPut {
                    id: user_id,
                    role: row.role,
                });
                self.rows.push(Row::User(row));
            }
        }
        self.note(&put, |users| RosterEvent::UsersPut { users });
        count
    }

    fn teams(&mut self, rows: Vec<(TeamId, String, Option<UserId>)>) -> usize {
        let last: BTreeMap<_, _> = rows.into_iter().map(|row| (row.0, row)).collect();
        let count = last.len();
        let mut put = Vec::new();
        for (team_id, name, mentor_id) in last.into_values() {
            let before = self.state.teams.get(&team_id);
            let row = TeamRecord {
                team_id,
                name,
                mentor_id,
                created_at: before.map_or(self.now, |team| team.created_at),
                archived_at: None,
            };
            if before != Some(&row) {
                put.push(TeamPut { id: team_id, mentor_id });
                self.rows.push(Row::Team(row));
            }
        }
        self.note(&put, |teams| RosterEvent::TeamsPut { teams });
        count
    }

    fn team_members(&mut self, rows: Vec<(TeamId, UserId, Option<String>)>) -> usize {
        let last: BTreeMap<_, _> = rows
            .into_iter()
            .map(|(team, user, role)| ((team, user), role))
            .collect();
        let count = last.len();
        let mut put = Vec::new();
        for ((team_id, user_id), role) in last {
            let before = self.state.membership(team_id, user_id);
            if before.is_some_and(|before| before.role == role) {
                continue;
            }
            put.push(MemberRef { team_id, user_id });
            self.rows.push(Row::Member(MemberRecord {
                team_id,
                user_id,
                role,
                joined_at: before.map_or(self.now, |before| before.joined_at),
            }));
        }
        self.note(&put, |members| RosterEvent::MembersPut { members });
        count
    }

    fn enrolments(&mut self, rows: Vec<(QualificationId, UserId)>) -> usize {
        let last: BTreeSet<_> = rows.into_iter().collect();
        let count = last.len();
        let mut put = Vec::new();
        for (qualification_id, user_id) in last {
            if self.state.is_enrolled(user_id, qualification_id) {
                continue;
            }
            put.push(EnrolmentRef {
                qualification_id,
                user_id,
            });
            self.rows.push(Row::Enrolment(EnrolmentRecord {
                qualification_id,
                user_id,
                enrolled_at: self.now,
            }));
        }
        self.note(&put, |enrolments| RosterEvent::Enrolled { enrolments });
        count
    }

    fn note<T: Clone>(&mut self, entries: &[T], event: impl Fn(Vec<T>) -> RosterEvent) {
        let chunks = entries.chunks(EVENT_ENTRIES_MAX);
        self.events.extend(chunks.map(|chunk| event(chunk.to_vec())));
    }
}
