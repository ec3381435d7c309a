//! A session's ear: which of its topics have something. Never what they have.

use futures_util::task::AtomicWaker;
use homeroom_schema::limits::SESSION_TOPICS_MAX;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

/// A session's ear: topics note here that they have something, the session wakes and looks. Never grows beyond the
/// session's topics: a slot is noted once until it is taken, and forgotten when its topic is detached.
///
/// One session waits on one inbox: with two waiters one of them may sleep on.
#[derive(Debug)]
pub struct Inbox {
    /// Its own in this process.
    number: u64,
    dirty: Mutex<Vec<u32>>,
    waker: AtomicWaker,
}

impl Inbox {
    /// An empty inbox.
    #[must_use]
    pub fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            dirty: Mutex::default(),
            waker: AtomicWaker::new(),
        })
    }

    /// Tells inboxes apart; later ones have larger numbers.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Waits until a topic has something, and takes the slots of all that have, in the order noted. Cancel-safe: what is
    /// not taken stays noted.
    pub async fn ready(&self) -> Vec<u32> {
        poll_fn(|context| self.poll_ready(context)).await
    }

    /// The same for those who wait for other things beside it.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Vec<u32>> {
        self.take()
            .or_else(|| {
                self.waker.register(context.waker());
                // A note puts its slot first and then wakes: one that found nobody to wake is seen now.
                self.take()
            })
            .map_or(Poll::Pending, Poll::Ready)
    }

    fn take(&self) -> Option<Vec<u32>> {
        let mut dirty = self.dirty.lock();
        (!dirty.is_empty()).then(|| std::mem::take(&mut *dirty))
    }

    /// Notes that a slot has something (also used by the session itself to come back to an unfinished topic).
    pub fn note(&self, slot: u32) {
        {
            let mut dirty = self.dirty.lock();
            if dirty.contains(&slot) {
                return;
            }
            debug_assert!(dirty.len() < SESSION_TOPICS_MAX, "a session has fewer topics");
            dirty.push(slot);
        }
        self.waker.wake();
    }

    /// Forgets a slot whose topic was detached, so that slots of past topics do not gather here.
    pub(super) fn forget(&self, slot: u32) {
        self.dirty.lock().retain(|&noted| noted != slot);
    }
}
