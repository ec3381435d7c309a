//! What was read, contributed and rated.

use crate::domain::action::Action;
use crate::domain::analytics::buckets::Buckets;
use crate::domain::analytics::fact::{AwardFact, Fact, What};
use crate::domain::analytics::numbers::Mean;
use homeroom_schema::{ReferenceId, TimeMs, UserId};
use std::collections::HashMap;

/// Counts the use of resources.
#[derive(Debug)]
pub struct ResourcesCount {
    buckets: Buckets,
    parts: Vec<(UsagePart, Readers)>,
    resources: HashMap<ResourceKey, (ResourceUse, Readers)>,
}

/// A resource of somebody, or content that nobody in the class contributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey {
    /// Who contributed it; none for content of the course.
    pub contributor: Option<UserId>,
    /// Its reference.
    pub reference: ReferenceId,
}

/// The use of resources in a range of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Resources {
    /// The whole range.
    pub total: UsagePart,
    /// Its buckets.
    pub buckets: Vec<UsagePart>,
    /// Those used in the range, the most read first, then by contributor and reference.
    pub resources: Vec<(ResourceKey, ResourceUse)>,
}

/// Usage in a part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UsagePart {
    /// Times that something was read.
    pub reads: usize,
    /// People who read something.
    pub readers: usize,
    /// Resources contributed.
    pub contributions: usize,
    /// Their quality, as far as it was observed.
    pub quality: Mean,
    /// Ratings given with feedback.
    pub ratings: Mean,
}

/// The use of one resource.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ResourceUse {
    /// When it was contributed, if that was in the range.
    pub contributed_at: Option<TimeMs>,
    /// Its quality, if it was observed then.
    pub quality: Option<f64>,
    /// Times that it was read.
    pub reads: usize,
    /// People who read it, its contributor not among them.
    pub readers: usize,
    /// Ratings given with feedback.
    pub ratings: Mean,
}

impl ResourcesCount {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(buckets: Buckets) -> Self {
        let parts = (0..buckets.len()).map(|_| Default::default()).collect();
        Self {
            buckets,
            parts,
            resources: HashMap::new(),
        }
    }

    /// Takes one fact, of any time.
    pub fn take(&mut self, fact: &Fact) {
        let What::Award(award) = fact.what else { return };
        let Some(place) = self.buckets.place(fact.occurred_at) else {
            return;
        };
        let (part, readers) = &mut self.parts[place];
        let key = key(&award, fact.user_id);
        match award.action {
            Action::ReadContent => {
                part.reads += 1;
                readers.insert(fact.user_id);
                let (used, readers) = self.resources.entry(key).or_default();
                used.reads += 1;
                if key.contributor != Some(fact.user_id) {
                    readers.insert(fact.user_id);
                }
            }
            Action::ContributeResource => {
                part.contributions += 1;
                award.quality.into_iter().for_each(|quality| part.quality.take(quality));
                let (used, _) = self.resources.entry(key).or_default();
                used.contributed_at = Some(fact.occurred_at);
                used.quality = award.quality;
            }
            Action::CommunityFeedback => {
                let Some(rating) = award.rating.map(f64::from) else {
                    return;
                };
                part.ratings.take(rating);
                if award.resource.is_some() {
                    self.resources.entry(key).or_default().0.ratings.take(rating);
                }
            }
            _ => {}
        }
    }

    /// The figures.
    #[must_use]
    pub fn finish(self) -> Resources {
        let mut total = UsagePart::default();
        let mut all_readers = Readers::default();
        let buckets = self.parts.into_iter().map(|(part, readers)| {
            total.reads += part.reads;
            total.contributions += part.contributions;
            for (sum, one) in [(&mut total.quality, part.quality), (&mut total.ratings, part.ratings)] {
                sum.count += one.count;
                sum.sum += one.sum;
            }
            let readers = readers.into_distinct();
            let count = readers.len();
            readers.into_iter().for_each(|user_id| all_readers.insert(user_id));
            UsagePart { readers: count, ..part }
        });
        let buckets = buckets.collect();
        total.readers = all_readers.into_distinct().len();
        let resources = self.resources.into_iter().map(|(key, (used, readers))| {
            let readers = readers.into_distinct().len();
            (key, ResourceUse { readers, ..used })
        });
        let mut resources: Vec<_> = resources.collect();
        resources.sort_by_key(|(key, used)| (std::cmp::Reverse(used.reads), *key));
        Resources {
            total,
            buckets,
            resources,
        }
    }
}

/// Distinct people. Repeats are only taken out now and then: that costs a sorting instead of a look-up for each, and keeps at
/// most twice as many as there are people.
#[derive(Debug, Default)]
struct Readers {
    ids: Vec<UserId>,
    /// Ids after the last tidying.
    distinct: usize,
}

impl Readers {
    /// Fewer are not worth tidying.
    const FEW: usize = 64;

    fn insert(&mut self, user_id: UserId) {
        if self.ids.len() >= Self::FEW.max(2 * self.distinct) {
            self.tidy();
        }
        self.ids.push(user_id);
    }

    fn tidy(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.distinct = self.ids.len();
    }

    fn into_distinct(mut self) -> Vec<UserId> {
        self.tidy();
        self.ids
    }
}

/// Whose resource an award is about: the one observed, else what was contributed itself, else content of the course.
fn key(award: &AwardFact, user_id: UserId) -> ResourceKey {
    match (award.resource, award.action) {
        (_, Action::ContributeResource) => ResourceKey {
            contributor: Some(user_id),
            reference: award.reference,
        },
        (Some(resource), _) => ResourceKey {
            contributor: Some(resource.user_id),
            reference: resource.reference_id,
        },
        (None, _) => ResourceKey {
            contributor: None,
            reference: award.reference,
        },
    }
}
