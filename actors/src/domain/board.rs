//! A board: rows in the contract's order with competition ranks, for one row or a million. Pure data structure.

mod blocks;

use blocks::Blocks;
use homeroom_schema::TimeMs;
use std::cmp::{Ordering, Reverse};
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
    order: Blocks<Standing>,
    by_id: Blocks<ById>,
}

/// A row found by its id alone.
#[derive(Debug, Clone, Copy)]
struct ById(Standing);

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
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
        let by_id: Vec<ById> = rows.iter().copied().map(ById).collect();
        rows.sort_unstable();
        Self {
            order: Blocks::from_sorted(&rows),
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
        self.standing(id).map(|row| row.score)
    }

    /// Puts a row, or moves it. Returns whether anything changed. O(log n) and at most two blocks moved.
    pub fn put(&mut self, id: u64, score: Score) -> bool {
        let row = Standing { id, score };
        if self.standing(id) == Some(row) {
            return false;
        }
        if let Some(ById(old)) = self.by_id.insert(ById(row)) {
            self.order.remove(&old);
        }
        self.order.insert(row);
        debug_assert_eq!(self.order.len(), self.by_id.len(), "both orders hold the same rows");
        true
    }

    /// Takes a row off. Returns whether it was there. O(log n) and at most two blocks moved.
    pub fn remove(&mut self, id: u64) -> bool {
        let wanted = ById(Standing {
            id,
            score: Score::default(),
        });
        let Some(ById(old)) = self.by_id.remove(&wanted) else {
            return false;
        };
        self.order.remove(&old);
        debug_assert_eq!(self.order.len(), self.by_id.len(), "both orders hold the same rows");
        true
    }

    /// The place of a row in the order, from 0. O(log n).
    #[must_use]
    pub fn place(&self, id: u64) -> Option<usize> {
        let row = self.standing(id)?;
        Some(self.order.count(|other| *other < row))
    }

    /// The competition rank of a row. O(log n).
    #[must_use]
    pub fn rank(&self, id: u64) -> Option<u64> {
        Some(self.rank_of_points(self.standing(id)?.score.points))
    }

    /// The competition rank that a row with these points has or would have: one more than the rows above it. O(log n).
    #[must_use]
    pub fn rank_of_points(&self, points: u64) -> u64 {
        self.order.count(|other| other.score.points > points) as u64 + 1
    }

    /// The rows from place `from` (from 0) on, at most `limit`, with their ranks. O(log n + limit).
    #[must_use]
    pub fn page(&self, from: usize, limit: usize) -> Vec<Ranked> {
        let from = from.min(self.len());
        let mut page: Vec<Ranked> = Vec::with_capacity(limit.min(self.len() - from));
        for (place, &standing) in (from..).zip(self.order.rows_from(from).take(limit)) {
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

    fn standing(&self, id: u64) -> Option<Standing> {
        self.by_id
            .find(|row| row.0.id < id)
            .map(|row| row.0)
            .filter(|row| row.id == id)
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
