//! What all changes of roster and catalogue have in common: handed over with their key, answered from what was kept.

use super::answer::{self, Answered};
use super::call::Call;
use crate::audit;
use crate::fields::Fields;
use crate::idempotency::{self, Turn};
use crate::problem::{FieldError, Problem, Unknown};
use crate::wire;
use axum::response::Response;
use homeroom_actors::EngineError;
use homeroom_actors::engine::{KeyClaim, RenderRoster};
use homeroom_actors::roster::{ImportError, RosterCommand, RosterOutcome};
use homeroom_schema::records::{KeyOutcome, KeyRecord};
use serde_json::Value;

/// A change as answered: now, or when its key was first used.
pub(super) struct Changed {
    status: u16,
    body: String,
    was_before: bool,
}

impl Changed {
    /// The answer as it was kept.
    pub(super) fn into_response(self) -> Response {
        let Self {
            status,
            body,
            was_before,
        } = self;
        let response = answer::text(status, body);
        if was_before {
            answer::replayed(response)
        } else {
            response
        }
    }

    /// The answer with a body that follows from the request alone.
    pub(super) fn with_body(self, body: &Value) -> Response {
        let body = body.to_string();
        Self { body, ..self }.into_response()
    }
}

/// Changes the roster. `in_path` are the things that the path names.
pub(super) async fn change(
    call: &Call,
    claim: Option<KeyClaim>,
    command: RosterCommand,
    render: RenderRoster,
    in_path: &[Unknown],
) -> Result<Changed, Problem> {
    let _guard = match idempotency::turn(&call.app, claim.as_ref()).await? {
        Turn::Again(record) => return before(record),
        Turn::First(guard) => guard,
    };
    let keyed = claim.map(|claim| (claim, render));
    let by = audit::by(&call.caller);
    match (call.app.engine().change_roster(command, keyed, by).await, claim) {
        (Ok(RosterOutcome::ImportRefused(errors)), _) => Err(refused(errors)),
        (Ok(outcome), _) => {
            let (status, body) = render(&outcome);
            Ok(Changed {
                status,
                body,
                was_before: false,
            })
        }
        (Err(EngineError::KeyTaken), Some(claim)) => before(idempotency::taken(&call.app, &claim).await?),
        (Err(error), _) => Err(Problem::from(error).with_path(in_path)),
    }
}

/// Changes the roster by a request with this content, and answers what was kept.
pub(super) async fn put(call: &Call, content: &Value, command: RosterCommand, in_path: &[Unknown]) -> Answered {
    let claim = call.claim(content)?;
    let changed = change(call, claim, command, wire::roster_answer, in_path).await?;
    Ok(changed.into_response())
}

/// Removes something from the roster: 204.
pub(super) async fn remove(call: &Call, command: RosterCommand, in_path: &[Unknown]) -> Answered {
    let claim = call.claim(&Value::Null)?;
    let changed = change(call, claim, command, |_| (204, String::new()), in_path).await?;
    Ok(changed.into_response())
}

/// Reads whether archived ones are wanted too. Only staff get to see them.
pub(super) fn archived_too(fields: &mut Fields<'_>) -> bool {
    fields.optional_word("archived", "true, false", |word| word.parse().ok()) == Some(true)
}

fn before(record: KeyRecord) -> Result<Changed, Problem> {
    let KeyOutcome::Body(body) = record.outcome else {
        tracing::error!(status = record.status, "a key of the roster points at an event");
        return Err(Problem::internal());
    };
    Ok(Changed {
        status: record.status,
        body,
        was_before: true,
    })
}

fn refused(errors: Vec<ImportError>) -> Problem {
    let named = errors.into_iter().map(|error| {
        let ImportError {
            list,
            index,
            field,
            message,
        } = error;
        FieldError::new(format!("{list}[{index}].{field}"), message)
    });
    Problem::validation(named.collect())
}
