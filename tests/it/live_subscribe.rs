//! Taking up topics: what a snapshot shows, who may have which topic, and that no message comes twice or not at all.

use crate::support::{Class, Client, Node, Socket, check_problem};
use serde_json::{Value, json};

/// One award through HTTP.
pub async fn earn(client: &Client, user_id: u64, action_type: &str, reference_id: u64) -> Value {
    let wish = json!({"user_id": user_id, "action_type": action_type, "reference_id": reference_id});
    client.post("/points/earn", wish).await.ok()
}

/// Requires that messages of one topic follow a position without gap or repeat.
#[track_caller]
pub fn check_offsets(messages: &[Value], after: u64) {
    for (message, offset) in messages.iter().zip(after + 1..) {
        assert_eq!(message["offset"], offset, "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_are_the_bodies_that_http_has() {
    let node = Node::start().await;
    let class = Class::of(&node, 3).await;
    let admin = node.admin();
    earn(&admin, 1, "complete_quiz", 5).await;
    let wish = json!({"unit_id": class.units[0], "progress_percentage": 40});
    admin.post("/progress/1", wish).await.expect(200);
    let mut socket = Socket::connect(&admin).await;
    let held = socket.subscribe(&[
        "user:1",
        "team:10",
        "board:all",
        "board:teams",
        "board:team:10",
        "board:qualification:20",
    ]);
    let held = held.await;
    let user = &held[0]["snapshot"];
    assert_eq!(user["progress"], admin.get("/progress/1").await.expect(200));
    assert_eq!(user["achievements"], admin.get("/achievements/1").await.expect(200));
    assert_eq!(held[0]["offset"], 2, "a person's offset counts their events");
    assert_eq!(held[1]["snapshot"], admin.get("/team/10/performance").await.expect(200));
    for (place, board) in [(2, "all"), (3, "teams"), (4, "team:10"), (5, "qualification:20")] {
        let body = admin.get(&format!("/leaderboards/{board}?limit=200")).await.expect(200);
        assert_eq!(held[place]["snapshot"], body, "{board}");
    }
    for topic in &held {
        assert!(topic["epoch"].is_string() && topic["offset"].is_u64(), "{topic}");
        assert_eq!(topic["recovered"], false);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_caller_gets_the_topics_of_the_table() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    Class::import(&node.admin(), 1, 1).await;
    let all = [
        "user:1",
        "user:2",
        "user:1001",
        "team:10",
        "team:1010",
        "board:all",
        "board:teams",
        "board:team:10",
    ];
    let (yes, no, secret) = ("", "forbidden", "unknown_user");
    let team = "unknown_team";
    for (role, person, expected) in [
        ("admin", None, [yes, yes, yes, yes, yes, yes, yes, yes]),
        ("service", None, [yes, yes, yes, yes, yes, yes, yes, yes]),
        ("mentor", Some(900), [yes, yes, secret, yes, team, yes, yes, yes]),
        ("mentor", Some(1900), [secret, secret, yes, team, yes, yes, yes, team]),
        ("student", Some(1), [yes, no, secret, yes, team, yes, yes, yes]),
        ("student", Some(1001), [secret, secret, yes, team, yes, yes, yes, team]),
        ("projector", None, [no, no, no, yes, yes, yes, yes, yes]),
    ] {
        let mut socket = Socket::connect(&node.caller(role, person).await).await;
        let held = socket.subscribe(&all).await;
        for ((topic, code), result) in all.iter().zip(expected).zip(&held) {
            assert_eq!(result["topic"], *topic);
            assert_eq!(
                result["error"]["code"].as_str().unwrap_or(yes),
                code,
                "{role} {person:?} {topic}: {result}"
            );
            if code != yes {
                check_problem(&result["error"]);
                assert!(result["snapshot"].is_null(), "{result}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_no_topic_are_unknown_and_harm_no_other() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let names = [
        "",
        "user",
        "user:",
        "user:x",
        "user:-1",
        "user:0",
        "USER:1",
        "user:01",
        "weather:1",
        "board:",
        "board:alL",
        "board:all:month",
        "board:all:week:day",
        "team:1:2",
        "user:99999999999999999999",
    ];
    for (name, result) in names.iter().zip(socket.subscribe(&names).await) {
        assert_eq!(result["error"]["code"], "unknown_topic", "{name}: {result}");
        assert_eq!(result["error"]["status"], 404, "{name}");
        assert_eq!(result["topic"], *name);
    }
    let held = socket
        .subscribe(&[
            "user:77",
            "board:nonsense",
            "user:1",
            "team:77",
            "board:qualification:77",
        ])
        .await;
    let codes: Vec<&str> = held
        .iter()
        .map(|result| result["error"]["code"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(
        codes,
        [
            "unknown_user",
            "unknown_topic",
            "",
            "unknown_team",
            "unknown_qualification"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_and_the_messages_after_it_have_no_gap_while_others_write() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let writer = admin.clone();
    let writing = tokio::spawn(async move {
        for reference in 1..=120 {
            earn(&writer, 1, "read_content", reference).await;
        }
    });
    for _ in 0..10 {
        let mut socket = Socket::connect(&admin).await;
        let held = socket.subscribe(&["user:1"]).await.remove(0);
        let offset = held["offset"].as_u64().unwrap();
        assert_eq!(held["snapshot"]["progress"]["version"], offset);
        assert_eq!(held["snapshot"]["progress"]["points"]["total"], offset * 10);
        if offset < 120 {
            let messages = socket.until_offset("user:1", (offset + 8).min(120)).await;
            check_offsets(&messages, offset);
            for (message, events) in messages.iter().zip(offset + 1..) {
                assert_eq!(message["data"]["total"], events * 10);
            }
        }
    }
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_twice_gives_each_message_once() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    let twice = socket.subscribe(&["user:1", "user:1"]).await;
    assert_eq!(twice[0]["offset"], twice[1]["offset"]);
    let again = socket.subscribe(&["user:1"]).await.remove(0);
    for reference in 1..=5 {
        earn(&admin, 1, "read_content", reference).await;
    }
    let messages = socket.until_offset("user:1", 5).await;
    assert_eq!(messages.len(), 5);
    check_offsets(&messages, again["offset"].as_u64().unwrap());
    // The pong proves that everything before it has come.
    let pong = socket.request_reply(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
    let back = socket.subscribe_at("user:1", again["epoch"].as_str().unwrap(), 2).await;
    assert_eq!((&back["offset"], &back["recovered"]), (&json!(2), &json!(true)));
    check_offsets(&socket.until_offset("user:1", 5).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsubscribed_topic_is_silent() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    socket.subscribe(&["user:1", "user:2"]).await;
    let gone = socket
        .request_reply(json!({"type": "unsubscribe", "topics": ["user:1", "user:77", "nonsense"]}))
        .await;
    assert_eq!(gone["type"], "unsubscribed");
    earn(&admin, 1, "read_content", 1).await;
    earn(&admin, 2, "read_content", 1).await;
    let message = socket.recv().await;
    assert_eq!(message["topic"], "user:2", "{message}");
}
