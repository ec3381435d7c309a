//! The level curve. Pure arithmetic.

/// The highest level.
pub const LEVEL_MAX: u32 = 100;

/// Points at which a level starts: 125 × (level - 1) × level, so 0, 250, 750, 1,500, 2,500 … (a quadratic curve: each
/// level asks 250 points more than the one before).
#[must_use]
pub const fn level_starts_at(level: u32) -> u64 {
    125 * (level as u64 - 1) * level as u64
}

/// The level of a total: 1 to [`LEVEL_MAX`].
#[must_use]
pub fn level_of(total: u64) -> u32 {
    let mut level = 1;
    while level < LEVEL_MAX && total >= level_starts_at(level + 1) {
        level += 1;
    }
    level
}
