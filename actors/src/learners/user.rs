//! One awake learner: what is durable, what is decided on top of it, and who waits for what. Driven by its actor.
//!
//! Two states. `durable` is what the store has kept, and all that anybody is ever shown. `decided` is the same with
//! everything pending folded in; commands are decided on it, so that one learner is not held to one award per commit.

mod durable;
mod unlocks;

use super::append::{Changes, Recording, append};
use super::pending::{Basis, Beside, PendingItem, Request};
use super::{Context, UserMsg};
use crate::domain::event::{EventMeta, LearnerEvent};
use crate::domain::{Command, Decision, Learner, decide, evolve};
use crate::error::EngineError;
use crate::journal::{Completion, LearnerChange, Lineage, Submission};
use crate::supervision::Pulse;
use crate::topics::Topic;
use durable::CachedView;
use homeroom_schema::records::{Append, KeyOutcome, StreamId};
use homeroom_schema::{EventId, Version};
use ractor::ActorRef;
use std::collections::VecDeque;
use std::sync::Arc;
use unlocks::Looked;

/// The state of a learner's actor.
pub(crate) struct User {
    context: Arc<Context>,
    topic: Arc<Topic>,
    pulse: Arc<Pulse>,
    durable: Learner,
    decided: Option<Box<Learner>>,
    pending: VecDeque<PendingItem>,
    // Another one when pending state is dropped: outcomes of older submissions are no longer awaited.
    lineage: Lineage,
    // The store may have more than `durable`: to be read before anything is decided.
    is_stale: bool,
    snapshot_version: Version,
    view: Option<CachedView>,
    // What `decided` was looked at against for achievements; none when all of them have to be looked at.
    looked_at: Option<Looked>,
}

impl User {
    pub(super) fn new(
        context: Arc<Context>,
        (topic, pulse): (Arc<Topic>, Arc<Pulse>),
        durable: Learner,
        snapshot_version: Version,
    ) -> Self {
        Self {
            context,
            topic,
            pulse,
            durable,
            decided: None,
            pending: VecDeque::new(),
            lineage: Lineage::default(),
            is_stale: false,
            snapshot_version,
            view: None,
            looked_at: None,
        }
    }

    /// Where it says that it is at work.
    pub(super) const fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// Whether nothing waits for a commit.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Takes a command: decides it, and answers it now or when what it rests on is durable.
    pub(super) async fn command(&mut self, myself: &ActorRef<UserMsg>, request: Box<Request>) {
        if self.is_stale && self.reload().await.is_err() {
            request.reply.refuse(EngineError::StoreUnavailable);
        } else {
            self.decide(myself, request);
        }
    }

    fn decide(&mut self, myself: &ActorRef<UserMsg>, request: Box<Request>) {
        let rules = &*self.context.rules.load_full();
        let state = self.decided.as_deref().unwrap_or(&self.durable);
        if let Some(key) = request.passed_on_key().filter(|key| state.awards.contains_key(key)) {
            let (total, level) = (state.total, state.level);
            self.rest(request, Basis::Award { key, total, level });
            return;
        }
        match decide(state, &request.command, rules) {
            Decision::Keep(events) => self.keep(myself, events, request),
            Decision::RefusedAsBefore { receipt } => {
                let kept = state.receipts.get(&receipt);
                let version = kept.map_or(Version::ZERO, |kept| kept.version);
                let basis = Basis::Receipt {
                    receipt,
                    total: state.total,
                    level: state.level,
                };
                self.answer_as_before(myself, request, basis, version);
            }
            Decision::Unchanged { unit } => {
                let version = state.units.get(&unit).map_or(Version::ZERO, |unit| unit.version);
                self.answer_as_before(myself, request, Basis::Unit(unit), version);
            }
            // What contradicts durable state is refused for good. What contradicts only something pending waits for that,
            // and is decided again.
            Decision::Rejected(rejection) => {
                let on_durable = decide(&self.durable, &request.command, rules);
                if self.pending.is_empty() || on_durable == Decision::Rejected(rejection) {
                    request.reply.refuse(rejection.into());
                } else {
                    self.pending.push_back(PendingItem::Again(request));
                }
            }
        }
    }

