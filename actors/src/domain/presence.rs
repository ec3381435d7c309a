//! Who is here in one team: whoever comes back in time never left, and listeners are told of what changed. Pure.

use homeroom_schema::UserId;
use homeroom_schema::limits::PRESENCE_GRACE_MS;
use std::collections::{BTreeMap, BTreeSet};

/// What changed since listeners were told last; both lists by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    /// Who is here now and was not.
    pub joined: Vec<UserId>,
    /// Who was here and is not any more.
    pub left: Vec<UserId>,
}

/// A part of those whom listeners know to be here, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresencePage {
    /// The people of this page.
    pub people: Vec<UserId>,
    /// How many there are on all pages.
    pub count: usize,
    /// The last of this page if others follow: the next page begins behind it.
    pub next: Option<UserId>,
}

/// The people of one team who are here, and what listeners were told. Times are milliseconds of one monotonic clock.
#[derive(Debug, Default, Clone)]
pub struct Presence {
    /// Everybody who is here or left a moment ago; with when the grace time ends for those.
    people: BTreeMap<UserId, Option<u64>>,
    /// The same grace times, soonest first.
    leaving: BTreeSet<(u64, UserId)>,
    told: BTreeSet<UserId>,
    /// Who may differ between `people` and `told`, so that a fold costs what changed, not the size of the team.
    touched: BTreeSet<UserId>,
}

impl Presence {
    /// Notes whether a person has a live session. Safe to repeat. For whoever has none any more the grace time begins.
    pub fn see(&mut self, user_id: UserId, is_here: bool, now_ms: u64) {
        let before = self.people.get(&user_id).copied();
        match (before, is_here) {
            (None | Some(Some(_)), true) => {
                if let Some(Some(gone_at)) = before {
                    self.leaving.remove(&(gone_at, user_id));
                }
                self.people.insert(user_id, None);
                self.touched.insert(user_id);
            }
            (Some(None), false) => {
                let gone_at = now_ms.saturating_add(PRESENCE_GRACE_MS);
                self.people.insert(user_id, Some(gone_at));
                self.leaving.insert((gone_at, user_id));
            }
            (Some(None), true) | (None | Some(Some(_)), false) => {}
        }
    }

    /// Takes a person out without any grace: no member any more, archived or erased.
    pub fn remove(&mut self, user_id: UserId) {
        if let Some(gone_at) = self.people.remove(&user_id) {
            if let Some(gone_at) = gone_at {
                self.leaving.remove(&(gone_at, user_id));
            }
            self.touched.insert(user_id);
        }
    }

    /// Takes out all who are not in `members`, which is ascending.
    pub fn keep_only(&mut self, members: &[UserId]) {
        let is_gone = |user_id: &&UserId| members.binary_search(user_id).is_err();
        let gone: Vec<UserId> = self.people.keys().filter(is_gone).copied().collect();
        gone.into_iter().for_each(|user_id| self.remove(user_id));
    }

    /// When the next grace time ends; until then nobody leaves unasked.
    #[must_use]
    pub fn next_leave_ms(&self) -> Option<u64> {
        self.leaving.first().map(|(gone_at, _)| *gone_at)
    }

    /// Everything since the last fold as one change, and nothing if whoever came has gone, or the reverse.
    pub fn fold(&mut self, now_ms: u64) -> Option<PresenceChange> {
        while let Some((gone_at, user_id)) = self.leaving.first().copied()
            && gone_at <= now_ms
        {
            self.leaving.remove(&(gone_at, user_id));
            self.people.remove(&user_id);
            self.touched.insert(user_id);
        }
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for user_id in std::mem::take(&mut self.touched) {
            if self.people.contains_key(&user_id) {
                if self.told.insert(user_id) {
                    joined.push(user_id);
                }
            } else if self.told.remove(&user_id) {
                left.push(user_id);
            }
        }
        (!joined.is_empty() || !left.is_empty()).then_some(PresenceChange { joined, left })
    }

    /// Whether somebody may have come or gone untold.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Whether listeners were told that this person is here.
    #[must_use]
    pub fn shows(&self, user_id: UserId) -> bool {
        self.told.contains(&user_id)
    }

    /// How many listeners were told of.
    #[must_use]
    pub fn count(&self) -> usize {
        self.told.len()
    }

    /// At most `limit` of those whom listeners were told of, behind `after`: pages agree with the position of the topic.
    #[must_use]
    pub fn page(&self, after: Option<UserId>, limit: usize) -> PresencePage {
        use std::ops::Bound::{Excluded, Unbounded};
        let mut rest = self.told.range((after.map_or(Unbounded, Excluded), Unbounded)).copied();
        let people: Vec<UserId> = rest.by_ref().take(limit).collect();
        let next = rest.next().and_then(|_| people.last().copied());
        PresencePage {
            people,
            count: self.told.len(),
            next,
        }
    }
}
