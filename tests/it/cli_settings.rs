//! The settings from outside: written, checked, shown, and what is said when one cannot be used.

use crate::support::NodeProcess;
use std::path::Path;
use std::process::{Output, Stdio};

async fn run(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = NodeProcess::command();
    command.args(arguments).current_dir(directory).stdout(Stdio::piped());
    command.envs(environment.iter().copied());
    command.output().await.expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_writes_a_file_that_can_be_used_and_overwrites_none() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert_eq!(run(here, &["init"], &[]).await.status.code(), Some(0));
    let written = std::fs::read_to_string(here.join("homeroom.toml")).unwrap();
    assert!(written.contains("\n#listen = \"127.0.0.1:8080\"\n"), "{written}");
    let checked = run(here, &["config", "check", "homeroom.toml"], &[]).await;
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    std::fs::write(here.join("homeroom.toml"), "mine = true").unwrap();
    let again = run(here, &["init"], &[]).await;
    assert_eq!(again.status.code(), Some(5));
    assert!(said(&again).contains("--force"), "{}", said(&again));
    assert_eq!(
        std::fs::read_to_string(here.join("homeroom.toml")).unwrap(),
        "mine = true"
    );
    assert_eq!(run(here, &["init", "--force"], &[]).await.status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(here.join("homeroom.toml")).unwrap(), written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_line_is_named_with_its_number_by_check_and_by_serve() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    std::fs::write(
        here.join("x.toml"),
        "# first\nlisten = \"127.0.0.1:0\"\nboard_windw = 5\n",
    )
    .unwrap();
    for arguments in [&["config", "check", "x.toml"][..], &["serve", "--config", "x.toml"]] {
        let output = run(here, arguments, &[]).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = said(&output);
        assert!(said.contains("x.toml line 3"), "{said}");
        assert!(said.contains("did you mean board_window?"), "{said}");
    }
    let json = run(here, &["config", "check", "x.toml", "--json"], &[]).await;
    let answer: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["errors"][0]["place"], "x.toml line 3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn show_tells_where_each_value_came_from_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    std::fs::write(here.join("x.toml"), "\ntime_zone = \"Europe/Berlin\"\n").unwrap();
    let environment = [
        ("HOMEROOM_CONFIG", "x.toml"),
        ("HOMEROOM_BOARD_WINDOW", "30"),
        ("HOMEROOM_LISTEN", ""),
        ("HOMEROOM_ADMIN_TOKEN", "very-secret-token"),
    ];
    let arguments = ["config", "show", "--json", "--projector-places", "9"];
    let output = run(here, &arguments, &environment).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = answer["settings"].as_array().unwrap();
    for (name, value, from) in [
        ("time_zone", serde_json::json!("Europe/Berlin"), "x.toml line 2"),
        ("board_window", 30.into(), "environment HOMEROOM_BOARD_WINDOW"),
        ("projector_places", 9.into(), "flag --projector-places"),
        ("listen", "127.0.0.1:8080".into(), "default"),
        ("admin_token", "(secret)".into(), "environment HOMEROOM_ADMIN_TOKEN"),
    ] {
        let found = settings.iter().find(|setting| setting["name"] == name).unwrap();
        assert_eq!((&found["value"], &found["from"]), (&value, &from.into()), "{name}");
    }
    let table = run(here, &["config", "show"], &environment).await;
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(!table.contains("very-secret"), "{table}");
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("time_zone") && line.ends_with("x.toml line 2")),
        "{table}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_told_with_who_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(directory.path(), &["serve", "--listen", &address], &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(
        said.contains("is in use by") && said.contains(&std::process::id().to_string()),
        "{said}"
    );
}
