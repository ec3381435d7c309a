//! Copies a database while it is in use: one moment, one file, whole or not there. Where copies go is the caller's affair.

use super::errors::{Stage, sort};
use super::open::{BUSY_TIMEOUT, DATABASE_FILE};
use crate::backup::{BackupMade, BackupWish, MANIFEST_SETTING, Manifest};
use crate::files;
use crate::queries as q;
use crate::store::StoreError;
use parking_lot::Mutex;
use rusqlite::{Connection, InterruptHandle, OpenFlags, OptionalExtension};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The copy under way, if any: a store that closes does not wait for it.
#[derive(Default, Clone)]
pub(super) struct Copying {
    under_way: Arc<Mutex<Option<InterruptHandle>>>,
}

impl std::fmt::Debug for Copying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copying").finish_non_exhaustive()
    }
}

impl Copying {
    /// Makes a backup of the file on a thread of its own, so that no reader is missing meanwhile.
    pub(super) async fn start(&self, file: PathBuf, into: PathBuf, wish: BackupWish) -> Result<BackupMade, StoreError> {
        let (reply, answer) = oneshot::channel();
        let under_way = Arc::clone(&self.under_way);
        std::thread::Builder::new()
            .name("homeroom-backup".to_owned())
            .spawn(move || {
                let made = make(&file, &into, &wish, |handle| *under_way.lock() = Some(handle));
                *under_way.lock() = None;
                // A caller who has gone away gets no answer; the backup is there all the same.
                drop(reply.send(made));
            })
            .map_err(|error| unavailable("start a thread for the backup", &error))?;
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable {
                cause: "the backup has ended without an answer".to_owned(),
            })
        })
    }

    /// Ends the copy under way.
    pub(super) fn interrupt(&self) {
        if let Some(handle) = &*self.under_way.lock() {
            handle.interrupt();
        }
    }
}

/// Makes a backup of a database that nobody has open, as it stands: no step of the schema is taken.
///
/// # Errors
/// [`StoreError::InUse`] when a node is running on the directory, and whatever keeps the copy from being made.
pub fn backup_offline(directory: &Path, into: &Path, wish: &BackupWish) -> Result<BackupMade, StoreError> {
    let file = directory.join(DATABASE_FILE);
    if !file.exists() {
        return Err(StoreError::Unavailable {
            cause: format!("there is no database in {}", directory.display()),
        });
    }
    let _lock = super::open::lock(directory)?;
    super::restore::finish(directory)?;
    make(&file, into, wish, |_| ())
}

fn make(
    file: &Path,
    into: &Path,
    wish: &BackupWish,
    started: impl FnOnce(InterruptHandle),
) -> Result<BackupMade, StoreError> {
    let aside = files::aside(into);
    let made = copy(file, &aside, wish, started).and_then(|manifest| name(&aside, into, manifest));
    if made.is_err() {
        // What is left of it is of no use; the error says why, not whether the tidying up went well.
        let _ = std::fs::remove_file(&aside);
    }
    made
}

/// `VACUUM INTO` reads one moment and leaves out freed pages, in which erased names could still stand.
fn copy(
    file: &Path,
    aside: &Path,
    wish: &BackupWish,
    started: impl FnOnce(InterruptHandle),
) -> Result<Manifest, StoreError> {
    let failed = |error: rusqlite::Error| refused(&error);
    // An earlier copy that was cut short is in the way.
    match std::fs::remove_file(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unavailable("replace a file", &error)),
        _ => {}
    }
    files::create_private(aside).map_err(|error| unavailable("write the backup", &error))?;
    let source = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(failed)?;
    source.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Closing must not write the log back: that is the writer's affair.
    source
        .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(failed)?;
    started(source.get_interrupt_handle());
    let target = aside.to_str().ok_or_else(|| StoreError::Unavailable {
        cause: format!("{} is no text", aside.display()),
    })?;
    source.execute("VACUUM INTO ?1", [target]).map_err(failed)?;
    drop(source);
    describe(aside, wish).map_err(failed)
}

/// Writes into the copy what it is.
fn describe(copy: &Path, wish: &BackupWish) -> rusqlite::Result<Manifest> {
    let connection = Connection::open(copy)?;
    // One file, with no log beside it.
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    let manifest = Manifest {
        made_at: wish.made_at,
        epoch: connection.query_row(q::SETTING, ["epoch"], |row| row.get(0))?,
        last_event_id: super::examine::last_event_id(&connection)?,
        schema_version: connection.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0))?,
        program: wish.program.clone(),
    };
    let text =
        serde_json::to_string(&manifest).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection.execute(q::UPSERT_SETTING, [MANIFEST_SETTING, &text])?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(manifest)
}

/// Gives a finished copy its name. The checksum comes first: a backup without one would look damaged.
fn name(aside: &Path, into: &Path, manifest: Manifest) -> Result<BackupMade, StoreError> {
    let named = || -> io::Result<BackupMade> {
        let file = std::fs::File::open(aside)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        let sha256 = files::sha256_of(aside, |_| ())?;
        let line = files::checksum_line(into, &sha256);
        files::write_whole(&files::checksum_file(into), line.as_bytes())?;
        files::rename(aside, into)?;
        Ok(BackupMade {
            manifest,
            bytes,
            sha256,
        })
    };
    named().map_err(|error| unavailable("write the backup", &error))
}

/// The manifest inside a database, if it is a backup.
pub(super) fn manifest(connection: &Connection) -> rusqlite::Result<Option<Manifest>> {
    let text: Option<String> = connection
        .query_row(q::SETTING, [MANIFEST_SETTING], |row| row.get(0))
        .optional()?;
    // One that cannot be read is as good as none: the file is then no backup of ours.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// A backup that fails is no reason to end a node, whatever the cause.
fn refused(error: &rusqlite::Error) -> StoreError {
    match sort(error, Stage::Read) {
        StoreError::Fatal { cause } => StoreError::Damaged { cause },
        other => other,
    }
}

fn unavailable(what: &str, error: &io::Error) -> StoreError {
    StoreError::Unavailable {
        cause: format!("cannot {what}: {error}"),
    }
}
