//! Who and what there was at a moment, archived ones left out, from the facts of the roster up to then. Whoever had earned
//! something by then and came to the roster only later, because their history was brought in, counts with the teams and the
//! enrolments that they came with.

use crate::hub::Hub;
use crate::roster::{EntityKind, RosterEvent};
use homeroom_schema::limits::STREAM_PAGE_MAX;
use homeroom_schema::records::StreamId;
use homeroom_schema::{QualificationId, StoreError, TeamId, TimeMs, UserId, Version};
use std::collections::{BTreeMap, BTreeSet};

/// People and teams, and who belonged to what.
#[derive(Default)]
pub(super) struct People {
    pub(super) users: BTreeSet<UserId>,
    pub(super) teams: BTreeSet<TeamId>,
    members: BTreeSet<(TeamId, UserId)>,
    enrolments: BTreeSet<(QualificationId, UserId)>,
    late: Late,
}

/// Who came after the moment, and what they came with.
#[derive(Default)]
struct Late {
    users: BTreeSet<UserId>,
    /// The teams of a person's first fact of membership.
    teams: BTreeMap<UserId, (Version, Vec<TeamId>)>,
    enrolments: BTreeSet<(QualificationId, UserId)>,
}

impl People {
    /// Events are in the order in which they were kept.
    ///
    /// # Errors
    /// The store is unavailable, or has a fact that cannot be read.
    pub(super) async fn at(hub: &Hub, at: TimeMs) -> Result<Self, StoreError> {
        let mut people = Self::default();
        // Everybody whom a fact of then names, archived or erased since or not.
        let mut known = BTreeSet::new();
        let mut after = Version::ZERO;
        loop {
            let page = hub
                .store()
                .read_stream(StreamId::ROSTER, after, STREAM_PAGE_MAX)
                .await?;
            let is_last = page.len() < STREAM_PAGE_MAX;
            for stored in page {
                after = stored.version;
                let event = serde_json::from_str(&stored.body).map_err(|error| StoreError::Damaged {
                    cause: format!("event {}: {error}", stored.event_id),
                })?;
                // Clocks may have gone back: then later facts can be of an earlier moment, and count.
                if stored.recorded_at <= at {
                    if let RosterEvent::UsersPut { users } = &event {
                        known.extend(users.iter().map(|user| user.id));
                    }
                    people.fold(event);
                } else {
                    people.late.note(stored.version, event, &known);
                }
            }
            if is_last {
                return Ok(people);
            }
        }
    }

    /// Whether anybody came after the moment.
    pub(super) fn are_some_late(&self) -> bool {
        !self.late.users.is_empty()
    }

    /// Counts those late ones who had earned something, with what they came with.
    pub(super) fn admit(&mut self, earned: impl Iterator<Item = UserId>) {
        let late = std::mem::take(&mut self.late);
        let admitted: BTreeSet<UserId> = earned.filter(|user_id| late.users.contains(user_id)).collect();
        for user_id in &admitted {
            let teams = late.teams.get(user_id).map(|(_, teams)| teams.as_slice());
            for team_id in teams.unwrap_or_default() {
                self.teams.insert(*team_id);
                self.members.insert((*team_id, *user_id));
            }
        }
        let enrolments = late.enrolments.into_iter();
        self.enrolments
            .extend(enrolments.filter(|(_, user_id)| admitted.contains(user_id)));
        self.users.extend(admitted);
    }

    fn fold(&mut self, event: RosterEvent) {
        match event {
            RosterEvent::UsersPut { users } => self.users.extend(users.iter().map(|user| user.id)),
            RosterEvent::TeamsPut { teams } => self.teams.extend(teams.iter().map(|team| team.id)),
            RosterEvent::MembersPut { members } => {
                let members = members.iter().map(|member| (member.team_id, member.user_id));
                self.members.extend(members);
            }
            RosterEvent::MembersRemoved { members } => {
                for member in members {
                    self.members.remove(&(member.team_id, member.user_id));
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
            RosterEvent::UserErased { id } => {
                self.users.remove(&id);
                self.members.retain(|(_, user_id)| *user_id != id);
                self.enrolments.retain(|(_, user_id)| *user_id != id);
            }
            RosterEvent::QualificationsPut { .. }
            | RosterEvent::UnitsPut { .. }
            | RosterEvent::PreferencePut { .. } => {}
        }
    }

    fn archive(&mut self, entity: EntityKind, id: u64) {
        match entity {
            EntityKind::User => drop(UserId::new(id).map(|id| self.users.remove(&id))),
            EntityKind::Team => drop(TeamId::new(id).map(|id| self.teams.remove(&id))),
            EntityKind::Qualification | EntityKind::Unit => {}
        }
    }

    /// Who was in a team.
    pub(super) fn members_of(&self, team_id: TeamId) -> impl Iterator<Item = UserId> {
        let members = self.members.range((team_id, UserId::MIN)..=(team_id, UserId::MAX));
        let members = members.map(|(_, user_id)| *user_id);
        members.filter(|user_id| self.users.contains(user_id))
    }

    /// Who was enrolled in a qualification.
    pub(super) fn learners_of(&self, inside: QualificationId) -> impl Iterator<Item = UserId> {
        let enrolled = self.enrolments.range((inside, UserId::MIN)..=(inside, UserId::MAX));
        enrolled.map(|(_, user_id)| *user_id)
    }
}

impl Late {
    /// A fact of after the moment. Only what somebody came with counts, not what became of it.
    fn note(&mut self, version: Version, event: RosterEvent, known: &BTreeSet<UserId>) {
        match event {
            RosterEvent::UsersPut { users } => {
                let users = users.iter().map(|user| user.id);
                self.users.extend(users.filter(|id| !known.contains(id)));
            }
            RosterEvent::MembersPut { members } => {
                for member in members.iter().filter(|member| self.users.contains(&member.user_id)) {
                    let first = self.teams.entry(member.user_id).or_insert((version, Vec::new()));
                    if first.0 == version {
                        first.1.push(member.team_id);
                    }
                }
            }
            RosterEvent::Enrolled { enrolments } => {
                let enrolments = enrolments.iter().filter(|row| self.users.contains(&row.user_id));
                self.enrolments
                    .extend(enrolments.map(|row| (row.qualification_id, row.user_id)));
            }
            RosterEvent::UserErased { id } => drop(self.users.remove(&id)),
            _ => {}
        }
    }
}
