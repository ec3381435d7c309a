//! `homeroom privacy purge`: what is old becomes one fact for each learner, and nothing that counts changes by it.

use crate::class::{self, compare, play};
use crate::support::{
    Class, Node, Socket, database, earn, homeroom, position, printed, said, sound_backup, whole_ledger,
};
use serde_json::{Value, json};
use std::path::Path;

const DAY_MS: i64 = 86_400_000;

/// Makes the first `share` hundredths of the journal of a stopped node 500 days older.
fn age(directory: &Path, share: i64) {
    let file = rusqlite::Connection::open(database(directory)).unwrap();
    let sql = "UPDATE events SET recorded_at = recorded_at - ?1 WHERE event_id <= (SELECT max(event_id) FROM events) * ?2 / 100";
    file.execute(sql, [500 * DAY_MS, share]).unwrap();
}

async fn purge(directory: &Path, more: &[&str]) -> Value {
    let data = directory.to_str().unwrap();
    let mut arguments = vec!["privacy", "purge", "--older-than", "400d", "--json", "--data", data];
    arguments.extend(more);
    let done = homeroom(arguments).await;
    assert!(done.status.success(), "{}", said(&done));
    printed(&done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_stands_as_before_when_its_first_days_are_purged() {
    let mut node = Node::start_on_a_file().await;
    let first_day = play::first_day();
    let figures = class::figures(&first_day);
    play::class(&node, &class::directory(), &first_day).await;
    compare::standings(&node, &figures).await;
    let (epoch, offset) = position(&node.admin(), "user:1").await;
    // Twice, so that a carried state is carried on.
    for share in [15, 35] {
        node.stop().await;
        age(node.directory(), share);
        let would = purge(node.directory(), &["--dry-run"]).await;
        let done = purge(node.directory(), &["--yes"]).await;
        assert_eq!(
            (&would["events"], &would["learners"]),
            (&done["events"], &done["learners"])
        );
        assert!(done["events"].as_u64() > Some(50), "{done}");
        let again = purge(node.directory(), &["--yes"]).await;
        assert_eq!(again["learners"], 0, "nothing is left to do");
        let copies = tempfile::tempdir().unwrap();
        sound_backup(node.directory(), &copies.path().join("purged.sqlite3")).await;
        node.start_again().await;
        compare::standings(&node, &figures).await;
    }
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    let old = socket.subscribe_at("user:1", &epoch, 1).await;
    assert_eq!(
        (&old["recovered"], &old["offset"]),
        (&json!(false), &json!(offset)),
        "{old}"
    );
    assert!(old["snapshot"].is_object());
    let young = socket
        .subscribe_at("user:2", &epoch, position(&admin, "user:2").await.1 - 1)
        .await;
    assert_eq!(young["recovered"], true, "{young}");
    for user in 1..=12 {
        let entries = whole_ledger(&admin, user).await;
        let sum: i64 = entries.iter().map(|entry| entry["points"].as_i64().unwrap()).sum();
        assert_eq!(figures["learners"][user.to_string()]["total"], sum);
        assert_eq!(entries.last().unwrap()["kind"], "carried");
    }
    let audit = admin.get("/audit?act=history_purged").await.expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_purged_is_gone_and_stays_used() {
    const SECRET: &str = "Zq9v-entered-for-the-wrong-child";
    let mut node = Node::start_on_a_file().await;
    let class = Class::of(&node, 2).await;
    let admin = node.admin();
    let award = admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201);
    let reverse = format!("/points/{}/reverse", award["event_id"]);
    admin.post(&reverse, json!({"reason": SECRET})).await.expect(201);
    admin
        .post("/points/earn", earn(1, "read_content", class.units[0]))
        .await
        .expect(201);
    let before = admin.get("/leaderboards/all").await.expect(200)["entries"].clone();
    let running = homeroom([
        "privacy",
        "purge",
        "--older-than",
        "400d",
        "--yes",
        "--data",
        node.directory().to_str().unwrap(),
    ]);
    let running = running.await;
    assert_eq!(running.status.code(), Some(1), "{}", said(&running));
    assert!(said(&running).contains("another node is running"), "{}", said(&running));
    node.stop().await;
    age(node.directory(), 100);
    let done = purge(node.directory(), &["--yes"]).await;
    assert_eq!((&done["learners"], &done["events"]), (&json!(1), &json!(3)));
    for file in std::fs::read_dir(node.directory()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
    node.start_again().await;
    let admin = node.admin();
    assert_eq!(admin.get("/leaderboards/all").await.expect(200)["entries"], before);
    let again = admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(200);
    assert_eq!(again["reason"], "already_awarded");
    admin
        .post(&reverse, json!({"reason": "r"}))
        .await
        .problem(404, "unknown_event");
    let entries = whole_ledger(&admin, 1).await;
    assert_eq!(entries.len(), 2, "the receipt and the carried state");
    assert_eq!(
        (&entries[1]["kind"], &entries[1]["points"]),
        (&json!("carried"), &json!(10))
    );
    admin
        .post("/points/earn", earn(1, "complete_quiz", 6))
        .await
        .expect(201);
    assert_eq!(whole_ledger(&admin, 1).await[0]["total"], 60);
}

#[tokio::test]
async fn what_is_young_or_not_there_is_not_purged() {
    let nowhere = tempfile::tempdir().unwrap();
    let data = nowhere.path().to_str().unwrap();
    for (arguments, code) in [
        (["--older-than", "400d", "--yes"], 5),
        (["--older-than", "20d", "--yes"], 2),
        (["--older-than", "400d", "--json"], 5),
    ] {
        let mut all = vec!["privacy", "purge", "--data", data];
        all.extend(arguments);
        let refused = homeroom(all).await;
        assert_eq!(refused.status.code(), Some(code), "{}", said(&refused));
    }
}
