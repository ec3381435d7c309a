//! The four achievements with their criteria and tiers, and how far a learner is towards each. Pure.

use crate::domain::course::Course;
use crate::domain::learner::Learner;
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

/// All twelve, in the order of types and tiers.
#[must_use]
pub fn achievements(learner: &Learner, course: &Course) -> Vec<AchievementProgress> {
    let _ = (learner, course);
    unimplemented!("homeroom domain")
}
