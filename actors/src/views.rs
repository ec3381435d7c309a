//! What reads give back: plain data before any lens. Names and aliases stand side by side; the edge picks by lens.

use crate::domain::achievements::{AchievementProgress, Tier};
use crate::domain::action::{Action, RefusalReason};
use crate::domain::board::Figure;
use crate::domain::course::{Completion, SkillMastery};
use crate::domain::learner::UnitProgress;
use crate::hub::Span;
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId, UserId, Version};
use std::sync::Arc;

/// A learner's progress, points and achievements at one version.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnerView {
    /// Whose.
    pub user_id: UserId,
    /// At which version; durable.
    pub version: Version,
    /// Units touched, rising.
    pub units: Vec<(UnitId, UnitProgress)>,
    /// How far, by the catalogue of now.
    pub completion: Completion,
    /// Points.
    pub total: u64,
    /// Level.
    pub level: u32,
    /// All achievements with their criteria.
    pub achievements: Vec<AchievementProgress>,
}

/// The answer to an award.
#[derive(Debug, Clone, PartialEq)]
pub struct EarnOutcome {
    /// The award's or the receipt's event.
    pub event_id: EventId,
    /// Whose.
    pub user_id: UserId,
    /// For what.
    pub action: Action,
    /// For which one.
    pub reference: ReferenceId,
    /// Whether points were given.
    pub awarded: bool,
    /// How many.
    pub points: u32,
    /// The total after it.
    pub total: u64,
    /// The level after it.
    pub level: u32,
    /// Why not, if not.
    pub reason: Option<RefusalReason>,
    /// When it would be possible, if ever.
    pub retry_at: Option<TimeMs>,
    /// Achievements that it unlocked, in the order in which they were.
    pub unlocked: Vec<(String, Tier)>,
}

/// The answer to progress: the unit's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressOutcome {
    /// Whose.
    pub user_id: UserId,
    /// Which unit.
    pub unit_id: UnitId,
    /// Its state.
    pub progress: UnitProgress,
}

/// The answer to a reversal or reinstatement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrectionOutcome {
    /// The compensating entry.
    pub event_id: EventId,
    /// The award.
    pub of: EventId,
    /// Whose.
    pub user_id: UserId,
    /// Points of the entry: negative for a reversal.
    pub points: i64,
    /// The total after it.
    pub total: u64,
    /// The level after it.
    pub level: u32,
}

/// A row of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// Competition rank.
    pub rank: u64,
    /// The person's or team's id.
    pub id: u64,
    /// The real name, or the team's.
    pub name: Arc<str>,
    /// What peers see; teams: their name.
    pub alias: Arc<str>,
    /// Points.
    pub points: Figure,
    /// When they were reached.
    pub reached_at: Option<TimeMs>,
}

/// A part of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardPage {
    /// The life of the board's actor.
    pub epoch: Arc<str>,
    /// The place in the journal that last changed the board.
    pub version: u64,
    /// All rows of the board.
    pub total: usize,
    /// The place of the first row given, from 0.
    pub from: usize,
    /// The rows.
    pub rows: Vec<BoardRow>,
    /// What a projector sees of a board of people: as many rows as it has places. Which of several equal rows are the last
    /// of them does not follow from their ids. Empty where it was not asked for.
    pub front: Vec<BoardRow>,
    /// What is counted.
    pub span: Span,
}

/// A team's performance.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamPerformance {
    /// Which team.
    pub team_id: TeamId,
    /// Its name.
    pub name: Arc<str>,
    /// Its mentor.
    pub mentor_id: Option<UserId>,
    /// Its present members, best first (the order of boards).
    pub members: Vec<MemberPerformance>,
    /// The sum of the members' points.
    pub points_sum: u64,
    /// Sum ÷ members; 0 without members.
    pub points_mean: f64,
    /// Sum ÷ √members; 0 without members: between the sum, which favours large teams, and the mean, which favours small ones.
    pub points_adjusted: f64,
    /// The mean of the members' completion percentages.
    pub mean_completion_percentage: f64,
    /// Units completed by members, counted once for each member.
    pub units_completed: usize,
    /// For each qualification that a member is enrolled in, rising.
    pub course_completion: Vec<CourseCompletion>,
    /// For each skill that a member's course trains, by name: the mean of those members' mastery.
    pub skills: Vec<SkillMastery>,
    /// Team achievements recorded.
    pub team_achievements: usize,
    /// The team's competition rank on the board `teams`; none while it has no members.
    pub rank: Option<u64>,
    /// The place in the journal that last changed any of this.
    pub version: u64,
}

impl TeamPerformance {
    /// Whether a person is among the members shown.
    pub(crate) fn names(&self, id: u64) -> bool {
        self.members.iter().any(|member| member.user_id.get() == id)
    }
}

/// One member's part of a team's performance.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberPerformance {
    /// Who.
    pub user_id: UserId,
    /// The real name.
    pub name: Arc<str>,
    /// What peers see.
    pub alias: Arc<str>,
    /// Points.
    pub points: u64,
    /// 0 to 100.
    pub completion_percentage: f64,
    /// Competition rank inside the team, by points; none for staff and mentors.
    pub rank: Option<u64>,
}

/// How far a team is in one qualification.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseCompletion {
    /// Which one.
    pub qualification_id: QualificationId,
    /// Members who are enrolled in it.
    pub learners: usize,
    /// Those of them who completed it.
    pub learners_completed: usize,
    /// The mean of their completion percentages, 0 to 100.
    pub completion_percentage: f64,
}
