//! A board: rows in the contract's order with competition ranks, for one row or a million. Pure data structure.

use homeroom_schema::TimeMs;
use std::collections::HashMap;

/// Points and when they were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// The sum of points.
    pub points: u64,
    /// `occurred_at` of the entry that made it; none while there are no entries (sorts last among equals).
    pub reached_at: Option<TimeMs>,
}

/// One row: a person's or a team's id with its score. Ordered as boards are: points falling, then `reached_at`, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The person's or team's id.
    pub id: u64,
    /// Its score.
    pub score: Score,
}

/// A row with its standard competition rank (1, 2, 2, 4): one more than the number of rows with more points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked {
    /// From 1.
    pub rank: u64,
    /// The row.
    pub standing: Standing,
}

/// Rows in order, found by id and by place.
#[derive(Debug, Clone, Default)]
pub struct Board {
    scores: HashMap<u64, Score>,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A board of these rows; of equal ids the last counts.
    #[must_use]
    pub fn from_rows(rows: Vec<Standing>) -> Self {
        let _ = rows;
        unimplemented!("homeroom domain")
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// The score of a row.
    #[must_use]
    pub fn score(&self, id: u64) -> Option<Score> {
        self.scores.get(&id).copied()
    }

    /// Puts a row, or moves it. Returns whether anything changed.
    pub fn put(&mut self, id: u64, score: Score) -> bool {
        let _ = (id, score);
        unimplemented!("homeroom domain")
    }

    /// Takes a row off. Returns whether it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        let _ = id;
        unimplemented!("homeroom domain")
    }

    /// The place of a row in the order, from 0.
    #[must_use]
    pub fn place(&self, id: u64) -> Option<usize> {
        let _ = id;
        unimplemented!("homeroom domain")
    }

    /// The competition rank of a row.
    #[must_use]
    pub fn rank(&self, id: u64) -> Option<u64> {
        let _ = id;
        unimplemented!("homeroom domain")
    }

    /// The rows from place `from` (from 0) on, at most `limit`, with their ranks.
    #[must_use]
    pub fn page(&self, from: usize, limit: usize) -> Vec<Ranked> {
        let _ = (from, limit);
        unimplemented!("homeroom domain")
    }

    /// The row of `id` with `neighbours` rows on either side, as far as there are any.
    #[must_use]
    pub fn around(&self, id: u64, neighbours: usize) -> Option<Vec<Ranked>> {
        let _ = (id, neighbours);
        unimplemented!("homeroom domain")
    }
}
