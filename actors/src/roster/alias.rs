//! Pseudonyms: a friendly name for each person that stays the same on this node and says nothing about who it is. Pure.

use homeroom_schema::UserId;
use std::fmt::Write as _;

/// The purpose of an order of equal rows. No season has this number.
pub(super) const TIES: u64 = u64::MAX;

/// The secret that pseudonyms are made with: without it nobody can tell from an id which pseudonym belongs to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AliasSecret([u8; 32]);

impl AliasSecret {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the stored form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The stored form: 64 hexadecimal digits.
    pub(crate) fn to_text(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// A number that depends on the secret, a purpose and a value.
    pub(crate) fn hash(self, purpose: u64, value: u64) -> u64 {
        let word = |index: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&self.0[8 * index..8 * index + 8]);
            u64::from_le_bytes(bytes)
        };
        siphash24(word(0), word(1), [word(2) ^ word(3) ^ purpose, value])
    }

    /// The pseudonym of a person in a season, given as a number; 0 for the time between seasons. One of 409,600.
    pub(crate) fn pseudonym(self, user_id: UserId, season: u64) -> String {
        let hash = self.hash(season, user_id.get());
        let pick = |words: &[&'static str; 64], shift: u32| words[(hash >> shift) as usize % words.len()];
        format!("{} {} {:02}", pick(&KINDS, 0), pick(&ANIMALS, 6), (hash >> 12) % 100)
    }
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012) of two whole words.
fn siphash24(k0: u64, k1: u64, message: [u64; 2]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    // The last word holds the length in bytes, 16, in its highest byte.
    for word in [message[0], message[1], 16 << 56] {
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

const KINDS: [&str; 64] = [
    "Able", "Agile", "Amber", "Azure", "Bold", "Brave", "Breezy", "Bright", "Brisk", "Calm", "Careful", "Cheerful",
    "Clear", "Clever", "Cosy", "Curious", "Daring", "Deft", "Eager", "Early", "Fair", "Fine", "Fleet", "Friendly",
    "Gentle", "Glad", "Golden", "Grand", "Happy", "Hardy", "Helpful", "Honest", "Jolly", "Keen", "Kind", "Lively",
    "Loyal", "Lucky", "Merry", "Mighty", "Neat", "Nimble", "Noble", "Patient", "Polite", "Proud", "Quick", "Quiet",
    "Ready", "Silver", "Smart", "Snowy", "Steady", "Stellar", "Sunny", "Swift", "Tidy", "True", "Trusty", "Vivid",
    "Warm", "Wise", "Witty", "Zesty",
];

const ANIMALS: [&str; 64] = [
    "Albatross",
    "Alpaca",
    "Antelope",
    "Badger",
    "Bear",
    "Beaver",
    "Bison",
    "Bobcat",
    "Buffalo",
    "Camel",
    "Caribou",
    "Cheetah",
    "Condor",
    "Coyote",
    "Crane",
    "Deer",
    "Dolphin",
    "Dormouse",
    "Eagle",
    "Egret",
    "Elk",
    "Falcon",
    "Ferret",
    "Finch",
    "Fox",
    "Gazelle",
    "Gecko",
    "Giraffe",
    "Hare",
    "Hawk",
    "Hedgehog",
    "Heron",
    "Ibex",
    "Jaguar",
    "Kestrel",
    "Kingfisher",
    "Koala",
    "Lark",
    "Lemur",
    "Lion",
    "Lynx",
    "Marten",
    "Moose",
    "Narwhal",
    "Ocelot",
    "Orca",
    "Osprey",
    "Otter",
    "Owl",
    "Panda",
    "Panther",
    "Penguin",
    "Puffin",
    "Puma",
    "Raven",
    "Robin",
    "Seal",
    "Sparrow",
    "Stork",
    "Swan",
    "Tiger",
    "Turtle",
    "Walrus",
    "Wren",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn siphash_gives_the_published_vector_of_sixteen_bytes() {
        let key = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let message = [key.0, key.1];
        assert_eq!(siphash24(key.0, key.1, message), 0x3f2a_cc7f_57c2_9bdb);
    }

    #[test]
    fn a_pseudonym_depends_on_the_person_the_season_and_the_secret_alone() {
        let secret = AliasSecret::new([7; 32]);
        let alias = |id| secret.pseudonym(UserId::new(id).unwrap(), 0);
        assert_eq!(alias(1), alias(1));
        assert_ne!(alias(1), secret.pseudonym(UserId::new(1).unwrap(), 1));
        assert_ne!(
            alias(1),
            AliasSecret::new([8; 32]).pseudonym(UserId::new(1).unwrap(), 0)
        );
        let different: HashSet<String> = (1..=1_000).map(alias).collect();
        assert!(different.len() > 990, "{} of 1,000 differ", different.len());
    }

    #[test]
    fn the_secret_is_read_back_as_it_was_stored() {
        let secret = AliasSecret::new(std::array::from_fn(|index| index as u8 * 7));
        assert_eq!(AliasSecret::parse(&secret.to_text()), Some(secret));
        assert_eq!(AliasSecret::parse("00"), None);
        assert_eq!(AliasSecret::parse(&"ä".repeat(32)), None);
    }

    #[test]
    fn the_words_are_all_different() {
        assert_eq!(KINDS.iter().collect::<HashSet<_>>().len(), 64);
        assert_eq!(ANIMALS.iter().collect::<HashSet<_>>().len(), 64);
    }
}
