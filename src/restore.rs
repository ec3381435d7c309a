//! Puts a backup in the place of a node's database: checked first, given a new epoch, and whole at every moment.

use crate::audit;
use crate::auth::admin;
use crate::backups::{self, Check, CheckError, Step};
use homeroom_schema::erasures;
use homeroom_schema::records::{Append, AuditedBy, Row};
use homeroom_schema::sqlite::Restore;
use homeroom_schema::{SqliteStore, Store, StoreError, TimeMs};
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The backup.
    pub backup: PathBuf,
    /// The data directory that it goes into.
    pub data: PathBuf,
    /// Whether a database that is there already may be moved aside.
    pub force: bool,
    /// A list of erased people to be heeded, beside those that are found.
    pub erasures: Option<PathBuf>,
    /// When.
    pub now: TimeMs,
    /// Names the directory that old files are moved to; the present moment, as in `20260301T093000123`.
    pub stamp: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was found in the backup.
    pub check: Check,
    /// The new epoch.
    pub epoch: String,
    /// People who are on the lists of erased people: erased from the copy before it was put in place.
    pub erased: usize,
    /// Where the old files are, if there were any.
    pub replaced: Option<PathBuf>,
}

/// Why nothing was restored; the data directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file cannot be checked.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The backup is damaged.
    #[error("{file} cannot be restored: {problems}")]
    Unsound {
        /// Which.
        file: String,
        /// What is wrong with it.
        problems: String,
    },
    /// A list of erased people cannot be read, or taken over.
    #[error("the list of erased people {file}: {cause}")]
    Erasures {
        /// Which.
        file: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A database is there already.
    #[error("{0} holds a database already; --force moves its files aside, or choose another directory with --data")]
    HasData(String),
    /// The directory is in use, or the system refuses something.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Restores; `show` is told how far the check has come.
///
/// # Errors
/// As [`RestoreError`] says.
pub async fn restore(wish: &Wish, show: impl FnMut(Step, f64)) -> Result<Restored, RestoreError> {
    // Whoever cannot have the directory is told so before the long check.
    let place = Restore::begin(&wish.data)?;
    if place.has_data() && !wish.force {
        return Err(RestoreError::HasData(wish.data.display().to_string()));
    }
    let check = backups::check(&wish.backup, show)?;
    if !check.is_sound() {
        return Err(RestoreError::Unsound {
            file: wish.backup.display().to_string(),
            problems: check.problems().join("; "),
        });
    }
    let erased = take_erasures(wish)?;
    let staged = place.stage(&wish.backup, &check.sha256)?;
    let count = erased.len();
    let prepared = prepare(&staged, wish.now, &check, erased).await;
    // Closed in any case: what is staged is put in place whole, or thrown away by the next restore.
    staged.close().await?;
    drop(staged);
    Ok(Restored {
        epoch: prepared?,
        erased: count,
        replaced: place.put_in_place(&wish.stamp)?,
        check,
    })
}

/// Puts everybody who is on a list of erased people onto the one of the data directory, since the backup may be older than
/// their erasure, and says whom to erase from it. The lists are those beside the backup, in the data directory whose folder
/// of backups it lies in, and the one named.
fn take_erasures(wish: &Wish) -> Result<Vec<Row>, RestoreError> {
    let folder = wish.backup.parent().unwrap_or(Path::new(""));
    let mut lists = vec![erasures::path(folder)];
    if folder.file_name().is_some_and(|name| name == backups::FOLDER) {
        lists.extend(folder.parent().map(erasures::path));
    }
    if let Some(named) = &wish.erasures {
        let failed = |cause| RestoreError::Erasures {
            file: named.display().to_string(),
            cause,
        };
        // A list that was named and is not there is a mistake, not an empty list.
        std::fs::metadata(named).map_err(failed)?;
        lists.push(named.clone());
    }
    for list in lists {
        erasures::merge(&list, &wish.data).map_err(|cause| RestoreError::Erasures {
            file: list.display().to_string(),
            cause,
        })?;
    }
    let all = erasures::read_all(&wish.data).map_err(|cause| RestoreError::Erasures {
        file: erasures::path(&wish.data).display().to_string(),
        cause,
    })?;
    let all = all.into_iter();
    Ok(all
        .map(|(user_id, erased_at)| Row::Erased { user_id, erased_at })
        .collect())
}

/// Changes in the copy what must not be as it was, and gives its epoch.
async fn prepare(staged: &SqliteStore, now: TimeMs, check: &Check, erased: Vec<Row>) -> Result<String, StoreError> {
    let own_token = Row::Setting {
        name: admin::OWN_TOKEN_SETTING.into(),
        value: admin::REPLACE.into(),
    };
    let detail = json!({
        "sha256": check.sha256,
        "last_event_id": check.manifest.last_event_id,
        "erased_again": erased.len(),
    });
    let audited = audit::row(now, AuditedBy::default(), "restored", None, &detail);
    let append = Append {
        rows: [own_token, audited].into_iter().chain(erased).collect(),
        ..Append::default()
    };
    staged.commit(vec![append]).await?;
    Ok(staged.setting("epoch").await?.unwrap_or_default())
}
