//! Frames of the server that are about requests and positions: JSON text, one frame each. Messages of topics are in `message`.

use super::close::Close;
use super::request::RequestId;
use crate::commands::Answer;
use crate::problem::Problem;
use axum::extract::ws::Utf8Bytes;
use homeroom_actors::topics::{Position, TopicName};
use homeroom_schema::TimeMs;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// One topic's part of a `subscribed`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum TopicReply {
    /// It is held from here on.
    Held {
        /// Its name.
        topic: String,
        /// Its life.
        epoch: String,
        /// The next message is the one after this.
        offset: u64,
        /// Whether the position asked for was good.
        recovered: bool,
        /// The state at this position.
        #[serde(skip_serializing_if = "Option::is_none")]
        snapshot: Option<Box<RawValue>>,
    },
    /// It is not held.
    Refused {
        /// The name as it came.
        topic: String,
        /// Why not.
        error: Problem,
    },
}

/// A command is durable: what HTTP would have answered.
pub(super) fn ack(id: &RequestId, answer: &Answer) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        id: &'a Value,
        status: u16,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        replayed: bool,
        data: &'a RawValue,
    }
    text(&Frame {
        r#type: "ack",
        id: id.as_value(),
        status: answer.status,
        replayed: answer.replayed,
        data: &answer.body,
    })
}

/// A request, or a frame that was none, had no effect.
pub(super) fn error(id: Option<&RequestId>, problem: &Problem) -> Utf8Bytes {
    let mut frame = json!({"type": "error", "error": problem});
    if let Some(id) = id {
        frame["id"] = id.as_value().clone();
    }
    text(&frame)
}

/// The answer to `subscribe`, or to the topics that a stream was opened with, which have no id.
pub(super) fn subscribed(id: Option<&RequestId>, topics: &[TopicReply]) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        topics: &'a [TopicReply],
    }
    text(&Frame {
        r#type: "subscribed",
        id: id.map(RequestId::as_value),
        topics,
    })
}

/// The answer to `unsubscribe`: none of these is held any more.
pub(super) fn unsubscribed(id: &RequestId, topics: &[String]) -> Utf8Bytes {
    text(&json!({"type": "unsubscribed", "id": id.as_value(), "topics": topics}))
}

/// Unasked: a topic is no longer held.
pub(super) fn ended(topic: TopicName, reason: &Problem) -> Utf8Bytes {
    text(&json!({"type": "unsubscribed", "topic": topic.to_string(), "reason": reason}))
}

/// Unasked: the position of a topic starts anew here.
pub(super) fn snapshot(topic: TopicName, position: &Position, data: &RawValue) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        topic: String,
        epoch: &'a str,
        offset: u64,
        data: &'a RawValue,
    }
    text(&Frame {
        r#type: "snapshot",
        topic: topic.to_string(),
        epoch: &position.epoch,
        offset: position.offset,
        data,
    })
}

/// The last message of a stream of events: what a socket says by its close code.
pub(super) fn closed(close: Close, retry_after_ms: Option<u32>) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        code: u16,
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u32>,
    }
    text(&Frame {
        r#type: "closed",
        code: close.code(),
        reason: close.name(),
        retry_after_ms,
    })
}

/// The answer to `ping`.
pub(super) fn pong(id: Option<&RequestId>, now: TimeMs) -> Utf8Bytes {
    let mut frame = json!({"type": "pong", "server_time": crate::wire::time(now)});
    if let Some(id) = id {
        frame["id"] = id.as_value().clone();
    }
    text(&frame)
}

fn text(frame: &impl Serialize) -> Utf8Bytes {
    // Only maps with keys that are not text could fail here, and there are none.
    serde_json::to_string(frame).unwrap_or_default().into()
}
