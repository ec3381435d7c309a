//! Restart policy and owned tasks: a window of restarts with back-off and quarantine, used by every supervisor of the tree.
//!
//! Nothing here knows what an actor does. Time is passed in, so that tests own it.

mod queue;
mod restarts;
mod tasks;

pub(crate) use queue::WorkQueue;
pub use restarts::{Restarts, Verdict};
pub use tasks::Tasks;

use tokio::time::Instant;

/// Counts one failure of an actor for the metrics, and says it in the log.
pub fn report_failure(kind: &'static str, cause: &str) {
    metrics::counter!("homeroom_actor_failures_total", "kind" => kind).increment(1);
    tracing::error!(kind, cause, "an actor failed");
}

/// The monotonic clock, for restart windows and deadlines alone: never for anything that is kept. Tests pause it.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}
