//! The rules that a node starts with: the specification's amounts, and neither limits nor bonuses.

use crate::domain::action::Action;
use crate::domain::level::LevelCurve;
use crate::domain::rules::{
    AchievementRule, ActionRules, AwardRules, CriterionRule, KnowledgeTracing, ManualAwards, Measure, PreferenceRules,
    QuizRules, Rules, SignalRules, SkillRules, TeamRules, TeamScoring, Transfer,
};
use std::collections::BTreeMap;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl Rules {
    /// The shipped rules: the specification's amounts; a student may report `read_content` of themselves.
    #[must_use]
    pub fn shipped() -> Self {
        Self {
            version: 1,
            name: "shipped".to_owned(),
            everywhere: AwardRules {
                actions: Action::ALL.map(|action| ActionRules {
                    points: points(action),
                    self_reportable: action == Action::ReadContent,
                    cooldown_ms: 0,
                    windows: Vec::new(),
                }),
                caps: Vec::new(),
                bonuses: Vec::new(),
            },
            qualifications: BTreeMap::new(),
            levels: LevelCurve::shipped(),
            achievements: achievements(),
            quizzes: QuizRules {
                pass_from: 0.6,
                par_from_completions: 5,
                par_ms: BTreeMap::new(),
            },
            skills: SkillRules {
                default: KnowledgeTracing {
                    known: 0.2,
                    learn: 0.15,
                    guess: 0.2,
                    slip: 0.1,
                },
                by_skill: BTreeMap::new(),
            },
            manual: ManualAwards {
                per_award: 100,
                per_mentor_and_week: 500,
            },
            teams: TeamRules {
                scoring: TeamScoring::Sum,
                transfer: Transfer::Follow,
            },
            seasons: Vec::new(),
            preferences: PreferenceRules { locked_for_ms: DAY_MS },
            signals: SignalRules {
                stuck_days: 7,
                stuck_failures: 2,
                silent_days: 7,
                nearly_percent: 80.0,
            },
        }
    }
}

const fn points(action: Action) -> u32 {
    match action {
        Action::ReadContent => 10,
        Action::CompleteQuiz => 50,
        Action::ContributeResource => 25,
        Action::CommunityFeedback => 15,
        Action::TeamAchievement => 100,
        Action::ManualAward => 0,
    }
}

/// An achievement's name, and its criteria with bronze, silver and gold.
type Row = (&'static str, [(Measure, [f64; 3]); 3]);

/// The four of the specification, each with its three criteria.
fn achievements() -> Vec<AchievementRule> {
    use crate::domain::rules::Measure::{
        ConsistentResults, FastCompletions, FeedbackRating, HighQualitySubmissions, MeanBestScore, Participation,
        PerfectScores, QualificationCompletion, ResourceQuality, TeamAchievements, TeamSuccess, UsageByOthers,
    };
    let rows: [Row; 4] = [
        (
            "content_master",
            [
                (QualificationCompletion, [50.0, 75.0, 100.0]),
                (MeanBestScore, [0.6, 0.75, 0.9]),
                (ResourceQuality, [0.5, 0.7, 0.8]),
            ],
        ),
        (
            "quiz_champion",
            [
                (PerfectScores, [1.0, 5.0, 10.0]),
                (FastCompletions, [1.0, 5.0, 10.0]),
                (ConsistentResults, [3.0, 10.0, 20.0]),
            ],
        ),
        (
            "resource_contributor",
            [
                (HighQualitySubmissions, [1.0, 5.0, 10.0]),
                (UsageByOthers, [3.0, 10.0, 30.0]),
                (FeedbackRating, [3.0, 4.0, 4.5]),
            ],
        ),
        (
            "team_player",
            [
                (Participation, [5.0, 20.0, 50.0]),
                (TeamAchievements, [1.0, 3.0, 10.0]),
                (TeamSuccess, [2.0, 3.0, 5.0]),
            ],
        ),
    ];
    let criterion = |(measure, targets): (Measure, [f64; 3])| CriterionRule {
        key: measure.as_str().to_owned(),
        measure,
        targets,
    };
    rows.map(|(name, criteria)| AchievementRule {
        achievement_type: name.to_owned(),
        criteria: criteria.map(criterion).to_vec(),
    })
    .to_vec()
}
