//! Failures as clients see them: RFC 9457 problems, on HTTP and on the socket alike. The engine's causes are in `engine`.

mod engine;

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use homeroom_schema::limits::PROBLEM_ERRORS_MAX;
use serde::Serialize;

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field, dotted and indexed: `evidence.score`, `users[3].name`.
    pub field: String,
    /// What is wrong, for people.
    pub message: String,
}

impl FieldError {
    /// What is wrong with a field.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// A problem (RFC 9457) with a stable code. Holds nothing internal: no SQL, path or backtrace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A URI of the kind of problem: `/problems/` and the code.
    pub r#type: String,
    /// The kind, for people.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This case, for people.
    pub detail: String,
    /// The kind, for programs; snake_case, stable.
    pub code: &'static str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// When it will be possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
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
            retry_at: None,
            retry_after: None,
        }
    }

    /// Fields are wrong. The first [`PROBLEM_ERRORS_MAX`] are named, the rest counted.
    #[must_use]
    pub fn validation(mut errors: Vec<FieldError>) -> Self {
        let all = errors.len();
        errors.truncate(PROBLEM_ERRORS_MAX);
        let detail = match (all, errors.first()) {
            (1, Some(error)) => format!("{} {}", error.field, error.message),
            _ if all > errors.len() => format!("{all} fields are not valid; the first {} are named", errors.len()),
            _ => format!("{all} fields are not valid"),
        };
        let mut problem = Self::new(422, "validation", "Some fields are not valid", detail);
        problem.errors = errors;
        problem
    }

    /// One field is wrong.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::validation(vec![FieldError::new(field, message)])
    }

    /// No token, a bad one, or one that has ended.
    #[must_use]
    pub fn unauthenticated() -> Self {
        let detail = "Send a valid token in the header `Authorization: Bearer TOKEN`.";
        Self::new(401, "unauthenticated", "Who is asking?", detail)
    }

    /// A known caller without the right.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "Not allowed", detail)
    }

    /// The same, because of one field.
    #[must_use]
    pub fn forbidden_field(field: &str, message: &str) -> Self {
        let mut problem = Self::forbidden(format!("{field} {message}"));
        problem.errors = vec![FieldError::new(field, message)];
        problem
    }

    /// No such route.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            404,
            "not_found",
            "No such page",
            "There is nothing under this path; see /openapi.json.",
        )
    }

    /// The route has no such method; `Allow` names those that it has.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let detail = "This path has other methods: see the header `Allow`.";
        Self::new(405, "method_not_allowed", "No such method here", detail)
    }

    /// Something named does not exist, or may not be known to the caller: the answer is the same.
    #[must_use]
    pub fn unknown(kind: Unknown) -> Self {
        let (code, title) = kind.names();
        Self::new(404, code, title, format!("{title}, or none that you may see."))
    }

    /// A person who was erased, wherever they are named: for callers who may know that the id was somebody's.
    #[must_use]
    pub fn erased() -> Self {
        let detail = "This person was erased; the id stays nobody's.";
        Self::new(410, "erased", "Erased", detail)
    }

    /// A body that is no JSON document.
    #[must_use]
    pub fn invalid_json(detail: impl Into<String>) -> Self {
        Self::new(400, "invalid_json", "Not valid JSON", detail)
    }

    /// A page cursor that this list did not give out.
    #[must_use]
    pub fn invalid_cursor() -> Self {
        let detail = "The cursor does not belong to this list and these filters; start again without one.";
        Self::new(400, "invalid_cursor", "Not a cursor of this list", detail)
    }

    /// A failure of the server itself. Never says why: that is in the log.
    #[must_use]
    pub fn internal() -> Self {
        let detail =
            "Something went wrong inside; it has been logged. Repeating with the same Idempotency-Key is safe.";
        Self::new(500, "internal", "Internal error", detail)
    }

    /// The same problem, to be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What is unknown was named in the path (404) when it is one of `kinds`, else in the body (422).
    #[must_use]
    pub fn with_path(mut self, kinds: &[Unknown]) -> Self {
        if let Some(kind) = Unknown::ALL.into_iter().find(|kind| kind.names().0 == self.code) {
            self.status = if kinds.contains(&kind) { 404 } else { 422 };
        }
        self
    }

    /// The JSON body.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// What can be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A person.
    User,
    /// A team.
    Team,
    /// A unit.
    Unit,
    /// A qualification.
    Qualification,
    /// An entry of a ledger.
    Event,
    /// A token.
    Token,
    /// A board.
    Board,
    /// A topic.
    Topic,
    /// An action.
    Action,
    /// A backup.
    Backup,
    /// An announcement.
    Announcement,
}

impl Unknown {
    const ALL: [Self; 11] = [
        Self::User,
        Self::Team,
        Self::Unit,
        Self::Qualification,
        Self::Event,
        Self::Token,
        Self::Board,
        Self::Topic,
        Self::Action,
        Self::Backup,
        Self::Announcement,
    ];

    /// The code and the title.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::User => ("unknown_user", "No such person"),
            Self::Team => ("unknown_team", "No such team"),
            Self::Unit => ("unknown_unit", "No such unit"),
            Self::Qualification => ("unknown_qualification", "No such qualification"),
            Self::Event => ("unknown_event", "No such entry of a ledger"),
            Self::Token => ("unknown_token", "No such token"),
            Self::Board => ("unknown_board", "No such board"),
            Self::Topic => ("unknown_topic", "No such topic"),
            Self::Action => ("unknown_action", "No such action"),
            Self::Backup => ("unknown_backup", "No such backup"),
            Self::Announcement => ("unknown_announcement", "No such announcement"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"homeroom\""));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            // axum fills in the methods of the route unless the header is there already.
            headers.remove(ALLOW);
        }
        response
    }
}
