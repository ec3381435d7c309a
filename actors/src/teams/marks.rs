//! What a team has to look at again. No scores: those are read when they are looked at.

use crate::domain::skills::Opportunity;
use crate::journal::LearnerChange;
use homeroom_schema::limits::TEAM_MARKS_MAX;
use homeroom_schema::{ReferenceId, TimeMs, UnitId, UserId};
use std::collections::BTreeMap;

/// What one team has to look at again. Marks of one thing fall together.
#[derive(Debug, Default)]
pub(crate) struct TeamMarks {
    /// The latest event behind any of it.
    pub(super) event_id: u64,
    /// The latest event that changed a member's score, even if the score has been read here before its mark came.
    pub(super) scored: u64,
    /// Units completed by members, each with when.
    pub(super) completed: BTreeMap<(UserId, UnitId), TimeMs>,
    /// Results of members in quizzes; none where one no longer counts.
    pub(super) results: BTreeMap<(UserId, ReferenceId), Option<Opportunity>>,
    /// Names, enrolments or units may have changed.
    pub(super) roster: bool,
    /// Who is a member may have changed, and while somebody was none nobody told what they completed.
    pub(super) members: bool,
    /// Anything may have changed without being told.
    pub(super) reload: bool,
    /// Who was erased: nothing may remember their names.
    pub(super) erased: Vec<UserId>,
}

impl TeamMarks {
    /// A member's score or completed units have changed.
    pub(crate) fn learner(&mut self, change: &LearnerChange) {
        let event_id = change.event_id.get();
        self.event_id = self.event_id.max(event_id);
        if change.score.is_some() {
            self.scored = self.scored.max(event_id);
        }
        let units = change.completed.iter();
        self.completed
            .extend(units.map(|(unit_id, at)| ((change.user_id, *unit_id), *at)));
        for evidence in &change.evidence {
            if let Some(opportunity) = evidence.opportunity() {
                let key = (change.user_id, evidence.reference);
                self.results.insert(key, evidence.counts.then_some(opportunity));
            }
        }
        if self.completed.len() + self.results.len() > TEAM_MARKS_MAX {
            // Nobody has looked for long: then it is read from the store.
            self.completed.clear();
            self.results.clear();
            self.reload();
        }
    }

    /// Points were earned in the team, by whoever was a member then.
    pub(crate) fn earned(&mut self, event_id: u64) {
        self.event_id = self.event_id.max(event_id);
        self.scored = self.scored.max(event_id);
    }

    /// What counts for members may have changed.
    pub(crate) fn roster(&mut self, event_id: u64) {
        self.event_id = self.event_id.max(event_id);
        self.roster = true;
    }

    /// The team itself may have changed, or who its members are.
    pub(crate) fn members(&mut self, event_id: u64) {
        self.roster(event_id);
        self.members = true;
    }

    /// People were erased: if they were members, they are no longer, and nothing may remember their names.
    pub(crate) fn erased(&mut self, user_ids: &[UserId], event_id: u64) {
        self.members(event_id);
        self.erased.extend(user_ids);
    }

    /// The board of teams, at this version, gives the team another rank than it knows.
    pub(crate) fn rank(&mut self, version: u64) {
        self.event_id = self.event_id.max(version);
    }

    /// Anything may have changed without being told.
    pub(crate) fn reload(&mut self) {
        self.roster = true;
        self.members = true;
        self.reload = true;
    }
}
