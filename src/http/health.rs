//! What anybody may ask: whether the node lives, whether it is ready, its metrics, its description.

use super::answer::{self, Answered};
use super::asyncapi;
use super::openapi;
use super::routes::Routes;
use crate::app::App;
use crate::monitor;
use crate::problem::{FieldError, Problem};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/healthz", lives)
        .get("/readyz", is_ready)
        .get("/metrics", metrics)
        .get("/openapi.json", describe)
        .get("/asyncapi.json", describe_live)
        .get("/ws", crate::ws::upgrade)
        .get("/events/stream", crate::ws::stream)
}

pub(super) async fn lives() -> Response {
    answer::json(200, &json!({"status": "ok"}))
}

async fn is_ready(State(app): State<App>) -> Answered {
    let down = monitor::parts_down(&app).await;
    if let Some(first) = down.first() {
        let mut problem = Problem::from(first.error.clone());
        let parts = down.iter().map(|down| FieldError::new(down.part, down.reason));
        problem.errors = parts.collect();
        problem.detail = format!("{}: {}", first.part, first.reason);
        return Err(problem);
    }
    Ok(answer::json(200, &json!({"status": "ready"})))
}

async fn metrics(State(app): State<App>) -> Response {
    let text = app.metrics().render(&app.config().data);
    answer::with_type(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        Body::from(text),
    )
}

async fn describe() -> Response {
    answer::with_type(StatusCode::OK, "application/json", Body::from(openapi::document()))
}

async fn describe_live() -> Response {
    answer::with_type(StatusCode::OK, "application/json", Body::from(asyncapi::document()))
}
