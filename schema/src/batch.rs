//! What every store checks about a batch before it touches anything, so that all of them refuse the same mistakes; and what
//! becomes of each append, for those that decide before they write.

use crate::ids::Version;
use crate::limits::BATCH_APPENDS_MAX;
use crate::records::{Append, AppendOutcome, KeyHash, Row, StreamAppend, StreamId, StreamKind};
use crate::store::StoreError;
use std::collections::{HashMap, HashSet};

/// What becomes of each append: `version` says where a stream stands before the batch (asked once for each), `is_taken`
/// which keys are used, `is_refused` which streams are refused whatever their version. Those kept have no ids yet.
pub(crate) fn decide(
    batch: &[Append],
    version: impl Fn(&StreamAppend) -> Version,
    is_taken: impl Fn(&KeyHash) -> bool,
    is_refused: impl Fn(StreamId) -> bool,
) -> Vec<AppendOutcome> {
    let mut versions: HashMap<StreamId, Version> = HashMap::new();
    let mut keys: HashSet<KeyHash> = HashSet::new();
    let mut conflicted: HashSet<StreamId> = HashSet::new();
    let mut skipped = Skipped::default();
    let mut decide = |append: &Append| {
        if let Some(key) = &append.key
            && (is_taken(&key.hash) || keys.contains(&key.hash))
        {
            skipped.note(append);
            return AppendOutcome::KeyTaken;
        }
        if let Some(append) = &append.stream {
            let stream = append.stream;
            let actual = *versions.entry(stream).or_insert_with(|| version(append));
            if actual != append.expected
                || conflicted.contains(&stream)
                || skipped.carries(append)
                || is_refused(stream)
            {
                conflicted.insert(stream);
                return AppendOutcome::Conflict { actual };
            }
            versions.insert(stream, actual.plus(append.events.len() as u64));
        }
        keys.extend(append.key.as_ref().map(|key| key.hash));
        AppendOutcome::Kept { first_event_id: None }
    };
    batch.iter().map(&mut decide).collect()
}

/// Events that were not kept because their key was taken: what comes later in the batch at a higher version of their stream
/// was decided on top of them, and means nothing without them, even where its version happens to fit.
#[derive(Debug, Default)]
pub(crate) struct Skipped(HashMap<StreamId, Version>);

impl Skipped {
    /// Notes an append that is left out for its key.
    pub(crate) fn note(&mut self, append: &Append) {
        if let Some(stream) = append.stream.as_ref().filter(|stream| !stream.events.is_empty()) {
            let before = self.0.entry(stream.stream).or_insert(stream.expected);
            *before = stream.expected.min(*before);
        }
    }

    /// Whether an append rests on what was left out.
    pub(crate) fn carries(&self, append: &StreamAppend) -> bool {
        !self.0.is_empty()
            && self
                .0
                .get(&append.stream)
                .is_some_and(|before| append.expected > *before)
    }
}

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
