//! All tokens in force, in memory: found by the hash of their secret. What is kept is the store's affair.

use super::Principal;
use dashmap::DashMap;
use homeroom_schema::limits::TOKENS_MAX;
use homeroom_schema::records::{TokenRecord, TokenRole};
use homeroom_schema::{TimeMs, TokenId, UserId};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Token ids are made of the time and a count, so that they rise and none is ever given twice.
const IDS_A_MILLISECOND: u64 = 1_024;
/// How often ended tokens are cleared out while new ones are made.
const SWEEP_EVERY_MS: i64 = 10 * 60 * 1_000;

/// A token to be made, except for its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it may be used for.
    pub role: TokenRole,
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// A name for people.
    pub label: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<TimeMs>,
}

/// All tokens in force. At most [`TOKENS_MAX`].
#[derive(Debug, Default)]
pub struct Tokens {
    by_hash: DashMap<[u8; 32], Principal>,
    by_id: RwLock<ById>,
    /// Held while a token is being made or revoked, so that counts seen are counts kept.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct ById {
    records: BTreeMap<TokenId, TokenRecord>,
    last_id: u64,
    swept_at: TimeMs,
}

impl Tokens {
    /// The tokens that the store has.
    #[must_use]
    pub fn new(records: Vec<TokenRecord>) -> Self {
        let tokens = Self::default();
        for record in records {
            tokens.insert(record);
        }
        tokens
    }

    /// The hash under which a secret is kept.
    #[must_use]
    pub fn hash(secret: &str) -> [u8; 32] {
        Sha256::digest(secret).into()
    }

    /// The holder of a secret, unless the token has ended.
    #[must_use]
    pub fn find(&self, secret: &str, now: TimeMs) -> Option<Principal> {
        let caller = *self.by_hash.get(&Self::hash(secret))?;
        is_live(caller.expires_at, now).then_some(caller)
    }

    /// The holder of a token, unless it has ended.
    #[must_use]
    pub fn principal(&self, token_id: TokenId, now: TimeMs) -> Option<Principal> {
        self.get(token_id, now).map(|record| principal(&record))
    }

    /// A token in force.
    #[must_use]
    pub fn get(&self, token_id: TokenId, now: TimeMs) -> Option<TokenRecord> {
        let by_id = self.by_id.read();
        let record = by_id.records.get(&token_id)?;
        is_live(record.expires_at, now).then(|| record.clone())
    }

    /// Tokens in force after an id, rising, at most `limit`.
    #[must_use]
    pub fn after(&self, after: Option<TokenId>, limit: usize, now: TimeMs) -> Vec<TokenRecord> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let by_id = self.by_id.read();
        let rest = by_id.records.range((start, Bound::Unbounded)).map(|(_, record)| record);
        rest.filter(|record| is_live(record.expires_at, now))
            .take(limit)
            .cloned()
            .collect()
    }

    /// The tokens of one person.
    #[must_use]
    pub fn of_person(&self, user_id: UserId) -> Vec<TokenId> {
        let by_id = self.by_id.read();
        let records = by_id.records.values();
        records
            .filter(|record| record.user_id == Some(user_id))
            .map(|record| record.token_id)
            .collect()
    }

    /// Whether there is an admin token besides these that stays: one that ends by itself, as a browser's session does, would
    /// leave nobody in after it.
    #[must_use]
    pub fn has_admin_outside(&self, token_ids: &[TokenId]) -> bool {
        self.by_id.read().records.values().any(|record| {
            record.role == TokenRole::Admin && !token_ids.contains(&record.token_id) && record.expires_at.is_none()
        })
    }

    /// Whether another token fits; clears ended ones out now and then, and at the bound.
    #[must_use]
    pub fn has_room(&self, now: TimeMs) -> bool {
        let mut by_id = self.by_id.write();
        if by_id.records.len() >= TOKENS_MAX || by_id.swept_at.plus_ms(SWEEP_EVERY_MS) <= now {
            by_id.swept_at = now;
            by_id.records.retain(|_, record| {
                let live = is_live(record.expires_at, now);
                if !live {
                    self.by_hash.remove(&record.hash);
                }
                live
            });
        }
        by_id.records.len() < TOKENS_MAX
    }

    /// A record for a new token with this secret; it is in force once inserted.
    #[must_use]
    pub fn record(&self, new: NewToken, secret: &str, now: TimeMs) -> TokenRecord {
        let mut by_id = self.by_id.write();
        let by_time = u64::try_from(now.0).unwrap_or(0).saturating_mul(IDS_A_MILLISECOND);
        let id = by_time.max(by_id.last_id + 1);
        by_id.last_id = id;
        TokenRecord {
            token_id: TokenId::new(id).unwrap_or(TokenId::MAX),
            hash: Self::hash(secret),
            role: new.role,
            user_id: new.user_id,
            label: new.label,
            created_at: now,
            expires_at: new.expires_at,
            revoked_at: None,
        }
    }

    /// Puts a kept token in force.
    pub fn insert(&self, record: TokenRecord) {
        let mut by_id = self.by_id.write();
        by_id.last_id = by_id.last_id.max(record.token_id.get());
        self.by_hash.insert(record.hash, principal(&record));
        by_id.records.insert(record.token_id, record);
    }

    /// Takes a token out of force.
    pub fn remove(&self, token_id: TokenId) {
        let mut by_id = self.by_id.write();
        if let Some(record) = by_id.records.remove(&token_id) {
            self.by_hash.remove(&record.hash);
        }
    }
}

