//! The HTTP routes: each reads a request, asks `permissions`, and hands it to the engine. No rules of learning here.

use crate::app::App;
use axum::Router;

/// All routes of a node.
pub fn router(app: App) -> Router {
    Router::new().with_state(app)
}
