//! Accepts connections and speaks HTTP/1.1 on each, with deadlines for heads and for answers that nobody takes. No routes here.

mod refuse;
mod secure;
mod stream;

use crate::peer::Peer;
use crate::tls::Tls;
use axum::Router;
use homeroom_schema::limits::{HEAD_BYTES_MAX, HEAD_DEADLINE, HEAD_FIELDS_MAX, HTTP_DRAIN_DEADLINE, SOCKET_SEND_BYTES};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use refuse::Refusals;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use stream::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How long accepting rests when the system has no more to give (file handles, memory): without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What connections come to.
#[derive(Clone)]
pub(crate) struct Front {
    /// The routes.
    pub(crate) router: Router,
    /// Without it the connections are plain HTTP.
    pub(crate) tls: Option<Tls>,
}

/// Serves at most `connections_max` connections at once, live sockets among them, until `stop`; then takes no new ones, lets
/// requests under way end within [`HTTP_DRAIN_DEADLINE`], and cuts what is left. Upgraded sockets are their sessions' affair.
pub(crate) async fn serve(listener: Arc<TcpListener>, front: Front, connections_max: usize, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    // Whoever drops this future cuts the connections too.
    let _cut = cut.clone().drop_guard();
    let places = Arc::new(Semaphore::new(connections_max));
    let refusals = Refusals::new();
    let mut is_short = false;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                if !is_short {
                    tracing::warn!(%error, "cannot accept connections; trying again");
                }
                is_short = true;
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        is_short = false;
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            match front.tls {
                // An answer in plain HTTP is none here.
                Some(_) => refusals.close(stream),
                None => refusals.refuse(stream),
            }
            continue;
        };
        let connection = connection(stream, address, place, front.clone(), stop.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            let _ = cut.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(HTTP_DRAIN_DEADLINE, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(left = connections.len(), "cutting connections that did not end in time");
        cut.cancel();
        connections.wait().await;
    }
}

async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, address) = listener.accept().await?;
    // Answers are written whole: waiting for more to fill a packet only delays them.
    stream.set_nodelay(true)?;
    // Left alone, the system keeps megabytes for a client that does not read, and nobody would notice for as long.
    socket2::SockRef::from(&stream).set_send_buffer_size(SOCKET_SEND_BYTES)?;
    Ok((stream, address))
}

/// Whether a failure to accept says something about that one client only.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, InvalidInput, NotConnected,
    };
    let kind = error.kind();
    matches!(
        kind,
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | InvalidInput | NotConnected
    )
}

/// One connection, from its first byte. Hands are shaken here, in its own task: nobody else waits for it.
async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    place: OwnedSemaphorePermit,
    Front { router, tls }: Front,
    stop: CancellationToken,
) {
    let peer = Peer {
        address: address.ip().to_canonical(),
        is_tls: tls.is_some(),
    };
    match tls {
        None => speak(Stream::new(stream, place), peer, router, stop).await,
        Some(tls) => {
            if let Some(stream) = secure::shake_hands(&tls, stream, place).await {
                speak(stream, peer, router, stop).await;
            }
        }
    }
}

/// Speaks HTTP/1.1 on one connection until its client hangs up, or, once `stop` is cancelled, until the request under way is
/// answered. `peer` is where it comes from.
pub async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    stop: CancellationToken,
) {
    let service = router.map_request(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(HEAD_BYTES_MAX)
        // The buffer alone is no bound: a read that brings the end of the head may go beyond it.
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        // A client that hung up or spoke no HTTP: its own affair.
        tracing::trace!(%error, "connection ended");
    }
}
