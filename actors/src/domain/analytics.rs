//! Figures about many learners, counted from their facts: who was active, what was learned, what was used. Pure.
//!
//! A count takes facts one by one, in the order of the journal, and is asked for its figures at the end. Awards that were
//! taken back never get there.

pub mod buckets;
pub mod engagement;
pub mod fact;
pub mod mastery;
pub mod numbers;
pub mod outcomes;
pub mod resources;
pub mod signals;
pub mod success;
pub mod units;

pub use buckets::Buckets;
pub use fact::{AwardFact, Fact, Noted, ProgressFact, What};

use homeroom_schema::limits::SMALL_GROUP;
use homeroom_schema::{QualificationId, TimeMs, UnitId, UserId};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// What a question is about.
#[derive(Debug, Clone)]
pub struct Scope {
    /// When: the end is not part of it.
    pub range: Range<TimeMs>,
    /// Whom; none means everybody.
    pub people: Option<HashSet<UserId>>,
    /// Which qualification; none means all facts, those of no qualification too.
    pub qualification: Option<QualificationId>,
    /// The units of now.
    pub catalogue: Arc<Catalogue>,
}

/// The units of now, by id.
pub type Catalogue = BTreeMap<UnitId, CatalogueUnit>;

/// What is known of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueUnit {
    /// Its qualification.
    pub qualification: Option<QualificationId>,
    /// The skills that it trains.
    pub skills: Vec<Arc<str>>,
    /// Whether it counts: archived units do not.
    pub counts: bool,
}

impl Scope {
    /// Whether a fact is about these people and this qualification, whenever it happened. An award belongs to the
    /// qualification that it counted for, progress to the one of its unit.
    #[must_use]
    pub fn admits(&self, fact: &Fact) -> bool {
        let of_qualification = |wanted: QualificationId| match &fact.what {
            What::Award(award) => award.qualification == Some(wanted),
            What::Progress(progress) => self.qualification_of(progress.unit) == Some(wanted),
        };
        self.has_person(fact.user_id) && self.qualification.is_none_or(of_qualification)
    }

    /// Whether somebody is among these people.
    #[must_use]
    pub fn has_person(&self, user_id: UserId) -> bool {
        self.people.as_ref().is_none_or(|people| people.contains(&user_id))
    }

    /// The qualification of a unit.
    #[must_use]
    pub fn qualification_of(&self, unit: UnitId) -> Option<QualificationId> {
        self.catalogue.get(&unit)?.qualification
    }
}

/// Whether a group of so many people may be broken down further for somebody: peers could guess who is behind the figures
/// of a small one.
#[must_use]
pub const fn may_break_down(people: usize, for_peers: bool) -> bool {
    !for_peers || people >= SMALL_GROUP
}

#[cfg(test)]
mod tests {
    use crate::domain::analytics::may_break_down;

    #[test]
    fn small_groups_are_not_broken_down_for_peers() {
        for (people, for_peers, may) in [(4, true, false), (5, true, true), (0, true, false), (1, false, true)] {
            assert_eq!(may_break_down(people, for_peers), may, "{people} {for_peers}");
        }
    }
}
