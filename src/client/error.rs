//! What can go wrong between a client and a node, and which of it is worth another try.

use serde::Deserialize;
use std::time::Duration;

/// A problem (RFC 9457) as a node sends it. Fields that this client does not know are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The kind, for programs.
    pub code: String,
    /// The kind, for people.
    pub title: String,
    /// This case, for people.
    pub detail: String,
    /// What is wrong with which field.
    pub errors: Vec<FieldProblem>,
    /// Seconds after which to try again.
    pub retry_after: Option<u64>,
}

/// One thing wrong with one field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FieldProblem {
    /// The field, dotted and indexed.
    pub field: String,
    /// What is wrong, for people.
    pub message: String,
}

impl Problem {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504) || self.code == "request_in_progress"
    }

    /// How long the node asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after.map(Duration::from_secs)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        write!(formatter, "{} {}: {text}", self.status, self.code)
    }
}

/// Why a call of a node failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("{url:?} is not the address of a node: {reason}")]
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token cannot be sent in a header.
    #[error("the token holds characters that no token has")]
    BadToken,
    /// No token was given, and none stands where a node would have written one.
    #[error(
        "a token is needed: --token TOKEN, HOMEROOM_TOKEN in the environment, or --data DIR with the node's file admin-token ({why})"
    )]
    NoToken {
        /// Why there is none in the data directory.
        why: String,
    },
    /// The node could not be reached, or the connection broke.
    #[error("cannot reach the node at {url}: {cause}")]
    Connection {
        /// Where.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// The node closed the live socket.
    #[error("the node closed the live socket: {code} {reason}")]
    Closed {
        /// The close code: up to 4499 another try is welcome.
        code: u16,
        /// The node's reason.
        reason: String,
    },
    /// The node refused.
    #[error("the node answered {0}")]
    Refused(Box<Problem>),
    /// An answer that no node gives.
    #[error("{what} got an answer that is not a node's: {cause}")]
    Unintelligible {
        /// Which call.
        what: String,
        /// What could not be read.
        cause: String,
    },
    /// Every try failed.
    #[error("gave up after {tries} tries: {last}")]
    GaveUp {
        /// How many.
        tries: u32,
        /// How the last one failed.
        last: Box<ClientError>,
    },
}

impl ClientError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            // 1002 to 1009 say that this client sends what the node does not take; again would be the same.
            Self::Closed { code, .. } => *code < 1_002 || (1_010..4_500).contains(code),
            Self::Refused(problem) => problem.is_worth_retrying(),
            Self::BadUrl { .. }
            | Self::BadToken
            | Self::NoToken { .. }
            | Self::Unintelligible { .. }
            | Self::GaveUp { .. } => false,
        }
    }

    /// The problem, if the node sent one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            Self::GaveUp { last, .. } => last.problem(),
            _ => None,
        }
    }

    /// How long the node asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem().and_then(Problem::retry_after)
    }
}

/// An error with all its causes in one line: the outer message of network errors seldom says why.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
