//! Newtypes for every identity, version and moment that is kept. No behaviour beyond range checks.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest id: 2^53 - 1, the largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
pub const ID_MAX: u64 = (1 << 53) - 1;

/// An integer that is no id: zero, or beyond [`ID_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an integer from 1 to 9007199254740991")]
pub struct IdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// The smallest id.
            pub const MIN: Self = Self(1);
            /// The largest id.
            pub const MAX: Self = Self(ID_MAX);

            /// Checks the range 1 to [`ID_MAX`].
            ///
            /// # Errors
            /// [`IdError`] when the integer is out of that range.
            pub const fn new(value: u64) -> Result<Self, IdError> {
                if value == 0 || value > ID_MAX { Err(IdError) } else { Ok(Self(value)) }
            }

            /// The bare integer.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The bare integer as SQL engines store it; always positive, because ids end at 2^53 - 1.
            #[must_use]
            pub const fn as_i64(self) -> i64 {
                self.0 as i64
            }
        }

        impl TryFrom<u64> for $name {
            type Error = IdError;
            fn try_from(value: u64) -> Result<Self, IdError> {
                Self::new(value)
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> u64 {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse::<u64>().map_err(|_| IdError).and_then(Self::new)
            }
        }
    )*};
}

ids! {
    /// A person: student, mentor or staff.
    UserId;
    /// A team of people.
    TeamId;
    /// A unit of learning.
    UnitId;
    /// A qualification: a set of units.
    QualificationId;
    /// What an award was for. Opaque: it need not be in the catalogue.
    ReferenceId;
    /// The place of one event in the journal, given by the writer: later events have larger ids, with gaps.
    EventId;
    /// An access token (its public number, not its secret).
    TokenId;
    /// An entry of the audit log, given by the store: later entries have larger ids.
    AuditId;
    /// An announcement: later ones have larger ids, and no id is given twice.
    AnnouncementId;
}

/// How many events a stream has: its first event has version 1. A learner's version is also the offset of their topic.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version of a stream without events.
    pub const ZERO: Self = Self(0);

    /// The version after `events` more events.
    #[must_use]
    pub const fn plus(self, events: u64) -> Self {
        Self(self.0 + events)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a committed batch of one writer, rising by one: a reader that sees a hole knows it missed a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchNo(pub u64);

/// A moment: milliseconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX time).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeMs(pub i64);

impl TimeMs {
    /// The moment `milliseconds` later.
    #[must_use]
    pub const fn plus_ms(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}
