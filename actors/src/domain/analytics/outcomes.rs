//! What was learned: scores, completion, the time that it took.

use crate::domain::analytics::Scope;
use crate::domain::analytics::fact::Fact;
use crate::domain::analytics::mastery::{SkillOutcome, skills};
use crate::domain::analytics::numbers::{Spread, share};
use crate::domain::analytics::units::{Touch, Touches};
use crate::domain::rules::Rules;
use crate::domain::skills::{Opportunity, OpportunityKind};
use homeroom_schema::{QualificationId, TimeMs, UnitId, UserId};
use std::collections::{BTreeMap, HashMap};

/// Scores are counted in so many parts of equal width; a score of 1 belongs to the last.
pub const SCORE_BINS: usize = 10;

/// Counts outcomes.
#[derive(Debug)]
pub struct OutcomesCount {
    scope: Scope,
    bins: [usize; SCORE_BINS],
    scores: Vec<f64>,
    touches: Touches,
    quizzes: Vec<(UserId, Opportunity)>,
}

/// Who is learning what, by the roster of now.
pub struct Learners<'a> {
    /// How many people each qualification counts for.
    pub of: BTreeMap<QualificationId, usize>,
    /// The qualifications that count for somebody; empty for those who are not asked about.
    pub courses: &'a dyn Fn(UserId) -> Vec<QualificationId>,
}

/// Outcomes of a range of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcomes {
    /// Quizzes of the range by score, in [`SCORE_BINS`] parts of equal width.
    pub score_bins: [usize; SCORE_BINS],
    /// How their scores spread.
    pub scores: Option<Spread>,
    /// By id: those that count for somebody, or have been begun.
    pub qualifications: Vec<QualificationOutcome>,
    /// By id: those that have been begun.
    pub units: Vec<UnitOutcome>,
    /// By name: those that somebody had an opportunity to show or to learn.
    pub skills: Vec<SkillOutcome>,
}

/// How a qualification stands at the end of the range.
#[derive(Debug, Clone, PartialEq)]
pub struct QualificationOutcome {
    /// Which.
    pub qualification_id: QualificationId,
    /// People for whom it counts.
    pub learners: usize,
    /// Of them those who have begun one of its units.
    pub begun: usize,
    /// Of them those who have completed all of its units.
    pub completed: usize,
    /// Completed ÷ learners.
    pub completion_rate: Option<f64>,
    /// Milliseconds from somebody's first progress to the completion of the last unit, of those who completed in the range.
    pub time_to_completion_ms: Option<Spread>,
}

/// How a unit stands at the end of the range.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitOutcome {
    /// Which.
    pub unit_id: UnitId,
    /// People who have begun it.
    pub begun: usize,
    /// Of them those who have completed it.
    pub completed: usize,
    /// Completed ÷ begun.
    pub completion_rate: Option<f64>,
    /// Of the completed those who completed it in the range.
    pub completed_in_range: usize,
    /// Milliseconds from the first progress to completion, of those who completed in the range.
    pub time_to_completion_ms: Option<Spread>,
}

#[derive(Default)]
struct UnitSums {
    begun: usize,
    completed: usize,
    times: Vec<f64>,
}

#[derive(Default)]
struct QualificationSums {
    begun: usize,
    completed: usize,
    times: Vec<f64>,
}

/// One person's way through one qualification.
struct Way {
    begun_at: TimeMs,
    last_completed_at: TimeMs,
    units_completed: usize,
}

impl OutcomesCount {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            bins: [0; SCORE_BINS],
            scores: Vec::new(),
            touches: Touches::default(),
            quizzes: Vec::new(),
        }
    }

    /// Takes one fact, of any time.
    pub fn take(&mut self, fact: &Fact) {
        if fact.occurred_at >= self.scope.range.end {
            return;
        }
        self.touches.take(fact);
        let Some((award, score)) = fact.quiz() else { return };
        if let Some(unit) = award.unit {
            let reference = award.reference;
            let opportunity = Opportunity {
                unit,
                at: fact.occurred_at,
                kind: OpportunityKind::Quiz { reference, score },
            };
            self.quizzes.push((fact.user_id, opportunity));
        }
        if fact.occurred_at >= self.scope.range.start {
            self.bins[score_bin(score)] += 1;
            self.scores.push(score);
        }
    }

    /// The figures.
    #[must_use]
    pub fn finish(self, learners: &Learners<'_>, rules: &Rules) -> Outcomes {
        let units = units(&self.scope, &self.touches);
        let qualifications = qualifications(&self.scope, &self.touches, learners);
        Outcomes {
            score_bins: self.bins,
            scores: Spread::of(self.scores),
            qualifications,
            units,
            skills: skills(&self.scope, &self.quizzes, &self.touches, rules),
        }
    }
}

