//! A node started for a run: this program as a process of its own, on a directory, killed when the run is over.

use super::{BenchError, process};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than a node needs on a database of ten million events.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// What callers of these nodes show.
pub const ADMIN_TOKEN: &str = "admin-token-of-the-bench-4b1d7e2a90";
/// The generator is one address with more sessions than a school has.
const SESSIONS: &str = "20000";

/// A node that is ready. Killed, as by a power cut, when dropped.
#[derive(Debug)]
pub struct Node {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to the line that says ready.
    pub ready_after: Duration,
}

impl Node {
    /// Starts a program that is homeroom on a directory and waits until it is ready. Settings come from nowhere but here.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not ready within two minutes: with what it said last.
    pub fn start(program: &Path, directory: &Path, database_url: Option<&str>) -> Result<Self, BenchError> {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOMEROOM_") {
                command.env_remove(name);
            }
        }
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--sessions-per-address",
            SESSIONS,
            // A copy of gigabytes in the middle of a run would be measured with it.
            "--backup-every-h",
            "0",
            "--data",
        ]);
        command.arg(directory);
        command.env_remove("RUST_LOG").env("HOMEROOM_ADMIN_TOKEN", ADMIN_TOKEN);
        // Not as a flag, where everybody on the machine could read the password.
        command.envs(database_url.map(|url| ("HOMEROOM_DATABASE_URL", url)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let io = |cause| BenchError::Io {
            what: format!("cannot start {}", program.display()),
            cause,
        };
        let mut process = command.spawn().map_err(io)?;
        let (said, lines) = mpsc::channel();
        if let Some(log) = process.stderr.take() {
            std::thread::spawn(move || {
                // Read to the end, whatever comes, so that the node never waits for its log.
                for line in BufReader::new(log).lines().map_while(Result::ok) {
                    let _ = said.send(line);
                }
            });
        }
        let mut node = Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ready_after: Duration::ZERO,
        };
        let mut last = "nothing".to_owned();
        loop {
            let left = START_DEADLINE.saturating_sub(started.elapsed());
            // It has ended, or takes too long: dropping it here ends it.
            let line = lines
                .recv_timeout(left)
                .map_err(|_| BenchError::NodeEnded(last.clone()))?;
            if let Some(address) = ready_address(&line) {
                node.address = address;
                node.ready_after = started.elapsed();
                return Ok(node);
            }
            last = line;
        }
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Bytes of memory that it has now.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        process::resident(self.id())
    }

    /// The most bytes of memory that it ever had.
    #[must_use]
    pub fn most_resident_bytes(&self) -> u64 {
        process::most_resident(self.id())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address in the line that says "ready".
fn ready_address(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once("homeroom is ready on http://")?;
    address.trim().parse().ok()
}
