//! Achievements as data: which measures they ask for, and where each tier begins.

use crate::domain::action::Action;
use serde::{Deserialize, Serialize};

/// One achievement with its tiers. All of a tier's criteria have to be met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AchievementRule {
    /// Its stable name, snake_case; stored and on the wire as `achievement_type`.
    pub achievement_type: String,
    /// Its criteria, from one to [`homeroom_schema::limits::CRITERIA_MAX`].
    pub criteria: Vec<CriterionRule>,
}

/// One criterion, and where bronze, silver and gold begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriterionRule {
    /// Its stable name, snake_case.
    pub key: String,
    /// What is measured.
    pub measure: Measure,
    /// Bronze, silver, gold; never falling.
    pub targets: [f64; 3],
}

/// What a criterion measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The largest percentage of units completed in one qualification, 0 to 100.
    QualificationCompletion,
    /// The mean of the best scores of all assessments, 0 to 1.
    MeanBestScore,
    /// The mean quality of contributed resources, 0 to 1.
    ResourceQuality,
    /// Quizzes with a score of 1.
    PerfectScores,
    /// Quizzes completed in less than their par time.
    FastCompletions,
    /// The longest run of quizzes, in order of their time, with a high score.
    ConsistentResults,
    /// Contributed resources of high quality.
    HighQualitySubmissions,
    /// Times that others read resources of this person.
    UsageByOthers,
    /// The mean rating that others gave to resources of this person, 1 to 5; 0 without any.
    FeedbackRating,
    /// Awards that count, of any action but manual awards.
    Participation,
    /// Team achievements taken part in.
    TeamAchievements,
    /// The highest level that the mean points of a present team of this person stand at.
    TeamSuccess,
    /// Points in total.
    Points,
    /// Units completed.
    UnitsCompleted,
    /// Local days on which something was awarded.
    ActiveDays,
    /// Awards of `read_content` that count.
    ReadContent,
    /// Awards of `complete_quiz` that count.
    CompleteQuiz,
    /// Awards of `contribute_resource` that count.
    ContributeResource,
    /// Awards of `community_feedback` that count.
    CommunityFeedback,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::QualificationCompletion,
        Self::MeanBestScore,
        Self::ResourceQuality,
        Self::PerfectScores,
        Self::FastCompletions,
        Self::ConsistentResults,
        Self::HighQualitySubmissions,
        Self::UsageByOthers,
        Self::FeedbackRating,
        Self::Participation,
        Self::TeamAchievements,
        Self::TeamSuccess,
        Self::Points,
        Self::UnitsCompleted,
        Self::ActiveDays,
        Self::ReadContent,
        Self::CompleteQuiz,
        Self::ContributeResource,
        Self::CommunityFeedback,
    ];

    /// The name in files and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QualificationCompletion => "qualification_completion",
            Self::MeanBestScore => "mean_best_score",
            Self::ResourceQuality => "resource_quality",
            Self::PerfectScores => "perfect_scores",
            Self::FastCompletions => "fast_completions",
            Self::ConsistentResults => "consistent_results",
            Self::HighQualitySubmissions => "high_quality_submissions",
            Self::UsageByOthers => "usage_by_others",
            Self::FeedbackRating => "feedback_rating",
            Self::Participation => "participation",
            Self::TeamAchievements => "team_achievements",
            Self::TeamSuccess => "team_success",
            Self::Points => "points",
            Self::UnitsCompleted => "units_completed",
            Self::ActiveDays => "active_days",
            Self::ReadContent => Action::ReadContent.as_str(),
            Self::CompleteQuiz => Action::CompleteQuiz.as_str(),
            Self::ContributeResource => Action::ContributeResource.as_str(),
            Self::CommunityFeedback => Action::CommunityFeedback.as_str(),
        }
    }

    /// Whether finding it out takes more than reading a counter.
    #[must_use]
    pub const fn costs(self) -> bool {
        matches!(
            self,
            Self::QualificationCompletion
                | Self::MeanBestScore
                | Self::UsageByOthers
                | Self::FeedbackRating
                | Self::TeamSuccess
                | Self::UnitsCompleted
                | Self::ActiveDays
        )
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == text)
    }
}
