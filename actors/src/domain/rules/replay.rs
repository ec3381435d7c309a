//! A learner's facts under other rules: what each award would be worth, which tiers would be held, and what undoing that
//! means. Pure: facts in, an adjustment out.
//!
//! Every award that counts is looked at anew, in the order of the stream, beside those before it as the other rules see them.
//! What the other rules refuse is worth nothing, and stands in nobody's way; its natural key stays used. What was refused
//! then stays refused. Awards that were taken back and awards by hand stay as they are.

mod undo;

pub use undo::Undo;

use crate::domain::achievements::{Outside, Reached, Tier, achievements};
use crate::domain::action::Action;
use crate::domain::course::Course;
use crate::domain::event::{AdjustedPart, EventMeta, GivenAchievement, LearnerEvent};
use crate::domain::evolve::evolve;
use crate::domain::learner::{Award, Learner};
use crate::domain::rules::past::Past;
use crate::domain::rules::{AchievementRule, Attempt, Measure, NextPeriods, Rules};
use homeroom_schema::{QualificationId, ReferenceId, TeamId, TimeMs, UserId};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What changed rules, or undoing them, mean for one learner.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustment {
    /// What single awards are worth from here on, by natural key.
    pub awards: Vec<(Action, ReferenceId, u32)>,
    /// The change by local day and qualification; together `points`.
    pub parts: Vec<AdjustedPart>,
    /// Achievements given.
    pub given: Vec<GivenAchievement>,
    /// Achievements that would not be held any more; they are taken back only where that is asked for.
    pub lost: Vec<(String, Tier)>,
    /// The change of the total.
    pub points: i64,
    /// The total after it.
    pub total: u64,
    /// The level after it.
    pub level: u32,
}

/// One act on the past: who, what and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// The version of the rules that it applied.
    pub act: u32,
    /// Whether this undoes it.
    pub undone: bool,
    /// The version of the rules in force after it.
    pub rules: u32,
    /// When.
    pub occurred_at: TimeMs,
}

impl Adjustment {
    /// The fact, given the learner's teams now.
    #[must_use]
    pub fn into_event(self, act: Act, teams: Vec<TeamId>) -> LearnerEvent {
        LearnerEvent::PointsAdjusted {
            act: act.act,
            undone: act.undone,
            awards: self.awards,
            parts: self.parts,
            given: self.given,
            revoked: self.lost,
            teams,
            points: self.points,
            total: self.total,
            level: self.level,
            rules: act.rules,
            occurred_at: act.occurred_at,
        }
    }
}

/// One learner's facts, folded as they were and as other rules would have it.
#[derive(Debug, Clone)]
pub struct Replay<'r> {
    rules: &'r Rules,
    actual: Learner,
    other: Supposed,
    is_adjusted: bool,
    act: u32,
}

impl<'r> Replay<'r> {
    /// Nothing folded yet. `act` is the act in question: whoever has been adjusted by it is not adjusted again.
    #[must_use]
    pub fn new(user_id: UserId, rules: &'r Rules, act: u32) -> Self {
        Self {
            rules,
            actual: Learner::new(user_id),
            other: Supposed::default(),
            is_adjusted: false,
            act,
        }
    }

    /// The state as it is.
    #[must_use]
    pub const fn actual(&self) -> &Learner {
        &self.actual
    }

    /// Whether the act has adjusted them.
    #[must_use]
    pub const fn is_adjusted(&self) -> bool {
        self.is_adjusted
    }

    /// Takes the next fact of the stream.
    pub fn take(&mut self, event: &LearnerEvent, meta: EventMeta) {
        evolve(&mut self.actual, event, meta);
        match event {
            LearnerEvent::PointsAwarded { action, reference, .. } => self.award((*action, *reference)),
            LearnerEvent::PointsReversed { action, reference, .. }
            | LearnerEvent::PointsReinstated { action, reference, .. } => {
                let key = (*action, *reference);
                if let Some(actual) = self.actual.awards.get(&key)
                    && let Some(other) = self.other.0.get_mut(&by_day(key, actual))
                {
                    other.standing = actual.standing;
                }
            }
            // The state says all of its awards that the other rules ask for.
            LearnerEvent::StateCarried { .. } => {
                let awards = self.actual.awards.iter();
                let mut keys: Vec<_> = awards.map(|(key, award)| (award.version, *key)).collect();
                keys.sort_unstable();
                keys.into_iter().for_each(|(_, key)| self.award(key));
            }
            LearnerEvent::PointsAdjusted { act, undone, .. } => self.is_adjusted |= *act == self.act && !undone,
            LearnerEvent::PointsRefused { .. }
            | LearnerEvent::AchievementUnlocked { .. }
            | LearnerEvent::ProgressMade { .. } => {}
        }
    }

    fn award(&mut self, key: (Action, ReferenceId)) {
        let Some(actual) = self.actual.awards.get(&key) else {
            return;
        };
        let attempt = Attempt {
            action: key.0,
            qualification: actual.qualification,
            occurred_at: actual.occurred_at,
            day: actual.day,
            next: NextPeriods::default(),
        };
        if let Some(worth) = self.rules.worth_at_all(&self.other, &attempt) {
            let award = Award {
                points: worth.points,
                ..*actual
            };
            self.other.0.insert(by_day(key, actual), award);
        }
    }

