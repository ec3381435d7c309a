//! `homeroom bench`: every scenario measures what it says and loses nothing, on a node of its own and on one that runs; what
//! cannot be measured is refused; an interrupted run leaves nothing behind.

use crate::support::{Class, NodeProcess, eventually, homeroom, printed, said};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// Runs a scenario for a short while on a node of its own.
async fn measured(words: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap().to_owned();
    let words = words.split(' ').map(str::to_owned);
    let common = ["--seconds", "0.6", "--warm-up", "0.2", "--json", "--data", &data].map(str::to_owned);
    let ran = homeroom(["bench".to_owned()].into_iter().chain(words).chain(common)).await;
    assert!(ran.status.success(), "{}", said(&ran));
    assert_eq!(entries(directory.path()), 0, "the node's directory is removed");
    printed(&ran)
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

/// A figure that must be there and above nought.
fn above_nought(report: &Value, pointer: &str) -> f64 {
    let figure = report.pointer(pointer).and_then(Value::as_f64);
    figure
        .filter(|figure| *figure > 0.0)
        .unwrap_or_else(|| panic!("{pointer}: {report}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awards_are_counted_timed_and_compared_with_the_board() {
    for words in [
        "earn --callers 8 --students 50",
        "earn --callers 8 --keyed --students 50",
        "earn --sockets 2 --in-flight 8 --students 50",
        "earn --callers 8 --rate 100 --students 50",
        "earn --sockets 2 --rate 100 --students 50",
    ] {
        let report = measured(words).await;
        assert_eq!(report["scenario"], "earn");
        assert_eq!(report["refused"], json!({}), "{words}");
        assert_eq!(report["points_acknowledged_but_not_on_the_board"], 0.0, "{words}");
        above_nought(&report, "/node/memory_mib");
        let (p50, most) = (
            above_nought(&report, "/latency_ms/p50"),
            above_nought(&report, "/latency_ms/max"),
        );
        assert!(p50 <= most, "{report}");
        let a_second = above_nought(&report, "/operations_per_second");
        if words.contains("--rate") {
            // What was due near both ends may be answered on the other side of them.
            assert!((50.0..=150.0).contains(&a_second), "{words}: {report}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_hear_of_every_award() {
    for words in [
        "class --sessions 40 --team-size 10 --rate 100",
        "class --sessions 40 --rate 100 --crowd 2 --stalled",
        "class --sessions 40 --callers 4",
        "mixed --sessions 40 --peak 200",
    ] {
        let report = measured(words).await;
        assert_eq!(report["refused"], json!({}), "{words}");
        assert_eq!(report["awards_not_heard_of"], 0.0, "{words}: {report}");
        assert_eq!(report["sessions_lost"], 0.0, "{words}: {report}");
        above_nought(&report, "/deliveries/latency_ms/p50");
        above_nought(&report, "/deliveries/count");
    }
    let report = measured("board --watchers 20 --boards 5 --students 50 --rate 100").await;
    above_nought(&report, "/deliveries/count");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_sessions_storms_and_reads_are_measured() {
    let idle = measured("idle --sessions 300").await;
    assert_eq!(idle["sessions_lost"], 0.0);
    assert!(idle["resident_kib_per_session"].as_f64().is_some(), "{idle}");
    let storm = measured("storm --sessions 100").await;
    assert_eq!(storm["operations"], 100);
    let half = above_nought(&storm, "/half_back_after_seconds");
    assert!(half <= above_nought(&storm, "/all_back_after_seconds"));
    for what in ["rank", "around", "board", "progress"] {
        let report = measured(&format!("read --what {what} --etag --callers 4 --students 50")).await;
        assert_eq!(report["refused"], json!({}), "{what}");
        above_nought(&report, "/operations_per_second");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_school_that_is_there_is_loaded_again_and_kept() {
    let school = tempfile::tempdir().unwrap();
    let words = ["bench", "earn", "--callers", "4", "--students", "20", "--json"];
    let times = ["--seconds", "0.6", "--warm-up", "0.2", "--on"].into_iter();
    let flags: Vec<&str> = times.chain(school.path().to_str()).collect();
    for _ in 0..2 {
        let report = printed(&homeroom(words.iter().chain(&flags)).await);
        above_nought(&report, "/operations");
        assert_eq!(report["refused"], json!({}));
        // Its board holds what others did before, which nothing here is to be compared with.
        assert!(report.get("points_acknowledged_but_not_on_the_board").is_none());
    }
    assert!(school.path().join("homeroom.sqlite3").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_on_a_running_node_renames_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, 5).await;
    let before = admin.get("/users?limit=100").await.expect(200)["items"].clone();
    let (url, token, pid) = (
        admin.base().to_owned(),
        admin.token().unwrap().to_owned(),
        node.pid().to_string(),
    );
    let flags = [
        "--url",
        &url,
        "--token",
        &token,
        "--pid",
        &pid,
        "--seconds",
        "1",
        "--warm-up",
        "0.1",
        "--students",
        "20",
    ];
    let words = ["bench", "earn", "--callers", "4", "--json"];
    let report = printed(&homeroom(words.into_iter().chain(flags)).await);
    above_nought(&report, "/operations");
    above_nought(&report, "/node/memory_mib");
    assert_eq!(report["refused"], json!({}));
    let after = admin.get("/users?limit=100").await.expect(200)["items"].clone();
    let (before, after) = (before.as_array().unwrap(), after.as_array().unwrap());
    assert_eq!(after.len(), before.len() + 20);
    assert!(before.iter().all(|person| after.contains(person)), "{before:?}");
    // In words for people, too.
    let text = homeroom(["bench", "earn", "--callers", "4"].into_iter().chain(flags)).await;
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for name in ["operations", "latency", "node memory", "generator CPU an operation"] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_measured_is_refused_with_the_reason() {
    let nowhere = ["--url", "http://127.0.0.1:9", "--token", "t"];
    for (words, code, reason) in [
        (
            &["earn", "--url", "https://school.example", "--token", "t"][..],
            2,
            "--url",
        ),
        (&["earn", "--url", nowhere[1]], 4, "--token"),
        (
            &[
                "earn", "--pid", "4000000", nowhere[0], nowhere[1], nowhere[2], nowhere[3],
            ],
            2,
            "--pid",
        ),
        (&["storm", nowhere[0], nowhere[1], nowhere[2], nowhere[3]], 2, "--url"),
        (
            &["earn", nowhere[0], nowhere[1], nowhere[2], nowhere[3]],
            3,
            "127.0.0.1:9",
        ),
        (&["earn", "--rate", "0"], 2, "--rate"),
        (&["earn", "--seconds", "no"], 2, "--seconds"),
        (&["class", "--sessions", "0"], 2, "--sessions"),
        (&["class", "--stalled"], 2, "--crowd"),
        (&["mixed", "--rhythm", "/nonexistent"], 5, "/nonexistent"),
        (&["earn", "--data", "/nonexistent"], 1, "directory"),
    ] {
        let ran = homeroom(["bench"].iter().chain(words)).await;
        assert_eq!(ran.status.code(), Some(code), "{words:?}: {}", said(&ran));
        assert!(said(&ran).contains(reason), "{words:?}: {}", said(&ran));
        assert!(ran.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_leaves_no_node_and_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = NodeProcess::command();
    command.args(["bench", "earn", "--callers", "2", "--seconds", "600", "--data"]);
    let run = command
        .arg(directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut run = run.spawn().unwrap();
    eventually("a node at work", || async {
        let made = fs::read_dir(directory.path()).unwrap().next()?.unwrap().path();
        made.join("homeroom.sqlite3-wal").exists().then_some(())
    })
    .await;
    let pid = Pid::from_raw(i32::try_from(run.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(run.wait().await.unwrap().code(), Some(130));
    assert_eq!(entries(directory.path()), 0);
}
