//! The AsyncAPI document as a document: its examples are what it says, the public validator finds nothing, and each of its
//! messages is one that a node sends. That messages are as it says is checked on every one that the suite gets.

use super::document::{tool, without_tool};
use super::live_subscribe::earn;
use crate::support::{Class, Events, Node, Socket, live_document};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::process::Command;

/// Messages of the node that no test can see: what a purge leaves is before every position that is still good.
const UNSEEN: &[&str] = &["StateCarried"];

#[test]
fn every_example_is_what_its_schema_says() {
    let document = live_document::document();
    let messages = document["components"]["messages"].as_object().unwrap();
    for (name, message) in messages {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name} has none");
        for example in examples {
            let faults = live_document::faults_of(&message["payload"], &example["payload"]);
            assert!(faults.is_empty(), "{name}: {faults:?}");
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            let faults = live_document::faults_of(schema, example);
            assert!(faults.is_empty(), "{name}: {faults:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_served_to_anybody_and_linked() {
    let node = Node::start().await;
    let served = node.anonymous().get("/asyncapi.json").await.expect(200);
    assert_eq!(&served, live_document::document());
    let page = node.anonymous().get("/docs").await;
    assert!(page.text.contains("href=\"/asyncapi.json\""));
}

#[tokio::test]
async fn the_public_validator_finds_nothing() {
    let (Some(node), Some(parser)) = (tool("node"), tool("lint/node_modules/@asyncapi/parser")) else {
        return without_tool("live_document", "the parser of AsyncAPI");
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("asyncapi.json");
    std::fs::write(&file, homeroom::http::asyncapi_document()).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/lint/asyncapi.cjs");
    let run = Command::new(node)
        .arg(program)
        .arg(parser)
        .arg(&file)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("valid, 0 findings"), "it has not looked: {said}");
}

/// Waits for a message of this kind.
async fn until(socket: &mut Socket, kind: &str) -> Value {
    socket
        .collect_until(|messages| messages.last().is_some_and(|message| message["type"] == kind))
        .await
        .pop()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_of_the_node_comes_and_is_as_described() {
    let mut node = Node::start().await;
    let class = Class::of(&node, 2).await;
    Class::import(&node.admin(), 1, 2).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    socket.send_text("no message").await;
    until(&mut socket, "error").await;
    socket.request_reply(json!({"type": "ping"})).await;
    let topics = [
        "user:1",
        "user:2",
        "team:10",
        "board:all",
        "board:teams:week",
        "user:77777",
        "announcements",
        "presence:10",
        "honours",
    ];
    socket.subscribe(&topics).await;
    let wish = json!({"type": "earn", "user_id": 1, "action_type": "complete_quiz", "reference_id": 1});
    let made = socket.request_reply(wish.clone()).await;
    until(&mut socket, "points_update").await;
    socket.request_reply(wish).await;
    until(&mut socket, "points_refused").await;
    let unit = class.units[0];
    let wish = json!({"type": "progress", "user_id": 1, "unit_id": unit, "progress_percentage": 100});
    socket.request_reply(wish).await;
    until(&mut socket, "progress_update").await;
    let event_id = &made["data"]["event_id"];
    let reason = json!({"reason": "copied"});
    admin.post(&format!("/points/{event_id}/reverse"), reason).await.ok();
    until(&mut socket, "points_reversed").await;
    admin
        .post(&format!("/points/{event_id}/reinstate"), json!({}))
        .await
        .ok();
    until(&mut socket, "points_adjusted").await;
    // Enough of everything for an achievement.
    for unit in &class.units {
        let wish = json!({"unit_id": unit, "progress_percentage": 100});
        admin.post("/progress/1", wish).await.ok();
        earn(&admin, 1, "read_content", *unit).await;
        let quiz =
            json!({"user_id": 1, "action_type": "complete_quiz", "reference_id": unit, "evidence": {"score": 1.0}});
        admin.post("/points/earn", quiz).await.ok();
    }
    for reference in 1_000..1_040 {
        let quiz = json!({"user_id": 1, "action_type": "complete_quiz", "reference_id": reference, "evidence": {"score": 1.0}});
        admin.post("/points/earn", quiz).await.ok();
    }
    let resource =
        json!({"user_id": 1, "action_type": "contribute_resource", "reference_id": 1, "evidence": {"quality": 1.0}});
    admin.post("/points/earn", resource).await.ok();
    let have_come = |messages: &[Value], kinds: [&str; 2]| {
        let came = |kind: &str| messages.iter().any(|message| message["type"] == kind);
        kinds.into_iter().all(came)
    };
    socket
        .collect_until(|messages| have_come(messages, ["achievement_unlocked", "honour"]))
        .await;
    for kind in ["team_update", "leaderboard_update"] {
        earn(&admin, 2, "read_content", 5_000 + kind.len() as u64).await;
        until(&mut socket, kind).await;
    }
    socket
        .request_reply(json!({"type": "unsubscribe", "topics": ["user:2"]}))
        .await;
    let _present = Socket::connect(&node.student(2).await).await;
    until(&mut socket, "presence_update").await;
    // One that is taken back, and a person who is here under another name, begin their topics anew.
    let announced = json!({"text": "We begin at ten."});
    let announced = admin.post("/announcements", announced).await.ok();
    until(&mut socket, "announcement").await;
    let path = format!("/announcements/{}", announced["announcement_id"]);
    admin.delete(&path).await.expect(204);
    until(&mut socket, "snapshot").await;
    admin.patch("/users/2", json!({"alias": "Meteor"})).await.ok();
    until(&mut socket, "snapshot").await;
    // A mentor who loses a team sees a person's topic no more; a name that changes eyes starts topics anew.
    let mentor = node.mentor(1_900).await;
    let mut socket = Socket::connect(&mentor).await;
    socket.subscribe(&["user:1001", "team:1010", "board:team:1010"]).await;
    admin.patch("/teams/1010", json!({"mentor_id": 900})).await.ok();
    until(&mut socket, "unsubscribed").await;
    let mut events = Events::open(&admin, "user:1").await;
    events.subscribed().await;
    node.stop().await;
    events.closed().await;
    let messages = live_document::document()["components"]["messages"].as_object().unwrap();
    let requests = ["Subscribe", "Unsubscribe", "Earn", "Progress", "Ping"];
    // Snapshots that come unasked need a reader who is too slow, or other eyes; `live_end` and `live_lenses` see to those.
    let elsewhere = ["UserTopicSnapshot", "TeamTopicSnapshot", "BoardTopicSnapshot"];
    let seen = live_document::seen();
    let missing: BTreeSet<&str> = messages
        .keys()
        .map(String::as_str)
        .filter(|name| !seen.contains(name) && !requests.contains(name))
        .filter(|name| ![UNSEEN, &elsewhere[..]].concat().contains(name))
        .collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
