//! The roster's actor: the only one that changes the roster. Commands that do not rest on one another share a commit.

use super::alias::AliasSecret;
use super::audit::Act;
use super::event::RosterEvent;
use super::plan::{Batch, NextIds, Plan, plan};
use super::state::RosterState;
use super::touched::touched;
use super::{Roster, RosterCommand, RosterOutcome};
use crate::clock::Clock;
use crate::engine::{Answer, KeyClaim, RenderRoster};
use crate::error::EngineError;
use crate::hub::Hub;
use crate::journal::{Completion, Journal, Lineage, Submission, event_at};
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::{WorkQueue, monotonic};
use homeroom_schema::limits::COMMAND_DEADLINE;
use homeroom_schema::records::{
    Append, AppendOutcome, AuditRecord, AuditedBy, KeyOutcome, KeyRecord, NewEvent, Row, StreamAppend, StreamId,
};
use homeroom_schema::{EventId, Store, StoreError, TimeMs, UserId, Version};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Commands of one commit. At the bound the rest wait for the next one.
const ROSTER_BATCH_MAX: usize = 512;

/// Commands on their way to the roster.
pub(crate) type RosterQueue = WorkQueue<RosterJob, RosterMsg>;

/// One command with who wants to know.
pub(crate) struct RosterJob {
    pub(crate) command: RosterCommand,
    pub(crate) by: AuditedBy,
    pub(crate) key: Option<(KeyClaim, RenderRoster)>,
    pub(crate) answer: Answer<RosterOutcome>,
}

/// Configuration only.
pub(crate) struct RosterActor;

/// What the roster's actor works with.
#[derive(Clone)]
pub(crate) struct RosterArgs {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) roster: Roster,
    pub(crate) queue: Arc<RosterQueue>,
    pub(crate) journal: Journal,
    pub(crate) hub: Hub,
    pub(crate) secret: AliasSecret,
    /// Whether one before it failed, so that a commit may have been kept unseen.
    pub(crate) is_restart: bool,
}

/// The actor's own state; the roster itself is shared with its readers.
pub(crate) struct RosterActorState {
    args: RosterArgs,
    next: NextIds,
    is_stale: bool,
    // Another one when something was not kept.
    lineage: Lineage,
}

/// Messages to the roster's actor.
pub(crate) enum RosterMsg {
    /// From the queue: there is something. Safe to repeat.
    Work,
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

impl Actor for RosterActor {
    type Msg = RosterMsg;
    type State = RosterActorState;
    type Arguments = RosterArgs;

