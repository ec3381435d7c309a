//! A real WebSocket client of `homeroom.v1`. Pings are answered by the library while the socket is read.

use super::{Client, DEADLINE, live_document};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The subprotocol.
pub const PROTOCOL: &str = "homeroom.v1";

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    kept: VecDeque<Value>,
    next_id: u64,
    /// Every text frame as it came, for tests that look at bytes.
    pub seen: Vec<String>,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A JSON text frame.
    Json(Value),
    /// The end.
    Closed(Closed),
}

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The close code; none when the connection just broke.
    pub code: Option<u16>,
    /// The reason given.
    pub reason: String,
}

/// An upgrade that was refused.
#[derive(Debug, Clone)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Socket {
    /// Opens a socket with the client's bearer token.
    pub async fn connect(client: &Client) -> Self {
        match Self::try_connect(client, &[]).await {
            Ok(socket) => socket,
            Err(refused) => panic!("the upgrade was refused: {refused:?}"),
        }
    }

    /// Opens a socket with the client's bearer token (if any), the subprotocol and more headers. An empty value takes a
    /// header away: `("sec-websocket-protocol", "")` offers no subprotocol.
    pub async fn try_connect(client: &Client, headers: &[(&str, &str)]) -> Result<Self, Refused> {
        Self::try_connect_path(client, "/ws", headers).await
    }

    /// As [`Socket::try_connect`], on another path (`/ws?ticket=…`).
    pub async fn try_connect_path(client: &Client, path: &str, headers: &[(&str, &str)]) -> Result<Self, Refused> {
        let request = Self::request(client, path, headers);
        let connecting = tokio_tungstenite::connect_async(request);
        match tokio::time::timeout(DEADLINE, connecting)
            .await
            .expect("the upgrade is answered in time")
        {
            Ok((stream, _)) => Ok(Self {
                stream,
                kept: VecDeque::new(),
                next_id: 1,
                seen: Vec::new(),
            }),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(Refused {
                    status: response.status().as_u16(),
                    body: serde_json::from_slice(body).unwrap_or(Value::Null),
                })
            }
            Err(error) => Err(Refused {
                status: 0,
                body: json!(error.to_string()),
            }),
        }
    }

    fn request(client: &Client, path: &str, headers: &[(&str, &str)]) -> Request<()> {
        let url = format!("{}{path}", client.base().replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a well-formed address");
        let all = request.headers_mut();
        all.insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        if let Some(token) = client.token() {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is visible ASCII");
            all.insert("authorization", bearer);
        }
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            if value.is_empty() {
                all.remove(name);
            } else {
                all.insert(name, HeaderValue::from_str(value).expect("a header's value"));
            }
        }
        request
    }

    /// Sends JSON.
    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: &str) {
        self.send_raw(Message::text(text)).await;
    }

    /// Sends any frame.
    pub async fn send_raw(&mut self, message: Message) {
        self.try_send_raw(message).await.expect("the socket is open");
    }

    /// Sends any frame on a socket that may be gone.
    pub async fn try_send_raw(&mut self, message: Message) -> Result<(), Error> {
        self.stream.send(message).await
    }

    /// The next frame, kept ones first. Fails the test when nothing comes in time.
    pub async fn next(&mut self) -> Frame {
        match self.kept.pop_front() {
            Some(kept) => Frame::Json(kept),
            None => self.read().await,
        }
    }

    /// The next frame, however long it takes: for readers that live as long as the node.
    pub async fn next_patiently(&mut self) -> Frame {
        match self.kept.pop_front() {
            Some(kept) => Frame::Json(kept),
            None => self.read_frame().await,
        }
    }

    /// The next JSON message; a close fails the test.
    pub async fn recv(&mut self) -> Value {
        match self.next().await {
            Frame::Json(message) => message,
            Frame::Closed(closed) => panic!("closed: {closed:?}"),
        }
    }

    async fn read(&mut self) -> Frame {
        let reading = tokio::time::timeout(DEADLINE, self.read_frame());
        match reading.await {
            Ok(frame) => frame,
            Err(_) => panic!("nothing came within {DEADLINE:?}"),
        }
    }

    /// Cancel-safe: nothing is lost between frames.
    async fn read_frame(&mut self) -> Frame {
        let broken = |reason: String| Frame::Closed(Closed { code: None, reason });
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.seen.push(text.as_str().to_owned());
                    let message = serde_json::from_str(text.as_str()).expect("every text frame is one JSON message");
                    live_document::check_message(&message);
                    return Frame::Json(message);
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.as_ref().map(|frame| u16::from(frame.code));
                    let reason = frame.map(|frame| frame.reason.as_str().to_owned()).unwrap_or_default();
                    return Frame::Closed(Closed { code, reason });
                }
                Some(Ok(Message::Binary(bytes))) => panic!("a binary frame of {} bytes", bytes.len()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return broken(error.to_string()),
                None => return broken("end of stream".into()),
            }
        }
    }

    /// The next JSON message if one comes within `pause`: for "nothing more comes", after something else has proved
    /// that all of it would have come.
    pub async fn try_recv(&mut self, pause: std::time::Duration) -> Option<Frame> {
        if let Some(kept) = self.kept.pop_front() {
            return Some(Frame::Json(kept));
        }
        tokio::time::timeout(pause, self.read_frame()).await.ok()
    }

    /// Gathers messages until the predicate holds for all gathered so far.
    pub async fn collect_until(&mut self, mut done: impl FnMut(&[Value]) -> bool) -> Vec<Value> {
        let mut gathered = Vec::new();
        while !done(&gathered) {
            gathered.push(self.recv().await);
        }
        gathered
    }

    /// Gathers messages of one topic until one has this offset or more; messages of other topics are kept for later.
    pub async fn until_offset(&mut self, topic: &str, offset: u64) -> Vec<Value> {
        let mut gathered = Vec::new();
        let mut others = VecDeque::new();
        loop {
            let message = self.recv().await;
            if message["topic"] != topic {
                others.push_back(message);
                continue;
            }
            let at = message["offset"].as_u64();
            gathered.push(message);
            if at.is_some_and(|at| at >= offset) {
                break;
            }
        }
        others.append(&mut self.kept);
        self.kept = others;
        gathered
    }

    /// Waits for the close and gives it; messages before it are dropped.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Frame::Closed(closed) = self.next().await {
                return closed;
            }
        }
    }

    /// Sends a request under a new id and waits for its reply; what comes meanwhile is kept for later.
    pub async fn request_reply(&mut self, mut message: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        message["id"] = json!(id);
        self.send(message).await;
        self.reply(id).await
    }

    /// Waits for the reply with this id; what comes meanwhile is kept for later.
    pub async fn reply(&mut self, id: u64) -> Value {
        if let Some(place) = self.kept.iter().position(|kept| kept["id"] == id) {
            return self.kept.remove(place).expect("just found");
        }
        loop {
            match self.read().await {
                Frame::Json(message) if message["id"] == id => return message,
                Frame::Json(message) => self.kept.push_back(message),
                Frame::Closed(closed) => panic!("closed before reply {id}: {closed:?}"),
            }
        }
    }

    /// Subscribes from now on and gives one result a topic.
    pub async fn subscribe(&mut self, topics: &[&str]) -> Vec<Value> {
        let wishes: Vec<Value> = topics.iter().map(|topic| json!({"topic": topic})).collect();
        self.subscribe_to(wishes).await
    }

    /// Subscribes from a position.
    pub async fn subscribe_at(&mut self, topic: &str, epoch: &str, offset: u64) -> Value {
        let wish = json!({"topic": topic, "epoch": epoch, "offset": offset});
        self.subscribe_to(vec![wish]).await.remove(0)
    }

    /// Subscribes to topics as given and gives one result a topic.
    pub async fn subscribe_to(&mut self, topics: Vec<Value>) -> Vec<Value> {
        let reply = self.request_reply(json!({"type": "subscribe", "topics": topics})).await;
        assert_eq!(reply["type"], "subscribed", "{reply}");
        reply["topics"].as_array().expect("`topics` is a list").clone()
    }

    /// Closes normally, as a page that is left does.
    pub async fn close(mut self) {
        let _ = self.stream.close(None).await;
    }
}
