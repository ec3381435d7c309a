//! What anybody may ask: whether the node lives, whether it is ready, its metrics, its description.

use super::answer::{self, Answered};
use super::openapi;
use super::routes::Routes;
use crate::app::App;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use homeroom_actors::EngineError;
use serde_json::json;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/healthz", lives)
        .get("/readyz", is_ready)
        .get("/metrics", metrics)
        .get("/openapi.json", describe)
        .get("/ws", crate::ws::upgrade)
}

async fn lives() -> Response {
    answer::json(200, &json!({"status": "ok"}))
}

async fn is_ready(State(app): State<App>) -> Answered {
    if app.is_stopping() {
        return Err(EngineError::Stopping.into());
    }
    app.engine().check().await?;
    Ok(answer::json(200, &json!({"status": "ready"})))
}

async fn metrics(State(app): State<App>) -> Response {
    let text = app.metrics().render(app.engine().sessions().count());
    answer::with_type(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        Body::from(text),
    )
}

async fn describe() -> Response {
    answer::with_type(StatusCode::OK, "application/json", Body::from(openapi::document()))
}
