//! What the points of a row are as a number: whole, or a fraction where teams score by mean or size. Pure.

/// What kind of numbers a board orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Sums of points.
    Whole,
    /// Quotients.
    Fraction,
}

/// The points of a row. Rows are ordered by one whole number; a fraction of at least 0 stands there as its bits, which are
/// in the same order, so that nothing is rounded and equal means equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    scale: Scale,
    key: u64,
}

impl Figure {
    /// A sum of points.
    #[must_use]
    pub const fn whole(points: u64) -> Self {
        Self {
            scale: Scale::Whole,
            key: points,
        }
    }

    /// A quotient; below 0 and what is no number count as 0.
    #[must_use]
    pub fn fraction(quotient: f64) -> Self {
        // 0 may have a sign, which would put it above everything.
        let quotient = if quotient > 0.0 { quotient } else { 0.0 };
        Self {
            scale: Scale::Fraction,
            key: quotient.to_bits(),
        }
    }

    /// What a board of this scale has in its order.
    #[must_use]
    pub const fn of_key(scale: Scale, key: u64) -> Self {
        Self { scale, key }
    }

    /// What it is in the order of a board.
    #[must_use]
    pub const fn key(self) -> u64 {
        self.key
    }

    /// The number if it is a sum of points.
    #[must_use]
    pub const fn as_whole(self) -> Option<u64> {
        match self.scale {
            Scale::Whole => Some(self.key),
            Scale::Fraction => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        match self.scale {
            Scale::Whole => self.key as f64,
            Scale::Fraction => f64::from_bits(self.key),
        }
    }
}
