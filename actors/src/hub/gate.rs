//! What waits to be applied by one actor, and how a reader knows that it has been. No actor, no domain.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Marks for one actor, in place of one message for each change: marks of the same thing fall together, so that what waits
/// is bounded by how much there is to look at, and the mailbox holds at most one wake-up.
///
/// Everything is counted in `sent`; the actor takes all marks with the count of that moment and, when they are applied,
/// says so with that count. A reader remembers `sent` when it arrives and waits until as much is applied.
pub(crate) struct Gate<M> {
    marked: Mutex<Marked<M>>,
    sent: AtomicU64,
    applied: watch::Sender<u64>,
}

struct Marked<M> {
    marks: M,
    taken: u64,
    life: u64,
}

impl<M: Default> Gate<M> {
    /// A gate whose actor has not loaded yet: loading is the first thing to be applied.
    pub(crate) fn new() -> Self {
        Self {
            marked: Mutex::new(Marked {
                marks: M::default(),
                taken: 0,
                life: 0,
            }),
            sent: AtomicU64::new(1),
            applied: watch::Sender::new(0),
        }
    }

    /// Adds marks. Returns whether the actor has to be woken: otherwise it has been already, and has not looked yet.
    pub(crate) fn mark(&self, note: impl FnOnce(&mut M)) -> bool {
        let mut marked = self.marked.lock();
        note(&mut marked.marks);
        let sent = self.sent.load(Ordering::Relaxed);
        self.sent.store(sent + 1, Ordering::Release);
        marked.taken == sent
    }

    /// A new life of the actor begins; takes of the old one get nothing any more.
    pub(crate) fn begin(&self) -> u64 {
        let mut marked = self.marked.lock();
        marked.life += 1;
        marked.life
    }

    /// The actor failed: what it held is to be loaded again before anybody reads it.
    pub(crate) fn lose(&self) {
        let _marked = self.marked.lock();
        self.sent.fetch_add(1, Ordering::AcqRel);
    }

    /// All marks, with the count to give back when they are applied; nothing for an actor that has been replaced.
    pub(crate) fn take(&self, life: u64) -> Option<(M, u64)> {
        let mut marked = self.marked.lock();
        if marked.life != life {
            return None;
        }
        let sent = self.sent.load(Ordering::Relaxed);
        marked.taken = sent;
        Some((std::mem::take(&mut marked.marks), sent))
    }

    /// Everything up to this count is applied and can be read.
    pub(crate) fn apply(&self, sent: u64) {
        self.applied.send_if_modified(|applied| {
            let rises = *applied < sent;
            *applied = sent.max(*applied);
            rises
        });
    }

    /// What has been marked so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// Whether everything marked so far is applied.
    pub(crate) fn is_applied(&self, sent: u64) -> bool {
        *self.applied.borrow() >= sent
    }

    /// Waits until as much is applied.
    pub(crate) async fn applied(&self, sent: u64) {
        // The sender is ours and lives as long as this borrow, so the wait cannot end for want of a sender.
        let _ = self.applied.subscribe().wait_for(|applied| *applied >= sent).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_mark_after_a_look_wakes() {
        let gate = Gate::<Vec<u32>>::new();
        let life = gate.begin();
        let (marks, sent) = gate.take(life).unwrap();
        assert!(marks.is_empty());
        assert!(
            !gate.is_applied(gate.sent()),
            "nothing is readable before the load is applied"
        );
        gate.apply(sent);
        assert!(gate.is_applied(gate.sent()));
        assert!(gate.mark(|marks| marks.push(1)));
        assert!(!gate.mark(|marks| marks.push(2)));
        assert!(!gate.is_applied(gate.sent()));
        let (marks, sent) = gate.take(life).unwrap();
        assert_eq!(marks, [1, 2]);
        assert!(
            gate.mark(|marks| marks.push(3)),
            "what comes after the look wakes again"
        );
        gate.apply(sent);
        assert!(!gate.is_applied(gate.sent()));
    }

    #[test]
    fn a_replaced_actor_takes_nothing() {
        let gate = Gate::<Vec<u32>>::new();
        let old = gate.begin();
        let new = gate.begin();
        gate.mark(|marks| marks.push(1));
        assert!(gate.take(old).is_none());
        assert_eq!(gate.take(new).unwrap().0, [1]);
    }

    #[test]
    fn after_a_failure_nothing_is_readable_until_the_reload() {
        let gate = Gate::<Vec<u32>>::new();
        let life = gate.begin();
        let (_, sent) = gate.take(life).unwrap();
        gate.apply(sent);
        gate.lose();
        assert!(!gate.is_applied(gate.sent()));
        let life = gate.begin();
        let (_, sent) = gate.take(life).unwrap();
        gate.apply(sent);
        assert!(gate.is_applied(gate.sent()));
    }
}
