//! Whether the tables of the roster and the catalogue are what the roster's own stream makes. Names are in the tables alone.

use super::Findings;
use crate::roster::{EntityKind, RosterEvent};
use homeroom_schema::limits::STREAM_PAGE_MAX;
use homeroom_schema::records::{RosterRecords, StreamId, UserRole};
use homeroom_schema::sqlite::DatabaseFile;
use homeroom_schema::{QualificationId, StoreError, TeamId, UnitId, UserId, Version};
use std::collections::{BTreeMap, BTreeSet};

/// Compares all tables of the roster with its stream.
pub(super) fn compare(file: &DatabaseFile, findings: &mut Findings) -> Result<(), StoreError> {
    let Some(made) = fold(file, findings)? else {
        return Ok(());
    };
    let kept = Roster::of(&file.roster()?);
    differing("people", &made.users, &kept.users, findings);
    differing("teams", &made.teams, &kept.teams, findings);
    differing("qualifications", &made.qualifications, &kept.qualifications, findings);
    differing("units", &made.units, &kept.units, findings);
    if made.members != kept.members {
        findings.note("the memberships differ from the roster's stream");
    }
    if made.enrolments != kept.enrolments {
        findings.note("the enrolments differ from the roster's stream");
    }
    Ok(())
}

/// A person: role and whether archived; none once erased.
type Person = Option<(UserRole, bool)>;

/// All that both the stream and the tables say.
#[derive(Default)]
struct Roster {
    users: BTreeMap<UserId, Person>,
    /// Mentor, and whether archived.
    teams: BTreeMap<TeamId, (Option<UserId>, bool)>,
    /// Whether archived.
    qualifications: BTreeMap<QualificationId, bool>,
    /// Qualification, skills, and whether archived.
    units: BTreeMap<UnitId, (Option<QualificationId>, Vec<String>, bool)>,
    members: BTreeSet<(TeamId, UserId)>,
    enrolments: BTreeSet<(QualificationId, UserId)>,
}

fn differing<I: Ord, T: PartialEq>(what: &str, made: &BTreeMap<I, T>, kept: &BTreeMap<I, T>, findings: &mut Findings) {
    let agree = made.iter().filter(|(id, one)| kept.get(id) == Some(one)).count();
    let differ = made.len().max(kept.len()) - agree;
    if differ > 0 {
        findings.note(format!("{differ} of the {what} differ from the roster's stream"));
    }
}

/// The roster that its stream makes; none when a fact cannot be read, which is then noted.
fn fold(file: &DatabaseFile, findings: &mut Findings) -> Result<Option<Roster>, StoreError> {
    let mut roster = Roster::default();
    let mut after = Version::ZERO;
    loop {
        let page = file.stream(StreamId::ROSTER, after, STREAM_PAGE_MAX)?;
        for stored in &page {
            after = stored.version;
            let Ok(event) = serde_json::from_str(&stored.body) else {
                findings.note(format!("event {} is no fact of the roster", stored.event_id));
                return Ok(None);
            };
            roster.take(event);
        }
        if page.len() < STREAM_PAGE_MAX {
            return Ok(Some(roster));
        }
    }
}

impl Roster {
    fn of(records: &RosterRecords) -> Self {
        let users = records.users.iter().map(|user| {
            let person = (user.role, user.archived_at.is_some());
            (user.user_id, user.erased_at.is_none().then_some(person))
        });
        let teams = records.teams.iter();
        let qualifications = records.qualifications.iter();
        let units = records.units.iter().map(|unit| {
            let said = (unit.qualification_id, unit.skills.clone(), unit.archived_at.is_some());
            (unit.unit_id, said)
        });
        Self {
            users: users.collect(),
            teams: teams
                .map(|team| (team.team_id, (team.mentor_id, team.archived_at.is_some())))
                .collect(),
            qualifications: qualifications
                .map(|one| (one.qualification_id, one.archived_at.is_some()))
                .collect(),
            units: units.collect(),
            members: records.members.iter().map(|row| (row.team_id, row.user_id)).collect(),
            enrolments: (records.enrolments.iter())
                .map(|row| (row.qualification_id, row.user_id))
                .collect(),
        }
    }

    fn take(&mut self, event: RosterEvent) {
        match event {
            RosterEvent::UsersPut { users } => {
                let users = users.iter().map(|user| (user.id, Some((user.role, false))));
                self.users.extend(users);
            }
            RosterEvent::QualificationsPut { qualifications } => {
                self.qualifications.extend(qualifications.iter().map(|id| (*id, false)));
            }
            RosterEvent::UnitsPut { units } => {
                let units = units.into_iter();
                self.units
                    .extend(units.map(|unit| (unit.id, (unit.qualification_id, unit.skills, false))));
            }
            RosterEvent::TeamsPut { teams } => {
                self.teams
                    .extend(teams.iter().map(|team| (team.id, (team.mentor_id, false))));
            }
            RosterEvent::MembersPut { members } => {
                let members = members.iter().map(|row| (row.team_id, row.user_id));
                self.members.extend(members);
            }
            RosterEvent::MembersRemoved { members } => {
                for row in members {
                    self.members.remove(&(row.team_id, row.user_id));
                }
            }
            RosterEvent::Enrolled { enrolments } => {
                let enrolments = enrolments.iter().map(|row| (row.qualification_id, row.user_id));
                self.enrolments.extend(enrolments);
            }
            RosterEvent::Unenrolled { enrolments } => {
                for row in enrolments {
                    self.enrolments.remove(&(row.qualification_id, row.user_id));
                }
            }
            RosterEvent::Archived { entity, id } => self.archive(entity, id),
            RosterEvent::PreferencePut { .. } => {}
            RosterEvent::UserErased { id } => self.erase(id),
        }
    }

    fn archive(&mut self, entity: EntityKind, id: u64) {
        match entity {
            EntityKind::User => {
                if let Ok(Some(Some(user))) = UserId::new(id).map(|id| self.users.get_mut(&id)) {
                    user.1 = true;
                }
            }
            EntityKind::Team => {
                if let Ok(Some(team)) = TeamId::new(id).map(|id| self.teams.get_mut(&id)) {
                    team.1 = true;
                }
            }
            EntityKind::Qualification => {
                if let Ok(Some(is_archived)) = QualificationId::new(id).map(|id| self.qualifications.get_mut(&id)) {
                    *is_archived = true;
                }
            }
            EntityKind::Unit => {
                if let Ok(Some(unit)) = UnitId::new(id).map(|id| self.units.get_mut(&id)) {
                    unit.2 = true;
                }
            }
        }
    }

    fn erase(&mut self, user_id: UserId) {
        self.users.insert(user_id, None);
        self.members.retain(|(_, member)| *member != user_id);
        self.enrolments.retain(|(_, learner)| *learner != user_id);
        for (mentor, _) in self.teams.values_mut() {
            *mentor = mentor.filter(|mentor| *mentor != user_id);
        }
    }
}
