//! The journal actor: gathers what waits into one batch, has the store keep it, tells boards and teams, then the owners.

mod queue;
mod writer;

pub use queue::Journal;
pub(crate) use writer::{JournalActor, JournalArgs, JournalMsg, event_at};

use crate::domain::achievements::Tier;
use crate::domain::action::{Action, Evidence};
use crate::domain::board::Score;
use homeroom_schema::records::{Append, AppendOutcome};
use homeroom_schema::{EventId, QualificationId, ReferenceId, StoreError, TeamId, TimeMs, UnitId, UserId, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What one kept append changed for boards and teams: absolute values, so that it may be applied twice or out of order.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnerChange {
    /// Whose.
    pub user_id: UserId,
    /// The learner's version after it.
    pub version: Version,
    /// The last event of the append (filled in by the journal when kept).
    pub event_id: EventId,
    /// The score after it, if the ledger changed.
    pub score: Option<Score>,
    /// The scores inside qualifications that changed.
    pub qualifications: Vec<(QualificationId, Score)>,
    /// Units completed by it, each with when.
    pub completed: Vec<(UnitId, TimeMs)>,
    /// Awards with evidence that began or ceased to count: differences, as `entries`.
    pub evidence: Vec<EvidenceChange>,
    /// The entries of the ledger that have points: differences, for whoever counts by time or team. Each belongs to an event
    /// up to `event_id`, and to none of an earlier append.
    pub entries: Vec<LedgerChange>,
    /// Tiers of achievements unlocked by it.
    pub unlocked: Vec<Unlocked>,
}

/// A tier of an achievement that was unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlocked {
    /// Which achievement.
    pub achievement: String,
    /// Which tier.
    pub tier: Tier,
    /// When it was earned.
    pub earned_at: TimeMs,
}

/// Evidence of an award that began or ceased to count.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceChange {
    /// Whether it counts from here on.
    pub counts: bool,
    /// For what the award is.
    pub action: Action,
    /// For which one.
    pub reference: ReferenceId,
    /// The unit that it is tied to.
    pub unit: Option<UnitId>,
    /// What was observed.
    pub evidence: Evidence,
    /// When the award happened.
    pub occurred_at: TimeMs,
}

/// What one entry of the ledger added or took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerChange {
    /// The time that it counts for.
    pub occurred_at: TimeMs,
    /// Negative for what was taken.
    pub points: i64,
    /// The qualification that it counts for.
    pub qualification: Option<QualificationId>,
    /// The teams that it was earned in.
    pub teams: Vec<TeamId>,
    /// Whether it moves the moment at which a score was reached: adjustments by changed rules do not.
    pub moves_reached_at: bool,
}

/// What a completion calls.
type Tell = Box<dyn FnOnce(Result<AppendOutcome, StoreError>) + Send>;

/// Submissions that were decided one on top of the other. When one of them is not kept, those behind it mean nothing any
/// more, even where their version happens to fit because another node has written meanwhile: the journal refuses them. Whoever
/// decides anew begins a new lineage.
#[derive(Debug, Clone, Default)]
pub struct Lineage(Arc<AtomicBool>);

impl Lineage {
    /// Whether this is that one, and not another.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn break_off(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Told exactly once what became of a submission; when it is dropped untold (its journal failed), it says so itself.
pub struct Completion {
    tell: Option<Tell>,
    lineage: Option<Lineage>,
}

impl Completion {
    /// A completion that calls `tell`, of a submission that rests on nothing which may still fail.
    pub fn new(tell: impl FnOnce(Result<AppendOutcome, StoreError>) + Send + 'static) -> Self {
        Self {
            tell: Some(Box::new(tell)),
            lineage: None,
        }
    }

    /// The same of one that was decided on top of others.
    #[must_use]
    pub fn in_lineage(mut self, lineage: Lineage) -> Self {
        self.lineage = Some(lineage);
        self
    }

    /// Tells the outcome.
    pub fn tell(mut self, outcome: Result<AppendOutcome, StoreError>) {
        self.give(outcome);
    }

    /// Whether something that the submission was decided on was not kept.
    fn is_void(&self) -> bool {
        self.lineage
            .as_ref()
            .is_some_and(|lineage| lineage.0.load(Ordering::Acquire))
    }

    /// What was decided on top of the submission means nothing any more.
    fn void_followers(&self) {
        if let Some(lineage) = &self.lineage {
            lineage.break_off();
        }
    }

    fn give(&mut self, outcome: Result<AppendOutcome, StoreError>) {
        let Some(tell) = self.tell.take() else { return };
        // Under a key that was taken only facts carry others, which the journal looks at.
        if !matches!(outcome, Ok(AppendOutcome::Kept { .. } | AppendOutcome::KeyTaken)) {
            self.void_followers();
        }
        tell(outcome);
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.give(Err(StoreError::Unknown {
            cause: "the journal failed".into(),
        }));
    }
}

/// One append on its way, with who wants to know.
pub struct Submission {
    /// What to keep.
    pub append: Append,
    /// What it means for boards and teams.
    pub change: Option<LearnerChange>,
    /// Who wants to know.
    pub done: Completion,
}
