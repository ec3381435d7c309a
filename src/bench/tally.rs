//! What was answered and how late: counts and an HDR histogram, of the measured part of a run alone.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The longest latency that is told apart; what is later counts as this.
const LONGEST: Duration = Duration::from_secs(600);
/// Kinds of refusal that are counted apart.
const KINDS_MAX: usize = 64;

/// The part of a run that is measured: after everything is warm, until the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) from: Instant,
    pub(super) until: Instant,
}

impl Window {
    /// From `warm_up` after now on.
    pub(super) fn after(warm_up: Duration, lasting: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self {
            from,
            until: from + lasting,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    fn holds(&self, at: Instant) -> bool {
        (self.from..self.until).contains(&at)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.until.duration_since(self.from).as_secs_f64()
    }
}

/// Latencies at percentiles, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half were at most so late.
    pub p50: f64,
    /// 90 percent were at most so late.
    pub p90: f64,
    /// 99 percent were at most so late.
    pub p99: f64,
    /// 99.9 percent were at most so late.
    pub p999: f64,
    /// Nothing was later.
    pub max: f64,
}

/// Latencies of what came inside the window, in microseconds with three digits.
#[derive(Debug)]
pub(super) struct Latencies(RefCell<Histogram<u64>>);

impl Latencies {
    pub(super) fn new() -> Self {
        let most = LONGEST.as_micros() as u64;
        // Bounds between 1 and a number above 2 and three digits are always sound.
        let histogram = Histogram::new_with_bounds(1, most, 3);
        Self(RefCell::new(histogram.unwrap_or_else(|error| unreachable!("{error}"))))
    }

    pub(super) fn record(&self, latency: Duration) {
        self.0.borrow_mut().saturating_record(latency.as_micros() as u64);
    }

    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        let histogram = self.0.borrow();
        if histogram.is_empty() {
            return None;
        }
        let ms = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Some(Percentiles {
            p50: ms(0.5),
            p90: ms(0.9),
            p99: ms(0.99),
            p999: ms(0.999),
            max: histogram.max() as f64 / 1e3,
        })
    }
}

/// Answers of one run.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) window: Window,
    pub(super) latencies: Latencies,
    /// Done inside the window.
    done: Cell<u64>,
    /// Points of all awards that were acknowledged, warm-up included.
    pub(super) points: Cell<u64>,
    /// What was not done, by status or code, warm-up included.
    refused: RefCell<BTreeMap<String, u64>>,
}

impl Tally {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            latencies: Latencies::new(),
            done: Cell::new(0),
            points: Cell::new(0),
            refused: RefCell::default(),
        }
    }

    /// Something was done, that was due at `due`.
    pub(super) fn done(&self, due: Instant) {
        let now = Instant::now();
        if self.window.holds(now) {
            self.done.set(self.done.get() + 1);
            self.latencies.record(now.duration_since(due));
        }
    }

    /// Something was refused.
    pub(super) fn refused(&self, why: &str) {
        let mut refused = self.refused.borrow_mut();
        if let Some(count) = refused.get_mut(why) {
            *count += 1;
        } else if refused.len() < KINDS_MAX {
            refused.insert(why.to_owned(), 1);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.done.get()
    }

    pub(super) fn refusals(&self) -> BTreeMap<String, u64> {
        self.refused.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_comes_inside_the_window_counts() {
        let window = Window::after(Duration::from_secs(1), Duration::from_secs(2));
        let tally = Tally::new(window);
        let began = Instant::now();
        tally.done(began);
        tokio::time::advance(Duration::from_millis(1_500)).await;
        tally.done(began);
        assert!(!window.is_over());
        tokio::time::advance(Duration::from_secs(2)).await;
        tally.done(began);
        assert!(window.is_over());
        assert_eq!(tally.count(), 1);
        let seen = tally.latencies.percentiles().expect("one was counted");
        assert!(
            (seen.p50 - 1_500.0).abs() < 5.0 && (seen.max - 1_500.0).abs() < 5.0,
            "{seen:?}"
        );
    }

    #[test]
    fn nothing_has_no_percentiles_and_refusals_have_a_bound() {
        let latencies = Latencies::new();
        assert_eq!(latencies.percentiles(), None);
        latencies.record(2 * LONGEST);
        assert!(latencies.percentiles().is_some_and(|seen| seen.max <= 601_000.0));
    }
}
