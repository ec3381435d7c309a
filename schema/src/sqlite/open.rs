//! Opening the data directory: its lock, its file, the settings of each connection. No statements of the tables.

use super::errors::{Stage, sort};
use super::{DatabaseFile, Durability, log, migrate};
use crate::limits::OPEN_CHECK_BYTES_MAX;
use crate::migrations::SQLITE;
use crate::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{DirBuilder, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a statement waits for a lock of somebody outside (a backup, a shell) before the batch fails.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that each connection keeps prepared: more than there are.
const STATEMENTS_KEPT: usize = 64;

/// The database in a data directory.
pub(super) const DATABASE_FILE: &str = "homeroom.sqlite3";
/// The file whose lock a node holds while it lives.
pub(super) const LOCK_FILE: &str = "homeroom.lock";

/// Where the file is, and how to open it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    file: PathBuf,
    durability: Durability,
}

/// The file, opened for the writer the first time.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Whether the log of a node that was cut off could not be emptied: somebody outside reads from it.
    pub(super) is_log_left: bool,
}

/// A data directory that is this process's own until this is dropped, or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DirectoryLock(File);

impl DirectoryLock {
    /// Lets go of the directory. Closing the file is not enough while a child that is just being started has it open, too.
    pub(super) fn release(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the data directory is let go by the system alone");
        }
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        self.release();
    }
}

/// Takes the directory for this process, and makes it if need be.
pub(super) fn lock(directory: &Path) -> Result<DirectoryLock, StoreError> {
    let fatal = |what: &str, error: &std::io::Error| StoreError::Fatal {
        cause: format!("cannot {what} in the data directory {}: {error}", directory.display()),
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(|error| fatal("make a place", &error))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join(LOCK_FILE))
        .map_err(|error| fatal("write", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(DirectoryLock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            directory: directory.display().to_string(),
        }),
        Err(TryLockError::Error(error)) => Err(fatal("take the lock", &error)),
    }
}

/// Looks over a file that is not as it was closed, whatever its size, without writing anything.
pub(super) fn check_changed(directory: &Path) -> Result<(), StoreError> {
    let found = DatabaseFile::open(&directory.join(DATABASE_FILE))?.structure()?;
    match found.first() {
        None => Ok(()),
        Some(finding) => Err(damaged(finding)),
    }
}

fn damaged(finding: &str) -> StoreError {
    StoreError::Fatal {
        cause: format!(
            "the database file is damaged ({finding}); it was left as it is. Restore a backup with `homeroom restore`"
        ),
    }
}

impl Place {
    pub(super) fn new(directory: &Path, durability: Durability) -> Self {
        Self {
            file: directory.join(DATABASE_FILE),
            durability,
        }
    }

    /// Opens the file for the writer the first time: checks it, and brings its tables up to date.
    pub(super) fn open_writer(&self) -> Result<Opened, StoreError> {
        let mut connection = self.connect_writer()?;
        // Before anything is written: a damaged file stays as it is.
        self.check_structure(&connection)?;
        migrate::run(&mut connection, SQLITE)?;
        self.write_back(&connection)?;
        Ok(Opened {
            connection,
            is_log_left: log::bytes_on_disk(&self.file) > 0,
        })
    }

    /// Writes the log that a crash left behind into the file. What stands in it may never have been synced (the node ended
    /// because that failed), and what is kept from now on must not rest on it.
    fn write_back(&self, connection: &Connection) -> Result<(), StoreError> {
        if log::bytes_on_disk(&self.file) == 0 {
            return Ok(());
        }
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|error| sort(&error, Stage::Open))
    }

    /// Opens the file for the writer again, after its handle was lost.
    pub(super) fn reopen_writer(&self) -> Result<Connection, StoreError> {
        let connection = self.connect_writer()?;
        // A handle that cannot even take the write lock is no better than the lost one.
        connection
            .execute_batch("BEGIN IMMEDIATE; ROLLBACK")
            .map_err(|error| sort(&error, Stage::Open))?;
        Ok(connection)
    }

    fn connect_writer(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.file, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // Without it, closing a file of a newer schema would write the log into it.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| sort(&error, Stage::Open))?;
        // Before the first setting that writes: a newer file stays as it is.
        migrate::refuse_newer(&connection)?;
        self.set_up_writer(&connection)
            .map_err(|error| sort(&error, Stage::Open))?;
        self.count_log(&connection);
        Ok(connection)
    }

    /// Counts the log's pages from now on, on the thread that calls.
    pub(super) fn count_log(&self, connection: &Connection) {
        log::start_counting(connection, &self.file);
    }

    fn set_up_writer(&self, connection: &Connection) -> rusqlite::Result<()> {
        let synchronous = match self.durability {
            Durability::Full => "FULL",
            Durability::Process => "NORMAL",
        };
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.execute_batch(&format!(
            "PRAGMA synchronous = {synchronous};
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 268435456;
             PRAGMA cache_size = -65536;
             PRAGMA temp_store = MEMORY;
             PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON;
             PRAGMA mmap_size = 0;"
        ))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(())
    }

    /// Looks over the structure of a file that is small enough, so that flipped bits stop the start and not a lesson.
    fn check_structure(&self, connection: &Connection) -> Result<(), StoreError> {
        let bytes = std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len());
        if bytes > OPEN_CHECK_BYTES_MAX {
            return Ok(());
        }
        let answer: String = connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|error| sort(&error, Stage::Open))?;
        if answer == "ok" {
            return Ok(());
        }
        Err(damaged(&answer))
    }

    /// Opens the file for reading alone.
    pub(super) fn open_reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch(
            // Learners are read once and then live in actors: a larger cache would only hold what the system caches too.
            "PRAGMA query_only = ON; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;",
        )?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(connection)
    }
}
