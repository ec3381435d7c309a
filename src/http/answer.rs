//! Answers: JSON with a status, with an entity tag, or given again.

use crate::idempotency;
use crate::problem::Problem;
use crate::wire;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response as HttpResponse, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// What every handler gives.
pub(super) type Answered = Result<Response, Problem>;

/// A JSON answer.
pub(super) fn json(status: u16, body: &Value) -> Response {
    text(status, body.to_string())
}

/// A JSON answer, written straight into text.
pub(super) fn written(status: u16, body: &impl Serialize) -> Response {
    raw(status, wire::raw(body))
}

/// A JSON answer that has been written already.
pub(super) fn raw(status: u16, body: Box<RawValue>) -> Response {
    text(status, Box::<str>::from(body).into())
}

/// A JSON answer whose body is text already. 204 has none.
pub(super) fn text(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::NO_CONTENT {
        return no_content();
    }
    with_type(status, "application/json", Body::from(body))
}

/// An answer of any media type.
pub(super) fn with_type(status: StatusCode, media_type: &'static str, body: Body) -> Response {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// 204.
pub(super) fn no_content() -> Response {
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Marks an answer that was given before.
pub(super) fn replayed(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(idempotency::REPLAYED_HEADER, HeaderValue::from_static("true"));
    response
}

/// An answer that must not be kept anywhere on its way.
pub(super) fn secret(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What names one state of a body: its digest.
pub(super) struct EntityTag(String);

impl EntityTag {
    /// The tag of this body.
    pub(super) fn of(body: &str) -> Self {
        let digest = Sha256::digest(body);
        Self(format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..16])))
    }
}

/// A JSON answer with an entity tag; 304 when the caller has it already.
pub(super) fn tagged(request: &HeaderMap, body: &Value) -> Response {
    let body = body.to_string();
    let tag = EntityTag::of(&body);
    unless_known(request, &tag, "application/json", "private, no-cache", || body.into())
}

/// An answer with this tag and rule for caches; 304 when the caller has it already.
pub(super) fn unless_known(
    request: &HeaderMap,
    tag: &EntityTag,
    media_type: &'static str,
    caching: &'static str,
    body: impl FnOnce() -> Body,
) -> Response {
    let known = request.get_all(IF_NONE_MATCH).iter().any(|value| names(value, &tag.0));
    let outcome = if known { "known" } else { "new" };
    metrics::counter!("homeroom_etags_total", "outcome" => outcome).increment(1);
    let mut response = if known {
        let mut response = HttpResponse::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        with_type(StatusCode::OK, media_type, body())
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag.0) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// Whether a value of `If-None-Match` names this tag; weak ones do too (RFC 9110, section 13.1.2).
fn names(value: &HeaderValue, tag: &str) -> bool {
    let Ok(text) = value.to_str() else { return false };
    text.trim() == "*" || text.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tag_that_is_known_spares_the_body() {
        let body = json!({"a": 1});
        let fresh = tagged(&HeaderMap::new(), &body);
        assert_eq!(fresh.status(), 200);
        let tag = fresh.headers()[ETAG].to_str().expect("a tag").to_owned();
        for (sent, status) in [
            (tag.clone(), 304),
            (format!("W/{tag}"), 304),
            (format!("\"x\", {tag}"), 304),
            ("*".into(), 304),
            ("\"x\"".into(), 200),
            (tag.trim_matches('"').to_owned(), 200),
            (String::new(), 200),
        ] {
            let value = HeaderValue::from_str(&sent).expect("a header");
            let response = tagged(&HeaderMap::from_iter([(IF_NONE_MATCH, value)]), &body);
            assert_eq!(response.status(), status, "{sent}");
            assert_eq!(response.headers()[ETAG], tag.as_str());
        }
        assert_ne!(
            tagged(&HeaderMap::new(), &json!({"a": 2})).headers()[ETAG],
            tag.as_str()
        );
    }
}
