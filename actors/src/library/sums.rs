//! Resources and times of quizzes in memory, as the store keeps them.

use super::crosses;
use crate::domain::achievements::Outside;
use crate::domain::rules::{Measure, Rules};
use crate::journal::LearnerChange;
use homeroom_schema::records::{EvidenceSums, QuizTimeRecord, ResourceRecord};
use homeroom_schema::{EventId, ReferenceId, TimeMs, UserId};
use std::collections::{BTreeMap, HashMap};

/// Everything that evidence comes to.
#[derive(Default)]
pub(super) struct Sums {
    resources: HashMap<(UserId, ReferenceId), ResourceRecord>,
    // Who has contributed a reference.
    contributors: HashMap<ReferenceId, Vec<UserId>>,
    // Sums over the resources that a person has contributed.
    figures: HashMap<UserId, Outside>,
    // Completions by time.
    times: HashMap<ReferenceId, BTreeMap<u64, i64>>,
    // Changes up to here are in it.
    last_event_id: Option<EventId>,
}

impl Sums {
    pub(super) fn of(kept: &EvidenceSums) -> Self {
        let mut sums = Self {
            last_event_id: kept.last_event_id,
            ..Self::default()
        };
        for resource in &kept.resources {
            sums.add_resource(resource);
        }
        for time in &kept.quiz_times {
            sums.add_time(time);
        }
        sums
    }

    pub(super) fn apply(&mut self, changes: &[LearnerChange], rules: &Rules, due: &mut Vec<(UserId, TimeMs)>) {
        for change in changes {
            if Some(change.event_id) <= self.last_event_id {
                continue;
            }
            for evidence in &change.evidence {
                if let Some(time) = evidence.quiz_time() {
                    self.add_time(&time);
                }
                let Some(resource) = evidence.resource(change.user_id) else {
                    continue;
                };
                let before = self.figures(resource.contributor_id);
                self.add_resource(&resource);
                let after = self.figures(resource.contributor_id);
                let uses = [before, after].map(|figures| figures.usage_by_others as f64);
                let rating = [before, after].map(|figures| figures.mean_rating());
                if crosses(rules, Measure::UsageByOthers, uses[0], uses[1])
                    || crosses(rules, Measure::FeedbackRating, rating[0], rating[1])
                {
                    due.push((resource.contributor_id, evidence.occurred_at));
                }
            }
        }
    }

    pub(super) fn figures(&self, user_id: UserId) -> Outside {
        self.figures.get(&user_id).copied().unwrap_or_default()
    }

