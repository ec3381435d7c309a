//! Who is here in one team: several sessions of one person count once, and whoever comes back in time never left. Pure.

use homeroom_schema::limits::{PRESENCE_GRACE_MS, PRESENCE_PEOPLE_MAX, PRESENCE_SESSIONS_MAX};
use homeroom_schema::{TimeMs, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// One live session, as its owner numbers it; never used again for another one while the node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u64);

/// What changed since listeners were told last; both lists by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    /// Who is here now and was not.
    pub joined: Vec<UserId>,
    /// Who was here and is not any more.
    pub left: Vec<UserId>,
    /// How many are here after it.
    pub count: usize,
}

/// A part of those whom listeners know to be here, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresencePage {
    /// The people of this page.
    pub people: Vec<UserId>,
    /// How many there are on all pages.
    pub total: usize,
    /// The last of this page if others follow: the next page begins behind it.
    pub next: Option<UserId>,
}

/// One person who is here, or has gone less than the grace time ago.
#[derive(Debug, Default)]
struct Person {
    /// At most [`PRESENCE_SESSIONS_MAX`].
    seats: BTreeSet<Seat>,
    /// When the grace time ends; set exactly while there are no seats.
    gone_at: Option<TimeMs>,
}

/// The people of one team who are here, and what listeners were told. `now` must not go back between calls: a clock that
/// did would keep people for longer, and lose nobody.
#[derive(Debug, Default)]
pub struct Presence {
    /// At most [`PRESENCE_PEOPLE_MAX`].
    people: BTreeMap<UserId, Person>,
    told: BTreeSet<UserId>,
    /// Who may differ between `people` and `told`, so that a fold costs what changed, not the size of the team.
    touched: BTreeSet<UserId>,
}

impl Presence {
    /// Notes a session of a person. Safe to repeat. `false` if a bound is met and the session is not counted.
    pub fn open(&mut self, user_id: UserId, seat: Seat) -> bool {
        if !self.people.contains_key(&user_id) && self.people.len() >= PRESENCE_PEOPLE_MAX {
            return false;
        }
        let person = self.people.entry(user_id).or_default();
        if person.seats.len() >= PRESENCE_SESSIONS_MAX && !person.seats.contains(&seat) {
            return false;
        }
        person.seats.insert(seat);
        person.gone_at = None;
        self.touched.insert(user_id);
        true
    }

    /// Notes the end of a session. After the last one of a person the grace time begins. A session that is not known, or
    /// ended before, changes nothing.
    pub fn close(&mut self, user_id: UserId, seat: Seat, now: TimeMs) {
        if let Some(person) = self.people.get_mut(&user_id)
            && person.seats.remove(&seat)
            && person.seats.is_empty()
        {
            person.gone_at = Some(TimeMs(now.0.saturating_add(PRESENCE_GRACE_MS)));
        }
    }

    /// Takes a person out with all sessions and no grace: no member any more, archived or erased.
    pub fn remove(&mut self, user_id: UserId) {
        if self.people.remove(&user_id).is_some() {
            self.touched.insert(user_id);
        }
    }

    /// When the next grace time ends; until then nobody leaves unasked. Looks at everybody here.
    #[must_use]
    pub fn next_leave(&self) -> Option<TimeMs> {
        self.people.values().filter_map(|person| person.gone_at).min()
    }

    /// Whether nobody is here or in the grace time, and all of it was told: the actor may be put away.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.people.is_empty() && self.touched.is_empty()
    }

    /// Everything since the last fold as one change, and nothing if whoever came has gone, or the reverse.
    pub fn fold(&mut self, now: TimeMs) -> Option<PresenceChange> {
        let touched = &mut self.touched;
        self.people.retain(|user_id, person| {
            let stays = person.gone_at.is_none_or(|gone_at| now < gone_at);
            if !stays {
                touched.insert(*user_id);
            }
            stays
        });
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
        let count = self.told.len();
        (!joined.is_empty() || !left.is_empty()).then_some(PresenceChange { joined, left, count })
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
            total: self.told.len(),
            next,
        }
    }
}
