//! The only source of time for actors: given from outside, so that tests and simulations own it.

use homeroom_schema::TimeMs;

/// The node's wall clock and time zone.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> TimeMs;

    /// The local day of a moment in the node's time zone, days since 1970-01-01.
    fn local_day(&self, at: TimeMs) -> i32;
}
