//! Puts a backup in the place of a node's database: checked first, given a new epoch, and whole at every moment.

use crate::auth::admin;
use crate::backups::{self, Check, CheckError, Step};
use homeroom_schema::records::{Append, Row};
use homeroom_schema::sqlite::Restore;
use homeroom_schema::{SqliteStore, Store, StoreError};
use std::path::PathBuf;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The backup.
    pub backup: PathBuf,
    /// The data directory that it goes into.
    pub data: PathBuf,
    /// Whether a database that is there already may be moved aside.
    pub force: bool,
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
    let staged = place.stage(&wish.backup, &check.sha256)?;
    let prepared = prepare(&staged).await;
    // Closed in any case: what is staged is put in place whole, or thrown away by the next restore.
    staged.close().await?;
    drop(staged);
    Ok(Restored {
        epoch: prepared?,
        replaced: place.put_in_place(&wish.stamp)?,
        check,
    })
}

/// Changes in the copy what must not be as it was, and gives its epoch.
async fn prepare(staged: &SqliteStore) -> Result<String, StoreError> {
    let own_token = Row::Setting {
        name: admin::OWN_TOKEN_SETTING.into(),
        value: admin::REPLACE.into(),
    };
    let append = Append {
        rows: vec![own_token],
        ..Append::default()
    };
    staged.commit(vec![append]).await?;
    Ok(staged.setting("epoch").await?.unwrap_or_default())
}
