//! What clients say: one JSON object a text frame, read into a request or a problem. No rights, no effects.

use crate::commands::Wish;
use crate::problem::Problem;
use homeroom_schema::limits::{REQUEST_ID_CHARS_MAX, REQUEST_TOPICS_MAX};
use serde_json::{Map, Value};

/// The `id` of a request: any JSON number or short string, repeated as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RequestId(Value);

impl RequestId {
    pub(super) fn as_value(&self) -> &Value {
        &self.0
    }
}

/// A request that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Request {
    /// `subscribe`.
    Subscribe {
        /// The request.
        id: RequestId,
        /// What is asked for, in order.
        topics: Vec<TopicWish>,
    },
    /// `unsubscribe`.
    Unsubscribe {
        /// The request.
        id: RequestId,
        /// Names as they came.
        topics: Vec<String>,
    },
    /// `earn` or `progress`.
    Command {
        /// The request.
        id: RequestId,
        /// What is wished for.
        wish: Wish,
        /// The idempotency key.
        key: Option<String>,
    },
    /// `ping`; the only request that may come without an id.
    Ping {
        /// The request.
        id: Option<RequestId>,
    },
}

/// One topic of a `subscribe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicWish {
    /// The name as it came.
    pub(super) topic: String,
    /// Epoch and offset to go on from.
    pub(super) position: Option<(String, u64)>,
}

/// A frame that could not be understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Misunderstood {
    /// Its id, if it had one.
    pub(super) id: Option<RequestId>,
    /// What is wrong with it.
    pub(super) problem: Problem,
}

/// Reads one text frame.
pub(super) fn parse(text: &str) -> Result<Request, Misunderstood> {
    let mut fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(without_id(invalid_json("a message is a JSON object"))),
        Err(_) => return Err(without_id(invalid_json("the frame is not one JSON text"))),
    };
    let id = match fields.remove("id").map(request_id) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(problem)) => return Err(without_id(problem)),
    };
    read(fields, id.clone()).map_err(|problem| Misunderstood { id, problem })
}

fn read(mut fields: Map<String, Value>, id: Option<RequestId>) -> Result<Request, Problem> {
    let kind = match fields.remove("type") {
        Some(Value::String(kind)) => kind,
        Some(_) => return Err(Problem::invalid("type", "must be text")),
        None => return Err(Problem::invalid("type", "is missing")),
    };
    if kind == "ping" {
        return Ok(Request::Ping { id });
    }
    if !matches!(kind.as_str(), "subscribe" | "unsubscribe" | "earn" | "progress") {
        let problem = Problem::new(
            400,
            "unknown_type",
            "Unknown message type",
            "no request has this `type`",
        );
        return Err(problem);
    }
    let id = id.ok_or_else(|| Problem::invalid("id", "is missing"))?;
    match kind.as_str() {
        "subscribe" => {
            let topics = topics(&mut fields)?;
            Ok(Request::Subscribe { id, topics })
        }
        "unsubscribe" => {
            let topics = topics(&mut fields)?.into_iter().map(|wish| wish.topic).collect();
            Ok(Request::Unsubscribe { id, topics })
        }
        earn_or_progress => {
            let key = match fields.remove("key") {
                None | Some(Value::Null) => None,
                Some(Value::String(key)) => Some(key),
                Some(_) => return Err(Problem::invalid("key", "must be text")),
            };
            let fields = Value::Object(fields);
            let wish = if earn_or_progress == "earn" {
                Wish::Earn(fields)
            } else {
                Wish::Progress(fields)
            };
            Ok(Request::Command { id, wish, key })
        }
    }
}

fn request_id(id: Value) -> Result<RequestId, Problem> {
    match &id {
        Value::Number(_) => Ok(RequestId(id)),
        Value::String(text) if text.chars().count() <= REQUEST_ID_CHARS_MAX => Ok(RequestId(id)),
        _ => {
            let message = format!("must be a number or text of at most {REQUEST_ID_CHARS_MAX} characters");
            Err(Problem::invalid("id", message))
        }
    }
}

fn topics(fields: &mut Map<String, Value>) -> Result<Vec<TopicWish>, Problem> {
    match fields.remove("topics") {
        Some(Value::Array(topics)) if topics.len() <= REQUEST_TOPICS_MAX => topics
            .into_iter()
            .enumerate()
            .map(|(place, topic)| {
                topic_wish(topic)
                    .map_err(|(field, message)| Problem::invalid(format!("topics[{place}]{field}"), message))
            })
            .collect(),
        Some(Value::Array(_)) => Err(Problem::invalid(
            "topics",
            format!("must be at most {REQUEST_TOPICS_MAX}"),
        )),
        Some(_) => Err(Problem::invalid("topics", "must be a list")),
        None => Err(Problem::invalid("topics", "is missing")),
    }
}

/// A topic is an object, or just its name. A position needs both parts; `null` is none.
fn topic_wish(wish: Value) -> Result<TopicWish, (&'static str, &'static str)> {
    let mut fields = match wish {
        Value::String(topic) => return Ok(TopicWish { topic, position: None }),
        Value::Object(fields) => fields,
        _ => return Err(("", "must be an object with `topic`")),
    };
    let Some(Value::String(topic)) = fields.remove("topic") else {
        return Err((".topic", "must be the name of a topic"));
    };
    let epoch = match fields.remove("epoch") {
        None | Some(Value::Null) => None,
        Some(Value::String(epoch)) => Some(epoch),
        Some(_) => return Err((".epoch", "must be text")),
    };
    let offset = match fields.remove("offset") {
        None | Some(Value::Null) => None,
        Some(offset) => Some(offset.as_u64().ok_or((".offset", "must be an integer from 0"))?),
    };
    Ok(TopicWish {
        topic,
        position: epoch.zip(offset),
    })
}

fn without_id(problem: Problem) -> Misunderstood {
    Misunderstood { id: None, problem }
}

fn invalid_json(detail: &str) -> Problem {
    Problem::new(400, "invalid_json", "Not a JSON message", detail)
}

#[cfg(test)]
mod tests;
