//! What happens when something is durable, or is not: folding, publishing, answering, and reading anew after a failure.

use super::User;
use crate::domain::Rules;
use crate::domain::achievements::{Outside, achievements};
use crate::domain::course::completion;
use crate::domain::event::{EventMeta, LearnerEvent};
use crate::domain::evolve;
use crate::error::EngineError;
use crate::journal::{Lineage, event_at};
use crate::learners::append::{Changes, confirm};
use crate::learners::pending::{PendingItem, Request};
use crate::learners::{UserMsg, load, snapshot};
use crate::supervision::monotonic;
use crate::topics::{Entry, Message};
use crate::views::LearnerView;
use homeroom_schema::limits::{COMMAND_DEADLINE, CONFLICTS_MAX, SNAPSHOT_EVERY_EVENTS};
use homeroom_schema::records::{AppendOutcome, SnapshotRecord};
use homeroom_schema::{EventId, StoreError, TimeMs};
use ractor::ActorRef;
use std::collections::VecDeque;
use std::sync::Arc;

/// States up to this size are cloned anew for each burst of commands; larger ones keep their second copy while awake.
const CHEAP_CLONE_ENTRIES: usize = 32;

/// A view, and what it is good for: one version of the learner, and this.
pub(super) struct CachedView {
    revision: u64,
    rules: Arc<Rules>,
    outside: Outside,
    view: Arc<LearnerView>,
}

impl User {
    /// The outcome of the oldest submission that is awaited. Outcomes come in the order of the submissions.
    pub(in crate::learners) async fn committed(
        &mut self,
        myself: &ActorRef<UserMsg>,
        lineage: &Lineage,
        outcome: Result<AppendOutcome, StoreError>,
    ) {
        if !lineage.is(&self.lineage) {
            return;
        }
        match outcome {
            Ok(AppendOutcome::Kept { first_event_id }) => self.kept(myself, first_event_id),
            Ok(AppendOutcome::KeyTaken) => self.key_taken(myself).await,
            Ok(AppendOutcome::Conflict { .. }) => {
                metrics::counter!("homeroom_conflicts_total").increment(1);
                self.decide_anew(myself, 1).await;
            }
            Err(_) => self.drop_pending(EngineError::StoreUnavailable).await,
        }
    }

    fn kept(&mut self, myself: &ActorRef<UserMsg>, first_event_id: Option<EventId>) {
        let Some(PendingItem::Append {
            events,
            recorded_at,
            basis,
            request,
        }) = self.pending.pop_front()
        else {
            debug_assert!(false, "an outcome belongs to an append");
            return;
        };
        let (mut note, reply) = match request.map(|request| *request) {
            Some(Request { beside, reply, .. }) => (beside.note, Some(reply)),
            None => (None, None),
        };
        let first_event_id = first_event_id.unwrap_or(EventId::MIN);
        for (index, event) in events.iter().enumerate() {
            let meta = EventMeta {
                event_id: event_at(first_event_id, index),
                version: self.durable.version.plus(1),
            };
            evolve(&mut self.durable, event, meta);
            if let Some(decided) = &mut self.decided {
                confirm(decided, event, meta);
            }
            self.publish(event, meta, recorded_at, note.take());
        }
        if !events.is_empty() {
            self.view = None;
            self.context.count(&events);
        }
        if let Some(reply) = reply {
            reply.answer(&self.durable, basis, Some((events.as_slice(), first_event_id)));
        }
        self.settle_followers(myself);
    }

    /// Answers those who rested on what is durable now, up to the next append.
    fn settle_followers(&mut self, myself: &ActorRef<UserMsg>) {
        while !matches!(self.pending.front(), None | Some(PendingItem::Append { .. })) {
            match self.pending.pop_front() {
                Some(PendingItem::Rest { basis, request }) => request.reply.answer(&self.durable, basis, None),
                Some(PendingItem::View(reply)) => drop(reply.send(Ok(self.view()))),
                Some(PendingItem::Again(request)) => self.decide(myself, request),
                Some(PendingItem::Append { .. }) | None => {}
            }
        }
        let durable = &self.durable;
        if self.pending.is_empty()
            && durable.awards.len() + durable.units.len() + durable.receipts.len() <= CHEAP_CLONE_ENTRIES
        {
            self.decided = None;
        }
        debug_assert!(
            !self.pending.is_empty() || self.decided.as_deref().is_none_or(|decided| decided == durable),
            "with nothing pending, what is decided is what is durable"
        );
    }

    /// Somebody used the key first. Without facts nothing else rests on it; with facts everything after it does.
    async fn key_taken(&mut self, myself: &ActorRef<UserMsg>) {
        let has_facts = matches!(self.pending.front(), Some(PendingItem::Append { events, .. }) if !events.is_empty());
        if let Some(item) = self.pending.pop_front() {
            item.refuse(EngineError::KeyTaken);
        }
        if has_facts {
            // One less: that cannot go on for ever, so it counts for nobody.
            self.decide_anew(myself, 0).await;
        } else {
            self.settle_followers(myself);
        }
    }

