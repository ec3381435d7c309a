//! Commands over the socket: durable acknowledgements, order, keys, and two tabs that see the same.

use super::live_subscribe::check_offsets;
use crate::support::{Class, Node, Socket};
use serde_json::{Value, json};
use std::collections::HashMap;

fn earn(id: u64, user_id: u64, reference_id: u64) -> Value {
    json!({"type": "earn", "id": id, "user_id": user_id, "action_type": "read_content", "reference_id": reference_id})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_award_is_what_http_shows() {
    let node = Node::start().await;
    let class = Class::of(&node, 1).await;
    let student = node.student(1).await;
    let mut socket = Socket::connect(&student).await;
    let empty = socket.request_reply(json!({"type": "earn"})).await;
    assert_eq!(empty["error"]["code"], "validation", "{empty}");
    let ack = socket.request_reply(earn(0, 1, class.units[0])).await;
    assert_eq!(ack["type"], "ack", "{ack}");
    let data = &ack["data"];
    assert_eq!(
        (&data["awarded"], &data["points"], &data["total"]),
        (&json!(true), &json!(10), &json!(10))
    );
    let ledger = student.get("/points/1").await.expect(200);
    assert_eq!(ledger["items"][0]["event_id"], data["event_id"]);
    let again = socket.request_reply(earn(0, 1, class.units[0])).await;
    assert_eq!(
        (&again["data"]["awarded"], &again["data"]["reason"]),
        (&json!(false), &json!("already_awarded"))
    );
    let progress = json!({"type": "progress", "user_id": 1, "unit_id": class.units[1], "progress_percentage": 100});
    let ack = socket.request_reply(progress).await;
    assert_eq!(ack["type"], "ack", "{ack}");
    assert!(ack["data"]["completed_at"].is_string(), "{ack}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_caller_may_not_do_is_an_error_and_has_no_effect() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let mut socket = Socket::connect(&node.student(1).await).await;
    let quiz = json!({"type": "earn", "user_id": 1, "action_type": "complete_quiz", "reference_id": 101});
    assert_eq!(socket.request_reply(quiz).await["error"]["code"], "forbidden");
    assert_eq!(
        socket.request_reply(earn(0, 2, 101)).await["error"]["code"],
        "forbidden"
    );
    assert_eq!(
        socket.request_reply(earn(0, 900, 101)).await["error"]["code"],
        "unknown_user"
    );
    let mut wall = Socket::connect(&node.caller("projector", None).await).await;
    assert_eq!(wall.request_reply(earn(0, 1, 101)).await["error"]["code"], "forbidden");
    let ledger = node.admin().get("/points/1").await.expect(200);
    assert_eq!(ledger["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn effects_happen_in_the_order_sent() {
    const EARNS: u64 = 200;
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let mut socket = Socket::connect(&node.admin()).await;
    socket.subscribe(&["user:1"]).await;
    for reference in 1..=EARNS {
        socket.send(earn(1_000 + reference, 1, reference)).await;
    }
    let (mut messages, mut totals) = (Vec::new(), HashMap::new());
    while totals.len() < EARNS as usize || messages.len() < EARNS as usize {
        let frame = socket.recv().await;
        match frame["type"].as_str() {
            Some("ack") => {
                let id = frame["id"].as_u64().unwrap();
                assert!(
                    totals.insert(id, frame["data"]["total"].clone()).is_none(),
                    "one reply each"
                );
            }
            Some("points_update") => messages.push(frame),
            _ => panic!("{frame}"),
        }
    }
    check_offsets(&messages, 0);
    for (message, reference) in messages.iter().zip(1..) {
        assert_eq!(message["data"]["reference_id"], reference);
        assert_eq!(message["data"]["total"], reference * 10);
        assert_eq!(totals[&(1_000 + reference)], reference * 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_one_outcome_whichever_way_it_comes() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    let keyed = |reference: u64| {
        let mut wish = earn(0, 1, reference);
        wish["key"] = json!("key-1");
        wish
    };
    let first = socket.request_reply(keyed(1)).await;
    assert_eq!(first["type"], "ack", "{first}");
    let repeat = socket.request_reply(keyed(1)).await;
    assert_eq!(repeat["data"], first["data"]);
    let other = socket.request_reply(keyed(2)).await;
    assert_eq!(other["error"]["code"], "idempotency_key_reused", "{other}");
    let body = json!({"user_id": 1, "action_type": "read_content", "reference_id": 1});
    let http = admin.post_keyed("/points/earn", body, "key-1").await;
    assert!(http.is_replayed());
    assert_eq!(http.ok(), first["data"]);
    let mut bad = earn(0, 1, 3);
    bad["key"] = json!("");
    let refused = socket.request_reply(bad).await;
    assert_eq!(refused["type"], "error", "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_see_the_same_messages() {
    let node = Node::start().await;
    let class = Class::of(&node, 1).await;
    let student = node.student(1).await;
    let mut tabs = [Socket::connect(&student).await, Socket::connect(&student).await];
    for tab in &mut tabs {
        tab.subscribe(&["user:1"]).await;
    }
    for (place, unit) in class.units.iter().enumerate() {
        let ack = tabs[place % 2].request_reply(earn(0, 1, *unit)).await;
        assert_eq!(ack["type"], "ack", "{ack}");
    }
    let [one, other] = &mut tabs;
    let seen = one.until_offset("user:1", 4).await;
    assert_eq!(seen, other.until_offset("user:1", 4).await);
    check_offsets(&seen, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_fact_is_one_message() {
    let node = Node::start().await;
    let class = Class::of(&node, 1).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    socket.subscribe(&["user:1"]).await;
    let ack = socket.request_reply(earn(0, 1, 7)).await;
    let award = ack["data"]["event_id"].as_u64().unwrap();
    socket.request_reply(earn(0, 1, 7)).await;
    let progress = json!({"unit_id": class.units[0], "progress_percentage": 30});
    admin.post("/progress/1", progress).await.expect(200);
    let reason = json!({"reason": "by mistake"});
    admin
        .post(&format!("/points/{award}/reverse"), reason.clone())
        .await
        .ok();
    admin.post(&format!("/points/{award}/reinstate"), reason).await.ok();
    let messages = socket.until_offset("user:1", 5).await;
    check_offsets(&messages, 0);
    let kinds: Vec<&str> = messages
        .iter()
        .map(|message| message["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "points_update",
            "points_refused",
            "progress_update",
            "points_reversed",
            "points_adjusted"
        ]
    );
    let has = |message: &Value, fields: &[&str]| {
        for field in fields {
            assert!(message["data"].get(field).is_some(), "`{field}` of {message}");
        }
    };
    let award_fields = ["event_id", "user_id", "action_type", "reference_id"];
    has(&messages[0], &award_fields);
    has(&messages[0], &["points", "total", "level"]);
    has(&messages[1], &award_fields);
    has(&messages[1], &["reason", "retry_at"]);
    has(
        &messages[2],
        &[
            "user_id",
            "unit_id",
            "progress_percentage",
            "last_accessed",
            "completed_at",
        ],
    );
    has(
        &messages[3],
        &["event_id", "reversed_event_id", "points", "total", "level", "reason"],
    );
    has(&messages[4], &["event_id", "points", "total", "reason"]);
    assert_eq!(messages[3]["data"]["points"], -10);
    assert_eq!(messages[3]["data"]["total"], 0);
    assert_eq!(messages[3]["data"]["reason"], "by mistake");
    assert_eq!(messages[4]["data"]["total"], 10);
}
