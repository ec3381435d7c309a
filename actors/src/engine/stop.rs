//! The stop, in order: whoever is told by others ends before them, and the journal last of all.

use super::Engine;
use crate::sessions::EndReason;
use crate::supervision::monotonic;
use homeroom_schema::limits::STOP_DEADLINE;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// When each step has to be over, as a part of the whole in tenths: what is left over goes to the steps after it.
const SESSIONS_TENTHS: u32 = 3;
const BOARDS_TENTHS: u32 = 4;
const LEARNERS_TENTHS: u32 = 7;
const JOURNAL_TENTHS: u32 = 8;
const TREE_TENTHS: u32 = 9;

impl Engine {
    /// Stops in order: sessions, boards and teams, learners (with their snapshots), journal; closes the store. Whatever is
    /// still open at [`STOP_DEADLINE`] is cut off; nothing acknowledged is lost by that. Further calls wait for the first.
    pub async fn stop(&self) {
        self.inner.stopped.get_or_init(|| self.stop_once()).await;
    }

    async fn stop_once(&self) {
        let started = monotonic();
        let until = |tenths: u32| started + STOP_DEADLINE / 10 * tenths;
        let tree = &self.inner.tree;
        self.inner.is_stopping.store(true, Ordering::Release);
        // From here on a child that ends has done what it was told: it is neither a failure nor started anew.
        tree.is_stopping.store(true, Ordering::Release);
        tree.sessions.end_all(EndReason::Stopping);
        tree.sessions.stop(left(until(SESSIONS_TENTHS))).await;
        // Awards of team achievements under way; what is not finished is finished at the next start.
        tree.tasks.finish(until(SESSIONS_TENTHS)).await;
        if timeout_at(until(BOARDS_TENTHS), tree.hub.stop()).await.is_err() {
            tracing::warn!("boards and teams did not end in time");
        }
        tree.learners.stop(until(LEARNERS_TENTHS)).await;
        tree.roster_queue.close();
        let journal = &tree.context.journal;
        if let Err(error) = journal.fence(until(JOURNAL_TENTHS)).await {
            tracing::warn!(%error, "the journal did not come to its end in time");
        }
        journal.close();
        let root = self.inner.root.get_cell();
        let drain = async {
            root.drain_children_and_wait(None).await;
            let _ = root.drain_and_wait(None).await;
        };
        if timeout_at(until(TREE_TENTHS), drain).await.is_err() {
            tracing::warn!("the tree did not end in time");
            root.kill();
        }
        match timeout_at(until(10), tree.context.store.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the store was not closed"),
            Err(_) => tracing::warn!("the store did not close in time"),
        }
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(monotonic())
}
