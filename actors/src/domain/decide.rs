//! Decides what one command means for a learner: facts to keep, or why there are none. Pure.

use crate::domain::action::{Action, Evidence, RefusalReason};
use crate::domain::event::LearnerEvent;
use crate::domain::learner::Learner;
use crate::domain::rules::Rules;
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId};

/// A wish concerning one learner, with everything looked up that the decision needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Award an action.
    Earn(Earn),
    /// Record progress.
    Progress(Progress),
    /// Take an award back.
    Reverse {
        /// The award's event.
        award: EventId,
        /// Its natural key.
        key: (Action, ReferenceId),
    },
    /// Undo a reversal.
    Reinstate {
        /// The award's event.
        award: EventId,
        /// Its natural key.
        key: (Action, ReferenceId),
    },
}

/// A wish to be awarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Earn {
    /// For what.
    pub action: Action,
    /// For which one.
    pub reference: ReferenceId,
    /// The unit that it is tied to.
    pub unit: Option<UnitId>,
    /// That unit's qualification now.
    pub qualification: Option<QualificationId>,
    /// The learner's teams now.
    pub teams: Vec<TeamId>,
    /// What was observed.
    pub evidence: Evidence,
    /// When it happened.
    pub occurred_at: TimeMs,
    /// The local day of `occurred_at` in the node's zone, days since 1970-01-01.
    pub day: i32,
}

/// A wish to record progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The unit.
    pub unit: UnitId,
    /// 0 to 100.
    pub progress_percentage: u8,
    /// When it happened.
    pub occurred_at: TimeMs,
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Keep these facts, in order; never empty. The first is the one that answers the command.
    Keep(Vec<LearnerEvent>),
    /// Refused as before, and the receipt of today says so already: nothing to keep.
    RefusedAsBefore {
        /// Why.
        reason: RefusalReason,
        /// The natural key's action and reference, under which the receipt is found in the state.
        key: (Action, ReferenceId),
    },
    /// Progress changes nothing worth keeping: the unit's state answers.
    Unchanged {
        /// The unit.
        unit: UnitId,
    },
    /// The command contradicts the state: nothing to keep, not even a receipt.
    Rejected(Rejection),
}

/// Why a command contradicts the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The event is no award of this learner.
    #[error("this entry is no award that can be reversed")]
    NotReversible,
    /// The award has been reversed already.
    #[error("this award has been reversed already")]
    AlreadyReversed,
    /// The award has not been reversed, so there is nothing to undo.
    #[error("this award has not been reversed")]
    NotReversed,
    /// A reversal is undone once; then the award stands for good.
    #[error("this award has been reinstated already")]
    AlreadyReinstated,
}

/// Decides what one command means for a learner. Pure: the clock and the ids come from the caller. `learner` is the state
/// with everything pending folded in, so that a second command decides on the first before it is durable.
#[must_use]
pub fn decide(learner: &Learner, command: &Command, rules: &Rules) -> Decision {
    let _ = (learner, command, rules);
    unimplemented!("homeroom domain")
}
