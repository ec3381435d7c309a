//! The node's secret: what cursors, row handles and pseudonyms are keyed with. Made once, kept with the data, never shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// 32 random bytes of this node.
#[derive(Clone)]
pub struct NodeSecret([u8; 32]);

impl NodeSecret {
    /// The setting under which it is kept.
    pub const SETTING: &'static str = "secret";

    /// A secret of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new one from the system's randomness.
    ///
    /// # Errors
    /// When the system has none to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads the kept form; none if it is not one.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = (high * 16 + low) as u8;
        }
        Some(Self(bytes))
    }

    /// The kept form.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes, for what the engine derives from them.
    #[must_use]
    pub const fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// A keyed checksum of parts, for one use. Parts are counted, so that no two lists of parts look alike.
    #[must_use]
    pub fn tag(&self, usage: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in std::iter::once(&usage.as_bytes()).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// What a projector gets in place of an id on a board: the same for this row as long as the node lives, and nothing
    /// that leads back to the person, not even across boards.
    #[must_use]
    pub fn row_handle(&self, board: &str, id: u64) -> String {
        let tag = self.tag("row", &[board.as_bytes(), &id.to_be_bytes()]);
        URL_SAFE_NO_PAD.encode(&tag[..12])
    }
}

impl std::fmt::Debug for NodeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_form_reads_back_and_nothing_else_does() {
        let secret = NodeSecret::new([0xa7; 32]);
        assert_eq!(
            NodeSecret::from_hex(&secret.to_hex()).map(|s| s.bytes()),
            Some([0xa7; 32])
        );
        for bad in ["", "a7", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            assert!(NodeSecret::from_hex(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_row_handle_is_stable_and_differs_by_row_and_by_board_and_by_node() {
        let secret = NodeSecret::new([1; 32]);
        let handle = secret.row_handle("all", 7);
        assert_eq!(handle.len(), 16);
        assert_eq!(handle, secret.row_handle("all", 7));
        assert_ne!(handle, secret.row_handle("all", 8));
        assert_ne!(handle, secret.row_handle("team:3", 7));
        assert_ne!(handle, NodeSecret::new([2; 32]).row_handle("all", 7));
    }

    #[test]
    fn parts_of_a_tag_do_not_run_into_one_another() {
        let secret = NodeSecret::new([1; 32]);
        assert_ne!(secret.tag("x", &[b"ab", b"c"]), secret.tag("x", &[b"a", b"bc"]));
        assert_ne!(secret.tag("x", &[b"a"]), secret.tag("y", &[b"a"]));
    }
}
