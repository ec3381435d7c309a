//! What every store checks about a batch before it touches anything, so that all of them refuse the same mistakes.

use crate::limits::BATCH_APPENDS_MAX;
use crate::records::{Append, Row, StreamKind};
use crate::store::StoreError;

/// Refuses a batch that no caller should send: such a batch is a mistake in the program, not a conflict.
pub(crate) fn check(batch: &[Append]) -> Result<(), StoreError> {
    if batch.len() > BATCH_APPENDS_MAX {
        return Err(damaged(format!(
            "a batch of {} appends, at most {BATCH_APPENDS_MAX} are allowed",
            batch.len()
        )));
    }
    for (index, append) in batch.iter().enumerate() {
        check_append(append).map_err(|cause| damaged(format!("append {index}: {cause}")))?;
    }
    Ok(())
}

fn damaged(cause: String) -> StoreError {
    StoreError::Damaged { cause }
}

fn check_append(append: &Append) -> Result<(), &'static str> {
    let events = append.stream.as_ref().map_or(0, |stream| stream.events.len());
    if let Some(stream) = &append.stream
        && let Some(head) = &stream.head
    {
        if stream.stream.kind != StreamKind::Learner || head.user_id.get() != stream.stream.id {
            return Err("the head is not of the learner whose stream it is");
        }
        if head.version != stream.expected.plus(events as u64) {
            return Err("the head's version is not the stream's after these events");
        }
    }
    // Most appends have one entry at the most, so looking at all earlier ones again costs nothing.
    for (index, row) in append.rows.iter().enumerate() {
        if matches!(row, Row::Progress(progress) if progress.progress_percentage > 100) {
            return Err("progress beyond 100");
        }
        if matches!(row, Row::PointPart { event_index, .. } if *event_index >= events) {
            return Err("a part of an entry belongs to no event of its append");
        }
        let Row::Points { event_index, .. } = row else { continue };
        if *event_index >= events {
            return Err("an entry of the ledger belongs to no event of its append");
        }
        let twice = |earlier: &Row| matches!(earlier, Row::Points { event_index: other, .. } if other == event_index);
        if append.rows[..index].iter().any(twice) {
            return Err("two entries of the ledger belong to one event");
        }
    }
    Ok(())
}
