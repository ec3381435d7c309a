//! The baseline stack as a process: installed from its lock file, started, and ended when dropped.

use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The stack, ready.
pub(crate) struct Baseline {
    process: Child,
    ready: Ready,
}

/// What it says when it answers.
#[derive(Deserialize)]
struct Ready {
    url: String,
    token: String,
    pids: Vec<u32>,
}

impl Baseline {
    /// Installs what is missing and starts it, with its data on the same disk as everything else. Or why it can't be.
    pub(crate) fn start(data: &Path) -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/baseline");
        let python = install(&folder, data)?;
        let mut command = Command::new(python);
        command.arg(folder.join("serve.py")).arg(data);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| error.to_string())?;
        let output = process.stdout.take().ok_or("its output is lost")?;
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.map_err(|error| error.to_string())?;
        match serde_json::from_str(&line) {
            Ok(ready) => Ok(Self { process, ready }),
            Err(_) => {
                let _ = process.wait();
                Err("the baseline did not start; what it needs: Debian's postgresql and redis-server".into())
            }
        }
    }

    /// The flags that make the load generator load it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let Ready { url, token, pids } = &self.ready;
        let mut flags = vec!["--url".to_owned(), url.clone(), "--token".to_owned(), token.clone()];
        flags.extend(pids.iter().flat_map(|pid| ["--pid".to_owned(), pid.to_string()]));
        flags
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        // It ends when nobody talks to it any more.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A Python with exactly what the lock file names.
fn install(folder: &Path, data: &Path) -> Result<PathBuf, String> {
    let packages = data.join("baseline");
    let python = packages.join("bin/python");
    let run = |command: &mut Command, what: &str| {
        let ended = command.status().map_err(|error| format!("{what}: {error}"))?;
        if ended.success() {
            Ok(())
        } else {
            Err(format!("{what} failed"))
        }
    };
    if !python.exists() {
        run(
            Command::new("python3").args(["-m", "venv"]).arg(&packages),
            "python3 -m venv",
        )?;
    }
    let mut install = Command::new(&python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
    ]);
    run(install.arg(folder.join("requirements.txt")), "pip install")?;
    Ok(python)
}
