//! Sums of the ledger over one period, by learner or team: read from the store once, then kept up by what the journal tells.
//! Who is on which board is not known here.

use crate::domain::board::Score;
use crate::journal::{LearnerChange, LedgerChange};
use homeroom_schema::limits::TALLY_EARLY_MAX;
use homeroom_schema::records::{StandingRow, Standings, StandingsOf, TimeRange};
use homeroom_schema::{EventId, Store, StoreError, TimeMs};
use parking_lot::RwLock;
use std::collections::HashMap;

/// Sums of one kind over one range of moments, shared by all boards that rest on them.
///
/// Each change is counted once: those up to the place that was read from the store are in what was read; after it the
/// journal tells them in the order of their events. A change that comes out of that order (a learner who was read anew after
/// a failure tells what it found) may have been counted or not: then everything is read again.
pub(crate) struct Tally {
    of: StandingsOf,
    state: RwLock<State>,
    /// One reads at a time; the others find it read.
    loading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// What is counted here; none before anything was read.
    range: Option<TimeRange>,
    sums: HashMap<u64, Sum>,
    /// Everything up to here was in what was read.
    read_up_to: u64,
    /// The newest change counted.
    counted_up_to: u64,
    /// Something may be missing.
    is_lost: bool,
    /// How often that was said by others.
    losses: u64,
    /// What is told while the store is being read, and for which range.
    early: Option<Early>,
}

#[derive(Default)]
struct Early {
    changes: Vec<(u64, Vec<(u64, LedgerChange)>)>,
    entries: usize,
    overflowed: bool,
}

/// What boards show of a sum that was read.
pub(crate) fn score_of(row: &StandingRow) -> Score {
    Sum::from(row).score()
}

/// Points can be below 0 for a while, where a period saw more taken back than given.
#[derive(Clone, Copy, Default)]
struct Sum {
    points: i64,
    reached_at: Option<TimeMs>,
}

impl Sum {
    fn score(self) -> Score {
        Score {
            points: u64::try_from(self.points).unwrap_or_default(),
            reached_at: self.reached_at,
        }
    }

    fn add(&mut self, entry: &LedgerChange) {
        self.points = self.points.saturating_add(entry.points);
        if entry.moves_reached_at {
            self.reached_at = Some(entry.occurred_at);
        }
    }
}

impl From<&StandingRow> for Sum {
    fn from(row: &StandingRow) -> Self {
        Self {
            points: row.points,
            reached_at: row.reached_at,
        }
    }
}

impl Tally {
    pub(crate) fn new(of: StandingsOf) -> Self {
        Self {
            of,
            state: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// The sum of a learner or team; 0 without entries.
    pub(crate) fn score(&self, id: u64) -> Score {
        self.known(id).unwrap_or_default()
    }

    /// The sum of a learner or team that has entries.
    pub(crate) fn known(&self, id: u64) -> Option<Score> {
        self.state.read().sums.get(&id).map(|sum| sum.score())
    }

    /// All who have entries.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.state.read().sums.keys().copied().collect()
    }

    /// Whether this range is counted, and nothing of it is missing.
    pub(crate) fn counts(&self, range: TimeRange) -> bool {
        let state = self.state.read();
        state.range == Some(range) && !state.is_lost
    }

    /// Has this range counted. What is told meanwhile is counted, too.
    ///
    /// # Errors
    /// When it cannot be read; then everything is as before.
    pub(crate) async fn load(&self, store: &dyn Store, range: TimeRange) -> Result<(), StoreError> {
        let _alone = self.loading.lock().await;
        if self.counts(range) {
            return Ok(());
        }
        let losses = {
            let mut state = self.state.write();
            state.early = Some(Early::default());
            state.losses
        };
        let read = store.standings(self.of, range).await;
        let mut state = self.state.write();
        let early = state.early.take().unwrap_or_default();
        state.install(range, &read?);
        state.is_lost = early.overflowed || state.losses != losses;
        for (event_id, entries) in &early.changes {
            let entries = entries.iter().map(|(id, entry)| (*id, entry));
            state.take(*event_id, entries);
        }
        Ok(())
    }

    /// Counts what a kept append changed. Whom it concerns here is added to `concerned`. Returns false when something may
    /// be missing now, and everything has to be read again.
    pub(crate) fn apply(&self, change: &LearnerChange, concerned: &mut Vec<u64>) -> bool {
        if change.entries.is_empty() {
            return true;
        }
        let mut state = self.state.write();
        let event_id = change.event_id.get();
        let entries: Vec<_> = self.entries_of(change).collect();
        if let Some(early) = &mut state.early {
            early.add(event_id, &entries);
        }
        // Also those that were read from the store: a board may have looked before.
        let inside = entries.iter().filter(|(_, entry)| state.is_inside(entry));
        concerned.extend(inside.map(|(id, _)| *id));
        state.take(event_id, entries.into_iter());
        !state.is_lost
    }

    /// Anything may have changed without being told.
    pub(crate) fn lose(&self) {
        let mut state = self.state.write();
        state.is_lost = true;
        state.losses += 1;
    }

    fn entries_of<'c>(&self, change: &'c LearnerChange) -> impl Iterator<Item = (u64, &'c LedgerChange)> {
        let (of, user_id) = (self.of, change.user_id.get());
        change.entries.iter().flat_map(move |entry| {
            let ids = match of {
                StandingsOf::Learners => vec![user_id],
                StandingsOf::LearnersIn(inside) if entry.qualification == Some(inside) => vec![user_id],
                StandingsOf::LearnersIn(_) => Vec::new(),
                StandingsOf::Teams => entry.teams.iter().map(|team_id| team_id.get()).collect(),
            };
            ids.into_iter().map(move |id| (id, entry))
        })
    }
}

impl State {
    fn install(&mut self, range: TimeRange, read: &Standings) {
        self.range = Some(range);
        self.sums = read.rows.iter().map(|row| (row.id, Sum::from(row))).collect();
        self.read_up_to = read.last_event_id.map_or(0, EventId::get);
        self.counted_up_to = self.read_up_to;
    }

    /// Counts the entries of one change, once.
    fn take<'e>(&mut self, event_id: u64, entries: impl Iterator<Item = (u64, &'e LedgerChange)>) {
        if self.range.is_none() || event_id <= self.read_up_to {
            return;
        }
        if event_id <= self.counted_up_to {
            self.is_lost = true;
            return;
        }
        self.counted_up_to = event_id;
        for (id, entry) in entries {
            if self.is_inside(entry) {
                self.sums.entry(id).or_default().add(entry);
            }
        }
    }

    fn is_inside(&self, entry: &LedgerChange) -> bool {
        self.range.is_some_and(|range| range.contains(entry.occurred_at))
    }
}

impl Early {
    fn add(&mut self, event_id: u64, entries: &[(u64, &LedgerChange)]) {
        self.entries += entries.len();
        if self.entries > TALLY_EARLY_MAX {
            self.overflowed = true;
            self.changes.clear();
        } else {
            let entries = entries.iter().map(|(id, entry)| (*id, (*entry).clone()));
            self.changes.push((event_id, entries.collect()));
        }
    }
}
