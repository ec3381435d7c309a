//! The journal's queue and everybody's handle to it. The queue outlives its actor, so that a failed one loses a batch at most.

use super::{Completion, JournalMsg, Submission};
use homeroom_schema::records::{Append, AppendOutcome};
use homeroom_schema::{EventId, StoreError};
use parking_lot::Mutex;
use ractor::ActorRef;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The way into the journal. A clone is another handle to the same one.
#[derive(Clone, Default)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    queue: Mutex<Queue>,
    committed: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Submission>,
    actor: Option<ActorRef<JournalMsg>>,
    // Whether the actor works or has been told to: one message wakes it, however many submissions come.
    is_awake: bool,
    is_closed: bool,
}

impl Journal {
    /// An empty queue without an actor yet: what is submitted waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands an append to the next batch. Appends are kept in the order of the calls. Its bound is the permits of its
    /// callers ([`homeroom_schema::limits::COMMANDS_IN_FLIGHT_MAX`]).
    pub fn submit(&self, submission: Submission) {
        let mut queue = self.inner.queue.lock();
        if queue.is_closed {
            drop(queue);
            submission.done.tell(Err(StoreError::Unavailable {
                cause: "the journal is closed".into(),
            }));
            return;
        }
        queue.waiting.push_back(submission);
        if !queue.is_awake {
            queue.wake();
        }
    }

    /// Submits an append that means nothing to boards and teams, and waits for its outcome.
    ///
    /// # Errors
    /// As the store says.
    pub async fn keep(&self, append: Append) -> Result<AppendOutcome, StoreError> {
        let (tell, told) = oneshot::channel();
        self.submit(Submission {
            append,
            change: None,
            done: Completion::new(move |outcome| drop(tell.send(outcome))),
        });
        told.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Waits until everything submitted before is decided, kept or not, whatever batch it is in: an empty append goes the
    /// whole way through the writer.
    ///
    /// # Errors
    /// When it did not get through before `deadline`.
    pub async fn fence(&self, deadline: Instant) -> Result<(), StoreError> {
        let pass = async {
            // Unknown means that the batch with the fence may still be on its way, so that only the next one is a fence.
            while let Err(error) = self.keep(Append::default()).await {
                match error {
                    StoreError::Unknown { .. } => tokio::task::yield_now().await,
                    StoreError::Unavailable { .. } => return Ok(()),
                    other => return Err(other),
                }
            }
            Ok(())
        };
        tokio::time::timeout_at(deadline, pass)
            .await
            .unwrap_or_else(|_| Err(lost()))
    }

    /// The last event that is kept and told to boards and teams.
    #[must_use]
    pub fn committed(&self) -> Option<EventId> {
        EventId::new(self.inner.committed.load(Ordering::Acquire)).ok()
    }

    /// Submissions waiting for a batch.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.queue.lock().waiting.len()
    }

    /// Moves the committed position forward; never back.
    pub(crate) fn advance(&self, event_id: EventId) {
        self.inner.committed.fetch_max(event_id.get(), Ordering::AcqRel);
    }

    /// The next batch, or none: then the actor sleeps until it is told.
    pub(super) fn take_batch(&self, batch_max: usize) -> Option<Vec<Submission>> {
        let mut queue = self.inner.queue.lock();
        let size = queue.waiting.len().min(batch_max);
        if size == 0 {
            queue.is_awake = false;
            return None;
        }
        Some(queue.waiting.drain(..size).collect())
    }

    /// Connects a (new) actor, and tells it to look.
    pub(super) fn connect(&self, actor: ActorRef<JournalMsg>) {
        let mut queue = self.inner.queue.lock();
        queue.actor = Some(actor);
        queue.wake();
    }

    /// Takes no more submissions: those that come are refused.
    pub(crate) fn close(&self) {
        self.inner.queue.lock().is_closed = true;
    }
}

impl Queue {
    fn wake(&mut self) {
        // A dead actor does not get it: then its successor looks when it is connected.
        self.is_awake = self
            .actor
            .as_ref()
            .is_some_and(|actor| actor.send_message(JournalMsg::Work).is_ok());
    }
}

fn lost() -> StoreError {
    StoreError::Unknown {
        cause: "no word from the journal".into(),
    }
}
