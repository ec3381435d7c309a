//! The only source of time for actors: given from outside, so that tests and simulations own it.

use homeroom_schema::TimeMs;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The node's wall clock and time zone.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> TimeMs;

    /// The local day of a moment in the node's time zone, days since 1970-01-01.
    fn local_day(&self, at: TimeMs) -> i32;

    /// The moment at which a local day begins: the first one of it or of a later day. So days follow one another without a
    /// gap, whatever the zone does to its clocks: a day can have 23 or 25 hours, begin at one in the morning, or, where a
    /// date line moved, be left out and last no time.
    fn day_starts_at(&self, day: i32) -> TimeMs {
        let midnight_utc = i64::from(day) * DAY_MS;
        // No zone is further than a day from UTC, dates left out included: the bounds are on either side for certain.
        let (mut before, mut begun) = (midnight_utc - 2 * DAY_MS, midnight_utc + 2 * DAY_MS);
        while before < begun {
            let middle = before + (begun - before) / 2;
            if self.local_day(TimeMs(middle)) < day {
                before = middle + 1;
            } else {
                begun = middle;
            }
        }
        TimeMs(begun)
    }
}
