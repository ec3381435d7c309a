//! The roster's state: the kept rows with their indexes. Changed by applying rows, so that what is read is what is kept.

use super::alias::AliasSecret;
use crate::domain::course::Course;
use crate::error::EngineError;
use homeroom_schema::records::{
    EnrolmentRecord, MemberRecord, PreferenceRecord, QualificationRecord, RosterRecords, Row, TeamRecord, UnitRecord,
    UserRecord, UserRole,
};
use homeroom_schema::{EventId, QualificationId, TeamId, TimeMs, UnitId, UserId, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A membership without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) role: Option<String>,
    pub(crate) joined_at: TimeMs,
}

impl Membership {
    /// A kept membership behind its key.
    fn of(record: MemberRecord) -> ((TeamId, UserId), Self) {
        let MemberRecord {
            team_id,
            user_id,
            role,
            joined_at,
        } = record;
        ((team_id, user_id), Self { role, joined_at })
    }
}

/// Roster and catalogue, archived rows included, with the indexes that reads need.
#[derive(Debug, Default)]
pub(crate) struct RosterState {
    pub(crate) version: Version,
    pub(crate) last_event_id: Option<EventId>,
    pub(crate) secret: AliasSecret,
    pub(crate) users: BTreeMap<UserId, UserRecord>,
    pub(crate) qualifications: BTreeMap<QualificationId, QualificationRecord>,
    pub(crate) units: BTreeMap<UnitId, UnitRecord>,
    pub(crate) teams: BTreeMap<TeamId, TeamRecord>,
    // Links stand in one map each: a map for each person or team would cost ten times the memory.
    members: BTreeMap<(TeamId, UserId), Membership>,
    enrolments: BTreeMap<(UserId, QualificationId), TimeMs>,
    teams_of: BTreeSet<(UserId, TeamId)>,
    mentored_by: BTreeSet<(UserId, TeamId)>,
    learners_of: BTreeSet<(QualificationId, UserId)>,
    /// Of those who have any.
    preferences: BTreeMap<UserId, PreferenceRecord>,
    units_of: BTreeSet<(QualificationId, UnitId)>,
    // What counts for a learner without enrolment: made once for each change of the catalogue, since most have none.
    everything: Course,
}

impl RosterState {
    /// The state of what is kept. Large maps are made at once, which packs them tighter than row by row.
    pub(crate) fn load(records: RosterRecords, secret: AliasSecret) -> Self {
        let RosterRecords {
            version,
            last_event_id,
            users,
            qualifications,
            units,
            teams,
            members,
            enrolments,
            preferences,
        } = records;
        let mut state = Self {
            version,
            last_event_id,
            secret,
            users: users.into_iter().map(|user| (user.user_id, user)).collect(),
            teams_of: members.iter().map(|member| (member.user_id, member.team_id)).collect(),
            enrolments: enrolments
                .iter()
                .map(|row| ((row.user_id, row.qualification_id), row.enrolled_at))
                .collect(),
            learners_of: enrolments
                .iter()
                .map(|row| (row.qualification_id, row.user_id))
                .collect(),
            members: members.into_iter().map(Membership::of).collect(),
            preferences: preferences.into_iter().map(|row| (row.user_id, row)).collect(),
            ..Self::default()
        };
        let rows = (qualifications.into_iter().map(Row::Qualification))
            .chain(units.into_iter().map(Row::Unit))
            .chain(teams.into_iter().map(Row::Team));
        state.apply(rows);
        state
    }

    /// Applies kept rows. Rows of other tables are not the roster's.
    pub(crate) fn apply(&mut self, rows: impl IntoIterator<Item = Row>) {
        let mut is_catalogue_changed = false;
        for row in rows {
            is_catalogue_changed |= matches!(row, Row::Unit(_) | Row::Qualification(_));
            match row {
                Row::User(user) => drop(self.users.insert(user.user_id, user)),
                Row::Erased { user_id, erased_at } => self.erase(user_id, erased_at),
                Row::Qualification(row) => drop(self.qualifications.insert(row.qualification_id, row)),
                Row::Unit(unit) => self.put_unit(unit),
                Row::Team(team) => self.put_team(team),
                Row::Member(member) => self.put_member(member),
                Row::MemberRemoved { team_id, user_id } => self.remove_member(team_id, user_id),
                Row::Preference(preference) => drop(self.preferences.insert(preference.user_id, preference)),
                Row::Enrolment(enrolment) => self.enrol(&enrolment),
                Row::EnrolmentRemoved {
                    qualification_id,
                    user_id,
                } => self.unenrol(qualification_id, user_id),
                _ => {}
            }
        }
        if is_catalogue_changed {
            self.everything = self.course_of_everything();
        }
    }

