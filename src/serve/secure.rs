//! Shaking hands: TLS on a connection, within its deadline. Who speaks plain HTTP here is told so.

use super::refuse::answer;
use super::stream::Stream;
use crate::tls::Tls;
use homeroom_schema::limits::TLS_HANDSHAKE_DEADLINE;
use std::io;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

const PLAIN: &str = r#"{"type":"/problems/tls_required","title":"This is a TLS port","status":400,"detail":"The node speaks TLS on this port; begin the address with https:// or wss://.","code":"tls_required"}"#;

/// The connection with TLS on it; none when it came to nothing.
pub(super) async fn shake_hands(
    tls: &Tls,
    stream: TcpStream,
    place: OwnedSemaphorePermit,
) -> Option<TlsStream<Stream>> {
    let shaken = timeout(TLS_HANDSHAKE_DEADLINE, shake(tls, stream, place)).await;
    let (outcome, stream) = match shaken {
        Ok(Ok(Some(stream))) => ("done", Some(stream)),
        Ok(Ok(None)) => ("plain_http", None),
        Ok(Err(error)) => {
            // A client that does not trust the certificate, or spoke no TLS: its own affair.
            tracing::debug!(%error, "a TLS handshake failed");
            ("failed", None)
        }
        Err(_) => ("failed", None),
    };
    metrics::counter!("homeroom_tls_handshakes_total", "outcome" => outcome).increment(1);
    stream
}

async fn shake(tls: &Tls, stream: TcpStream, place: OwnedSemaphorePermit) -> io::Result<Option<TlsStream<Stream>>> {
    let mut first = [0];
    // Every method of HTTP begins with a letter, no TLS record does.
    if stream.peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() {
        answer(stream, "400 Bad Request", "", PLAIN).await?;
        return Ok(None);
    }
    tls.acceptor().accept(Stream::new(stream, place)).await.map(Some)
}
