//! Why a command failed: one helpful sentence for people, an exit code for scripts.

use crate::client::{ClientError, FieldProblem};
use crate::exit::Exit;
use std::io;

/// A command that did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
}

/// What commands give.
pub(super) type Outcome = Result<(), Failure>;

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// A file or a value is wrong.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self::new(Exit::BadInput, message)
    }

    /// The system refused something about a file.
    pub(super) fn file(what: &str, path: &std::path::Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists | io::ErrorKind::InvalidData => Exit::BadInput,
            _ => Exit::Failed,
        };
        Self::new(exit, format!("cannot {what} {}: {error}", path.display()))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let errors = error
            .problem()
            .map(|problem| problem.errors.as_slice())
            .unwrap_or_default();
        let line = |error: &FieldProblem| format!("\n  {}: {}", error.field, error.message);
        let fields: String = errors.iter().map(line).collect();
        Self::new(Exit::of(&error), format!("{error}{}{fields}", hint(&error)))
    }
}

/// What to do about it, where that is known.
fn hint(error: &ClientError) -> &'static str {
    match error {
        ClientError::GaveUp { last, .. } => hint(last),
        ClientError::Connection { .. } => {
            ". Is `homeroom serve` running there? --url or HOMEROOM_URL names another address"
        }
        ClientError::Unintelligible { .. } => {
            ". Something else answers at this address; --url or HOMEROOM_URL names another"
        }
        ClientError::Refused(problem) if problem.status == 401 => {
            ". The token is not one of this node's, or has ended: --token, HOMEROOM_TOKEN, or --data with the file admin-token"
        }
        _ => "",
    }
}
