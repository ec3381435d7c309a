//! The commands `replay`, `import` and `demo` as people start them: what they print, how they exit, what they leave behind.

use crate::support::{ADMIN_TOKEN, Node};
use homeroom::replay::plan::Shape;
use homeroom::replay::sample;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

fn homeroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homeroom"));
    command.args(arguments).kill_on_drop(true);
    for name in ["HOMEROOM_TOKEN", "HOMEROOM_URL"] {
        command.env_remove(name);
    }
    command
}

async fn run(arguments: &[&str]) -> Output {
    homeroom(arguments).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn write_sample(directory: &Path, shape: Shape) {
    for (name, content) in sample::files(shape) {
        std::fs::write(directory.join(name), content).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_reports_as_a_table_and_as_json() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    write_sample(directory.path(), Shape::Moodle);
    let path = directory.path().to_string_lossy().into_owned();
    let admin = node.admin();
    let arguments = ["replay", &path, "--url", admin.base(), "--token", ADMIN_TOKEN, "--fast"];
    let table = run(&arguments).await;
    assert!(table.status.success(), "{}", text(&table.stderr));
    let told = text(&table.stdout);
    assert!(
        told.contains("complete_quiz") && told.contains("m5-sp18.csv line 2"),
        "{told}"
    );
    let again = run(&[&arguments[..], &["--json"]].concat()).await;
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        (&report["commands_failed"], &report["rows_skipped"]),
        (&json!(0), &json!(3))
    );
    let line = told.lines().find(|line| line.starts_with("all ")).unwrap();
    let points = line.split_whitespace().last().unwrap();
    assert_eq!(report["points"].to_string(), points, "the second time says the same");
}

#[tokio::test]
async fn replay_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_string_lossy().into_owned();
    write_sample(directory.path(), Shape::Oulad);
    std::fs::remove_file(directory.path().join("courses.csv")).unwrap();
    for (arguments, words) in [
        (vec!["replay", path.as_str(), "--fast"], "courses.csv is missing"),
        (vec!["replay", "no/such/place"], "cannot read no/such/place"),
    ] {
        let output = run(&arguments).await;
        assert_eq!(output.status.code(), Some(5));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
    write_sample(directory.path(), Shape::Oulad);
    let output = run(&["replay", &path, "--fast", "--data", &path]).await;
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stderr).contains("HOMEROOM_TOKEN"),
        "{}",
        text(&output.stderr)
    );
    let output = run(&["replay", &path, "--dry-run"]).await;
    assert!(output.status.success() && text(&output.stdout).contains("nothing was sent"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_keeps_all_or_names_the_bad_rows() {
    let node = Node::start().await;
    let admin = node.admin();
    let arguments = ["import", "-", "--url", admin.base(), "--token", ADMIN_TOKEN];
    let import = async |roster: Value| {
        let mut child = homeroom(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(roster.to_string().as_bytes()).await.unwrap();
        drop(input);
        child.wait_with_output().await.unwrap()
    };
    let good = json!({"users": [{"id": 7, "name": "Ada"}], "teams": [{"id": 3, "name": "Blue"}]});
    let output = import(good).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout)
            .lines()
            .any(|line| line.starts_with("users") && line.ends_with('1'))
    );
    let bad = json!({"users": [{"id": 8, "name": "Bo"}], "team_members": [{"team_id": 99, "user_id": 8}]});
    let output = import(bad).await;
    assert_eq!(output.status.code(), Some(5));
    let told = text(&output.stderr);
    assert!(
        told.contains("nothing was kept") && told.contains("team_members"),
        "{told}"
    );
    assert_eq!(admin.get("/users/8").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_shows_a_moving_board_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--seconds", "8", "--speed", "20"];
    let output = homeroom(&arguments).env("TMPDIR", place.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(
        told.contains("/leaderboards/all") && told.contains("demo --follow"),
        "{told}"
    );
    assert!(
        told.lines().any(|line| line.contains(" s  1. ") && line.contains("(+")),
        "{told}"
    );
    assert_eq!(
        std::fs::read_dir(place.path()).unwrap().count(),
        0,
        "the directory is gone"
    );
}
