//! Days, weeks and seasons as ranges of local days.

use homeroom_actors::domain::period::{Days, Period, days_of, monday_of};
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
