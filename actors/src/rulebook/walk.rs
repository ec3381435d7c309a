//! All learners' facts, one learner at a time, page by page, beside live traffic.

use crate::domain::event::{EventMeta, LearnerEvent};
use crate::learners::parse;
use homeroom_schema::limits::STREAM_PAGE_MAX;
use homeroom_schema::records::StreamId;
use homeroom_schema::{Store, StoreError, UserId, Version};
use std::future::Future;
use tokio::task::JoinHandle;

/// People of one page of the roster.
pub(super) const PEOPLE: usize = 1_000;
/// Learners whose facts are read at the same time: as many as the store reads beside the rest of the node.
pub(super) const AT_ONCE: usize = 4;

/// Runs what is asked of one learner beside what is asked of others, on any core. For whoever awaits it at once.
#[expect(
    clippy::disallowed_methods,
    reason = "awaited by the walk that it is part of; one that is given up ends by itself"
)]
pub(super) fn side_by_side<T: Send + 'static>(one: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(one)
}

/// Shows a learner's facts in order.
pub(super) async fn facts(
    store: &dyn Store,
    user_id: UserId,
    mut take: impl FnMut(&LearnerEvent, EventMeta) + Send,
) -> Result<(), StoreError> {
    let mut after = Version::ZERO;
    loop {
        let page = store
            .read_stream(StreamId::learner(user_id), after, STREAM_PAGE_MAX)
            .await?;
        for stored in &page {
            let (event, meta) = parse(stored)?;
            take(&event, meta);
            after = stored.version;
        }
        if page.len() < STREAM_PAGE_MAX {
            return Ok(());
        }
    }
}
