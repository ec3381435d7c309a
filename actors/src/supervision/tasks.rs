//! Tasks with an owner: counted, reported when they panic, awaited at the stop. In place of a bare spawn.

use crate::supervision::report_failure;
use parking_lot::Mutex;
use std::future::Future;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

/// The tasks of one owner. When it is dropped, they are aborted.
#[derive(Debug)]
pub struct Tasks {
    kind: &'static str,
    running: Mutex<Option<JoinSet<()>>>,
}

impl Tasks {
    /// No tasks yet; `kind` names them in the failure metric.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            running: Mutex::new(Some(JoinSet::new())),
        }
    }

    /// Runs a task. After [`Self::finish`] it is dropped unrun, which its caller sees as a lost reply.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running.lock();
        let Some(set) = running.as_mut() else { return };
        while let Some(ended) = set.try_join_next() {
            self.note(ended);
        }
        set.spawn(task);
    }

    /// Takes no more tasks, waits for those that run until `deadline`, and aborts the rest.
    pub async fn finish(&self, deadline: Instant) {
        let Some(mut set) = self.running.lock().take() else {
            return;
        };
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, set.join_next()).await {
            self.note(ended);
        }
        set.shutdown().await;
    }

    fn note(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            report_failure(self.kind, &error.to_string());
        }
    }
}
