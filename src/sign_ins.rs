//! Sign-in links: a key in an address that makes a session of a browser, once, for a while. In memory only.

use crate::problem::Problem;
use homeroom_schema::limits::SIGN_INS_MAX;
use homeroom_schema::records::TokenRole;
use homeroom_schema::{TimeMs, UserId};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::Duration;

/// What a key signs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// The role.
    pub role: TokenRole,
    /// The person; always there for students and mentors.
    pub user_id: Option<UserId>,
    /// When the key ends by itself.
    pub expires_at: TimeMs,
}

/// All keys not yet used. At most [`SIGN_INS_MAX`].
#[derive(Debug, Default)]
pub struct SignIns {
    by_hash: Mutex<HashMap<[u8; 32], SignIn>>,
}

impl SignIns {
    /// Makes a key.
    ///
    /// # Errors
    /// 503 `overloaded` when too many are unused.
    pub fn issue(
        &self,
        role: TokenRole,
        user_id: Option<UserId>,
        life: Duration,
        now: TimeMs,
    ) -> Result<(String, SignIn), Problem> {
        let secret = crate::auth::random_secret("hk_")?;
        let expires_at = now.plus_ms(life.as_millis() as i64);
        let sign_in = SignIn {
            role,
            user_id,
            expires_at,
        };
        let mut by_hash = self.by_hash.lock();
        by_hash.retain(|_, known| now < known.expires_at);
        if by_hash.len() >= SIGN_INS_MAX {
            return Err(homeroom_actors::EngineError::Overloaded.into());
        }
        by_hash.insert(Sha256::digest(&secret).into(), sign_in);
        Ok((secret, sign_in))
    }

    /// Takes a key: gives what it signs in as, once, while it lives.
    #[must_use]
    pub fn redeem(&self, secret: &str, now: TimeMs) -> Option<SignIn> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let sign_in = self.by_hash.lock().remove(&hash)?;
        (now < sign_in.expires_at).then_some(sign_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(60);

    #[test]
    fn a_key_is_good_once_and_for_its_life() {
        let keys = SignIns::default();
        let issue = || keys.issue(TokenRole::Projector, None, LIFE, TimeMs(0)).expect("a key");
        let ((first, sign_in), (second, _)) = (issue(), issue());
        assert_eq!(keys.redeem("hk_nonsense", TimeMs(1)), None);
        assert_eq!(keys.redeem(&first, TimeMs(59_999)), Some(sign_in));
        assert_eq!(keys.redeem(&first, TimeMs(59_999)), None);
        assert_eq!(keys.redeem(&second, TimeMs(60_000)), None);
    }

    #[test]
    fn unused_keys_are_bounded_and_ended_ones_make_room() {
        let keys = SignIns::default();
        for _ in 0..SIGN_INS_MAX {
            keys.issue(TokenRole::Projector, None, LIFE, TimeMs(0)).expect("room");
        }
        let full = keys.issue(TokenRole::Projector, None, LIFE, TimeMs(1));
        assert_eq!(full.expect_err("full").code, "overloaded");
        keys.issue(TokenRole::Projector, None, LIFE, TimeMs(60_000))
            .expect("room again");
    }
}
