//! Folds kept facts into a learner's state. The only place that changes a learner.

use crate::domain::action::{Action, Evidence};
use crate::domain::event::{EventMeta, LearnerEvent};
use crate::domain::invariants;
use crate::domain::learner::{
    Award, AwardStanding, Counters, Earned, Learner, QualificationPoints, Receipt, ReceiptKey, UnitProgress,
};
use homeroom_schema::{QualificationId, ReferenceId, TimeMs};
use std::sync::Arc;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Applies one kept fact. Cannot fail: whatever was kept once can be applied again. Reads the fact and the state alone.
pub fn evolve(learner: &mut Learner, event: &LearnerEvent, meta: EventMeta) {
    debug_assert_eq!(
        invariants::event_follows(learner, event),
        Ok(()),
        "{event:?} after {learner:?}"
    );
    match event {
        LearnerEvent::PointsAwarded { action, reference, .. } => award(learner, (*action, *reference), event, meta),
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            retry_at,
            day,
            ..
        } => {
            let receipt = Receipt {
                event_id: meta.event_id,
                version: meta.version,
                retry_at: *retry_at,
            };
            let key = ReceiptKey {
                action: *action,
                reference: *reference,
                reason: *reason,
                day: *day,
            };
            learner.receipts.insert(key, receipt);
        }
        LearnerEvent::PointsReversed {
            action,
            reference,
            points,
            ..
        } => {
            let standing = AwardStanding::Reversed {
                by: meta.event_id,
                points: *points,
            };
            restand(learner, (*action, *reference), standing);
            book(learner, event);
        }
        LearnerEvent::PointsReinstated { action, reference, .. } => {
            restand(learner, (*action, *reference), AwardStanding::Reinstated);
            book(learner, event);
        }
        LearnerEvent::PointsAdjusted { .. } => adjust(learner, event),
        LearnerEvent::AchievementUnlocked {
            achievement,
            tier,
            data,
            occurred_at,
            ..
        } => {
            let earned = Earned {
                earned_at: *occurred_at,
                data: data.clone(),
            };
            let achievements = Arc::make_mut(&mut learner.achievements);
            achievements.entry((achievement.clone(), *tier)).or_insert(earned);
        }
        LearnerEvent::StateCarried { state, .. } => *learner = state.restored(learner.user_id, meta.version),
        LearnerEvent::ProgressMade { .. } => progress(learner, event, meta),
    }
    learner.version = meta.version;
}

fn award(learner: &mut Learner, key: (Action, ReferenceId), event: &LearnerEvent, meta: EventMeta) {
    let LearnerEvent::PointsAwarded {
        unit,
        qualification,
        evidence,
        points,
        occurred_at,
        par_ms,
        day,
        ..
    } = event
    else {
        return;
    };
    let award = Award {
        event_id: meta.event_id,
        points: *points,
        version: meta.version,
        occurred_at: *occurred_at,
        day: day.unwrap_or_else(|| utc_day(*occurred_at)),
        unit: *unit,
        qualification: *qualification,
        measure: measure(key.0, evidence),
        is_fast: evidence
            .duration_ms
            .zip(*par_ms)
            .is_some_and(|(taken, par)| taken < par),
        standing: AwardStanding::Counted,
    };
    learner.awards.insert(key, award);
    learner.counters.count(key, &learner.awards);
    book(learner, event);
}

/// Facts of early versions do not say their local day.
const fn utc_day(at: TimeMs) -> i32 {
    at.0.div_euclid(DAY_MS) as i32
}

