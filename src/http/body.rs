//! Reads request bodies: bounded in size and time, JSON only.

use crate::problem::Problem;
use axum::body::{Body, HttpBody as _};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use homeroom_schema::limits::{BODY_DEADLINE, BODY_DRAIN_BYTES_MAX, BODY_DRAIN_DEADLINE};
use http_body_util::BodyExt;
use serde_json::Value;

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// 413 `body_too_large`, 408 `request_timeout`, 400 when the client breaks off.
pub(super) async fn read(headers: &HeaderMap, body: &mut Body, max: usize) -> Result<Bytes, Problem> {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > max as u64) {
        drain(std::mem::take(body));
        return Err(too_large(max));
    }
    match tokio::time::timeout(BODY_DEADLINE, collect(body, max)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            drain(std::mem::take(body));
            Err(too_large(max))
        }
        Ok(Err(_)) => {
            let detail = "The body ended before it was complete.";
            Err(Problem::new(400, "incomplete_body", "Incomplete body", detail))
        }
        Err(_) => {
            let detail = "The body did not arrive in time.";
            Err(Problem::new(408, "request_timeout", "Too slow", detail))
        }
    }
}

/// All bytes, or none when there are more than `max`.
async fn collect(body: &mut Body, max: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            if all.len() + data.len() > max {
                return Ok(None);
            }
            all.extend_from_slice(data);
        }
    }
    Ok(Some(all.freeze()))
}

/// Throws some of the rest away beside the answer, so that a client that is still sending gets to read it: a connection
/// closed on unread bytes is reset, and the answer with it.
pub(super) fn drain(mut body: Body) {
    if body.is_end_stream() {
        return;
    }
    let drained = async move {
        let mut left = BODY_DRAIN_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(BODY_DRAIN_DEADLINE, drained));
}

/// Parses a body as JSON.
///
/// # Errors
/// 415 `unsupported_media_type`, 400 `invalid_json`.
pub(super) fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Problem> {
    if !is_json(headers) {
        let detail = "Send JSON, with the header `Content-Type: application/json`.";
        return Err(Problem::new(415, "unsupported_media_type", "Not JSON", detail));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        // Line and column help the sender; the reader's words could repeat what was sent.
        let (line, column) = (error.line(), error.column());
        Problem::invalid_json(format!(
            "The body is no JSON document: see line {line}, column {column}."
        ))
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn too_large(max: usize) -> Problem {
    let detail = format!("The body of this request may have at most {max} bytes.");
    Problem::new(413, "body_too_large", "The body is too large", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn only_json_is_taken() {
        for (content_type, expected) in [
            ("application/json", None),
            ("Application/JSON; charset=utf-8", None),
            ("application/vnd.x+json", None),
            ("text/plain", Some(415)),
            ("application/x-www-form-urlencoded", Some(415)),
            ("", Some(415)),
        ] {
            let got = parse(&headers(content_type), b"{}").err().map(|problem| problem.status);
            assert_eq!(got, expected, "{content_type}");
        }
        assert_eq!(parse(&HeaderMap::new(), b"{}").map_err(|p| p.status), Err(415));
    }

    #[test]
    fn bad_json_is_refused_without_repeating_it() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "{\"secret\": sesame}",
            "nul",
            "\"\\ud800\"",
            "1e999",
            "{} {}",
            "\u{feff}{}",
            &deep,
        ] {
            let problem = parse(&headers("application/json"), text.as_bytes()).expect_err("refused");
            assert_eq!((problem.status, problem.code), (400, "invalid_json"), "{text:.20}");
            assert!(!problem.detail.contains("sesame"));
        }
        assert!(parse(&headers("application/json"), b"\"\xff\"").is_err());
    }

    #[tokio::test]
    async fn a_body_beyond_its_bound_is_refused_whether_declared_or_not() {
        let declared = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("11"))]);
        for (headers, bytes, expected) in [
            (&HeaderMap::new(), "0123456789", None),
            (&HeaderMap::new(), "0123456789a", Some("body_too_large")),
            (&declared, "0123456789a", Some("body_too_large")),
        ] {
            let got = read(headers, &mut Body::from(bytes), 10).await;
            assert_eq!(got.err().map(|problem| problem.code), expected, "{bytes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_not_waited_for() {
        let stuck = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let got = read(&HeaderMap::new(), &mut Body::from_stream(stuck), 10).await;
        assert_eq!(got.expect_err("too slow").code, "request_timeout");
    }
}
