//! One authenticated request: who calls, and what they send. Bodies are read only after the right to send them is clear.

use super::body;
use crate::app::App;
use crate::auth::{Principal, authenticate};
use crate::fields::{Fields, Id};
use crate::idempotency::{self, Fingerprint};
use crate::problem::{Problem, Unknown};
use crate::rates::{self, RateCell, Work};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use homeroom_actors::engine::KeyClaim;
use homeroom_schema::limits::BODY_BYTES_MAX;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// The header that carries a caller's key.
pub(super) const KEY_HEADER: &str = "Idempotency-Key";

/// Makes tickets, which nothing keeps: it counts as a read.
const TICKETS: &str = "/tickets";

/// Who a request turned out to come from: for what goes around the routes.
#[derive(Clone, Default)]
pub(super) struct KnownCaller(Arc<OnceLock<Principal>>);

impl KnownCaller {
    fn tell(&self, caller: Principal) {
        // A request comes from one caller, so a second word would say the same.
        let _ = self.0.set(caller);
    }

    /// The caller, if the request got as far as to say.
    pub(super) fn get(&self) -> Option<&Principal> {
        self.0.get()
    }
}

/// An authenticated request.
pub(super) struct Call {
    /// The node.
    pub(super) app: App,
    /// Who calls.
    pub(super) caller: Principal,
    parts: Parts,
    /// How the caller's budget stands, for the answer's headers.
    rates: RateCell,
    path_params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    /// Only ever reached through `&mut`: the lock is what makes a call shareable, since a body alone is not.
    body: Mutex<Body>,
}

impl FromRequest<App> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = authenticate(app, &parts.headers)?;
        let rates = parts.extensions.get::<RateCell>().cloned().unwrap_or_default();
        if let Err(problem) = admit(app, &caller, &rates, &parts) {
            body::drain(body);
            return Err(problem);
        }
        if let Some(known) = parts.extensions.get::<KnownCaller>() {
            known.tell(caller);
        }
        let path_params = RawPathParams::from_request_parts(&mut parts, app)
            .await
            .map_err(|_| Problem::not_found())?;
        let path_params = path_params.iter().map(|(name, value)| (name.into(), value.into()));
        let Query(query) = Query::try_from_uri(&parts.uri).map_err(|_| Problem::invalid("query", "is not readable"))?;
        Ok(Self {
            app: app.clone(),
            caller,
            rates,
            path_params: path_params.collect(),
            query,
            parts,
            body: Mutex::new(body),
        })
    }
}

impl Call {
    /// Takes one more write out of the caller's budget, for requests that are many.
    pub(super) fn take_write(&self) -> Result<(), Problem> {
        rates::charge(&self.app, &self.caller, &self.rates, Work::Write)
    }

    /// The request's headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The request's query, in its order.
    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The same as it was sent.
    pub(super) fn query_text(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// A part of the path as text.
    pub(super) fn path_text(&self, name: &str) -> &str {
        let part = self.path_params.iter().find(|(known, _)| known == name);
        part.map_or("", |(_, value)| value)
    }

    /// An id in the path. What is no id names nothing, so it is as unknown as an id that nobody has.
    pub(super) fn path_id<T: Id>(&self, name: &str, kind: Unknown) -> Result<T, Problem> {
        let text = self.path_text(name);
        let is_plain = text.starts_with(|first: char| ('1'..='9').contains(&first));
        let id = is_plain.then(|| text.parse().ok()).flatten();
        id.ok_or_else(|| Problem::unknown(kind))
    }

    /// Reads the query as fields.
    pub(super) fn read_query<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
        let pairs = self.query.iter();
        let object = Value::Object(pairs.map(|(name, text)| (name.clone(), text.as_str().into())).collect());
        let mut fields = Fields::of_query(&object);
        let value = read(&mut fields);
        let mut seen = BTreeSet::new();
        if let Some((name, _)) = self.query.iter().find(|(name, _)| !seen.insert(name)) {
            // Which of them would count? Programs in the way may see another one than the node.
            fields.wrong(name, "must be sent once");
        }
        fields.finish(value)
    }

