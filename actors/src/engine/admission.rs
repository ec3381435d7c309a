//! How many commands may be under way at once: as many as the node answers in a bounded time, measured. While answers come
//! quickly the bound is far away; when they take too long it falls to what can be answered in time, and the rest is refused
//! at once, so that what is accepted stays quick. Reads and live sessions are not counted here: they go on.

use crate::error::EngineError;
use crate::supervision::monotonic;
use homeroom_schema::limits::{ADMISSION_WINDOW, COMMAND_TIME_TARGET, COMMANDS_IN_FLIGHT_MAX, COMMANDS_IN_FLIGHT_MIN};
use metrics::{Counter, Gauge};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The way in for commands. A clone is another handle to the same one.
#[derive(Clone)]
pub(crate) struct Admission {
    inner: Arc<Inner>,
}

struct Inner {
    in_flight: AtomicUsize,
    limit: AtomicUsize,
    window: Mutex<Window>,
    refused: Counter,
    limit_now: Gauge,
}

/// What has been answered since the last look at the bound.
struct Window {
    began: Instant,
    answered: u32,
    took: Duration,
}

/// The place of one command under way; dropping it gives it back, with how long it took.
pub(crate) struct Permit {
    inner: Arc<Inner>,
    since: Instant,
}

impl Admission {
    /// Nothing is under way.
    pub(crate) fn new() -> Self {
        let window = Window {
            began: monotonic(),
            answered: 0,
            took: Duration::ZERO,
        };
        Self {
            inner: Arc::new(Inner {
                in_flight: AtomicUsize::new(0),
                limit: AtomicUsize::new(COMMANDS_IN_FLIGHT_MAX),
                window: Mutex::new(window),
                refused: metrics::counter!("homeroom_commands_shed_total"),
                limit_now: metrics::gauge!("homeroom_commands_in_flight_limit"),
            }),
        }
    }

    /// A place for one more command.
    pub(crate) fn take(&self) -> Result<Permit, EngineError> {
        let now = monotonic();
        let before = self.inner.in_flight.fetch_add(1, Ordering::AcqRel);
        if before == 0 {
            self.inner.window.lock().begin(now);
        } else if before >= COMMANDS_IN_FLIGHT_MIN {
            // Answers move the bound; without any, callers do.
            self.inner.look(now, None);
        }
        if before < self.inner.limit.load(Ordering::Acquire) {
            return Ok(Permit {
                inner: Arc::clone(&self.inner),
                since: now,
            });
        }
        self.inner.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.inner.refused.increment(1);
        Err(EngineError::Overloaded)
    }

    /// Whether one more would be taken now.
    pub(crate) fn has_room(&self) -> Result<(), EngineError> {
        if self.in_flight() < self.inner.limit.load(Ordering::Acquire) {
            return Ok(());
        }
        self.inner.look(monotonic(), None);
        self.inner.refused.increment(1);
        Err(EngineError::Overloaded)
    }

    /// Commands under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.inner.in_flight.load(Ordering::Acquire)
    }

    #[cfg(test)]
    fn limit(&self) -> usize {
        self.inner.limit.load(Ordering::Acquire)
    }
}

impl Inner {
    /// Notes an answer, if there was one, and moves the bound when the window is over.
    fn look(&self, now: Instant, answered: Option<Duration>) {
        let mut window = self.window.lock();
        if let Some(took) = answered {
            window.answered += 1;
            window.took += took;
        }
        let length = now.saturating_duration_since(window.began);
        if length < ADMISSION_WINDOW {
            return;
        }
        let limit = window.next_limit(self.limit.load(Ordering::Acquire), length);
        self.limit.store(limit, Ordering::Release);
        self.limit_now.set(limit as f64);
        window.begin(now);
    }
}

impl Window {
    fn begin(&mut self, now: Instant) {
        *self = Self {
            began: now,
            answered: 0,
            took: Duration::ZERO,
        };
    }

    /// Answers that come in time let the bound rise by a quarter. Late ones, or none at all, set it to what would be
    /// answered in time at the present speed (Little's law: places are speed times time).
    fn next_limit(&self, limit: usize, length: Duration) -> usize {
        let is_late = self.answered == 0 || self.took / self.answered > COMMAND_TIME_TARGET;
        let next = if is_late {
            let speed = f64::from(self.answered) / length.as_secs_f64();
            (speed * COMMAND_TIME_TARGET.as_secs_f64()) as usize
        } else {
            limit + limit / 4
        };
        next.clamp(COMMANDS_IN_FLIGHT_MIN, COMMANDS_IN_FLIGHT_MAX)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.inner.in_flight.fetch_sub(1, Ordering::AcqRel);
        let now = monotonic();
        self.inner.look(now, Some(now.saturating_duration_since(self.since)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn fill(admission: &Admission) -> Vec<Permit> {
        std::iter::from_fn(|| admission.take().ok()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_on_an_idle_node_is_taken_up_to_the_bound() {
        let admission = Admission::new();
        let permits = fill(&admission);
        assert_eq!(permits.len(), COMMANDS_IN_FLIGHT_MAX);
        assert_eq!(admission.has_room(), Err(EngineError::Overloaded));
        drop(permits);
        assert_eq!((admission.in_flight(), admission.has_room()), (0, Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn without_answers_few_are_taken_and_answers_bring_the_bound_back() {
        let admission = Admission::new();
        let mut held: Vec<Permit> = (0..COMMANDS_IN_FLIGHT_MIN).map(|_| admission.take().unwrap()).collect();
        advance(ADMISSION_WINDOW).await;
        assert!(admission.take().is_err(), "nothing was answered for a whole window");
        assert_eq!(admission.limit(), COMMANDS_IN_FLIGHT_MIN);
        held.clear();
        // The late answers are forgotten with their window.
        advance(ADMISSION_WINDOW).await;
        drop(admission.take().unwrap());
        for _ in 0..40 {
            let quick = admission.take().unwrap();
            advance(ADMISSION_WINDOW / 8).await;
            let rest = admission.take().unwrap();
            drop(quick);
            advance(ADMISSION_WINDOW / 8 * 7).await;
            // Answered in one window of its own, in time.
            let next = admission.take().unwrap();
            drop((rest, next));
        }
        assert_eq!(admission.limit(), COMMANDS_IN_FLIGHT_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn late_answers_set_the_bound_to_what_is_answered_in_time() {
        let admission = Admission::new();
        let held: Vec<Permit> = (0..12_000).map(|_| admission.take().unwrap()).collect();
        advance(ADMISSION_WINDOW).await;
        let mut window = admission.inner.window.lock();
        // 3,000 answers in a quarter of a second, of a second each: as many fit into the quarter that they may take.
        (window.answered, window.took) = (3_000, Duration::from_secs(3_000));
        let limit = window.next_limit(COMMANDS_IN_FLIGHT_MAX, monotonic() - window.began);
        drop(window);
        assert_eq!(limit, 3_000);
        drop(held);
    }
}
