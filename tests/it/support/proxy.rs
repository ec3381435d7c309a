//! A network that misbehaves: passes bytes on between clients and a node late, in slices, in one direction only, or not at all.

use super::Client;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// What happens to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    /// Each piece arrives so much later than it was sent.
    pub latency: Duration,
    /// Every byte travels alone, but for the answer to an upgrade: a WebSocket client takes one in so many pieces for an attack.
    pub in_slices: bool,
}

/// A proxy in front of a node. Dropping it breaks its connections.
pub struct Proxy {
    address: String,
    reset: watch::Sender<u64>,
    half_close: watch::Sender<u64>,
    passed: Arc<AtomicU64>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy to the node of this client.
    pub async fn start(client: &Client, weather: Weather) -> Self {
        let node = client.base().trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("a bound address"));
        let (reset, half_close) = (watch::Sender::new(0), watch::Sender::new(0));
        let passed = Arc::<AtomicU64>::default();
        let (resets, half_closes, pieces) = (reset.clone(), half_close.clone(), Arc::clone(&passed));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&node).await else {
                    continue;
                };
                let (resets, half_closes) = (resets.subscribe(), half_closes.subscribe());
                tokio::spawn(pass(client, server, weather, resets, half_closes, Arc::clone(&pieces)));
            }
        });
        Self {
            address,
            reset,
            half_close,
            passed,
            accepting,
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The same caller, through this proxy.
    pub fn client(&self, client: &Client) -> Client {
        Client::new(self.address.clone()).with_token(client.token().expect("a caller with a token"))
    }

    /// Pieces that were passed on so far.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Resets all connections of now, on both sides.
    pub fn reset_all(&self) {
        self.reset.send_modify(|times| *times += 1);
    }

    /// Ends the way from clients to the node on all connections of now; the way back stays.
    pub fn half_close_all(&self) {
        self.half_close.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.reset_all();
    }
}

async fn pass(
    client: TcpStream,
    server: TcpStream,
    weather: Weather,
    mut reset: watch::Receiver<u64>,
    mut half_close: watch::Receiver<u64>,
    passed: Arc<AtomicU64>,
) {
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
        // Whoever is still there when this ends sees a reset; in good weather both ends have been shut down by then.
        let _ = stream.set_zero_linger();
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let up = async {
        let closes = half_close.changed();
        tokio::select! {
            () = one_way(from_client, to_server, weather, &passed) => {}
            // The halves are dropped: the node sees the end of the stream.
            _ = closes => {}
        }
    };
    let down = one_way(from_server, to_client, weather, &passed);
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        _ = reset.changed() => {}
    }
}

/// Passes bytes on until their end, in order.
async fn one_way(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: Weather, passed: &AtomicU64) {
    let (sender, mut travelling) = mpsc::channel::<(Instant, Vec<u8>)>(1_024);
    let reading = async move {
        let mut buffer = [0; 4 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let arrives = Instant::now() + weather.latency;
            if sender.send((arrives, buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((arrives, bytes)) = travelling.recv().await {
            sleep_until(arrives).await;
            let sliced = weather.in_slices && !bytes.starts_with(b"HTTP/1.1 101");
            let slice = if sliced { 1 } else { bytes.len() };
            for piece in bytes.chunks(slice) {
                if to.write_all(piece).await.is_err() {
                    return;
                }
                passed.fetch_add(1, Ordering::Relaxed);
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}
