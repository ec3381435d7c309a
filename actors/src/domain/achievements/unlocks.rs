//! When a tier is earned: which facts can have moved what, and which criteria are met now. Pure.

use crate::domain::achievements::{Outside, Reached, Surroundings, Tier, current};
use crate::domain::action::Action;
use crate::domain::course::Course;
use crate::domain::event::LearnerEvent;
use crate::domain::learner::Learner;
use crate::domain::rules::{AchievementRule, CriterionRule, Measure, Rules};
use homeroom_schema::{TimeMs, Version};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// A set of measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures(u32);

impl Measures {
    /// All of them.
    pub const ALL: Self = Self(u32::MAX);
    const NONE: Self = Self(0);

    /// Those that a fact of the learner can have moved. What rests on other people's facts is not among them.
    #[must_use]
    pub fn moved_by(event: &LearnerEvent) -> Self {
        match event {
            LearnerEvent::PointsAwarded { action, .. } => {
                let any = Self::of(&[Measure::Points, Measure::ActiveDays, Measure::Participation]);
                any.and(match action {
                    Action::ReadContent => Self::of(&[Measure::ReadContent]),
                    Action::CompleteQuiz => Self::of(&[
                        Measure::CompleteQuiz,
                        Measure::MeanBestScore,
                        Measure::PerfectScores,
                        Measure::FastCompletions,
                        Measure::ConsistentResults,
                    ]),
                    Action::ContributeResource => Self::of(&[
                        Measure::ContributeResource,
                        Measure::ResourceQuality,
                        Measure::HighQualitySubmissions,
                    ]),
                    Action::CommunityFeedback => Self::of(&[Measure::CommunityFeedback]),
                    Action::TeamAchievement => Self::of(&[Measure::TeamAchievements]),
                    Action::ManualAward => Self::NONE,
                })
            }
            // Taking one back can lift a mean, or join two runs.
            LearnerEvent::PointsReversed { .. }
            | LearnerEvent::PointsReinstated { .. }
            | LearnerEvent::PointsAdjusted { .. } => Self::ALL,
            LearnerEvent::ProgressMade {
                completed_at: Some(_), ..
            } => Self::of(&[Measure::QualificationCompletion, Measure::UnitsCompleted]),
            LearnerEvent::ProgressMade { .. }
            | LearnerEvent::PointsRefused { .. }
            | LearnerEvent::StateCarried { .. }
            | LearnerEvent::AchievementUnlocked { .. } => Self::NONE,
        }
    }

    /// Whether a measure is among them.
    #[must_use]
    pub const fn has(self, measure: Measure) -> bool {
        self.0 & (1 << measure as u32) != 0
    }

    fn of(measures: &[Measure]) -> Self {
        Self(measures.iter().fold(0, |set, measure| set | 1 << *measure as u32))
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Asked for at most once, and only where it decides.
struct Asked<C, O> {
    course: (C, OnceCell<Course>),
    outside: (O, OnceCell<Outside>),
}

impl<C: Fn() -> Course, O: Fn() -> Outside> Surroundings for Asked<C, O> {
    fn course(&self) -> &Course {
        self.course.1.get_or_init(&self.course.0)
    }

    fn outside(&self) -> &Outside {
        self.outside.1.get_or_init(&self.outside.0)
    }
}

/// Why achievements are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// What can have moved since all was looked at last.
    pub moved: Measures,
    /// The learner's own fact that is the occasion, by its place in the stream.
    pub cause: Option<Version>,
    /// When it happened.
    pub occurred_at: TimeMs,
}

/// The tiers that are earned now and were not before, in the order of the rules, lower tiers first. A tier is earned when all
/// its criteria are met; once earned, it stays. Nothing is asked or allocated that does not decide.
#[must_use]
pub fn newly_earned(
    learner: &Learner,
    course: impl Fn() -> Course,
    outside: impl Fn() -> Outside,
    rules: &Rules,
    occasion: Occasion,
) -> Vec<LearnerEvent> {
    let around = Asked {
        course: (course, OnceCell::new()),
        outside: (outside, OnceCell::new()),
    };
    let mut unlocked = Vec::new();
    for rule in &rules.achievements {
        if !rule
            .criteria
            .iter()
            .any(|criterion| occasion.moved.has(criterion.measure))
        {
            continue;
        }
        for (place, tier) in Tier::ALL.into_iter().enumerate() {
            if has_earned(learner, rule, tier) {
                continue;
            }
            // No target falls from tier to tier, so the next tier is not met either.
            if !is_met(rule, place, learner, &around) {
                break;
            }
            let criteria = rule.criteria.iter().map(|one| {
                let value = current(one.measure, learner, &around);
                let target = one.targets[place];
                (one.key.clone(), Reached { value, target })
            });
            unlocked.push(LearnerEvent::AchievementUnlocked {
                achievement: rule.achievement_type.clone(),
                tier,
                data: criteria.collect::<BTreeMap<_, _>>(),
                rules: rules.version,
                cause: occasion.cause,
                occurred_at: occasion.occurred_at,
            });
        }
    }
    unlocked
}

/// What costs a walk over the state or a question is looked at last.
fn is_met<S: Surroundings>(rule: &AchievementRule, place: usize, learner: &Learner, around: &S) -> bool {
    let is_met = |one: &CriterionRule| current(one.measure, learner, around) >= one.targets[place];
    let of_cost = |costs: bool| rule.criteria.iter().filter(move |one| one.measure.costs() == costs);
    of_cost(false).all(is_met) && of_cost(true).all(is_met)
}

/// Few have many, so that a walk is cheaper than a key of its own.
fn has_earned(learner: &Learner, rule: &AchievementRule, tier: Tier) -> bool {
    let mut keys = learner.achievements.keys();
    keys.any(|(earned, of_tier)| *of_tier == tier && *earned == rule.achievement_type)
}
