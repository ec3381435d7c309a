//! The backups of a node: one at a time, in the data directory's `backups`, the oldest removed when there are too many.

mod check;
mod name;
mod schedule;

pub use check::{Check, CheckError, Checksum, Step, check};
pub use name::Name;
pub(crate) use schedule::keep_making;

use crate::problem::{Problem, Unknown};
use homeroom_actors::Engine;
use homeroom_schema::backup::{BackupWish, Manifest};
use homeroom_schema::sqlite::DatabaseFile;
use homeroom_schema::{StoreError, TimeMs, erasures, files};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The folder in the data directory.
pub const FOLDER: &str = "backups";
/// Seconds after which a backup that could not be made may be tried again.
const RETRY_AFTER_S: u64 = 60;
/// What the name of every backup's owner is written into its manifest.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The backups of one node.
#[derive(Debug)]
pub struct Backups {
    folder: PathBuf,
    kept: usize,
    is_elsewhere: bool,
    under_way: Arc<Mutex<()>>,
}

/// One backup in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its name.
    pub name: Name,
    /// The length of the file.
    pub bytes: u64,
    /// SHA-256 as it stands beside the file; none when there is none to read.
    pub sha256: Option<String>,
    /// What it says of itself; none when that cannot be read.
    pub manifest: Option<Manifest>,
}

/// Why a backup was not made, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// One is being made, checked or removed.
    #[error("another backup is under way")]
    UnderWay,
    /// There is none of that name.
    #[error("there is no backup of that name")]
    Unknown,
    /// The data lies on a database server.
    #[error("the data lies on a database server, which is backed up with its own tools, such as pg_dump")]
    Elsewhere,
    /// The store could not make it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system refused something.
    #[error("the folder of the backups: {0}")]
    Io(#[from] io::Error),
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::UnderWay => {
                let detail = "A backup is being made, checked or removed; try again when that is done.";
                Self::new(409, "backup_under_way", "A backup is under way", detail).retry_after(RETRY_AFTER_S)
            }
            BackupError::Unknown => Self::unknown(Unknown::Backup),
            BackupError::Elsewhere => {
                let detail =
                    "This node keeps its data on a database server: back that up with its own tools, such as pg_dump.";
                Self::new(409, "backup_elsewhere", "Backed up elsewhere", detail)
            }
            BackupError::Store(_) | BackupError::Io(_) => {
                tracing::warn!(%error, "a backup failed");
                let detail = "The backup could not be made or read; the node's log says why. Everything else goes on.";
                Self::new(503, "backup_failed", "No backup", detail).retry_after(RETRY_AFTER_S)
            }
        }
    }
}

impl Backups {
    /// The backups of a data directory; `kept` of them are kept.
    #[must_use]
    pub fn new(data: &Path, kept: usize) -> Self {
        Self {
            folder: data.join(FOLDER),
            kept,
            is_elsewhere: false,
            under_way: Arc::default(),
        }
    }

    /// The same of a node whose data lies on a database server: what was made before can be read, none is made.
    #[must_use]
    pub fn elsewhere(self) -> Self {
        Self {
            is_elsewhere: true,
            ..self
        }
    }

    /// Whether the data is backed up by somebody else.
    #[must_use]
    pub const fn are_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Makes one while everything goes on.
    ///
    /// # Errors
    /// [`BackupError::UnderWay`] at once; otherwise what the store or the system says. Nothing half-made is left.
    pub async fn make(&self, engine: &Engine, now: TimeMs) -> Result<Backup, BackupError> {
        if self.is_elsewhere {
            return Err(BackupError::Elsewhere);
        }
        let _guard = self.begin()?;
        let started = Instant::now();
        let made = self.make_alone(engine, now).await;
        let outcome = if made.is_ok() { "made" } else { "failed" };
        metrics::counter!("homeroom_backups_total", "outcome" => outcome).increment(1);
        metrics::gauge!("homeroom_backup_last_ok").set(f64::from(u8::from(made.is_ok())));
        match &made {
            Ok(backup) => {
                metrics::histogram!("homeroom_backup_seconds").record(started.elapsed());
                metrics::gauge!("homeroom_backup_made_timestamp_seconds").set(seconds(now));
                let ms = started.elapsed().as_millis();
                tracing::info!(name = %backup.name, bytes = backup.bytes, ms, "a backup was made");
            }
            Err(error) => tracing::warn!(%error, "no backup could be made"),
        }
        made
    }

    async fn make_alone(&self, engine: &Engine, now: TimeMs) -> Result<Backup, BackupError> {
        make_folder(&self.folder)?;
        let name = self.free_name(now);
        let wish = BackupWish {
            made_at: now,
            program: PROGRAM.into(),
        };
        let made = engine.backup(self.folder.join(name.as_str()), wish).await?;
        self.list_erased()?;
        self.remove_oldest(&name)?;
        Ok(Backup {
            name,
            bytes: made.bytes,
            sha256: Some(made.sha256),
            manifest: Some(made.manifest),
        })
    }

    /// Brings the folder's list of erased people up to date: whoever takes an older backup from here erases them again.
    fn list_erased(&self) -> io::Result<()> {
        let data = self.folder.parent().unwrap_or(&self.folder);
        erasures::merge(&erasures::path(data), &self.folder).map(drop)
    }

    /// Names of all backups, the newest first.
    ///
    /// # Errors
    /// When the folder cannot be read; one that is not there holds none.
    pub fn names(&self) -> io::Result<Vec<Name>> {
        names_in(&self.folder)
    }

