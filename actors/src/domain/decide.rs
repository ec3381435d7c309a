//! Decides what one command means for a learner: facts to keep, or why there are none. Pure.

use crate::domain::action::{Action, Evidence, RefusalReason};
use crate::domain::event::LearnerEvent;
use crate::domain::learner::{Award, AwardStanding, Learner, ReceiptKey};
use crate::domain::rules::{Attempt, NextPeriods, Refused, Rules, Worth};
use homeroom_schema::limits::TOUCH_EVERY_MS;
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId, UserId, Version};

/// A wish concerning one learner, with everything looked up that the decision needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Award an action.
    Earn(Earn),
    /// Award points by hand.
    Grant(Grant),
    /// Record progress.
    Progress(Progress),
    /// Take an award back.
    Reverse(AwardRef),
    /// Undo a reversal.
    Reinstate(AwardRef),
    /// Take over what changed rules mean.
    Adjust(Box<Adjust>),
}

/// What changed rules mean for a learner, computed from their facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjust {
    /// The version of the stream that it was computed at: at another one it means nothing.
    pub at: Version,
    /// The fact.
    pub event: LearnerEvent,
}

/// An award that is to be corrected, with what its fact said and the state does not keep.
#[derive(Debug, Clone, PartialEq)]
pub struct AwardRef {
    /// The award's event.
    pub award: EventId,
    /// Its natural key.
    pub key: (Action, ReferenceId),
    /// The learner's teams when it was awarded.
    pub teams: Vec<TeamId>,
    /// What was observed with it.
    pub evidence: Evidence,
}

/// A wish to award points by hand. Whether its giver may is looked up before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// How many.
    pub points: u32,
    /// Who gives them, if a person does.
    pub granted_by: Option<UserId>,
    /// The learner's teams now.
    pub teams: Vec<TeamId>,
    /// When.
    pub occurred_at: TimeMs,
    /// The local day of `occurred_at` in the node's zone, days since 1970-01-01.
    pub day: i32,
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
    /// The quiz's par time now, milliseconds, if it has one.
    pub par_ms: Option<u64>,
    /// When it happened.
    pub occurred_at: TimeMs,
    /// The local day of `occurred_at` in the node's zone, days since 1970-01-01.
    pub day: i32,
    /// When the local periods after that day begin, where the rules have calendar caps.
    pub next: NextPeriods,
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
    /// The learner has moved on since an adjustment was computed.
    #[error("the learner has moved on")]
    Moved,
}

/// Decides what one command means for a learner. Pure: the clock and the ids come from the caller. `learner` is the state
/// with everything pending folded in, so that a second command decides on the first before it is durable.
#[must_use]
pub fn decide(learner: &Learner, command: &Command, rules: &Rules) -> Decision {
    match command {
        Command::Earn(earn) => decide_earn(learner, earn, rules),
        Command::Grant(grant) => decide_grant(learner, grant, rules),
        Command::Progress(progress) => decide_progress(learner, *progress),
        Command::Reverse(award) => decide_reverse(learner, award, rules),
        Command::Reinstate(award) => decide_reinstate(learner, award, rules),
        Command::Adjust(adjust) if adjust.at == learner.version => keep(adjust.event.clone()),
        Command::Adjust(_) => Decision::Rejected(Rejection::Moved),
    }
}

fn decide_earn(learner: &Learner, earn: &Earn, rules: &Rules) -> Decision {
    // A reversed award keeps its key: what was taken back comes again by reinstating, never by earning.
    if learner.awards.contains_key(&(earn.action, earn.reference)) {
        return refuse(learner, earn, RefusalReason::AlreadyAwarded, None, rules);
    }
    let attempt = Attempt {
        action: earn.action,
        qualification: earn.qualification,
        occurred_at: earn.occurred_at,
        day: earn.day,
        next: earn.next,
    };
    let Worth { points, bonus_percent } = match rules.worth(learner, &attempt) {
        Ok(worth) => worth,
        Err(Refused { reason, retry_at }) => return refuse(learner, earn, reason, retry_at, rules),
    };
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
        level: rules.levels.level_of(total),
        qualification_total: earn.qualification.map(in_qualification),
        rules: rules.version,
        bonus_percent,
        par_ms: earn.par_ms.filter(|_| earn.action == Action::CompleteQuiz),
        granted_by: None,
        occurred_at: earn.occurred_at,
        day: Some(earn.day),
    })
}

/// Its place in the stream is its reference: no other award can have that natural key.
fn decide_grant(learner: &Learner, grant: &Grant, rules: &Rules) -> Decision {
    let Ok(reference) = ReferenceId::new(learner.version.plus(1).0) else {
        return Decision::Rejected(Rejection::NotReversible);
    };
    let total = learner.total.saturating_add(u64::from(grant.points));
    keep(LearnerEvent::PointsAwarded {
        action: Action::ManualAward,
        reference,
        unit: None,
        qualification: None,
        teams: grant.teams.clone(),
        evidence: Evidence::default(),
        points: grant.points,
        total,
        level: rules.levels.level_of(total),
        qualification_total: None,
        rules: rules.version,
        bonus_percent: None,
        par_ms: None,
        granted_by: grant.granted_by,
        occurred_at: grant.occurred_at,
        day: Some(grant.day),
    })
}

fn refuse(learner: &Learner, earn: &Earn, reason: RefusalReason, retry_at: Option<TimeMs>, rules: &Rules) -> Decision {
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
        rules: Some(rules.version),
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

fn decide_reverse(learner: &Learner, correction: &AwardRef, rules: &Rules) -> Decision {
    let (of, key) = (correction.award, correction.key);
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
        teams: correction.teams.clone(),
        evidence: correction.evidence,
        points,
        total,
        level: rules.levels.level_of(total),
        qualification_total: award.qualification.map(in_qualification),
        rules: Some(rules.version),
        occurred_at: award.occurred_at,
    })
}

fn decide_reinstate(learner: &Learner, correction: &AwardRef, rules: &Rules) -> Decision {
    let (of, key) = (correction.award, correction.key);
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
        teams: correction.teams.clone(),
        evidence: correction.evidence,
        points,
        total,
        level: rules.levels.level_of(total),
        qualification_total: award.qualification.map(in_qualification),
        rules: Some(rules.version),
        occurred_at: award.occurred_at,
    })
}

fn find_award(learner: &Learner, of: EventId, key: (Action, ReferenceId)) -> Option<&Award> {
    learner.awards.get(&key).filter(|award| award.event_id == of)
}

fn keep(event: LearnerEvent) -> Decision {
    Decision::Keep(vec![event])
}
