//! Who hangs: an actor says when it is inside a turn, and its supervisor looks who stays in one. No clock: only looks count,
//! so that a machine that was asleep accuses nobody.

use homeroom_schema::limits::STALLED_LOOKS;
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether one actor is inside a turn, and in which: odd while it is. Written by that actor alone.
#[derive(Debug, Default)]
pub(crate) struct Pulse(AtomicU64);

impl Pulse {
    /// A turn begins.
    pub(crate) fn begin(&self) {
        let turn = self.0.load(Ordering::Relaxed);
        self.0.store((turn + 2) | 1, Ordering::Release);
    }

    /// The turn is over, or its actor is.
    pub(crate) fn end(&self) {
        self.0.fetch_and(!1, Ordering::Release);
    }

    /// Waits for something that has a deadline of its own: that is not hanging.
    pub(crate) async fn outside<T>(&self, wait: impl Future<Output = T>) -> T {
        self.end();
        let done = wait.await;
        self.begin();
        done
    }

    fn turn(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Acquire)).filter(|turn| turn % 2 == 1)
    }
}

/// What a supervisor remembers of the turns it has seen: as many as there are actors inside one.
#[derive(Debug)]
pub(crate) struct Watch<K> {
    seen: HashMap<K, (u64, u32)>,
}

impl<K> Default for Watch<K> {
    fn default() -> Self {
        Self { seen: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Watch<K> {
    /// Looks at all; gives those who have been in the same turn at [`STALLED_LOOKS`] looks in a row.
    pub(crate) fn look<'p>(&mut self, actors: impl Iterator<Item = (K, &'p Pulse)>) -> Vec<K> {
        let mut seen = HashMap::new();
        let mut stalled = Vec::new();
        for (key, pulse) in actors {
            let Some(turn) = pulse.turn() else { continue };
            let before = self.seen.get(&key).filter(|(known, _)| *known == turn);
            let looks = before.map_or(1, |(_, looks)| looks + 1);
            if looks >= STALLED_LOOKS {
                stalled.push(key);
            } else {
                seen.insert(key, (turn, looks));
            }
        }
        self.seen = seen;
        stalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_who_stays_in_one_turn_hangs() {
        let (hangs, works, waits) = (Pulse::default(), Pulse::default(), Pulse::default());
        let mut watch = Watch::default();
        hangs.begin();
        waits.begin();
        for look in 1..STALLED_LOOKS {
            works.begin();
            let found = waits.outside(async { watch.look([(1, &hangs), (2, &works), (3, &waits)].into_iter()) });
            assert_eq!(found.await, [0; 0], "look {look}");
            works.end();
        }
        assert_eq!(watch.look([(1, &hangs), (2, &works), (3, &waits)].into_iter()), [1]);
        hangs.end();
        assert_eq!(watch.look([(1, &hangs)].into_iter()), [0; 0]);
    }
}
