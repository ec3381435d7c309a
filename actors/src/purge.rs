//! Purging history: what is older than a bound becomes one fact for each learner, the state that it made. For a directory that
//! no node is running on. Totals, boards of all time, achievements and progress stay as they are; what is gone are the single
//! entries, their notes, and what was observed with them.

use crate::domain::carried::{Carried, CarriedEntry};
use crate::domain::event::LearnerEvent;
use crate::domain::{Learner, evolve};
use crate::learners::{carried_rows, parse};
use homeroom_schema::limits::{PURGE_BATCH_LEARNERS, STREAM_PAGE_MAX};
use homeroom_schema::records::{
    Append, AuditRecord, AuditedBy, CarriedHistory, LearnerHead, Row, StoredEvent, StreamId,
};
use homeroom_schema::{EventId, QualificationId, SqliteStore, Store, StoreError, TimeMs};
use std::collections::BTreeMap;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeWish {
    /// Facts taken in before this moment are replaced.
    pub before: TimeMs,
    /// Now.
    pub now: TimeMs,
    /// Whether to count alone.
    pub is_trial: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Learners whose history begins later now.
    pub learners: u64,
    /// Facts that were replaced.
    pub events: u64,
}

/// Purges; `show` is told how many of how many learners were looked at.
///
/// # Errors
/// When the store fails: what was purged before stays purged, and the same wish goes on from there.
pub async fn purge(
    store: &SqliteStore,
    wish: PurgeWish,
    mut show: impl FnMut(u64, u64) + Send,
) -> Result<Purged, StoreError> {
    let heads = store.load_heads().await?;
    let (mut purged, mut batch) = (Purged::default(), Vec::new());
    for (number, head) in heads.iter().enumerate() {
        show(number as u64, heads.len() as u64);
        let Some((history, events)) = history(store, head, wish.before).await? else {
            continue;
        };
        purged.learners += 1;
        purged.events += events;
        if wish.is_trial {
            continue;
        }
        batch.push(history);
        if batch.len() == PURGE_BATCH_LEARNERS {
            store.carry(std::mem::take(&mut batch)).await?;
        }
    }
    if !wish.is_trial {
        store.carry(batch).await?;
        store.forget(wish.before).await?;
        store.commit(vec![audited(wish, purged)]).await?;
        store.compact().await?;
    }
    Ok(purged)
}

fn audited(wish: PurgeWish, purged: Purged) -> Append {
    let PurgeWish { before, now, .. } = wish;
    let Purged { learners, events } = purged;
    let record = AuditRecord {
        at: now,
        by: AuditedBy::default(),
        act: "history_purged",
        subject: None,
        detail: format!(
            "{{\"before\":{},\"learners\":{learners},\"events\":{events}}}",
            before.0
        ),
    };
    Append {
        rows: vec![Row::Audit(record)],
        ..Append::default()
    }
}

/// What takes the place of the facts before a moment; none if there is nothing to replace. With how many they are.
async fn history(
    store: &SqliteStore,
    head: &LearnerHead,
    before: TimeMs,
) -> Result<Option<(CarriedHistory, u64)>, StoreError> {
    let mut old = Old::new(Learner::new(head.user_id));
    let stream = StreamId::learner(head.user_id);
    loop {
        let page = store.read_stream(stream, old.learner.version, STREAM_PAGE_MAX).await?;
        for stored in &page {
            if stored.recorded_at >= before {
                return Ok(old.into_history());
            }
            old.take(stored)?;
        }
        if page.len() < STREAM_PAGE_MAX {
            return Ok(old.into_history());
        }
    }
}

/// The beginning of a stream, folded.
struct Old {
    learner: Learner,
    events: u64,
    last: Option<(EventId, TimeMs)>,
    is_carried_alone: bool,
    // The last two entries with points of each group, or the last one without: the newer first.
    entries: BTreeMap<Option<QualificationId>, Vec<CarriedEntry>>,
    // Entries of the ledger that an earlier purge left.
    replaced: Vec<EventId>,
}

