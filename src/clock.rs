//! The wall clock and the node's time zone: the only place of the server that reads either.

mod steady;

use homeroom_actors::Clock;
use homeroom_schema::TimeMs;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Instant;
use steady::Steady;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The machine's clock, seen from one time zone.
#[derive(Debug, Clone)]
pub struct SystemClock {
    zone: TimeZone,
    began: Instant,
    steady: Arc<Steady>,
}

impl SystemClock {
    /// A clock in the zone with this IANA name; none if there is no such zone.
    #[must_use]
    pub fn new(time_zone: &str) -> Option<Self> {
        let zone = TimeZone::get(time_zone).ok()?;
        Some(Self {
            zone,
            began: Instant::now(),
            steady: Arc::default(),
        })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> TimeMs {
        let wall_ms = Timestamp::now().as_millisecond();
        TimeMs(self.steady.now(wall_ms, self.began.elapsed()))
    }

    fn local_day(&self, at: TimeMs) -> i32 {
        let range = Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond();
        let at = at.0.clamp(*range.start(), *range.end());
        let moment = Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX);
        let offset_ms = i64::from(self.zone.to_offset(moment).seconds()) * 1_000;
        (moment.as_millisecond() + offset_ms).div_euclid(DAY_MS) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_local_midnight_on_both_sides_of_utc_and_over_a_changed_clock() {
        for (zone, at, day) in [
            ("UTC", "1970-01-01T00:00:00Z", 0),
            ("UTC", "1970-01-01T23:59:59.999Z", 0),
            ("UTC", "1969-12-31T23:59:59.999Z", -1),
            ("Pacific/Kiritimati", "2026-03-01T10:00:00Z", 20_514),
            ("Pacific/Pago_Pago", "2026-03-01T10:59:00Z", 20_512),
            ("Europe/Berlin", "2026-03-28T22:59:59Z", 20_540),
            ("Europe/Berlin", "2026-03-28T23:00:00Z", 20_541),
            ("Europe/Berlin", "2026-03-29T22:00:00Z", 20_542),
        ] {
            let clock = SystemClock::new(zone).expect("a known zone");
            let at: Timestamp = at.parse().expect("a time");
            assert_eq!(clock.local_day(TimeMs(at.as_millisecond())), day, "{zone} {at}");
        }
        assert!(SystemClock::new("Nowhere/Else").is_none());
    }

    fn ms(text: &str) -> TimeMs {
        let at: Timestamp = text.parse().expect("a time");
        TimeMs(at.as_millisecond())
    }

    fn day(clock: &SystemClock, text: &str) -> (TimeMs, TimeMs) {
        let day = clock.local_day(ms(text));
        (clock.day_starts_at(day), clock.day_starts_at(day + 1))
    }

    #[test]
    fn a_day_lasts_from_local_midnight_to_local_midnight_over_changed_clocks_and_date_lines() {
        for (zone, at, from, to) in [
            (
                "UTC",
                "2026-12-31T12:00:00Z",
                "2026-12-31T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            // Clocks go forward: 23 hours. Back: 25.
            (
                "Europe/Berlin",
                "2026-03-29T12:00:00Z",
                "2026-03-28T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
            (
                "Europe/Berlin",
                "2026-10-25T12:00:00Z",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
            (
                "America/New_York",
                "2026-11-01T12:00:00Z",
                "2026-11-01T04:00:00Z",
                "2026-11-02T05:00:00Z",
            ),
            // By half an hour.
            (
                "Australia/Lord_Howe",
                "2026-04-05T12:00:00Z",
                "2026-04-04T13:00:00Z",
                "2026-04-05T13:30:00Z",
            ),
            // At midnight: the day begins at one; and midnight comes twice, the day begins with the first.
            (
                "Africa/Cairo",
                "2026-04-24T12:00:00Z",
                "2026-04-23T22:00:00Z",
                "2026-04-24T21:00:00Z",
            ),
            (
                "America/Havana",
                "2026-11-01T12:00:00Z",
                "2026-11-01T04:00:00Z",
                "2026-11-02T05:00:00Z",
            ),
            // As far ahead and behind as it goes.
            (
                "Pacific/Kiritimati",
                "2026-01-01T00:00:00Z",
                "2025-12-31T10:00:00Z",
                "2026-01-01T10:00:00Z",
            ),
            (
                "Pacific/Pago_Pago",
                "2026-01-01T00:00:00Z",
                "2025-12-31T11:00:00Z",
                "2026-01-01T11:00:00Z",
            ),
            // 30 December 2011 was left out.
            (
                "Pacific/Apia",
                "2011-12-30T09:59:59Z",
                "2011-12-29T10:00:00Z",
                "2011-12-30T10:00:00Z",
            ),
            (
                "Pacific/Apia",
                "2011-12-30T10:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-31T10:00:00Z",
            ),
        ] {
            let clock = SystemClock::new(zone).expect("a known zone");
            assert_eq!(day(&clock, at), (ms(from), ms(to)), "{zone} {at}");
        }
        let apia = SystemClock::new("Pacific/Apia").expect("a known zone");
        assert_eq!(
            apia.day_starts_at(15_338),
            apia.day_starts_at(15_339),
            "a day left out lasts no time"
        );
    }

    #[test]
    fn every_moment_is_in_the_day_that_it_is_of() {
        for zone in [
            "UTC",
            "Europe/Berlin",
            "America/Havana",
            "Africa/Cairo",
            "Asia/Kathmandu",
            "Pacific/Apia",
            "Pacific/Kiritimati",
            "Pacific/Pago_Pago",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
        ] {
            let clock = SystemClock::new(zone).expect("a known zone");
            let (mut at, end) = (ms("2010-12-01T00:00:00Z").0, ms("2012-02-01T00:00:00Z").0);
            while at < end {
                let day = clock.local_day(TimeMs(at));
                let (from, to) = (clock.day_starts_at(day), clock.day_starts_at(day + 1));
                assert!(from.0 <= at && at < to.0, "{zone} {at}: {from:?} {to:?}");
                at += 13 * 60 * 1_000 + 7;
            }
        }
    }

    #[test]
    fn no_day_overflows() {
        let clock = SystemClock::new("Europe/Berlin").expect("a known zone");
        for day in [i32::MIN, -1, 0, i32::MAX] {
            assert!(clock.day_starts_at(day).0.abs() <= (i64::from(day).abs() + 2) * DAY_MS);
        }
        assert!(clock.local_day(TimeMs(i64::MAX)) > 0 && clock.local_day(TimeMs(i64::MIN)) < 0);
    }
}