fn is_live(expires_at: Option<TimeMs>, now: TimeMs) -> bool {
    expires_at.is_none_or(|end| now < end)
}

fn principal(record: &TokenRecord) -> Principal {
    Principal {
        token_id: record.token_id,
        role: record.role,
        user_id: record.user_id,
        expires_at: record.expires_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(tokens: &Tokens, role: TokenRole, secret: &str, now: i64, expires_at: Option<i64>) -> TokenId {
        let new = NewToken {
            role,
            user_id: None,
            label: None,
            expires_at: expires_at.map(TimeMs),
        };
        let record = tokens.record(new, secret, TimeMs(now));
        let id = record.token_id;
        tokens.insert(record);
        id
    }

    #[test]
    fn a_token_is_found_by_its_secret_alone_and_until_it_ends() {
        let tokens = Tokens::default();
        let id = make(&tokens, TokenRole::Service, "secret", 10, Some(20));
        assert_eq!(tokens.find("secret", TimeMs(19)).map(|p| p.token_id), Some(id));
        assert_eq!(tokens.find("Secret", TimeMs(19)), None);
        assert_eq!(tokens.find("secret", TimeMs(20)), None);
        tokens.remove(id);
        assert_eq!(tokens.find("secret", TimeMs(11)), None);
    }

    #[test]
    fn ids_rise_even_when_the_clock_stands_still_or_goes_back() {
        let tokens = Tokens::default();
        let ids: Vec<_> = [50, 50, 49, 51]
            .into_iter()
            .map(|now| make(&tokens, TokenRole::Service, &now.to_string(), now, None))
            .collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
        let page = tokens.after(Some(ids[0]), 2, TimeMs(60));
        assert_eq!(page.iter().map(|r| r.token_id).collect::<Vec<_>>(), ids[1..3]);
    }

    #[test]
    fn the_last_admin_is_noticed_and_those_who_end_by_themselves_do_not_count() {
        let tokens = Tokens::default();
        let first = make(&tokens, TokenRole::Admin, "a", 0, None);
        make(&tokens, TokenRole::Admin, "b", 0, Some(10));
        make(&tokens, TokenRole::Service, "c", 0, None);
        assert!(!tokens.has_admin_outside(&[first]));
        make(&tokens, TokenRole::Admin, "d", 0, None);
        assert!(tokens.has_admin_outside(&[first]));
    }

    #[test]
    fn ended_tokens_are_cleared_out() {
        let tokens = Tokens::default();
        make(&tokens, TokenRole::Student, "a", 0, Some(10));
        assert!(tokens.has_room(TimeMs(SWEEP_EVERY_MS)));
        assert!(tokens.by_hash.is_empty() && tokens.by_id.read().records.is_empty());
    }
}
