//! Sorts errors of Postgres and of the way to it into the store's: retry, unknown, fatal, damaged. One table, used by every
//! other file here. Codes are those of the appendix "PostgreSQL Error Codes" of its manual; its relatives use the same.

use crate::store::StoreError;
use std::error::Error as _;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// What went wrong while something was read or written.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server said no, or there is none.
    Database(Error),
    /// No connection could be had.
    Unreachable(String),
    /// No answer in time: what was asked may still be done.
    Silent,
    /// What is stored cannot be read as what it should be.
    Damaged(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Trouble {
    /// The store's error for it, where nothing was asked that could have been kept all the same.
    pub(super) fn sort(&self) -> StoreError {
        let cause = self.cause();
        match self {
            Self::Damaged(_) => StoreError::Damaged { cause },
            Self::Unreachable(_) | Self::Silent => StoreError::Unavailable { cause },
            Self::Database(error) => match error.code() {
                Some(code) => by_code(code, cause),
                // A value that could not be put into a statement is ours; everything else without a code is the way.
                None if is_of_a_value(error) => StoreError::Damaged { cause },
                None => StoreError::Unavailable { cause },
            },
        }
    }

    /// Whether the connection can be used no longer.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Damaged(_) => false,
            Self::Unreachable(_) | Self::Silent => true,
            Self::Database(error) => match error.code() {
                // Shut down, crashed, gone over to another server that only reads, errors of the server's disk or inside.
                Some(code) => {
                    ["08", "57P", "58", "XX"]
                        .iter()
                        .any(|class| code.code().starts_with(class))
                        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
                }
                None => !is_of_a_value(error),
            },
        }
    }

    /// Whether the same may succeed when it is done again at once: it lost against others who did the same.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.code(), Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED)
    }

    /// Whether something is there already, or a check of the batch itself did not come out.
    pub(super) fn is_wrong_guess(&self) -> bool {
        matches!(self.code(), Some(code) if *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::DIVISION_BY_ZERO)
    }

    pub(super) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Database(error) => error.code(),
            _ => None,
        }
    }

    /// For the log, in one line: without values of rows, which may name somebody.
    pub(super) fn cause(&self) -> String {
        match self {
            Self::Damaged(cause) | Self::Unreachable(cause) => cause.clone(),
            Self::Silent => "the database did not answer in time".to_owned(),
            Self::Database(error) => one_line(error),
        }
    }
}

fn one_line(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        let about = said.constraint().map_or_else(String::new, |name| format!(", {name}"));
        return format!("{} ({}{about})", said.message(), said.code().code());
    }
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.replace('\n', " ")
}

fn is_of_a_value(error: &Error) -> bool {
    // The library does not tell its kinds apart in any other way.
    let text = error.to_string();
    text.starts_with("error serializing parameter") || text.starts_with("error encoding message")
}

fn by_code(code: &SqlState, cause: String) -> StoreError {
    let text = code.code();
    match &text[..2] {
        // A row that may not stand, a value that does not fit.
        "22" | "23" => StoreError::Damaged { cause },
        // Damaged pages.
        "XX" if text != "XX000" => StoreError::Fatal {
            cause: format!("the database is damaged ({cause}); stop the node and restore a backup"),
        },
        // A statement that does not fit the tables, or a right that is missing: tables of somebody else's making.
        "42" | "0A" | "3F" => StoreError::Fatal { cause },
        // Out of room, locked, stopped, cancelled for its time, moved elsewhere, lost on the way.
        _ => StoreError::Unavailable { cause },
    }
}