    /// One backup with what it says of itself. Blocks for moments.
    ///
    /// # Errors
    /// [`BackupError::Unknown`], or what the system says.
    pub fn read(&self, name: &Name) -> Result<Backup, BackupError> {
        let path = self.path(name)?;
        let manifest = DatabaseFile::open(&path).and_then(|file| file.manifest());
        Ok(Backup {
            name: name.clone(),
            bytes: std::fs::metadata(&path)?.len(),
            sha256: files::checksum_beside(&path),
            manifest: manifest.ok().flatten(),
        })
    }

    /// Where a backup is.
    ///
    /// # Errors
    /// [`BackupError::Unknown`] when it is not there.
    pub fn path(&self, name: &Name) -> Result<PathBuf, BackupError> {
        let path = self.folder.join(name.as_str());
        let is_there = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        is_there.then_some(path).ok_or(BackupError::Unknown)
    }

    /// Checks a backup whole; blocks as long as that takes.
    ///
    /// # Errors
    /// [`BackupError::UnderWay`], [`BackupError::Unknown`]. What is wrong with the file is a finding.
    pub fn check(&self, name: &Name) -> Result<Result<Check, CheckError>, BackupError> {
        let _guard = self.begin()?;
        let path = self.path(name)?;
        Ok(check(&path, |_, _| ()))
    }

    /// Removes a backup and its checksum.
    ///
    /// # Errors
    /// [`BackupError::UnderWay`], [`BackupError::Unknown`], or what the system says.
    pub fn remove(&self, name: &Name) -> Result<(), BackupError> {
        let _guard = self.begin()?;
        remove(&self.path(name)?)?;
        Ok(())
    }

    fn begin(&self) -> Result<OwnedMutexGuard<()>, BackupError> {
        Arc::clone(&self.under_way)
            .try_lock_owned()
            .map_err(|_| BackupError::UnderWay)
    }

    /// The name of this moment, or of the next one that is free.
    fn free_name(&self, now: TimeMs) -> Name {
        let mut at = now;
        loop {
            let name = Name::of(at);
            if !self.folder.join(name.as_str()).exists() {
                return name;
            }
            at = at.plus_ms(1);
        }
    }

    /// Removes the oldest beyond the number kept, but never the one just made, whatever the clock says.
    fn remove_oldest(&self, made: &Name) -> io::Result<()> {
        let others = self.names()?.into_iter().filter(|name| name != made);
        for old in others.skip(self.kept.saturating_sub(1)) {
            remove(&self.folder.join(old.as_str()))?;
            tracing::info!(name = %old, "an old backup was removed");
        }
        Ok(())
    }
}

/// Makes a backup of a data directory that no node is running on, into `out` or the directory's own folder.
///
/// # Errors
/// [`StoreError::InUse`] among others; nothing half-made is left.
pub fn make_offline(data: &Path, out: Option<&Path>, now: TimeMs) -> Result<(PathBuf, Backup), BackupError> {
    let backups = Backups::new(data, usize::MAX);
    let name = backups.free_name(now);
    let path = match out {
        Some(out) => out.to_owned(),
        None => {
            make_folder(&backups.folder)?;
            backups.list_erased()?;
            backups.folder.join(name.as_str())
        }
    };
    let wish = BackupWish {
        made_at: now,
        program: PROGRAM.into(),
    };
    let made = homeroom_schema::sqlite::backup_offline(data, &path, &wish)?;
    let backup = Backup {
        name,
        bytes: made.bytes,
        sha256: Some(made.sha256),
        manifest: Some(made.manifest),
    };
    Ok((path, backup))
}

fn names_in(folder: &Path) -> io::Result<Vec<Name>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().to_str().and_then(Name::parse));
    }
    names.sort_unstable_by(|a: &Name, b| b.cmp(a));
    Ok(names)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The file first: a checksum without its file is nothing, a file without its checksum would look damaged.
fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)?;
    match std::fs::remove_file(files::checksum_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A moment as Prometheus wants it.
fn seconds(at: TimeMs) -> f64 {
    at.0 as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(backups: &Backups, at: i64) -> Name {
        make_folder(&backups.folder).unwrap();
        let name = backups.free_name(TimeMs(at));
        let path = backups.folder.join(name.as_str());
        std::fs::write(&path, "x").unwrap();
        std::fs::write(files::checksum_file(&path), "y").unwrap();
        name
    }

    #[test]
    fn the_oldest_beyond_the_number_kept_go_and_never_the_newest() {
        let data = tempfile::tempdir().unwrap();
        let backups = Backups::new(data.path(), 2);
        assert_eq!(backups.names().unwrap(), []);
        let [one, two, three] = [1, 2, 3].map(|at| put(&backups, at * 1_000));
        std::fs::write(backups.folder.join("notes.txt"), "a person's own file").unwrap();
        backups.remove_oldest(&three).unwrap();
        assert_eq!(backups.names().unwrap(), [three.clone(), two.clone()]);
        assert!(!files::checksum_file(&backups.folder.join(one.as_str())).exists());
        // The clock was set back: what was just made stays all the same.
        let early = put(&backups, 500);
        backups.remove_oldest(&early).unwrap();
        assert_eq!(backups.names().unwrap(), [three.clone(), early]);
        assert!(backups.folder.join("notes.txt").exists());
        assert_ne!(put(&backups, 3_000), three, "one name is given once");
    }
}
