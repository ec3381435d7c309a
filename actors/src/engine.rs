//! The engine's front door: what the edge may ask of the actor tree. No HTTP, no JSON of the wire.

use crate::clock::Clock;
use crate::domain::action::{Action, Evidence};
use crate::domain::rules::Rules;
use crate::error::EngineError;
use crate::roster::{Roster, RosterCommand, RosterOutcome};
use crate::sessions::Sessions;
use crate::topics::{BoardName, Entry, Inbox, Period, Position, Topic, TopicName};
use crate::views::{BoardPage, CorrectionOutcome, EarnOutcome, LearnerView, ProgressOutcome, TeamPerformance};
use homeroom_schema::records::{KeyHash, KeyRecord, Row, StoredEvent, StreamId};
use homeroom_schema::{EventId, ReferenceId, Store, StoreError, TeamId, TimeMs, UnitId, UserId, Version};
use std::sync::Arc;
use std::time::Duration;

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Places of a board that its topic shows.
    pub board_window: usize,
    /// Places of a board that a projector sees.
    pub projector_places: usize,
    /// A learner is put away after this long without use.
    pub learner_idle: Duration,
    /// The rules in force.
    pub rules: Rules,
}

/// An idempotency key of a caller, to be committed with whatever it causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyClaim {
    /// Caller and key.
    pub hash: KeyHash,
    /// The request.
    pub fingerprint: [u8; 16],
}

/// A wish to be awarded, as the edge has validated it. Names are looked up by the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct EarnRequest {
    /// Who.
    pub user_id: UserId,
    /// For what.
    pub action: Action,
    /// For which one.
    pub reference: ReferenceId,
    /// The unit named by the caller.
    pub unit_id: Option<UnitId>,
    /// When it happened; none means now.
    pub occurred_at: Option<TimeMs>,
    /// What was observed.
    pub evidence: Evidence,
}

/// A wish to record progress, as the edge has validated it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressRequest {
    /// Who.
    pub user_id: UserId,
    /// In which unit.
    pub unit_id: UnitId,
    /// 0 to 100.
    pub progress_percentage: u8,
    /// When it happened; none means now.
    pub occurred_at: Option<TimeMs>,
}

/// Take an award back, or undo that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// Take it back.
    Reverse,
    /// Undo the taking back.
    Reinstate,
}

/// A command that has been handed to its actor, in order; its answer comes when it is durable.
pub struct Pending<T>(tokio::sync::oneshot::Receiver<Result<T, EngineError>>);

impl<T> Pending<T> {
    /// Waits until the command is durable or refused.
    ///
    /// # Errors
    /// As the command says; [`EngineError::TimedOut`] when no answer comes in time or its actor failed.
    pub async fn outcome(self) -> Result<T, EngineError> {
        match tokio::time::timeout(homeroom_schema::limits::COMMAND_DEADLINE, self.0).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(EngineError::TimedOut),
        }
    }
}

/// Which part of a board is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardPart {
    /// From a place (from 0) on.
    From(usize),
    /// After the row that had this place in the order, wherever it is now (so that pages do not overlap while rows move).
    After(crate::domain::board::Standing),
    /// The row of this person or team with so many neighbours on either side.
    Around {
        /// The person's or team's id.
        id: u64,
        /// Neighbours on either side.
        neighbours: usize,
    },
}

/// What a subscription starts from.
#[derive(Debug, Clone)]
pub enum TopicSnapshot {
    /// `user:`
    Learner(Arc<LearnerView>),
    /// `team:`
    Team(Arc<TeamPerformance>),
    /// `board:`; the rows of the window.
    Board(Arc<BoardPage>),
}

/// A session's hold on a topic.
pub struct Subscription {
    /// The topic: read it by position, detach from it when done.
    pub topic: Arc<Topic>,
    /// Where the reader starts: the next message is `offset` + 1.
    pub position: Position,
    /// Whether the position asked for was good.
    pub recovered: bool,
    /// The state at `position`, unless recovered.
    pub snapshot: Option<TopicSnapshot>,
}

/// The engine. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {}

/// How a roster command's answer is kept under its key: status and JSON body.
pub type RenderRoster = fn(&RosterOutcome) -> (u16, String);

