//! How long the write-ahead log is, and when it is written back into the file. Only the writer thread calls this.

use super::open::BUSY_TIMEOUT;
use crate::limits::{WAL_PASSIVE_BYTES, WAL_RESTART_BYTES};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode};
use std::cell::Cell;
use std::ffi::c_int;
use std::path::Path;
use std::time::Duration;

/// Bytes of one page in the log: the page and its header.
const FRAME_BYTES: u64 = 4_096 + 24;
/// Without a pause the writer lets the log grow further than when it is idle, because a page that is written often is then
/// written back once for many batches.
const WAL_BUSY_BYTES: u64 = WAL_RESTART_BYTES / 4 * 3;
/// How long a restart of the log waits for readers: commits wait behind it.
const RESTART_WAIT: Duration = Duration::from_millis(250);

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
}

impl Log {
    /// Bytes of the log in use.
    pub(super) fn bytes() -> u64 {
        PAGES.get() * FRAME_BYTES
    }

    /// Whether a pause should be used to write back.
    pub(super) fn wants_pause(&mut self) -> bool {
        self.grown() >= WAL_PASSIVE_BYTES
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
        let grown = self.grown();
        if bytes >= WAL_RESTART_BYTES && grown >= WAL_PASSIVE_BYTES {
            self.restart(connection)
        } else if grown >= WAL_BUSY_BYTES {
            self.write_back(connection, "PRAGMA wal_checkpoint(PASSIVE)")
        } else {
            Ok(())
        }
    }

    /// In a pause: writes back without holding anybody up.
    pub(super) fn in_pause(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.wants_pause() {
            self.write_back(connection, "PRAGMA wal_checkpoint(PASSIVE)")
        } else {
            Ok(())
        }
    }

    /// At the end: everything into the file, and an empty log.
    pub(super) fn at_close(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write_back(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    }

    fn restart(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(RESTART_WAIT)?;
        let done = self.write_back(connection, "PRAGMA wal_checkpoint(RESTART)");
        connection.busy_timeout(BUSY_TIMEOUT)?;
        done
    }

    fn write_back(&mut self, connection: &Connection, pragma: &str) -> rusqlite::Result<()> {
        self.tried = Self::bytes();
        let started = std::time::Instant::now();
        match connection.query_row(pragma, [], |row| row.get::<_, i64>(0)) {
            // Busy means that a reader still needs the log: the next attempt comes when it has grown again.
            Ok(busy) => {
                if busy == 0 && pragma.contains("RESTART") {
                    PAGES.set(0);
                    self.tried = 0;
                }
                tracing::debug!(pragma, busy, log_bytes = self.tried, elapsed = ?started.elapsed(), "log written back");
                Ok(())
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
