//! Time that never runs backwards: the wall clock, held up by the monotonic one when somebody sets it back.

use parking_lot::Mutex;
use std::time::Duration;

/// After the wall clock was set back, time goes on at nine tenths of its pace until both agree again.
const SLOWER: u32 = 10;
/// A difference from here on is worth a warning: more than clocks drift between two looks.
const WORTH_A_WARNING: Duration = Duration::from_secs(5);

/// Makes of two clocks one that only rises. Streaks, daily caps and boards would pay a day twice if it came twice.
///
/// A step forward is followed at once. A step back is not: time goes on from where it was, a tenth slower than real, until the
/// wall clock has caught up (an hour is made up in ten hours); a restart follows the wall clock at once.
#[derive(Debug, Default)]
pub(super) struct Steady {
    last: Mutex<Option<Last>>,
}

/// The last look.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// What was given, milliseconds since 1970.
    given_ms: i64,
    /// Parts of a millisecond that were not given yet, in nanoseconds.
    rest_ns: u128,
    monotonic: Duration,
    is_ahead: bool,
}

impl Steady {
    /// The time now, given what both clocks say; milliseconds since 1970. Never less than before.
    pub(super) fn now(&self, wall_ms: i64, monotonic: Duration) -> i64 {
        let mut last = self.last.lock();
        let next = match *last {
            None => Last::following(wall_ms, monotonic),
            Some(before) => before.next(wall_ms, monotonic),
        };
        if next.is_ahead && !last.is_some_and(|last| last.is_ahead) {
            let ahead = Duration::from_millis(next.given_ms.abs_diff(wall_ms));
            if ahead >= WORTH_A_WARNING {
                tracing::warn!(
                    ?ahead,
                    "the wall clock was set back; time goes on slower until it has caught up"
                );
                metrics::counter!("homeroom_clock_set_back_total").increment(1);
            }
        }
        *last = Some(next);
        next.given_ms
    }
}

impl Last {
    const fn following(wall_ms: i64, monotonic: Duration) -> Self {
        Self {
            given_ms: wall_ms,
            rest_ns: 0,
            monotonic,
            is_ahead: false,
        }
    }

    fn next(self, wall_ms: i64, monotonic: Duration) -> Self {
        if wall_ms >= self.given_ms {
            return Self::following(wall_ms, monotonic);
        }
        // Another thread may have looked later and come first.
        let elapsed = monotonic.saturating_sub(self.monotonic);
        let slowed = self.rest_ns + (elapsed - elapsed / SLOWER).as_nanos();
        Self {
            given_ms: self.given_ms.saturating_add((slowed / 1_000_000) as i64),
            rest_ns: slowed % 1_000_000,
            monotonic: self.monotonic.max(monotonic),
            is_ahead: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_MS: i64 = 86_400_000;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_the_wall_clock_while_that_rises() {
        let clock = Steady::default();
        for (wall, monotonic) in [(1_000, 1), (2_000, 2), (2_000, 2), (90_000, 3)] {
            assert_eq!(clock.now(wall, seconds(monotonic)), wall);
        }
    }

    #[test]
    fn after_a_step_back_it_goes_on_and_is_caught_up_with() {
        let clock = Steady::default();
        assert_eq!(clock.now(10 * DAY_MS, seconds(0)), 10 * DAY_MS);
        assert_eq!(clock.now(9 * DAY_MS, seconds(0)), 10 * DAY_MS);
        assert_eq!(clock.now(9 * DAY_MS + 10_000, seconds(10)), 10 * DAY_MS + 9_000);
        let ten_days = 10 * DAY_MS as u64 / 1_000;
        assert_eq!(
            clock.now(19 * DAY_MS + 10_000, seconds(ten_days + 10)),
            19 * DAY_MS + 10_000,
            "caught up after ten days"
        );
    }

    #[test]
    fn many_looks_in_a_millisecond_lose_no_time() {
        let clock = Steady::default();
        clock.now(DAY_MS, Duration::ZERO);
        let last = (1..=100_000_u64)
            .map(|look| clock.now(0, Duration::from_micros(10 * look)))
            .last();
        assert_eq!(last, Some(DAY_MS + 900));
    }

    proptest! {
        #[test]
        fn whatever_the_wall_clock_says_it_never_falls(steps in prop::collection::vec((any::<i32>(), 0_u64..100_000), 1..50)) {
            let clock = Steady::default();
            let (mut wall, mut monotonic, mut before) = (0_i64, 0, i64::MIN);
            for (step, passed) in steps {
                wall += i64::from(step);
                monotonic += passed;
                let now = clock.now(wall, Duration::from_millis(monotonic));
                prop_assert!(now >= before && now >= wall);
                before = now;
            }
        }
    }
}
