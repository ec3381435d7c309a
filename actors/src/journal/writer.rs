//! The journal's actor: one batch after another, and who is told in which order.

use super::{Completion, Journal, LearnerChange, Submission};
use crate::hub::Hub;
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::{Tasks, monotonic};
use homeroom_schema::limits::{BATCH_APPENDS_MAX, COMMAND_DEADLINE};
use homeroom_schema::records::{Append, AppendOutcome};
use homeroom_schema::{EventId, Store, StoreError, Version};
use metrics::{Counter, Gauge, Histogram};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// The pause before boards and teams try again to read everything anew.
const RELOAD_PAUSE: Duration = Duration::from_millis(500);

/// Configuration only.
pub(crate) struct JournalActor;

/// What the journal works with.
#[derive(Clone)]
pub(crate) struct JournalArgs {
    /// Where batches are kept.
    pub(crate) store: Arc<dyn Store>,
    /// The queue.
    pub(crate) journal: Journal,
    /// Boards and teams.
    pub(crate) hub: Hub,
    /// Where the end of the store is told.
    pub(crate) fatal: watch::Sender<Option<String>>,
    /// Owner of what takes longer.
    pub(crate) tasks: Arc<Tasks>,
    /// How often everything folded from the journal was asked to be read anew since that was last done.
    pub(crate) reloads_wanted: Arc<AtomicUsize>,
    /// Whether one before it failed, so that its last batch may have been kept untold.
    pub(crate) is_restart: bool,
}

/// The journal's state: nothing that a restart would miss.
pub(crate) struct JournalState {
    args: JournalArgs,
    // Appends of one batch: less after a batch that was itself wrong, so that the others get past the wrong one.
    batch_max: usize,
    waiting: Gauge,
    waited: Histogram,
    batch_appends: Histogram,
    batches_failed: Counter,
}

/// Messages to the journal's actor.
pub(crate) enum JournalMsg {
    /// From the queue: there is something. Safe to repeat.
    Work,
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

impl Actor for JournalActor {
    type Msg = JournalMsg;
    type State = JournalState;
    type Arguments = JournalArgs;

