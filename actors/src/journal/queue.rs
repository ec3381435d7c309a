//! Everybody's handle to the journal: the way in, the fence, and the position up to which everything is kept and told.

use super::{Completion, JournalMsg, Submission};
use crate::supervision::{Pulse, WorkQueue};
use homeroom_schema::records::{Append, AppendOutcome};
use homeroom_schema::{EventId, StoreError};
use ractor::ActorRef;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The pause before a fence that was lost with its batch is put up again.
const FENCE_PAUSE: Duration = Duration::from_millis(10);

/// The way into the journal. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    queue: WorkQueue<Submission, JournalMsg>,
    committed: AtomicU64,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal {
    /// A journal without its actor yet: what is submitted waits.
    #[must_use]
    pub fn new() -> Self {
        let inner = Inner {
            queue: WorkQueue::new(|| JournalMsg::Work),
            committed: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Hands an append to the next batch. Appends are kept in the order of the calls. What waits is bounded by the permits
    /// of the callers ([`homeroom_schema::limits::COMMANDS_IN_FLIGHT_MAX`]).
    pub fn submit(&self, submission: Submission) {
        if let Err(submission) = self.inner.queue.push(submission) {
            submission.done.tell(Err(StoreError::Unavailable {
                cause: "the journal is closed".into(),
            }));
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
    /// When it did not get through before `deadline`, or the store cannot go on.
    pub async fn fence(&self, deadline: Instant) -> Result<(), StoreError> {
        let pass = async {
            loop {
                match self.keep(Append::default()).await {
                    Ok(_) | Err(StoreError::Unavailable { .. } | StoreError::Damaged { .. }) => return Ok(()),
                    // The batch with the fence may itself be on its way still, so that only the next one is a fence.
                    Err(StoreError::Unknown { .. }) => tokio::time::sleep(FENCE_PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
        };
        let passed = tokio::time::timeout_at(deadline, pass).await;
        passed.unwrap_or_else(|_| Err(lost()))
    }

    /// The last event that is kept and told to boards and teams.
    #[must_use]
    pub fn committed(&self) -> Option<EventId> {
        EventId::new(self.inner.committed.load(Ordering::Acquire)).ok()
    }

    /// Submissions waiting for a batch.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.queue.len()
    }

    /// Of the journal's actor.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.inner.queue.pulse
    }

    /// Moves the committed position forward; never back.
    pub(crate) fn advance(&self, event_id: EventId) {
        self.inner.committed.fetch_max(event_id.get(), Ordering::AcqRel);
    }

    /// The next batch and how long it waited, or none: then the actor sleeps until it is woken.
    pub(super) fn take_batch(&self, batch_max: usize) -> Option<(Vec<Submission>, Duration)> {
        self.inner
            .queue
            .take(|waiting| waiting.drain(..waiting.len().min(batch_max)).collect())
    }

    /// Connects a (new) actor.
    pub(super) fn connect(&self, actor: ActorRef<JournalMsg>) {
        self.inner.queue.connect(actor);
    }

    #[cfg(feature = "faults")]
    pub(crate) fn send(&self, message: JournalMsg) {
        self.inner.queue.send(message);
    }

    /// Takes no more submissions: those that come are refused.
    pub(crate) fn close(&self) {
        self.inner.queue.close();
    }
}

fn lost() -> StoreError {
    StoreError::Unknown {
        cause: "no word from the journal".into(),
    }
}
