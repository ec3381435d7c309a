//! Whether the engine can do its work now, part by part: what `/readyz` tells, and what a supervisor of processes acts on.

use super::Engine;
use super::root::RootMsg;
use crate::error::EngineError;
use homeroom_schema::{StoreError, TimeMs};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long the writer may take to say that it can write: less than a monitor waits.
const WRITER_PATIENCE: Duration = Duration::from_millis(1_500);
/// How long the root may take to say how its children are.
const ROOT_PATIENCE: Duration = Duration::from_secs(1);

/// A part that cannot do its work now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartDown {
    /// `writer`, `journal`, `roster`, `engine`, …: few, and the same ones always.
    pub part: &'static str,
    /// Why, for anybody: nothing internal.
    pub reason: &'static str,
    /// What callers of that part are answered.
    pub error: EngineError,
}

impl Engine {
    /// The parts that cannot do their work now; none means ready.
    pub async fn parts_down(&self) -> Vec<PartDown> {
        if let Err(error) = self.refuse_when_stopping() {
            return vec![down("engine", "the node is stopping", error)];
        }
        if self.inner.tree.context.fatal.borrow().is_some() {
            let reason = "the engine cannot go on, and the process ends";
            return vec![down("engine", reason, EngineError::StoreUnavailable)];
        }
        let (writer, children) = tokio::join!(self.writer_down(), self.children_down());
        children.into_iter().chain(writer).collect()
    }

    /// Whether writes are possible now.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self) -> Result<(), EngineError> {
        match self.parts_down().await.pop() {
            Some(part) => Err(part.error),
            None => Ok(()),
        }
    }

    /// When the newest event was recorded, if there is one: a clock that says less is wrong, or was.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_recorded_at(&self) -> Result<Option<TimeMs>, EngineError> {
        let Some(event_id) = self.inner.tree.context.journal.committed() else {
            return Ok(None);
        };
        let event = self.reading(self.store().read_event(event_id)).await?;
        Ok(event.map(|event| event.recorded_at))
    }

    /// Asks the writer, one question at a time: what waits for a stuck writer must not grow with those who ask.
    async fn writer_down(&self) -> Option<PartDown> {
        let asked = async {
            let permit = Arc::clone(&self.inner.checking).acquire_owned().await.ok()?;
            let (tell, told) = oneshot::channel();
            let store = Arc::clone(&self.inner.tree.context.store);
            // Goes on when its caller has given up.
            self.inner.tree.tasks.spawn_upkeep(async move {
                let checked = store.check().await;
                drop(permit);
                let _ = tell.send(checked);
            });
            told.await.ok()
        };
        let error = match timeout(WRITER_PATIENCE, asked).await {
            Ok(Some(Ok(()))) => return None,
            Ok(Some(Err(error))) => error,
            Ok(None) => return Some(down("engine", "the node is stopping", EngineError::Stopping)),
            Err(_) => return Some(down("writer", "it does not answer in time", EngineError::TimedOut)),
        };
        let reason = match error {
            StoreError::Unavailable { .. } => "it cannot write now; perhaps the disk is full or the file is locked",
            _ => "it cannot write",
        };
        if let StoreError::Fatal { cause } = error {
            self.inner.tree.context.fatal.send_replace(Some(cause));
        }
        Some(down("writer", reason, EngineError::StoreUnavailable))
    }

    async fn children_down(&self) -> Vec<PartDown> {
        let (reply, answered) = oneshot::channel();
        let asked = self.inner.root.send_message(RootMsg::GetDown { reply });
        match timeout(ROOT_PATIENCE, answered).await {
            Ok(Ok(kinds)) if asked.is_ok() => {
                let part = |kind| {
                    down(
                        kind,
                        "it failed and is being started again",
                        EngineError::StoreUnavailable,
                    )
                };
                kinds.into_iter().map(part).collect()
            }
            _ => vec![down("engine", "it does not answer in time", EngineError::TimedOut)],
        }
    }
}

const fn down(part: &'static str, reason: &'static str, error: EngineError) -> PartDown {
    PartDown { part, reason, error }
}