    async fn pre_start(&self, _: ActorRef<JournalMsg>, args: JournalArgs) -> Result<JournalState, ActorProcessingErr> {
        Ok(JournalState {
            args,
            batch_max: BATCH_APPENDS_MAX,
            waiting: metrics::gauge!("homeroom_journal_queue"),
            waited: metrics::histogram!("homeroom_journal_wait_seconds"),
            batch_appends: metrics::histogram!("homeroom_batch_appends"),
            batches_failed: metrics::counter!("homeroom_batches_failed_total"),
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<JournalMsg>,
        state: &mut JournalState,
    ) -> Result<(), ActorProcessingErr> {
        if state.args.is_restart {
            state.reload();
        }
        state.args.journal.connect(myself);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<JournalMsg>,
        message: JournalMsg,
        state: &mut JournalState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.journal.pulse().begin();
        match message {
            JournalMsg::Work => {
                if let Some((batch, waited)) = state.args.journal.take_batch(state.batch_max) {
                    state.waited.record(waited.as_secs_f64());
                    state.waiting.set(state.args.journal.waiting() as f64);
                    state.write(batch).await;
                    // One batch a message, so that a drain comes between batches. While draining this is refused; whoever
                    // drains has closed and fenced the queue before.
                    let _ = myself.send_message(JournalMsg::Work);
                }
            }
            #[cfg(feature = "faults")]
            JournalMsg::Poison(fault) => fault.strike().await,
        }
        state.args.journal.pulse().end();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<JournalMsg>,
        _: SupervisionEvent,
        _: &mut JournalState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl JournalState {
    async fn write(&mut self, batch: Vec<Submission>) {
        let mut appends = Vec::with_capacity(batch.len());
        let mut owners = Vec::with_capacity(batch.len());
        for Submission { append, change, done } in batch {
            if done.is_void() {
                let actual = Version::ZERO;
                done.tell(Ok(AppendOutcome::Conflict { actual }));
                continue;
            }
            owners.push((events_of(&append), change, done));
            appends.push(append);
        }
        if appends.is_empty() {
            return;
        }
        self.batch_appends.record(appends.len() as f64);
        // However long the disk takes: a second journal beside this one would not make it faster.
        let committed = self.args.journal.pulse().outside(self.args.store.commit(appends)).await;
        match committed {
            Ok(outcomes) => self.kept(owners, &outcomes),
            Err(error) => self.failed(owners, &error),
        }
    }

    /// In this order: the position, boards and teams, then the owners. So a read that follows an answer finds its board
    /// behind a position that it must reach, with the change already told.
    fn kept(&mut self, mut owners: Vec<Owner>, outcomes: &[AppendOutcome]) {
        assert_eq!(owners.len(), outcomes.len(), "one outcome for each append");
        self.batch_max = (self.batch_max * 2).min(BATCH_APPENDS_MAX);
        let mut changes = Vec::with_capacity(owners.len());
        let mut last = None;
        for ((events, change, done), outcome) in owners.iter_mut().zip(outcomes) {
            if *outcome == AppendOutcome::KeyTaken && *events > 0 {
                done.void_followers();
            }
            let AppendOutcome::Kept {
                first_event_id: Some(first),
            } = outcome
            else {
                continue;
            };
            let event_id = event_at(*first, events.saturating_sub(1));
            last = last.max(Some(event_id));
            if let Some(change) = change.take() {
                changes.push(LearnerChange { event_id, ..change });
            }
        }
        if let Some(event_id) = last {
            self.args.journal.advance(event_id);
        }
        if !changes.is_empty() {
            self.args.hub.learners_changed(changes);
        }
        for ((_, _, done), outcome) in owners.into_iter().zip(outcomes) {
            done.tell(Ok(*outcome));
        }
    }

    fn failed(&mut self, owners: Vec<Owner>, error: &StoreError) {
        tracing::error!(%error, appends = owners.len(), "a batch was not kept");
        self.batches_failed.increment(1);
        match error {
            StoreError::Fatal { cause } => {
                self.args.fatal.send_replace(Some(cause.clone()));
            }
            // Its appends may be there after all: whoever folds the journal has to look.
            StoreError::Unknown { .. } => self.reload(),
            // Sent again it fails again. Smaller batches until one is kept: the wrong one ends up alone.
            StoreError::Damaged { .. } => self.batch_max = (owners.len() / 2).max(1),
            _ => {}
        }
        for (_, _, done) in owners {
            done.tell(Err(error.clone()));
        }
    }

    /// Has boards and teams read everything anew. One task at a time does it, however often it is asked for.
    fn reload(&self) {
        if self.args.reloads_wanted.fetch_add(1, Ordering::AcqRel) == 0 {
            self.args.tasks.spawn_upkeep(self.args.clone().reload_until_done());
        }
    }
}

impl JournalArgs {
    /// Reads behind whatever is still on its way through the writer, until nobody has asked for it again meanwhile.
    async fn reload_until_done(self) {
        loop {
            let wanted = self.reloads_wanted.load(Ordering::Acquire);
            let read = match self.journal.fence(monotonic() + COMMAND_DEADLINE).await {
                Ok(()) => self.hub.reload().await,
                Err(error) => Err(error),
            };
            if let Err(error) = read {
                tracing::warn!(%error, "boards and teams could not be read anew yet");
                tokio::time::sleep(RELOAD_PAUSE).await;
                continue;
            }
            let done = self
                .reloads_wanted
                .compare_exchange(wanted, 0, Ordering::AcqRel, Ordering::Acquire);
            if done.is_ok() {
                return;
            }
        }
    }
}

/// How many events, what they mean, who wants to know.
type Owner = (usize, Option<LearnerChange>, Completion);

fn events_of(append: &Append) -> usize {
    append.stream.as_ref().map_or(0, |stream| stream.events.len())
}

/// The id of event `index` of an append whose first event has id `first`.
pub(crate) fn event_at(first: EventId, index: usize) -> EventId {
    let id = u64::try_from(index)
        .ok()
        .and_then(|index| first.get().checked_add(index));
    id.and_then(|id| EventId::new(id).ok()).unwrap_or(EventId::MAX)
}
