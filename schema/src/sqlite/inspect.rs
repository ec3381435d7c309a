//! A look at a data directory from outside, with or without a node on it: takes no lock, writes nothing of the database.

use super::errors::{Stage, sort};
use super::migrate;
use super::open::{DATABASE_FILE, LOCK_FILE};
use crate::ids::TimeMs;
use crate::migrations::KNOWN;
use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

/// How long to wait for somebody who writes: a look must not hang.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// What a look finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Bytes of the database file.
    pub database_bytes: u64,
    /// Bytes of its write-ahead log.
    pub log_bytes: u64,
    /// The version of its tables; none before the first start has come that far.
    pub schema_version: Option<u32>,
    /// The version that this program brings it to.
    pub schema_version_known: u32,
    /// When the last event was recorded.
    pub last_recorded_at: Option<TimeMs>,
    /// Whether the file is in the mode that survives a crash (WAL).
    pub is_write_ahead: bool,
}

/// Looks at the database in a data directory; none if there is none.
///
/// # Errors
/// [`StoreError::Fatal`] when the file is damaged or may not be read, [`StoreError::Unavailable`] when it is locked.
pub fn inspect(directory: &Path) -> Result<Option<Inspection>, StoreError> {
    let file = directory.join(DATABASE_FILE);
    let Ok(metadata) = fs::metadata(&file) else {
        return Ok(None);
    };
    let log = fs::metadata(directory.join(format!("{DATABASE_FILE}-wal")));
    let look = || {
        let connection = open(&file, log.is_err())?;
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        let schema_version = migrate::found(&connection)?;
        let last = "SELECT recorded_at FROM events ORDER BY event_id DESC LIMIT 1";
        let last: Option<i64> = match schema_version {
            Some(_) => connection.query_row(last, [], |row| row.get(0)).optional()?,
            None => None,
        };
        Ok(Inspection {
            database_bytes: metadata.len(),
            log_bytes: log.as_ref().map_or(0, fs::Metadata::len),
            schema_version,
            schema_version_known: KNOWN,
            last_recorded_at: last.map(TimeMs),
            is_write_ahead: mode.eq_ignore_ascii_case("wal"),
        })
    };
    look()
        .map(Some)
        .map_err(|error: rusqlite::Error| sort(&error, Stage::Open))
}

/// Without a log nobody is writing, and the file can be read as it lies, without the files that readers share.
fn open(file: &Path, is_alone: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if is_alone {
        flags |= OpenFlags::SQLITE_OPEN_URI;
        Connection::open_with_flags(uri(file), flags)?
    } else {
        Connection::open_with_flags(file, flags)?
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn uri(file: &Path) -> String {
    let path = file
        .to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    format!("file:{path}?immutable=1")
}

/// Whether a node has the directory. Asked with a shared lock that is let go of at once.
#[must_use]
pub fn is_in_use(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join(LOCK_FILE)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Durability, SqliteOptions, SqliteStore};

    #[test]
    fn a_look_finds_the_same_with_and_without_a_node_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(inspect(directory.path()).unwrap(), None);
        let options = SqliteOptions {
            directory: directory.path().to_owned(),
            durability: Durability::Full,
            readers: 1,
        };
        let store = SqliteStore::open(options).unwrap();
        assert!(is_in_use(directory.path()));
        let running = inspect(directory.path()).unwrap().unwrap();
        drop(store);
        assert!(!is_in_use(directory.path()));
        let stopped = inspect(directory.path()).unwrap().unwrap();
        assert_eq!(running.schema_version, Some(KNOWN));
        assert_eq!(stopped.schema_version, Some(KNOWN));
        assert!(running.is_write_ahead && stopped.is_write_ahead);
        assert_eq!(stopped.last_recorded_at, None);
    }

    #[test]
    fn what_is_no_database_is_said_to_be_none() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(DATABASE_FILE), "not a database at all").unwrap();
        assert!(matches!(inspect(directory.path()), Err(StoreError::Fatal { .. })));
    }
}
