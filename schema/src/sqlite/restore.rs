//! Puts a prepared database in the place of another: after a crash at any point it is the old one or the new one.
//!
//! The prepared file gets a name that says "to be put in place" by one rename. From then on whoever opens the directory
//! finishes the work: old files are moved aside (never deleted), then the new one gets the database's name.

use super::open::{DATABASE_FILE, lock};
use super::{Durability, SqliteOptions, SqliteStore};
use crate::files;
use crate::store::StoreError;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

const PENDING_PREFIX: &str = "homeroom-restored-";
const PENDING_SUFFIX: &str = ".sqlite3";
const ASIDE_PREFIX: &str = "replaced-";
const STAGING: &str = "restoring";
/// What belongs to a database, in the order in which it must go: a log must never meet another database.
const PARTS: [&str; 4] = ["-wal", "-shm", "", ".mark"];

/// A data directory that is held for a restore: no node can start on it meanwhile.
#[derive(Debug)]
pub struct Restore {
    directory: PathBuf,
    _lock: super::open::DirectoryLock,
}

impl Restore {
    /// Takes the directory, and makes it if it is not there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when a node is running on it; [`StoreError::Fatal`] when it cannot be used.
    pub fn begin(directory: &Path) -> Result<Self, StoreError> {
        let lock = lock(directory)?;
        finish(directory)?;
        let staging = directory.join(STAGING);
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(|error| refused("remove", &staging, &error))?;
        }
        Ok(Self {
            directory: directory.to_owned(),
            _lock: lock,
        })
    }

    /// Whether the directory holds a database already.
    #[must_use]
    pub fn has_data(&self) -> bool {
        PARTS.iter().any(|part| self.part(part).exists())
    }

    /// Copies a backup into the directory, beside the database, and opens the copy to be changed. Opening takes the steps
    /// of the schema that it lacks, and gives it a new epoch.
    ///
    /// # Errors
    /// When it cannot be copied or opened, or is not the file whose checksum is `sha256`.
    pub fn stage(&self, backup: &Path, sha256: &str) -> Result<SqliteStore, StoreError> {
        let staging = self.directory.join(STAGING);
        make_directory(&staging).map_err(|error| refused("make", &staging, &error))?;
        let copy = staging.join(DATABASE_FILE);
        let copied = files::copy(backup, &copy).map_err(|error| refused("copy the backup to", &copy, &error))?;
        if copied != sha256 {
            let cause = format!("{} changed while it was read", backup.display());
            return Err(StoreError::Fatal { cause });
        }
        let options = SqliteOptions {
            directory: staging,
            durability: Durability::Full,
            readers: 1,
        };
        SqliteStore::open_as(options, true)
    }

    /// Puts the staged database in place, once its store is closed. Returns where the old files went, if there were any.
    /// `stamp` makes their directory's name.
    ///
    /// # Errors
    /// When the system refuses a step. What was not finished is finished by the next one who opens the directory.
    pub fn put_in_place(self, stamp: &str) -> Result<Option<PathBuf>, StoreError> {
        let staging = self.directory.join(STAGING);
        let staged = staging.join(DATABASE_FILE);
        let log = staging.join(format!("{DATABASE_FILE}-wal"));
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            let cause = format!("{} was not closed whole", staged.display());
            return Err(StoreError::Fatal { cause });
        }
        let pending = self.directory.join(format!("{PENDING_PREFIX}{stamp}{PENDING_SUFFIX}"));
        let renamed = File::open(&staged)
            .and_then(|file| file.sync_all())
            .and_then(|()| files::rename(&staged, &pending));
        renamed.map_err(|error| refused("put in place", &pending, &error))?;
        let replaced = finish(&self.directory)?;
        // Only the lock and the mark of the copy are left there.
        let _ = fs::remove_dir_all(&staging);
        Ok(replaced)
    }

    fn part(&self, part: &str) -> PathBuf {
        self.directory.join(format!("{DATABASE_FILE}{part}"))
    }
}

/// Finishes a restore that was cut short, if there is one; the caller holds the directory's lock.
pub(super) fn finish(directory: &Path) -> Result<Option<PathBuf>, StoreError> {
    let Some((pending, stamp)) = pending(directory) else {
        return Ok(None);
    };
    let replaced = directory.join(format!("{ASIDE_PREFIX}{stamp}"));
    let moved = || -> io::Result<bool> {
        let mut moved = replaced.exists();
        for part in PARTS {
            let name = format!("{DATABASE_FILE}{part}");
            let old = directory.join(&name);
            if old.exists() {
                make_directory(&replaced)?;
                files::rename(&old, &replaced.join(&name))?;
                moved = true;
            }
        }
        files::rename(&pending, &directory.join(DATABASE_FILE))?;
        Ok(moved)
    };
    match moved() {
        Ok(moved) => {
            tracing::info!(stamp, "a restored database was put in place");
            Ok(moved.then_some(replaced))
        }
        Err(error) => Err(refused("put in place", &pending, &error)),
    }
}

/// The database that waits to be put in place, with its stamp.
fn pending(directory: &Path) -> Option<(PathBuf, String)> {
    let entries = fs::read_dir(directory).ok()?;
    entries.filter_map(Result::ok).find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let stamp = name.strip_prefix(PENDING_PREFIX)?.strip_suffix(PENDING_SUFFIX)?;
        Some((entry.path(), stamp.to_owned()))
    })
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn refused(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Fatal {
        cause: format!("cannot {what} {}: {error}", path.display()),
    }
}
