//! The rules in force: amounts, limits, thresholds and rights that are data, not code. Pure; read from a file by the server.

mod achievement;
mod check;
mod limit;
mod past;
pub mod replay;
mod school;
mod shipped;
mod spacing;

pub use achievement::{AchievementRule, CriterionRule, Measure};
pub use check::RuleFault;
pub use limit::{Attempt, NextPeriods, Refused, Worth};
pub use past::Past;
pub use school::{
    KnowledgeTracing, ManualAwards, PreferenceRules, QuizRules, Season, SignalRules, SkillRules, TeamRules,
    TeamScoring, Transfer,
};

use crate::domain::action::Action;
use crate::domain::level::LevelCurve;
use homeroom_schema::{QualificationId, TimeMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rules that decide awards and what they add up to. Clients never name amounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Stands on every ledger entry; rises with each change on this node.
    pub version: u32,
    /// What the school calls them.
    pub name: String,
    /// What holds unless a qualification has rules of its own.
    pub everywhere: AwardRules,
    /// The rules of single qualifications, each whole.
    pub qualifications: BTreeMap<QualificationId, AwardRules>,
    /// Where levels begin, and their names.
    pub levels: LevelCurve,
    /// The achievements, in the order in which they are shown.
    pub achievements: Vec<AchievementRule>,
    /// What counts as passed, and as fast.
    pub quizzes: QuizRules,
    /// How mastery of skills is estimated.
    pub skills: SkillRules,
    /// What mentors may give by hand.
    pub manual: ManualAwards,
    /// How teams score.
    pub teams: TeamRules,
    /// Seasons, rising, none overlapping another.
    pub seasons: Vec<Season>,
    /// How often people may change their minds.
    pub preferences: PreferenceRules,
    /// When mentors are told of somebody.
    pub signals: SignalRules,
}

/// What one award is worth, and what limits it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwardRules {
    /// For each action, in the order of [`Action::ALL`].
    pub actions: [ActionRules; 5],
    /// Bounds of sums.
    pub caps: Vec<Cap>,
    /// Times in which awards are worth more (or less).
    pub bonuses: Vec<Bonus>,
}

/// The rules of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRules {
    /// Points of one award, before any bonus.
    pub points: u32,
    /// Whether students may report it of themselves.
    pub self_reportable: bool,
    /// At least this long between two awards of this action; 0 for none.
    pub cooldown_ms: i64,
    /// At most so many awards of this action in any window of so many milliseconds.
    pub windows: Vec<AwardsPerWindow>,
}

/// At most `awards` in any window of `within_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardsPerWindow {
    /// From 1.
    pub awards: u32,
    /// Milliseconds, from 1.
    pub within_ms: i64,
}

/// A bound of the points of some actions over some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// Which actions count towards it and are held by it; none means all five.
    pub actions: Vec<Action>,
    /// At most so many points.
    pub points: u32,
    /// Over which time.
    pub per: CapSpan,
    /// What happens to an award that would exceed it.
    pub at_cap: AtCap,
}

/// Over which time a cap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapSpan {
    /// A local day.
    Day,
    /// A local week, from Monday.
    Week,
    /// The season that the day lies in, or the time between two seasons.
    Season,
    /// Any window of so many milliseconds.
    RollingMs(i64),
}

/// What happens to an award that would exceed a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtCap {
    /// It is refused whole.
    Refuse,
    /// What is left under the cap is given; refused when nothing is left.
    Partial,
}

/// A time in which awards are multiplied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bonus {
    /// Which actions; none means all five.
    pub actions: Vec<Action>,
    /// Factor in hundredths: 150 is one and a half. Points are rounded down. Of several at one time the largest counts.
    pub percent: u32,
    /// From when on.
    pub from: TimeMs,
    /// Until before when.
    pub to: TimeMs,
}

impl Rules {
    /// The shipped rules with other points, in the order of [`Action::ALL`].
    #[must_use]
    pub fn with_points(version: u32, points: [u32; 5]) -> Self {
        let mut rules = Self::shipped();
        rules.version = version;
        for (action, points) in rules.everywhere.actions.iter_mut().zip(points) {
            action.points = points;
        }
        rules
    }

    /// The rules of awards that count for a qualification, or for none.
    #[must_use]
    pub fn awards(&self, qualification: Option<QualificationId>) -> &AwardRules {
        qualification
            .and_then(|id| self.qualifications.get(&id))
            .unwrap_or(&self.everywhere)
    }

    /// Points of one award outside of any qualification with rules of its own, before any bonus; 0 for a manual award, whose
    /// points its giver names.
    #[must_use]
    pub fn points(&self, action: Action) -> u32 {
        self.everywhere.action(action).map_or(0, |action| action.points)
    }

    /// Whether students may report this action of themselves.
    #[must_use]
    pub fn is_self_reportable(&self, action: Action) -> bool {
        self.everywhere
            .action(action)
            .is_some_and(|action| action.self_reportable)
    }

    /// The season that a local day lies in.
    #[must_use]
    pub fn season(&self, day: i32) -> Option<&Season> {
        self.seasons
            .iter()
            .find(|season| (season.from_day..season.to_day).contains(&day))
    }
}

impl AwardRules {
    /// The rules of an action; none for a manual award.
    #[must_use]
    pub fn action(&self, action: Action) -> Option<&ActionRules> {
        self.actions.get(action as usize)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::shipped()
    }
}

impl AwardRules {
    /// The bonus of an action at a moment, in percent; none for 100. Of several the largest counts.
    #[must_use]
    pub fn bonus_percent(&self, action: Action, at: TimeMs) -> Option<u32> {
        let holds = self.bonuses.iter().filter(|bonus| {
            let of_action = bonus.actions.is_empty() || bonus.actions.contains(&action);
            of_action && bonus.from <= at && at < bonus.to
        });
        holds.map(|bonus| bonus.percent).max().filter(|percent| *percent != 100)
    }
}

impl Cap {
    /// The actions that count towards it and are held by it.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        if self.actions.is_empty() {
            &Action::ALL
        } else {
            &self.actions
        }
    }
}
