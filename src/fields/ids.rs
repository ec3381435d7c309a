//! What all ids have in common for a reader.

use homeroom_schema::{AnnouncementId, EventId, QualificationId, ReferenceId, TeamId, TokenId, UnitId, UserId};
use std::str::FromStr;

/// An id of any kind.
pub trait Id: Copy + PartialEq + TryFrom<u64> + FromStr {
    /// Stands in for an id that could not be read.
    const STAND_IN: Self;
}

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl Id for $name {
            const STAND_IN: Self = Self::MIN;
        }
    )*};
}

ids! { AnnouncementId EventId QualificationId ReferenceId TeamId TokenId UnitId UserId }
