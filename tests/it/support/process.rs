//! A node as a process of its own: the real binary, to be killed, signalled and read.

use super::{ADMIN_TOKEN, Client, eventually, store, within};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The real binary on a directory of the test's. Killed when dropped.
pub struct NodeProcess {
    child: Child,
    stderr: Arc<Mutex<String>>,
    client: Client,
}

impl NodeProcess {
    /// Starts `homeroom serve` on this directory and waits until it is ready.
    pub async fn start(directory: &Path) -> Self {
        let mut node = Self::spawn(directory, &[]);
        node.ready().await;
        node
    }

    /// Starts `homeroom serve` with more arguments, without waiting for anything.
    pub fn spawn(directory: &Path, more: &[&str]) -> Self {
        let mut command = Self::command();
        command.arg("serve").arg("--data").arg(directory);
        command.args(["--listen", "127.0.0.1:0"]).args(more);
        command.env("HOMEROOM_ADMIN_TOKEN", ADMIN_TOKEN);
        command.envs(store::url_of(directory).map(|url| ("HOMEROOM_DATABASE_URL", url)));
        Self::run(command)
    }

    /// `homeroom serve` on this directory, in a shell that did something first (`ulimit -n 64`).
    pub fn command_with(first: &str, directory: &Path) -> Command {
        let mut command = Self::command_of("sh");
        command.args([
            "-c",
            &format!("{first} && exec \"$@\""),
            "sh",
            env!("CARGO_BIN_EXE_homeroom"),
            "serve",
        ]);
        command.arg("--data").arg(directory).args(["--listen", "127.0.0.1:0"]);
        command.env("HOMEROOM_ADMIN_TOKEN", ADMIN_TOKEN);
        command.envs(store::url_of(directory).map(|url| ("HOMEROOM_DATABASE_URL", url)));
        command
    }

    /// The binary with nothing inherited that could change it: no settings from the environment, no input.
    pub fn command() -> Command {
        Self::command_of(env!("CARGO_BIN_EXE_homeroom"))
    }

    /// The same for a program that starts the binary.
    pub fn command_of(program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOMEROOM_") {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    /// Starts a command made by [`NodeProcess::command`] and gathers its stderr.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary starts");
        let stderr = Arc::new(Mutex::new(String::new()));
        let gathered = Arc::clone(&stderr);
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = gathered.lock().unwrap();
                text.push_str(&line);
                text.push('\n');
            }
        });
        Self {
            child,
            stderr,
            client: Client::new(""),
        }
    }

    /// Waits for the ready line, takes the address really bound from it, and checks `/readyz`.
    pub async fn ready(&mut self) {
        self.listening().await;
        self.client.get("/readyz").await.expect(200);
    }

    /// Waits for the ready line and takes the address really bound from it.
    pub async fn listening(&mut self) {
        let stderr = Arc::clone(&self.stderr);
        let child = &mut self.child;
        let address = eventually("the ready line", || {
            let found = ready_address(&stderr.lock().unwrap());
            if found.is_none()
                && let Ok(Some(status)) = child.try_wait()
            {
                panic!(
                    "the node ended before it was ready: {status}\n{}",
                    stderr.lock().unwrap()
                );
            }
            async move { found }
        })
        .await;
        self.client = Client::new(format!("http://{address}"));
    }

    /// Waits until it is ready or has ended; gives its status if it has.
    pub async fn ready_or_ended(&mut self) -> Option<ExitStatus> {
        let stderr = Arc::clone(&self.stderr);
        let child = &mut self.child;
        let ended = eventually("the ready line or the end", || {
            let ended = child.try_wait().expect("a child can be asked");
            let is_ready = ready_address(&stderr.lock().unwrap()).is_some();
            async move { (is_ready || ended.is_some()).then_some(ended) }
        })
        .await;
        if ended.is_none() {
            self.ready().await;
        }
        ended
    }

    /// Its status, if it has ended.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// Its id in the system.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Threads that it has now.
    pub fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.pid()))
            .expect("a running process on Linux")
            .count()
    }

    /// Ends it as a crash does: SIGKILL, no goodbye. Returns when it is gone.
    pub async fn kill9(&mut self) {
        self.child.start_kill().expect("the process can be killed");
        self.wait().await;
    }

    /// Sends SIGTERM and returns at once.
    pub async fn sigterm(&self) {
        self.signal("TERM").await;
    }

    /// Sends a signal by its name and returns at once.
    pub async fn signal(&self, name: &str) {
        let pid = self.pid();
        // The shell has `kill` built in: no package is needed for it.
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status()
            .await
            .expect("kill runs");
        assert!(status.success(), "kill -{name} {pid}");
    }

    /// Waits for the end.
    pub async fn wait(&mut self) -> ExitStatus {
        within("the end of the process", self.child.wait())
            .await
            .expect("a child can be waited for")
    }

    /// What it has written to stderr by now, with all colours taken out.
    pub fn stderr(&self) -> String {
        without_colours(&self.stderr.lock().unwrap())
    }

    /// What it has written to stderr, once that contains `part`: the gatherer may be a moment behind the process.
    pub async fn stderr_with(&self, part: &str) -> String {
        eventually(part, || async {
            Some(self.stderr()).filter(|text| text.contains(part))
        })
        .await
    }

    /// A caller without a token.
    pub fn anonymous(&self) -> Client {
        self.client.clone()
    }

    /// A caller with the admin token.
    pub fn admin(&self) -> Client {
        self.client.with_token(ADMIN_TOKEN)
    }

    /// A caller with any token.
    pub fn with_token(&self, token: &str) -> Client {
        self.client.with_token(token)
    }
}

/// The address in the one line that says "ready".
fn ready_address(stderr: &str) -> Option<String> {
    let plain = without_colours(stderr);
    let line = plain
        .lines()
        .find(|line| line.to_lowercase().contains("ready") && line.contains("127.0.0.1:"))?;
    let port: String = line
        .split("127.0.0.1:")
        .nth(1)?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    (!port.is_empty() && port != "0").then(|| format!("127.0.0.1:{port}"))
}

/// Removes ANSI colour sequences.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}
