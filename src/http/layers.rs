//! What goes around every route: a line in the log and a count for each request, and an answer even after a panic.

use super::call::KnownCaller;
use super::front;
use crate::app::App;
use crate::audit;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::rates::RateCell;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// Names a request in the log and in its answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The route of what has none.
const NO_ROUTE: &str = "none";

static REQUESTS: AtomicU64 = AtomicU64::new(1);

pub(super) fn around(router: Router<App>, app: &App) -> Router<App> {
    router
        .layer(from_fn_with_state(app.clone(), front::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), observe))
}

fn panicked(_cause: Box<dyn Any + Send>) -> Response {
    // What it said is in the log of the panic hook; clients get nothing internal.
    Problem::internal().into_response()
}

/// Never logs a token, a name or a body: only the route's template.
async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let method = method_name(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let way = app.way(request.extensions().get::<Peer>().copied(), request.headers());
    let client = way.client.map(tracing::field::display);
    let span = tracing::info_span!("request", id, method, route, client);
    request.extensions_mut().insert(way);
    let rates = RateCell::default();
    request.extensions_mut().insert(rates.clone());
    let caller = KnownCaller::default();
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    if response.status() == StatusCode::FORBIDDEN
        && let Some(caller) = caller.get()
    {
        audit::refused(&app, caller, method, route).await;
    }
    let took = begun.elapsed();
    let status = response.status().as_u16();
    app.metrics().request(method, route, status, took);
    let ms = took.as_secs_f64() * 1_000.0;
    span.in_scope(|| match status {
        500.. => tracing::warn!(status, ms, "failed"),
        _ => tracing::debug!(status, ms, "answered"),
    });
    response.headers_mut().insert(REQUEST_ID, HeaderValue::from(id));
    rates.show(response.headers_mut());
    response
}

/// The known methods; what else a client makes up counts as one.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
