//! A live reader of one user topic over many connections: it resumes by position, and notices every gap and repeat.

use super::{Client, Closed, Frame, Socket};
use serde_json::Value;

/// A reader and all it has seen.
#[derive(Debug)]
pub struct Listener {
    topic: String,
    epoch: Option<String>,
    /// The offset of the last message seen.
    pub offset: u64,
    /// Every message, in order.
    pub messages: Vec<Value>,
    /// How often it came back with a position that was recovered.
    pub resumed: usize,
}

impl Listener {
    /// A reader that has seen nothing.
    pub fn new(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            epoch: None,
            offset: 0,
            messages: Vec::new(),
            resumed: 0,
        }
    }

    /// Connects and subscribes; from its position if it has one, and then that must be recovered.
    pub async fn connect(&mut self, client: &Client) -> Socket {
        let mut socket = Socket::connect(client).await;
        let Some(epoch) = &self.epoch else {
            let result = socket.subscribe(&[&self.topic]).await.remove(0);
            self.epoch = Some(result["epoch"].as_str().unwrap_or_else(|| panic!("{result}")).into());
            self.offset = result["offset"].as_u64().expect("an offset");
            return socket;
        };
        let result = socket.subscribe_at(&self.topic, epoch, self.offset).await;
        assert_eq!(result["recovered"], true, "{} at {}: {result}", self.topic, self.offset);
        assert_eq!(result["epoch"].as_str(), Some(epoch.as_str()), "{result}");
        self.resumed += 1;
        socket
    }

    /// Takes one message in; its offset must be the next.
    pub fn take(&mut self, message: Value) {
        if message["topic"] != self.topic.as_str() {
            return;
        }
        assert_eq!(
            message["offset"],
            self.offset + 1,
            "a gap or a repeat on {}: {message}",
            self.topic
        );
        self.offset += 1;
        self.messages.push(message);
    }

    /// Reads until the connection ends, and tells how.
    pub async fn listen(&mut self, socket: &mut Socket) -> Closed {
        loop {
            match socket.next_patiently().await {
                Frame::Json(message) => self.take(message),
                Frame::Closed(closed) => return closed,
            }
        }
    }

    /// Reads until this offset has come.
    pub async fn listen_until(&mut self, socket: &mut Socket, offset: u64) {
        while self.offset < offset {
            let message = socket.recv().await;
            self.take(message);
        }
    }
}
