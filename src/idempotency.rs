//! Idempotency keys of callers: one namespace for the header, items of a batch and the socket. What a key did is kept by
//! the commit that did it; here are the names, who is under way, and how the first answer is found again.

mod fingerprint;
mod under_way;

pub use fingerprint::Fingerprint;
pub use under_way::{Entered, Guard, Keys, Waiter};

use crate::app::App;
use crate::auth::{Owner, Principal};
use crate::problem::Problem;
use axum::http::HeaderName;
use homeroom_actors::engine::KeyClaim;
use homeroom_schema::limits::KEY_CHARS_MAX;
use homeroom_schema::records::{KeyHash, KeyRecord};
use sha2::{Digest, Sha256};

/// The header that marks an answer as given before.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The claim of a caller's key for a request. Keys belong to the person of the token, else to the token.
///
/// # Errors
/// 422 when the key is not 1 to 255 visible ASCII characters; `field` is where it stood.
pub fn claim(caller: &Principal, key: &str, field: &str, fingerprint: Fingerprint) -> Result<KeyClaim, Problem> {
    if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("must be 1 to {KEY_CHARS_MAX} visible ASCII characters");
        return Err(Problem::invalid(field, message));
    }
    Ok(KeyClaim {
        hash: hash(caller, "key", key, 0),
        fingerprint: fingerprint.0,
    })
}

/// The claim of an item of a batch that has no key of its own: its place under the batch's key.
#[must_use]
pub fn claim_of_item(caller: &Principal, batch_key: &str, index: usize, fingerprint: Fingerprint) -> KeyClaim {
    KeyClaim {
        hash: hash(caller, "item", batch_key, index as u64 + 1),
        fingerprint: fingerprint.0,
    }
}

/// What a request meets when it comes to its turn.
#[derive(Debug)]
pub enum Turn {
    /// It is the first: to be carried out while the guard lives.
    First(Option<Guard>),
    /// It was carried out before.
    Again(KeyRecord),
}

/// Waits for the turn of a request, if it has a key.
///
/// # Errors
/// 409 `request_in_progress`, 422 `idempotency_key_reused`, 503.
pub async fn turn(app: &App, claim: Option<&KeyClaim>) -> Result<Turn, Problem> {
    let Some(claim) = claim else {
        return Ok(Turn::First(None));
    };
    let guard = app.keys().enter_or_wait(claim.hash).await?;
    Ok(match earlier(app, claim).await? {
        Some(record) => Turn::Again(record),
        None => Turn::First(Some(guard)),
    })
}

/// What the key did, after the engine said that somebody else had taken it first.
///
/// # Errors
/// As [`turn`].
pub async fn taken(app: &App, claim: &KeyClaim) -> Result<KeyRecord, Problem> {
    earlier(app, claim).await?.ok_or_else(Problem::request_in_progress)
}

/// What this key did earlier, if anything.
///
/// # Errors
/// 422 `idempotency_key_reused` when that was another request; 503 when the store cannot say.
pub async fn earlier(app: &App, claim: &KeyClaim) -> Result<Option<KeyRecord>, Problem> {
    let Some(record) = app.engine().find_key(claim.hash).await? else {
        return Ok(None);
    };
    if record.fingerprint == claim.fingerprint {
        metrics::counter!("homeroom_idempotency_replays_total").increment(1);
        return Ok(Some(record));
    }
    let detail = "This Idempotency-Key was used for another request; choose a new one for a new request.";
    Err(Problem::new(422, "idempotency_key_reused", "The key is used", detail))
}

fn hash(caller: &Principal, domain: &str, key: &str, index: u64) -> KeyHash {
    let (scope, id) = match caller.owner() {
        Owner::Person(user_id) => ("person", user_id.get()),
        Owner::Token(token_id) => ("token", token_id.get()),
    };
    let mut hasher = Sha256::new();
    for part in [domain, scope] {
        hasher.update(part);
        hasher.update([0]);
    }
    hasher.update(id.to_be_bytes());
    hasher.update(index.to_be_bytes());
    hasher.update(key);
    let digest = hasher.finalize();
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    KeyHash(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_schema::records::TokenRole;
    use homeroom_schema::{TokenId, UserId};

    fn caller(token: u64, user: Option<u64>) -> Principal {
        Principal {
            token_id: TokenId::new(token).expect("an id"),
            role: TokenRole::Service,
            user_id: user.map(|id| UserId::new(id).expect("an id")),
            expires_at: None,
        }
    }

    #[test]
    fn keys_belong_to_the_person_else_to_the_token() {
        let of = |caller: &Principal| claim(caller, "k", "key", Fingerprint([0; 16])).expect("a claim").hash;
        assert_eq!(of(&caller(1, Some(7))), of(&caller(2, Some(7))));
        assert_ne!(of(&caller(1, Some(7))), of(&caller(1, Some(8))));
        assert_ne!(of(&caller(1, None)), of(&caller(2, None)));
        assert_ne!(of(&caller(7, None)), of(&caller(1, Some(7))));
    }

    #[test]
    fn items_of_a_batch_have_keys_of_their_own() {
        let caller = caller(1, None);
        let print = Fingerprint([0; 16]);
        let batch = claim(&caller, "k", "key", print).expect("a claim").hash;
        let first = claim_of_item(&caller, "k", 0, print).hash;
        assert_ne!(batch, first);
        assert_ne!(first, claim_of_item(&caller, "k", 1, print).hash);
    }

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        let caller = caller(1, None);
        let print = Fingerprint([0; 16]);
        for good in ["a", "a-b_c:~!", &"k".repeat(KEY_CHARS_MAX)] {
            assert!(claim(&caller, good, "key", print).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "é", "a\n", &"k".repeat(KEY_CHARS_MAX + 1)] {
            let problem = claim(&caller, bad, "Idempotency-Key", print).expect_err("refused");
            assert_eq!(
                (problem.status, problem.errors[0].field.as_str()),
                (422, "Idempotency-Key"),
                "{bad:?}"
            );
        }
    }
}