/// Says anew what awards are worth. No moment moves: what was reached was reached then.
fn adjust(learner: &mut Learner, event: &LearnerEvent) {
    let LearnerEvent::PointsAdjusted {
        awards,
        parts,
        given,
        revoked,
        total,
        level,
        ..
    } = event
    else {
        return;
    };
    for (action, reference, points) in awards {
        let Some(award) = learner.awards.get_mut(&(*action, *reference)) else {
            continue;
        };
        award.points = *points;
        if let AwardStanding::Reversed { points: taken, .. } = &mut award.standing {
            *taken = *points;
        }
    }
    for part in parts {
        if let Some(id) = part.qualification
            && let Some(standing) = learner.qualifications.get_mut(&id)
        {
            standing.points = standing.points.saturating_add_signed(part.points);
        }
    }
    if !given.is_empty() || !revoked.is_empty() {
        let achievements = Arc::make_mut(&mut learner.achievements);
        for (achievement, tier) in revoked {
            achievements.remove(&(achievement.clone(), *tier));
        }
        for given in given {
            let earned = Earned {
                earned_at: given.earned_at,
                data: given.data.clone(),
            };
            achievements.insert((given.achievement.clone(), given.tier), earned);
        }
    }
    learner.total = *total;
    learner.level = *level;
}

/// The one observation that counters need. Only finite ones: JSON has no other, so a replay would not see them.
fn measure(action: Action, evidence: &Evidence) -> Option<f64> {
    let observed = match action {
        Action::CompleteQuiz => evidence.score,
        Action::ContributeResource => evidence.quality,
        Action::ReadContent | Action::CommunityFeedback | Action::TeamAchievement | Action::ManualAward => None,
    };
    observed.filter(|value| value.is_finite())
}

/// Changes whether an award counts. All counters are made anew, because taking one float out of a sum leaves a residue;
/// reversals are rare, so this costs less than it saves.
fn restand(learner: &mut Learner, key: (Action, ReferenceId), standing: AwardStanding) {
    if let Some(award) = learner.awards.get_mut(&key) {
        award.standing = standing;
        learner.counters = Counters::of(&learner.awards);
    }
}

/// Takes over the sums that an entry of the ledger says. An entry of no points makes no total, so it moves no moment.
fn book(learner: &mut Learner, event: &LearnerEvent) {
    let (LearnerEvent::PointsAwarded {
        points,
        total,
        level,
        qualification,
        qualification_total,
        occurred_at,
        ..
    }
    | LearnerEvent::PointsReversed {
        points,
        total,
        level,
        qualification,
        qualification_total,
        occurred_at,
        ..
    }
    | LearnerEvent::PointsReinstated {
        points,
        total,
        level,
        qualification,
        qualification_total,
        occurred_at,
        ..
    }) = event
    else {
        return;
    };
    learner.total = *total;
    learner.level = *level;
    if *points > 0 {
        learner.reached_at = Some(*occurred_at);
    }
    if let Some((id, sum)) = qualification.zip(*qualification_total) {
        book_qualification(learner, id, sum, *points, *occurred_at);
    }
}

fn book_qualification(learner: &mut Learner, id: QualificationId, sum: u64, points: u32, occurred_at: TimeMs) {
    let first = QualificationPoints {
        points: sum,
        reached_at: occurred_at,
    };
    let standing = learner.qualifications.entry(id).or_insert(first);
    standing.points = sum;
    if points > 0 {
        standing.reached_at = occurred_at;
    }
}

/// The three fields only ever move one way, whatever order old facts come in.
fn progress(learner: &mut Learner, event: &LearnerEvent, meta: EventMeta) {
    let LearnerEvent::ProgressMade {
        unit,
        progress_percentage,
        last_accessed,
        completed_at,
        ..
    } = event
    else {
        return;
    };
    let made = UnitProgress {
        progress_percentage: *progress_percentage,
        last_accessed: *last_accessed,
        completed_at: *completed_at,
        version: meta.version,
    };
    let unit = learner.units.entry(*unit).or_insert(made);
    unit.progress_percentage = unit.progress_percentage.max(made.progress_percentage);
    unit.last_accessed = unit.last_accessed.max(made.last_accessed);
    unit.completed_at = unit.completed_at.or(made.completed_at);
    unit.version = meta.version;
}