    /// What the store does with the same row.
    fn erase(&mut self, user_id: UserId, erased_at: TimeMs) {
        let before = self.users.remove(&user_id);
        let user = UserRecord {
            user_id,
            name: String::new(),
            alias: None,
            role: before.as_ref().map_or(UserRole::Student, |user| user.role),
            created_at: before.as_ref().map_or(erased_at, |user| user.created_at),
            archived_at: before.as_ref().and_then(|user| user.archived_at).or(Some(erased_at)),
            erased_at: before.and_then(|user| user.erased_at).or(Some(erased_at)),
        };
        self.users.insert(user_id, user);
        self.preferences.remove(&user_id);
        let member_of: Vec<_> = self.memberships_of(user_id).map(|(team_id, _)| team_id).collect();
        member_of
            .into_iter()
            .for_each(|team_id| self.remove_member(team_id, user_id));
        let enrolled: Vec<_> = self.enrolments_of(user_id).map(|(id, _)| id).collect();
        enrolled.into_iter().for_each(|id| self.unenrol(id, user_id));
        let mentored: Vec<_> = self.mentor_links(user_id).collect();
        for team_id in mentored {
            self.mentored_by.remove(&(user_id, team_id));
            if let Some(team) = self.teams.get_mut(&team_id) {
                team.mentor_id = None;
            }
        }
    }

    fn put_unit(&mut self, unit: UnitRecord) {
        if let Some(before) = self.units.get(&unit.unit_id).and_then(|unit| unit.qualification_id) {
            self.units_of.remove(&(before, unit.unit_id));
        }
        if let Some(now) = unit.qualification_id.filter(|_| unit.archived_at.is_none()) {
            self.units_of.insert((now, unit.unit_id));
        }
        self.units.insert(unit.unit_id, unit);
    }

    fn put_team(&mut self, team: TeamRecord) {
        if let Some(before) = self.teams.get(&team.team_id).and_then(|team| team.mentor_id) {
            self.mentored_by.remove(&(before, team.team_id));
        }
        if let Some(now) = team.mentor_id {
            self.mentored_by.insert((now, team.team_id));
        }
        self.teams.insert(team.team_id, team);
    }

    fn put_member(&mut self, member: MemberRecord) {
        let ((team_id, user_id), membership) = Membership::of(member);
        self.members.insert((team_id, user_id), membership);
        self.teams_of.insert((user_id, team_id));
    }

    fn remove_member(&mut self, team_id: TeamId, user_id: UserId) {
        self.members.remove(&(team_id, user_id));
        self.teams_of.remove(&(user_id, team_id));
    }

    fn enrol(&mut self, enrolment: &EnrolmentRecord) {
        let EnrolmentRecord {
            qualification_id,
            user_id,
            enrolled_at,
        } = *enrolment;
        self.enrolments.insert((user_id, qualification_id), enrolled_at);
        self.learners_of.insert((qualification_id, user_id));
    }

    fn unenrol(&mut self, qualification_id: QualificationId, user_id: UserId) {
        self.enrolments.remove(&(user_id, qualification_id));
        self.learners_of.remove(&(qualification_id, user_id));
    }
}

/// Questions. "Active" means there and not archived.
impl RosterState {
    pub(crate) fn active_user(&self, user_id: UserId) -> Option<&UserRecord> {
        self.users.get(&user_id).filter(|user| user.archived_at.is_none())
    }

    /// Refuses a person who was erased.
    pub(crate) fn refuse_erased(&self, user_id: UserId) -> Result<(), EngineError> {
        let user = self.users.get(&user_id);
        let is_erased = user.is_some_and(|user| user.erased_at.is_some());
        if is_erased {
            Err(EngineError::Erased(user_id))
        } else {
            Ok(())
        }
    }

    /// What a person has said about boards, if they have.
    pub(crate) fn preference(&self, user_id: UserId) -> Option<&PreferenceRecord> {
        self.preferences.get(&user_id)
    }

    /// All teams that name a person, archived ones too: as a member or as their mentor.
    pub(crate) fn teams_naming(&self, user_id: UserId) -> impl Iterator<Item = TeamId> {
        let member = self.memberships_of(user_id).map(|(team_id, _)| team_id);
        member.chain(self.mentor_links(user_id))
    }

    /// All memberships of a person, those in archived teams too, rising.
    pub(crate) fn memberships_of(&self, user_id: UserId) -> impl Iterator<Item = (TeamId, &Membership)> {
        let teams = links_of(&self.teams_of, user_id);
        teams.filter_map(move |team_id| Some((team_id, self.membership(team_id, user_id)?)))
    }

    /// All enrolments of a person, those in archived qualifications too, rising.
    pub(crate) fn enrolments_of(&self, user_id: UserId) -> impl Iterator<Item = (QualificationId, TimeMs)> {
        let of = |qualification_id| (user_id, qualification_id);
        let enrolments = self
            .enrolments
            .range(of(QualificationId::MIN)..=of(QualificationId::MAX));
        enrolments.map(|((_, id), at)| (*id, *at))
    }

    /// All teams whose mentor a person is, archived ones too, rising.
    pub(crate) fn mentor_links(&self, user_id: UserId) -> impl Iterator<Item = TeamId> {
        links_of(&self.mentored_by, user_id)
    }

    pub(crate) fn active_team(&self, team_id: TeamId) -> Option<&TeamRecord> {
        self.teams.get(&team_id).filter(|team| team.archived_at.is_none())
    }

