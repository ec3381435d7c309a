//! How long the write-ahead log is, and when it is written back into the file. Only the writer thread calls this.

use super::open::BUSY_TIMEOUT;
use crate::limits::{WAL_PASSIVE_BYTES, WAL_RESTART_BYTES};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode};
use std::cell::Cell;
use std::ffi::c_int;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of one page in the log: the page and its header.
const FRAME_BYTES: u64 = 4_096 + 24;
/// Without a pause the writer lets the log grow further than when it is idle, because a page that is written often is then
/// written back once for many batches.
const WAL_BUSY_BYTES: u64 = WAL_RESTART_BYTES / 4 * 3;
/// How long a restart of the log waits for readers: commits wait behind it.
const RESTART_WAIT: Duration = Duration::from_millis(250);
/// How long after a failed attempt to empty the log the next one comes.
const EMPTY_AGAIN: Duration = Duration::from_secs(1);

const _: () = assert!(WAL_PASSIVE_BYTES <= WAL_BUSY_BYTES && WAL_BUSY_BYTES < WAL_RESTART_BYTES);

thread_local! {
    // SQLite's hook takes a plain function, and the writer has a thread of its own.
    static PAGES: Cell<u64> = const { Cell::new(0) };
}

/// Counts the pages of the log from now on, on the thread that calls.
pub(super) fn start_counting(connection: &Connection, file: &Path) {
    fn count(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
        PAGES.set(pages.unsigned_abs().into());
        Ok(())
    }
    // Before the first commit its length says how much a crash left behind.
    PAGES.set(bytes_on_disk(file) / FRAME_BYTES);
    connection.wal_hook(Some(count));
}

/// Bytes of the log as the file system sees it.
pub(super) fn bytes_on_disk(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(Path::new(&log)).map_or(0, |metadata| metadata.len())
}

/// What the writer knows about its log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Bytes at the last attempt to write back: the next one comes when there is enough new.
    tried: u64,
    /// The log may hold what was erased since: it is to be emptied, not before this moment.
    empty_from: Option<Instant>,
}

impl Log {
    /// Bytes of the log in use.
    pub(super) fn bytes() -> u64 {
        PAGES.get() * FRAME_BYTES
    }

    /// Whether a pause should be used to write back.
    pub(super) fn wants_pause(&mut self) -> bool {
        self.is_to_be_emptied() || self.grown() >= WAL_PASSIVE_BYTES
    }

    /// From now on the log holds something that was erased: it is emptied as soon as no reader needs it any more.
    pub(super) fn must_be_emptied(&mut self) {
        self.empty_from = Some(Instant::now());
    }

    /// How long until the next attempt to empty the log; nothing if none is due.
    pub(super) fn emptying_in(&self) -> Duration {
        let due = self.empty_from.filter(|_| self.tried >= Self::bytes());
        due.map_or(Duration::ZERO, |due| due.saturating_duration_since(Instant::now()))
    }

    /// Whether the log holds something that was erased.
    pub(super) const fn is_to_be_emptied(&self) -> bool {
        self.empty_from.is_some()
    }

    fn grown(&mut self) -> u64 {
        let bytes = Self::bytes();
        if bytes < self.tried {
            // The log was started anew.
            self.tried = 0;
        }
        bytes - self.tried
    }

    /// Between two batches: writes back what is due. An error here means that the handle is lost.
    pub(super) fn after_batch(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let bytes = Self::bytes();
        metrics::gauge!("homeroom_wal_bytes").set(bytes as f64);
        self.empty_if_due(connection)?;
        let grown = self.grown();
        if bytes >= WAL_RESTART_BYTES && grown >= WAL_PASSIVE_BYTES {
            self.restart(connection)
        } else if grown >= WAL_BUSY_BYTES {
            self.write_back(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
        } else {
            Ok(())
        }
    }

    /// In a pause: writes back without holding anybody up.
    pub(super) fn in_pause(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.empty_if_due(connection)?;
        if self.grown() >= WAL_PASSIVE_BYTES {
            self.write_back(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
        } else {
            Ok(())
        }
    }

    /// Writes everything into the file and cuts the log to nothing, if that is due and readers let go of it soon enough.
    pub(super) fn empty_if_due(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.empty_from.is_none_or(|from| Instant::now() < from) {
            return Ok(());
        }
        connection.busy_timeout(RESTART_WAIT)?;
        let emptied = self.write_back(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        connection.busy_timeout(BUSY_TIMEOUT)?;
        self.empty_from = (!emptied?).then(|| Instant::now() + EMPTY_AGAIN);
        Ok(())
    }

    /// At the end: everything into the file, and an empty log.
    pub(super) fn at_close(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write_back(connection, "PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
    }

    fn restart(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(RESTART_WAIT)?;
        let done = self.write_back(connection, "PRAGMA wal_checkpoint(RESTART)");
        connection.busy_timeout(BUSY_TIMEOUT)?;
        done.map(drop)
    }

    /// Returns whether nobody was in the way.
    fn write_back(&mut self, connection: &Connection, pragma: &str) -> rusqlite::Result<bool> {
        self.tried = Self::bytes();
        let started = Instant::now();
        match connection.query_row(pragma, [], |row| row.get::<_, i64>(0)) {
            // Busy means that a reader still needs the log: the next attempt comes when it has grown again.
            Ok(busy) => {
                if busy == 0 && !pragma.contains("PASSIVE") {
                    PAGES.set(0);
                    self.tried = 0;
                }
                metrics::histogram!("homeroom_checkpoint_seconds").record(started.elapsed());
                tracing::debug!(pragma, busy, log_bytes = self.tried, elapsed = ?started.elapsed(), "log written back");
                Ok(busy == 0)
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
