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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weeks_begin_on_monday_across_the_ends_of_years() {
        for (day, monday) in [
            (0, -3),          // Thursday, 1 January 1970: Monday, 29 December 1969
            (3, -3),          // Sunday
            (4, 4),           // Monday, 5 January 1970
            (20_453, 20_451), // Wednesday, 31 December 2025: Monday, 29 December
            (20_454, 20_451), // Thursday, 1 January 2026
            (20_457, 20_451), // Sunday, 4 January 2026
            (20_458, 20_458), // Monday, 5 January 2026
            (-4, -10),        // Sunday, 28 December 1969
        ] {
            assert_eq!(monday_of(day), monday, "{day}");
        }
    }

    #[test]
    fn without_a_season_the_season_is_everything() {
        assert_eq!(days_of(Period::Season, 7, None), Days::ALL);
        let season = Days::between(0, 100);
        assert_eq!(days_of(Period::Season, 7, Some(season)), season);
        assert_eq!(days_of(Period::All, 7, Some(season)), Days::ALL);
    }

    #[test]
    fn names_are_read_back() {
        for period in Period::EVERY {
            assert_eq!(Period::parse(&period.to_string()), Some(period));
        }
        assert_eq!(Period::parse("month"), None);
    }

    proptest! {
        #[test]
        fn every_day_is_in_its_own_day_and_week_alone(day in any::<i32>()) {
            for period in [Period::Day, Period::Week] {
                let days = days_of(period, day, None);
                prop_assume!(day < i32::MAX - 7 && day > i32::MIN + 7);
                prop_assert!(days.contains(day));
                // The same days for each of them, and no day of the neighbours.
                let (from, to) = (days.from.unwrap(), days.to.unwrap());
                for other in from..to {
                    prop_assert_eq!(days_of(period, other, None), days);
                }
                prop_assert!(days_of(period, from - 1, None) != days && days_of(period, to, None) != days);
            }
        }

        #[test]
        fn nothing_overflows(day in prop_oneof![Just(i32::MIN), Just(i32::MAX), any::<i32>()]) {
            for period in Period::EVERY {
                let _ = days_of(period, day, None);
            }
        }
    }
}
