//! Failures as clients see them: RFC 9457 problems, on HTTP and on the socket alike. One table from cause to status and code.

use serde::Serialize;

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field, dotted and indexed: `evidence.score`, `events[3].user_id`.
    pub field: String,
    /// What is wrong, for people.
    pub message: String,
}

/// A problem (RFC 9457) with a stable code. Holds nothing internal: no SQL, path or backtrace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A URI of the kind of problem: `about:blank` or a page under `/problems/`.
    pub r#type: String,
    /// The kind, for people.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This case, for people.
    pub detail: String,
    /// The kind, for programs; snake_case, stable.
    pub code: &'static str,
    /// What is wrong with which field; validation only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds after which to try again (also in `Retry-After`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of a kind.
    #[must_use]
    pub fn new(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("/problems/{code}"),
            title,
            status,
            detail: detail.into(),
            code,
            errors: Vec::new(),
            retry_after: None,
        }
    }
}
