//! Which rows of a board have to be looked at again, and why. No scores but those that nobody else keeps.

use crate::domain::board::Score;
use std::collections::HashMap;

/// Rows of one board to look at again. Marks of one row fall together.
#[derive(Debug, Default)]
pub(crate) struct BoardMarks {
    rows: HashMap<u64, RowMark>,
    members: Option<RowMark>,
    reload: bool,
    turned: bool,
    erased: Vec<u64>,
}

/// Why a row has to be looked at again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowMark {
    /// The event behind it, the latest of several.
    pub(super) event_id: u64,
    /// A score of this row changed with that event, even if it has been read here before its mark came.
    pub(super) scored: bool,
    /// Its name may have changed.
    pub(super) named: bool,
    /// Its score as of an event, for boards whose scores nobody else keeps.
    pub(super) score: Option<(u64, Score)>,
}

impl BoardMarks {
    /// A row's score has changed and can be read.
    pub(crate) fn scored(&mut self, id: u64, event_id: u64) {
        self.row(id, event_id).scored = true;
    }

    /// A row's score has changed to this.
    pub(crate) fn scored_as(&mut self, id: u64, event_id: u64, score: Score) {
        let row = self.row(id, event_id);
        row.scored = true;
        if row.score.is_none_or(|(known, _)| known <= event_id) {
            row.score = Some((event_id, score));
        }
    }

    /// A row's name, or whether it belongs on the board, has changed.
    pub(crate) fn named(&mut self, id: u64, event_id: u64) {
        self.row(id, event_id).named = true;
    }

    /// Any row may have come or gone; perhaps their names have changed too.
    pub(crate) fn membership(&mut self, event_id: u64, named: bool) {
        let members = self.members.get_or_insert_default();
        members.event_id = members.event_id.max(event_id);
        members.named |= named;
    }

    /// A person was erased: the row goes, and nothing may remember its name.
    pub(crate) fn erased(&mut self, id: u64, event_id: u64) {
        self.named(id, event_id);
        self.erased.push(id);
    }

    /// The period is over, or what rows and names are made by is another.
    pub(crate) fn turn(&mut self) {
        self.turned = true;
    }

    /// Whether the board begins anew.
    pub(super) fn wants_turn(&self) -> bool {
        self.turned
    }

    /// Who was erased.
    pub(super) fn take_erased(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.erased)
    }

    /// Anything may have changed without being told.
    pub(crate) fn reload(&mut self) {
        self.reload = true;
    }

    /// Whether anything may have changed without being told.
    pub(super) fn wants_reload(&self) -> bool {
        self.reload
    }

    /// Whether any row may have come or gone.
    pub(super) fn wants_members(&self) -> bool {
        self.reload || self.members.is_some()
    }

    /// Whether the roster has changed for any row.
    pub(super) fn concern_roster(&self) -> bool {
        self.wants_members() || self.rows.values().any(|row| row.named)
    }

    /// Whether nothing is marked.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && !self.wants_members()
    }

    /// Scores that came with marks.
    pub(super) fn scores(&self) -> impl Iterator<Item = (u64, u64, Score)> {
        let scores = self.rows.iter().map(|(id, mark)| Some((*id, mark.score?)));
        scores.flatten().map(|(id, (event_id, score))| (id, event_id, score))
    }

    /// The marked rows in the order of their events, so that versions rise with them; `all` are the rows that membership
    /// concerns.
    pub(super) fn into_rows(self, all: impl IntoIterator<Item = u64>) -> Vec<(u64, RowMark)> {
        let mut rows = self.rows;
        if self.reload || self.members.is_some() {
            let members = self.members.unwrap_or_default();
            for id in all {
                let row = rows.entry(id).or_default();
                row.event_id = row.event_id.max(members.event_id);
                row.named |= members.named;
            }
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|(id, mark)| (mark.event_id, *id));
        rows
    }

    fn row(&mut self, id: u64, event_id: u64) -> &mut RowMark {
        let row = self.rows.entry(id).or_default();
        row.event_id = row.event_id.max(event_id);
        row
    }
}
