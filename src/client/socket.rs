//! The live socket of a node as a client: `homeroom.v1`, one JSON message a text frame.

use super::error::{ClientError, Problem};
use super::http::{Client, EarnAnswer};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// An open session.
pub struct LiveSocket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    url: String,
}

/// A message from the node.
#[derive(Debug)]
pub enum Incoming {
    /// An answer to a command.
    Ack {
        /// The request's.
        id: u64,
        /// What it came to.
        answer: EarnAnswer,
    },
    /// A refusal, of a request or of a frame.
    Error {
        /// The request's, if it had one.
        id: Option<u64>,
        /// Why.
        problem: Problem,
    },
    /// Everything else, as it came: the type and the whole text.
    Other {
        /// Its `type`.
        kind: String,
        /// The whole message.
        text: String,
    },
}

#[derive(Deserialize)]
struct Frame<'f> {
    r#type: &'f str,
    #[serde(default)]
    id: Option<u64>,
    #[serde(borrow, default)]
    data: Option<&'f RawValue>,
    #[serde(borrow, default)]
    error: Option<&'f RawValue>,
}

impl LiveSocket {
    /// Opens a session with the client's token.
    ///
    /// # Errors
    /// When the node is not reached or refuses the session.
    pub async fn open(client: &Client) -> Result<Self, ClientError> {
        let url = format!("ws{}/ws", client.url().strip_prefix("http").unwrap_or_default());
        let bad = |cause: SocketError| ClientError::BadUrl {
            url: url.clone(),
            reason: cause.to_string(),
        };
        let mut request = url.as_str().into_client_request().map_err(bad)?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, client.bearer().clone());
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("homeroom.v1"));
        let connector = client.tls().map(|tls| Connector::Rustls(Arc::clone(tls)));
        let connecting = connect_async_tls_with_config(request, None, true, connector);
        match tokio::time::timeout(CONNECT_DEADLINE, connecting).await {
            Ok(Ok((stream, _))) => Ok(Self { stream, url }),
            Ok(Err(SocketError::Http(answer))) => Err(refusal(&answer)),
            Ok(Err(cause)) => Err(lost(&url, &cause)),
            Err(_) => Err(ClientError::Connection {
                url,
                cause: "no answer in time".into(),
            }),
        }
    }

    /// Puts a message into the buffer of the socket; [`Self::flush`] sends it.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn feed(&mut self, text: String) -> Result<(), ClientError> {
        let sent = self.stream.feed(Message::text(text)).await;
        sent.map_err(|cause| lost(&self.url, &cause))
    }

    /// Sends what has been fed.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        let sent = self.stream.flush().await;
        sent.map_err(|cause| lost(&self.url, &cause))
    }

    /// Sends one message now.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, text: String) -> Result<(), ClientError> {
        self.feed(text).await?;
        self.flush().await
    }

    /// The next message. Safe to cancel: nothing is lost.
    ///
    /// # Errors
    /// When the connection is gone, closed by the node (the reason is in the error), or the message is no message.
    pub async fn next(&mut self) -> Result<Incoming, ClientError> {
        loop {
            let cause = match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return read(&text),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(ClientError::Closed {
                        code: u16::from(frame.code),
                        reason: frame.reason.to_string(),
                    });
                }
                Some(Ok(Message::Close(None))) => "closed by the node".to_owned(),
                Some(Ok(_)) => continue,
                Some(Err(cause)) => return Err(lost(&self.url, &cause)),
                None => "the connection ended".to_owned(),
            };
            return Err(ClientError::Connection {
                url: self.url.clone(),
                cause,
            });
        }
    }

    /// Says good-bye. Whatever goes wrong now does not matter any more.
    pub async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.stream.close(None)).await;
    }
}

fn read(text: &str) -> Result<Incoming, ClientError> {
    let bad = |cause: serde_json::Error| ClientError::Unintelligible {
        what: "/ws".into(),
        cause: cause.to_string(),
    };
    let frame: Frame<'_> = serde_json::from_str(text).map_err(bad)?;
    match (frame.r#type, frame.id) {
        ("ack", Some(id)) => Ok(Incoming::Ack {
            id,
            answer: serde_json::from_str(frame.data.map_or("{}", RawValue::get)).map_err(bad)?,
        }),
        ("error", id) => Ok(Incoming::Error {
            id,
            problem: serde_json::from_str(frame.error.map_or("{}", RawValue::get)).map_err(bad)?,
        }),
        (kind, _) => Ok(Incoming::Other {
            kind: kind.to_owned(),
            text: text.to_owned(),
        }),
    }
}

fn lost(url: &str, cause: &SocketError) -> ClientError {
    ClientError::Connection {
        url: url.to_owned(),
        cause: super::error::chain(cause),
    }
}

fn refusal(answer: &Response<Option<Vec<u8>>>) -> ClientError {
    let body = answer.body().as_deref().unwrap_or_default();
    let mut problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    problem.status = answer.status().as_u16();
    if problem.code.is_empty() {
        problem.title = "the live socket was refused".into();
    }
    ClientError::Refused(Box::new(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acks_errors_and_everything_else_are_told_apart() {
        let ack = read(r#"{"type":"ack","id":2,"data":{"awarded":true,"points":50,"total":120,"x":[]}}"#);
        assert!(matches!(ack, Ok(Incoming::Ack { id: 2, answer }) if answer.awarded && answer.points == 50));
        let error = read(r#"{"type":"error","id":3,"error":{"status":422,"code":"unknown_user"}}"#);
        assert!(matches!(error, Ok(Incoming::Error { id: Some(3), problem }) if problem.code == "unknown_user"));
        let other = read(r#"{"type":"leaderboard_update","topic":"board:all","offset":4,"data":{}}"#);
        assert!(matches!(other, Ok(Incoming::Other { kind, .. }) if kind == "leaderboard_update"));
    }
}
