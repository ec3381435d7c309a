//! Starts a node on a listener and stops it in order: the one entry that `main` and every integration test use.

use crate::config::Config;
use std::future::Future;
use tokio::net::TcpListener;

/// Why a node could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store could not be opened or has failed for good.
    #[error(transparent)]
    Store(#[from] homeroom_schema::StoreError),
    /// The operating system refused something.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// Runs a node until `shutdown` resolves, then stops it in order: no new connections, sessions told (close 1012 with a
/// retry hint), what is under way committed, snapshots kept, store closed.
///
/// # Errors
/// [`RunError`] when the node cannot start, or its store fails for good.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let _ = (config, listener);
    shutdown.await;
    unimplemented!("the node")
}
