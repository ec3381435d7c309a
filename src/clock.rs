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
        let moment = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX);
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
}
