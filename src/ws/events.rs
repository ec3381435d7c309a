//! `GET /events/stream`: the live protocol as server-sent events. Everything that can be wrong is said before the stream begins.

use super::door::{self, Credential};
use super::request::TopicWish;
use super::stream::{Bookmark, EventStream};
use crate::app::App;
use crate::fields::Fields;
use crate::problem::{FieldError, Problem};
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use homeroom_schema::limits::SESSION_TOPICS_MAX;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where a reader that comes back stands. A browser sends it by itself.
const LAST_EVENT_ID: &str = "last-event-id";
/// The same for a page that opens a new stream, which cannot set headers.
const LAST_EVENT_ID_QUERY: &str = "last_event_id";

/// `GET /events/stream`.
pub async fn stream(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    door::check_origin(&app, &parts)?;
    let credential = Credential::of(&app, &parts)?;
    let (wishes, bookmark) = wishes(&parts)?;
    let caller = credential.redeem(&app)?;
    door::charge(&app, &parts, &caller)?;
    let (stream, reader) = EventStream::new(bookmark);
    door::open_session(&app, &parts, caller, async { Some(stream) }, wishes)?;
    let mut response = Response::new(Body::from_stream(reader));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // What stands in between passes each message on when it comes (nginx and those that follow it).
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = parts.headers.get(ORIGIN) {
        // It was looked at above: a page that may open a stream may also read it.
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    Ok(response)
}

/// What is asked for, in order, from where.
fn wishes(parts: &Parts) -> Result<(Vec<TopicWish>, Bookmark), Problem> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
    let Query(query) = query.map_err(|_| Problem::invalid("query", "is not readable"))?;
    let object = Value::Object(
        query
            .iter()
            .map(|(name, text)| (name.clone(), text.as_str().into()))
            .collect(),
    );
    let mut fields = Fields::of_query(&object);
    let mut seen = BTreeSet::new();
    if let Some((name, _)) = query.iter().find(|(name, _)| !seen.insert(name)) {
        fields.wrong(name, "must be sent once");
    }
    let topics = fields.text("topics").unwrap_or_default();
    let topics: Vec<&str> = topics
        .split(',')
        .map(str::trim)
        .filter(|topic| !topic.is_empty())
        .collect();
    if topics.is_empty() && !fields.is_wrong("topics") {
        fields.wrong("topics", "must name a topic, or several with commas between them");
    }
    if topics.len() > SESSION_TOPICS_MAX {
        fields.wrong("topics", format!("must be at most {SESSION_TOPICS_MAX}"));
    }
    let from_query = fields
        .optional_text(LAST_EVENT_ID_QUERY)
        .map(|word| (LAST_EVENT_ID_QUERY, word));
    let mut errors = fields.into_errors();
    let mut headers = parts.headers.get_all(LAST_EVENT_ID).iter();
    let from_header = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(word), None) => Some((LAST_EVENT_ID, word.to_str().unwrap_or("?"))),
        (Some(_), Some(_)) => Some((LAST_EVENT_ID, "?")),
    };
    // The browser's own is the newer one: it goes on with the address that the page gave it.
    let word = from_header.or(from_query).filter(|(_, word)| !word.is_empty());
    let bookmark = match word {
        None => Bookmark::default(),
        Some((field, word)) => Bookmark::decode(word).unwrap_or_else(|| {
            errors.push(FieldError::new(field, "must be the id of an event of this stream"));
            Bookmark::default()
        }),
    };
    if !errors.is_empty() {
        return Err(Problem::validation(errors));
    }
    Ok(from_bookmark(&topics, bookmark))
}

/// Each topic with its position. What else the bookmark tells of is forgotten.
fn from_bookmark(topics: &[&str], mut bookmark: Bookmark) -> (Vec<TopicWish>, Bookmark) {
    let mut names = BTreeSet::new();
    let wish = |topic: &&str| {
        let name = topic.parse().ok();
        names.extend(name);
        let position = name.and_then(|name| bookmark.position(name));
        TopicWish {
            topic: (*topic).to_owned(),
            position: position.map(|position| (position.epoch.as_ref().to_owned(), position.offset)),
        }
    };
    let wishes = topics.iter().map(wish).collect();
    bookmark.keep(|topic| names.contains(&topic));
    (wishes, bookmark)
}
