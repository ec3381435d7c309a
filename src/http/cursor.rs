//! Page cursors: where a list goes on, opaque to clients, good only for the list, the filters and the caller they were
//! made for.

use crate::problem::Problem;
use crate::secret::NodeSecret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

const TAG_BYTES: usize = 9;
/// A longer text is no cursor of ours.
const CURSOR_CHARS_MAX: usize = 512;

/// A cursor that goes on at `place` of the list `scope`.
pub(super) fn encode<T: Serialize>(secret: &NodeSecret, scope: &str, place: &T) -> Option<String> {
    let mut bytes = serde_json::to_vec(place).ok()?;
    let tag = secret.tag("cursor", &[scope.as_bytes(), &bytes]);
    bytes.extend_from_slice(&tag[..TAG_BYTES]);
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// The place that a cursor goes on at.
///
/// # Errors
/// 400 `invalid_cursor` for anything but a cursor of this very list.
pub(super) fn decode<T: DeserializeOwned>(secret: &NodeSecret, scope: &str, cursor: &str) -> Result<T, Problem> {
    let decoded = (cursor.len() <= CURSOR_CHARS_MAX).then(|| URL_SAFE_NO_PAD.decode(cursor).ok());
    let bytes = decoded.flatten().ok_or_else(Problem::invalid_cursor)?;
    let place = bytes.len().checked_sub(TAG_BYTES).ok_or_else(Problem::invalid_cursor)?;
    let (place, tag) = bytes.split_at(place);
    if secret.tag("cursor", &[scope.as_bytes(), place])[..TAG_BYTES] != *tag {
        return Err(Problem::invalid_cursor());
    }
    serde_json::from_slice(place).map_err(|_| Problem::invalid_cursor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_on_its_own_node_only() {
        let secret = NodeSecret::new([1; 32]);
        let cursor = encode(&secret, "users", &41_u64).expect("a cursor");
        assert_eq!(decode::<u64>(&secret, "users", &cursor), Ok(41));
        let other_node = NodeSecret::new([2; 32]);
        let mut tampered = cursor.clone().into_bytes();
        tampered[0] ^= 1;
        let tampered = String::from_utf8(tampered).expect("still text");
        for (secret, scope, cursor) in [
            (&other_node, "users", cursor.as_str()),
            (&secret, "teams", &cursor),
            (&secret, "users", &tampered),
            (&secret, "users", &cursor[1..]),
            (&secret, "users", ""),
            (&secret, "users", "%%%"),
            (&secret, "users", &"A".repeat(10_000)),
        ] {
            let problem = decode::<u64>(secret, scope, cursor).expect_err("refused");
            assert_eq!(
                (problem.status, problem.code),
                (400, "invalid_cursor"),
                "{scope} {cursor:.20}"
            );
        }
    }
}
