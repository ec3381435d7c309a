//! Which parts a range of time is cut into, in the node's time zone.

use crate::clock::Clock;
use crate::domain::analytics::Buckets;
use crate::domain::period::monday_of;
use homeroom_schema::TimeMs;
use homeroom_schema::limits::ANALYTICS_BUCKETS_MAX;
use std::ops::Range;

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// How long the parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketSize {
    /// Hours after local midnight: where clocks change, a day has 23 or 25 of them.
    Hour,
    /// Local days.
    Day,
    /// Seven local days from Monday.
    Week,
}

impl BucketSize {
    /// Reads the wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Week]
            .into_iter()
            .find(|size| size.as_str() == text)
    }

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }
}

/// The parts of a range that is not empty; none when there would be more than [`ANALYTICS_BUCKETS_MAX`]. The first and the
/// last are shorter where the range begins or ends inside of one.
pub(crate) fn buckets(clock: &dyn Clock, range: &Range<TimeMs>, size: BucketSize) -> Option<Buckets> {
    let (first, last) = (clock.local_day(range.start), clock.local_day(range.end.plus_ms(-1)));
    let days = i64::from(last) - i64::from(first) + 1;
    let step = if size == BucketSize::Week { 7 } else { 1 };
    // One more at either end than there can be; hours are counted exactly below.
    let bound = match size {
        BucketSize::Hour => 2 + (ANALYTICS_BUCKETS_MAX as i64 / 23),
        BucketSize::Day => ANALYTICS_BUCKETS_MAX as i64,
        BucketSize::Week => 7 * (ANALYTICS_BUCKETS_MAX as i64 + 1),
    };
    if days > bound {
        return None;
    }
    let first = if size == BucketSize::Week {
        monday_of(first)
    } else {
        first
    };
    let starts = (first..=last).step_by(step).map(|day| clock.day_starts_at(day));
    let buckets = if size == BucketSize::Hour {
        let hours = starts.enumerate().flat_map(|(index, start)| {
            let next = clock.day_starts_at(first + index as i32 + 1);
            (start.0..next.0).step_by(HOUR_MS as usize).map(TimeMs)
        });
        Buckets::new(range.clone(), hours)
    } else {
        Buckets::new(range.clone(), starts)
    };
    (buckets.len() <= ANALYTICS_BUCKETS_MAX).then_some(buckets)
}

/// The local days of a range that is cut into buckets.
pub(crate) fn days(clock: &dyn Clock, range: Range<TimeMs>) -> Buckets {
    let days = clock.local_day(range.start)..=clock.local_day(range.end.plus_ms(-1));
    Buckets::new(range, days.map(|day| clock.day_starts_at(day)))
}
