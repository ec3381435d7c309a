//! How well a skill is mastered, estimated from quizzes and completed units by Bayesian knowledge tracing. Pure.
//!
//! Corbett and Anderson, "Knowledge tracing: Modeling the acquisition of procedural knowledge", User Modeling and
//! User-Adapted Interaction 4 (1994), pages 253 to 278. With L for the probability that the skill is known, G that a right
//! answer is a guess, S that a wrong one is a slip and T that the skill is learned at an opportunity:
//!
//! - after a right answer: P(L | right) = L (1 − S) ÷ (L (1 − S) + (1 − L) G)
//! - after a wrong answer: P(L | wrong) = L S ÷ (L S + (1 − L) (1 − G))
//! - then, and at an opportunity without an answer: L ← P + (1 − P) T
//!
//! A scored quiz that is tied to a unit is an answer for each skill of that unit: right from the passing score on. The
//! completion of a unit is an opportunity without an answer. They are taken in the order of their time; at one time quizzes
//! before completions, each by id: so an estimate depends on what happened alone, not on the order in which it was kept.

use crate::domain::action::Action;
use crate::domain::course::{Course, SkillMastery};
use crate::domain::learner::Learner;
use crate::domain::rules::{KnowledgeTracing, Rules};
use homeroom_schema::{ReferenceId, TimeMs, UnitId};
use std::sync::Arc;

/// Something that shows, or may have taught, the skills of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opportunity {
    /// The unit.
    pub unit: UnitId,
    /// When it happened.
    pub at: TimeMs,
    /// What it was.
    pub kind: OpportunityKind,
}

/// What an opportunity was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OpportunityKind {
    /// A scored quiz.
    Quiz {
        /// Which one.
        reference: ReferenceId,
        /// Its score, 0 to 1.
        score: f64,
    },
    /// The unit was completed.
    Completed,
}

/// What an opportunity said about a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A right answer.
    Right,
    /// A wrong answer.
    Wrong,
    /// No answer.
    Nothing,
}

impl Opportunity {
    /// What opportunities are ordered by.
    #[must_use]
    pub fn order(&self) -> (TimeMs, bool, u64) {
        match self.kind {
            OpportunityKind::Quiz { reference, .. } => (self.at, false, reference.get()),
            OpportunityKind::Completed => (self.at, true, self.unit.get()),
        }
    }

    /// What it said, where a score from `pass_from` on is a right answer.
    #[must_use]
    pub fn seen(&self, pass_from: f64) -> Seen {
        match self.kind {
            OpportunityKind::Quiz { score, .. } if score >= pass_from => Seen::Right,
            OpportunityKind::Quiz { .. } => Seen::Wrong,
            OpportunityKind::Completed => Seen::Nothing,
        }
    }
}

/// P(L) after opportunities in this order; P(L0) before any. Stays within 0 and 1.
#[must_use]
pub fn mastery(parameters: &KnowledgeTracing, seen: impl IntoIterator<Item = Seen>) -> f64 {
    seen.into_iter().fold(parameters.known, |known, seen| {
        let (if_known, if_not) = match seen {
            Seen::Right => (1.0 - parameters.slip, parameters.guess),
            Seen::Wrong => (parameters.slip, 1.0 - parameters.guess),
            Seen::Nothing => (1.0, 1.0),
        };
        let all = known * if_known + (1.0 - known) * if_not;
        // What cannot have happened by the parameters says nothing.
        let known = if all > 0.0 { known * if_known / all } else { known };
        (known + (1.0 - known) * parameters.learn).clamp(0.0, 1.0)
    })
}

/// Mastery of each skill of a course, in the course's order, from opportunities in any order.
#[must_use]
pub fn masteries(course: &Course, mut opportunities: Vec<Opportunity>, rules: &Rules) -> Vec<SkillMastery> {
    opportunities.sort_unstable_by_key(Opportunity::order);
    let skills = course.skills.iter().map(|(skill, units)| {
        let own = opportunities
            .iter()
            .filter(|one| units.binary_search(&one.unit).is_ok());
        let seen = own.map(|one| one.seen(rules.quizzes.pass_from));
        let parameters = rules.skills.by_skill.get(&**skill).unwrap_or(&rules.skills.default);
        SkillMastery {
            skill: Arc::clone(skill),
            mastery: mastery(parameters, seen),
        }
    });
    skills.collect()
}

/// A learner's opportunities: scored quizzes that count and are tied to a unit, and completed units.
#[must_use]
pub fn opportunities(learner: &Learner) -> Vec<Opportunity> {
    let quizzes = learner.awards.iter().filter_map(|((action, reference), award)| {
        let is_quiz = *action == Action::CompleteQuiz && award.counts();
        let (unit, score) = award.unit.zip(award.measure).filter(|_| is_quiz)?;
        Some(Opportunity {
            unit,
            at: award.occurred_at,
            kind: OpportunityKind::Quiz {
                reference: *reference,
                score,
            },
        })
    });
    let completed = learner.units.iter().filter_map(|(unit, progress)| {
        Some(Opportunity {
            unit: *unit,
            at: progress.completed_at?,
            kind: OpportunityKind::Completed,
        })
    });
    quizzes.chain(completed).collect()
}
