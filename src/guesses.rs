//! Wrong guesses in a row, by whoever makes them (NIST SP 800-63B, section 5.2.2, rate limiting): after some the next one has to
//! wait, each time twice as long. In memory only, on the node's clock.

use homeroom_schema::TimeMs;
use homeroom_schema::limits::{GUESS_WAIT_MAX, GUESSERS_MAX};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// The first wait after too many wrong ones.
const FIRST_WAIT_MS: i64 = 60_000;

/// Everybody who guessed wrong lately.
#[derive(Debug)]
pub struct Guesses<Who> {
    tries_max: u32,
    /// At most [`GUESSERS_MAX`]; whoever does not fit waits until others are forgotten.
    by: Mutex<HashMap<Who, InARow>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct InARow {
    wrong: u32,
    until: TimeMs,
}

impl<Who: Eq + Hash> Guesses<Who> {
    /// Nobody yet. So many wrong ones in a row are free.
    #[must_use]
    pub fn new(tries_max: u32) -> Self {
        Self {
            tries_max,
            by: Mutex::default(),
        }
    }

    /// Takes a guess. It counts as wrong until it is forgiven, so that many at once are no way around.
    ///
    /// # Errors
    /// How long to wait, while the guess may not be made.
    pub fn begin(&self, who: Who, now: TimeMs) -> Result<(), Duration> {
        let longest_ms = GUESS_WAIT_MAX.as_millis() as i64;
        let mut by = self.by.lock();
        if by.len() >= GUESSERS_MAX && !by.contains_key(&who) {
            by.retain(|_, row| row.until.plus_ms(longest_ms) > now);
        }
        let is_full = by.len() >= GUESSERS_MAX && !by.contains_key(&who);
        let before = by.get(&who).copied().unwrap_or_default();
        if is_full || now < before.until {
            let wait_ms = if is_full { FIRST_WAIT_MS } else { before.until.0 - now.0 };
            return Err(Duration::from_millis(wait_ms.unsigned_abs()));
        }
        let wrong = before.wrong.saturating_add(1);
        let wait_ms = match wrong.checked_sub(self.tries_max) {
            None => 0,
            Some(times) => (FIRST_WAIT_MS << times.min(20)).min(longest_ms),
        };
        let until = now.plus_ms(wait_ms);
        by.insert(who, InARow { wrong, until });
        Ok(())
    }

    /// Forgets wrong ones: the right one was made.
    pub fn forgive(&self, who: &Who) {
        self.by.lock().remove(who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIES: u32 = 5;

    #[test]
    fn guessing_is_slowed_down_ever_more_and_forgiven_by_the_right_one() {
        let guesses = Guesses::new(TRIES);
        for _ in 0..TRIES {
            guesses.begin("ada", TimeMs(0)).expect("a try");
        }
        assert_eq!(guesses.begin("ada", TimeMs(59_999)), Err(Duration::from_millis(1)));
        guesses.begin("ben", TimeMs(59_999)).expect("somebody else");
        guesses.begin("ada", TimeMs(60_000)).expect("another try");
        assert!(guesses.begin("ada", TimeMs(179_999)).is_err(), "now two minutes");
        let mut now = 180_000;
        for _ in 0..40 {
            guesses.begin("ada", TimeMs(now)).expect("after the wait");
            now += GUESS_WAIT_MAX.as_millis() as i64;
        }
        guesses.forgive(&"ada");
        guesses.begin("ada", TimeMs(now - 1)).expect("forgiven");
    }

    #[test]
    fn those_who_guess_are_bounded() {
        let guesses = Guesses::new(TRIES);
        for number in 0..GUESSERS_MAX {
            guesses.begin(number, TimeMs(0)).expect("room");
        }
        assert!(guesses.begin(GUESSERS_MAX, TimeMs(1)).is_err());
        let later = TimeMs(GUESS_WAIT_MAX.as_millis() as i64);
        guesses.begin(GUESSERS_MAX, later).expect("the others are forgotten");
    }
}
