//! The facts of one learner's stream. Each is one message on that learner's topic. What is stored is here; names are not.

use crate::domain::action::{Action, Evidence, RefusalReason};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId, Version};
use serde::{Deserialize, Serialize};

/// One kept fact. It says everything that replay needs, so that [`fn@super::evolve`] never asks the rules or the catalogue.
/// Stored as a JSON object tagged by `type`; fields are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LearnerEvent {
    /// Points were awarded.
    PointsAwarded {
        /// For what.
        action: Action,
        /// For which one.
        reference: ReferenceId,
        /// The unit that it is tied to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<UnitId>,
        /// That unit's qualification at that moment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification: Option<QualificationId>,
        /// The learner's teams at that moment.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        teams: Vec<TeamId>,
        /// What was observed.
        #[serde(default, skip_serializing_if = "Evidence::is_empty")]
        evidence: Evidence,
        /// Points of this award.
        points: u32,
        /// The total after it.
        total: u64,
        /// The level after it.
        level: u32,
        /// The learner's points inside `qualification` after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification_total: Option<u64>,
        /// The version of the rules in force.
        rules: u32,
        /// When it happened.
        occurred_at: TimeMs,
    },
    /// An award was refused by the rules: a receipt.
    PointsRefused {
        /// For what.
        action: Action,
        /// For which one.
        reference: ReferenceId,
        /// Why.
        reason: RefusalReason,
        /// When it would be possible again; none means never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<TimeMs>,
        /// The unchanged total.
        total: u64,
        /// The unchanged level.
        level: u32,
        /// When it happened.
        occurred_at: TimeMs,
        /// The local day of `occurred_at` in the node's zone, days since 1970-01-01: receipts are kept once a day.
        day: i32,
    },
    /// An award was taken back, by a compensating entry.
    PointsReversed {
        /// The award's event.
        of: EventId,
        /// Its action.
        action: Action,
        /// Its reference.
        reference: ReferenceId,
        /// Its unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<UnitId>,
        /// Its qualification.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification: Option<QualificationId>,
        /// Points taken back, as a positive number; never more than the total.
        points: u32,
        /// The total after it.
        total: u64,
        /// The level after it.
        level: u32,
        /// The learner's points inside `qualification` after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification_total: Option<u64>,
        /// `occurred_at` of the award.
        occurred_at: TimeMs,
    },
    /// A reversal was undone.
    PointsReinstated {
        /// The award's event.
        of: EventId,
        /// Its action.
        action: Action,
        /// Its reference.
        reference: ReferenceId,
        /// Its unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<UnitId>,
        /// Its qualification.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification: Option<QualificationId>,
        /// Points given back.
        points: u32,
        /// The total after it.
        total: u64,
        /// The level after it.
        level: u32,
        /// The learner's points inside `qualification` after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification_total: Option<u64>,
        /// `occurred_at` of the award.
        occurred_at: TimeMs,
    },
    /// Progress was made in a unit, or the unit was touched again.
    ProgressMade {
        /// The unit.
        unit: UnitId,
        /// 0 to 100; never less than before.
        progress_percentage: u8,
        /// The latest touch.
        last_accessed: TimeMs,
        /// When 100 was first reached; set once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        completed_at: Option<TimeMs>,
        /// When this happened (may lie before `last_accessed`).
        occurred_at: TimeMs,
    },
}

/// Types of the ledger's entries, as stored in `events.event_type`.
pub const LEDGER_TYPES: &[&str] = &[
    "points_awarded",
    "points_refused",
    "points_reversed",
    "points_reinstated",
];

impl LearnerEvent {
    /// The stored type, equal to the JSON tag.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::PointsAwarded { .. } => "points_awarded",
            Self::PointsRefused { .. } => "points_refused",
            Self::PointsReversed { .. } => "points_reversed",
            Self::PointsReinstated { .. } => "points_reinstated",
            Self::ProgressMade { .. } => "progress_made",
        }
    }

    /// When it happened.
    #[must_use]
    pub const fn occurred_at(&self) -> TimeMs {
        match self {
            Self::PointsAwarded { occurred_at, .. }
            | Self::PointsRefused { occurred_at, .. }
            | Self::PointsReversed { occurred_at, .. }
            | Self::PointsReinstated { occurred_at, .. }
            | Self::ProgressMade { occurred_at, .. } => *occurred_at,
        }
    }
}

/// Where a kept fact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventMeta {
    /// Its place in the journal. [`EventId::MIN`] while it is only pending; nothing pending is ever shown.
    pub event_id: EventId,
    /// Its place in the learner's stream.
    pub version: Version,
}
