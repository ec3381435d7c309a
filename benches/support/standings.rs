//! Rows of a board with many ties, and questions about them, the same in every run.

use homeroom_actors::domain::board::{Score, Standing};
use homeroom_schema::TimeMs;

/// A plain generator with a fixed seed: every run asks the same questions.
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Multiples of five up to a few thousand: many ties, as in a school.
pub(crate) fn score(random: &mut Random) -> Score {
    Score {
        points: random.below(2_000) * 5,
        reached_at: Some(TimeMs(random.below(1 << 40).cast_signed())),
    }
}

pub(crate) fn rows(count: u64, random: &mut Random) -> Vec<Standing> {
    (1..=count)
        .map(|id| Standing {
            id,
            score: score(random),
        })
        .collect()
}