    pub(crate) fn active_unit(&self, unit_id: UnitId) -> Option<&UnitRecord> {
        self.units.get(&unit_id).filter(|unit| unit.archived_at.is_none())
    }

    pub(crate) fn active_qualification(&self, id: QualificationId) -> Option<&QualificationRecord> {
        self.qualifications.get(&id).filter(|row| row.archived_at.is_none())
    }

    pub(crate) fn membership(&self, team_id: TeamId, user_id: UserId) -> Option<&Membership> {
        self.members.get(&(team_id, user_id))
    }

    /// How many memberships a team has, whatever is archived.
    pub(crate) fn member_count(&self, team_id: TeamId) -> usize {
        self.memberships(team_id).count()
    }

    fn memberships(&self, team_id: TeamId) -> impl Iterator<Item = (UserId, &Membership)> {
        let members = self.members.range((team_id, UserId::MIN)..=(team_id, UserId::MAX));
        members.map(|((_, user_id), membership)| (*user_id, membership))
    }

    /// Present members of an active team, rising.
    pub(crate) fn present_members(&self, team_id: TeamId) -> impl Iterator<Item = (UserId, &Membership)> {
        self.active_team(team_id)
            .into_iter()
            .flat_map(move |_| self.memberships(team_id))
            .filter(|(user_id, _)| self.active_user(*user_id).is_some())
    }

    pub(crate) fn is_member(&self, team_id: TeamId, user_id: UserId) -> bool {
        self.membership(team_id, user_id).is_some()
            && self.active_team(team_id).is_some()
            && self.active_user(user_id).is_some()
    }

    pub(crate) fn teams_of(&self, user_id: UserId) -> impl Iterator<Item = TeamId> {
        self.active(&self.teams_of, user_id)
    }

    pub(crate) fn mentored_by(&self, user_id: UserId) -> impl Iterator<Item = TeamId> {
        self.active(&self.mentored_by, user_id)
    }

    fn active<'a>(&'a self, links: &'a BTreeSet<(UserId, TeamId)>, of: UserId) -> impl Iterator<Item = TeamId> + 'a {
        links_of(links, of).filter(|team_id| self.active_team(*team_id).is_some())
    }

    /// Whether somebody is enrolled, whatever is archived.
    pub(crate) fn is_enrolled(&self, user_id: UserId, qualification_id: QualificationId) -> bool {
        self.enrolments.contains_key(&(user_id, qualification_id))
    }

    pub(crate) fn learners_of(&self, qualification_id: QualificationId) -> impl Iterator<Item = UserId> {
        let of = |user_id| (qualification_id, user_id);
        let learners = self.learners_of.range(of(UserId::MIN)..=of(UserId::MAX));
        let learners = learners.map(|(_, user_id)| *user_id);
        learners.filter(|user_id| self.active_user(*user_id).is_some())
    }

    /// Enrolments in archived qualifications count for nothing; whoever has no others is in all units.
    pub(crate) fn course(&self, user_id: UserId) -> Course {
        let qualifications: Vec<_> = self
            .enrolments_of(user_id)
            .map(|(id, _)| id)
            .filter(|id| self.active_qualification(*id).is_some())
            .map(|id| (id, self.units_of_qualification(id)))
            .collect();
        if qualifications.is_empty() {
            return self.everything.clone();
        }
        // A unit belongs to one qualification, so none comes twice.
        let mut units: Vec<UnitId> = qualifications.iter().flat_map(|(_, units)| units).copied().collect();
        units.sort_unstable();
        Course {
            skills: self.skills_of(&units),
            units,
            qualifications,
        }
    }

    fn course_of_everything(&self) -> Course {
        let active = self.units.values().filter(|unit| unit.archived_at.is_none());
        let qualifications = self.qualifications.values().filter(|row| row.archived_at.is_none());
        let units: Vec<UnitId> = active.map(|unit| unit.unit_id).collect();
        Course {
            skills: self.skills_of(&units),
            units,
            qualifications: qualifications
                .map(|row| (row.qualification_id, self.units_of_qualification(row.qualification_id)))
                .collect(),
        }
    }

    fn skills_of(&self, units: &[UnitId]) -> Vec<(Arc<str>, Vec<UnitId>)> {
        let mut skills: BTreeMap<&str, Vec<UnitId>> = BTreeMap::new();
        for unit in units.iter().filter_map(|id| self.units.get(id)) {
            for skill in &unit.skills {
                skills.entry(skill).or_default().push(unit.unit_id);
            }
        }
        skills.into_iter().map(|(skill, units)| (skill.into(), units)).collect()
    }

    fn units_of_qualification(&self, id: QualificationId) -> Vec<UnitId> {
        let units = self.units_of.range((id, UnitId::MIN)..=(id, UnitId::MAX));
        units.map(|(_, unit_id)| *unit_id).collect()
    }
}

fn links_of(links: &BTreeSet<(UserId, TeamId)>, of: UserId) -> impl Iterator<Item = TeamId> {
    let teams = links.range((of, TeamId::MIN)..=(of, TeamId::MAX));
    teams.map(|(_, team_id)| *team_id)
}
