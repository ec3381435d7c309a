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
    running: Mutex<Option<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    work: JoinSet<()>,
    upkeep: JoinSet<()>,
}

impl Tasks {
    /// No tasks yet; `kind` names them in the failure metric.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            running: Mutex::new(Some(Running::default())),
        }
    }

    /// Runs a task for which somebody waits: the stop waits for it too. After [`Self::finish`] it is dropped unrun, which
    /// its caller sees as a lost reply.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(running) = self.running.lock().as_mut() {
            self.reap(&mut running.work);
            running.work.spawn(task);
        }
    }

    /// Runs a task that the stop cuts off, because the next start does the same again.
    pub fn spawn_upkeep(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(running) = self.running.lock().as_mut() {
            self.reap(&mut running.upkeep);
            running.upkeep.spawn(task);
        }
    }

    /// Takes no more tasks, cuts upkeep off, waits for the others until `deadline`, and aborts the rest.
    pub async fn finish(&self, deadline: Instant) {
        let Some(mut running) = self.running.lock().take() else {
            return;
        };
        running.upkeep.shutdown().await;
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, running.work.join_next()).await {
            self.note(ended);
        }
        running.work.shutdown().await;
    }

    fn reap(&self, tasks: &mut JoinSet<()>) {
        while let Some(ended) = tasks.try_join_next() {
            self.note(ended);
        }
    }

    fn note(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            report_failure(self.kind, &error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervision::monotonic;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_stop_waits_for_work_and_cuts_upkeep_off() {
        let tasks = Tasks::new("test");
        let done = Arc::new(AtomicUsize::new(0));
        let count = |pause_s| {
            let done = Arc::clone(&done);
            async move {
                tokio::time::sleep(Duration::from_secs(pause_s)).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        };
        tasks.spawn(count(1));
        tasks.spawn(count(100));
        tasks.spawn_upkeep(count(1));
        tasks.spawn(async { panic!("reported, and nobody else is concerned") });
        let started = monotonic();
        tasks.finish(started + Duration::from_secs(5)).await;
        assert_eq!(done.load(Ordering::Relaxed), 1);
        assert_eq!(started.elapsed(), Duration::from_secs(5));
        tasks.spawn(count(0));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(done.load(Ordering::Relaxed), 1, "too late");
    }
}
