//! What the engine answers when it cannot do what was asked. The edge turns each into one problem; texts stay inside.

use crate::domain::Rejection;
use homeroom_schema::{EventId, QualificationId, TeamId, TimeMs, UnitId, UserId};

/// Why the engine did not do what was asked. Nothing was kept, except where a variant says that this is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No such person, or archived.
    #[error("unknown user {0}")]
    UnknownUser(UserId),
    /// The person was erased: the id is nobody's any more, for good.
    #[error("user {0} is erased")]
    Erased(UserId),
    /// No such unit, or archived.
    #[error("unknown unit {0}")]
    UnknownUnit(UnitId),
    /// No such team, or archived.
    #[error("unknown team {0}")]
    UnknownTeam(TeamId),
    /// No such qualification, or archived.
    #[error("unknown qualification {0}")]
    UnknownQualification(QualificationId),
    /// No such event in any ledger.
    #[error("unknown event {0}")]
    UnknownEvent(EventId),
    /// The person is not a member of the team.
    #[error("user {user_id} is not a member of team {team_id}")]
    NotAMember {
        /// The team.
        team_id: TeamId,
        /// The person.
        user_id: UserId,
    },
    /// `POST` with an id that exists.
    #[error("{kind} {id} already exists")]
    AlreadyExists {
        /// `user`, `team`, `unit` or `qualification`.
        kind: &'static str,
        /// The id.
        id: u64,
    },
    /// The team has as many members as a team may have.
    #[error("team {0} is full")]
    TeamFull(TeamId),
    /// The person changed their mind lately, and waits until they may again.
    #[error("the preference is locked")]
    PreferenceLocked {
        /// Until when.
        retry_at: TimeMs,
    },
    /// Points are for learners: this person is a mentor or of the staff.
    #[error("user {0} is no learner")]
    NotALearner(UserId),
    /// More points than one manual award may have.
    #[error("at most {most} points are given by hand at once")]
    TooManyPoints {
        /// The most by the rules.
        most: u32,
    },
    /// More points than the mentor may still give this week.
    #[error("{left} points are left of this week's budget")]
    BudgetExhausted {
        /// What is left.
        left: u32,
        /// When the next week begins.
        renews_at: TimeMs,
    },
    /// The command contradicts the learner's state.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// An act on the past goes on: no other change of the rules before it is done.
    #[error("an act on the past goes on")]
    ActUnderWay,
    /// No change of the rules with this version was applied to the past.
    #[error("unknown act {0}")]
    UnknownAct(u32),
    /// The act was undone before.
    #[error("act {0} is undone already")]
    UndoneAlready(u32),
    /// A later act has to be undone first.
    #[error("act {0} has to be undone first")]
    NotTheLatestAct(u32),
    /// A document that cannot be read as rules.
    #[error("no rules: {0}")]
    WrongRules(String),
    /// Somebody else used the same idempotency key first: look it up again.
    #[error("the idempotency key is taken")]
    KeyTaken,
    /// Too much is under way: try again in a moment.
    #[error("overloaded")]
    Overloaded,
    /// The node has as many sessions as it takes.
    #[error("too many sessions")]
    TooManySessions,
    /// The store cannot keep anything now. The outcome of this command is settled by its key or natural key.
    #[error("the store is unavailable")]
    StoreUnavailable,
    /// No answer in time, or the actor failed while it had the command: the outcome is unknown, and is settled by repeating.
    #[error("no answer in time")]
    TimedOut,
    /// Analytics are not folded from the journal up to now yet: the first time that takes a while.
    #[error("analytics are not ready")]
    NotFolded,
    /// The node is stopping.
    #[error("stopping")]
    Stopping,
}
