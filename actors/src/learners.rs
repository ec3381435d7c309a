//! Learners: a directory of awake ones, waking and putting away, one actor each, supervised in shards.

mod actor;
mod append;
mod directory;
mod load;
mod pending;
mod shard;
mod slot;
mod snapshot;
mod user;

pub(crate) use append::{carried_rows, rows_of};
pub(crate) use directory::Learners;
pub(crate) use load::{parse, replay};
pub(crate) use pending::Beside;
pub(crate) use shard::{Shard, ShardArgs};

use actor::UserMsg;

use crate::clock::Clock;
use crate::domain::Rules;
use crate::domain::event::LearnerEvent;
use crate::error::EngineError;
use crate::hub::Hub;
use crate::journal::Journal;
use crate::roster::Roster;
use arc_swap::ArcSwap;
use homeroom_schema::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What all learners work with.
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) roster: Roster,
    pub(crate) hub: Hub,
    /// Shared with the hub.
    pub(crate) rules: Arc<ArcSwap<Rules>>,
    /// The epoch of user topics.
    pub(crate) epoch: Arc<str>,
    /// Put away after so long without use.
    pub(crate) idle: Duration,
    pub(crate) counts: EventCounts,
    /// Where it is told that the node cannot go on.
    pub(crate) fatal: watch::Sender<Option<String>>,
}

impl Context {
    /// What callers are told of a store's failure; the cause is for the log alone. A store that cannot go on ends the node.
    pub(crate) fn unavailable(&self, error: &StoreError) -> EngineError {
        tracing::warn!(%error, "the store could not answer");
        if let StoreError::Fatal { cause } = error {
            self.fatal.send_replace(Some(cause.clone()));
        }
        EngineError::StoreUnavailable
    }

    /// Counts kept facts.
    fn count(&self, events: &[LearnerEvent]) {
        for event in events {
            match event {
                LearnerEvent::PointsAwarded { .. } => self.counts.awarded.increment(1),
                LearnerEvent::ProgressMade { .. } => self.counts.progress.increment(1),
                LearnerEvent::PointsRefused { reason, .. } => {
                    self.counts.refused.increment(1);
                    metrics::counter!("homeroom_refusals_total", "reason" => reason.as_str()).increment(1);
                }
                other => metrics::counter!("homeroom_events_total", "type" => other.event_type()).increment(1),
            }
        }
    }
}

/// Counters of what happens often, looked up once.
pub(crate) struct EventCounts {
    awarded: metrics::Counter,
    refused: metrics::Counter,
    progress: metrics::Counter,
    pub(crate) published: metrics::Counter,
    pub(crate) view_hits: metrics::Counter,
    pub(crate) view_misses: metrics::Counter,
}

impl EventCounts {
    pub(crate) fn new() -> Self {
        Self {
            awarded: metrics::counter!("homeroom_events_total", "type" => "points_awarded"),
            refused: metrics::counter!("homeroom_events_total", "type" => "points_refused"),
            progress: metrics::counter!("homeroom_events_total", "type" => "progress_made"),
            published: metrics::counter!("homeroom_topic_messages_total", "kind" => "user"),
            view_hits: metrics::counter!("homeroom_view_reads_total", "cache" => "hit"),
            view_misses: metrics::counter!("homeroom_view_reads_total", "cache" => "miss"),
        }
    }
}
