//! The doctor: with and without a node on the directory, and when something is wrong.

use crate::support::{Homeroom, NodeProcess, store};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

fn check<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let checks = answer["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_looks_with_and_without_a_node_and_disturbs_neither() {
    let directory = store::directory_of_files();
    let data = directory.path().join("data");
    let arguments = ["doctor", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let homeroom = Homeroom::in_directory(directory.path());
    let before = homeroom.json(&arguments).await;
    assert_eq!(before["ok"], true, "{before}");
    assert!(!data.exists(), "a look makes no directory");

    let mut node = NodeProcess::start(&data).await;
    let running = homeroom.json(&arguments).await;
    assert_eq!(running["ok"], true, "{running}");
    assert!(
        check(&running, "lock")["found"]
            .as_str()
            .unwrap()
            .contains("is running"),
        "{running}"
    );
    assert!(
        check(&running, "sync")["found"].as_str().unwrap().contains("median"),
        "{running}"
    );
    assert!(
        check(&running, "database")["found"]
            .as_str()
            .unwrap()
            .contains("schema"),
        "{running}"
    );
    node.admin()
        .post("/users", serde_json::json!({"name": "Ada Example"}))
        .await
        .expect(201);
    node.sigterm().await;
    assert_eq!(node.wait().await.code(), Some(0));

    let stopped = homeroom.json(&arguments).await;
    assert!(
        check(&stopped, "lock")["found"].as_str().unwrap().contains("free"),
        "{stopped}"
    );
    assert!(
        check(&stopped, "last event")["found"]
            .as_str()
            .unwrap()
            .contains("recorded at"),
        "{stopped}"
    );
    let left: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains("doctor")),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_fails_with_what_to_do() {
    let directory = store::directory_of_files();
    let here = directory.path();
    std::fs::write(here.join("admin-token"), "secret").unwrap();
    std::fs::set_permissions(here.join("admin-token"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(here.join("homeroom.sqlite3"), "this is no database").unwrap();
    let homeroom = Homeroom::in_directory(here);
    let said = homeroom
        .run(&["doctor", "--data", ".", "--listen", "127.0.0.1:0", "--json"])
        .await
        .expect(1);
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    for name in ["admin token", "database"] {
        assert_eq!(check(&answer, name)["status"], "fail", "{answer}");
        assert!(!check(&answer, name)["advice"].as_str().unwrap().is_empty(), "{answer}");
    }
    let table = homeroom
        .run(&["doctor", "--data", ".", "--listen", "127.0.0.1:0"])
        .await
        .expect(1)
        .stdout;
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("fail") && line.contains("chmod 600")),
        "{table}"
    );
    homeroom
        .run(&["doctor", "--time-zone", "Mars/Olympus"])
        .await
        .expect(2)
        .with_error("time_zone");
}
