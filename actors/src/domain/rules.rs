//! The rules in force: amounts and rights that are data, not code. The shipped ones are here.

use crate::domain::action::Action;

/// Rules that decide awards. Clients never name amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Stands on every ledger entry.
    pub version: u32,
    points: [u32; 5],
    self_reportable: [bool; 5],
}

impl Rules {
    /// The shipped rules: the specification's amounts; a student may report `read_content` of themselves.
    #[must_use]
    pub const fn shipped() -> Self {
        Self {
            version: 1,
            points: [10, 50, 25, 15, 100],
            self_reportable: [true, false, false, false, false],
        }
    }

    /// The shipped rules with other points, in the order of [`Action::ALL`].
    #[must_use]
    pub const fn with_points(version: u32, points: [u32; 5]) -> Self {
        Self {
            version,
            points,
            ..Self::shipped()
        }
    }

    /// Points of one award.
    #[must_use]
    pub const fn points(&self, action: Action) -> u32 {
        self.points[action as usize]
    }

    /// Whether students may report this action of themselves.
    #[must_use]
    pub const fn is_self_reportable(&self, action: Action) -> bool {
        self.self_reportable[action as usize]
    }
}
