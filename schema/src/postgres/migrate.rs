//! Runs the schema's steps on Postgres: all or nothing, once, also when several nodes start together. The steps themselves
//! are in `migrations`.

use super::errors::Trouble;
use super::types::get;
use crate::limits::{DATABASE_RETRIES_MAX, DATABASE_RETRY_WAIT};
use crate::migrations::{KNOWN, Migration};
use crate::store::StoreError;
use deadpool_postgres::ClientWrapper;
use tokio_postgres::error::SqlState;

const MAKE_VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version    bigint       NOT NULL PRIMARY KEY,
    name       varchar(64)  NOT NULL,
    checksum   varchar(64)  NOT NULL,
    applied_at timestamptz  NOT NULL
)";
const TABLES: &str = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() \
     AND table_type = 'BASE TABLE' ORDER BY table_name = 'schema_version' DESC, table_name LIMIT 1";
const COLUMNS: &str = "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() \
     AND table_name = 'schema_version' AND column_name IN ('version', 'name', 'checksum', 'applied_at')";
/// The rows of steps that were taken, which nobody else may add to meanwhile.
const TAKEN: &str = "SELECT version, checksum FROM schema_version ORDER BY version FOR UPDATE";

/// Why the steps were not taken.
enum Stopped {
    Trouble(Trouble),
    Store(StoreError),
}

impl<T: Into<Trouble>> From<T> for Stopped {
    fn from(trouble: T) -> Self {
        Self::Trouble(trouble.into())
    }
}

/// Takes the steps that are missing. A database of somebody else, or of a newer program, is not written to.
pub(super) async fn run(connection: &mut ClientWrapper, steps: &[Migration]) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        let trouble = match attempt(connection, steps).await {
            Ok(()) => return Ok(()),
            Err(Stopped::Store(error)) => return Err(error),
            Err(Stopped::Trouble(trouble)) => trouble,
        };
        // Another node was making the same tables: what it has made is found at the next try.
        let is_race = trouble.is_transient()
            || [
                SqlState::UNIQUE_VIOLATION,
                SqlState::DUPLICATE_TABLE,
                SqlState::DUPLICATE_OBJECT,
            ]
            .iter()
            .any(|code| trouble.code() == Some(code));
        if !is_race || tries == DATABASE_RETRIES_MAX {
            return Err(for_people(&trouble));
        }
        tries += 1;
        tokio::time::sleep(DATABASE_RETRY_WAIT * (1 << tries)).await;
    }
}

async fn attempt(connection: &mut ClientWrapper, steps: &[Migration]) -> Result<(), Stopped> {
    let foreign = |cause: String| Stopped::Store(StoreError::Fatal { cause });
    let transaction = connection.build_transaction().start().await?;
    if let Some(row) = transaction.query_opt(TABLES, &[]).await? {
        let table: String = get(&row, 0)?;
        let columns: i64 = get(&transaction.query_one(COLUMNS, &[]).await?, 0)?;
        if table != "schema_version" || columns != 4 {
            return Err(foreign(format!(
                "the database belongs to another program: it has a table {table} that Homeroom did not make; use an empty \
                 database, or a schema of its own"
            )));
        }
    }
    transaction.batch_execute(MAKE_VERSIONS).await?;
    let taken = transaction.query(TAKEN, &[]).await?;
    let taken: Vec<(i64, String)> = taken
        .iter()
        .map(|row| Ok((get(row, 0)?, get(row, 1)?)))
        .collect::<Result<_, Trouble>>()?;
    if let Some((found, _)) = taken.last()
        && let Ok(found) = u32::try_from(*found)
        && found > KNOWN
    {
        return Err(Stopped::Store(StoreError::NewerSchema { found, known: KNOWN }));
    }
    for step in steps {
        match taken.iter().find(|(version, _)| *version == i64::from(step.version)) {
            Some((_, checksum)) if *checksum == step.checksum() => {}
            Some(_) => {
                return Err(foreign(format!(
                    "schema step {} ({}) differs from the one that was taken",
                    step.version, step.name
                )));
            }
            None => {
                transaction.batch_execute(step.sql).await?;
                let keep = "INSERT INTO schema_version (version, name, checksum, applied_at) \
                     VALUES ($1, $2, $3, CURRENT_TIMESTAMP)";
                transaction
                    .execute(keep, &[&i64::from(step.version), &step.name, &step.checksum()])
                    .await?;
            }
        }
    }
    Ok(transaction.commit().await?)
}

fn for_people(trouble: &Trouble) -> StoreError {
    match trouble.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE || *code == SqlState::INVALID_SCHEMA_NAME => {
            StoreError::Fatal {
                cause: format!(
                    "this user may not make tables in the database ({}); grant it CREATE on the schema, or make it the owner",
                    trouble.cause()
                ),
            }
        }
        _ => trouble.sort(),
    }
}
