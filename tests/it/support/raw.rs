//! A bare connection: bytes as a test writes them, and what comes back.

use super::{Client, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An open connection to a node.
pub struct Raw(pub TcpStream);

impl Raw {
    /// Connects to the node of this client.
    pub async fn connect(client: &Client) -> Self {
        let address = client.base().strip_prefix("http://").expect("a plain address");
        Self(
            within("a connection", TcpStream::connect(address))
                .await
                .expect("the node listens"),
        )
    }

    /// Connects, sends these bytes and gives everything that comes until the node closes.
    pub async fn exchange(client: &Client, bytes: impl AsRef<[u8]>) -> String {
        let mut raw = Self::connect(client).await;
        raw.send(bytes).await;
        raw.rest().await
    }

    /// Sends bytes; a connection that was closed meanwhile shows when it is read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Everything that comes until the node closes.
    pub async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        let _ = within("the end of the connection", self.0.read_to_end(&mut all)).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// What comes until this text is there.
    pub async fn until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        let reading = async {
            let mut piece = [0; 4096];
            while !String::from_utf8_lossy(&all).contains(text) {
                let count = self.0.read(&mut piece).await.expect("an open connection");
                assert!(count > 0, "closed before {text:?}: {}", String::from_utf8_lossy(&all));
                all.extend_from_slice(&piece[..count]);
            }
        };
        within(text, reading).await;
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// The statuses of all answers in a text.
pub fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.")
        .skip(1)
        .filter_map(|answer| answer.get(2..5)?.parse().ok())
        .collect()
}

/// The bytes of a request with a JSON body (perhaps empty) and the client's token; `target` goes out as it is.
pub fn raw_request(client: &Client, method: &str, target: &str, headers: &str, body: &str) -> Vec<u8> {
    let host = client.base().trim_start_matches("http://");
    let token = match client.token() {
        Some(token) => format!("Authorization: Bearer {token}\r\n"),
        None => String::new(),
    };
    let content = match body {
        "" => String::new(),
        body => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
    };
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{token}{headers}{content}\r\n{body}").into_bytes()
}
