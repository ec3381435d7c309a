//! Plans for memberships and enrolments.

use super::{Plan, Planner};
use crate::error::EngineError;
use crate::roster::RosterOutcome;
use crate::roster::event::{EnrolmentRef, MemberRef, RosterEvent};
use homeroom_schema::limits::TEAM_MEMBERS_MAX;
use homeroom_schema::records::{EnrolmentRecord, MemberRecord, Row};
use homeroom_schema::{QualificationId, TeamId, UserId};

impl Planner<'_> {
    pub(super) fn put_member(
        &mut self,
        team_id: TeamId,
        user_id: UserId,
        role: Option<String>,
    ) -> Result<Plan, EngineError> {
        self.known_team(team_id)?;
        self.known_user(user_id)?;
        let before = self.state.membership(team_id, user_id);
        if before.is_some_and(|before| before.role == role) {
            return Ok(Plan::unchanged());
        }
        if before.is_none() {
            let present = self.state.member_count(team_id);
            let added = self.batch.members_added.entry(team_id).or_default();
            if present + *added >= TEAM_MEMBERS_MAX {
                return Err(EngineError::TeamFull(team_id));
            }
            *added += 1;
        }
        let row = Row::Member(MemberRecord {
            team_id,
            user_id,
            role,
            joined_at: before.map_or(self.now, |before| before.joined_at),
        });
        let members = vec![MemberRef { team_id, user_id }];
        Ok(Plan::changed(row, RosterEvent::MembersPut { members }))
    }

    /// An archived person, or one of an archived team, can still be removed.
    pub(super) fn remove_member(&self, team_id: TeamId, user_id: UserId) -> Result<Plan, EngineError> {
        self.state
            .teams
            .get(&team_id)
            .ok_or(EngineError::UnknownTeam(team_id))?;
        self.ever_known_user(user_id)?;
        if self.state.membership(team_id, user_id).is_none() {
            return Ok(Plan::unchanged());
        }
        let members = vec![MemberRef { team_id, user_id }];
        let row = Row::MemberRemoved { team_id, user_id };
        Ok(Plan::changed(row, RosterEvent::MembersRemoved { members }))
    }

    pub(super) fn enrol(&self, qualification_id: QualificationId, user_id: UserId) -> Result<Plan, EngineError> {
        self.known_qualification(qualification_id)?;
        self.known_user(user_id)?;
        if self.state.is_enrolled(user_id, qualification_id) {
            return Ok(Plan::unchanged());
        }
        let row = Row::Enrolment(EnrolmentRecord {
            qualification_id,
            user_id,
            enrolled_at: self.now,
        });
        let enrolments = vec![EnrolmentRef {
            qualification_id,
            user_id,
        }];
        Ok(Plan::changed(row, RosterEvent::Enrolled { enrolments }))
    }

    pub(super) fn unenrol(&self, qualification_id: QualificationId, user_id: UserId) -> Result<Plan, EngineError> {
        let unknown = EngineError::UnknownQualification(qualification_id);
        self.state.qualifications.get(&qualification_id).ok_or(unknown)?;
        self.ever_known_user(user_id)?;
        if !self.state.is_enrolled(user_id, qualification_id) {
            return Ok(Plan::unchanged());
        }
        let row = Row::EnrolmentRemoved {
            qualification_id,
            user_id,
        };
        let enrolments = vec![EnrolmentRef {
            qualification_id,
            user_id,
        }];
        Ok(Plan::changed(row, RosterEvent::Unenrolled { enrolments }))
    }
}

impl Plan {
    fn changed(row: Row, event: RosterEvent) -> Self {
        Self {
            rows: vec![row],
            events: vec![event],
            outcome: RosterOutcome::Done { changed: true },
        }
    }

    fn unchanged() -> Self {
        Self {
            rows: Vec::new(),
            events: Vec::new(),
            outcome: RosterOutcome::Done { changed: false },
        }
    }
}
