//! The two packed forms of a row, three words each: ordered by score and by id. Only the board sees them.

use crate::domain::board::blocks::Row;
use crate::domain::board::{Score, Standing};
use homeroom_schema::TimeMs;

/// Sorts after every moment that is kept; a [`Score`] says that it stands for none.
const NO_MOMENT: i64 = i64::MAX;

/// A row in the order of boards, which is the order of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByScore {
    /// The complement of the points: more points come first.
    points_inverted: u64,
    reached_at: i64,
    id: u64,
}

impl ByScore {
    pub(super) const fn points(&self) -> u64 {
        !self.points_inverted
    }

    pub(super) fn standing(&self) -> Standing {
        let reached_at = (self.reached_at != NO_MOMENT).then_some(TimeMs(self.reached_at));
        Standing {
            id: self.id,
            score: Score {
                points: self.points(),
                reached_at,
            },
        }
    }
}

impl From<Standing> for ByScore {
    fn from(Standing { id, score }: Standing) -> Self {
        let reached_at = score.reached_at.map_or(NO_MOMENT, |reached_at| reached_at.0);
        Self {
            points_inverted: !score.points,
            reached_at,
            id,
        }
    }
}

impl Row for ByScore {
    /// By the first field in which `low` and `high` differ.
    fn guess(&self, low: &Self, high: &Self, len: usize) -> usize {
        if low.points_inverted != high.points_inverted {
            guess(self.points_inverted, low.points_inverted, high.points_inverted, len)
        } else if low.reached_at != high.reached_at {
            let rising = |moment: i64| moment.cast_unsigned() ^ (1 << 63);
            guess(
                rising(self.reached_at),
                rising(low.reached_at),
                rising(high.reached_at),
                len,
            )
        } else {
            guess(self.id, low.id, high.id, len)
        }
    }
}

/// The same row in the order of ids. Equal means: of the same id.
#[derive(Debug, Clone, Copy)]
pub(super) struct ById(pub(super) ByScore);

impl ById {
    /// What finds the row of this id.
    pub(super) const fn key(id: u64) -> Self {
        Self(ByScore {
            points_inverted: 0,
            reached_at: NO_MOMENT,
            id,
        })
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Row for ById {
    fn guess(&self, low: &Self, high: &Self, len: usize) -> usize {
        guess(self.0.id, low.0.id, high.0.id, len)
    }
}

/// The place of `value` among `len` values spread evenly from `low` to `high`.
fn guess(value: u64, low: u64, high: u64, len: usize) -> usize {
    let span = high.saturating_sub(low).max(1) as f64;
    let from_low = value.saturating_sub(low) as f64;
    (from_low / span * len as f64) as usize
}
