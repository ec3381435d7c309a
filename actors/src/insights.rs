//! Analytics: the journal folded into facts, and figures counted from them. What the figures are is in `domain::analytics`.
//!
//! Facts lie packed in blocks of the store; the newest wait in memory until there are enough for a block. A read has
//! everything folded that was committed before it, counts over the blocks and over what waits, and never asks a learner.

mod actor;
mod block;
mod parts;
mod tail;
#[cfg(test)]
mod tests;

pub(crate) use actor::{InsightsActor, InsightsMsg};
pub use parts::BucketSize;
pub(crate) use parts::{buckets, days};

use crate::domain::analytics::{Fact, Scope};
use crate::error::EngineError;
use crate::journal::Journal;
use crate::supervision::WorkQueue;
use actor::Waiting;
use homeroom_schema::limits::{ACTIVITY_PAGE_BLOCKS, ANALYTICS_READS_MAX, READ_DEADLINE};
use homeroom_schema::records::ActivityBlock;
use homeroom_schema::{Store, StoreError, TimeMs};
use std::ops::Range;
use std::sync::Arc;
use tail::Tail;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// Everybody's handle to the facts. A clone is another handle to the same ones.
#[derive(Clone)]
pub(crate) struct Insights {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    journal: Journal,
    queue: WorkQueue<Job, InsightsMsg>,
    reads: Semaphore,
    block_facts: usize,
}

/// What the actor is asked.
enum Job {
    /// What waits, when everything up to an event is folded.
    Get(Waiting),
    /// The stored blocks cannot be read: fold them again.
    Rebuild,
}

impl Insights {
    /// Facts of this journal, in blocks of so many.
    pub(crate) fn new(store: Arc<dyn Store>, journal: Journal, block_facts: usize) -> Self {
        let inner = Inner {
            store,
            journal,
            queue: WorkQueue::new(|| InsightsMsg::Work),
            reads: Semaphore::new(ANALYTICS_READS_MAX),
            block_facts,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Has `take` see all facts of the scope that count and that happened in `range`, in the order of the journal: everything
    /// committed before the call. `range` may begin before the scope's own; it may let through what lies outside of it.
    ///
    /// # Errors
    /// Not folded so far yet; the store is unavailable; too many reads under way for too long.
    pub(crate) async fn count<C: Send + 'static>(
        &self,
        scope: &Arc<Scope>,
        range: Range<TimeMs>,
        count: C,
        take: fn(&mut C, &Fact),
    ) -> Result<C, EngineError> {
        let permit = timeout(READ_DEADLINE, self.inner.reads.acquire()).await;
        let _permit = permit
            .map_err(|_| EngineError::Overloaded)?
            .map_err(|_| EngineError::Stopping)?;
        let tail = self.tail().await?;
        let mut counting = Counting {
            scope: Arc::clone(scope),
            tail,
            count,
            take,
        };
        let mut after = None;
        loop {
            let page = self
                .inner
                .store
                .activity_blocks(range.clone(), after, ACTIVITY_PAGE_BLOCKS);
            let page = timeout(READ_DEADLINE, page).await.map_err(|_| EngineError::TimedOut)?;
            let page = page.map_err(|error| self.failed(&error))?;
            let is_last = page.len() < ACTIVITY_PAGE_BLOCKS;
            after = page.last().map(|block| block.last_event_id);
            let (back, seen) = apart(move || {
                let seen = counting.page(&page);
                (counting, seen)
            })
            .await?;
            seen.map_err(|error| self.failed(&error))?;
            counting = back;
            if is_last {
                break;
            }
        }
        apart(move || counting.rest()).await
    }

    /// What waits, with everything committed before the call.
    async fn tail(&self) -> Result<Arc<Tail>, EngineError> {
        let (reply, told) = oneshot::channel();
        let until = self.inner.journal.committed();
        let job = Job::Get(Waiting { until, reply });
        self.inner.queue.push(job).map_err(|_| EngineError::Stopping)?;
        match timeout(READ_DEADLINE, told).await {
            Ok(Ok(tail)) => tail.map_err(|error| self.failed(&error)),
            // The actor failed; its successor begins anew.
            Ok(Err(_)) | Err(_) => Err(EngineError::NotFolded),
        }
    }

    fn failed(&self, error: &StoreError) -> EngineError {
        tracing::warn!(%error, "the facts of analytics could not be read");
        if matches!(error, StoreError::Damaged { .. }) && self.inner.queue.push(Job::Rebuild).is_ok() {
            return EngineError::NotFolded;
        }
        EngineError::StoreUnavailable
    }
}

/// A count under way.
struct Counting<C> {
    scope: Arc<Scope>,
    tail: Arc<Tail>,
    count: C,
    take: fn(&mut C, &Fact),
}

impl<C> Counting<C> {
    fn page(&mut self, page: &[ActivityBlock]) -> Result<(), StoreError> {
        let Self {
            scope,
            tail,
            count,
            take,
        } = self;
        // What was stored after the tail was read is in the tail as well.
        let known = |block: &&ActivityBlock| Some(block.last_event_id) <= tail.head;
        for block in page.iter().filter(known) {
            tail.see(block, |fact| {
                if fact.counts() && scope.admits(fact) {
                    take(count, fact);
                }
            })?;
        }
        Ok(())
    }

    fn rest(mut self) -> C {
        let facts = self.tail.facts.iter();
        for fact in facts.filter(|fact| fact.counts() && self.scope.admits(fact)) {
            (self.take)(&mut self.count, fact);
        }
        self.count
    }
}

/// Runs what keeps a processor busy beside the runtime, whose threads have sockets to serve.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|cause| {
        tracing::error!(%cause, "a count failed");
        EngineError::TimedOut
    })
}
