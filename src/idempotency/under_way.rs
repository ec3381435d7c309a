//! Keyed requests that are under way: the second with the same key waits for the first.

use crate::problem::Problem;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use homeroom_schema::limits::{COMMAND_DEADLINE, COMMANDS_IN_FLIGHT_MAX};
use homeroom_schema::records::KeyHash;
use std::sync::Arc;
use tokio::sync::watch;

/// The keys that are under way. At most [`COMMANDS_IN_FLIGHT_MAX`]; a clone is another handle to the same ones.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    under_way: Arc<DashMap<KeyHash, watch::Receiver<()>>>,
}

/// The right to carry out the request of a key; ends when dropped.
#[derive(Debug)]
pub struct Guard {
    keys: Keys,
    hash: KeyHash,
    /// Waiters notice that this is gone.
    _ends: watch::Sender<()>,
}

/// A place behind the request that is under way.
#[derive(Debug)]
pub struct Waiter {
    keys: Keys,
    hash: KeyHash,
    ends: watch::Receiver<()>,
}

/// What a request with a key meets.
#[derive(Debug)]
pub enum Entered {
    /// Nobody is under way: go on.
    First(Guard),
    /// Somebody is.
    Behind(Waiter),
}

impl Keys {
    /// Enters with a key, without waiting.
    ///
    /// # Errors
    /// 503 `overloaded` when too many keyed requests are under way.
    pub fn enter(&self, hash: KeyHash) -> Result<Entered, Problem> {
        if self.under_way.len() >= COMMANDS_IN_FLIGHT_MAX {
            return Err(homeroom_actors::EngineError::Overloaded.into());
        }
        Ok(match self.under_way.entry(hash) {
            Entry::Occupied(entry) => Entered::Behind(Waiter {
                keys: self.clone(),
                hash,
                ends: entry.get().clone(),
            }),
            Entry::Vacant(entry) => {
                let (ends, watched) = watch::channel(());
                entry.insert(watched);
                Entered::First(Guard {
                    keys: self.clone(),
                    hash,
                    _ends: ends,
                })
            }
        })
    }

    /// Enters with a key, behind whoever is under way.
    ///
    /// # Errors
    /// 409 `request_in_progress` when that takes too long; 503 `overloaded`.
    pub async fn enter_or_wait(&self, hash: KeyHash) -> Result<Guard, Problem> {
        match self.enter(hash)? {
            Entered::First(guard) => Ok(guard),
            Entered::Behind(waiter) => waiter.turn().await,
        }
    }
}

impl Waiter {
    /// Waits for the turn.
    ///
    /// # Errors
    /// 409 `request_in_progress` when it does not come within [`COMMAND_DEADLINE`].
    pub async fn turn(mut self) -> Result<Guard, Problem> {
        let turn = async {
            loop {
                // Only the end of the sender wakes this: nothing is ever sent.
                while self.ends.changed().await.is_ok() {}
                match self.keys.enter(self.hash)? {
                    Entered::First(guard) => return Ok(guard),
                    Entered::Behind(next) => self.ends = next.ends,
                }
            }
        };
        match tokio::time::timeout(COMMAND_DEADLINE, turn).await {
            Ok(guard) => guard,
            Err(_) => Err(Problem::request_in_progress()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.keys.under_way.remove(&self.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_second_waits_for_the_first_and_not_for_ever() {
        let keys = Keys::default();
        let hash = KeyHash([1; 16]);
        let first = keys.enter_or_wait(hash).await.expect("nobody is there");
        assert_eq!(
            keys.enter_or_wait(hash).await.expect_err("too long").code,
            "request_in_progress"
        );
        let waiting = tokio::spawn({
            let keys = keys.clone();
            async move { keys.enter_or_wait(hash).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        let second = waiting.await.expect("no panic").expect("the turn came");
        drop(second);
        assert!(keys.under_way.is_empty());
    }

    #[tokio::test]
    async fn keys_under_way_are_bounded() {
        let keys = Keys::default();
        let mut guards = Vec::new();
        for number in 0..COMMANDS_IN_FLIGHT_MAX {
            let mut hash = [0; 16];
            hash[..8].copy_from_slice(&(number as u64).to_be_bytes());
            guards.push(keys.enter(KeyHash(hash)).expect("room"));
        }
        assert_eq!(keys.enter(KeyHash([255; 16])).expect_err("full").code, "overloaded");
        guards.pop();
        assert!(keys.enter(KeyHash([255; 16])).is_ok());
    }
}
