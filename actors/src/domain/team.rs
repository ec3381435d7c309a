//! Facts and state of one team's stream: team achievements, each once per reference. Pure.

use homeroom_schema::{ReferenceId, TimeMs, UserId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One kept fact of a team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TeamEvent {
    /// The team achieved something together; the members' awards follow by natural key.
    TeamAchieved {
        /// What.
        reference: ReferenceId,
        /// Who was a member at that moment, rising.
        members: Vec<UserId>,
        /// Who reported it for whom (the person named in the command).
        reported_for: UserId,
        /// When it happened.
        occurred_at: TimeMs,
    },
}

impl TeamEvent {
    /// The stored type, equal to the JSON tag.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::TeamAchieved { .. } => "team_achieved",
        }
    }
}

/// One team's state, as folded from its stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TeamLog {
    /// The number of facts folded.
    pub version: Version,
    /// The fact of each reference.
    pub achieved: BTreeMap<ReferenceId, TeamFact>,
}

/// One team achievement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamFact {
    /// Its place in the team's stream.
    pub version: Version,
    /// Who was a member at that moment, rising.
    pub members: Vec<UserId>,
    /// When it happened.
    pub occurred_at: TimeMs,
}

impl TeamLog {
    /// Applies one kept fact. A second fact of the same reference changes nothing but the version.
    pub fn evolve(&mut self, event: &TeamEvent, version: Version) {
        self.version = version;
        match event {
            TeamEvent::TeamAchieved {
                reference,
                members,
                occurred_at,
                ..
            } => {
                self.achieved.entry(*reference).or_insert_with(|| TeamFact {
                    version,
                    members: members.clone(),
                    occurred_at: *occurred_at,
                });
            }
        }
    }
}
