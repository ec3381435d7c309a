//! Undoing one act on the past for one learner: what was worth what before it, and which achievements it gave and took. Pure.

use crate::domain::achievements::Tier;
use crate::domain::action::Action;
use crate::domain::event::{EventMeta, GivenAchievement, LearnerEvent};
use crate::domain::evolve::evolve;
use crate::domain::learner::{AwardStanding, Earned, Learner};
use crate::domain::rules::Rules;
use crate::domain::rules::replay::{Adjustment, Moved};
use homeroom_schema::{ReferenceId, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One learner's facts, folded to undo one act.
#[derive(Debug, Clone)]
pub struct Undo {
    act: u32,
    actual: Learner,
    before: Option<Before>,
    is_undone: bool,
}

/// What stood before the act.
#[derive(Debug, Clone)]
struct Before {
    awards: Vec<((Action, ReferenceId), u32)>,
    given: Vec<GivenAchievement>,
    achievements: Arc<BTreeMap<(String, Tier), Earned>>,
    revoked: Vec<(String, Tier)>,
    total: u64,
    level: u32,
}

impl Undo {
    /// Nothing folded yet.
    #[must_use]
    pub fn new(user_id: UserId, act: u32) -> Self {
        Self {
            act,
            actual: Learner::new(user_id),
            before: None,
            is_undone: false,
        }
    }

    /// The state as it is.
    #[must_use]
    pub const fn actual(&self) -> &Learner {
        &self.actual
    }

    /// Whether the act was undone for them.
    #[must_use]
    pub const fn is_undone(&self) -> bool {
        self.is_undone
    }

    /// Takes the next fact of the stream.
    pub fn take(&mut self, event: &LearnerEvent, meta: EventMeta) {
        if let LearnerEvent::PointsAdjusted {
            act,
            undone,
            awards,
            given,
            revoked,
            ..
        } = event
            && *act == self.act
        {
            self.is_undone |= undone;
            if !undone {
                let points = |key| self.actual.awards.get(&key).map(|award| (key, award.points));
                self.before = Some(Before {
                    awards: awards
                        .iter()
                        .filter_map(|(action, id, _)| points((*action, *id)))
                        .collect(),
                    given: given.clone(),
                    achievements: Arc::clone(&self.actual.achievements),
                    revoked: revoked.clone(),
                    total: self.actual.total,
                    level: self.actual.level,
                });
            }
        }
        evolve(&mut self.actual, event, meta);
    }

    /// What undoing means for the learner as they stand; none when the act did not concern them, or was undone before.
    #[must_use]
    pub fn adjustment(self, rules: &Rules) -> Option<Adjustment> {
        let before = self.before.filter(|_| !self.is_undone)?;
        let mut moved = Moved::default();
        for (key, points) in before.awards {
            let Some(award) = self.actual.awards.get(&key) else {
                continue;
            };
            match award.standing {
                AwardStanding::Counted | AwardStanding::Reinstated => moved.award(key, award, points),
                // Taken back whole: it adds nothing, but would be given again with the points of before.
                AwardStanding::Reversed { points: taken, .. } if taken == award.points && taken != points => {
                    moved.awards.push((key.0, key.1, points));
                }
                AwardStanding::Reversed { .. } => {}
            }
        }
        let held = &self.actual.achievements;
        let is_of_act = |given: &&GivenAchievement| {
            let earned = held.get(&(given.achievement.clone(), given.tier));
            earned.is_some_and(|earned| earned.earned_at == given.earned_at)
        };
        let taken = before.given.iter().filter(is_of_act);
        let taken = taken.map(|given| (given.achievement.clone(), given.tier)).collect();
        let back = before.revoked.into_iter().filter_map(|key| {
            let earned = before.achievements.get(&key)?;
            Some(GivenAchievement {
                achievement: key.0,
                tier: key.1,
                earned_at: earned.earned_at,
                data: earned.data.clone(),
            })
        });
        let back = back.collect();
        let total = self.actual.total.saturating_add_signed(moved.points);
        let level = if total == before.total {
            before.level
        } else {
            rules.levels.level_of(total)
        };
        Some(moved.into_adjustment((back, taken), total, level))
    }
}