    pub(super) fn only_contributor(&self, reference: ReferenceId) -> Option<UserId> {
        match self.contributors.get(&reference)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The middle of the completions, or the mean of the two in the middle; none of fewer than `from`.
    pub(super) fn median(&self, reference: ReferenceId, from: u32) -> Option<u64> {
        let times = self.times.get(&reference)?;
        let count: i64 = times.values().sum();
        if count < 1 || count < i64::from(from) {
            return None;
        }
        let lower = at_place(times, (count - 1) / 2)?;
        let upper = at_place(times, count / 2)?;
        Some(u64::midpoint(lower, upper))
    }

    fn add_time(&mut self, time: &QuizTimeRecord) {
        let times = self.times.entry(time.reference_id).or_default();
        *times.entry(time.bucket_ms).or_default() += time.n;
        times.retain(|_, n| *n != 0);
    }

    fn add_resource(&mut self, added: &ResourceRecord) {
        let key = (added.contributor_id, added.reference_id);
        let none = ResourceRecord::none(key.0, key.1);
        let resource = self.resources.entry(key).or_insert(none);
        let before = *resource;
        resource.add(added);
        let after = *resource;
        let figures = self.figures.entry(key.0).or_default();
        figures.usage_by_others = moved(figures.usage_by_others, &before, &after, |one| one.uses);
        figures.ratings = moved(figures.ratings, &before, &after, |one| one.ratings);
        figures.rating_sum = moved(figures.rating_sum, &before, &after, |one| one.rating_sum);
        match (before.contributed > 0, after.contributed > 0) {
            (false, true) => self.contributors.entry(key.1).or_default().push(key.0),
            (true, false) => {
                let contributors = self.contributors.entry(key.1).or_default();
                contributors.retain(|contributor| *contributor != key.0);
            }
            _ => {}
        }
    }
}

/// A person's sum after a change of one resource: what it says counts while it is contributed.
fn moved(sum: u64, before: &ResourceRecord, after: &ResourceRecord, of: impl Fn(&ResourceRecord) -> i64) -> u64 {
    let counted = |one: &ResourceRecord| if one.contributed > 0 { of(one) } else { 0 };
    sum.saturating_add_signed(counted(after) - counted(before))
}

/// The time at a place, from 0.
fn at_place(times: &BTreeMap<u64, i64>, place: i64) -> Option<u64> {
    let mut before = 0;
    for (time, n) in times {
        before += n;
        if before > place {
            return Some(*time);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::{Action, Evidence, ResourceRef};
    use crate::journal::EvidenceChange;
    use homeroom_schema::Version;

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    fn reference(id: u64) -> ReferenceId {
        ReferenceId::new(id).unwrap()
    }

    fn change(event_id: u64, user_id: u64, evidence: EvidenceChange) -> LearnerChange {
        LearnerChange {
            user_id: user(user_id),
            version: Version(1),
            event_id: EventId::new(event_id).unwrap(),
            score: None,
            qualifications: Vec::new(),
            completed: Vec::new(),
            evidence: vec![evidence],
            entries: Vec::new(),
            unlocked: Vec::new(),
        }
    }

    fn evidence(action: Action, id: u64, evidence: Evidence) -> EvidenceChange {
        EvidenceChange {
            counts: true,
            action,
            reference: reference(id),
            unit: None,
            evidence,
            occurred_at: TimeMs(1),
        }
    }

    fn of_resource(contributor: u64, id: u64, rating: Option<u8>) -> Evidence {
        Evidence {
            resource: Some(ResourceRef {
                user_id: user(contributor),
                reference_id: reference(id),
            }),
            rating,
            ..Evidence::default()
        }
    }

    fn apply(sums: &mut Sums, changes: &[LearnerChange]) -> Vec<UserId> {
        let mut due = Vec::new();
        sums.apply(changes, &Rules::shipped(), &mut due);
        due.into_iter().map(|(user_id, _)| user_id).collect()
    }

    #[test]
    fn uses_count_while_the_resource_is_contributed_and_never_by_its_contributor() {
        let mut sums = Sums::default();
        let read = |event_id, reader| {
            let read = evidence(Action::ReadContent, event_id, of_resource(1, 9, None));
            change(event_id, reader, read)
        };
        assert!(apply(&mut sums, &[read(1, 2), read(2, 1), read(3, 3), read(4, 4)]).is_empty());
        assert_eq!(sums.figures(user(1)), Outside::default());
        let mut contributed = evidence(Action::ContributeResource, 9, Evidence::default());
        // Three uses are where bronze begins: the contributor is to be looked at.
        assert_eq!(apply(&mut sums, &[change(5, 1, contributed.clone())]), [user(1)]);
        assert_eq!(sums.figures(user(1)).usage_by_others, 3);
        assert_eq!(sums.only_contributor(reference(9)), Some(user(1)));
        contributed.counts = false;
        assert!(apply(&mut sums, &[change(6, 1, contributed)]).is_empty());
        assert_eq!(sums.figures(user(1)), Outside::default());
        assert_eq!(sums.only_contributor(reference(9)), None);
    }

    #[test]
    fn a_reference_that_two_have_contributed_names_nobody() {
        let mut sums = Sums::default();
        let contributed = || evidence(Action::ContributeResource, 9, Evidence::default());
        apply(&mut sums, &[change(1, 1, contributed()), change(2, 2, contributed())]);
        assert_eq!(sums.only_contributor(reference(9)), None);
    }

    #[test]
    fn what_was_loaded_is_not_counted_again() {
        let mut sums = Sums::of(&EvidenceSums {
            last_event_id: EventId::new(5).ok(),
            ..EvidenceSums::default()
        });
        let contributed = || evidence(Action::ContributeResource, 9, Evidence::default());
        let rated = |by: u64| evidence(Action::CommunityFeedback, by, of_resource(1, 9, Some(4)));
        apply(&mut sums, &[change(5, 1, contributed())]);
        assert_eq!(sums.only_contributor(reference(9)), None);
        assert_eq!(
            apply(&mut sums, &[change(6, 1, contributed()), change(7, 2, rated(2))]),
            [user(1)]
        );
        assert_eq!(sums.figures(user(1)).mean_rating(), 4.0);
    }

    #[test]
    fn the_median_is_of_rounded_times_from_enough_of_them_on() {
        let mut sums = Sums::default();
        for (number, duration_ms) in (1..).zip([1_239, 900, 2_000_009, 5]) {
            let taken = Evidence {
                duration_ms: Some(duration_ms),
                ..Evidence::default()
            };
            apply(
                &mut sums,
                &[change(number, number, evidence(Action::CompleteQuiz, 9, taken))],
            );
        }
        assert_eq!(sums.median(reference(9), 5), None);
        // 5, 900, 1,230 and 2,000,000.
        assert_eq!(sums.median(reference(9), 4), Some(1_065));
        let seventh = Evidence {
            duration_ms: Some(5),
            ..Evidence::default()
        };
        apply(&mut sums, &[change(5, 7, evidence(Action::CompleteQuiz, 9, seventh))]);
        assert_eq!(sums.median(reference(9), 5), Some(900));
        assert_eq!(sums.median(reference(8), 0), None);
    }

    #[test]
    fn times_keep_three_digits() {
        let rounded = [7, 999, 1_009, 123_456, 999_999_999, u64::MAX].map(QuizTimeRecord::bucket);
        assert_eq!(rounded, [7, 999, 1_000, 123_000, 999_000_000, 1_000_000_000]);
    }
}
