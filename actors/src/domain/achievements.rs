//! The four achievements with their criteria and tiers, and how far a learner is towards each. Pure.
//!
//! Counted by now, from the learner's own facts that still count: `qualification_completion`, `mean_best_score`,
//! `resource_quality`, `perfect_scores`, `consistent_results` (as a number of quizzes, not yet as a streak),
//! `high_quality_submissions`, `participation` and `team_achievements`. The others rest on facts of other people
//! (`fast_completions`, `usage_by_others`, `feedback_rating`, `team_success`) and stay 0 until those are gathered.

use crate::domain::course::{Course, completion};
use crate::domain::learner::{Counters, Learner};
use homeroom_schema::TimeMs;

/// The four types of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AchievementType {
    /// All units of a qualification, high assessment scores, quality resources.
    ContentMaster,
    /// Perfect scores, fast completion, consistency.
    QuizChampion,
    /// High-quality submissions, usage, community feedback.
    ResourceContributor,
    /// Participation, collaborative achievements, team success.
    TeamPlayer,
}

impl AchievementType {
    /// All types, in the order of the specification.
    pub const ALL: [Self; 4] = [
        Self::ContentMaster,
        Self::QuizChampion,
        Self::ResourceContributor,
        Self::TeamPlayer,
    ];

    /// The wire and stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContentMaster => "content_master",
            Self::QuizChampion => "quiz_champion",
            Self::ResourceContributor => "resource_contributor",
            Self::TeamPlayer => "team_player",
        }
    }
}

/// The three tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
}

/// One criterion of one tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// Its stable name, snake_case.
    pub key: &'static str,
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
    pub achievement_type: AchievementType,
    /// Which tier.
    pub tier: Tier,
    /// When it was earned; none while locked.
    pub earned_at: Option<TimeMs>,
    /// Its three criteria.
    pub criteria: [Criterion; 3],
}

/// What a criterion measures. One name for one number: the table below says where each tier begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    QualificationCompletion,
    MeanBestScore,
    ResourceQuality,
    PerfectScores,
    FastCompletions,
    ConsistentResults,
    HighQualitySubmissions,
    UsageByOthers,
    FeedbackRating,
    Participation,
    TeamAchievements,
    TeamSuccess,
}

/// A criterion with its stable name, and where bronze, silver and gold begin.
type Row = (Measure, &'static str, [f64; 3]);

/// Every criterion with its thresholds, in the order of [`AchievementType::ALL`].
const CRITERIA: [[Row; 3]; 4] = [
    [
        (
            Measure::QualificationCompletion,
            "qualification_completion",
            [50.0, 75.0, 100.0],
        ),
        (Measure::MeanBestScore, "mean_best_score", [0.6, 0.75, 0.9]),
        (Measure::ResourceQuality, "resource_quality", [0.5, 0.7, 0.8]),
    ],
    [
        (Measure::PerfectScores, "perfect_scores", [1.0, 5.0, 10.0]),
        (Measure::FastCompletions, "fast_completions", [1.0, 5.0, 10.0]),
        (Measure::ConsistentResults, "consistent_results", [3.0, 10.0, 20.0]),
    ],
    [
        (
            Measure::HighQualitySubmissions,
            "high_quality_submissions",
            [1.0, 5.0, 10.0],
        ),
        (Measure::UsageByOthers, "usage_by_others", [3.0, 10.0, 30.0]),
        (Measure::FeedbackRating, "feedback_rating", [3.0, 4.0, 4.5]),
    ],
    [
        (Measure::Participation, "participation", [5.0, 20.0, 50.0]),
        (Measure::TeamAchievements, "team_achievements", [1.0, 3.0, 10.0]),
        (Measure::TeamSuccess, "team_success", [1.0, 3.0, 5.0]),
    ],
];

/// All twelve, in the order of types and tiers. All are locked by now; the criteria say how far the learner is.
#[must_use]
pub fn achievements(learner: &Learner, course: &Course) -> Vec<AchievementProgress> {
    let mut all = Vec::with_capacity(AchievementType::ALL.len() * Tier::ALL.len());
    for (achievement_type, rows) in AchievementType::ALL.into_iter().zip(CRITERIA) {
        let measured = rows.map(|(measure, key, targets)| (key, current(measure, learner, course), targets));
        for (place, tier) in Tier::ALL.into_iter().enumerate() {
            let criteria = measured.map(|(key, current, targets)| {
                let target = targets[place];
                Criterion {
                    key,
                    current,
                    target,
                    met: current >= target,
                }
            });
            all.push(AchievementProgress {
                achievement_type,
                tier,
                earned_at: None,
                criteria,
            });
        }
    }
    all
}

fn current(measure: Measure, learner: &Learner, course: &Course) -> f64 {
    let counters = &learner.counters;
    match measure {
        Measure::QualificationCompletion => best_completion(learner, course),
        Measure::MeanBestScore => mean(counters.best_scores.values().sum(), counters.best_scores.len()),
        Measure::ResourceQuality => mean(counters.resource_quality_sum, counters.resources_rated as usize),
        Measure::PerfectScores => f64::from(counters.perfect_scores),
        Measure::ConsistentResults => counters
            .best_scores
            .values()
            .filter(|score| **score >= Counters::HIGH_FROM)
            .count() as f64,
        Measure::HighQualitySubmissions => f64::from(counters.resources_high_quality),
        Measure::Participation => f64::from(counters.awards_counted),
        Measure::TeamAchievements => f64::from(counters.team_achievements),
        Measure::FastCompletions | Measure::UsageByOthers | Measure::FeedbackRating | Measure::TeamSuccess => 0.0,
    }
}

/// The best percentage of units completed in one qualification of the course.
fn best_completion(learner: &Learner, course: &Course) -> f64 {
    let qualifications = completion(learner, course).qualifications;
    qualifications
        .iter()
        .map(|qualification| qualification.completion_percentage)
        .fold(0.0, f64::max)
}

/// The mean of nothing is 0. A sum of floats can be a hair beyond its count; a mean of shares is at most 1.
fn mean(sum: f64, count: usize) -> f64 {
    if count == 0 { 0.0 } else { (sum / count as f64).min(1.0) }
}
