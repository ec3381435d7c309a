//! Periods of boards as ranges of local days: which days belong to the day, week or season of a given day. Pure: the day
//! comes from the caller, and what moment a day begins at is the clock's affair.

use std::fmt;

/// Which entries of the ledger count on a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// All of them.
    All,
    /// Those of one local day.
    Day,
    /// Those of one local week, from Monday.
    Week,
    /// Those of one season of the rules; without a season all of them.
    Season,
}

impl Period {
    /// All periods, the whole ledger first.
    pub const EVERY: [Self; 4] = [Self::All, Self::Day, Self::Week, Self::Season];

    /// The wire form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Day => "day",
            Self::Week => "week",
            Self::Season => "season",
        }
    }

    /// The period of a wire form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|period| period.name() == text)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Local days, as days since 1970-01-01: `from` is the first one, `to` the one after the last. None: without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Days {
    /// The first day.
    pub from: Option<i32>,
    /// The day after the last one.
    pub to: Option<i32>,
}

impl Days {
    /// All days.
    pub const ALL: Self = Self { from: None, to: None };

    /// The days from `from` on, before `to`.
    #[must_use]
    pub const fn between(from: i32, to: i32) -> Self {
        Self {
            from: Some(from),
            to: Some(to),
        }
    }

    /// Whether a day is one of them.
    #[must_use]
    pub fn contains(&self, day: i32) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }
}

/// The Monday of the week of a day. 1970-01-01 was a Thursday.
#[must_use]
pub const fn monday_of(day: i32) -> i32 {
    // In 64 bits, so that the first days that can be counted do not overflow.
    let since_monday = (day as i64 + 3).rem_euclid(7);
    day.saturating_sub(since_monday as i32)
}

/// The days of the period that holds `day`; `season` are the days of the season that does, none between seasons.
#[must_use]
pub fn days_of(period: Period, day: i32, season: Option<Days>) -> Days {
    match period {
        Period::All => Days::ALL,
        Period::Day => Days::between(day, day.saturating_add(1)),
        Period::Week => {
            let monday = monday_of(day);
            Days::between(monday, monday.saturating_add(7))
        }
        Period::Season => season.unwrap_or(Days::ALL),
    }
}
