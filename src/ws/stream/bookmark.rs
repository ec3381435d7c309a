//! Where a reader of events stands in all its topics, as one opaque word: the `id` of an event, and what comes back in
//! `Last-Event-ID`. It is no secret and no right: whoever changes one only asks for other positions.
//!
//! | bytes | are |
//! | --- | --- |
//! | 1 | the version of this form |
//! | then for each topic, in order of names | |
//! | 1 | how many bytes its name has in common with the one before |
//! | 1 + n | the rest of its name |
//! | 1 (+ n) | its epoch: 0: the same as before; 1: eight bytes that were 16 hexadecimal digits; else 1 + n bytes of text |
//! | 1 to 10 | its offset, 7 bits a byte, lowest first, the top bit set in all but the last (LEB128) |
//!
//! All that in base64url. A student's own topic, team and two boards are about 100 letters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use homeroom_actors::topics::{Position, TopicName};
use homeroom_schema::limits::{EVENT_ID_CHARS_MAX, SESSION_TOPICS_MAX};
use std::sync::Arc;

const VERSION: u8 = 1;
const SAME_EPOCH: u8 = 0;
const HEX_EPOCH: u8 = 1;
/// Epochs of other forms have this many bytes at most, and the tag is one more than that.
const EPOCH_BYTES_MAX: usize = 64;
/// Digits of a usual epoch.
const HEX_DIGITS: usize = 16;

/// Positions by topic.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Bookmark {
    /// In order of names as text.
    places: Vec<Place>,
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    topic: TopicName,
    name: Box<str>,
    position: Position,
}

impl Bookmark {
    /// Reads a word that [`Bookmark::encode`] has made. Names of unknown topics are left out: another version of the node
    /// may know them.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        if text.len() > EVENT_ID_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut reading = Reading { rest: &bytes };
        (reading.byte()? == VERSION).then_some(())?;
        let mut bookmark = Self::default();
        let (mut name, mut epoch): (Vec<u8>, Option<Arc<str>>) = (Vec::new(), None);
        let mut count = 0;
        while !reading.rest.is_empty() {
            count += 1;
            let common = usize::from(reading.byte()?);
            if count > SESSION_TOPICS_MAX || common > name.len() {
                return None;
            }
            let more = usize::from(reading.byte()?);
            name.truncate(common);
            name.extend_from_slice(reading.take(more)?);
            match reading.byte()? {
                SAME_EPOCH => {}
                HEX_EPOCH => {
                    let number = u64::from_be_bytes(reading.take(8)?.try_into().ok()?);
                    epoch = Some(format!("{number:016x}").into());
                }
                tag => epoch = Some(str::from_utf8(reading.take(usize::from(tag) - 1)?).ok()?.into()),
            }
            let position = Position {
                epoch: Arc::clone(epoch.as_ref()?),
                offset: reading.number()?,
            };
            if let Ok(topic) = str::from_utf8(&name).ok()?.parse() {
                bookmark.put(topic, &position);
            }
        }
        Some(bookmark)
    }

    /// The word for these positions.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(1 + 24 * self.places.len());
        bytes.push(VERSION);
        let (mut name, mut epoch): (&[u8], Option<&Arc<str>>) = (&[], None);
        for place in &self.places {
            let next = place.name.as_bytes();
            let common = name.iter().zip(next).take_while(|(one, other)| one == other).count();
            // Names have a few dozen bytes.
            bytes.extend([common as u8, (next.len() - common) as u8]);
            bytes.extend(&next[common..]);
            if epoch == Some(&place.position.epoch) {
                bytes.push(SAME_EPOCH);
            } else {
                write_epoch(&mut bytes, &place.position.epoch);
            }
            write_number(&mut bytes, place.position.offset);
            (name, epoch) = (next, Some(&place.position.epoch));
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A topic stands here.
    pub(crate) fn put(&mut self, topic: TopicName, position: &Position) {
        // A position in an epoch that cannot be written is none: its topic starts anew from a snapshot.
        if position.epoch.len() > EPOCH_BYTES_MAX || position.epoch.is_empty() {
            return self.remove(topic);
        }
        if let Some(place) = self.places.iter_mut().find(|place| place.topic == topic) {
            place.position.clone_from(position);
            return;
        }
        let name: Box<str> = topic.to_string().into();
        let at = self.places.partition_point(|place| place.name < name);
        let position = position.clone();
        self.places.insert(at, Place { topic, name, position });
    }

    /// A topic stands nowhere.
    pub(crate) fn remove(&mut self, topic: TopicName) {
        self.places.retain(|place| place.topic != topic);
    }

    /// Where a topic stands.
    pub(crate) fn position(&self, topic: TopicName) -> Option<&Position> {
        let place = self.places.iter().find(|place| place.topic == topic);
        place.map(|place| &place.position)
    }

    /// Forgets all topics but these.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(TopicName) -> bool) {
        self.places.retain(|place| is_kept(place.topic));
    }
}

