//! What a backup is and what it says of itself. Making one is each store's own affair.

use crate::ids::{EventId, TimeMs};
use serde::{Deserialize, Serialize};

/// The setting inside a backup that holds its [`Manifest`] as JSON. A database in use never has it, so a backup that was
/// put in the place of a database by hand is known by it.
pub const MANIFEST_SETTING: &str = "backup";

/// What is wanted of a backup beside the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupWish {
    /// When it is made, by the node's clock.
    pub made_at: TimeMs,
    /// The version of the program that makes it.
    pub program: String,
}

/// What a backup says of itself: all of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When it was made.
    pub made_at: TimeMs,
    /// The epoch of the history that it is a part of.
    pub epoch: String,
    /// Its mark: the last event that it holds; none in an empty one.
    pub last_event_id: Option<EventId>,
    /// The version of its tables.
    pub schema_version: u32,
    /// The version of the program that made it.
    pub program: String,
}

/// A backup that is on the disk, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupMade {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The length of the file.
    pub bytes: u64,
    /// SHA-256 of the file in hexadecimal; it stands beside it too.
    pub sha256: String,
}