impl Old {
    fn new(learner: Learner) -> Self {
        Self {
            learner,
            events: 0,
            last: None,
            is_carried_alone: false,
            entries: BTreeMap::new(),
            replaced: Vec::new(),
        }
    }

    fn take(&mut self, stored: &StoredEvent) -> Result<(), StoreError> {
        let (event, meta) = parse(stored)?;
        self.events += 1;
        self.last = Some((stored.event_id, event.occurred_at()));
        self.is_carried_alone = matches!(event, LearnerEvent::StateCarried { .. });
        let entry = |qualification, points, occurred_at| CarriedEntry {
            event_id: stored.event_id,
            qualification,
            points,
            occurred_at,
        };
        match &event {
            LearnerEvent::PointsAwarded {
                qualification,
                points,
                occurred_at,
                ..
            }
            | LearnerEvent::PointsReinstated {
                qualification,
                points,
                occurred_at,
                ..
            } => self.note(entry(*qualification, i64::from(*points), *occurred_at)),
            LearnerEvent::PointsReversed {
                qualification,
                points,
                occurred_at,
                ..
            } => self.note(entry(*qualification, -i64::from(*points), *occurred_at)),
            LearnerEvent::StateCarried { entries, .. } => {
                self.replaced.extend(entries.iter().map(|entry| entry.event_id));
                entries.iter().for_each(|entry| self.note(*entry));
            }
            LearnerEvent::PointsRefused { .. }
            | LearnerEvent::PointsAdjusted { .. }
            | LearnerEvent::AchievementUnlocked { .. }
            | LearnerEvent::ProgressMade { .. } => {}
        }
        evolve(&mut self.learner, &event, meta);
        Ok(())
    }

    fn note(&mut self, entry: CarriedEntry) {
        let group = self.entries.entry(entry.qualification).or_default();
        if entry.points != 0 || group.is_empty() {
            // An entry without points is a place for a sum only while there is no better one.
            group.retain(|before| before.points != 0);
            group.insert(0, entry);
            group.truncate(2);
        }
    }

    fn into_history(self) -> Option<(CarriedHistory, u64)> {
        let (_, occurred_at) = self.last.filter(|_| !(self.is_carried_alone && self.events == 1))?;
        let learner = &self.learner;
        let qualified: u64 = learner.qualifications.values().map(|one| one.points).sum();
        let mut entries = Vec::new();
        for (qualification, group) in &self.entries {
            let sum = match qualification {
                Some(id) => learner.qualification_points(*id),
                None => learner.total.saturating_sub(qualified),
            };
            entries.extend(carried_entries(group, i64::try_from(sum).unwrap_or(i64::MAX)));
        }
        entries.sort_unstable_by_key(|entry| entry.event_id);
        let event = LearnerEvent::StateCarried {
            state: Box::new(Carried::of(learner)),
            entries,
            occurred_at,
        };
        let history = CarriedHistory {
            user_id: learner.user_id,
            version: learner.version,
            event_type: event.event_type(),
            body: serde_json::to_string(&event).expect("a fact has string keys and finite numbers, so it is JSON"),
            rows: carried_rows(learner.user_id, &event),
            replaced: self.replaced,
        };
        Some((history, self.events))
    }
}

/// The sum where the last entry with points was, so that the moment at which it was reached stays. A sum of 0 keeps its last
/// entry against the one before, for the same reason.
fn carried_entries(group: &[CarriedEntry], sum: i64) -> Vec<CarriedEntry> {
    match group {
        [last, before, ..] if sum == 0 => {
            let against = CarriedEntry {
                points: -last.points,
                ..*before
            };
            vec![*last, against]
        }
        [last, ..] if sum != 0 => vec![CarriedEntry { points: sum, ..*last }],
        _ => Vec::new(),
    }
}
