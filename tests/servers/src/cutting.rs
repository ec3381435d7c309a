//! A network between a node and its database that fails at the worst moment: after COMMIT was done, before it was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server says when a transaction was committed (CommandComplete of PostgreSQL's protocol, version 3).
const COMMITTED: &[u8] = b"COMMIT\0";
/// Bytes passed on at once.
const PIECE: usize = 64 * 1024;

/// Passes bytes on between clients and a PostgreSQL server. Dropping it takes no more connections.
#[derive(Debug)]
pub struct CuttingProxy {
    port: u16,
    server: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    is_armed: AtomicBool,
    cuts: AtomicU64,
}

impl CuttingProxy {
    /// A proxy to the server on this port of this machine.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let shared = Arc::<Shared>::default();
        let of_connections = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                    tokio::spawn(pass(client, server, Arc::clone(&of_connections)));
                }
            }
        });
        Self {
            port,
            server,
            shared,
            accepting,
        }
    }

    /// The same database by way of this proxy.
    #[must_use]
    pub fn through(&self, url: &str) -> String {
        url.replace(&format!(":{}/", self.server), &format!(":{}/", self.port))
    }

    /// The next connection on which a transaction is committed is cut before its client hears of it.
    pub fn cut_next_commit(&self) {
        self.shared.is_armed.store(true, Ordering::Release);
    }

    /// How often that has happened.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, shared: Arc<Shared>) {
    let (mut up, mut down) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let passed = tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(count) if count > 0 => server.write_all(&up[..count]).await,
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(count) if count > 0 => {
                    let is_committed = down[..count].windows(COMMITTED.len()).any(|bytes| bytes == COMMITTED);
                    if is_committed && shared.is_armed.swap(false, Ordering::AcqRel) {
                        shared.cuts.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    client.write_all(&down[..count]).await
                }
                _ => return,
            },
        };
        if passed.is_err() {
            return;
        }
    }
}
