//! Reading a learner back: snapshot and tail, or the whole stream, page by page.

use super::snapshot;
use crate::domain::event::{EventMeta, LearnerEvent};
use crate::domain::{Learner, evolve};
use homeroom_schema::limits::STREAM_PAGE_MAX;
use homeroom_schema::records::{StoredEvent, StreamId};
use homeroom_schema::{Store, StoreError, UserId, Version};

/// A learner as kept, and the version of the snapshot that it came from (0 without one).
pub(crate) async fn load(store: &dyn Store, user_id: UserId) -> Result<(Learner, Version), StoreError> {
    let stored = store.load_snapshot(StreamId::learner(user_id)).await?;
    let mut learner = Learner::new(user_id);
    let mut snapshot_version = Version::ZERO;
    if let Some(record) = stored {
        match snapshot::read(user_id, &record) {
            Ok(from_snapshot) => {
                snapshot_version = from_snapshot.version;
                learner = from_snapshot;
            }
            Err(error) => {
                metrics::counter!("homeroom_snapshots_unreadable_total").increment(1);
                tracing::warn!(%user_id, %error, "a snapshot cannot be read: the stream is replayed");
            }
        }
    }
    replay(store, &mut learner, |_, _, _, _| {}).await?;
    let kind = if snapshot_version == Version::ZERO {
        "replay"
    } else {
        "snapshot"
    };
    metrics::counter!("homeroom_wakes_total", "kind" => kind).increment(1);
    Ok((learner, snapshot_version))
}

/// Folds what the stream has after the learner's version, and shows each fact with the state before it.
pub(crate) async fn replay(
    store: &dyn Store,
    learner: &mut Learner,
    mut show: impl FnMut(&Learner, &StoredEvent, &LearnerEvent, EventMeta) + Send,
) -> Result<(), StoreError> {
    loop {
        let stream = StreamId::learner(learner.user_id);
        let page = store.read_stream(stream, learner.version, STREAM_PAGE_MAX).await?;
        for stored in &page {
            let (event, meta) = parse(stored)?;
            // A carried state stands for all that was before it, which is not there any more.
            let is_carried = matches!(event, LearnerEvent::StateCarried { .. });
            if stored.version != learner.version.plus(1) && !is_carried {
                return Err(StoreError::Damaged {
                    cause: format!("{stream:?} has {} after {}", stored.version, learner.version),
                });
            }
            show(learner, stored, &event, meta);
            evolve(learner, &event, meta);
        }
        if page.len() < STREAM_PAGE_MAX {
            return Ok(());
        }
    }
}

/// The fact in a stored event of a learner's stream.
pub(crate) fn parse(stored: &StoredEvent) -> Result<(LearnerEvent, EventMeta), StoreError> {
    let event = serde_json::from_str(&stored.body).map_err(|error| StoreError::Damaged {
        cause: format!("event {} is no fact of a learner: {error}", stored.event_id),
    })?;
    let meta = EventMeta {
        event_id: stored.event_id,
        version: stored.version,
    };
    Ok((event, meta))
}
