//! A database file opened to be looked at and nothing else: a backup, or a database that is not in use. Nothing is written,
//! not even beside it.

use super::backup;
use super::errors::{Stage, sort};
use super::open::BUSY_TIMEOUT;
use super::{migrate, read};
use crate::backup::Manifest;
use crate::ids::{EventId, UserId, Version};
use crate::queries as q;
use crate::records::{
    AchievementRecord, EvidenceSums, LearnerHead, LedgerRow, PointPartRecord, ProgressRecord, ResultRecord,
    RosterRecords, StoredEvent, StreamId,
};
use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;

/// Findings of the check of a file's structure that are named; further ones say nothing new.
const FINDINGS_MAX: u32 = 5;

/// A database file, for reading alone.
#[derive(Debug)]
pub struct DatabaseFile {
    connection: Connection,
}

impl DatabaseFile {
    /// Opens a file. Nobody may be writing to it.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] when it belongs to a newer program, [`StoreError::Fatal`] when it is no database of ours
    /// or cannot be read.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let unreadable = |error: &dyn std::fmt::Display| StoreError::Fatal {
            cause: format!("cannot read {}: {error}", file.display()),
        };
        std::fs::File::open(file).map_err(|error| unreadable(&error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        // With a log beside it the file alone is not the database; without one, SQLite need not make one either.
        let immutable = if super::log::bytes_on_disk(file) == 0 {
            "?immutable=1"
        } else {
            ""
        };
        let open = || {
            let connection = Connection::open_with_flags(format!("file:{}{immutable}", escaped(file)), flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection
                .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY")?;
            Ok(connection)
        };
        let connection = open().map_err(|error: rusqlite::Error| sort(&error, Stage::Open))?;
        migrate::refuse_newer(&connection)?;
        let opened = Self { connection };
        if opened.schema_version()? == 0 {
            return Err(StoreError::Fatal {
                cause: format!("{} is no database of Homeroom", file.display()),
            });
        }
        Ok(opened)
    }

    /// The version of its tables; 0 when it has none of ours.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn schema_version(&self) -> Result<u32, StoreError> {
        migrate::found(&self.connection)
            .map(Option::unwrap_or_default)
            .map_err(|error| sort(&error, Stage::Open))
    }

    /// What it says of itself, if it is a backup.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn manifest(&self) -> Result<Option<Manifest>, StoreError> {
        backup::manifest(&self.connection).map_err(|error| sort(&error, Stage::Read))
    }

    /// What SQLite finds wrong with its structure, its indexes and its references: nothing, if all is well.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn structure(&self) -> Result<Vec<String>, StoreError> {
        let check = || {
            let mut statement = self
                .connection
                .prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
            let mut found = statement
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            found.retain(|finding| finding != "ok");
            let stray = "SELECT count(*) FROM pragma_foreign_key_check";
            let stray: i64 = self.connection.query_row(stray, [], |row| row.get(0))?;
            if found.is_empty() && stray > 0 {
                found.push(format!("{stray} rows refer to something that is not there"));
            }
            Ok(found)
        };
        match check() {
            Ok(found) => Ok(found),
            Err(error) => match sort(&error, Stage::Read) {
                StoreError::Fatal { .. } | StoreError::Damaged { .. } => Ok(vec![error.to_string()]),
                other => Err(other),
            },
        }
    }

    /// The last event of the journal.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_event_id(&self) -> Result<Option<EventId>, StoreError> {
        self.read(last_event_id)
    }

    /// Events in all, events of learners, and rows of progress.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.read(|connection| {
            connection.query_row(q::COUNTS, [], |row| {
                Ok(Counts {
                    events: read::unsigned(row, 0)?,
                    learner_events: read::unsigned(row, 1)?,
                    progress_rows: read::unsigned(row, 2)?,
                })
            })
        })
    }

    /// The heads of all learners.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn heads(&self) -> Result<Vec<LearnerHead>, StoreError> {
        self.read(read::heads)
    }

    /// Events of a stream after `after`, at most `limit`.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn stream(&self, stream: StreamId, after: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(|connection| read::stream(connection, stream, after, limit))
    }

    /// Events of the journal after `after`, at most `limit`.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn journal(&self, after: Option<EventId>, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(|connection| read::journal(connection, after, limit))
    }

    /// Rows of the ledger after the event `after`, in the order of the journal, at most `limit`.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn ledger(&self, after: Option<EventId>, limit: usize) -> Result<Vec<LedgerRow>, StoreError> {
        self.read(|connection| read::ledger(connection, after, limit))
    }

    /// The parts of one adjusted entry of the ledger, in their order.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn point_parts(&self, event_id: EventId) -> Result<Vec<PointPartRecord>, StoreError> {
        self.read(|connection| read::point_parts(connection, event_id))
    }

    /// The rows of progress of one learner, by unit.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn progress(&self, user_id: UserId) -> Result<Vec<ProgressRecord>, StoreError> {
        self.read(|connection| read::progress_rows(connection, user_id))
    }

    /// The achievements of one learner, by type and tier.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn achievements(&self, user_id: UserId) -> Result<Vec<AchievementRecord>, StoreError> {
        self.read(|connection| read::achievement_rows(connection, user_id))
    }

    /// The results of one learner, by reference.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn results(&self, user_id: UserId) -> Result<Vec<ResultRecord>, StoreError> {
        self.read(|connection| read::results_of(connection, user_id))
    }

    /// What evidence comes to.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn evidence_sums(&self) -> Result<EvidenceSums, StoreError> {
        self.read(read::evidence_sums)
    }

    /// All of the roster and the catalogue.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn roster(&self) -> Result<RosterRecords, StoreError> {
        self.read(read::roster)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        read(&self.connection).map_err(|error| sort(&error, Stage::Read))
    }
}

/// How much a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Events of all streams.
    pub events: u64,
    /// Events of learners.
    pub learner_events: u64,
    /// Rows of progress.
    pub progress_rows: u64,
}

/// The last event of the journal.
pub(super) fn last_event_id(connection: &Connection) -> rusqlite::Result<Option<EventId>> {
    let last: Option<i64> = connection
        .query_row(q::LAST_EVENT_ID, [], |row| row.get(0))
        .optional()?;
    last.map(|last| EventId::new(last.cast_unsigned()).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, last)))
        .transpose()
}

/// A path as part of a `file:` address.
fn escaped(file: &Path) -> String {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    path.to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23")
}
