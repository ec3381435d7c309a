//! What a learner's caller is owed: the reply, and what the answer will be read from once it is durable.

use crate::domain::achievements::Tier;
use crate::domain::action::{Action, RefusalReason};
use crate::domain::event::LearnerEvent;
use crate::domain::learner::ReceiptKey;
use crate::domain::{Command, Learner};
use crate::engine::{Answer, KeyClaim};
use crate::error::EngineError;
use crate::views::{CorrectionOutcome, EarnOutcome, LearnerView, ProgressOutcome};
use homeroom_schema::records::AuditRecord;
use homeroom_schema::{EventId, ReferenceId, TimeMs, UnitId, UserId};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A command that waits: for its commit, or for what was pending when it came.
pub(super) enum PendingItem {
    /// For its own append: these facts, or none and then only its key. No command asked for achievements that were found
    /// to be earned.
    Append {
        events: Vec<LearnerEvent>,
        recorded_at: TimeMs,
        basis: Basis,
        request: Option<Box<Request>>,
    },
    /// For everything before it.
    Rest { basis: Basis, request: Box<Request> },
    /// For unlocks that it must show.
    View(ViewReply),
    /// For everything before it; then it is decided again, because it was refused for something pending.
    Again(Box<Request>),
}

/// Who waits for a view.
pub(super) type ViewReply = oneshot::Sender<Result<Arc<LearnerView>, EngineError>>;

impl PendingItem {
    /// Whether it keeps achievements that no command unlocked.
    pub(super) const fn is_unlock(&self) -> bool {
        matches!(self, Self::Append { request: None, .. })
    }

    /// Answers that nothing was done.
    pub(super) fn refuse(self, error: EngineError) {
        match self {
            Self::View(reply) => drop(reply.send(Err(error))),
            Self::Append {
                request: Some(request), ..
            }
            | Self::Rest { request, .. }
            | Self::Again(request) => request.reply.refuse(error),
            Self::Append { request: None, .. } => {}
        }
    }
}

/// What an answer is read from when everything it rests on is durable.
#[derive(Debug, Clone, Copy)]
pub(super) enum Basis {
    /// The first fact of the append.
    FirstEvent,
    /// The receipt of an earlier refusal, with total and level as they were when it was decided.
    Receipt {
        receipt: ReceiptKey,
        total: u64,
        level: u32,
    },
    /// The award that a member of a team has already.
    Award {
        key: (Action, ReferenceId),
        total: u64,
        level: u32,
    },
    /// The unit's state.
    Unit(UnitId),
}

/// What a command has kept beside its facts, if it comes to any.
#[derive(Default)]
pub(crate) struct Beside {
    /// Free text, with the first fact.
    pub(crate) note: Option<String>,
    /// Who did it.
    pub(crate) audit: Option<AuditRecord>,
}

/// A command with everything that comes with it.
pub(super) struct Request {
    pub(super) command: Command,
    /// A team's achievement is passed on to its members: whoever has it already gets no receipt.
    pub(super) is_passed_on: bool,
    pub(super) key: Option<KeyClaim>,
    pub(super) beside: Beside,
    /// How often it was decided anew because another node was faster.
    pub(super) conflicts: u32,
    pub(super) reply: Reply,
}

impl Request {
    /// The natural key of an award that is passed on.
    pub(super) fn passed_on_key(&self) -> Option<(Action, ReferenceId)> {
        match &self.command {
            Command::Earn(earn) if self.is_passed_on => Some((earn.action, earn.reference)),
            _ => None,
        }
    }
}

/// The reply of each kind of command.
pub(super) enum Reply {
    Earn(Answer<EarnOutcome>),
    Progress(Answer<ProgressOutcome>),
    Correct(Answer<CorrectionOutcome>),
    Adjust(Answer<()>),
}

impl Reply {
    /// Answers that nothing was done.
    pub(super) fn refuse(self, error: EngineError) {
        match self {
            Self::Earn(answer) => answer.give(Err(error)),
            Self::Progress(answer) => answer.give(Err(error)),
            Self::Correct(answer) => answer.give(Err(error)),
            Self::Adjust(answer) => answer.give(Err(error)),
        }
    }

