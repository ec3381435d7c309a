//! Tickets: what a browser opens a socket with, since it cannot send a header. One use, short-lived, in memory only.

use crate::problem::Problem;
use homeroom_schema::limits::{TICKET_LIFE, TICKETS_MAX};
use homeroom_schema::{TimeMs, TokenId};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// A ticket as its maker gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What to show at the door.
    pub secret: String,
    /// When it ends by itself.
    pub expires_at: TimeMs,
}

/// All tickets not yet used.
#[derive(Debug, Default)]
pub struct Tickets {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tickets: HashMap<[u8; 32], (TokenId, TimeMs)>,
    /// Oldest first: all tickets live equally long.
    order: VecDeque<([u8; 32], TimeMs)>,
}

impl Tickets {
    /// Makes a ticket for the holder of a token.
    ///
    /// # Errors
    /// 503 `overloaded` when too many are unused.
    pub fn issue(&self, token_id: TokenId, now: TimeMs) -> Result<Ticket, Problem> {
        let secret = crate::auth::random_secret("ht_")?;
        let hash = Sha256::digest(&secret).into();
        let expires_at = now.plus_ms(TICKET_LIFE.as_millis() as i64);
        let mut inner = self.inner.lock();
        inner.forget_ended(now);
        if inner.tickets.len() >= TICKETS_MAX || inner.order.len() >= 2 * TICKETS_MAX {
            return Err(homeroom_actors::EngineError::Overloaded.into());
        }
        inner.tickets.insert(hash, (token_id, expires_at));
        inner.order.push_back((hash, expires_at));
        Ok(Ticket { secret, expires_at })
    }

    /// Takes a ticket: gives the token that it was made with, once, while it lives.
    #[must_use]
    pub fn redeem(&self, secret: &str, now: TimeMs) -> Option<TokenId> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let (token_id, expires_at) = self.inner.lock().tickets.remove(&hash)?;
        (now < expires_at).then_some(token_id)
    }
}

impl Inner {
    fn forget_ended(&mut self, now: TimeMs) {
        while let Some((hash, expires_at)) = self.order.front() {
            if *expires_at > now && self.tickets.contains_key(hash) {
                break;
            }
            self.tickets.remove(hash);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_for_half_a_minute() {
        let tickets = Tickets::default();
        let token = TokenId::new(5).expect("an id");
        let first = tickets.issue(token, TimeMs(0)).expect("a ticket");
        let second = tickets.issue(token, TimeMs(0)).expect("a ticket");
        assert_ne!(first.secret, second.secret);
        assert_eq!(tickets.redeem("ht_nonsense", TimeMs(1)), None);
        assert_eq!(tickets.redeem(&first.secret, TimeMs(29_999)), Some(token));
        assert_eq!(tickets.redeem(&first.secret, TimeMs(29_999)), None);
        assert_eq!(tickets.redeem(&second.secret, TimeMs(30_000)), None);
    }

    #[test]
    fn unused_tickets_are_bounded_and_ended_ones_make_room() {
        let tickets = Tickets::default();
        let token = TokenId::new(5).expect("an id");
        for _ in 0..TICKETS_MAX {
            tickets.issue(token, TimeMs(0)).expect("room");
        }
        assert_eq!(tickets.issue(token, TimeMs(1)).expect_err("full").code, "overloaded");
        tickets.issue(token, TimeMs(30_000)).expect("room again");
        assert_eq!(tickets.inner.lock().order.len(), 1);
    }
}
