//! What a person can be awarded for, with which evidence, and why an award can be refused. No amounts: those are rules.

use homeroom_schema::{ReferenceId, TeamId, UserId};
use serde::{Deserialize, Serialize};

/// The five actions of the specification, and what mentors and admins give by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Reading content of a unit.
    ReadContent,
    /// Completing a quiz.
    CompleteQuiz,
    /// Contributing a resource.
    ContributeResource,
    /// Giving feedback on somebody's resource.
    CommunityFeedback,
    /// Taking part in an achievement of a team.
    TeamAchievement,
    /// Given by hand. Its reference is its own place in the learner's stream, so that each is an award of its own.
    ManualAward,
}

impl Action {
    /// The actions that can be earned, in the order of the specification.
    pub const ALL: [Self; 5] = [
        Self::ReadContent,
        Self::CompleteQuiz,
        Self::ContributeResource,
        Self::CommunityFeedback,
        Self::TeamAchievement,
    ];

    /// The wire and stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadContent => "read_content",
            Self::CompleteQuiz => "complete_quiz",
            Self::ContributeResource => "contribute_resource",
            Self::CommunityFeedback => "community_feedback",
            Self::TeamAchievement => "team_achievement",
            Self::ManualAward => "manual_award",
        }
    }

    /// Reads the wire name of an action that can be earned.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Somebody's resource: a contributor together with a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResourceRef {
    /// The contributor.
    pub user_id: UserId,
    /// The reference under which it was contributed.
    pub reference_id: ReferenceId,
}

/// What was observed besides the bare action. Ranges are checked at the edge, whatever the action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Result of an assessment, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Time taken, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Quality of a submission, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
    /// The resource read or rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceRef>,
    /// Rating given with feedback, 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// The team of a team achievement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
}

impl Evidence {
    /// Whether nothing was observed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why rules refuse an award. The names are on the wire and stored: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The natural key (user, action, reference) has been used.
    AlreadyAwarded,
    /// Too soon after another award of the same action.
    Cooldown,
    /// As many awards of this action in the window as the rules allow.
    WindowFull,
    /// The points of the time have reached a cap.
    CapReached,
}

impl RefusalReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AlreadyAwarded, Self::Cooldown, Self::WindowFull, Self::CapReached];

    /// The wire and stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyAwarded => "already_awarded",
            Self::Cooldown => "cooldown",
            Self::WindowFull => "window_full",
            Self::CapReached => "cap_reached",
        }
    }
}
