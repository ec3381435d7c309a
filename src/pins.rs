//! PINs: how a student comes back on another device. Kept as Argon2id hashes; guessing is slowed down for each person.

use crate::classroom::below;
use crate::guesses::Guesses;
use crate::problem::Problem;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use homeroom_schema::limits::{PIN_DIGITS, PIN_HASHES_AT_ONCE, PIN_TRIES_MAX};
use homeroom_schema::{TimeMs, UserId};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Digits of a PIN that the node makes.
const MADE_DIGITS: u32 = 4;
/// OWASP's password storage cheat sheet: Argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;

/// Hashing and checking PINs: only so many at once, and only so many wrong ones a person.
#[derive(Debug)]
pub struct Pins {
    at_once: Arc<Semaphore>,
    guesses: Guesses<UserId>,
}

impl Default for Pins {
    fn default() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(PIN_HASHES_AT_ONCE)),
            guesses: Guesses::new(PIN_TRIES_MAX),
        }
    }
}

/// A PIN of the node's making.
///
/// # Errors
/// 500 `internal` when the system has no randomness to give.
pub fn new_pin() -> Result<String, Problem> {
    let number = below(10_u32.pow(MADE_DIGITS))?;
    Ok(format!("{number:0width$}", width = MADE_DIGITS as usize))
}

/// Whether a text can be a PIN.
#[must_use]
pub fn is_pin(text: &str) -> bool {
    PIN_DIGITS.contains(&text.len()) && text.bytes().all(|letter| letter.is_ascii_digit())
}

impl Pins {
    /// What is kept of a PIN.
    ///
    /// # Errors
    /// 500 `internal` when the system has no randomness to give.
    pub async fn hash(&self, pin: &str) -> Result<String, Problem> {
        let pin = pin.to_owned();
        let hashed = self.slowly(move || {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).ok()?;
            let salt = SaltString::encode_b64(&salt).ok()?;
            let hash = hasher().hash_password(pin.as_bytes(), &salt).ok()?;
            Some(hash.to_string())
        });
        hashed.await?.ok_or_else(|| {
            tracing::error!("a PIN could not be hashed");
            Problem::internal()
        })
    }

    /// Whether this is the PIN of a person. Each wrong one counts; after some the person waits, each time twice as long.
    ///
    /// # Errors
    /// 429 `pin_locked` while the person has to wait.
    pub async fn is_right(&self, user_id: UserId, pin: &str, kept: &str, now: TimeMs) -> Result<bool, Problem> {
        self.guesses.begin(user_id, now).map_err(locked)?;
        let (pin, kept) = (pin.to_owned(), kept.to_owned());
        let checked = self.slowly(move || {
            let kept = PasswordHash::new(&kept).ok()?;
            Some(hasher().verify_password(pin.as_bytes(), &kept).is_ok())
        });
        let is_right = checked.await?.unwrap_or_default();
        if is_right {
            self.forgive(user_id);
        }
        Ok(is_right)
    }

    /// Forgets wrong PINs: the right one was given, or there is a new one.
    pub fn forgive(&self, user_id: UserId) {
        self.guesses.forgive(&user_id);
    }

    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let at_once = Arc::clone(&self.at_once);
        let permit = at_once.acquire_owned().await.map_err(|_| Problem::internal())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|_| Problem::internal())
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are in Argon2's range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn locked(wait: Duration) -> Problem {
    let detail = "There were too many wrong PINs. A new PIN from the teacher ends the wait.";
    Problem::new(429, "pin_locked", "Too many wrong PINs", detail).retry_after(wait.as_millis().div_ceil(1_000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> UserId {
        UserId::new(7).expect("an id")
    }

    #[test]
    fn pins_are_digits_and_not_too_many() {
        for (text, is_fine) in [
            ("4821", true),
            ("482", false),
            ("48a1", false),
            ("123456789012", true),
            ("1234567890123", false),
            ("٤٨٢١", false),
        ] {
            assert_eq!(is_pin(text), is_fine, "{text}");
        }
        assert!(is_pin(&new_pin().expect("randomness")));
    }

    #[tokio::test]
    async fn the_right_pin_is_known_and_the_hash_says_nothing_of_it() {
        let pins = Pins::default();
        let (one, other) = (pins.hash("4821").await.unwrap(), pins.hash("4821").await.unwrap());
        assert_ne!(one, other, "each has a salt of its own");
        assert!(one.starts_with("$argon2id$") && !one.contains("4821"));
        assert!(one.len() <= homeroom_schema::limits::PIN_HASH_CHARS_MAX);
        assert!(pins.is_right(ada(), "4821", &one, TimeMs(0)).await.unwrap());
        assert!(!pins.is_right(ada(), "4822", &one, TimeMs(0)).await.unwrap());
        assert!(!pins.is_right(ada(), "4821", "nonsense", TimeMs(0)).await.unwrap());
    }
}
