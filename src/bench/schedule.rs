//! When things are sent: as fast as they are answered (a closed loop), or at a given rate whatever the answers do (an open
//! loop).
//!
//! In an open loop latency counts from the moment something was due, not from the one at which it could be sent: a node that
//! stalls is charged for everything that had to wait meanwhile, so nothing is hidden by coordinated omission (G. Tene, "How
//! NOT to Measure Latency"). The runtime's timer adds up to a millisecond to that.

use super::tally::Window;
use std::cell::Cell;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How the load comes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Loop {
    /// The next as soon as one is answered.
    Closed,
    /// So many a second in every second of the run, whatever is answered.
    Open(Vec<f64>),
}

impl Loop {
    /// When the operation of a number is due, in seconds from the start; none when there are no more. The last rate goes on.
    fn due(rates: &[f64], number: u64) -> Option<f64> {
        let (mut left, mut second) = (number as f64, 0.0);
        for (place, rate) in rates.iter().enumerate() {
            let is_last = place + 1 == rates.len();
            if *rate > 0.0 && (left < *rate || is_last) {
                return Some(second + left / rate);
            }
            left -= rate;
            second += 1.0;
        }
        None
    }
}

/// Gives out the operations of one run, each once, to whoever asks.
pub(super) struct Schedule {
    when: Loop,
    window: Window,
    began: Instant,
    given: Cell<u64>,
}

impl Schedule {
    /// From now on, until the window is over.
    pub(super) fn new(when: Loop, window: Window) -> Self {
        Self {
            when,
            window,
            began: Instant::now(),
            given: Cell::new(0),
        }
    }

    pub(super) fn when(&self) -> &Loop {
        &self.when
    }

    /// How many were given out so far.
    pub(super) fn given(&self) -> u64 {
        self.given.get()
    }

    /// The number of the next operation, from 0, and when it was due, once it is; none when the time is over.
    pub(super) async fn next(&self) -> Option<(u64, Instant)> {
        if self.window.is_over() {
            return None;
        }
        let number = self.given.get();
        let due = match &self.when {
            Loop::Closed => Instant::now(),
            Loop::Open(rates) => self.began + Duration::from_secs_f64(Loop::due(rates, number)?),
        };
        if due >= self.window.until {
            return None;
        }
        self.given.set(number + 1);
        if self.when != Loop::Closed {
            sleep_until(due).await;
        }
        Some((number, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awards_are_due_at_the_rate_of_their_second() {
        let rates = [2.0, 0.0, 4.0];
        let due: Vec<f64> = (0..8).filter_map(|number| Loop::due(&rates, number)).collect();
        assert_eq!(due, [0.0, 0.5, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25]);
        assert_eq!(Loop::due(&[0.0], 0), None, "a rate of nothing never sends");
    }
}
