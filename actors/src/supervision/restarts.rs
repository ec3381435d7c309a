//! The window of restarts of one actor: what to do after each failure. Pure.

use homeroom_schema::limits::{RESTART_WINDOW, RESTARTS_MAX};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The first pause before a restart; each further failure inside the window doubles it.
const BACKOFF_FIRST: Duration = Duration::from_millis(10);
/// The longest pause before a restart.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

const _: () = assert!(BACKOFF_MAX.as_millis() < RESTART_WINDOW.as_millis());

/// What to do with an actor that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this pause.
    RestartAfter(Duration),
    /// It failed too often: leave it alone until then. Reported once for each quarantine.
    Quarantined {
        /// When the window has passed.
        until: Instant,
    },
}

/// Failures of one actor inside [`RESTART_WINDOW`]. Holds at most [`RESTARTS_MAX`] + 1 of them.
#[derive(Debug, Clone, Default)]
pub struct Restarts {
    failures: VecDeque<Instant>,
    quarantined_until: Option<Instant>,
}

impl Restarts {
    /// Notes a failure and says what to do.
    pub fn failed(&mut self, now: Instant) -> Verdict {
        self.forget(now);
        self.failures.push_back(now);
        let failures = self.failures.len();
        if failures > RESTARTS_MAX {
            let until = now + RESTART_WINDOW;
            self.failures.clear();
            self.quarantined_until = Some(until);
            return Verdict::Quarantined { until };
        }
        let doublings = u32::try_from(failures - 1).unwrap_or(u32::MAX);
        let pause = BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(doublings));
        Verdict::RestartAfter(pause.min(BACKOFF_MAX))
    }

    /// Whether the actor is to be left alone now.
    pub fn is_quarantined(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.quarantined_until.is_some()
    }

    /// Whether nothing has to be remembered: no failure inside the window, no quarantine.
    pub fn is_clean(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.failures.is_empty() && self.quarantined_until.is_none()
    }

    fn forget(&mut self, now: Instant) {
        if self.quarantined_until.is_some_and(|until| until <= now) {
            self.quarantined_until = None;
        }
        while self
            .failures
            .front()
            .is_some_and(|at| now.duration_since(*at) >= RESTART_WINDOW)
        {
            self.failures.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_then_comes_quarantine() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        for expected_ms in [10, 20, 40, 80, 160] {
            assert_eq!(
                restarts.failed(now),
                Verdict::RestartAfter(Duration::from_millis(expected_ms))
            );
        }
        let until = now + RESTART_WINDOW;
        assert_eq!(restarts.failed(now), Verdict::Quarantined { until });
        assert!(restarts.is_quarantined(until - Duration::from_millis(1)));
        assert!(!restarts.is_quarantined(until));
        assert!(restarts.is_clean(until));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_far_apart_are_never_quarantined() {
        let mut restarts = Restarts::default();
        let mut now = Instant::now();
        for _ in 0..100 {
            now += RESTART_WINDOW;
            assert_eq!(restarts.failed(now), Verdict::RestartAfter(BACKOFF_FIRST));
        }
    }
}
