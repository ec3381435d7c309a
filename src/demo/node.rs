//! The throw-away node: started in this process on a temporary directory, gone when the demo ends.

use super::DemoError;
use crate::client::{Client, ClientError};
use crate::config::Config;
use crate::run::RunError;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than a node needs to start on an empty directory, even on a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// A node that is on its own.
pub(super) struct ThrowAway {
    pub(super) url: String,
    pub(super) admin_token: String,
    // Removed when dropped, after the node has ended.
    directory: TempDir,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
}

impl ThrowAway {
    /// Starts a node and waits until it is ready.
    pub(super) async fn start(listen: SocketAddr) -> Result<Self, DemoError> {
        let io = |what: &str| {
            let what = what.to_owned();
            move |cause| DemoError::Io { what, cause }
        };
        let directory = tempfile::Builder::new().prefix("homeroom-demo-").tempdir();
        let directory = directory.map_err(io("cannot make a temporary directory"))?;
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(io(&format!("cannot listen on {listen}")))?;
        let address = listener.local_addr().map_err(io("cannot tell the address"))?;
        let mut config = Config::new(directory.path());
        let admin_token = random_token()?;
        config.admin_token = Some(admin_token.clone());
        let (shutdown, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(crate::run(config, listener, async move {
            // An error means that the demo is gone: also a reason to stop.
            let _ = stopped.await;
        }));
        let mut node = Self {
            url: format!("http://{address}"),
            admin_token,
            directory,
            shutdown,
            task,
        };
        tokio::select! {
            ready = ready(&node.url, &node.admin_token) => ready?,
            ended = &mut node.task => return Err(DemoError::Node(reason(ended))),
        }
        Ok(node)
    }

    /// Resolves when the node ends although nobody asked it to, with the reason.
    pub(super) async fn ended(&mut self) -> String {
        reason((&mut self.task).await)
    }

    /// Stops the node in order and removes its directory.
    pub(super) async fn stop(self) -> Result<(), DemoError> {
        let _ = self.shutdown.send(());
        if !self.task.is_finished() {
            match self.task.await {
                Ok(Ok(())) => {}
                ended => return Err(DemoError::Node(reason(ended))),
            }
        }
        self.directory.close().map_err(|cause| DemoError::Io {
            what: "cannot remove the temporary directory".into(),
            cause,
        })
    }
}

async fn ready(url: &str, token: &str) -> Result<(), ClientError> {
    let client = Client::new(url, token)?;
    let answer = client.get::<serde::de::IgnoredAny>("/me");
    match tokio::time::timeout(START_DEADLINE, answer).await {
        Ok(answer) => answer.map(|_| ()),
        Err(_) => Err(ClientError::Connection {
            url: url.to_owned(),
            cause: "the node did not get ready in time".into(),
        }),
    }
}

fn reason(ended: Result<Result<(), RunError>, tokio::task::JoinError>) -> String {
    match ended {
        Ok(Ok(())) => "it was stopped".into(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}

fn random_token() -> Result<String, DemoError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|cause| DemoError::Io {
        what: "cannot make a token".into(),
        cause: std::io::Error::other(cause.to_string()),
    })?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("demo-{hex}"))
}