    /// What is pending rests on what was not kept, because another node was faster or a key was taken. Reads what the store
    /// really has, and decides all commands again, each at most after [`CONFLICTS_MAX`] conflicts.
    async fn decide_anew(&mut self, myself: &ActorRef<UserMsg>, conflicts: u32) {
        let pending = self.forget_decided();
        if self.reload().await.is_err() {
            self.pending = pending;
            return self.drop_pending(EngineError::StoreUnavailable).await;
        }
        for item in pending {
            match item {
                PendingItem::View(reply) => drop(reply.send(Ok(self.view()))),
                PendingItem::Append { request: None, .. } => {}
                PendingItem::Append {
                    request: Some(mut request),
                    ..
                }
                | PendingItem::Rest { mut request, .. }
                | PendingItem::Again(mut request) => {
                    request.conflicts += conflicts;
                    if request.conflicts > CONFLICTS_MAX {
                        request.reply.refuse(EngineError::StoreUnavailable);
                    } else {
                        self.decide(myself, request);
                    }
                }
            }
        }
    }

    /// Nothing is decided any more, and no outcome awaited.
    fn forget_decided(&mut self) -> VecDeque<PendingItem> {
        self.lineage = Lineage::default();
        self.decided = None;
        self.is_stale = true;
        self.looked_at = None;
        std::mem::take(&mut self.pending)
    }

    /// Drops what is pending, and reads what the store really has.
    async fn drop_pending(&mut self, error: EngineError) {
        let mut readers = Vec::new();
        for item in self.forget_decided() {
            match item {
                PendingItem::View(reply) => readers.push(reply),
                item => item.refuse(error.clone()),
            }
        }
        // Without success the next command tries again.
        let _ = self.reload().await;
        // A disk that takes nothing stops no reads: what could not be kept is not shown.
        for reply in readers {
            let _ = reply.send(Ok(self.view()));
        }
    }

    /// Reads what was kept after `durable`, behind whatever of this learner is still on its way through the writer; shows
    /// it to the topic, boards and teams as if its outcome had been told.
    pub(super) async fn reload(&mut self) -> Result<(), StoreError> {
        let pulse = Arc::clone(&self.pulse);
        pulse.outside(self.read_anew()).await
    }

    async fn read_anew(&mut self) -> Result<(), StoreError> {
        let context = Arc::clone(&self.context);
        let deadline = monotonic() + COMMAND_DEADLINE;
        context.journal.fence(deadline).await?;
        let mut changes = Changes::default();
        let mut learner = self.durable.clone();
        let mut kept = Vec::new();
        let replay = load::replay(&*context.store, &mut learner, |before, stored, event, meta| {
            changes.note(before, event);
            kept.push((event.clone(), meta, stored.recorded_at, stored.note.clone()));
        });
        let replayed = tokio::time::timeout_at(deadline, replay).await;
        replayed.unwrap_or_else(|_| {
            Err(StoreError::Unavailable {
                cause: "reading a learner took too long".into(),
            })
        })?;
        self.durable = learner;
        self.view = None;
        self.is_stale = false;
        let last = kept.last().map(|(_, meta, _, _)| meta.event_id);
        for (event, meta, recorded_at, note) in kept {
            self.publish(&event, meta, recorded_at, note);
        }
        let change = last.and_then(|event_id| changes.into_change(&self.durable, event_id));
        if let Some(change) = change {
            context.hub.learners_changed(vec![change]);
        }
        Ok(())
    }

    /// One message on the learner's topic, remembered only while somebody listens: the journal has it anyway.
    fn publish(&self, event: &LearnerEvent, meta: EventMeta, recorded_at: TimeMs, note: Option<String>) {
        if !self.topic.has_subscribers() {
            self.topic.set_head(meta.version.0);
            return;
        }
        let message = Message::Learner {
            user_id: self.durable.user_id,
            event: event.clone(),
            meta,
            recorded_at,
            note,
        };
        self.context.counts.published.increment(1);
        self.topic.publish(Arc::new(Entry::new(meta.version.0, message)));
    }

    /// The durable state as reads show it.
    pub(in crate::learners) fn view(&mut self) -> Arc<LearnerView> {
        let roster = &self.context.roster;
        // Read before the course: a change in between makes the view look older than it is, which costs a second look.
        let revision = roster.revision();
        let (rules, outside) = (self.context.rules.load_full(), self.outside());
        let is_good = |cached: &&CachedView| {
            cached.revision == revision && cached.outside == outside && Arc::ptr_eq(&cached.rules, &rules)
        };
        if let Some(cached) = self.view.as_ref().filter(is_good) {
            self.context.counts.view_hits.increment(1);
            return Arc::clone(&cached.view);
        }
        self.context.counts.view_misses.increment(1);
        let learner = &self.durable;
        let course = roster.course(learner.user_id);
        let view = Arc::new(LearnerView {
            user_id: learner.user_id,
            version: learner.version,
            units: learner.units.iter().map(|(id, progress)| (*id, *progress)).collect(),
            completion: completion(learner, &course, &rules),
            total: learner.total,
            level: learner.level,
            achievements: achievements(learner, &course, &outside, &rules),
        });
        self.view = Some(CachedView {
            revision,
            rules,
            outside,
            view: Arc::clone(&view),
        });
        view
    }

    /// A snapshot, if enough has happened since the last one.
    pub(in crate::learners) fn snapshot_if_due(&self) -> Option<SnapshotRecord> {
        if self.durable.version.0 < self.snapshot_version.0 + SNAPSHOT_EVERY_EVENTS {
            return None;
        }
        let written = snapshot::write(&self.durable);
        written
            .inspect_err(|error| tracing::warn!(user_id = %self.durable.user_id, %error, "no snapshot"))
            .ok()
    }
}
