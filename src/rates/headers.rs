//! How a budget stands, as the headers `RateLimit-Policy` and `RateLimit` say it (draft-ietf-httpapi-ratelimit-headers-10):
//! structured fields with the budget's name, its quota and window, what is left, and the seconds until it is whole again.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use homeroom_schema::limits::RATE_BURST_SECONDS;
use parking_lot::Mutex;
use std::sync::Arc;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// How one caller's budget stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub(super) name: &'static str,
    pub(super) policy: HeaderValue,
    /// What is left.
    pub remaining: u32,
    /// Seconds until it is whole again, rounded up.
    pub full_in_s: u32,
}

impl Standing {
    /// Puts it into the headers of an answer.
    pub fn put(&self, headers: &mut HeaderMap) {
        headers.insert(POLICY, self.policy.clone());
        let text = format!("\"{}\";r={};t={}", self.name, self.remaining, self.full_in_s);
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(LIMIT, value);
        }
    }
}

/// The value of `RateLimit-Policy`: so much in so many seconds.
pub(super) fn policy(name: &str, burst: u32) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{name}\";q={burst};w={RATE_BURST_SECONDS}"))
        .unwrap_or(HeaderValue::from_static(""))
}

/// Where a request's standing waits for its answer: whoever takes from a budget writes it down, and the layer around all
/// routes shows it, whatever became of the request.
#[derive(Debug, Clone, Default)]
pub struct RateCell(Arc<Mutex<Option<Standing>>>);

impl RateCell {
    /// Notes how the budget stands; the last one counts.
    pub fn note(&self, standing: Option<Standing>) {
        if standing.is_some() {
            *self.0.lock() = standing;
        }
    }

    /// Shows what was noted, if anything was.
    pub fn show(&self, headers: &mut HeaderMap) {
        if let Some(standing) = &*self.0.lock() {
            standing.put(headers);
        }
    }
}
