//! F-D12 and what a directory means: one node a directory, everything in it, nothing lost by stopping.

use crate::support::{ADMIN_TOKEN, Class, Node, NodeProcess, earn, left_out, report_row, store};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd12_a_second_node_on_a_directory_ends_with_a_message() {
    let directory = store::directory_of_files();
    let first = NodeProcess::start(directory.path()).await;
    first
        .admin()
        .post("/users", json!({"id": 1, "name": "A"}))
        .await
        .expect(201);
    let mut second = NodeProcess::spawn(directory.path(), &[]);
    let status = second.wait().await;
    assert!(!status.success(), "{status}");
    assert!(status.code().is_some(), "it ends by itself: {status}");
    let said = second.stderr_with("another node").await;
    assert!(!said.contains("panicked"), "{said}");
    first.admin().get("/users/1").await.expect(200);
    let outcome = "it ends with a message, the first goes on";
    report_row("F-D12", "a second node on a directory", 1, outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd12_a_crash_leaves_no_lock_behind() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut node = NodeProcess::start(directory.path()).await;
        node.admin()
            .post("/users", json!({"name": format!("Round {round}")}))
            .await
            .expect(201);
        node.kill9().await;
    }
    let node = NodeProcess::start(directory.path()).await;
    let users = node.admin().get("/users").await.expect(200);
    assert_eq!(users["items"].as_array().unwrap().len(), 3);
    report_row(
        "F-D12",
        "`kill -9` of the node with the lock",
        3,
        "no lock stays behind",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd12_a_directory_that_cannot_be_written_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
    // Root writes everywhere; a file in the way of the directory stops everybody.
    let in_the_way = directory.path().join("file");
    std::fs::write(&in_the_way, "not a directory").unwrap();
    let is_root = std::fs::write(closed.join("probe"), "x").is_ok();
    let places = [(&closed, is_root), (&in_the_way, false)];
    for (place, is_writable_after_all) in places {
        if is_writable_after_all {
            left_out("F-D12", "a read-only directory", "this user may write everywhere");
            continue;
        }
        let mut node = NodeProcess::spawn(place, &[]);
        let status = node.wait().await;
        assert!(!status.success() && status.code().is_some(), "{status}");
        let said = node.stderr_with(place.file_name().unwrap().to_str().unwrap()).await;
        assert!(!said.contains("panicked"), "{said}");
    }
    let read_only = std::path::Path::new("/proc/homeroom");
    let mut node = NodeProcess::spawn(read_only, &[]);
    assert!(!node.wait().await.success());
    let outcome = "the start is refused with a message";
    report_row("F-D12", "a directory that cannot be written", 2, outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_a_message_and_an_exit_code() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = NodeProcess::start(one.path()).await;
    let address = first.admin().base().strip_prefix("http://").unwrap().to_owned();
    let mut command = NodeProcess::command();
    command
        .arg("serve")
        .arg("--data")
        .arg(other.path())
        .args(["--listen", &address]);
    command.env("HOMEROOM_ADMIN_TOKEN", ADMIN_TOKEN);
    let mut second = NodeProcess::run(command);
    assert!(!second.wait().await.success());
    let said = second.stderr_with(&address).await;
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_everything_reads_the_same_after_a_restart() {
    let mut node = Node::start().await;
    Class::of(&node, 6).await;
    let admin = node.admin();
    admin.patch("/users/2", json!({"alias": "Comet"})).await.ok();
    let mut awards = Vec::new();
    for user_id in 1..=6_u64 {
        for reference in 101..=101 + user_id % 4 {
            let mut wish = earn(user_id, "complete_quiz", reference);
            wish["evidence"] = json!({"score": 0.1 + user_id as f64 / 10.0, "duration_ms": 1000 * user_id});
            awards.push(admin.post("/points/earn", wish).await.expect(201)["event_id"].clone());
            let progress = json!({"unit_id": reference, "progress_percentage": 16 * user_id});
            admin.post(&format!("/progress/{user_id}"), progress).await.ok();
        }
        admin
            .post("/points/earn", earn(user_id, "complete_quiz", 101))
            .await
            .expect(200);
    }
    let team = json!({"user_id": 1, "action_type": "team_achievement", "reference_id": 9, "evidence": {"team_id": 10}});
    admin.post("/points/earn", team).await.expect(201);
    admin
        .post(&format!("/points/{}/reverse", awards[0]), json!({"reason": "r"}))
        .await
        .ok();
    admin
        .post(&format!("/points/{}/reverse", awards[3]), json!({"reason": "r"}))
        .await
        .ok();
    admin
        .post(&format!("/points/{}/reinstate", awards[3]), json!({}))
        .await
        .ok();
    let before = everything(&node).await;
    for _ in 0..2 {
        node.restart().await;
        let after = everything(&node).await;
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after);
        }
    }
}

/// All that a node shows of six people, without what lives with the process (epochs and versions of boards).
async fn everything(node: &Node) -> Vec<(String, Value)> {
    let admin = node.admin();
    let mut paths: Vec<String> = ["/users", "/teams", "/units", "/qualifications", "/team/10/performance"]
        .map(String::from)
        .into();
    for board in ["all", "teams", "team:10", "qualification:20"] {
        paths.push(format!("/leaderboards/{board}"));
    }
    for user_id in 1..=6 {
        for read in ["progress", "achievements", "points", "users"] {
            paths.push(format!("/{read}/{user_id}"));
        }
    }
    let mut all = Vec::new();
    for path in paths {
        let mut body = admin.get(&path).await.expect(200);
        if path.contains("leaderboards") || path.contains("performance") {
            let fields = body.as_object_mut().unwrap();
            fields.remove("epoch");
            fields.remove("version");
        }
        all.push((path, body));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_is_rebuilt_from_the_journal() {
    let mut node = Node::start_on_a_file().await;
    Class::of(&node, 1).await;
    let events: Vec<Value> = (1..=400)
        .map(|reference| {
            let mut event = earn(1, "read_content", reference);
            event["kind"] = json!("points");
            event
        })
        .collect();
    node.admin()
        .post("/events", json!({"events": events}))
        .await
        .expect(200);
    node.restart().await;
    let before = node.admin().get("/progress/1").await.expect(200);
    node.stop().await;
    let damaged = damage_snapshots(node.directory());
    assert!(damaged > 0, "stopping stored no snapshot: the fault did not happen");
    node.start_again().await;
    assert_eq!(node.admin().get("/progress/1").await.expect(200), before);
    assert_eq!(before["points"]["total"], 4_000);
    let next = node
        .admin()
        .post("/points/earn", earn(1, "read_content", 401))
        .await
        .expect(201);
    assert_eq!(next["total"], 4_010);
    let outcome = "rebuilt from the journal, the same answers";
    report_row("F-D9", "flipped bytes in stored snapshots", damaged as u64, outcome);
}

/// Flips bytes in every stored snapshot of a stopped node, and says how many there were.
fn damage_snapshots(directory: &std::path::Path) -> usize {
    let file = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let starts = std::fs::read(path).unwrap_or_default();
            starts.starts_with(b"SQLite format 3")
        })
        .expect("a database file");
    let database = rusqlite::Connection::open(file).unwrap();
    let column: String = database
        .query_row(
            "SELECT name FROM pragma_table_info('snapshots') WHERE type LIKE '%BLOB%' LIMIT 1",
            [],
            |row| row.get(0),
        )
        .expect("snapshots hold bytes");
    database
        .execute(
            &format!(
                "UPDATE snapshots SET {column} = CAST(substr({column}, 1, length({column}) - 1) || x'a5' AS BLOB)"
            ),
            [],
        )
        .unwrap()
}
