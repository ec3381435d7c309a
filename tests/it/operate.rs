//! What operators work with: readiness with its reason, a clock that is wrong, the files for services and containers.

use crate::support::{Class, Node, NodeProcess, earn, store};
use rusqlite::Connection;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_before_the_newest_event_is_told_with_both_times() {
    let mut node = Node::start_on_a_file().await;
    let class = Class::of(&node, 1).await;
    node.admin()
        .post("/points/earn", earn(class.students[0], "complete_quiz", 1))
        .await
        .expect(201);
    node.stop().await;
    // As if the clock had been a day ahead when the last event came.
    let file = Connection::open(node.directory().join("homeroom.sqlite3")).unwrap();
    let ahead =
        "UPDATE events SET recorded_at = recorded_at + 86400000 WHERE event_id = (SELECT max(event_id) FROM events)";
    assert_eq!(file.execute(ahead, []).unwrap(), 1);
    drop(file);
    let process = NodeProcess::start(node.directory()).await;
    let said = process.stderr_with("the clock of this machine says").await;
    let line = said
        .lines()
        .find(|line| line.contains("the clock of this machine"))
        .unwrap();
    assert!(
        line.contains("WARN") && line.matches("T").count() >= 2 && line.contains("recorded at"),
        "{line}"
    );
    process.admin().get("/readyz").await.expect(200);
}

/// F-X8, F-D4: readiness names the part that cannot work, and comes back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_says_which_part_is_not_ready_and_why() {
    let directory = store::directory_of_files();
    let node = NodeProcess::start(directory.path()).await;
    let locked = Connection::open(directory.path().join("homeroom.sqlite3")).unwrap();
    locked.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let problem = node.anonymous().get("/readyz").await.any_problem(503);
    assert_eq!(problem["errors"][0]["field"], "writer", "{problem}");
    node.anonymous().get("/healthz").await.expect(200);
    node.stderr_with("not ready: ").await;
    locked.execute_batch("ROLLBACK").unwrap();
    crate::support::eventually("ready again", || async {
        (node.anonymous().get("/readyz").await.status == 200).then_some(())
    })
    .await;
    node.stderr_with("ready again").await;
}

/// The image is made from what is there: every source that the Dockerfile copies exists and is sent to the builder.
#[test]
fn the_dockerfile_copies_what_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = std::fs::read_to_string(root.join(".dockerignore")).unwrap();
    let sent: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let dockerfile = std::fs::read_to_string(root.join("Dockerfile")).unwrap();
    let mut copied = 0;
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        if line.starts_with("--from=") {
            continue;
        }
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.pop();
        for source in words {
            copied += 1;
            assert!(root.join(source).exists(), "{source}");
            let top = source.split('/').next().unwrap();
            assert!(
                source == "." || sent.contains(&top),
                "{source} is not sent to the builder"
            );
        }
    }
    assert!(copied >= 5, "{copied}");
    for needed in [
        "USER homeroom",
        "STOPSIGNAL SIGTERM",
        "HEALTHCHECK",
        "VOLUME",
        "EXPOSE",
        "--locked",
    ] {
        assert!(dockerfile.contains(needed), "{needed}");
    }
    for member in [
        "Cargo.toml",
        "Cargo.lock",
        "actors",
        "schema",
        "src",
        "tests",
        "benches",
    ] {
        assert!(sent.contains(&member), "{member} is not sent to the builder");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_understands_the_unit() {
    let mut command = NodeProcess::command();
    let output = command
        .args(["files", "systemd"])
        .stdout(Stdio::piped())
        .output()
        .await
        .unwrap();
    let unit = String::from_utf8(output.stdout).unwrap();
    assert!(
        unit.contains("Type=notify") && unit.contains("Restart=on-failure"),
        "{unit}"
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("homeroom.service");
    // The program need not be installed for its unit to be looked at.
    std::fs::write(
        &file,
        unit.replace("/usr/local/bin/homeroom", env!("CARGO_BIN_EXE_homeroom")),
    )
    .unwrap();
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&file).output().await else {
        println!("LEFT OUT: systemd-analyze is not installed, so the unit was not verified");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(
        verified.status.success() && !said.contains("homeroom.service:"),
        "{said}"
    );
}

/// The unit waits for the node's word: a socket in place of systemd hears that it is ready, lives, and stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_is_told_when_the_node_is_ready_lives_and_stops() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let heard = tokio::net::UnixDatagram::bind(&path).unwrap();
    let mut command = NodeProcess::command();
    command.arg("serve").arg("--data").arg(directory.path().join("data"));
    command.args(["--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", &path);
    let mut node = NodeProcess::run(command);
    let mut words = Vec::new();
    let mut bytes = [0; 256];
    while !(words.contains(&"READY=1".to_owned()) && words.contains(&"WATCHDOG=1".to_owned())) {
        let length = crate::support::within("a word", heard.recv(&mut bytes)).await.unwrap();
        words.push(String::from_utf8_lossy(&bytes[..length]).trim().to_owned());
    }
    node.sigterm().await;
    assert!(node.wait().await.success());
    while words.last().is_none_or(|word| word != "STOPPING=1") {
        let length = crate::support::within("the last word", heard.recv(&mut bytes))
            .await
            .unwrap();
        words.push(String::from_utf8_lossy(&bytes[..length]).trim().to_owned());
    }
}
