//! Positions: what was missed follows in order, across reconnects and restarts, or the reader is told to start anew.

use super::live_subscribe::{check_offsets, earn};
use crate::support::{Class, Client, Node, Socket};
use serde_json::{Value, json};

/// Awards with references from `first` on, as one batch.
pub async fn earn_batch(admin: &Client, user_id: u64, first: u64, count: u64) {
    let events: Vec<Value> = (first..first + count)
        .map(|reference| json!({"kind": "points", "user_id": user_id, "action_type": "read_content", "reference_id": reference}))
        .collect();
    let answer = admin.post("/events", json!({ "events": events })).await.expect(200);
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(result["status"], 201, "{result}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_position_survives_a_restart() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let held = socket.subscribe(&["user:1"]).await.remove(0);
    earn_batch(&node.admin(), 1, 1, 3).await;
    let seen = socket.until_offset("user:1", 3).await;
    earn_batch(&node.admin(), 1, 4, 3).await;
    let missed = socket.until_offset("user:1", 6).await;
    node.restart().await;
    earn_batch(&node.admin(), 1, 7, 2).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let back = socket.subscribe_at("user:1", held["epoch"].as_str().unwrap(), 3).await;
    assert_eq!(
        (&back["recovered"], &back["offset"]),
        (&json!(true), &json!(3)),
        "{back}"
    );
    assert!(back["snapshot"].is_null() && back["epoch"] == held["epoch"]);
    let messages = socket.until_offset("user:1", 8).await;
    check_offsets(&messages, 3);
    assert_eq!(messages[..3], missed[..], "a message says the same whenever it is read");
    check_offsets(&seen, 0);
    earn(&node.admin(), 1, "read_content", 9).await;
    assert_eq!(socket.recv().await["offset"], 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_missed_messages_follow_in_order() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    let epoch = socket.subscribe(&["user:1"]).await[0]["epoch"]
        .as_str()
        .unwrap()
        .to_owned();
    socket.close().await;
    earn_batch(&admin, 1, 1, 1_000).await;
    let mut socket = Socket::connect(&admin).await;
    let back = socket.subscribe_at("user:1", &epoch, 0).await;
    assert_eq!(back["recovered"], true);
    // Live messages of the topic come while it is still being caught up on, and wait their turn.
    earn_batch(&admin, 1, 1_001, 50).await;
    let messages = socket.until_offset("user:1", 1_050).await;
    assert_eq!(messages.len(), 1_050);
    check_offsets(&messages, 0);
    for (message, reference) in messages.iter().zip(1..) {
        assert_eq!(message["data"]["reference_id"], reference);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catching_up_on_one_topic_holds_up_no_other() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    earn_batch(&admin, 1, 1, 1_000).await;
    let mut socket = Socket::connect(&admin).await;
    let epoch = socket.subscribe(&["user:2"]).await[0]["epoch"]
        .as_str()
        .unwrap()
        .to_owned();
    let far_behind = json!({"topic": "user:1", "epoch": epoch, "offset": 0});
    socket.subscribe_to(vec![far_behind]).await;
    earn(&admin, 2, "read_content", 1).await;
    let (mut behind, mut other) = (Vec::new(), None);
    while behind.len() < 1_000 || other.is_none() {
        let message = socket.recv().await;
        if message["topic"] == "user:2" {
            other = Some(behind.len());
        } else {
            behind.push(message);
        }
    }
    check_offsets(&behind, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_cannot_be_recovered_gets_a_snapshot() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    earn_batch(&admin, 1, 1, 3).await;
    let mut socket = Socket::connect(&admin).await;
    let epoch = socket.subscribe(&["user:1"]).await[0]["epoch"]
        .as_str()
        .unwrap()
        .to_owned();
    for (other_epoch, offset) in [("another", 1), (epoch.as_str(), 4), (epoch.as_str(), u64::MAX), ("", 0)] {
        let held = socket.subscribe_at("user:1", other_epoch, offset).await;
        assert_eq!(
            (&held["recovered"], &held["offset"]),
            (&json!(false), &json!(3)),
            "{other_epoch} {offset}"
        );
        assert_eq!(held["snapshot"]["progress"]["points"]["total"], 30);
        assert_eq!(held["epoch"], epoch);
    }
    let head = socket.subscribe_at("user:1", &epoch, 3).await;
    assert_eq!(head["recovered"], true);
    earn(&admin, 1, "read_content", 4).await;
    assert_eq!(socket.recv().await["offset"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_position_is_recovered_or_starts_anew() {
    let mut node = Node::start().await;
    Class::of(&node, 2).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let held = socket.subscribe(&["board:all"]).await.remove(0);
    let (epoch, offset) = (held["epoch"].as_str().unwrap(), held["offset"].as_u64().unwrap());
    earn(&node.admin(), 1, "read_content", 1).await;
    let seen = socket.until_offset("board:all", offset + 1).await;
    let back = socket.subscribe_at("board:all", epoch, offset).await;
    assert_eq!(back["recovered"], true);
    assert_eq!(socket.until_offset("board:all", offset + 1).await, seen);
    node.restart().await;
    let mut socket = Socket::connect(&node.admin()).await;
    let anew = socket.subscribe_at("board:all", epoch, offset).await;
    assert_eq!(anew["recovered"], false, "boards live anew with the node");
    assert_ne!(anew["epoch"], epoch);
    assert_eq!(anew["snapshot"]["entries"][0]["points"], 10);
}