    /// Whose eyes a list is made for: part of what its cursors are bound to.
    pub(super) fn viewer(&self) -> String {
        let person = self.caller.user_id.map_or(0, |user_id| user_id.get());
        format!("{} {person}", self.caller.role.as_str())
    }

    /// The JSON body of an ordinary request.
    pub(super) async fn content(&mut self) -> Result<Value, Problem> {
        let bytes = self.bytes(BODY_BYTES_MAX).await?;
        body::parse(&self.parts.headers, &bytes)
    }

    /// The JSON body if there is one.
    pub(super) async fn optional_content(&mut self) -> Result<Option<Value>, Problem> {
        let bytes = self.bytes(BODY_BYTES_MAX).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        body::parse(&self.parts.headers, &bytes).map(Some)
    }

    /// The JSON body of a request that may be large, with its fingerprint: read where it holds nobody up.
    pub(super) async fn large_content(&mut self, max: usize) -> Result<(Value, Fingerprint), Problem> {
        let bytes = self.bytes(max).await?;
        let headers = self.parts.headers.clone();
        let (method, path, query) = (self.parts.method.clone(), self.parts.uri.clone(), self.query.clone());
        apart(move || {
            let content = body::parse(&headers, &bytes)?;
            let fingerprint = Fingerprint::of(method.as_str(), path.path(), &query, &content);
            Ok((content, fingerprint))
        })
        .await?
    }

    async fn bytes(&mut self, max: usize) -> Result<bytes::Bytes, Problem> {
        body::read(&self.parts.headers, self.body.get_mut(), max).await
    }

    /// The caller's key, if one was sent.
    pub(super) fn key(&self) -> Result<Option<String>, Problem> {
        let mut values = self.parts.headers.get_all(KEY_HEADER).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(Some(value.to_str().unwrap_or_default().to_owned())),
            (Some(_), Some(_)) => Err(Problem::invalid(KEY_HEADER, "must be sent once")),
        }
    }

    /// The claim of the caller's key for this request with this content.
    pub(super) fn claim(&self, content: &Value) -> Result<Option<KeyClaim>, Problem> {
        match self.key()? {
            Some(_) => self.claim_as(self.fingerprint(content)),
            None => Ok(None),
        }
    }

    /// The claim of the caller's key for a request with this fingerprint.
    pub(super) fn claim_as(&self, fingerprint: Fingerprint) -> Result<Option<KeyClaim>, Problem> {
        let key = self.key()?;
        key.map(|key| idempotency::claim(&self.caller, &key, KEY_HEADER, fingerprint))
            .transpose()
    }

    /// What makes this request the same as another.
    pub(super) fn fingerprint(&self, content: &Value) -> Fingerprint {
        Fingerprint::of(self.parts.method.as_str(), self.parts.uri.path(), &self.query, content)
    }

    /// Refuses a key where the answer is secret and so is never kept.
    pub(super) fn refuse_key(&self) -> Result<(), Problem> {
        if self.parts.headers.contains_key(KEY_HEADER) {
            let detail = "The answer to this request is secret and not kept, so it takes no Idempotency-Key.";
            return Err(Problem::new(400, "idempotency_not_supported", "No keys here", detail));
        }
        Ok(())
    }
}

/// Every request is one piece of work, before its body is read. A node that is behind takes no new writes.
fn admit(app: &App, caller: &Principal, rates: &RateCell, parts: &Parts) -> Result<(), Problem> {
    let is_read = matches!(parts.method, Method::GET | Method::HEAD) || parts.uri.path() == TICKETS;
    if !is_read {
        app.engine().has_room()?;
    }
    rates::charge(app, caller, rates, if is_read { Work::Read } else { Work::Write })
}

/// Runs work that takes a while on a thread of its own kind.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|cause| {
        tracing::error!(%cause, "work apart failed");
        Problem::internal()
    })
}
