//! A connection with weather: two streams in memory, and between them somebody who passes bytes on, late, or not at all.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Bytes that a connection holds in each direction and at each end. Small, so that senders feel slow readers soon.
const HELD_BYTES: usize = 4 * 1024;
/// Bytes that trickle at once, and how late.
const DROP_BYTES: usize = 61;
const DROP_LATE: Duration = Duration::from_millis(3);

/// What becomes of bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weather {
    /// They pass.
    #[default]
    Fair,
    /// They pass a few at a time, late.
    Trickle,
    /// Those to the client wait.
    Deaf,
    /// All wait, and nobody is told.
    HalfOpen,
}

/// Makes a connection: the client's end and the server's. It breaks when `cut` is cancelled: what was on its way is lost.
pub fn connect(weather: watch::Receiver<Weather>, cut: CancellationToken) -> (DuplexStream, DuplexStream) {
    let (client, client_side) = duplex(HELD_BYTES);
    let (server_side, server) = duplex(HELD_BYTES);
    tokio::spawn(async move {
        let (from_client, to_client) = split(client_side);
        let (from_server, to_server) = split(server_side);
        let up = pass(from_client, to_server, weather.clone(), false);
        let down = pass(from_server, to_client, weather, true);
        cut.run_until_cancelled(async { tokio::join!(up, down) }).await;
    });
    (client, server)
}

/// Passes bytes on until their end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    is_to_client: bool,
) {
    let mut buffer = [0; 1_024];
    loop {
        let length = match from.read(&mut buffer).await {
            Ok(length) if length > 0 => length,
            _ => break,
        };
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let now = *weather.borrow_and_update();
            let waits = now == Weather::HalfOpen || (now == Weather::Deaf && is_to_client);
            if waits {
                if weather.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let now_passing = if now == Weather::Trickle {
                tokio::time::sleep(DROP_LATE).await;
                DROP_BYTES.min(rest.len())
            } else {
                rest.len()
            };
            if to.write_all(&rest[..now_passing]).await.is_err() {
                return;
            }
            rest = &rest[now_passing..];
        }
    }
    let _ = to.shutdown().await;
}