    /// Folds facts into what is decided, and sends them to the journal.
    /// Achievements that they unlock are facts of the same append.
    fn keep(&mut self, myself: &ActorRef<UserMsg>, mut events: Vec<LearnerEvent>, request: Box<Request>) {
        let recorded_at = self.context.clock.now();
        let decided = self.decided.get_or_insert_with(|| Box::new(self.durable.clone()));
        let expected = decided.version;
        let mut changes = Changes::default();
        for event in &events {
            fold_pending(decided, &mut changes, event);
        }
        let unlocked = self.unlocked_by(events.first(), expected.plus(1));
        if let Some(decided) = &mut self.decided {
            for event in &unlocked {
                fold_pending(decided, &mut changes, event);
            }
        }
        events.extend(unlocked);
        let decided = self.decided.as_deref().unwrap_or(&self.durable);
        let status = match events.first() {
            Some(LearnerEvent::PointsRefused { .. } | LearnerEvent::ProgressMade { .. }) | None => 200,
            Some(_) => 201,
        };
        let outcome = key_outcome(decided, expected.plus(1));
        let Beside { note, audit } = &request.beside;
        let recording = Recording {
            recorded_at,
            note: note.clone(),
            audit: audit.clone(),
            key: request.key.map(|claim| claim.record(recorded_at, status, outcome)),
        };
        let append = append(decided, expected, &events, recording);
        let change = changes.into_change(decided, EventId::MIN);
        let basis = match &request.command {
            Command::Progress(progress) => Basis::Unit(progress.unit),
            _ => Basis::FirstEvent,
        };
        self.pending.push_back(PendingItem::Append {
            events,
            recorded_at,
            basis,
            request: Some(request),
        });
        self.submit(myself, append, change);
    }

    /// Answers what the state says already: with a key through the journal, so that the key has its one outcome.
    fn answer_as_before(&mut self, myself: &ActorRef<UserMsg>, request: Box<Request>, basis: Basis, version: Version) {
        let Some(claim) = request.key else {
            self.rest(request, basis);
            return;
        };
        let recorded_at = self.context.clock.now();
        let state = self.decided.as_deref().unwrap_or(&self.durable);
        let recording = Recording {
            recorded_at,
            note: None,
            audit: None,
            key: Some(claim.record(recorded_at, 200, key_outcome(state, version))),
        };
        let append = append(state, state.version, &[], recording);
        self.pending.push_back(PendingItem::Append {
            events: Vec::new(),
            recorded_at,
            basis,
            request: Some(request),
        });
        self.submit(myself, append, None);
    }

    /// Answers when everything pending is durable: nothing that an answer shows may be less.
    fn rest(&mut self, request: Box<Request>, basis: Basis) {
        if self.pending.is_empty() {
            request.reply.answer(&self.durable, basis, None);
        } else {
            self.pending.push_back(PendingItem::Rest { basis, request });
        }
    }

    fn submit(&self, myself: &ActorRef<UserMsg>, append: Append, change: Option<LearnerChange>) {
        let (lineage, myself) = (self.lineage.clone(), myself.clone());
        self.context.journal.submit(Submission {
            append,
            change,
            done: Completion::new(move |outcome| {
                // An actor that is gone has dropped its replies, which told its callers.
                let _ = myself.send_message(UserMsg::Committed { lineage, outcome });
            })
            .in_lineage(self.lineage.clone()),
        });
    }
}

/// Folds a fact that is not durable yet.
fn fold_pending(decided: &mut Learner, changes: &mut Changes, event: &LearnerEvent) {
    changes.note(decided, event);
    let meta = EventMeta {
        event_id: EventId::MIN,
        version: decided.version.plus(1),
    };
    evolve(decided, event, meta);
}

/// Where the answer to a keyed command is found again.
const fn key_outcome(state: &Learner, version: Version) -> KeyOutcome {
    KeyOutcome::Event {
        stream: StreamId::learner(state.user_id),
        version,
        total: state.total,
        level: state.level,
    }
}
