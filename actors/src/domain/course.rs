//! What completion means: which units count for a learner, and how far they are. Pure.

use crate::domain::learner::Learner;
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
    /// The share of the units training it that are completed, 0 to 1. (Estimates from quiz results come with the rules.)
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
pub fn completion(learner: &Learner, course: &Course) -> Completion {
    completion_by(course, |unit| {
        learner.units.get(&unit).and_then(|progress| progress.completed_at)
    })
}

/// The same from any source of "when was this unit completed".
#[must_use]
pub fn completion_by(course: &Course, completed_at: impl Fn(UnitId) -> Option<TimeMs>) -> Completion {
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
    let skills = course.skills.iter().map(|(skill, units)| SkillMastery {
        skill: Arc::clone(skill),
        mastery: percentage(count(units), units.len()) / 100.0,
    });
    Completion {
        units_completed,
        units_total: course.units.len(),
        completion_percentage: percentage(units_completed, course.units.len()),
        qualifications: qualifications.collect(),
        skills: skills.collect(),
    }
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
