//! A wall clock for a node's process that a test can set: libfaketime, with the monotonic clock left true.

use super::{NodeProcess, left_out};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The wall clock of processes started with it.
pub struct WallClock {
    library: PathBuf,
    offset: NamedTempFile,
}

impl WallClock {
    /// A clock that is right for now; none, said loudly, where libfaketime is not installed.
    pub fn new(row: &str, what: &str) -> Option<Self> {
        let Some(library) = library() else {
            left_out(row, what, "libfaketime is not installed (`make deps` installs it)");
            return None;
        };
        let offset = NamedTempFile::new().expect("a temporary file");
        let clock = Self { library, offset };
        clock.set("+0");
        Some(clock)
    }

    /// Sets how far from the truth the clock is: `-1d`, `+10y`, `+3600`.
    pub fn set(&self, offset: &str) {
        std::fs::write(self.offset.path(), offset).expect("a temporary file can be written");
    }

    /// Starts a node under this clock and waits until it is ready.
    pub async fn start(&self, directory: &Path, more: &[&str]) -> NodeProcess {
        let mut command = NodeProcess::command();
        command.arg("serve").arg("--data").arg(directory);
        command.args(["--listen", "127.0.0.1:0"]).args(more);
        command
            .env("HOMEROOM_ADMIN_TOKEN", super::ADMIN_TOKEN)
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.offset.path())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let mut node = NodeProcess::run(command);
        node.ready().await;
        node
    }
}

/// The library for programs with threads, wherever Debian's machine kind puts it.
fn library() -> Option<PathBuf> {
    let kinds = std::fs::read_dir("/usr/lib").ok()?;
    let found = kinds
        .flatten()
        .map(|kind| kind.path().join("faketime/libfaketimeMT.so.1"));
    found.into_iter().find(|path| path.exists())
}
