//! One learner's state, as folded from their stream. Data and questions; changes happen in `evolve` alone.

use crate::domain::achievements::{Reached, Tier};
use crate::domain::action::{Action, RefusalReason};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One learner. Maps are ordered, so that equal histories give equal bytes.
#[derive(Debug, Clone, PartialEq)]
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
    /// The receipts of refusals: one a day for each.
    pub receipts: BTreeMap<ReceiptKey, Receipt>,
    /// Units touched.
    pub units: BTreeMap<UnitId, UnitProgress>,
    /// Points inside each qualification.
    pub qualifications: BTreeMap<QualificationId, QualificationPoints>,
    /// Counts that achievements are made of.
    pub counters: Counters,
    /// Achievements earned, by type and tier. Shared between copies of the state, since it seldom changes.
    pub achievements: Arc<BTreeMap<(String, Tier), Earned>>,
}

/// An achievement that was earned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earned {
    /// When.
    pub earned_at: TimeMs,
    /// What each criterion stood at, and what was asked, by key.
    pub data: BTreeMap<String, Reached>,
}

/// What became of one natural key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Award {
    /// The event that awarded it.
    pub event_id: EventId,
    /// Points awarded.
    pub points: u32,
    /// Its place in the stream.
    pub version: Version,
    /// When it happened.
    pub occurred_at: TimeMs,
    /// The local day on which it happened, days since 1970-01-01.
    pub day: i32,
    /// The unit that it is tied to.
    pub unit: Option<UnitId>,
    /// The qualification that it counts for.
    pub qualification: Option<QualificationId>,
    /// The score of an assessment or the quality of a resource, as far as it was observed: what counters are made of.
    pub measure: Option<f64>,
    /// Whether it was a quiz completed in less than its par time.
    pub is_fast: bool,
    /// Whether it counts.
    pub standing: AwardStanding,
}

impl Award {
    /// Whether it counts now: never taken back, or given again.
    #[must_use]
    pub const fn counts(&self) -> bool {
        !matches!(self.standing, AwardStanding::Reversed { .. })
    }

    /// What it adds to the total now. A reversal may have taken less than the award, so that no total fell below 0.
    #[must_use]
    pub const fn points_counted(&self) -> u32 {
        match self.standing {
            AwardStanding::Counted | AwardStanding::Reinstated => self.points,
            AwardStanding::Reversed { points, .. } => self.points.saturating_sub(points),
        }
    }
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

/// What one receipt stands for: the same refusal has one a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReceiptKey {
    /// For what.
    pub action: Action,
    /// For which one.
    pub reference: ReferenceId,
    /// Why it was refused.
    pub reason: RefusalReason,
    /// The local day of the attempt, days since 1970-01-01.
    pub day: i32,
}

/// A kept receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The event that kept it.
    pub event_id: EventId,
    /// Its place in the stream.
    pub version: Version,
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counters {
    /// Best score of each assessment, by reference.
    pub best_scores: BTreeMap<ReferenceId, f64>,
    /// Quiz awards with a score of exactly 1.
    pub perfect_scores: u32,
    /// Quiz awards completed in less than their par time.
    pub fast_completions: u32,
    /// The longest run of high scores, and how it goes on.
    pub streak: Streak,
    /// Resource awards with a quality.
    pub resources_rated: u32,
    /// The sum of those qualities.
    pub resource_quality_sum: f64,
    /// Resource awards with a quality of at least 0.8.
    pub resources_high_quality: u32,
    /// Team achievements taken part in.
    pub team_achievements: u32,
    /// Awards that count, of any action but manual awards.
    pub awards_counted: u32,
    /// The same for each action, in the order of [`Action::ALL`].
    pub by_action: [u32; 5],
}

/// Consecutive scored quizzes with a high score, in the order of their time, then of their place in the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streak {
    /// The run that the latest quiz is part of; 0 if that had no high score.
    pub current: u32,
    /// The longest run.
    pub longest: u32,
    /// Where the latest quiz stands.
    pub latest: Option<(TimeMs, Version)>,
}

impl Counters {
    /// Qualities and scores from here on are high.
    pub const HIGH_FROM: f64 = 0.8;

    /// Counts all awards that count, in the order of their keys.
    #[must_use]
    pub fn of(awards: &BTreeMap<(Action, ReferenceId), Award>) -> Self {
        let mut counters = Self::default();
        for ((action, reference), award) in awards.iter().filter(|(_, award)| award.counts()) {
            counters.count_one(*action, *reference, award);
        }
        counters.streak = Streak::of(awards);
        counters
    }

    /// Counts the newest of `awards`.
    pub fn count(&mut self, key: (Action, ReferenceId), awards: &BTreeMap<(Action, ReferenceId), Award>) {
        let Some(award) = awards.get(&key) else { return };
        self.count_one(key.0, key.1, award);
        if let (Action::CompleteQuiz, Some(score)) = (key.0, award.measure)
            && !self.streak.goes_on((award.occurred_at, award.version), score)
        {
            self.streak = Streak::of(awards);
        }
    }

    fn count_one(&mut self, action: Action, reference: ReferenceId, award: &Award) {
        let Some(of_action) = self.by_action.get_mut(action as usize) else {
            return;
        };
        *of_action = of_action.saturating_add(1);
        self.awards_counted = self.awards_counted.saturating_add(1);
        self.fast_completions = self.fast_completions.saturating_add(u32::from(award.is_fast));
        match (action, award.measure) {
            (Action::CompleteQuiz, Some(score)) => {
                self.best_scores.insert(reference, score);
                self.perfect_scores += u32::from(score >= 1.0);
            }
            (Action::ContributeResource, Some(quality)) => {
                self.resources_rated = self.resources_rated.saturating_add(1);
                self.resource_quality_sum += quality;
                self.resources_high_quality += u32::from(quality >= Self::HIGH_FROM);
            }
            (Action::TeamAchievement, _) => self.team_achievements = self.team_achievements.saturating_add(1),
            _ => {}
        }
    }
}

impl Streak {
    fn of(awards: &BTreeMap<(Action, ReferenceId), Award>) -> Self {
        let quizzes = awards
            .iter()
            .filter(|((action, _), award)| *action == Action::CompleteQuiz && award.counts());
        let mut quizzes: Vec<_> = quizzes
            .filter_map(|(_, award)| Some(((award.occurred_at, award.version), award.measure?)))
            .collect();
        quizzes.sort_unstable_by_key(|(at, _)| *at);
        let mut streak = Self::default();
        for (at, score) in quizzes {
            streak.goes_on(at, score);
        }
        streak
    }

    /// Takes the next quiz. Returns false, and changes nothing, if it is not the latest.
    fn goes_on(&mut self, at: (TimeMs, Version), score: f64) -> bool {
        if self.latest.is_some_and(|latest| at < latest) {
            return false;
        }
        self.current = if score >= Counters::HIGH_FROM {
            self.current + 1
        } else {
            0
        };
        self.longest = self.longest.max(self.current);
        self.latest = Some(at);
        true
    }
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
            achievements: Arc::default(),
        }
    }

    /// Points inside one qualification; 0 where there were never any.
    #[must_use]
    pub fn qualification_points(&self, qualification: QualificationId) -> u64 {
        self.qualifications
            .get(&qualification)
            .map_or(0, |standing| standing.points)
    }
}
