//! What a mentor should know of: who is stuck, silent, or nearly there, and why.

use crate::domain::achievements::{AchievementProgress, Tier};
use crate::domain::analytics::fact::Fact;
use crate::domain::analytics::units::Touches;
use crate::domain::analytics::{Catalogue, Scope};
use crate::domain::course::QualificationCompletion;
use crate::domain::rules::SignalRules;
use homeroom_schema::{QualificationId, TimeMs, UnitId, UserId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Counts what signals are made of, for the people of a scope.
#[derive(Debug)]
pub struct SignalsCount {
    scope: Scope,
    last_active: HashMap<UserId, TimeMs>,
    touches: Touches,
    // In the order of the journal.
    quizzes: BTreeMap<UserId, Vec<Quiz>>,
}

#[derive(Debug, Clone, Copy)]
struct Quiz {
    at: TimeMs,
    unit: UnitId,
    score: f64,
}

/// Why a mentor should look at somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Who.
    pub user_id: UserId,
    /// What it is about.
    pub reason: Reason,
    /// Since when; none where there is no such moment.
    pub since: Option<TimeMs>,
}

/// What a signal is about, with the figures that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Stuck: a unit was begun long ago and is not complete, although the person is active.
    UnitNotCompleted {
        /// The one begun first.
        unit_id: UnitId,
        /// How many such units there are.
        units: usize,
        /// Whole days since it was begun.
        days: i64,
    },
    /// Stuck: the last quizzes of one unit failed.
    QuizzesOfUnitFailed {
        /// The unit.
        unit_id: UnitId,
        /// How many in a row.
        failed: usize,
    },
    /// Stuck: the last quizzes of one skill, over several units, failed.
    QuizzesOfSkillFailed {
        /// The skill.
        skill: Arc<str>,
        /// How many in a row.
        failed: usize,
    },
    /// Nearly there: most of a qualification's units are complete.
    QualificationNearlyComplete {
        /// Which.
        qualification_id: QualificationId,
        /// Units completed.
        units_completed: usize,
        /// Units of it.
        units_total: usize,
    },
    /// Nearly there: all criteria of an achievement's next tier are met but one.
    AchievementNearlyEarned {
        /// Which.
        achievement_type: String,
        /// Its next tier.
        tier: Tier,
        /// The criterion that is not met.
        criterion: String,
        /// Where the learner is with it.
        current: f64,
        /// Where the tier begins.
        target: f64,
    },
    /// Silent: nothing for days, or never anything.
    NoActivity {
        /// Whole days.
        days: i64,
    },
}

impl SignalsCount {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            last_active: HashMap::new(),
            touches: Touches::default(),
            quizzes: BTreeMap::new(),
        }
    }

    /// Takes one fact, of any time.
    pub fn take(&mut self, fact: &Fact) {
        let last = self.last_active.entry(fact.user_id).or_insert(fact.occurred_at);
        *last = (*last).max(fact.occurred_at);
        self.touches.take(fact);
        if let Some((award, score)) = fact.quiz()
            && let Some(unit) = award.unit
        {
            let at = fact.occurred_at;
            self.quizzes
                .entry(fact.user_id)
                .or_default()
                .push(Quiz { at, unit, score });
        }
    }

    /// The signals of `people`, each with the moment from which on they could have been active, by kind and person.
    #[must_use]
    pub fn finish(
        mut self,
        people: &BTreeMap<UserId, TimeMs>,
        rules: &SignalRules,
        pass_from: f64,
        now: TimeMs,
    ) -> Vec<Signal> {
        let whole_days = |since: TimeMs| (now.0 - since.0).div_euclid(DAY_MS);
        let silent_from = i64::from(rules.silent_days);
        let mut begun: BTreeMap<UserId, Vec<(TimeMs, UnitId)>> = BTreeMap::new();
        for ((user_id, unit), touch) in &self.touches.by_person {
            let counts = self.scope.catalogue.get(unit).is_some_and(|unit| unit.counts);
            let is_old = whole_days(touch.begun_at) >= i64::from(rules.stuck_days);
            if counts && is_old && touch.completed_at.is_none() {
                begun.entry(*user_id).or_default().push((touch.begun_at, *unit));
            }
        }
        let (mut stuck, mut silent) = (Vec::new(), Vec::new());
        for (user_id, joined_at) in people {
            let last = self.last_active.get(user_id).copied();
            let since = last.unwrap_or(*joined_at);
            let days = whole_days(since);
            if days >= silent_from {
                silent.push(Signal {
                    user_id: *user_id,
                    reason: Reason::NoActivity { days },
                    since: Some(since),
                });
                continue;
            }
            if let Some(units) = begun.get(user_id)
                && let Some((begun_at, unit_id)) = units.iter().min().copied()
            {
                let reason = Reason::UnitNotCompleted {
                    unit_id,
                    units: units.len(),
                    days: whole_days(begun_at),
                };
                stuck.push(Signal {
                    user_id: *user_id,
                    reason,
                    since: Some(begun_at),
                });
            }
            if let Some(quizzes) = self.quizzes.get_mut(user_id) {
                // Stable: of one moment, the order of the journal.
                quizzes.sort_by_key(|quiz| quiz.at);
                stuck.extend(failing(
                    *user_id,
                    quizzes,
                    &self.scope.catalogue,
                    rules.stuck_failures,
                    pass_from,
                ));
            }
        }
        stuck.extend(silent);
        stuck
    }
}

