//! Decides what one command means for a learner: facts to keep, or why there are none. Pure.

use crate::domain::action::{Action, Evidence, RefusalReason};
use crate::domain::event::LearnerEvent;
use crate::domain::learner::{Award, AwardStanding, Learner, ReceiptKey};
use crate::domain::level::level_of;
use crate::domain::rules::Rules;
use homeroom_schema::limits::TOUCH_EVERY_MS;
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
    /// Refused as before, and the receipt of that day says so already: nothing to keep.
    RefusedAsBefore {
        /// Where the receipt is found in the state.
        receipt: ReceiptKey,
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
    match command {
        Command::Earn(earn) => decide_earn(learner, earn, rules),
        Command::Progress(progress) => decide_progress(learner, *progress),
        Command::Reverse { award, key } => decide_reverse(learner, *award, *key),
        Command::Reinstate { award, key } => decide_reinstate(learner, *award, *key),
    }
}

fn decide_earn(learner: &Learner, earn: &Earn, rules: &Rules) -> Decision {
    // A reversed award keeps its key: what was taken back comes again by reinstating, never by earning.
    if learner.awards.contains_key(&(earn.action, earn.reference)) {
        return refuse(learner, earn, RefusalReason::AlreadyAwarded, None);
    }
    let points = rules.points(earn.action);
    let total = learner.total.saturating_add(u64::from(points));
    let in_qualification = |id| learner.qualification_points(id).saturating_add(u64::from(points));
    keep(LearnerEvent::PointsAwarded {
        action: earn.action,
        reference: earn.reference,
        unit: earn.unit,
        qualification: earn.qualification,
        teams: earn.teams.clone(),
        evidence: earn.evidence,
        points,
        total,
        level: level_of(total),
        qualification_total: earn.qualification.map(in_qualification),
        rules: rules.version,
        occurred_at: earn.occurred_at,
    })
}

fn refuse(learner: &Learner, earn: &Earn, reason: RefusalReason, retry_at: Option<TimeMs>) -> Decision {
    let receipt = ReceiptKey {
        action: earn.action,
        reference: earn.reference,
        reason,
        day: earn.day,
    };
    if learner.receipts.contains_key(&receipt) {
        return Decision::RefusedAsBefore { receipt };
    }
    keep(LearnerEvent::PointsRefused {
        action: earn.action,
        reference: earn.reference,
        reason,
        retry_at,
        total: learner.total,
        level: learner.level,
        occurred_at: earn.occurred_at,
        day: earn.day,
    })
}

fn decide_progress(learner: &Learner, progress: Progress) -> Decision {
    let Progress { unit, occurred_at, .. } = progress;
    let wanted = progress.progress_percentage.min(100);
    let Some(before) = learner.units.get(&unit) else {
        let completed_at = (wanted == 100).then_some(occurred_at);
        return keep(LearnerEvent::ProgressMade {
            unit,
            progress_percentage: wanted,
            last_accessed: occurred_at,
            completed_at,
            occurred_at,
        });
    };
    let is_higher = wanted > before.progress_percentage;
    if !is_higher && occurred_at < before.last_accessed.plus_ms(TOUCH_EVERY_MS) {
        return Decision::Unchanged { unit };
    }
    let progress_percentage = wanted.max(before.progress_percentage);
    keep(LearnerEvent::ProgressMade {
        unit,
        progress_percentage,
        last_accessed: before.last_accessed.max(occurred_at),
        completed_at: before
            .completed_at
            .or((progress_percentage == 100).then_some(occurred_at)),
        occurred_at,
    })
}

fn decide_reverse(learner: &Learner, of: EventId, key: (Action, ReferenceId)) -> Decision {
    let Some(award) = find_award(learner, of, key) else {
        return Decision::Rejected(Rejection::NotReversible);
    };
    match award.standing {
        AwardStanding::Reversed { .. } => return Decision::Rejected(Rejection::AlreadyReversed),
        AwardStanding::Reinstated => return Decision::Rejected(Rejection::AlreadyReinstated),
        AwardStanding::Counted => {}
    }
    // What is really taken is kept: a reinstatement gives back exactly that.
    let points = u32::try_from(learner.total).unwrap_or(u32::MAX).min(award.points);
    let total = learner.total.saturating_sub(u64::from(points));
    let in_qualification = |id| learner.qualification_points(id).saturating_sub(u64::from(points));
    keep(LearnerEvent::PointsReversed {
        of,
        action: key.0,
        reference: key.1,
        unit: award.unit,
        qualification: award.qualification,
        points,
        total,
        level: level_of(total),
        qualification_total: award.qualification.map(in_qualification),
        occurred_at: award.occurred_at,
    })
}

fn decide_reinstate(learner: &Learner, of: EventId, key: (Action, ReferenceId)) -> Decision {
    let Some(award) = find_award(learner, of, key) else {
        return Decision::Rejected(Rejection::NotReversible);
    };
    let points = match award.standing {
        AwardStanding::Counted => return Decision::Rejected(Rejection::NotReversed),
        AwardStanding::Reinstated => return Decision::Rejected(Rejection::AlreadyReinstated),
        AwardStanding::Reversed { points, .. } => points,
    };
    let total = learner.total.saturating_add(u64::from(points));
    let in_qualification = |id| learner.qualification_points(id).saturating_add(u64::from(points));
    keep(LearnerEvent::PointsReinstated {
        of,
        action: key.0,
        reference: key.1,
        unit: award.unit,
        qualification: award.qualification,
        points,
        total,
        level: level_of(total),
        qualification_total: award.qualification.map(in_qualification),
        occurred_at: award.occurred_at,
    })
}

fn find_award(learner: &Learner, of: EventId, key: (Action, ReferenceId)) -> Option<&Award> {
    learner.awards.get(&key).filter(|award| award.event_id == of)
}

fn keep(event: LearnerEvent) -> Decision {
    Decision::Keep(vec![event])
}
