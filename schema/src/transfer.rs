//! Moves everything from one store into another of any engine, row by row as it is, and compares the two. For stores that no
//! node works on.
//!
//! Each page is one transaction together with how far it came, so that a copy that was cut short anywhere goes on from there.
//! Until it has ended the target says so in its setting [`UNFINISHED_SETTING`], and no node starts on it.

mod tables;

pub use tables::{Column, Kind, TABLES, Table};

use crate::limits::TRANSFER_PAGE_ROWS;
use crate::store::{Store, StoreError};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The setting of a target that is not finished: how far its copy came, as JSON.
pub const UNFINISHED_SETTING: &str = "unfinished_copy";
/// Settings that belong to one store and not to what it keeps.
const OWN_SETTINGS: [&str; 3] = ["writer", UNFINISHED_SETTING, crate::backup::MANIFEST_SETTING];

/// One value of a row, the same whichever engine keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number, or a truth as 0 or 1.
    Int(i64),
    /// Another number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A moment, in milliseconds since 1970.
    Time(i64),
    /// JSON as text; engines order and space it anew.
    Json(String),
}

/// One row, its values in the order of the table's columns.
pub type Record = Vec<Value>;

/// Rows as they are stored, for moving.
#[async_trait]
pub trait Rows: Store {
    /// How many rows a table has.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn count(&self, table: &'static Table) -> Result<u64, StoreError>;

    /// Rows in the order of the key, from behind `after` (values of the key), at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn page(
        &self,
        table: &'static Table,
        after: Option<Vec<Value>>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// Adds rows, and sets the setting [`UNFINISHED_SETTING`] (or removes it), in one transaction. Rows of settings take the
    /// place of those with the same name.
    ///
    /// # Errors
    /// When the store is unavailable; nothing is kept then.
    async fn put(
        &self,
        table: &'static Table,
        records: Vec<Record>,
        unfinished: Option<String>,
    ) -> Result<(), StoreError>;
}

/// Why a copy could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// One of the two stores.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target is in use for something else.
    #[error("the target is not empty: copy into a new directory or an empty database")]
    NotEmpty,
    /// The target holds part of a copy of something else.
    #[error("the target holds an unfinished copy of another history: copy into a new directory or an empty database")]
    OfAnother,
    /// The source is itself not finished.
    #[error("the source holds an unfinished copy: finish that first")]
    Unfinished,
    /// What was copied is not what is there.
    #[error("the copy differs from the source: {0}")]
    Differs(String),
}

/// How far a copy came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// The history that is copied.
    epoch: String,
    /// Which table is next.
    table: usize,
    /// The key of its last row that is there.
    after: Option<Vec<Value>>,
}

/// What was moved or compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Rows of all tables.
    pub rows: u64,
    /// Of these, rows that an earlier copy which was cut short had brought.
    pub before: u64,
}

/// Copies everything of `from` into `to`, which is new or holds the beginning of the same copy. `show` is told how many rows
/// of how many are there.
///
/// # Errors
/// [`TransferError`]; what was copied so far stays, and a further copy goes on from there.
pub async fn copy(from: &dyn Rows, to: &dyn Rows, mut show: impl FnMut(u64, u64)) -> Result<Moved, TransferError> {
    let epoch = from.setting("epoch").await?.unwrap_or_default();
    if from.setting(UNFINISHED_SETTING).await?.is_some() {
        return Err(TransferError::Unfinished);
    }
    let mut mark = match to.setting(UNFINISHED_SETTING).await? {
        Some(kept) => match serde_json::from_str::<Mark>(&kept) {
            Ok(mark) if mark.epoch == epoch => mark,
            _ => return Err(TransferError::OfAnother),
        },
        None if is_empty(to).await? => Mark {
            epoch,
            table: 0,
            after: None,
        },
        None => return Err(TransferError::NotEmpty),
    };
    let (mut all, mut done) = (0, 0);
    for (index, table) in TABLES.iter().enumerate() {
        all += from.count(table).await?;
        if index <= mark.table && !table.is_settings() {
            done += to.count(table).await?;
        }
    }
    let before = done;
    while let Some(table) = TABLES.get(mark.table) {
        let mut page = from.page(table, mark.after.clone(), TRANSFER_PAGE_ROWS).await?;
        let (read, last) = (page.len(), page.last().map(|record| table.key_of(record)));
        if table.is_settings() {
            page.retain(|record| !is_own(record));
        }
        if read < TRANSFER_PAGE_ROWS {
            mark = Mark {
                table: mark.table + 1,
                after: None,
                ..mark
            };
        } else {
            mark.after = last;
        }
        let is_over = mark.table == TABLES.len();
        let unfinished = (!is_over).then(|| serde_json::to_string(&mark)).transpose();
        let unfinished = unfinished.map_err(|error| StoreError::Fatal {
            cause: error.to_string(),
        })?;
        to.put(table, page, unfinished).await?;
        done += read as u64;
        show(done, all.max(done));
    }
    Ok(Moved { rows: done, before })
}

