//! How many live sessions one caller may have at once, so that one person's tabs leave room for the school. Never what
//! sessions do.

use crate::auth::{Owner, Principal};
use crate::problem::Problem;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use homeroom_schema::limits::{SESSIONS_PER_MENTOR_MAX, SESSIONS_PER_STUDENT_MAX};
use homeroom_schema::records::TokenRole;
use std::sync::Arc;

/// Sessions by caller: the person of a token, else the token. Callers without sessions are not in it.
#[derive(Debug, Clone, Default)]
pub struct OwnSessions {
    counts: Arc<DashMap<Owner, usize>>,
}

/// One session's place among its caller's; dropping it gives it back.
#[derive(Debug)]
pub(super) struct OwnSession {
    counts: Arc<DashMap<Owner, usize>>,
    owner: Owner,
    gauge: metrics::Gauge,
}

impl OwnSessions {
    /// Counts one more session of a caller.
    pub(super) fn take(&self, caller: &Principal) -> Result<OwnSession, Problem> {
        let owner = caller.owner();
        let mut count = self.counts.entry(owner).or_default();
        if let Some(most) = most(caller.role)
            && *count >= most
        {
            return Err(too_many(most));
        }
        *count += 1;
        let gauge = metrics::gauge!("homeroom_sessions", "role" => caller.role.as_str());
        gauge.increment(1.0);
        Ok(OwnSession {
            gauge,
            counts: Arc::clone(&self.counts),
            owner,
        })
    }
}

impl Drop for OwnSession {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
        if let Entry::Occupied(mut count) = self.counts.entry(self.owner) {
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
        let sessions = OwnSessions::default();
        let tokens = [
            caller(TokenRole::Student, 1, Some(7)),
            caller(TokenRole::Student, 2, Some(7)),
        ];
        let mut open: Vec<OwnSession> = (0..SESSIONS_PER_STUDENT_MAX)
            .map(|place| sessions.take(&tokens[place % 2]).unwrap())
            .collect();
        assert_eq!(sessions.take(&tokens[0]).err().unwrap().code, "too_many_own_sessions");
        sessions.take(&caller(TokenRole::Student, 3, Some(8))).unwrap();
        open.pop();
        open.push(sessions.take(&tokens[1]).unwrap());
        drop(open);
        assert!(
            sessions.counts.is_empty(),
            "nothing is kept of callers without sessions"
        );
    }

    #[test]
    fn programs_are_not_bounded_and_screens_are() {
        let sessions = OwnSessions::default();
        let count = |caller: &Principal| {
            let open: Vec<OwnSession> = (0..200).map_while(|_| sessions.take(caller).ok()).collect();
            open.len()
        };
        assert_eq!(count(&caller(TokenRole::Service, 1, None)), 200);
        assert_eq!(count(&caller(TokenRole::Projector, 1, None)), SESSIONS_PER_MENTOR_MAX);
        assert_eq!(count(&caller(TokenRole::Mentor, 1, Some(9))), SESSIONS_PER_MENTOR_MAX);
    }
}
