//! How many live sessions one caller and one address may have at once, so that one person's tabs, or one machine, leave room
//! for the school. Never what sessions do.

use crate::auth::{Owner, Principal};
use crate::problem::Problem;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use homeroom_schema::limits::{SESSIONS_PER_MENTOR_MAX, SESSIONS_PER_STUDENT_MAX};
use homeroom_schema::records::TokenRole;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

/// Sessions by caller (the person of a token, else the token) and by address.
#[derive(Debug, Clone)]
pub struct OwnSessions {
    callers: Counts<Owner>,
    addresses: Counts<IpAddr>,
    per_address: usize,
}

/// One session's place among its caller's and its address's; dropping it gives both back.
#[derive(Debug)]
pub(super) struct OwnSession {
    _caller: Counted<Owner>,
    _address: Option<Counted<IpAddr>>,
    gauge: metrics::Gauge,
}

impl OwnSessions {
    /// Nobody has any yet; one address may have `per_address`.
    #[must_use]
    pub fn new(per_address: usize) -> Self {
        Self {
            callers: Counts::default(),
            addresses: Counts::default(),
            per_address,
        }
    }

    /// Counts one more session of a caller, from an address where one is known.
    pub(super) fn take(&self, caller: &Principal, address: Option<IpAddr>) -> Result<OwnSession, Problem> {
        let most = most(caller.role);
        let own = self.callers.take(caller.owner(), most.unwrap_or(usize::MAX));
        let own = own.ok_or_else(|| too_many(most.unwrap_or_default()))?;
        let from = address.map(|address| self.addresses.take(address.to_canonical(), self.per_address));
        let from = match from {
            Some(None) => return Err(too_many_from_address(self.per_address)),
            Some(Some(from)) => Some(from),
            None => None,
        };
        let gauge = metrics::gauge!("homeroom_sessions", "role" => caller.role.as_str());
        gauge.increment(1.0);
        Ok(OwnSession {
            _caller: own,
            _address: from,
            gauge,
        })
    }
}

impl Drop for OwnSession {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}

/// How many each has. Those without any are not in it.
#[derive(Debug, Clone)]
struct Counts<K: Copy + Eq + Hash>(Arc<DashMap<K, usize>>);

/// One that is counted, until it is dropped.
#[derive(Debug)]
struct Counted<K: Copy + Eq + Hash> {
    counts: Counts<K>,
    key: K,
}

impl<K: Copy + Eq + Hash> Default for Counts<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    /// One more, unless there are `most` already.
    fn take(&self, key: K, most: usize) -> Option<Counted<K>> {
        match self.0.entry(key) {
            Entry::Occupied(count) if *count.get() >= most => return None,
            Entry::Occupied(mut count) => *count.get_mut() += 1,
            Entry::Vacant(_) if most == 0 => return None,
            Entry::Vacant(place) => drop(place.insert(1)),
        }
        Some(Counted {
            counts: self.clone(),
            key,
        })
    }
}

impl<K: Copy + Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.counts.0.entry(self.key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Programs of the school are not limited here; the node's own bound holds for all.
const fn most(role: TokenRole) -> Option<usize> {
    match role {
        TokenRole::Admin | TokenRole::Service => None,
        // One projector token serves all wall screens of a mentor.
        TokenRole::Mentor | TokenRole::Projector => Some(SESSIONS_PER_MENTOR_MAX),
        TokenRole::Student => Some(SESSIONS_PER_STUDENT_MAX),
    }
}

fn too_many(most: usize) -> Problem {
    let detail = format!("{most} live sessions are open already; close one first");
    Problem::new(429, "too_many_own_sessions", "Too many sessions of yours", detail).retry_after(5)
}

fn too_many_from_address(most: usize) -> Problem {
    let detail = format!("{most} live sessions are open from this address already");
    Problem::new(
        429,
        "too_many_from_address",
        "Too many sessions from one address",
        detail,
    )
    .retry_after(5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_schema::{TokenId, UserId};

    fn caller(role: TokenRole, token: u64, person: Option<u64>) -> Principal {
        Principal {
            token_id: TokenId::new(token).unwrap(),
            role,
            user_id: person.map(|id| UserId::new(id).unwrap()),
            expires_at: None,
        }
    }

    #[test]
    fn sessions_of_one_person_are_bounded_over_all_tokens_and_come_back() {
        let sessions = OwnSessions::new(1_000);
        let tokens = [
            caller(TokenRole::Student, 1, Some(7)),
            caller(TokenRole::Student, 2, Some(7)),
        ];
        let mut open: Vec<OwnSession> = (0..SESSIONS_PER_STUDENT_MAX)
            .map(|place| sessions.take(&tokens[place % 2], None).unwrap())
            .collect();
        assert_eq!(
            sessions.take(&tokens[0], None).err().unwrap().code,
            "too_many_own_sessions"
        );
        sessions.take(&caller(TokenRole::Student, 3, Some(8)), None).unwrap();
        open.pop();
        open.push(sessions.take(&tokens[1], None).unwrap());
        drop(open);
        assert!(
            sessions.callers.0.is_empty(),
            "nothing is kept of callers without sessions"
        );
    }

    #[test]
    fn programs_are_not_bounded_and_screens_are() {
        let sessions = OwnSessions::new(1_000);
        let count = |caller: &Principal| {
            let open: Vec<OwnSession> = (0..200).map_while(|_| sessions.take(caller, None).ok()).collect();
            open.len()
        };
        assert_eq!(count(&caller(TokenRole::Service, 1, None)), 200);
        assert_eq!(count(&caller(TokenRole::Projector, 1, None)), SESSIONS_PER_MENTOR_MAX);
        assert_eq!(count(&caller(TokenRole::Mentor, 1, Some(9))), SESSIONS_PER_MENTOR_MAX);
    }

    #[test]
    fn one_address_has_its_bound_whoever_comes_from_it() {
        let sessions = OwnSessions::new(2);
        let (school, mapped, home) = ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2");
        let open = |token: u64, address: &str| {
            let address = address.parse().unwrap();
            sessions.take(&caller(TokenRole::Service, token, None), Some(address))
        };
        let one = open(1, school).unwrap();
        let _two = open(2, mapped).unwrap();
        assert_eq!(open(3, school).err().unwrap().code, "too_many_from_address");
        let _elsewhere = open(3, home).unwrap();
        drop(one);
        drop(open(3, school).unwrap());
        assert_eq!(sessions.callers.0.len(), 2, "a refused session leaves nothing behind");
    }
}
