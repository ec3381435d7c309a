//! What a school decides besides amounts: quizzes, skills, manual awards, teams, seasons, preferences, signals.

use homeroom_schema::ReferenceId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What counts as passed and as fast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuizRules {
    /// A score from here on passes, 0 to 1.
    pub pass_from: f64,
    /// A quiz has a par time of its own, the median of its earlier completions, from so many of them on.
    pub par_from_completions: u32,
    /// Par times set by the school, milliseconds, by reference: these need no completions.
    pub par_ms: BTreeMap<ReferenceId, u64>,
}

/// How mastery of skills is estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkillRules {
    /// For every skill without parameters of its own.
    pub default: KnowledgeTracing,
    /// By skill.
    pub by_skill: BTreeMap<String, KnowledgeTracing>,
}

/// Parameters of Bayesian knowledge tracing (Corbett and Anderson, "Knowledge tracing: Modeling the acquisition of
/// procedural knowledge", User Modeling and User-Adapted Interaction 4, 1994). Probabilities, 0 to 1; `guess` + `slip` < 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KnowledgeTracing {
    /// P(L0): the skill is known before the first opportunity.
    pub known: f64,
    /// P(T): it is learned at an opportunity.
    pub learn: f64,
    /// P(G): a correct answer without knowing.
    pub guess: f64,
    /// P(S): a wrong answer in spite of knowing.
    pub slip: f64,
}

/// What may be given by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualAwards {
    /// Points of one award at the most.
    pub per_award: u32,
    /// Points that one mentor may give in a local week, from Monday. Admins have no budget.
    pub per_mentor_and_week: u32,
}

/// How teams score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamRules {
    /// How the members' points become the team's.
    pub scoring: TeamScoring,
    /// What becomes of points when a person changes teams.
    pub transfer: Transfer,
}

/// How the members' points become the team's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamScoring {
    /// Their sum.
    Sum,
    /// Their sum ÷ members.
    Mean,
    /// Their sum ÷ √members: between the sum, which favours large teams, and the mean, which favours small ones.
    Adjusted,
}

/// What becomes of points when a person changes teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// They go with the person: a team has the points of its present members.
    Follow,
    /// They stay with the team in which they were earned.
    Stay,
}

/// A part of the school year with boards of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Season {
    /// Its name.
    pub name: String,
    /// Its first local day, days since 1970-01-01.
    pub from_day: i32,
    /// The local day after its last.
    pub to_day: i32,
}

/// How often people may change their minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreferenceRules {
    /// After a change of whether one is on boards, the next waits so many milliseconds.
    pub locked_for_ms: i64,
}

/// When mentors are told of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SignalRules {
    /// Stuck: a unit begun so many days ago is still not complete, although the person is active.
    pub stuck_days: u32,
    /// Stuck: so many quizzes of one skill or unit failed in a row.
    pub stuck_failures: u32,
    /// Silent: nothing for so many days.
    pub silent_days: u32,
    /// Nearly there: so many percent of a qualification complete.
    pub nearly_percent: f64,
}
