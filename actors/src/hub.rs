//! The meeting point: what the journal and the roster have kept goes on from here to the boards and teams that are awake,
//! and readers find them here. No state of its own beyond the directory.

use crate::clock::Clock;
use crate::domain::team::TeamFact;
use crate::engine::{BoardPart, Subscription};
use crate::error::EngineError;
use crate::journal::{LearnerChange, Submission};
use crate::roster::Roster;
use crate::scores::Scores;
use crate::topics::{BoardName, Inbox, Period, Position};
use crate::views::{BoardPage, TeamPerformance};
use homeroom_schema::{EventId, QualificationId, ReferenceId, Store, StoreError, TeamId, TimeMs, UnitId, UserId};
use std::sync::Arc;
use std::time::Duration;

/// What a hub is made of.
pub struct HubArgs {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// The node's clock.
    pub clock: Arc<dyn Clock>,
    /// Roster and catalogue.
    pub roster: Roster,
    /// Durable totals; all heads are put before the hub is asked for anything.
    pub scores: Scores,
    /// Places of a board that its topic shows.
    pub board_window: usize,
    /// Places of a board that a projector sees.
    pub projector_places: usize,
    /// A board or team without subscribers and reads for this long is put away.
    pub idle: Duration,
    /// The largest event id known at the start, 0 without any: versions of boards and teams begin there.
    pub last_event_id: u64,
}

/// What a kept roster command changed: who and what is to be looked at again. Absolute, so that it may come twice or late;
/// the roster has changed before this is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterChange {
    /// The event that kept it.
    pub event_id: EventId,
    /// People who are new or whose name, alias, role or archiving changed.
    pub users: Vec<UserId>,
    /// Teams that are new or whose name, mentor, archiving or membership changed, also by a person's archiving or return.
    pub teams: Vec<TeamId>,
    /// Qualifications that are new or whose name, archiving, units or enrolments changed.
    pub qualifications: Vec<QualificationId>,
    /// Units that are new or changed.
    pub units: Vec<UnitId>,
}

/// Boards and teams. A clone is another handle to the same ones.
#[derive(Clone)]
pub struct Hub {}

#[expect(unused_variables, clippy::unused_async, reason = "sketch")]
impl Hub {
    /// A hub that knows nobody yet. Its actors start with [`crate::boards::BoardsSupervisor`] and
    /// [`crate::teams::TeamsSupervisor`], whose arguments are a clone of the hub.
    #[must_use]
    pub fn new(args: HubArgs) -> Self {
        Self {}
    }

    /// Gives the way into the journal, once: teams keep their facts through it.
    pub fn connect(&self, submit: impl Fn(Submission) + Send + Sync + 'static) {
        unimplemented!("homeroom boards")
    }

    /// From the journal, after a commit and before anybody is answered: puts the scores and marks the rows concerned of all
    /// awake boards and teams. Never waits. Safe to repeat, and in any order.
    pub fn learners_changed(&self, changes: Vec<LearnerChange>) {
        unimplemented!("homeroom boards")
    }

    /// From the roster actor, after the roster has changed and before the caller is answered. Never waits. Safe to repeat,
    /// and in any order.
    pub fn roster_changed(&self, change: RosterChange) {
        unimplemented!("homeroom boards")
    }

    /// After a journal failure: reads the heads of all learners again, and has all boards and teams load anew.
    ///
    /// # Errors
    /// When the heads cannot be read; then nothing was changed.
    pub async fn reload(&self) -> Result<(), StoreError> {
        unimplemented!("homeroom boards")
    }

    /// A part of a board, with everything told to the hub before the call.
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
        unimplemented!("homeroom boards")
    }

    /// A team's performance, with everything told to the hub before the call.
    ///
    /// # Errors
    /// Unknown team; overloaded; timed out.
    pub async fn team_performance(&self, team_id: TeamId) -> Result<Arc<TeamPerformance>, EngineError> {
        unimplemented!("homeroom boards")
    }

    /// Attaches an inbox to a board's topic.
    ///
    /// # Errors
    /// Unknown team or qualification; overloaded; timed out.
    pub async fn subscribe_board(
        &self,
        board: BoardName,
        period: Period,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        unimplemented!("homeroom boards")
    }

    /// Attaches an inbox to a team's topic.
    ///
    /// # Errors
    /// Unknown team; overloaded; timed out.
    pub async fn subscribe_team(
        &self,
        team_id: TeamId,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        unimplemented!("homeroom boards")
    }

    /// Keeps that a team achieved something, with its present members; answered when durable. A reference has one fact:
    /// whoever asks again gets that one, with the members of its moment. Awarding them is the caller's affair.
    ///
    /// # Errors
    /// Unknown team; `reported_for` is not a member (of a new fact); the store is unavailable; overloaded; timed out.
    pub async fn achieve(
        &self,
        team_id: TeamId,
        reference: ReferenceId,
        reported_for: UserId,
        occurred_at: TimeMs,
    ) -> Result<TeamFact, EngineError> {
        unimplemented!("homeroom boards")
    }

    /// Lets all boards and teams finish what they have, then ends them and their supervisors. Later calls are answered
    /// with [`EngineError::Stopping`].
    pub async fn stop(&self) {
        unimplemented!("homeroom boards")
    }
}
