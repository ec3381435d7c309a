//! `homeroom health`: asks a node whether it is ready, for container engines and scripts that have no HTTP client.

use crate::client::{Client, ClientError};
use crate::exit::Exit;

/// Ask a node whether it is ready: exit code 0 when it is
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Address of the node
    #[arg(long, env = "HOMEROOM_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
}

/// Prints why it is not ready.
pub(super) async fn run(args: Args) -> Exit {
    match ask(&args.url).await {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("homeroom: {error}");
            Exit::of(&error)
        }
    }
}

async fn ask(url: &str) -> Result<(), ClientError> {
    Client::new(url, "")?.is_ready().await
}
