//! A PostgreSQL server of a test's own.

use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whom everybody is inside the server.
const USER: &str = "homeroom";
const PASSWORD: &str = "not-a-secret";
/// How long a server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a server that starts is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// In order: sessions are cut, everything is written.
    Fast,
    /// As in a crash: what was not synced must be recovered at the next start.
    Immediate,
}

/// A server with its data. Dropping it stops it and removes them.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    directory: TempDir,
    port: u16,
    settings: Vec<String>,
    server: Mutex<Option<Child>>,
    databases: AtomicU64,
    // Cleans up when this process ends without dropping anything.
    _guard: Child,
}

impl Postgres {
    /// The server that all tests of this process share; nothing on a machine without one, which is told. It does not
    /// sync: tests that pull its plug start one of their own.
    #[must_use]
    pub fn shared(tests: &str) -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start(false)).as_ref();
        if shared.is_none() {
            crate::left_out(tests, "PostgreSQL");
        }
        shared
    }

    /// A server of its own; nothing on a machine without one. Where it `is_durable` a commit waits for the disk.
    ///
    /// # Panics
    /// When there is one that does not start.
    #[must_use]
    pub fn start(is_durable: bool) -> Option<Self> {
        Self::start_with(is_durable, None, &[])
    }

    /// The same with its data below `within` and further settings (`name=value`).
    ///
    /// # Panics
    /// When there is a server that does not start.
    #[must_use]
    pub fn start_with(is_durable: bool, within: Option<&Path>, settings: &[&str]) -> Option<Self> {
        let programs = programs()?;
        let directory = match within {
            None => TempDir::with_prefix("homeroom-postgres-"),
            Some(within) => TempDir::with_prefix_in("homeroom-postgres-", within),
        };
        let directory = directory.expect("a temporary directory");
        let path = directory.path();
        std::fs::write(path.join("password"), PASSWORD).expect("a file of its own");
        if is_root() {
            // The server refuses to run as root, and its directory must be its own.
            run(Command::new("chown").args(["-R", "postgres"]).arg(path));
        }
        let mut make = as_server(&programs.join("initdb"));
        make.arg("-D")
            .arg(path.join("data"))
            .args(["-U", USER, "-A", "scram-sha-256"]);
        make.arg("--pwfile").arg(path.join("password"));
        run(make.args(["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let sync = if is_durable { "on" } else { "off" };
        let mut all = vec![
            format!("fsync={sync}"),
            format!("full_page_writes={sync}"),
            "max_connections=200".to_owned(),
            "log_min_messages=fatal".to_owned(),
        ];
        all.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let started = Self {
            _guard: guard(&programs, path),
            programs,
            port: port.expect("a free port").port(),
            settings: all,
            server: Mutex::new(None),
            databases: AtomicU64::new(0),
            directory,
        };
        started.start_again();
        Some(started)
    }

    /// Starts it after a stop, and waits until it answers.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub fn start_again(&self) {
        let path = self.directory.path();
        let mut start = as_server(&self.programs.join("postgres"));
        start.arg("-D").arg(path.join("data"));
        start
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"])
            .arg("-k")
            .arg(path);
        for setting in &self.settings {
            start.args(["-c", setting]);
        }
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path.join("log"));
        start.stdout(Stdio::null()).stderr(log.expect("a log of its own"));
        *self.server.lock().expect("no panic") = Some(start.spawn().expect("the server starts"));
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not start: {}", self.log());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn answers(&self) -> bool {
        let mut ask = Command::new(client(&self.programs, "pg_isready"));
        ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        ask.status().is_ok_and(|status| status.success())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Stops it, and waits until it is gone.
    ///
    /// # Panics
    /// When it is stopped already.
    pub fn stop(&self, how: Stop) {
        let mut server = self
            .server
            .lock()
            .expect("no panic")
            .take()
            .expect("a server that runs");
        let signal = match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        };
        let _ = kill_process(pid(&server), signal);
        let _ = server.wait();
    }

    /// `kill -9` for every process that serves a session. The server takes that for a crash, and recovers by itself.
    /// Returns how many there were.
    ///
    /// # Panics
    /// When the server is stopped.
    pub fn kill_backends(&self) -> usize {
        let backends = self.query(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
        let backends: Vec<i32> = backends.lines().filter_map(|line| line.parse().ok()).collect();
        for backend in backends.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process(backend, Signal::KILL);
        }
        backends.len()
    }

    /// Makes an empty database and gives its URL.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("school_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let _ = self.query(&format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What statements answer, rows as lines with `|` between columns, on the server's own database.
    ///
    /// # Panics
    /// When they fail.
    #[must_use]
    pub fn query(&self, sql: &str) -> String {
        self.query_in("postgres", sql)
    }

    /// The same on one of its databases.
    ///
    /// # Panics
    /// When they fail.
    #[must_use]
    pub fn query_in(&self, database: &str, sql: &str) -> String {
        // A URL names everything; what the environment says about another server does not count.
        let mut ask = Command::new(client(&self.programs, "psql"));
        ask.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]);
        let answer = ask.output().expect("psql is there");
        assert!(
            answer.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&answer.stderr)
        );
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }

    /// Its version, such as `15.18`.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn version(&self) -> String {
        self.query("SHOW server_version")
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Ok(Some(mut server)) = self.server.lock().map(|mut server| server.take()) {
            let _ = kill_process(pid(&server), Signal::QUIT);
            let _ = server.wait();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that the server's own user runs, where this one may not.
fn as_server(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}

fn run(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A program that asks a server: its own, or whichever is there, since they speak with all versions.
fn client(programs: &Path, name: &str) -> PathBuf {
    let own = programs.join(name);
    if own.exists() { own } else { PathBuf::from(name) }
}

/// The directory of the server's programs: the one that is asked for, or the newest that Debian has installed.
fn programs() -> Option<PathBuf> {
    if let Some(asked) = std::env::var_os("HOMEROOM_POSTGRES_BIN") {
        return Some(PathBuf::from(asked));
    }
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    installed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/postgres").exists())
        .max_by_key(version)
        .map(|path| path.join("bin"))
}

/// A shell that outlives this process: it stops the server and removes its files once the pipe to it breaks.
fn guard(programs: &Path, directory: &Path) -> Child {
    let script =
        r#"read -r _; kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" 2>/dev/null; sleep 1; rm -rf -- "$1""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "guard"]).arg(directory).current_dir(programs);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("a shell")
}