fn score_bin(score: f64) -> usize {
    ((score * SCORE_BINS as f64) as usize).min(SCORE_BINS - 1)
}

fn units(scope: &Scope, touches: &Touches) -> Vec<UnitOutcome> {
    let mut sums: BTreeMap<UnitId, UnitSums> = BTreeMap::new();
    for ((_, unit), touch) in &touches.by_person {
        let sums = sums.entry(*unit).or_default();
        sums.begun += 1;
        if let Some(at) = touch.completed_at {
            sums.completed += 1;
            let time = touch.time_to_completion().filter(|_| scope.range.contains(&at));
            sums.times.extend(time);
        }
    }
    let rows = sums.into_iter().map(|(unit_id, sums)| UnitOutcome {
        unit_id,
        begun: sums.begun,
        completed: sums.completed,
        completion_rate: share(sums.completed, sums.begun),
        completed_in_range: sums.times.len(),
        time_to_completion_ms: Spread::of(sums.times),
    });
    rows.collect()
}

fn qualifications(scope: &Scope, touches: &Touches, learners: &Learners<'_>) -> Vec<QualificationOutcome> {
    let units_total = units_total(scope);
    let mut courses: HashMap<UserId, Vec<QualificationId>> = HashMap::new();
    let mut ways: HashMap<(UserId, QualificationId), Way> = HashMap::new();
    for ((user_id, unit), touch) in &touches.by_person {
        let Some(qualification) = scope
            .catalogue
            .get(unit)
            .filter(|unit| unit.counts)
            .and_then(|unit| unit.qualification)
        else {
            continue;
        };
        let course = courses.entry(*user_id).or_insert_with(|| (learners.courses)(*user_id));
        if course.contains(&qualification) {
            ways.entry((*user_id, qualification))
                .and_modify(|way| way.join(touch))
                .or_insert_with(|| Way::of(touch));
        }
    }
    let mut sums: BTreeMap<QualificationId, QualificationSums> = BTreeMap::new();
    for qualification in learners.of.keys() {
        sums.entry(*qualification).or_default();
    }
    for ((_, qualification), way) in ways {
        let sums = sums.entry(qualification).or_default();
        sums.begun += 1;
        if units_total.get(&qualification) == Some(&way.units_completed) {
            sums.completed += 1;
            if scope.range.contains(&way.last_completed_at) {
                sums.times.push((way.last_completed_at.0 - way.begun_at.0) as f64);
            }
        }
    }
    sums.retain(|qualification, _| scope.qualification.is_none_or(|wanted| wanted == *qualification));
    let rows = sums.into_iter().map(|(qualification_id, sums)| {
        let learners = learners.of.get(&qualification_id).copied().unwrap_or_default();
        QualificationOutcome {
            qualification_id,
            learners,
            begun: sums.begun,
            completed: sums.completed,
            completion_rate: share(sums.completed, learners),
            time_to_completion_ms: Spread::of(sums.times),
        }
    });
    rows.collect()
}

fn units_total(scope: &Scope) -> BTreeMap<QualificationId, usize> {
    let mut totals = BTreeMap::new();
    for unit in scope.catalogue.values().filter(|unit| unit.counts) {
        if let Some(qualification) = unit.qualification {
            *totals.entry(qualification).or_default() += 1;
        }
    }
    totals
}

impl Way {
    fn of(touch: &Touch) -> Self {
        Self {
            begun_at: touch.begun_at,
            last_completed_at: touch.completed_at.unwrap_or(TimeMs(i64::MIN)),
            units_completed: usize::from(touch.completed_at.is_some()),
        }
    }

    fn join(&mut self, touch: &Touch) {
        let other = Self::of(touch);
        self.begun_at = self.begun_at.min(other.begun_at);
        self.last_completed_at = self.last_completed_at.max(other.last_completed_at);
        self.units_completed += other.units_completed;
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::analytics::outcomes::score_bin;

    #[test]
    fn scores_fall_into_ten_parts() {
        for (score, bin) in [(0.0, 0), (0.09, 0), (0.1, 1), (0.6, 6), (0.99, 9), (1.0, 9)] {
            assert_eq!(score_bin(score), bin, "{score}");
        }
    }
}
