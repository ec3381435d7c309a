//! What completion means: which units count for a learner, and how far they are. Pure.

use crate::domain::learner::Learner;
use crate::domain::rules::Rules;
use crate::domain::skills::{Opportunity, masteries, opportunities};
use homeroom_schema::{QualificationId, TimeMs, UnitId};
use std::sync::Arc;

/// The units that count for one learner, by the catalogue and their enrolments of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// All units that count, each once, rising: those of the enrolled qualifications; without any enrolment all units.
    pub units: Vec<UnitId>,
    /// The qualifications enrolled in (without any enrolment: all), rising, each with its units, rising.
    pub qualifications: Vec<(QualificationId, Vec<UnitId>)>,
    /// The skills that those units train, by name, each with its units, rising.
    pub skills: Vec<(Arc<str>, Vec<UnitId>)>,
}

/// How far a learner is. Percentages are 100 × completed / total, unrounded; 0 when nothing counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// Units completed among those that count.
    pub units_completed: usize,
    /// Units that count.
    pub units_total: usize,
    /// 0 to 100.
    pub completion_percentage: f64,
    /// For each qualification of the course.
    pub qualifications: Vec<QualificationCompletion>,
    /// For each skill of the course, by name.
    pub skills: Vec<SkillMastery>,
}

/// How far a learner, or a team, is in one skill.
#[derive(Debug, Clone, PartialEq)]
pub struct SkillMastery {
    /// The skill's name.
    pub skill: Arc<str>,
    /// The probability that it is known, 0 to 1, by [`crate::domain::skills`]; of a team the mean of its members'.
    pub mastery: f64,
}

/// How far a learner is in one qualification.
#[derive(Debug, Clone, PartialEq)]
pub struct QualificationCompletion {
    /// Which one.
    pub qualification_id: QualificationId,
    /// Units completed.
    pub units_completed: usize,
    /// Units of it.
    pub units_total: usize,
    /// 0 to 100.
    pub completion_percentage: f64,
    /// When the last missing unit was completed; none unless all are.
    pub completed_at: Option<TimeMs>,
}

/// How far a learner is in their course.
#[must_use]
pub fn completion(learner: &Learner, course: &Course, rules: &Rules) -> Completion {
    let completed_at = |unit| learner.units.get(&unit).and_then(|progress| progress.completed_at);
    completion_by(course, completed_at, opportunities(learner), rules)
}

/// The same from any source of "when was this unit completed", and of what shows skills.
#[must_use]
pub fn completion_by(
    course: &Course,
    completed_at: impl Fn(UnitId) -> Option<TimeMs>,
    opportunities: Vec<Opportunity>,
    rules: &Rules,
) -> Completion {
    let count = |units: &[UnitId]| units.iter().filter(|unit| completed_at(**unit).is_some()).count();
    let units_completed = count(&course.units);
    let qualifications = course.qualifications.iter().map(|(qualification_id, units)| {
        let units_completed = count(units);
        QualificationCompletion {
            qualification_id: *qualification_id,
            units_completed,
            units_total: units.len(),
            completion_percentage: percentage(units_completed, units.len()),
            completed_at: last_of_all(units.iter().map(|unit| completed_at(*unit))),
        }
    });
    Completion {
        units_completed,
        units_total: course.units.len(),
        completion_percentage: percentage(units_completed, course.units.len()),
        qualifications: qualifications.collect(),
        skills: masteries(course, opportunities, rules),
    }
}

/// The best percentage of units completed in one qualification of the course.
#[must_use]
pub fn best_completion(learner: &Learner, course: &Course) -> f64 {
    let is_completed = |unit: &&UnitId| learner.units.get(unit).is_some_and(|unit| unit.completed_at.is_some());
    let percentages = course.qualifications.iter().map(|(_, units)| {
        let units_completed = units.iter().filter(is_completed).count();
        percentage(units_completed, units.len())
    });
    percentages.fold(0.0, f64::max)
}

/// 100 × completed / total, unrounded; 0 of nothing is 0.
#[must_use]
pub fn percentage(completed: usize, total: usize) -> f64 {
    if total == 0 {
        0.0
    } else {
        100.0 * completed as f64 / total as f64
    }
}

/// The latest moment, if every one is known and there is at least one.
fn last_of_all(moments: impl Iterator<Item = Option<TimeMs>>) -> Option<TimeMs> {
    moments.collect::<Option<Vec<_>>>()?.into_iter().max()
}
