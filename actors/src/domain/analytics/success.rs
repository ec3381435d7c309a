//! What went well and where people gave up: quizzes passed, units completed, items that are hard.

use crate::domain::analytics::buckets::Buckets;
use crate::domain::analytics::fact::Fact;
use crate::domain::analytics::numbers::{Mean, correlation, share};
use crate::domain::analytics::units::Touches;
use homeroom_schema::{ReferenceId, TimeMs, UnitId, UserId};
use std::collections::{BTreeMap, HashMap};

/// A unit begun and not completed counts as given up when it was not touched for so long.
pub const DROPPED_AFTER_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Counts success.
#[derive(Debug)]
pub struct SuccessCount {
    buckets: Buckets,
    pass_from: f64,
    now: TimeMs,
    quizzes: Vec<QuizPart>,
    items: BTreeMap<ReferenceId, Vec<(UserId, f64)>>,
    touches: Touches,
}

/// Success in a range of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Success {
    /// Quizzes of the whole range.
    pub total: QuizPart,
    /// Quizzes by bucket.
    pub buckets: Vec<QuizPart>,
    /// By id: units that had been begun when the range ended.
    pub units: Vec<UnitSuccess>,
    /// By id: what quizzes of the range were about.
    pub items: Vec<Item>,
}

/// Quizzes with a score.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QuizPart {
    /// How many.
    pub quizzes: usize,
    /// Of them those with a score that passes.
    pub passed: usize,
    /// Their scores.
    pub score: Mean,
}

/// How people come through a unit, at the end of the range.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitSuccess {
    /// Which.
    pub unit_id: UnitId,
    /// People who have begun it.
    pub begun: usize,
    /// Of them those who have completed it.
    pub completed: usize,
    /// Of them those who have not, and did not touch it in the last [`DROPPED_AFTER_MS`].
    pub dropped: usize,
}

/// One quiz, by its reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Which.
    pub reference_id: ReferenceId,
    /// Its completions with a score.
    pub results: QuizPart,
    /// How its scores go together with the mean score of the same people in all other quizzes of the range, −1 to 1
    /// (corrected item-total correlation): low where the quiz tells strong learners from weak ones badly.
    pub discrimination: Option<f64>,
}

impl QuizPart {
    fn take(&mut self, score: f64, pass_from: f64) {
        self.quizzes += 1;
        self.passed += usize::from(score >= pass_from);
        self.score.take(score);
    }

    /// Passed ÷ quizzes.
    #[must_use]
    pub fn pass_rate(&self) -> Option<f64> {
        share(self.passed, self.quizzes)
    }

    /// 1 − mean score: 0 where everybody is perfect.
    #[must_use]
    pub fn difficulty(&self) -> Option<f64> {
        self.score.get().map(|mean| 1.0 - mean)
    }
}

impl SuccessCount {
    /// Nothing counted yet. A score from `pass_from` on passes; `now` is when the question is asked.
    #[must_use]
    pub fn new(buckets: Buckets, pass_from: f64, now: TimeMs) -> Self {
        let quizzes = vec![QuizPart::default(); buckets.len()];
        Self {
            buckets,
            pass_from,
            now,
            quizzes,
            items: BTreeMap::new(),
            touches: Touches::default(),
        }
    }

    /// Takes one fact, of any time.
    pub fn take(&mut self, fact: &Fact) {
        if fact.occurred_at >= self.buckets.range().end {
            return;
        }
        self.touches.take(fact);
        let Some((award, score)) = fact.quiz() else { return };
        if let Some(place) = self.buckets.place(fact.occurred_at) {
            self.quizzes[place].take(score, self.pass_from);
            let results = self.items.entry(award.reference).or_default();
            results.push((fact.user_id, score));
        }
    }

    /// The figures.
    #[must_use]
    pub fn finish(self) -> Success {
        let mut total = QuizPart::default();
        let mut people: HashMap<UserId, Mean> = HashMap::new();
        for (user_id, score) in self.items.values().flatten() {
            total.take(*score, self.pass_from);
            people.entry(*user_id).or_default().take(*score);
        }
        let items = self.items.into_iter().map(|(reference_id, results)| {
            let mut part = QuizPart::default();
            for (_, score) in &results {
                part.take(*score, self.pass_from);
            }
            Item {
                reference_id,
                results: part,
                discrimination: correlation(&with_others(&results, &people)),
            }
        });
        let items = items.collect();
        let given_up_before = self.buckets.range().end.min(self.now).plus_ms(-DROPPED_AFTER_MS);
        Success {
            total,
            buckets: self.quizzes,
            units: units(&self.touches, given_up_before),
            items,
        }
    }
}

/// Each result with the mean of the same person's other quizzes, for those who have others.
fn with_others(results: &[(UserId, f64)], people: &HashMap<UserId, Mean>) -> Vec<(f64, f64)> {
    let pairs = results.iter().filter_map(|(user_id, score)| {
        let all = people.get(user_id)?;
        let others = Mean {
            count: all.count - 1,
            sum: all.sum - score,
        };
        Some((*score, others.get()?))
    });
    pairs.collect()
}

fn units(touches: &Touches, given_up_before: TimeMs) -> Vec<UnitSuccess> {
    let mut units: BTreeMap<UnitId, UnitSuccess> = BTreeMap::new();
    for ((_, unit_id), touch) in &touches.by_person {
        let unit = units.entry(*unit_id).or_insert_with(|| UnitSuccess {
            unit_id: *unit_id,
            begun: 0,
            completed: 0,
            dropped: 0,
        });
        unit.begun += 1;
        unit.completed += usize::from(touch.completed_at.is_some());
        unit.dropped += usize::from(touch.completed_at.is_none() && touch.last_at < given_up_before);
    }
    units.into_values().collect()
}
