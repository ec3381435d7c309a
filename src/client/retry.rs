//! How long to wait before the next try. Waits grow, are bounded, and are jittered so that many clients do not return at once.

use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// With [`WAIT_MAX`] about a minute and a half of trying: longer than a node takes to restart.
pub(super) const TRIES_MAX: u32 = 24;

/// The waits of one call, or of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    tries: u32,
    tries_max: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(TRIES_MAX)
    }
}

impl Backoff {
    /// At most so many tries.
    #[must_use]
    pub const fn new(tries_max: u32) -> Self {
        Self { tries: 0, tries_max }
    }

    /// Tries that failed so far.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// Something worked: start anew.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }

    /// A try failed: how long to wait before the next one, or none when it is time to give up. What the node asks for is
    /// respected (up to a bound), with jitter on top.
    pub fn next_wait(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.tries += 1;
        if self.tries >= self.tries_max {
            return None;
        }
        let grown = FIRST_WAIT
            .saturating_mul(1 << self.tries.saturating_sub(1).min(10))
            .min(WAIT_MAX);
        let jittered = grown.mul_f64(0.5 + 0.5 * random_fraction());
        Some(match asked {
            Some(asked) => asked.min(WAIT_MAX * 6) + jittered.min(FIRST_WAIT * 4),
            None => jittered,
        })
    }
}

/// Between 0 and 1. Without randomness from the system the jitter is lost, nothing else.
fn random_fraction() -> f64 {
    let mut bytes = [0_u8; 4];
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_bounded_and_end() {
        let mut backoff = Backoff::new(20);
        let waits: Vec<Duration> = std::iter::from_fn(|| backoff.next_wait(None)).collect();
        assert_eq!(waits.len(), 19);
        assert!(waits[0] <= FIRST_WAIT && waits[0] >= FIRST_WAIT / 2);
        assert!(waits.iter().all(|wait| *wait <= WAIT_MAX));
        assert!(waits[18] >= WAIT_MAX / 2);
    }

    #[test]
    fn a_wait_that_the_node_asks_for_is_respected() {
        let wait = Backoff::default().next_wait(Some(Duration::from_secs(2)));
        assert!(wait.is_some_and(|wait| wait >= Duration::from_secs(2) && wait < Duration::from_secs(3)));
    }
}
