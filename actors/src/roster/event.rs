//! Facts of the roster's stream: who and what there is, by ids. No name and no text of a person; those are in the tables.

use homeroom_schema::records::UserRole;
use homeroom_schema::{QualificationId, TeamId, UnitId, UserId};
use serde::{Deserialize, Serialize};

/// Entries of one event at the most; longer lists are several events.
pub(crate) const EVENT_ENTRIES_MAX: usize = 1_000;

/// One kept fact of the roster. Stored as a JSON object tagged by `type`; fields are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum RosterEvent {
    /// People were added or changed, or came back.
    UsersPut { users: Vec<UserPut> },
    /// Qualifications were added or changed.
    QualificationsPut { qualifications: Vec<QualificationId> },
    /// Units were added or changed.
    UnitsPut { units: Vec<UnitPut> },
    /// Teams were added or changed.
    TeamsPut { teams: Vec<TeamPut> },
    /// People became members of teams, or their role there changed.
    MembersPut { members: Vec<MemberRef> },
    /// People left teams.
    MembersRemoved { members: Vec<MemberRef> },
    /// Learners were enrolled.
    Enrolled { enrolments: Vec<EnrolmentRef> },
    /// Enrolments ended.
    Unenrolled { enrolments: Vec<EnrolmentRef> },
    /// Something was archived.
    Archived { entity: EntityKind, id: u64 },
    /// A person wants to be on boards, or does not.
    PreferencePut { id: UserId, on_boards: bool },
    /// A person was erased, and with that left all teams and enrolments.
    UserErased { id: UserId },
}

/// A person as put.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserPut {
    pub(crate) id: UserId,
    pub(crate) role: UserRole,
}

/// A unit as put. Names of skills are the catalogue's, not a person's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnitPut {
    pub(crate) id: UnitId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) qualification_id: Option<QualificationId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) skills: Vec<String>,
}

/// A team as put.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct TeamPut {
    pub(crate) id: TeamId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mentor_id: Option<UserId>,
}

/// A membership.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberRef {
    pub(crate) team_id: TeamId,
    pub(crate) user_id: UserId,
}

/// An enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct EnrolmentRef {
    pub(crate) qualification_id: QualificationId,
    pub(crate) user_id: UserId,
}

/// What can be archived.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntityKind {
    User,
    Qualification,
    Unit,
    Team,
}

impl RosterEvent {
    /// The stored type, equal to the JSON tag.
    pub(crate) const fn event_type(&self) -> &'static str {
        match self {
            Self::UsersPut { .. } => "users_put",
            Self::QualificationsPut { .. } => "qualifications_put",
            Self::UnitsPut { .. } => "units_put",
            Self::TeamsPut { .. } => "teams_put",
            Self::MembersPut { .. } => "members_put",
            Self::MembersRemoved { .. } => "members_removed",
            Self::Enrolled { .. } => "enrolled",
            Self::Unenrolled { .. } => "unenrolled",
            Self::Archived { .. } => "archived",
            Self::PreferencePut { .. } => "preference_put",
            Self::UserErased { .. } => "user_erased",
        }
    }
}
