//! One learner's state, as folded from their stream. Data and questions; changes happen in `evolve` alone.

use crate::domain::action::{Action, RefusalReason};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One learner. Maps are ordered, so that equal histories give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    /// Whose state this is.
    pub user_id: UserId,
    /// The number of facts folded.
    pub version: Version,
    /// The sum of the ledger; never negative.
    pub total: u64,
    /// The level that the last entry of the ledger said.
    pub level: u32,
    /// `occurred_at` of the entry that made the present total.
    pub reached_at: Option<TimeMs>,
    /// Every natural key ever used.
    pub awards: BTreeMap<(Action, ReferenceId), Award>,
    /// The last receipt of each refusal.
    pub receipts: BTreeMap<(Action, ReferenceId, RefusalReason), Receipt>,
    /// Units touched.
    pub units: BTreeMap<UnitId, UnitProgress>,
    /// Points inside each qualification.
    pub qualifications: BTreeMap<QualificationId, QualificationPoints>,
    /// Counts that achievements are made of.
    pub counters: Counters,
}

/// What became of one natural key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// The event that awarded it.
    pub event_id: EventId,
    /// Points awarded.
    pub points: u32,
    /// When it happened.
    pub occurred_at: TimeMs,
    /// The unit that it is tied to.
    pub unit: Option<UnitId>,
    /// The qualification that it counts for.
    pub qualification: Option<QualificationId>,
    /// Whether it counts.
    pub standing: AwardStanding,
}

/// Whether an award counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AwardStanding {
    /// It counts.
    Counted,
    /// It was taken back; `points` were really taken (a total never falls below 0).
    Reversed {
        /// The compensating event.
        by: EventId,
        /// Points really taken back.
        points: u32,
    },
    /// It was taken back and given again; that happens once.
    Reinstated,
}

/// The last receipt of one refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The event that kept it.
    pub event_id: EventId,
    /// Its place in the stream.
    pub version: Version,
    /// The local day that it belongs to, days since 1970-01-01.
    pub day: i32,
    /// When the award would be possible; none means never.
    pub retry_at: Option<TimeMs>,
}

/// Progress in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitProgress {
    /// 0 to 100; never falls.
    pub progress_percentage: u8,
    /// The latest touch.
    pub last_accessed: TimeMs,
    /// When 100 was first reached; set once.
    pub completed_at: Option<TimeMs>,
    /// The last event of this unit: a repeated answer points at it.
    pub version: Version,
}

/// Points inside one qualification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualificationPoints {
    /// The sum; never negative.
    pub points: u64,
    /// `occurred_at` of the entry that made it.
    pub reached_at: TimeMs,
}

/// Counts that achievements are made of, from the learner's own facts that still count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Best score of each assessment, by reference.
    pub best_scores: BTreeMap<ReferenceId, f64>,
    /// Quiz awards with a score of exactly 1.
    pub perfect_scores: u32,
    /// Resource awards with a quality.
    pub resources_rated: u32,
    /// The sum of those qualities.
    pub resource_quality_sum: f64,
    /// Resource awards with a quality of at least 0.8.
    pub resources_high_quality: u32,
    /// Team achievements taken part in.
    pub team_achievements: u32,
    /// Awards of any action that count.
    pub awards_counted: u32,
}

impl Learner {
    /// A learner of whom nothing is known yet.
    #[must_use]
    pub fn new(user_id: UserId) -> Self {
        Self {
            user_id,
            version: Version::ZERO,
            total: 0,
            level: 1,
            reached_at: None,
            awards: BTreeMap::new(),
            receipts: BTreeMap::new(),
            units: BTreeMap::new(),
            qualifications: BTreeMap::new(),
            counters: Counters::default(),
        }
    }
}