fn write_epoch(bytes: &mut Vec<u8>, epoch: &str) {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_hex = epoch.len() == HEX_DIGITS && epoch.bytes().all(is_digit);
    match u64::from_str_radix(epoch, 16) {
        Ok(number) if is_hex => {
            bytes.push(HEX_EPOCH);
            bytes.extend(number.to_be_bytes());
        }
        _ => {
            // 2 to 65, since `put` has looked.
            bytes.push(epoch.len() as u8 + 1);
            bytes.extend(epoch.as_bytes());
        }
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

struct Reading<'a> {
    rest: &'a [u8],
}

impl<'a> Reading<'a> {
    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: &str, offset: u64) -> Position {
        let epoch = epoch.into();
        Position { epoch, offset }
    }

    fn bookmark(places: &[(&str, &str, u64)]) -> Bookmark {
        let mut bookmark = Bookmark::default();
        for (name, epoch, offset) in places {
            bookmark.put(name.parse().expect("a topic"), &at(epoch, *offset));
        }
        bookmark
    }

    const EPOCH: &str = "00c0ffee00c0ffee";

    #[test]
    fn what_was_written_is_read_again() {
        for places in [
            &[][..],
            &[("user:7", EPOCH, 0)],
            &[("user:7", EPOCH, u64::MAX), ("user:77", EPOCH, 128)],
            &[
                ("board:all", "a", 1),
                ("board:all:week", "0123456789ABCDEF", 1 << 40),
                ("board:team:3", "ffffffffffffffff", 127),
                ("team:3", "ein Leben ohne Zahlen, das länger ist", 300),
                ("user:9007199254740991", EPOCH, 9_007_199_254_740_991),
            ],
        ] {
            let written = bookmark(places);
            let word = written.encode();
            assert_eq!(Bookmark::decode(&word), Some(written), "{word}");
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            assert!(word.chars().all(is_plain), "{word}");
        }
    }

    #[test]
    fn positions_move_and_go() {
        let mut bookmark = bookmark(&[("user:7", EPOCH, 1), ("team:3", EPOCH, 5)]);
        let user = "user:7".parse().expect("a topic");
        bookmark.put(user, &at(EPOCH, 2));
        assert_eq!(bookmark.position(user), Some(&at(EPOCH, 2)));
        bookmark.remove(user);
        assert_eq!(bookmark.position(user), None);
        bookmark.put(user, &at("", 2));
        assert_eq!(bookmark.position(user), None, "an epoch that is none");
        bookmark.keep(|topic| topic == user);
        assert_eq!(bookmark, Bookmark::default());
    }

    #[test]
    fn no_other_word_is_read_and_none_does_harm() {
        let word = bookmark(&[
            ("user:7", EPOCH, 300),
            ("user:8", "text", 1),
            ("board:all", EPOCH, u64::MAX),
        ])
        .encode();
        for end in 1..word.len() {
            // A whole number of topics may be left; then it is a word of its own.
            if let Some(read) = Bookmark::decode(&word[..end]) {
                assert_eq!(read.encode(), word[..end]);
            }
        }
        for bad in [
            "",
            "A",
            "AA",
            "Ag",
            "AQ==",
            "nonsense!",
            "AQEB",
            "AQD_",
            &"A".repeat(EVENT_ID_CHARS_MAX + 1),
        ] {
            assert_eq!(Bookmark::decode(bad), None, "{bad:.20}");
        }
        let bytes = URL_SAFE_NO_PAD.decode(&word).expect("base64");
        for place in 0..bytes.len() {
            for change in 1..=u8::MAX {
                let mut changed = bytes.clone();
                changed[place] ^= change;
                // Whatever it says, it says positions or nothing.
                if let Some(read) = Bookmark::decode(&URL_SAFE_NO_PAD.encode(changed)) {
                    assert!(read.places.len() <= 3);
                }
            }
        }
    }

    #[test]
    fn all_topics_that_a_session_can_hold_fit() {
        let mut bookmark = Bookmark::default();
        for place in 0..SESSION_TOPICS_MAX as u64 {
            // Names that have little in common, at the end of what ids can be.
            let id = 9_007_199_254_740_991 - place * 35_184_372_088_831;
            let name = format!("board:qualification:{id}:season");
            let epoch = format!("{:016x}", u64::MAX - place);
            bookmark.put(name.parse().expect("a topic"), &at(&epoch, u64::MAX - place));
        }
        let word = bookmark.encode();
        assert!(word.len() <= EVENT_ID_CHARS_MAX, "{} letters", word.len());
        assert_eq!(Bookmark::decode(&word), Some(bookmark));
    }

    #[test]
    fn a_students_word_is_short() {
        let word = bookmark(&[
            ("user:123456", EPOCH, 1_500),
            ("team:17", "0123456789abcdef", 400),
            ("board:all:week", "123456789abcdef0", 90_000),
            ("board:team:17", "23456789abcdef01", 400),
        ])
        .encode();
        assert!(word.len() <= 140, "{} letters", word.len());
    }
}
