//! Names of backups: only what a node made itself is one, so that a name in a path reaches nothing else.

use crate::wire;
use homeroom_schema::TimeMs;
use serde::{Deserialize, Serialize};
use std::fmt;

const PREFIX: &str = "homeroom-";
const SUFFIX: &str = "Z.sqlite3";
/// `20260301T093000000`
const MOMENT_CHARS: usize = 18;

/// The name of a backup: the moment at which it was made. The order of names is the order of moments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name of a backup made at this moment.
    #[must_use]
    pub fn of(at: TimeMs) -> Self {
        let digits: String = wire::time(at)
            .chars()
            .filter(|character| character.is_ascii_digit() || *character == 'T')
            .collect();
        Self(format!("{PREFIX}{digits}{SUFFIX}"))
    }

    /// Reads a name; none if it is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let moment = text.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let is_moment = moment.len() == MOMENT_CHARS
            && moment.bytes().enumerate().all(|(place, byte)| {
                if place == 8 {
                    byte == b'T'
                } else {
                    byte.is_ascii_digit()
                }
            });
        let name = is_moment.then(|| Self(text.to_owned()))?;
        name.moment().map(|_| name)
    }

    /// When it was made, by its name.
    #[must_use]
    pub fn made_at(&self) -> TimeMs {
        self.moment().unwrap_or_default()
    }

    fn moment(&self) -> Option<TimeMs> {
        let digits = self.0.get(PREFIX.len()..PREFIX.len() + MOMENT_CHARS)?;
        let part = |from: usize, to: usize| digits.get(from..to);
        wire::parse_time(&format!(
            "{}-{}-{}T{}:{}:{}.{}Z",
            part(0, 4)?,
            part(4, 6)?,
            part(6, 8)?,
            part(9, 11)?,
            part(11, 13)?,
            part(13, 15)?,
            part(15, 18)?
        ))
    }

    /// As a file's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("is no name of a backup")
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_moment_and_comes_back() {
        let at = TimeMs(1_772_357_400_123);
        let name = Name::of(at);
        assert_eq!(name.as_str(), "homeroom-20260301T093000123Z.sqlite3");
        assert_eq!(name.made_at(), at);
        assert_eq!(Name::parse(name.as_str()), Some(name.clone()));
        assert!(Name::of(at.plus_ms(1)) > name);
    }

    #[test]
    fn nothing_else_is_a_name() {
        for text in [
            "",
            ".",
            "..",
            "homeroom.sqlite3",
            "../homeroom-20260301T093000123Z.sqlite3",
            "homeroom-20260301T093000123Z.sqlite3/..",
            "homeroom-20260301T093000123Z.sqlite3\0",
            "homeroom-20260301T093000123Z.sqlite3.sha256",
            "homeroom-20260301T093000123Z.sqlite3.part",
            "homeroom-20261301T093000123Z.sqlite3",
            "homeroom-20260301T09300012.Z.sqlite3",
            "homeroom-20260301t093000123Z.sqlite3",
            "Homeroom-20260301T093000123Z.sqlite3",
        ] {
            assert_eq!(Name::parse(text), None, "{text:?}");
        }
    }
}