#[expect(unused_variables, clippy::unused_async, reason = "sketch")]
impl Engine {
    /// Loads what is kept, wakes the tree, finishes team achievements that a crash cut short. When this returns, the
    /// state is warm.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: EngineSettings,
    ) -> Result<Self, StoreError> {
        unimplemented!()
    }

    /// Roster, catalogue, memberships and enrolments of now: cheap reads under a short lock.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        unimplemented!()
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        unimplemented!()
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        unimplemented!()
    }

    /// The epoch of user topics: made with the database.
    #[must_use]
    pub fn epoch(&self) -> Arc<str> {
        unimplemented!()
    }

    /// Hands an award to its learner, in order of the calls. Team achievements too: then every member is awarded.
    ///
    /// # Errors
    /// Unknown user, unit or team; not a member; overloaded; stopping.
    pub async fn earn(&self, request: EarnRequest, key: Option<KeyClaim>) -> Result<Pending<EarnOutcome>, EngineError> {
        unimplemented!()
    }

    /// Hands progress to its learner, in order of the calls.
    ///
    /// # Errors
    /// Unknown user or unit; overloaded; stopping.
    pub async fn progress(
        &self,
        request: ProgressRequest,
        key: Option<KeyClaim>,
    ) -> Result<Pending<ProgressOutcome>, EngineError> {
        unimplemented!()
    }

    /// The ledger entry behind an event id (an award, a reversal, a receipt), if there is one.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn ledger_entry(&self, event_id: EventId) -> Result<Option<StoredEvent>, EngineError> {
        unimplemented!()
    }

    /// Takes the award of `event_id` back, or undoes that. `event_id` may name the award or its reversal.
    ///
    /// # Errors
    /// Unknown event, a contradiction ([`EngineError::Rejected`]), overloaded, stopping.
    pub async fn correct(
        &self,
        event_id: EventId,
        correction: Correction,
        reason: Option<String>,
        key: Option<KeyClaim>,
    ) -> Result<Pending<CorrectionOutcome>, EngineError> {
        unimplemented!()
    }

    /// Changes roster or catalogue. `render` makes the answer that a keyed repeat gets.
    ///
    /// # Errors
    /// As the command says.
    pub async fn change_roster(
        &self,
        command: RosterCommand,
        key: Option<(KeyClaim, RenderRoster)>,
    ) -> Result<RosterOutcome, EngineError> {
        unimplemented!()
    }

    /// Keeps rows that belong to no stream (tokens, settings).
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn keep_rows(&self, rows: Vec<Row>, key: Option<KeyRecord>) -> Result<(), EngineError> {
        unimplemented!()
    }

    /// A used idempotency key.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, EngineError> {
        unimplemented!()
    }

    /// One event of a stream, to render an answer again.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn event(&self, stream: StreamId, version: Version) -> Result<Option<StoredEvent>, EngineError> {
        unimplemented!()
    }

    /// A learner's progress and achievements: everything acknowledged before the call, nothing that is not durable.
    ///
    /// # Errors
    /// Unknown user; overloaded; timed out.
    pub async fn learner(&self, user_id: UserId) -> Result<Arc<LearnerView>, EngineError> {
        unimplemented!()
    }

    /// Ledger entries before a version (none: from the newest), newest first.
    ///
    /// # Errors
    /// Unknown user; the store is unavailable.
    pub async fn ledger(
        &self,
        user_id: UserId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, EngineError> {
        unimplemented!()
    }

    /// A team's performance, with everything acknowledged before the call.
    ///
    /// # Errors
    /// Unknown team; timed out.
    pub async fn team_performance(&self, team_id: TeamId) -> Result<Arc<TeamPerformance>, EngineError> {
        unimplemented!()
    }

    /// A part of a board, with everything acknowledged before the call. Around somebody who is not on it: no rows.
    ///
    /// # Errors
    /// Unknown team or qualification; overloaded; timed out.
    pub async fn board(
        &self,
        board: BoardName,
        period: Period,
        part: BoardPart,
        limit: usize,
    ) -> Result<BoardPage, EngineError> {
        unimplemented!()
    }

    /// Attaches an inbox to a topic under `slot` (the session's own number for it), and says where it starts. With a
    /// position that can be recovered there is no snapshot: the session reads on from there.
    ///
    /// # Errors
    /// Unknown user, team or qualification; overloaded; timed out.
    pub async fn subscribe(
        &self,
        topic: TopicName,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        unimplemented!()
    }

    /// Messages of a user topic after `offset` from the journal, at most `limit`: for readers whose place the topic forgot.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn user_topic_page(
        &self,
        user_id: UserId,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Entry>>, EngineError> {
        unimplemented!()
    }

    /// Whether writes are possible now.
    ///
    /// # Errors
    /// Why not, for `/readyz`.
    pub async fn check(&self) -> Result<(), EngineError> {
        unimplemented!()
    }

    /// Stops in order: sessions, boards and teams, learners (with their snapshots), journal; closes the store.
    pub async fn stop(&self) {
        unimplemented!()
    }
}
