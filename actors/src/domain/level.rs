//! The level curve. Pure arithmetic.

use serde::{Deserialize, Serialize};

/// The highest level of the shipped curve, and the most that a curve may have.
pub const LEVEL_MAX: u32 = 100;

/// Where levels begin, and what they are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelCurve {
    /// Points at which level 1, 2, 3 … begin: the first is 0, each more than the one before; from one to [`LEVEL_MAX`].
    pub starts_at: Vec<u64>,
    /// Names of level 1, 2, 3 …; levels beyond the last name have none.
    pub names: Vec<String>,
}

impl LevelCurve {
    /// The shipped curve: level n starts at 125 × (n - 1) × n points, so 0, 250, 750, 1,500, 2,500 … (a quadratic curve: each
    /// level asks 250 points more than the one before). No names.
    #[must_use]
    pub fn shipped() -> Self {
        Self {
            starts_at: (1..=u64::from(LEVEL_MAX))
                .map(|level| 125 * (level - 1) * level)
                .collect(),
            names: Vec::new(),
        }
    }

    /// The level of a total: from 1 to the number of levels.
    #[must_use]
    pub fn level_of(&self, total: u64) -> u32 {
        let begun = self.starts_at.partition_point(|start| *start <= total);
        u32::try_from(begun).unwrap_or(LEVEL_MAX).max(1)
    }

    /// The name of a level, if it has one.
    #[must_use]
    pub fn name(&self, level: u32) -> Option<&str> {
        let index = usize::try_from(level).ok()?.checked_sub(1)?;
        self.names.get(index).map(String::as_str)
    }
}
