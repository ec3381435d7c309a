//! The command line: help, mistakes that are explained, and which setting wins.

use crate::support::{ADMIN_TOKEN, NodeProcess};
use std::process::{Output, Stdio};

async fn output(arguments: &[&str]) -> Output {
    let mut command = NodeProcess::command();
    command.args(arguments).stdout(Stdio::piped());
    command.output().await.expect("the binary runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_explains_itself() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["replay", "--help"],
        &["demo", "--help"],
        &["--version"],
    ] {
        let output = output(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", output.status);
        assert!(!output.stdout.is_empty(), "{arguments:?} says nothing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_is_explained_and_never_a_panic() {
    let cases: [&[&str]; 7] = [
        &["dance"],
        &["serve", "--no-such-flag"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--listen", "127.0.0.1:99999"],
        &["serve", "--config", "no-such-file.toml"],
        &["serve", "--database-url", "nonsense://x"],
        &["replay"],
    ];
    let directory = tempfile::tempdir().unwrap();
    for arguments in cases {
        let mut command = NodeProcess::command();
        command.args(arguments).current_dir(directory.path());
        let output = command.output().await.expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code().is_some_and(|code| code != 0),
            "{arguments:?}: {}",
            output.status
        );
        assert!(
            !said.trim().is_empty() && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let file = place("homeroom.toml");
    std::fs::write(
        &file,
        format!("data = \"{}\"\nlisten = \"127.0.0.1:0\"\n", place("from-file")),
    )
    .unwrap();
    for winner in ["from-file", "from-environment", "from-flag"] {
        let mut command = NodeProcess::command();
        command
            .args(["serve", "--config", &file])
            .env("HOMEROOM_ADMIN_TOKEN", ADMIN_TOKEN);
        if winner != "from-file" {
            command.env("HOMEROOM_DATA", place("from-environment"));
        }
        if winner == "from-flag" {
            command.args(["--data", &place("from-flag")]);
        }
        let mut node = NodeProcess::run(command);
        node.ready().await;
        node.sigterm().await;
        assert_eq!(node.wait().await.code(), Some(0), "{}", node.stderr());
        assert!(
            std::path::Path::new(&place(winner)).exists(),
            "the data is not in {winner}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(directory.path()).await;
    let made = node
        .admin()
        .post("/tokens", serde_json::json!({"role": "projector"}))
        .await
        .expect(201);
    let secret = made["token"].as_str().unwrap().to_owned();
    let ticket = node
        .with_token(&secret)
        .post("/tickets", serde_json::json!({}))
        .await
        .expect(201)["ticket"]
        .clone();
    let path = format!("/ws?ticket={}", ticket.as_str().unwrap());
    let _ = crate::support::Socket::try_connect_path(&node.anonymous(), &path, &[]).await;
    node.sigterm().await;
    node.wait().await;
    for secret in [ADMIN_TOKEN, &secret, ticket.as_str().unwrap()] {
        assert!(!node.stderr().contains(secret), "a secret stands in the log");
    }
}
