//! The engine's front door: what the edge may ask of the actor tree. No HTTP, no JSON of the wire.

mod admission;
mod analytics;
mod announce;
mod answer;
mod budget;
mod commands;
#[cfg(feature = "faults")]
mod faults;
mod grant;
mod health;
mod reads;
mod root;
mod rules;
mod start;
mod stop;
mod team_award;

pub use crate::announcements::Audience;
pub use crate::honours::Honour;
use admission::{Admission, Permit};
pub use analytics::AnalyticsQuery;
pub use announce::NewAnnouncement;
pub(crate) use answer::Answer;
pub use answer::Pending;
pub use budget::Budget;
#[cfg(feature = "faults")]
pub use faults::PoisonTarget;
pub use grant::GrantRequest;
pub use health::PartDown;
pub use rules::RulesInForce;

use crate::domain::action::{Action, Evidence};
use crate::domain::presence::PresencePage;
use crate::domain::rules::Rules;
use crate::error::EngineError;
use crate::roster::{Leaderboards, Roster, RosterOutcome};
use crate::rulebook::RuleDocuments;
use crate::sessions::Sessions;
use crate::topics::{Position, Topic};
use crate::views::{BoardPage, LearnerView, TeamPerformance};
use homeroom_schema::records::{AnnouncementRecord, KeyHash, KeyOutcome, KeyRecord};
use homeroom_schema::{ReferenceId, StoreError, TeamId, TimeMs, UnitId, UserId};
use ractor::ActorRef;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Places of a board that its topic shows.
    pub board_window: usize,
    /// Places of a board that a projector sees.
    pub projector_places: usize,
    /// A learner is put away after this long without use.
    pub learner_idle: Duration,
    /// Live sessions at once, at most [`homeroom_schema::limits::SESSIONS_MAX`].
    pub sessions_max: usize,
    /// Who is on boards.
    pub leaderboards: Leaderboards,
    /// The rules in force while there were never any others.
    pub rules: Rules,
    /// How rules are read from documents, and which ones there are.
    pub documents: RuleDocuments,
    /// 32 random bytes. Used at the first start alone, then kept: the secret behind pseudonyms and the database's epoch.
    pub secret: [u8; 32],
}

/// An idempotency key of a caller, to be committed with whatever it causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyClaim {
    /// Caller and key.
    pub hash: KeyHash,
    /// The request.
    pub fingerprint: [u8; 16],
}

impl KeyClaim {
    /// The record of the claim with its outcome.
    pub(crate) const fn record(self, now: TimeMs, status: u16, outcome: KeyOutcome) -> KeyRecord {
        KeyRecord {
            hash: self.hash,
            fingerprint: self.fingerprint,
            created_at: now,
            about: None,
            status,
            outcome,
        }
    }
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

/// Which part of a board is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardPart {
    /// From a place (from 0) on.
    From(usize),
    /// After the row that had this place in the order, wherever it is now (so that pages do not overlap while rows move).
    After(crate::domain::board::Standing),
    /// What a projector sees.
    Front,
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
    /// `presence:`; the first who are here.
    Presence(TeamId, Arc<PresencePage>),
    /// `announcements`; the latest, oldest first.
    Announcements(Arc<[Arc<AnnouncementRecord>]>),
    /// `honours`; the latest, oldest first.
    Honours(Arc<[Arc<Honour>]>),
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

struct Inner {
    tree: root::Tree,
    root: ActorRef<root::RootMsg>,
    // Commands admitted and not yet answered.
    commands: Admission,
    // What mentors may still give by hand.
    budgets: budget::Budgets,
    // Reads that wait for an actor.
    reads: Arc<Semaphore>,
    // Members' awards of team achievements under way, over all achievements.
    passing_on: Arc<Semaphore>,
    // One preview of rules at a time.
    previewing: Arc<Semaphore>,
    // Questions to the writer whether it can write.
    checking: Arc<Semaphore>,
    is_stopping: AtomicBool,
    stopped: OnceCell<()>,
}

/// How a roster command's answer is kept under its key: status and JSON body.
pub type RenderRoster = fn(&RosterOutcome) -> (u16, String);

impl Engine {
    /// Roster, catalogue, memberships and enrolments of now: cheap reads under a short lock.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.inner.tree.context.roster
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.inner.tree.context.rules.load_full()
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.inner.tree.sessions
    }

    /// The epoch of user topics: made with the database.
    #[must_use]
    pub fn epoch(&self) -> Arc<str> {
        Arc::clone(&self.inner.tree.context.epoch)
    }

    /// Learners in memory now: awake, being woken, or remembered for having failed.
    #[must_use]
    pub fn learners_awake(&self) -> usize {
        self.inner.tree.learners.awake()
    }

    /// Waits until the engine cannot go on (the store has failed for good, or a part of the tree fails again and again), and
    /// says why. The process should stop, and exit non-zero: a node that cannot write must not look healthy.
    pub async fn fatal(&self) -> String {
        let mut fatal = self.inner.tree.context.fatal.subscribe();
        // The sender lives in the tree, which this handle holds.
        let told = fatal.wait_for(Option::is_some).await;
        told.map_or_else(|closed| Some(closed.to_string()), |cause| cause.clone())
            .unwrap_or_default()
    }

    /// Commands admitted and not yet answered.
    #[must_use]
    pub fn commands_in_flight(&self) -> usize {
        self.inner.commands.in_flight()
    }

    /// Whether a command would be admitted now: so that the edge refuses before it reads.
    ///
    /// # Errors
    /// Overloaded; stopping.
    pub fn has_room(&self) -> Result<(), EngineError> {
        self.refuse_when_stopping()?;
        self.inner.commands.has_room()
    }

    /// A place for one command. It is given back with the answer.
    fn admit(&self) -> Result<Permit, EngineError> {
        self.refuse_when_stopping()?;
        self.inner.commands.take()
    }

    fn unavailable(&self, error: &StoreError) -> EngineError {
        self.inner.tree.context.unavailable(error)
    }

    fn refuse_when_stopping(&self) -> Result<(), EngineError> {
        if self.inner.is_stopping.load(Ordering::Acquire) {
            Err(EngineError::Stopping)
        } else {
            Ok(())
        }
    }
}