    async fn pre_start(
        &self,
        _: ActorRef<RosterMsg>,
        args: RosterArgs,
    ) -> Result<RosterActorState, ActorProcessingErr> {
        Ok(RosterActorState {
            is_stale: args.is_restart,
            args,
            next: NextIds::default(),
            lineage: Lineage::default(),
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<RosterMsg>,
        state: &mut RosterActorState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.queue.connect(myself);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<RosterMsg>,
        message: RosterMsg,
        state: &mut RosterActorState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.queue.pulse.begin();
        match message {
            RosterMsg::Work => {
                state.reload_if_stale().await;
                if let Some(((batch, jobs), _)) = state.args.queue.take(take_batch) {
                    state.work(batch, jobs).await;
                    // Refused while draining: then the queue is closed and empty.
                    let _ = myself.send_message(RosterMsg::Work);
                }
            }
            #[cfg(feature = "faults")]
            RosterMsg::Poison(fault) => fault.strike().await,
        }
        state.args.queue.pulse.end();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<RosterMsg>,
        _: SupervisionEvent,
        _: &mut RosterActorState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

fn take_batch(waiting: &mut VecDeque<RosterJob>) -> (Batch, Vec<RosterJob>) {
    let mut batch = Batch::default();
    let mut jobs = Vec::new();
    while jobs.len() < ROSTER_BATCH_MAX
        && let Some(job) = waiting.pop_front()
    {
        if !batch.admits(&job.command) {
            waiting.push_front(job);
            break;
        }
        jobs.push(job);
    }
    (batch, jobs)
}

/// One command on its way through the journal.
struct Submitted {
    rows: Vec<Row>,
    events: usize,
    outcome: RosterOutcome,
    answer: Answer<RosterOutcome>,
    told: oneshot::Receiver<Result<AppendOutcome, StoreError>>,
}

impl RosterActorState {
    async fn work(&mut self, mut batch: Batch, jobs: Vec<RosterJob>) {
        let now = self.args.clock.now();
        let next_before = self.next;
        let mut expected = self.args.roster.read().version;
        let mut submitted = Vec::with_capacity(jobs.len());
        for RosterJob {
            command,
            by,
            key,
            answer,
        } in jobs
        {
            if self.is_stale {
                answer.give(Err(EngineError::StoreUnavailable));
                continue;
            }
            let act = Act::of(&command);
            // Planned under the read lock: readers go on, and nobody else writes.
            let planned = plan(&self.args.roster.read(), &mut batch, &mut self.next, command, now);
            match planned {
                Err(error) => answer.give(Err(error)),
                Ok(plan) if plan.is_nothing(key.is_some()) => answer.give(Ok(plan.outcome)),
                Ok(plan) => {
                    let events = plan.events.len();
                    let audit = (!plan.rows.is_empty()).then(|| act.record(by, now, &plan.outcome));
                    submitted.push(self.submit(plan, audit, key, answer, expected));
                    expected = expected.plus(events as u64);
                }
            }
        }
        if !self.settle(submitted).await {
            // Ids given to what was not kept are free again: the lowest never used is given.
            self.next = next_before;
        }
    }

    fn submit(
        &self,
        plan: Plan,
        audit: Option<AuditRecord>,
        key: Option<(KeyClaim, RenderRoster)>,
        answer: Answer<RosterOutcome>,
        expected: Version,
    ) -> Submitted {
        let now = self.args.clock.now();
        let key = key.map(|(claim, render)| {
            let (status, body) = render(&plan.outcome);
            KeyRecord {
                about: person_named(&plan.outcome),
                ..claim.record(now, status, KeyOutcome::Body(body))
            }
        });
        let (tell, told) = oneshot::channel();
        self.args.journal.submit(Submission {
            append: append(&plan, audit, key, expected, now),
            change: None,
            done: Completion::new(move |outcome| drop(tell.send(outcome))).in_lineage(self.lineage.clone()),
        });
        Submitted {
            rows: plan.rows,
            events: plan.events.len(),
            outcome: plan.outcome,
            answer,
            told,
        }
    }

    /// Waits for the whole batch, then changes the roster once, tells boards and teams, and answers, in this order.
    /// Returns whether all of it was kept.
    async fn settle(&mut self, submitted: Vec<Submitted>) -> bool {
        let mut rows = Vec::new();
        let mut events = 0;
        let mut last = None;
        let mut answers = Vec::with_capacity(submitted.len());
        for one in submitted {
            let told = self.args.queue.pulse.outside(one.told).await.unwrap_or_else(|_| {
                Err(StoreError::Unknown {
                    cause: "no word from the journal".into(),
                })
            });
            let outcome = match told {
                Ok(AppendOutcome::Kept { first_event_id }) => {
                    rows.extend(one.rows);
                    events += one.events;
                    let event_id = first_event_id.map(|first| event_at(first, one.events.saturating_sub(1)));
                    last = last.max(event_id);
                    Ok(one.outcome)
                }
                Ok(AppendOutcome::KeyTaken) => Err(EngineError::KeyTaken),
                Ok(AppendOutcome::Conflict { .. }) | Err(StoreError::Unknown { .. }) => {
                    self.is_stale = true;
                    Err(EngineError::StoreUnavailable)
                }
                Err(_) => Err(EngineError::StoreUnavailable),
            };
            answers.push((one.answer, outcome));
        }
        if let Some(event_id) = last {
            self.apply(rows, events, event_id);
        }
        let is_kept = answers.iter().all(|(_, outcome)| outcome.is_ok());
        if !is_kept {
            self.lineage = Lineage::default();
        }
        for (answer, outcome) in answers {
            answer.give(outcome);
        }
        is_kept
    }

    fn apply(&self, rows: Vec<Row>, events: usize, event_id: EventId) {
        let change = touched(&self.args.roster.read(), &rows, event_id);
        self.args.roster.change(|state| {
            state.apply(rows);
            state.version = state.version.plus(events as u64);
            state.last_event_id = Some(event_id);
        });
        self.args.hub.roster_changed(change);
    }

    async fn reload_if_stale(&mut self) {
        if !self.is_stale {
            return;
        }
        let queue = Arc::clone(&self.args.queue);
        match queue.pulse.outside(self.reload()).await {
            Ok(()) => self.is_stale = false,
            Err(error) => tracing::warn!(%error, "the roster could not be read anew"),
        }
    }

    /// Reads all of the roster behind whatever is still on its way through the writer.
    async fn reload(&mut self) -> Result<(), StoreError> {
        let RosterArgs {
            store,
            journal,
            roster,
            hub,
            secret,
            ..
        } = &self.args;
        journal.fence(monotonic() + COMMAND_DEADLINE).await?;
        let loaded = RosterState::load(store.load_roster().await?, *secret);
        roster.change(|state| *state = loaded);
        self.next = NextIds::default();
        hub.reload().await
    }
}

impl Plan {
    fn is_nothing(&self, has_key: bool) -> bool {
        // A refused import is an answer of validation: it is not kept under its key.
        self.rows.is_empty() && (!has_key || matches!(self.outcome, RosterOutcome::ImportRefused(_)))
    }
}

/// Whose name an answer holds.
fn person_named(outcome: &RosterOutcome) -> Option<UserId> {
    match outcome {
        RosterOutcome::User { user, .. } => Some(user.user_id),
        _ => None,
    }
}

fn append(plan: &Plan, audit: Option<AuditRecord>, key: Option<KeyRecord>, expected: Version, now: TimeMs) -> Append {
    let events: Vec<NewEvent> = plan.events.iter().map(|event| new_event(event, now)).collect();
    Append {
        stream: (!events.is_empty()).then_some(StreamAppend {
            stream: StreamId::ROSTER,
            expected,
            events,
            head: None,
        }),
        rows: plan.rows.iter().cloned().chain(audit.map(Row::Audit)).collect(),
        key,
    }
}

fn new_event(event: &RosterEvent, now: TimeMs) -> NewEvent {
    NewEvent {
        event_type: event.event_type(),
        occurred_at: now,
        recorded_at: now,
        body: serde_json::to_string(event).expect("a roster event has string keys only, so it is JSON"),
        note: None,
    }
}
