//! Exit codes: what scripts learn from every command. One table; the help and the README show it.

use crate::client::ClientError;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done,
    /// Something failed, and is told on stderr.
    Failed,
    /// The command line or a setting cannot be used.
    Usage,
    /// The node could not be reached.
    Unreachable,
    /// The node does not let this token do that.
    Refused,
    /// A file or a value that was given is wrong; nothing was changed.
    BadInput,
    /// What was asked for is not there.
    NotFound,
    /// Stopped by Ctrl-C or a signal.
    Interrupted,
}

/// The table for people, as `homeroom --help` shows it.
pub const TABLE: &str = "\
Exit codes of every command:
  0    done
  1    failed; the reason is on stderr (doctor: a check failed)
  2    wrong usage: an unknown command or flag, or a setting that cannot be used
  3    the node cannot be reached
  4    the node refused: no token, a bad one, or one without the right
  5    bad input: a file or a value is wrong; nothing was changed
  6    what was asked for is not there
  130  interrupted";

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Refused => 4,
            Self::BadInput => 5,
            Self::NotFound => 6,
            Self::Interrupted => 130,
        }
    }

    /// What a failed call of a node means for scripts.
    #[must_use]
    pub fn of(error: &ClientError) -> Self {
        match error {
            ClientError::BadUrl { .. } => Self::Usage,
            ClientError::BadToken | ClientError::NoToken { .. } => Self::Refused,
            ClientError::Connection { .. } | ClientError::Unintelligible { .. } => Self::Unreachable,
            ClientError::Closed { .. } => Self::Failed,
            ClientError::GaveUp { last, .. } => Self::of(last),
            ClientError::Refused(problem) => match problem.status {
                401 | 403 => Self::Refused,
                404 | 410 => Self::NotFound,
                400 | 409 | 413 | 415 | 422 => Self::BadInput,
                _ => Self::Failed,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Problem;

    #[test]
    fn the_table_names_every_code() {
        for exit in [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Unreachable,
            Exit::Refused,
            Exit::BadInput,
            Exit::NotFound,
            Exit::Interrupted,
        ] {
            let code = exit.code().to_string();
            let is_named = |line: &str| line.split_whitespace().next() == Some(code.as_str());
            assert!(TABLE.lines().any(is_named), "{code}");
        }
    }

    #[test]
    fn what_the_node_said_decides() {
        for (status, exit) in [
            (401, Exit::Refused),
            (403, Exit::Refused),
            (404, Exit::NotFound),
            (422, Exit::BadInput),
            (503, Exit::Failed),
        ] {
            let problem = Problem {
                status,
                ..Problem::default()
            };
            let last = Box::new(ClientError::Refused(Box::new(problem)));
            assert_eq!(Exit::of(&last), exit, "{status}");
            assert_eq!(Exit::of(&ClientError::GaveUp { tries: 3, last }), exit, "{status}");
        }
    }
}
