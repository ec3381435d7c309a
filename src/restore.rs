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
    /// The present moment, for the audit log.
    pub at: TimeMs,
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
    /// Who was erased cannot be told.
    #[error("the list of erased people cannot be read or written: {0}")]
    Erasures(io::Error),
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
    let erased = erased(wish)?;
    let staged = place.stage(&wish.backup, &check.sha256)?;
    let prepared = prepare(&staged, &check, erased, wish.at).await;
    // Closed in any case: what is staged is put in place whole, or thrown away by the next restore.
    staged.close().await?;
    drop(staged);
    Ok(Restored {
        epoch: prepared?,
        replaced: place.put_in_place(&wish.stamp)?,
        check,
    })
}

/// Whoever was erased since the backup was made: from the list in the data directory, with that beside the backup merged in.
fn erased(wish: &Wish) -> Result<Vec<Row>, RestoreError> {
    let listed = || {
        if let Some(folder) = wish.backup.parent() {
            erasures::merge(folder, &wish.data)?;
        }
        erasures::read_all(&wish.data)
    };
    let listed = listed().map_err(RestoreError::Erasures)?.into_iter();
    let rows = listed.map(|(user_id, erased_at)| Row::Erased { user_id, erased_at });
    Ok(rows.collect())
}

/// Changes in the copy what must not be as it was, and gives its epoch.
async fn prepare(staged: &SqliteStore, check: &Check, erased: Vec<Row>, at: TimeMs) -> Result<String, StoreError> {
    let detail = json!({"sha256": check.sha256, "erased_again": erased.len()});
    let audited = audit::row(at, AuditedBy::default(), "restored", None, &detail);
    let own_token = Row::Setting {
        name: admin::OWN_TOKEN_SETTING.into(),
        value: admin::REPLACE.into(),
    };
    let append = Append {
        rows: [own_token, audited].into_iter().chain(erased).collect(),
        ..Append::default()
    };
    staged.commit(vec![append]).await?;
    Ok(staged.setting("epoch").await?.unwrap_or_default())
}
