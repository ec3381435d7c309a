//! A board: rows in the contract's order with competition ranks, for one row or a million. Pure data structure.

mod blocks;
mod figure;
mod rows;
mod scoring;

use blocks::Blocks;
pub use figure::{Figure, Scale};
use homeroom_schema::TimeMs;
use rows::{ById, ByScore};
pub use scoring::{quotient, scored, sum};
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

/// Points and when they were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// The sum of points; on boards with another [`Scale`] what stands for a number there.
    pub points: u64,
    /// `occurred_at` of the entry that made it; none while there are no entries (sorts last among equals). The last
    /// moment that can be counted, some 290 million years ahead, stands for none on a board.
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

impl Standing {
    fn sort_key(&self) -> (Reverse<u64>, bool, Option<TimeMs>, u64) {
        let Score { points, reached_at } = self.score;
        (Reverse(points), reached_at.is_none(), reached_at, self.id)
    }
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
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
///
/// With n rows: reading one row, its place or its rank is O(log n); a page is O(log n) and its rows; putting and removing
/// move at most one block of rows besides. A clone shares its rows with the original until either changes (a few thousand
/// pointers at a million rows), so that a read view can be published while the original goes on.
///
/// Both orders, by score and by id, are sorted blocks: no hash, so no choice of ids makes it slow.
#[derive(Debug, Clone, Default)]
pub struct Board {
    order: Blocks<ByScore>,
    by_id: Blocks<ById>,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A board of these rows; of equal ids the last counts. O(n log n).
    #[must_use]
    pub fn from_rows(mut rows: Vec<Standing>) -> Self {
        // Stable, so that of equal ids the last stays last; then each run of equal ids is folded into its last row.
        rows.sort_by_key(|row| row.id);
        rows.dedup_by(|later, kept| {
            let is_same = later.id == kept.id;
            if is_same {
                *kept = *later;
            }
            is_same
        });
        let mut order: Vec<ByScore> = rows.into_iter().map(ByScore::from).collect();
        let by_id: Vec<ById> = order.iter().copied().map(ById).collect();
        order.sort_unstable();
        Self {
            order: Blocks::from_sorted(&order),
            by_id: Blocks::from_sorted(&by_id),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a row. O(log n).
    #[must_use]
    pub fn score(&self, id: u64) -> Option<Score> {
        self.row(id).map(|row| row.standing().score)
    }

    /// Puts a row, or moves it. Returns whether anything changed. O(log n) and at most three blocks moved.
    pub fn put(&mut self, id: u64, score: Score) -> bool {
        let row = ByScore::from(Standing { id, score });
        if let Some(ById(old)) = self.by_id.insert(ById(row)) {
            if old == row {
                return false;
            }
            self.order.remove(&old);
        }
        self.order.insert(row);
        debug_assert_eq!(self.order.len(), self.by_id.len(), "both orders hold the same rows");
        true
    }

    /// Takes a row off. Returns whether it was there. O(log n) and at most two blocks moved.
    pub fn remove(&mut self, id: u64) -> bool {
        let Some(ById(old)) = self.by_id.remove(&ById::key(id)) else {
            return false;
        };
        self.order.remove(&old);
        debug_assert_eq!(self.order.len(), self.by_id.len(), "both orders hold the same rows");
        true
    }

    /// The place of a row in the order, from 0. O(log n).
    #[must_use]
    pub fn place(&self, id: u64) -> Option<usize> {
        Some(self.order.count_before(&self.row(id)?))
    }

    /// The competition rank of a row. O(log n).
    #[must_use]
    pub fn rank(&self, id: u64) -> Option<u64> {
        Some(self.rank_of_points(self.row(id)?.points()))
    }

    /// The competition rank that a row with these points has or would have: one more than the rows above it. O(log n).
    #[must_use]
    pub fn rank_of_points(&self, points: u64) -> u64 {
        self.order.count_while(|other| other.points() > points) as u64 + 1
    }

    /// The rows from place `from` (from 0) on, at most `limit`, with their ranks. O(log n + limit).
    #[must_use]
    pub fn page(&self, from: usize, limit: usize) -> Vec<Ranked> {
        let from = from.min(self.len());
        let mut page: Vec<Ranked> = Vec::with_capacity(limit.min(self.len() - from));
        for (place, row) in (from..).zip(self.order.rows_from(from).take(limit)) {
            let standing = row.standing();
            // Only the first row of a page can share its rank with a row that is not on the page.
            let rank = match page.last() {
                None => self.rank_of_points(standing.score.points),
                Some(above) if above.standing.score.points == standing.score.points => above.rank,
                Some(_) => place as u64 + 1,
            };
            page.push(Ranked { rank, standing });
        }
        page
    }

    /// The first `limit` rows with their ranks: what a topic of this board shows.
    #[must_use]
    pub fn window(&self, limit: usize) -> Vec<Ranked> {
        self.page(0, limit)
    }

    /// The row of `id` with `neighbours` rows on either side, as far as there are any. O(log n + neighbours).
    #[must_use]
    pub fn around(&self, id: u64, neighbours: usize) -> Option<Vec<Ranked>> {
        let place = self.place(id)?;
        let from = place.saturating_sub(neighbours);
        Some(self.page(from, (place - from).saturating_add(neighbours).saturating_add(1)))
    }

    fn row(&self, id: u64) -> Option<ByScore> {
        self.by_id.find(&ById::key(id)).map(|row| row.0)
    }
}

/// What changed between two windows of one board: the rows that entered or whose score changed, in the new order, and the
/// ids that left, in the old order. Rows that only moved because of others are not named: order and ranks follow.
#[must_use]
pub fn diff(old: &[Ranked], new: &[Ranked]) -> (Vec<Ranked>, Vec<u64>) {
    let scores = |rows: &[Ranked]| -> HashMap<u64, Score> {
        rows.iter().map(|row| (row.standing.id, row.standing.score)).collect()
    };
    let (before, after) = (scores(old), scores(new));
    let changed = new
        .iter()
        .filter(|row| before.get(&row.standing.id) != Some(&row.standing.score))
        .copied()
        .collect();
    let removed = old
        .iter()
        .map(|row| row.standing.id)
        .filter(|id| !after.contains_key(id))
        .collect();
    (changed, removed)
}
