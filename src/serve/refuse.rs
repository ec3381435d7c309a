//! Connections beyond the bound: told so in one HTTP answer, or closed at once when even that many wait. None is left hanging.

use homeroom_schema::limits::{REFUSAL_DEADLINE, REFUSALS_MAX};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

const BODY: &str = r#"{"type":"/problems/too_many_connections","title":"Too many connections","status":503,"detail":"The node has as many connections as it takes; try again in a moment.","code":"too_many_connections","retry_after":5}"#;
/// Bytes of a refused request that are read, so that its sender gets to read the answer.
const READ_BYTES: usize = 4 * 1024;

/// Refuses connections.
#[derive(Clone)]
pub(super) struct Refusals {
    places: Arc<Semaphore>,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(REFUSALS_MAX)),
        }
    }

    /// Closes at once, counted.
    pub(super) fn close(&self, stream: TcpStream) {
        metrics::counter!("homeroom_connections_refused_total").increment(1);
        drop(stream);
    }

    /// Answers 503 beside the accepting, or closes at once.
    pub(super) fn refuse(&self, stream: TcpStream) {
        metrics::counter!("homeroom_connections_refused_total").increment(1);
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return;
        };
        tokio::spawn(async move {
            let _ = timeout(
                REFUSAL_DEADLINE,
                answer(stream, "503 Service Unavailable", "Retry-After: 5\r\n", BODY),
            )
            .await;
            drop(place);
        });
    }
}

/// One answer with a problem, and the end of the connection. `more` are further header lines.
pub(super) async fn answer(mut stream: TcpStream, status: &str, more: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Length: {length}\r\n\
         {more}Connection: close\r\n\r\n{body}"
    );
    let mut sent = [0; READ_BYTES];
    // What was sent already is read first: closing on unread bytes would take the answer back.
    let _ = stream.read(&mut sent).await?;
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    while stream.read(&mut sent).await? > 0 {}
    Ok(())
}
