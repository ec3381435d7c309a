//! The achievements of the rules, and how far a learner is towards each tier. Pure.

mod unlocks;

pub use unlocks::{Measures, Occasion, newly_earned};

use crate::domain::course::{Course, best_completion};
use crate::domain::learner::{Earned, Learner};
use crate::domain::rules::{AchievementRule, CriterionRule, Measure, Rules};
use homeroom_schema::TimeMs;
use serde::{Deserialize, Serialize};

/// The three tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The first.
    Bronze,
    /// The second.
    Silver,
    /// The third.
    Gold,
}

impl Tier {
    /// All tiers, rising.
    pub const ALL: [Self; 3] = [Self::Bronze, Self::Silver, Self::Gold];

    /// The wire and stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
        }
    }

    /// Reads the wire and stored name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == text)
    }
}

/// What one criterion stood at when its tier was earned, and what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// Where the learner was.
    pub value: f64,
    /// Where the tier began.
    pub target: f64,
}

/// Facts of other people that criteria rest on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outside {
    /// Times that others read resources of this person.
    pub usage_by_others: u64,
    /// Ratings that others gave to resources of this person.
    pub ratings: u64,
    /// Their sum.
    pub rating_sum: u64,
    /// The highest level that the mean points of a present team stand at; 0 without a team.
    pub team_level: u32,
}

impl Outside {
    /// The mean rating, 1 to 5; 0 without any.
    #[must_use]
    pub fn mean_rating(&self) -> f64 {
        if self.ratings == 0 {
            0.0
        } else {
            self.rating_sum as f64 / self.ratings as f64
        }
    }
}

/// What criteria rest on besides the learner's own state.
trait Surroundings {
    fn course(&self) -> &Course;
    fn outside(&self) -> &Outside;
}

struct Known<'a> {
    course: &'a Course,
    outside: &'a Outside,
}

impl Surroundings for Known<'_> {
    fn course(&self) -> &Course {
        self.course
    }

    fn outside(&self) -> &Outside {
        self.outside
    }
}

/// One criterion of one tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// Its stable name, snake_case.
    pub key: String,
    /// Where the learner is.
    pub current: f64,
    /// Where the tier begins.
    pub target: f64,
    /// Whether `current` has arrived.
    pub met: bool,
}

/// One tier of one achievement, earned or not.
#[derive(Debug, Clone, PartialEq)]
pub struct AchievementProgress {
    /// Which.
    pub achievement_type: String,
    /// Which tier.
    pub tier: Tier,
    /// When and by what it was earned; none while locked.
    pub earned: Option<Earned>,
    /// Its criteria now.
    pub criteria: Vec<Criterion>,
}

impl AchievementProgress {
    /// When it was earned; none while locked.
    #[must_use]
    pub fn earned_at(&self) -> Option<TimeMs> {
        self.earned.as_ref().map(|earned| earned.earned_at)
    }
}

/// All tiers of all achievements, in the order of the rules.
#[must_use]
pub fn achievements(learner: &Learner, course: &Course, outside: &Outside, rules: &Rules) -> Vec<AchievementProgress> {
    let mut all = Vec::with_capacity(rules.achievements.len() * Tier::ALL.len());
    for rule in &rules.achievements {
        let currents: Vec<f64> = (rule.criteria.iter())
            .map(|criterion| current(criterion.measure, learner, &Known { course, outside }))
            .collect();
        for (place, tier) in Tier::ALL.into_iter().enumerate() {
            let criteria = rule.criteria.iter().zip(&currents);
            all.push(AchievementProgress {
                achievement_type: rule.achievement_type.clone(),
                tier,
                earned: earned(learner, rule, tier),
                criteria: criteria
                    .map(|(rule, current)| criterion(rule, *current, place))
                    .collect(),
            });
        }
    }
    all
}

fn earned(learner: &Learner, rule: &AchievementRule, tier: Tier) -> Option<Earned> {
    let key = (rule.achievement_type.clone(), tier);
    learner.achievements.get(&key).cloned()
}

fn criterion(rule: &CriterionRule, current: f64, place: usize) -> Criterion {
    let target = rule.targets[place];
    Criterion {
        key: rule.key.clone(),
        current,
        target,
        met: current >= target,
    }
}

fn current<S: Surroundings>(measure: Measure, learner: &Learner, around: &S) -> f64 {
    let counters = &learner.counters;
    let of_action = |place: usize| f64::from(counters.by_action[place]);
    match measure {
        Measure::QualificationCompletion => best_completion(learner, around.course()),
        Measure::MeanBestScore => mean(counters.best_scores.values().sum(), counters.best_scores.len()),
        Measure::ResourceQuality => mean(counters.resource_quality_sum, counters.resources_rated as usize),
        Measure::PerfectScores => f64::from(counters.perfect_scores),
        Measure::FastCompletions => f64::from(counters.fast_completions),
        Measure::ConsistentResults => f64::from(counters.streak.longest),
        Measure::HighQualitySubmissions => f64::from(counters.resources_high_quality),
        Measure::UsageByOthers => around.outside().usage_by_others as f64,
        Measure::FeedbackRating => around.outside().mean_rating(),
        Measure::Participation => f64::from(counters.awards_counted),
        Measure::TeamAchievements => f64::from(counters.team_achievements),
        Measure::TeamSuccess => f64::from(around.outside().team_level),
        Measure::Points => learner.total as f64,
        Measure::UnitsCompleted => learner
            .units
            .values()
            .filter(|unit| unit.completed_at.is_some())
            .count() as f64,
        Measure::ActiveDays => active_days(learner) as f64,
        Measure::ReadContent => of_action(0),
        Measure::CompleteQuiz => of_action(1),
        Measure::ContributeResource => of_action(2),
        Measure::CommunityFeedback => of_action(3),
    }
}

fn active_days(learner: &Learner) -> usize {
    let mut days: Vec<i32> = learner
        .awards
        .values()
        .filter(|award| award.counts())
        .map(|award| award.day)
        .collect();
    days.sort_unstable();
    days.dedup();
    days.len()
}

/// The mean of nothing is 0. A sum of floats can be a hair beyond its count; a mean of shares is at most 1.
fn mean(sum: f64, count: usize) -> f64 {
    if count == 0 { 0.0 } else { (sum / count as f64).min(1.0) }
}
