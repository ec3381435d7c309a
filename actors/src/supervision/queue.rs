//! A queue that outlives the actor that works on it: a failed actor loses what it had in hand, not what waits.

use super::{Pulse, monotonic};
use parking_lot::Mutex;
use ractor::{ActorRef, Message};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Jobs waiting for one actor, which gets one message `M` to wake it, however many jobs come.
pub(crate) struct WorkQueue<J, M> {
    queue: Mutex<Queue<J, M>>,
    work: fn() -> M,
    /// Of its actor.
    pub(crate) pulse: Pulse,
}

struct Queue<J, M> {
    waiting: VecDeque<J>,
    // When the first of those that wait came; after some were taken, when that was.
    waiting_since: Option<Instant>,
    actor: Option<ActorRef<M>>,
    // Whether the actor works or has been told to.
    is_awake: bool,
    is_closed: bool,
}

impl<J, M: Message> WorkQueue<J, M> {
    /// An empty queue without an actor yet: jobs wait for [`Self::connect`]. `work` makes the message that wakes it.
    pub(crate) fn new(work: fn() -> M) -> Self {
        let queue = Queue {
            waiting: VecDeque::new(),
            waiting_since: None,
            actor: None,
            is_awake: false,
            is_closed: false,
        };
        Self {
            queue: Mutex::new(queue),
            work,
            pulse: Pulse::default(),
        }
    }

    /// Adds a job; the number of jobs is bounded by the permits of those who add them. A closed queue gives it back.
    pub(crate) fn push(&self, job: J) -> Result<(), J> {
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return Err(job);
        }
        queue.waiting.push_back(job);
        queue.waiting_since.get_or_insert_with(monotonic);
        if !queue.is_awake {
            queue.wake(self.work);
        }
        Ok(())
    }

    /// Lets the actor take jobs from the front, and says how long the first of them waited. With none it sleeps until it is
    /// woken.
    pub(crate) fn take<T>(&self, take: impl FnOnce(&mut VecDeque<J>) -> T) -> Option<(T, Duration)> {
        let mut queue = self.queue.lock();
        if queue.waiting.is_empty() {
            queue.is_awake = false;
            return None;
        }
        let taken = take(&mut queue.waiting);
        let now = monotonic();
        let rest = (!queue.waiting.is_empty()).then_some(now);
        let since = std::mem::replace(&mut queue.waiting_since, rest);
        Some((taken, now - since.unwrap_or(now)))
    }

    /// How many jobs wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.lock().waiting.len()
    }

    /// Connects a (new) actor, and tells it to look.
    pub(crate) fn connect(&self, actor: ActorRef<M>) {
        let mut queue = self.queue.lock();
        queue.actor = Some(actor);
        queue.wake(self.work);
    }

    /// Sends the actor something else than work.
    #[cfg(feature = "faults")]
    pub(crate) fn send(&self, message: M) {
        if let Some(actor) = &self.queue.lock().actor {
            let _ = actor.send_message(message);
        }
    }

    /// Takes no more jobs.
    pub(crate) fn close(&self) {
        self.queue.lock().is_closed = true;
    }
}

impl<J, M: Message> Queue<J, M> {
    fn wake(&mut self, work: fn() -> M) {
        // A dead actor does not get it: then its successor looks when it is connected.
        let actor = self.actor.as_ref();
        self.is_awake = actor.is_some_and(|actor| actor.send_message(work()).is_ok());
    }
}
