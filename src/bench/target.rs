//! What is loaded: a node that runs somewhere, or one started for this run.

use super::BenchError;
use super::args::Common;
use super::node::{ADMIN_TOKEN, Node};
use super::process::{self, Usage};
use crate::client::Client;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Ids of the people, teams and units of a run on somebody's own node begin behind this: nobody real is renamed.
const FOREIGN_IDS: u64 = 4_000_000_000;

/// The node under load.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) token: String,
    /// Processes that are sampled; none for a node on another machine.
    pub(super) processes: Vec<u32>,
    /// The ids of a run's people begin behind this.
    pub(super) ids: u64,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    // None between the end of one life and the start of the next.
    node: Option<Node>,
    program: PathBuf,
    directory: PathBuf,
    /// The database server that has its data, if it is not in the directory.
    url: Option<String>,
    // Removed when dropped, after the node has ended; none for a directory that was given, which is kept.
    scratch: Option<TempDir>,
}

impl Target {
    /// What the flags mean.
    pub(super) async fn of(common: &Common) -> Result<Self, BenchError> {
        match &common.url {
            Some(url) => Self::running(url, common.token.as_deref(), &common.pids).await,
            None => {
                let program = std::env::current_exe().map_err(|cause| BenchError::Io {
                    what: "cannot tell which program this is".into(),
                    cause,
                })?;
                let url = common.database_url.clone();
                match &common.on {
                    Some(directory) => Self::start_on(&program, directory.clone(), None, url),
                    None => Self::start(&program, common.data.as_deref(), url),
                }
            }
        }
    }

    /// A node of a program that is homeroom, started for this run in a new directory below `data`, or below the system's
    /// directory for temporary files; its data lies there, or at `url`.
    ///
    /// # Errors
    /// When there can be no directory, or the node does not get ready.
    pub(super) fn start(program: &Path, data: Option<&Path>, url: Option<String>) -> Result<Self, BenchError> {
        let mut named = tempfile::Builder::new();
        let named = named.prefix("homeroom-bench-");
        let directory = match data {
            Some(data) => named.tempdir_in(data),
            None => named.tempdir(),
        };
        let directory = directory.map_err(|cause| BenchError::Io {
            what: "cannot make a directory for the node".into(),
            cause,
        })?;
        Self::start_on(program, directory.path().to_owned(), Some(directory), url)
    }

    fn start_on(
        program: &Path,
        directory: PathBuf,
        scratch: Option<TempDir>,
        url: Option<String>,
    ) -> Result<Self, BenchError> {
        let node = Node::start(program, &directory, url.as_deref())?;
        Ok(Self {
            address: node.address,
            token: ADMIN_TOKEN.into(),
            processes: vec![node.id()],
            ids: 0,
            own: Some(Own {
                node: Some(node),
                program: program.to_owned(),
                directory,
                url,
                scratch,
            }),
        })
    }

    /// A node, or something that speaks as much of its contract as a scenario needs, which runs already.
    ///
    /// # Errors
    /// When the address cannot be used or found, or no process has one of these numbers.
    pub(super) async fn running(url: &str, token: Option<&str>, processes: &[u32]) -> Result<Self, BenchError> {
        let authority = url.trim_end_matches('/').strip_prefix("http://");
        let Some(authority) = authority.filter(|authority| !authority.contains('/')) else {
            return Err(BenchError::Url(url.into()));
        };
        let named = if authority.rsplit(']').next().unwrap_or(authority).contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let mut found = tokio::net::lookup_host(&named).await.map_err(|cause| BenchError::Io {
            what: format!("cannot find {authority}"),
            cause,
        })?;
        let address = found.next().ok_or_else(|| BenchError::Url(url.into()))?;
        if let Some(absent) = processes.iter().find(|id| !process::exists(**id)) {
            return Err(BenchError::NoProcess(*absent));
        }
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        Ok(Self {
            address,
            token: token.ok_or(BenchError::NoToken)?.to_owned(),
            processes: processes.to_vec(),
            ids: FOREIGN_IDS,
            own: None,
        })
    }

    /// Whether the node was started for this run, and everything in it is known.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Whether nobody had points on it before this run.
    pub(super) fn is_new(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.scratch.is_some())
    }

    /// From the start of a node's process to the moment it was ready, in seconds; of one that was started for this run.
    pub(super) fn ready_after(&self) -> Option<f64> {
        let node = self.own.as_ref()?.node.as_ref()?;
        Some(node.ready_after.as_secs_f64())
    }

    /// What the node has used so far.
    pub(super) fn usage(&self) -> Usage {
        Usage::of(&self.processes)
    }

    /// Bytes of memory that it holds.
    pub(super) fn memory(&self) -> u64 {
        process::memory(&self.processes)
    }

    /// A caller of it, for what is not measured.
    pub(super) fn client(&self) -> Result<Client, BenchError> {
        Ok(Client::new(&format!("http://{}", self.address), &self.token)?)
    }

    /// Kills the node that was started for this run, as kill -9 does.
    pub(super) fn kill(&mut self) -> Result<(), BenchError> {
        self.own.as_mut().ok_or(BenchError::OwnOnly)?.node = None;
        Ok(())
    }

    /// Starts it anew on what it has kept, at another port.
    pub(super) fn start_again(&mut self) -> Result<(), BenchError> {
        let own = self.own.as_mut().ok_or(BenchError::OwnOnly)?;
        let node = Node::start(&own.program, &own.directory, own.url.as_deref())?;
        self.address = node.address;
        self.processes = vec![node.id()];
        own.node = Some(node);
        Ok(())
    }
}
