//! A request of somebody who is nobody yet: a page before it is signed in. Together they are held to a pace, since nobody
//! tells one stranger from another behind a school's address.

use super::body;
use crate::app::App;
use crate::peer::Way;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{FromRequest, RawPathParams, Request};
use axum::http::{HeaderMap, Method};
use homeroom_schema::limits::BODY_BYTES_MAX;
use parking_lot::Mutex;
use serde_json::Value;

/// A request without a caller.
pub(super) struct Visit {
    /// The node.
    pub(super) app: App,
    /// The request's headers.
    pub(super) headers: HeaderMap,
    /// How it came here.
    pub(super) way: Way,
    path_params: Vec<(String, String)>,
    body: Mutex<Body>,
}

impl FromRequest<App> for Visit {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        use axum::extract::FromRequestParts as _;
        let (mut parts, body) = request.into_parts();
        if let Err(problem) = admit(app, &parts.method) {
            body::drain(body);
            return Err(problem);
        }
        let path_params = RawPathParams::from_request_parts(&mut parts, app)
            .await
            .map_err(|_| Problem::not_found())?;
        let path_params = path_params.iter().map(|(name, value)| (name.into(), value.into()));
        Ok(Self {
            app: app.clone(),
            path_params: path_params.collect(),
            way: parts.extensions.get::<Way>().cloned().unwrap_or_default(),
            headers: parts.headers,
            body: Mutex::new(body),
        })
    }
}

impl Visit {
    /// A part of the path as text.
    pub(super) fn path_text(&self, name: &str) -> &str {
        let part = self.path_params.iter().find(|(known, _)| known == name);
        part.map_or("", |(_, value)| value)
    }

    /// The JSON body.
    pub(super) async fn content(&mut self) -> Result<Value, Problem> {
        let bytes = body::read(&self.headers, self.body.get_mut(), BODY_BYTES_MAX).await?;
        body::parse(&self.headers, &bytes)
    }
}

fn admit(app: &App, method: &Method) -> Result<(), Problem> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        app.engine().has_room()?;
    }
    app.strangers().admit()
}
