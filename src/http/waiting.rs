//! What a node answers while it waits for its database: that it lives, and that it is not ready.

use super::health;
use crate::problem::{FieldError, Problem};
use axum::Router;
use axum::routing::get;
use homeroom_actors::EngineError;

/// The routes of a node that has no store yet.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/healthz", get(health::lives))
        .fallback(|| async { not_yet() })
}

fn not_yet() -> Problem {
    let reason = "the database cannot be reached yet";
    let mut problem = Problem::from(EngineError::StoreUnavailable);
    problem.errors = vec![FieldError::new("writer", reason)];
    problem.detail = format!("writer: {reason}");
    problem
}
