//! Runs the schema's steps on SQLite: all or nothing, and never backwards. The steps themselves are in `migrations`.

use super::errors::{Stage, sort};
use crate::migrations::{KNOWN, Migration};
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

const MAKE_VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    checksum   TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";
const NOW_MS: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Refuses a file of a newer program, without writing to it.
pub(super) fn refuse_newer(connection: &Connection) -> Result<(), StoreError> {
    match found(connection).map_err(|error| sort(&error, Stage::Open))? {
        Some(found) if found > KNOWN => Err(StoreError::NewerSchema { found, known: KNOWN }),
        _ => Ok(()),
    }
}

/// The version of the tables; none when they are not there.
pub(super) fn found(connection: &Connection) -> rusqlite::Result<Option<u32>> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    if connection.query_row(exists, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    connection.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0))
}

/// Takes the steps that are missing, all in one transaction, and checks that those taken are the ones this program knows.
pub(super) fn run(connection: &mut Connection, steps: &[Migration]) -> Result<(), StoreError> {
    let opened = |error: rusqlite::Error| sort(&error, Stage::Open);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(opened)?;
    transaction.execute_batch(MAKE_VERSIONS).map_err(opened)?;
    for step in steps {
        let taken: Option<String> = transaction
            .query_row(
                "SELECT checksum FROM schema_version WHERE version = ?1",
                [step.version],
                |row| row.get(0),
            )
            .optional()
            .map_err(opened)?;
        match taken {
            Some(checksum) if checksum == step.checksum() => {}
            Some(_) => {
                let cause = format!(
                    "schema step {} ({}) differs from the one that was taken",
                    step.version, step.name
                );
                return Err(StoreError::Fatal { cause });
            }
            None => {
                transaction.execute_batch(step.sql).map_err(opened)?;
                let keep = format!(
                    "INSERT INTO schema_version (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, {NOW_MS})"
                );
                transaction
                    .execute(&keep, (step.version, step.name, step.checksum()))
                    .map_err(opened)?;
            }
        }
    }
    transaction.commit().map_err(opened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::SQLITE;

    fn tables(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn steps_are_taken_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, SQLITE).unwrap();
        let after = tables(&connection);
        run(&mut connection, SQLITE).unwrap();
        assert_eq!(tables(&connection), after);
        let kept: (u32, String) = connection
            .query_row("SELECT max(version), max(checksum) FROM schema_version", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(kept.0, KNOWN, "the newest step that this program knows");
        assert_eq!(kept.1, SQLITE.iter().map(Migration::checksum).max().unwrap());
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_of_the_others() {
        let bad = Migration {
            version: 2,
            name: "bad",
            sql: "CREATE TABLE fine (a); CREATE TABLE settings (a);",
        };
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(matches!(
            run(&mut connection, &[SQLITE[0], bad]),
            Err(StoreError::Fatal { .. })
        ));
        assert_eq!(tables(&connection), 0);
        run(&mut connection, SQLITE).unwrap();
    }

    #[test]
    fn a_step_that_was_changed_after_it_ran_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, SQLITE).unwrap();
        let changed = Migration {
            sql: "CREATE TABLE other (a)",
            ..SQLITE[0]
        };
        assert!(matches!(
            run(&mut connection, &[changed]),
            Err(StoreError::Fatal { .. })
        ));
    }
}
