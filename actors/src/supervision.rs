//! Restart policy and owned tasks: a window of restarts with back-off and quarantine, used by every supervisor of the tree.
//!
//! Nothing here knows what an actor does. Time is passed in, so that tests own it.

#[cfg(feature = "faults")]
mod faults;
mod pulse;
mod queue;
mod restarts;
mod tasks;

#[cfg(feature = "faults")]
pub use faults::Fault;
pub(crate) use pulse::{Pulse, Watch};
pub(crate) use queue::WorkQueue;
pub use restarts::{Restarts, Verdict};
pub use tasks::Tasks;

use tokio::time::Instant;

/// What is said of an actor that hung.
pub(crate) const STALLED: &str = "it did not come to an end with what it had in hand";

/// Counts one failure of an actor for the metrics, and says it in the log: a warning, since it is restarted.
pub fn report_failure(kind: &'static str, cause: &str) {
    metrics::counter!("homeroom_actor_failures_total", "kind" => kind).increment(1);
    tracing::warn!(kind, cause, "an actor failed and is started again");
}

/// The alarm, once for each quarantine: an actor fails again and again and is left alone for a while.
pub fn report_quarantine(kind: &'static str, id: &dyn std::fmt::Display, cause: &str) {
    metrics::counter!("homeroom_actor_quarantines_total", "kind" => kind).increment(1);
    tracing::error!(kind, %id, cause, "an actor fails again and again and is left alone for a while");
}

/// The monotonic clock, for restart windows and deadlines alone: never for anything that is kept. Tests pause it.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}
