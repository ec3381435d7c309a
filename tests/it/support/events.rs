//! A client of server-sent events, as a browser's: it knows the last id, and how long to wait before it comes back.

use super::{Answer, Client, live_document, within};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use std::collections::VecDeque;

/// An open stream.
pub struct Events {
    response: Response,
    parser: EventParser,
    kept: VecDeque<(Value, String)>,
    /// The id of the last message that the test has taken.
    last_id: String,
    /// Whether the last chunk has come, or the connection broke.
    end: Option<bool>,
}

/// Reads the text of a stream line by line (the event stream format of HTML).
#[derive(Default)]
pub struct EventParser {
    text: String,
    rest: Vec<u8>,
    last_id: String,
    /// Milliseconds to wait before coming back.
    pub retry: Option<u64>,
    /// Comments so far.
    pub comments: u64,
}

impl EventParser {
    /// Takes bytes and gives the messages that are complete now, each with the id to come back with after it.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<(Value, String)> {
        self.rest.extend_from_slice(bytes);
        let mut messages = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = str::from_utf8(&line[..end]).expect("a stream is UTF-8").to_owned();
            if line.is_empty() {
                if !self.text.is_empty() {
                    let message = serde_json::from_str(&self.text).expect("the data of an event is one JSON message");
                    live_document::check_message(&message);
                    messages.push((message, self.last_id.clone()));
                    self.text.clear();
                }
                continue;
            }
            match line.split_once(':').expect("a field or a comment") {
                ("", _) => self.comments += 1,
                ("id", value) => self.last_id = value.trim().to_owned(),
                ("retry", value) => self.retry = Some(value.trim().parse().expect("milliseconds")),
                ("data", value) => {
                    assert!(self.text.is_empty(), "a message is one line");
                    self.text.push_str(value.trim_start());
                }
                (other, _) => panic!("an unknown field `{other}`"),
            }
        }
        messages
    }
}

impl Events {
    /// Opens a stream of topics with the client's bearer token.
    pub async fn open(client: &Client, topics: &str) -> Self {
        Self::open_at(client, topics, "").await
    }

    /// Opens a stream of topics from the last event seen.
    pub async fn open_at(client: &Client, topics: &str, last_id: &str) -> Self {
        let headers = [("last-event-id", last_id)];
        let headers = if last_id.is_empty() { &[][..] } else { &headers[..] };
        match Self::try_open(client, &format!("topics={topics}"), headers).await {
            Ok(events) => events,
            Err(answer) => panic!("{}: {}", answer.status, answer.text),
        }
    }

    /// Opens a stream with this query and more headers.
    pub async fn try_open(client: &Client, query: &str, headers: &[(&str, &str)]) -> Result<Self, Answer> {
        // Streams outlive the deadline that other requests have.
        let http = reqwest::Client::new();
        let mut request = http.get(format!("{}/events/stream?{query}", client.base()));
        if let Some(token) = client.token() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = within("the head of the answer", request.send())
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        if status != 200 {
            let text = response.text().await.expect("a body");
            let body = serde_json::from_str(&text).unwrap_or(Value::Null);
            let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            super::document::check_answer("GET", "/events/stream", status, media_type, &body, &text);
            return Err(Answer {
                status,
                headers,
                body,
                text,
            });
        }
        assert_eq!(headers[CONTENT_TYPE], "text/event-stream");
        Ok(Self {
            response,
            parser: EventParser::default(),
            kept: VecDeque::new(),
            last_id: String::new(),
            end: None,
        })
    }

    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The id to come back with.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// Milliseconds to wait before coming back, as the node last said.
    pub fn retry(&self) -> Option<u64> {
        self.parser.retry
    }

    /// The next message, or how the stream ended: whole, or broken off.
    pub async fn next(&mut self) -> Result<Value, bool> {
        loop {
            if let Some((message, last_id)) = self.kept.pop_front() {
                self.last_id = last_id;
                return Ok(message);
            }
            if let Some(is_whole) = self.end {
                return Err(is_whole);
            }
            match within("an event", self.response.chunk()).await {
                Ok(Some(bytes)) => self.kept.extend(self.parser.take(&bytes)),
                Ok(None) => self.end = Some(true),
                Err(_) => self.end = Some(false),
            }
        }
    }

    /// The next message.
    pub async fn recv(&mut self) -> Value {
        match self.next().await {
            Ok(message) => message,
            Err(is_whole) => panic!("the stream has ended (whole: {is_whole})"),
        }
    }

    /// The first message: what became of each topic.
    pub async fn subscribed(&mut self) -> Vec<Value> {
        let first = self.recv().await;
        assert_eq!(first["type"], "subscribed", "{first}");
        assert!(first.get("id").is_none(), "nobody gave it an id: {first}");
        first["topics"].as_array().expect("`topics` is a list").clone()
    }

    /// Messages of one topic until one has this offset or more; others are dropped.
    pub async fn until_offset(&mut self, topic: &str, offset: u64) -> Vec<Value> {
        let mut gathered = Vec::new();
        loop {
            let message = self.recv().await;
            if message["topic"] == topic {
                let at = message["offset"].as_u64();
                gathered.push(message);
                if at.is_some_and(|at| at >= offset) {
                    return gathered;
                }
            }
        }
    }

    /// The last message, and that the stream ended in order behind it.
    pub async fn closed(&mut self) -> Value {
        loop {
            let message = self.recv().await;
            if message["type"] == "closed" {
                assert_eq!(self.next().await, Err(true), "nothing follows");
                return message;
            }
        }
    }
}