/// The longest run of failures up to now of a unit; where no unit has one, of a skill.
fn failing(user_id: UserId, quizzes: &[Quiz], catalogue: &Catalogue, failures: u32, pass_from: f64) -> Option<Signal> {
    let mut units: BTreeMap<UnitId, Run> = BTreeMap::new();
    let mut skills: BTreeMap<&Arc<str>, Run> = BTreeMap::new();
    for quiz in quizzes {
        let passed = quiz.score >= pass_from;
        units.entry(quiz.unit).or_default().take(quiz.at, passed);
        for skill in catalogue.get(&quiz.unit).into_iter().flat_map(|unit| &unit.skills) {
            skills.entry(skill).or_default().take(quiz.at, passed);
        }
    }
    let is_long = |run: &Run| run.failed > 0 && run.failed >= failures as usize;
    let of_unit = units.into_iter().filter(|(_, run)| is_long(run));
    let of_unit = of_unit.max_by_key(|(unit, run)| (run.failed, std::cmp::Reverse(*unit)));
    let of_skill = skills.into_iter().filter(|(_, run)| is_long(run));
    let of_skill = of_skill.max_by_key(|(skill, run)| (run.failed, std::cmp::Reverse(*skill)));
    let (reason, run) = match (of_unit, of_skill) {
        (Some((unit_id, run)), _) => (
            Reason::QuizzesOfUnitFailed {
                unit_id,
                failed: run.failed,
            },
            run,
        ),
        (None, Some((skill, run))) => (
            Reason::QuizzesOfSkillFailed {
                skill: Arc::clone(skill),
                failed: run.failed,
            },
            run,
        ),
        (None, None) => return None,
    };
    Some(Signal {
        user_id,
        reason,
        since: run.since,
    })
}

/// What somebody lacks little of, by their progress now.
#[must_use]
pub fn nearly_there(
    user_id: UserId,
    qualifications: &[QualificationCompletion],
    achievements: &[AchievementProgress],
    nearly_percent: f64,
) -> Vec<Signal> {
    let nearly = qualifications.iter().filter(|course| {
        course.completed_at.is_none() && course.units_completed > 0 && course.completion_percentage >= nearly_percent
    });
    let reasons = nearly.map(|course| Reason::QualificationNearlyComplete {
        qualification_id: course.qualification_id,
        units_completed: course.units_completed,
        units_total: course.units_total,
    });
    // Tiers rise within an achievement: the next one is the first that is locked.
    let next_tiers = achievements.iter().enumerate().filter(|(place, tier)| {
        let is_same = |before: &AchievementProgress| before.achievement_type == tier.achievement_type;
        let before = place.checked_sub(1).and_then(|place| achievements.get(place));
        tier.earned.is_none() && before.is_none_or(|before| !is_same(before) || before.earned.is_some())
    });
    let missing = next_tiers.filter_map(|(_, tier)| one_criterion_missing(tier));
    let signals = reasons.chain(missing).map(|reason| Signal {
        user_id,
        reason,
        since: None,
    });
    signals.collect()
}

/// Of several criteria the only one that is not met.
fn one_criterion_missing(tier: &AchievementProgress) -> Option<Reason> {
    let mut missing = tier.criteria.iter().filter(|criterion| !criterion.met);
    let criterion = missing.next().filter(|_| missing.next().is_none())?;
    (tier.criteria.len() > 1).then(|| Reason::AchievementNearlyEarned {
        achievement_type: tier.achievement_type.clone(),
        tier: tier.tier,
        criterion: criterion.key.clone(),
        current: criterion.current,
        target: criterion.target,
    })
}

/// Failures up to now.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    failed: usize,
    since: Option<TimeMs>,
}

impl Run {
    fn take(&mut self, at: TimeMs, passed: bool) {
        if passed {
            *self = Self::default();
        } else {
            self.failed += 1;
            self.since.get_or_insert(at);
        }
    }
}
