//! A learner's whole state as one fact, in place of the facts that made it and were purged. Pure.

use crate::domain::achievements::Tier;
use crate::domain::action::Action;
use crate::domain::learner::{
    Award, Counters, Earned, Learner, QualificationPoints, Receipt, ReceiptKey, UnitProgress,
};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId, Version};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The form of [`Carried`]: another form gets another number.
pub const CARRIED_FORM: u32 = 1;

/// The state at one version. Lists in the order of their keys, since keys of JSON are texts. Counters are counted again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// [`CARRIED_FORM`].
    pub form: u32,
    /// The sum of the ledger.
    pub total: u64,
    /// The level.
    pub level: u32,
    /// `occurred_at` of the entry that made the total.
    pub reached_at: Option<TimeMs>,
    /// Every natural key ever used: each stays used.
    pub awards: Vec<(Action, ReferenceId, Award)>,
    /// The receipts of refusals.
    pub receipts: Vec<(ReceiptKey, Receipt)>,
    /// Units touched.
    pub units: Vec<(UnitId, UnitProgress)>,
    /// Points inside each qualification.
    pub qualifications: Vec<(QualificationId, QualificationPoints)>,
    /// Achievements earned.
    pub achievements: Vec<(String, Tier, Earned)>,
    /// As it was summed up: in another order the last digit could differ.
    pub resource_quality_sum: f64,
}

/// What the ledger keeps of purged entries: in each qualification, and outside of any, their sum where the last of them was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedEntry {
    /// The place in the journal of the purged entry that it takes.
    pub event_id: EventId,
    /// The qualification, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<QualificationId>,
    /// Points.
    pub points: i64,
    /// When the entry happened whose place it takes.
    pub occurred_at: TimeMs,
}

impl Carried {
    /// The state of a learner.
    #[must_use]
    pub fn of(learner: &Learner) -> Self {
        let awards = learner.awards.iter();
        let achievements = learner.achievements.iter();
        Self {
            form: CARRIED_FORM,
            total: learner.total,
            level: learner.level,
            reached_at: learner.reached_at,
            awards: awards.map(|(key, award)| (key.0, key.1, *award)).collect(),
            receipts: learner.receipts.iter().map(|(key, one)| (*key, *one)).collect(),
            units: learner.units.iter().map(|(id, unit)| (*id, *unit)).collect(),
            qualifications: learner.qualifications.iter().map(|(id, one)| (*id, *one)).collect(),
            achievements: achievements
                .map(|((achievement, tier), earned)| (achievement.clone(), *tier, earned.clone()))
                .collect(),
            resource_quality_sum: learner.counters.resource_quality_sum,
        }
    }

    /// The learner of this state.
    #[must_use]
    pub fn restored(&self, user_id: UserId, version: Version) -> Learner {
        let awards = self.awards.iter();
        let awards = awards
            .map(|(action, reference, award)| ((*action, *reference), *award))
            .collect();
        let achievements = self.achievements.iter();
        let achievements = achievements
            .map(|(achievement, tier, earned)| ((achievement.clone(), *tier), earned.clone()))
            .collect();
        Learner {
            user_id,
            version,
            total: self.total,
            level: self.level,
            reached_at: self.reached_at,
            counters: Counters {
                resource_quality_sum: self.resource_quality_sum,
                ..Counters::of(&awards)
            },
            awards,
            receipts: self.receipts.iter().copied().collect(),
            units: self.units.iter().copied().collect(),
            qualifications: self.qualifications.iter().copied().collect(),
            achievements: Arc::new(achievements),
        }
    }
}