    /// What the other rules mean for the learner as they stand; none when they mean nothing, or did so before. Tiers that
    /// would be lost alone are a meaning only where `revoke` says so.
    #[must_use]
    pub fn adjustment(mut self, around: (&Course, &Outside), now: TimeMs, revoke: bool) -> Option<Adjustment> {
        if self.is_adjusted {
            return None;
        }
        let mut moved = Moved::default();
        for (key, award) in &mut self.actual.awards {
            if key.0 == Action::ManualAward || !award.counts() {
                continue;
            }
            let other = self.other.0.get(&by_day(*key, award));
            let points = other.map_or(0, |other| other.points);
            moved.award(*key, award, points);
        }
        let before = self.actual.level;
        self.actual.total = self.actual.total.saturating_add_signed(moved.points);
        let (total, level) = (self.actual.total, self.rules.levels.level_of(self.actual.total));
        let (given, lost) = tiers(&self.actual, around, self.rules, now);
        let is_nothing = moved.awards.is_empty() && given.is_empty() && level == before && (lost.is_empty() || !revoke);
        (!is_nothing).then(|| moved.into_adjustment((given, lost), total, level))
    }
}

/// The awards that the other rules give, by local day, action and reference: limits look at a few days around each.
#[derive(Debug, Clone, Default)]
struct Supposed(BTreeMap<(i32, Action, ReferenceId), Award>);

const fn by_day(key: (Action, ReferenceId), award: &Award) -> (i32, Action, ReferenceId) {
    (award.day, key.0, key.1)
}

impl Past for Supposed {
    fn awards<'a, 'b>(
        &'a self,
        actions: &'b [Action],
        days: RangeInclusive<i32>,
    ) -> impl Iterator<Item = &'a Award> + use<'a, 'b> {
        // An action that none comes before, so that the last day is there as a whole.
        let from = (*days.start(), Action::ALL[0], ReferenceId::MIN);
        let awards = self.0.range(from..).take_while(move |((day, ..), _)| day <= days.end());
        awards
            .filter(|((_, action, _), _)| actions.contains(action))
            .map(|(_, award)| award)
    }
}

/// What changed points add up to.
#[derive(Debug, Default)]
struct Moved {
    awards: Vec<(Action, ReferenceId, u32)>,
    days: BTreeMap<(i32, Option<QualificationId>), (TimeMs, i64)>,
    points: i64,
}

impl Moved {
    /// Gives an award that counts other points.
    fn award(&mut self, key: (Action, ReferenceId), award: &Award, points: u32) {
        let change = i64::from(points) - i64::from(award.points);
        if change == 0 {
            return;
        }
        self.awards.push((key.0, key.1, points));
        self.points += change;
        let of_day = self.days.entry((award.day, award.qualification));
        let (moment, sum) = of_day.or_insert((award.occurred_at, 0));
        *moment = (*moment).min(award.occurred_at);
        *sum += change;
    }

    fn into_adjustment(
        self,
        (given, lost): (Vec<GivenAchievement>, Vec<(String, Tier)>),
        total: u64,
        level: u32,
    ) -> Adjustment {
        let parts = self.days.into_iter().filter(|(_, (_, points))| *points != 0);
        let parts = parts.map(|((_, qualification), (occurred_at, points))| AdjustedPart {
            occurred_at,
            qualification,
            points,
        });
        Adjustment {
            awards: self.awards,
            parts: parts.collect(),
            given,
            lost,
            points: self.points,
            total,
            level,
        }
    }
}

/// The tiers that are met and not held, and those that are held and would not have been earned: neither what was observed
/// when they were earned nor what stands now arrives where the tier begins now.
fn tiers(
    learner: &Learner,
    (course, outside): (&Course, &Outside),
    rules: &Rules,
    now: TimeMs,
) -> (Vec<GivenAchievement>, Vec<(String, Tier)>) {
    let (mut given, mut lost) = (Vec::new(), Vec::new());
    for progress in achievements(learner, course, outside, rules) {
        let is_met = progress.criteria.iter().all(|criterion| criterion.met);
        match progress.earned {
            None if is_met => given.push(GivenAchievement {
                achievement: progress.achievement_type,
                tier: progress.tier,
                earned_at: now,
                data: progress
                    .criteria
                    .into_iter()
                    .map(|one| {
                        let reached = Reached {
                            value: one.current,
                            target: one.target,
                        };
                        (one.key, reached)
                    })
                    .collect(),
            }),
            Some(earned) if !is_met => {
                let of_type = |rule: &&AchievementRule| rule.achievement_type == progress.achievement_type;
                let rule = rules.achievements.iter().find(of_type);
                let was_met = progress.criteria.iter().all(|one| {
                    let is_points = rule.is_some_and(|rule| {
                        let mut criteria = rule.criteria.iter();
                        criteria.any(|other| other.key == one.key && other.measure == Measure::Points)
                    });
                    // Points of then were those of other rules.
                    let then = earned.data.get(&one.key).filter(|_| !is_points);
                    one.met || then.is_some_and(|then| then.value >= one.target)
                });
                if !was_met {
                    lost.push((progress.achievement_type, progress.tier));
                }
            }
            None | Some(_) => {}
        }
    }
    let is_known = |name: &str| rules.achievements.iter().any(|rule| rule.achievement_type == name);
    let unknown = learner.achievements.keys().filter(|(name, _)| !is_known(name));
    lost.extend(unknown.cloned());
    (given, lost)
}
