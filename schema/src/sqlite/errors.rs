//! Sorts SQLite's errors into the store's: retry, unknown, fatal, damaged. One table, used by every other file here.

use crate::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// What went on when the error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Opening the file.
    Open,
    /// Reading.
    Read,
    /// Writing, before COMMIT: nothing is kept.
    Write,
    /// COMMIT itself.
    Commit,
}

/// A failed write: what to answer, and whether the connection can be trusted any longer.
#[derive(Debug)]
pub(super) struct Failure {
    /// The answer.
    pub(super) error: StoreError,
    /// After an error of the disk what the handle believes may differ from what is there: it must be opened anew. Syncing
    /// again would prove nothing, because the system may have dropped the pages that it failed to write.
    pub(super) lost: bool,
}

/// A failed write, sorted.
pub(super) fn failure(error: &Error, stage: Stage) -> Failure {
    Failure {
        lost: is_disk(error),
        error: sort(error, stage),
    }
}

fn is_disk(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure))
}

/// The store's error for one of SQLite's.
pub(super) fn sort(error: &Error, stage: Stage) -> StoreError {
    let cause = error.to_string();
    let Some(code) = error.sqlite_error_code() else {
        return without_code(error, cause);
    };
    match code {
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Fatal {
            cause: format!("the database file is damaged ({cause}); stop the node and restore a backup"),
        },
        ErrorCode::SystemIoFailure if stage == Stage::Commit => StoreError::Unknown { cause },
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => StoreError::Damaged { cause },
        // A statement that does not fit the tables is a mistake in the program or tables of somebody else's making.
        ErrorCode::Unknown | ErrorCode::ApiMisuse | ErrorCode::ParameterOutOfRange => StoreError::Fatal { cause },
        _ if stage == Stage::Open => StoreError::Fatal {
            cause: for_people(code, cause),
        },
        _ => StoreError::Unavailable { cause },
    }
}

/// What to do about an error that keeps a node from starting.
fn for_people(code: ErrorCode, cause: String) -> String {
    match code {
        ErrorCode::DiskFull => {
            format!("the disk of the data directory is full ({cause}); free some space and start again")
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => format!(
            "the database cannot be written ({cause}); make the data directory writable for this user, or choose another one with --data"
        ),
        ErrorCode::CannotOpen => {
            format!(
                "the database cannot be opened ({cause}); is the data directory writable for this user, and its disk not full?"
            )
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            format!("another program holds the database ({cause}); close it and start again")
        }
        ErrorCode::SystemIoFailure => {
            format!("the disk of the data directory fails ({cause}); look into the system's log")
        }
        _ => cause,
    }
}

/// Errors of reading a column, and of the wrapper itself.
fn without_code(error: &Error, cause: String) -> StoreError {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..)
        | Error::ToSqlConversionFailure(..) => StoreError::Damaged { cause },
        _ => StoreError::Fatal { cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn answer(code: i32, stage: Stage) -> (&'static str, bool) {
        let error = Error::SqliteFailure(ffi::Error::new(code), None);
        let Failure { error, lost } = failure(&error, stage);
        let kind = match error {
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::Unknown { .. } => "unknown",
            StoreError::Fatal { .. } => "fatal",
            StoreError::Damaged { .. } => "damaged",
            _ => "other",
        };
        (kind, lost)
    }

    #[test]
    fn each_error_has_one_answer() {
        for (code, stage, expected) in [
            (ffi::SQLITE_BUSY, Stage::Write, ("unavailable", false)),
            (ffi::SQLITE_BUSY_SNAPSHOT, Stage::Write, ("unavailable", false)),
            (ffi::SQLITE_FULL, Stage::Write, ("unavailable", false)),
            (ffi::SQLITE_FULL, Stage::Commit, ("unavailable", false)),
            (ffi::SQLITE_READONLY, Stage::Write, ("unavailable", false)),
            (ffi::SQLITE_CANTOPEN, Stage::Open, ("fatal", false)),
            (ffi::SQLITE_IOERR_WRITE, Stage::Write, ("unavailable", true)),
            (ffi::SQLITE_IOERR_WRITE, Stage::Commit, ("unknown", true)),
            (ffi::SQLITE_IOERR_FSYNC, Stage::Commit, ("unknown", true)),
            (ffi::SQLITE_IOERR_READ, Stage::Read, ("unavailable", true)),
            (ffi::SQLITE_CORRUPT, Stage::Read, ("fatal", false)),
            (ffi::SQLITE_NOTADB, Stage::Open, ("fatal", false)),
            (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, Stage::Commit, ("damaged", false)),
            (ffi::SQLITE_ERROR, Stage::Write, ("fatal", false)),
        ] {
            assert_eq!(answer(code, stage), expected, "code {code} while {stage:?}");
        }
    }
}
