//! The command line and the files of a node that is not running, as a person with a shell sees them.

use super::{Client, NodeProcess, Socket, store};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// Runs the binary to its end.
pub async fn homeroom<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Output {
    let mut command = NodeProcess::command();
    command.args(arguments).stdout(Stdio::piped());
    command.output().await.expect("the binary runs")
}

/// What a command wrote to stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command printed, as JSON.
pub fn printed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", String::from_utf8_lossy(&output.stdout), said(output)))
}

/// The database of a data directory.
pub fn database(directory: &Path) -> PathBuf {
    directory.join("homeroom.sqlite3")
}

/// A database file with what the node on this directory keeps, to be read with SQL: its own, or a copy of what is on the
/// server, made and compared by `homeroom store copy`. The copy goes with the second value.
pub fn database_to_read(directory: &Path) -> (PathBuf, Option<tempfile::TempDir>) {
    let Some(url) = store::url_of(directory) else {
        return (database(directory), None);
    };
    loop {
        let copy = tempfile::tempdir().expect("a temporary directory");
        let to = format!("sqlite:{}", copy.path().display());
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_homeroom"));
        let done = command.args(["store", "copy", "--from", &url, "--to", &to]).output();
        let done = done.expect("the binary runs");
        if done.status.success() {
            return (database(copy.path()), Some(copy));
        }
        // A node that runs may pack facts for analytics meanwhile.
        assert!(said(&done).contains("activity_blocks"), "{}", said(&done));
    }
}

/// The log of the database.
pub fn log_of(directory: &Path) -> PathBuf {
    directory.join("homeroom.sqlite3-wal")
}

/// Copies the files of a stopped node (folders left out) into a new directory.
pub fn copy_of(directory: &Path) -> tempfile::TempDir {
    let copy = store::directory_of_files();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
        }
    }
    copy
}

/// Makes a backup of a stopped node's directory and requires that it is sound; gives what was found.
pub async fn sound_backup(directory: &Path, out: &Path) -> Value {
    let (data, file) = (directory.to_str().unwrap(), out.to_str().unwrap());
    let made = homeroom(["backup", "--data", data, "--out", file]).await;
    assert!(made.status.success(), "{}", said(&made));
    let checked = homeroom(["backup", "verify", file, "--json"]).await;
    let found = printed(&checked);
    assert!(checked.status.success() && found["ok"] == true, "{found}");
    found
}

/// Epoch and offset of a user topic, as a fresh subscriber gets them.
pub async fn position(client: &Client, topic: &str) -> (String, u64) {
    let mut socket = Socket::connect(client).await;
    let result = socket.subscribe(&[topic]).await.remove(0);
    (
        result["epoch"].as_str().expect("an epoch").to_owned(),
        result["offset"].as_u64().expect("an offset"),
    )
}

/// Requires that a client with this position is told to read anew: another epoch, and a snapshot.
pub async fn must_resync(client: &Client, topic: &str, (epoch, offset): (&str, u64)) {
    let mut socket = Socket::connect(client).await;
    let result = socket.subscribe_at(topic, epoch, offset).await;
    assert_eq!(result["recovered"], false, "{result}");
    assert_ne!(result["epoch"].as_str(), Some(epoch), "{result}");
    assert!(result["snapshot"].is_object(), "{result}");
}
