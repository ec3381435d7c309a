//! A WebSocket without a library, for frames that no library would send: upgraded by hand, written byte by byte.

use super::{Client, Raw, within};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// Final fragment of a text message.
pub const TEXT: u8 = 0x81;
/// First fragment of a text message.
pub const TEXT_BEGINS: u8 = 0x01;
/// A fragment in the middle.
pub const CONTINUES: u8 = 0x00;
/// A ping.
pub const PING: u8 = 0x89;
/// A close.
pub const CLOSE: u8 = 0x88;

/// A masked frame with this first byte (RFC 6455, section 5.2).
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, payload.len() as u64, true);
    let mask = [0x1f, 0x2e, 0x3d, 0x4c];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The head of a frame that claims this length, up to the mask.
pub fn head(first: u8, length: u64, is_masked: bool) -> Vec<u8> {
    let mask_bit = if is_masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(mask_bit | length as u8),
        126..=0xffff => {
            bytes.push(mask_bit | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask_bit | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes
}

/// An upgraded connection.
pub struct RawSocket(Raw);

impl RawSocket {
    /// Upgrades with the client's bearer token.
    pub async fn open(client: &Client) -> Self {
        let mut raw = Raw::connect(client).await;
        raw.send(upgrade(client)).await;
        let answer = raw.until("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        Self(raw)
    }

    /// Sends bytes. Whether the connection still took them.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// The code of the close frame that comes, whatever comes before it; none when the connection just ends.
    pub async fn close_code(&mut self) -> Option<u16> {
        within("a close", close_code(&mut self.0.0)).await
    }

    /// Sends these bytes again and again, and reads meanwhile, until the node closes: with which code, after how often.
    pub async fn flood(self, bytes: Vec<u8>) -> (Option<u16>, u64) {
        let (mut reader, mut writer) = self.0.0.into_split();
        let writing = tokio::spawn(async move {
            let mut times = 0;
            while writer.write_all(&bytes).await.is_ok() {
                times += 1;
            }
            times
        });
        let code = within("a close", close_code(&mut reader)).await;
        drop(reader);
        (code, within("the end of the flood", writing).await.expect("no panic"))
    }

    /// Ends the connection so that the other side sees a reset.
    pub fn reset(self) {
        let _ = self.0.0.set_zero_linger();
    }
}

async fn close_code(stream: &mut (impl AsyncRead + Unpin)) -> Option<u16> {
    loop {
        let first = stream.read_u8().await.ok()?;
        let length = match stream.read_u8().await.ok()? {
            126 => u64::from(stream.read_u16().await.ok()?),
            127 => stream.read_u64().await.ok()?,
            length => u64::from(length),
        };
        let mut payload = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut payload).await.ok()?;
        if first == CLOSE {
            return Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
        }
    }
}

/// The request that opens a socket.
pub fn upgrade(client: &Client) -> String {
    let token = client.token().expect("a caller with a token");
    format!(
        "GET /ws HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: homeroom.v1\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    )
}

impl From<Raw> for RawSocket {
    fn from(raw: Raw) -> Self {
        Self(raw)
    }
}
