//! The facts of one learner's stream. Each is one message on that learner's topic. What is stored is here; names are not.

use crate::domain::achievements::{Reached, Tier};
use crate::domain::action::{Action, Evidence, RefusalReason};
use crate::domain::carried::{Carried, CarriedEntry};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId, UserId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
        /// The bonus that made these points, in percent; none for 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bonus_percent: Option<u32>,
        /// The quiz's par time at that moment, milliseconds: a shorter `duration_ms` was a fast completion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        par_ms: Option<u64>,
        /// Who gave a manual award, if a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        granted_by: Option<UserId>,
        /// When it happened.
        occurred_at: TimeMs,
        /// The local day of `occurred_at` in the node's zone then, days since 1970-01-01; facts of early versions have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<i32>,
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
        /// The version of the rules in force; facts of early versions have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rules: Option<u32>,
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
        /// The learner's teams when it was awarded.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        teams: Vec<TeamId>,
        /// What was observed with it.
        #[serde(default, skip_serializing_if = "Evidence::is_empty")]
        evidence: Evidence,
        /// Points taken back, as a positive number; never more than the total.
        points: u32,
        /// The total after it.
        total: u64,
        /// The level after it.
        level: u32,
        /// The learner's points inside `qualification` after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification_total: Option<u64>,
        /// The version of the rules in force; facts of early versions have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rules: Option<u32>,
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
        /// The learner's teams when it was awarded.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        teams: Vec<TeamId>,
        /// What was observed with it.
        #[serde(default, skip_serializing_if = "Evidence::is_empty")]
        evidence: Evidence,
        /// Points given back.
        points: u32,
        /// The total after it.
        total: u64,
        /// The level after it.
        level: u32,
        /// The learner's points inside `qualification` after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification_total: Option<u64>,
        /// The version of the rules in force; facts of early versions have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rules: Option<u32>,
        /// `occurred_at` of the award.
        occurred_at: TimeMs,
    },
    /// Changed rules were applied to what had been awarded before, or that was undone.
    PointsAdjusted {
        /// The act: the version of the rules that it applied. Undoing names the same.
        act: u32,
        /// Whether this undoes the act.
        #[serde(default, skip_serializing_if = "is_false")]
        undone: bool,
        /// What single awards are worth from here on, by natural key.
        awards: Vec<(Action, ReferenceId, u32)>,
        /// What that means for the ledger, by local day and qualification; together `points`.
        parts: Vec<AdjustedPart>,
        /// Achievements given.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        given: Vec<GivenAchievement>,
        /// Achievements taken back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        revoked: Vec<(String, Tier)>,
        /// The learner's teams at that moment.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        teams: Vec<TeamId>,
        /// The change of the total.
        points: i64,
        /// The total after it.
        total: u64,
        /// The level after it.
        level: u32,
        /// The version of the rules in force after it.
        rules: u32,
        /// When it happened. The moment at which the present total was reached stays what it was.
        occurred_at: TimeMs,
    },
    /// A tier of an achievement was earned.
    AchievementUnlocked {
        /// Which one.
        achievement: String,
        /// Which tier.
        tier: Tier,
        /// What each criterion stood at, and what was asked, by key.
        data: BTreeMap<String, Reached>,
        /// The version of the rules in force.
        rules: u32,
        /// The fact of this stream that tipped it; none if that was somebody else's, or changed courses or rules.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Version>,
        /// When it was earned.
        occurred_at: TimeMs,
    },
    /// Older facts were purged: this is what they made.
    StateCarried {
        /// The state.
        state: Box<Carried>,
        /// What the ledger keeps of their entries; together the total.
        entries: Vec<CarriedEntry>,
        /// When the last of them happened.
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

/// Points that an adjustment moved for awards of one local day in one qualification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustedPart {
    /// A moment of that day: of one of the awards.
    pub occurred_at: TimeMs,
    /// The qualification that they counted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<QualificationId>,
    /// The change.
    pub points: i64,
}

/// An achievement that an adjustment gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GivenAchievement {
    /// Which one.
    pub achievement: String,
    /// Which tier.
    pub tier: Tier,
    /// When it was earned.
    pub earned_at: TimeMs,
    /// What each criterion stood at, and what was asked, by key.
    pub data: BTreeMap<String, Reached>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// The type of an unlocked achievement, as stored in `events.event_type`.
pub const UNLOCKED_TYPE: &str = "achievement_unlocked";

/// Types of the ledger's entries, as stored in `events.event_type`.
pub const LEDGER_TYPES: &[&str] = &[
    "points_awarded",
    "points_refused",
    "points_reversed",
    "points_reinstated",
    "points_adjusted",
    "state_carried",
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
            Self::PointsAdjusted { .. } => "points_adjusted",
            Self::AchievementUnlocked { .. } => UNLOCKED_TYPE,
            Self::StateCarried { .. } => "state_carried",
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
            | Self::PointsAdjusted { occurred_at, .. }
            | Self::AchievementUnlocked { occurred_at, .. }
            | Self::StateCarried { occurred_at, .. }
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