    /// Answers from durable state. `own` are the facts of the command's own append, with the id of the first.
    pub(super) fn answer(self, durable: &Learner, basis: Basis, own: Option<(&[LearnerEvent], EventId)>) {
        let first = own.and_then(|(events, event_id)| Some((events.first()?, event_id)));
        match self {
            Self::Earn(answer) => {
                let outcome = earn_outcome(durable, basis, first).map(|outcome| EarnOutcome {
                    unlocked: own.map(|(events, _)| unlocked(events)).unwrap_or_default(),
                    ..outcome
                });
                answer.give(outcome.ok_or_else(missing));
            }
            Self::Progress(answer) => answer.give(progress_outcome(durable, basis).ok_or_else(missing)),
            Self::Correct(answer) => answer.give(correction_outcome(durable, first).ok_or_else(missing)),
            Self::Adjust(answer) => answer.give(Ok(())),
        }
    }
}

/// The achievements among facts.
fn unlocked(events: &[LearnerEvent]) -> Vec<(String, Tier)> {
    let unlocked = events.iter().filter_map(|event| match event {
        LearnerEvent::AchievementUnlocked { achievement, tier, .. } => Some((achievement.clone(), *tier)),
        _ => None,
    });
    unlocked.collect()
}

/// Cannot be missing: the actor answers from what it has just folded. A mistake there costs one answer, not the actor.
fn missing() -> EngineError {
    debug_assert!(false, "an answer rests on something that is not in the state");
    EngineError::TimedOut
}

fn earn_outcome(durable: &Learner, basis: Basis, first: Option<(&LearnerEvent, EventId)>) -> Option<EarnOutcome> {
    match basis {
        Basis::FirstEvent => of_event(durable.user_id, first?),
        Basis::Receipt { receipt, total, level } => {
            let kept = durable.receipts.get(&receipt)?;
            Some(EarnOutcome {
                event_id: kept.event_id,
                user_id: durable.user_id,
                action: receipt.action,
                reference: receipt.reference,
                awarded: false,
                points: 0,
                total,
                level,
                reason: Some(receipt.reason),
                retry_at: kept.retry_at,
                unlocked: Vec::new(),
            })
        }
        Basis::Award {
            key: (action, reference),
            total,
            level,
        } => {
            let award = durable.awards.get(&(action, reference))?;
            Some(EarnOutcome {
                event_id: award.event_id,
                user_id: durable.user_id,
                action,
                reference,
                awarded: false,
                points: 0,
                total,
                level,
                reason: Some(RefusalReason::AlreadyAwarded),
                retry_at: None,
                unlocked: Vec::new(),
            })
        }
        Basis::Unit(_) => None,
    }
}

fn of_event(user_id: UserId, (event, event_id): (&LearnerEvent, EventId)) -> Option<EarnOutcome> {
    match event {
        LearnerEvent::PointsAwarded {
            action,
            reference,
            points,
            total,
            level,
            ..
        } => Some(EarnOutcome {
            event_id,
            user_id,
            action: *action,
            reference: *reference,
            awarded: true,
            points: *points,
            total: *total,
            level: *level,
            reason: None,
            retry_at: None,
            unlocked: Vec::new(),
        }),
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            retry_at,
            total,
            level,
            ..
        } => Some(EarnOutcome {
            event_id,
            user_id,
            action: *action,
            reference: *reference,
            awarded: false,
            points: 0,
            total: *total,
            level: *level,
            reason: Some(*reason),
            retry_at: *retry_at,
            unlocked: Vec::new(),
        }),
        _ => None,
    }
}

fn progress_outcome(durable: &Learner, basis: Basis) -> Option<ProgressOutcome> {
    let Basis::Unit(unit_id) = basis else { return None };
    let progress = *durable.units.get(&unit_id)?;
    Some(ProgressOutcome {
        user_id: durable.user_id,
        unit_id,
        progress,
    })
}

fn correction_outcome(durable: &Learner, first: Option<(&LearnerEvent, EventId)>) -> Option<CorrectionOutcome> {
    let (event, event_id) = first?;
    let (of, points, total, level) = match event {
        LearnerEvent::PointsReversed {
            of,
            points,
            total,
            level,
            ..
        } => (*of, -i64::from(*points), *total, *level),
        LearnerEvent::PointsReinstated {
            of,
            points,
            total,
            level,
            ..
        } => (*of, i64::from(*points), *total, *level),
        _ => return None,
    };
    Some(CorrectionOutcome {
        event_id,
        of,
        user_id: durable.user_id,
        points,
        total,
        level,
    })
}
