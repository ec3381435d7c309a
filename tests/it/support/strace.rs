//! Faults of the system, put into a running process by strace: calls that fail, or that kill. Counts what really happened.

use super::{NodeProcess, eventually, left_out, within};
use std::path::Path;
use std::process::Stdio;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

/// A tracer on a process.
pub struct Strace {
    child: Child,
    log: NamedTempFile,
}

impl Strace {
    /// Whether strace is here; says loudly what is left out if not.
    pub async fn is_here(row: &str, what: &str) -> bool {
        let asked = Command::new("strace")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .await;
        let is_here = asked.is_ok_and(|status| status.success());
        if !is_here {
            left_out(row, what, "strace is not installed (`make deps` installs it)");
        }
        is_here
    }

    /// Puts a fault into a running process: `calls` (as in `fsync,fdatasync`) get `fault` (as in `error=EIO:when=1+`).
    /// Returns when every thread is traced.
    pub async fn attach(node: &NodeProcess, calls: &str, fault: &str) -> Self {
        let log = NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new("strace");
        command.args(["-f", "-p", &node.pid().to_string()]);
        arguments(&mut command, log.path(), calls, fault);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("strace starts");
        let pid = node.pid();
        eventually("every thread is traced", || async { is_traced(pid).then_some(()) }).await;
        Self { child, log }
    }

    /// The binary under strace from its start, killed at the `n`-th of `calls` that any of its threads makes. Should it make
    /// fewer, it is ended after a while: a tracer that goes away would leave it running.
    pub fn killing(log: &Path, calls: &str, n: u64) -> Command {
        let mut command = Command::new("strace");
        command.arg("-f");
        arguments(&mut command, log, calls, &format!("signal=SIGKILL:when={n}"));
        command.args(["timeout", "-s", "KILL", "15", env!("CARGO_BIN_EXE_homeroom")]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .env("HOMEROOM_ADMIN_TOKEN", super::ADMIN_TOKEN);
        command
    }

    /// Whether a log tells of a call that never returned.
    pub fn has_killed(log: &Path) -> bool {
        let text = std::fs::read(log).expect("the log of strace");
        String::from_utf8_lossy(&text)
            .lines()
            .any(|line| line.trim_end().ends_with("= ?"))
    }

    /// How often the fault has happened by now.
    pub fn happened(&self) -> u64 {
        Self::count(self.log.path())
    }

    /// How often the fault happened, by a log.
    pub fn count(log: &Path) -> u64 {
        let text = std::fs::read(log).expect("the log of strace");
        String::from_utf8_lossy(&text).matches("(INJECTED)").count() as u64
    }

    /// Lets go of the process, which goes on without the fault. Returns how often it happened.
    pub async fn detach(mut self) -> u64 {
        if let Some(pid) = self.child.id() {
            let kill = Command::new("sh")
                .args(["-c", &format!("kill -INT {pid}")])
                .status()
                .await;
            assert!(kill.expect("kill runs").success());
        }
        within("strace lets go", self.child.wait()).await.expect("strace ends");
        self.happened()
    }
}

fn arguments(command: &mut Command, log: &Path, calls: &str, fault: &str) {
    command.arg("-o").arg(log);
    command.args([
        "-e",
        &format!("trace={calls}"),
        "-e",
        &format!("inject={calls}:{fault}"),
    ]);
}

/// Whether somebody traces every thread of a process.
fn is_traced(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads.filter_map(Result::ok).all(|thread| {
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        tracer.is_some_and(|tracer| tracer.trim() != "0")
    })
}
