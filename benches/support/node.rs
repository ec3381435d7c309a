//! The release binary as a process of its own on a directory, and what the system says of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What callers of these nodes show.
pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-the-benches-4b1d7e2a90";
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A node that is ready. Killed when dropped.
pub(crate) struct Node {
    process: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process to the line that says ready.
    #[allow(dead_code, reason = "not every bench asks how long a start takes")]
    pub(crate) ready_after: Duration,
}

impl Node {
    /// Starts a node on a directory and waits until it is ready.
    pub(crate) fn start(directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_homeroom"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOMEROOM_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(directory);
        command.env_remove("RUST_LOG").env("HOMEROOM_ADMIN_TOKEN", ADMIN_TOKEN);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut process = command.spawn().expect("the binary starts");
        let log = process.stderr.take().expect("stderr is piped");
        let (ready, address) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to the end, whatever comes, so that the node never waits for its log.
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let _ = match ready_address(&line) {
                    Some(address) => ready.send(Ok(address)),
                    None => ready.send(Err(line)),
                };
            }
        });
        let address = loop {
            match address.recv_timeout(START_DEADLINE) {
                Ok(Ok(address)) => break address,
                Ok(Err(line)) => eprintln!("node: {line}"),
                Err(error) => panic!("the node is not ready: {error}"),
            }
        };
        Self {
            process,
            address,
            ready_after: started.elapsed(),
        }
    }

    #[allow(dead_code, reason = "not every bench looks at the process")]
    /// The process, as `/proc` names it.
    pub(crate) fn id(&self) -> String {
        self.process.id().to_string()
    }

    /// Bytes of memory that it has now.
    pub(crate) fn rss_bytes(&self) -> u64 {
        field(&format!("/proc/{}/status", self.process.id()), "VmRSS:").unwrap_or_default() * 1024
    }

    /// The most bytes of memory that it ever had.
    #[allow(dead_code, reason = "not every bench asks for the peak")]
    pub(crate) fn peak_rss_bytes(&self) -> u64 {
        field(&format!("/proc/{}/status", self.process.id()), "VmHWM:").unwrap_or_default() * 1024
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
    const HOST: &str = "127.0.0.1:";
    let port = line
        .split(HOST)
        .nth(1)
        .filter(|_| line.to_lowercase().contains("ready"))?;
    let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
    format!("{HOST}{digits}").parse().ok()
}

/// The number after a name at the beginning of a line.
pub(crate) fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

/// Processor time that a process has used, user and system: the 14th and 15th word of `stat`, in hundredths of a second. The
/// second word is a name in parentheses, which may have spaces in it.
#[allow(dead_code, reason = "not every bench asks for processor time")]
pub(crate) fn cpu(process: &str) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let ticks = after_name.split_whitespace().skip(11).take(2);
    Some(Duration::from_millis(
        10 * ticks.filter_map(|word| word.parse::<u64>().ok()).sum::<u64>(),
    ))
}

/// A line on where this was measured.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, model)| model);
    let memory_gib = field("/proc/meminfo", "MemTotal:").unwrap_or_default() as f64 / (1024.0 * 1024.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores of {model}, {memory_gib:.0} GiB, {} {}",
        std::env::consts::OS,
        kernel.trim()
    )
}