async fn is_empty(store: &dyn Rows) -> Result<bool, StoreError> {
    for table in TABLES.iter().filter(|table| !table.is_settings()) {
        if store.count(table).await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_own(record: &Record) -> bool {
    matches!(record.first(), Some(Value::Text(name)) if OWN_SETTINGS.contains(&name.as_str()))
}

/// Compares all tables of two stores: how many rows there are, and the SHA-256 of what they say, with JSON in one canonical
/// form. `show` is told how many rows of how many were looked at, in both.
///
/// # Errors
/// [`TransferError::Differs`] names the first table that is not the same.
pub async fn compare(
    from: &dyn Rows,
    to: &dyn Rows,
    mut show: impl FnMut(u64, u64),
) -> Result<Vec<TableSum>, TransferError> {
    let mut all = 0;
    for table in TABLES {
        all += from.count(table).await? + to.count(table).await?;
    }
    let (mut done, mut sums) = (0, Vec::with_capacity(TABLES.len()));
    for table in TABLES {
        let there = sum(from, table, &mut done, all, &mut show).await?;
        let here = sum(to, table, &mut done, all, &mut show).await?;
        if there != here {
            return Err(TransferError::Differs(format!(
                "{}: {} rows with checksum {}…, {} rows with checksum {}…",
                table.name,
                there.rows,
                &there.sha256[..12],
                here.rows,
                &here.sha256[..12],
            )));
        }
        sums.push(there);
    }
    Ok(sums)
}

/// What a table comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSum {
    /// Its name.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of all rows in the order of the key, hexadecimal.
    pub sha256: String,
}

async fn sum(
    store: &dyn Rows,
    table: &'static Table,
    done: &mut u64,
    all: u64,
    show: &mut impl FnMut(u64, u64),
) -> Result<TableSum, TransferError> {
    let (mut hash, mut rows, mut after) = (Sha256::new(), 0, None);
    loop {
        let page = store.page(table, after, TRANSFER_PAGE_ROWS).await?;
        for record in page.iter().filter(|record| !(table.is_settings() && is_own(record))) {
            rows += 1;
            for value in record {
                hash.update(canonical(value)?);
            }
        }
        *done += page.len() as u64;
        show(*done, all.max(*done));
        match page.last() {
            Some(last) if page.len() == TRANSFER_PAGE_ROWS => after = Some(table.key_of(last)),
            _ => break,
        }
    }
    let sha256 = hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(TableSum {
        table: table.name,
        rows,
        sha256,
    })
}

/// A value as bytes that begin with their kind and length, so that no two rows are alike by chance.
fn canonical(value: &Value) -> Result<Vec<u8>, StoreError> {
    let (kind, bytes) = match value {
        Value::Null => (0, Vec::new()),
        Value::Int(number) => (1, number.to_le_bytes().to_vec()),
        Value::Real(number) => (2, number.to_bits().to_le_bytes().to_vec()),
        Value::Text(text) => (3, text.as_bytes().to_vec()),
        Value::Bytes(bytes) => (4, bytes.clone()),
        Value::Time(at) => (5, at.to_le_bytes().to_vec()),
        Value::Json(text) => {
            let parsed: serde_json::Value = serde_json::from_str(text).map_err(|error| StoreError::Damaged {
                cause: format!("text that is no JSON: {error}"),
            })?;
            (6, sorted(&parsed).to_string().into_bytes())
        }
    };
    let mut all = vec![kind];
    all.extend((bytes.len() as u64).to_le_bytes());
    all.extend(bytes);
    Ok(all)
}

/// The same with members by name, and numbers by value: 1, 1.0 and 1e0 are one number.
fn sorted(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            Json::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name.clone(), sorted(value)))
                    .collect(),
            )
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        Json::Number(number) => match number.as_f64() {
            Some(float) if !number.is_u64() && !number.is_i64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                Json::from(float as i64)
            }
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}
