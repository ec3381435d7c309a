//! Frames that cannot be understood, and the bounds of the protocol: each has its answer or its close code.

use crate::support::{Class, Closed, Node, Socket, check_problem};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Sends text and requires an `error` with this code, and with the id if one is expected.
async fn mistaken(socket: &mut Socket, text: &str, code: &str, id: Value) {
    socket.send_text(text).await;
    let error = socket.recv().await;
    assert_eq!(error["type"], "error", "{text}: {error}");
    assert_eq!(error["error"]["code"], code, "{text}: {error}");
    assert_eq!(error["id"], id, "{text}: {error}");
    check_problem(&error["error"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_understood_is_answered_and_the_session_goes_on() {
    let node = Node::start().await;
    let mut socket = Socket::connect(&node.admin()).await;
    let socket = &mut socket;
    let deep = format!(r#"{{"type":"ping","x":{}}}"#, "[".repeat(60_000));
    for text in [
        "",
        "{",
        "hello",
        "[]",
        "null",
        "7",
        r#"{"type":"ping","id":1e999}"#,
        &deep,
    ] {
        mistaken(socket, text, "invalid_json", Value::Null).await;
    }
    mistaken(socket, r#"{"type":"dance","id":7}"#, "unknown_type", json!(7)).await;
    mistaken(socket, r#"{"type":"dance"}"#, "unknown_type", Value::Null).await;
    mistaken(socket, r#"{"id":"x"}"#, "validation", json!("x")).await;
    mistaken(socket, r#"{"type":1,"id":2.5}"#, "validation", json!(2.5)).await;
    mistaken(socket, r#"{"type":"ping","id":[]}"#, "validation", Value::Null).await;
    mistaken(socket, r#"{"type":"subscribe","topics":[]}"#, "validation", Value::Null).await;
    mistaken(socket, r#"{"type":"subscribe","id":3}"#, "validation", json!(3)).await;
    mistaken(
        socket,
        r#"{"type":"subscribe","id":3,"topics":[{"epoch":"e"}]}"#,
        "validation",
        json!(3),
    )
    .await;
    mistaken(socket, r#"{"type":"earn","id":4}"#, "validation", json!(4)).await;
    let unknown = r#"{"type":"earn","id":5,"user_id":77,"action_type":"read_content","reference_id":1}"#;
    mistaken(socket, unknown, "unknown_user", json!(5)).await;
    let pong = socket.request_reply(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_and_types_that_nobody_knows_do_no_harm() {
    let node = Node::start().await;
    let mut socket = Socket::connect(&node.admin()).await;
    let pong = socket
        .request_reply(json!({"type": "ping", "new_field": {"a": [1]}}))
        .await;
    assert_eq!(pong["type"], "pong");
}

async fn closed_by(frames: Vec<Message>) -> Closed {
    let node = Node::start().await;
    let mut socket = Socket::connect(&node.admin()).await;
    for frame in frames {
        // The node may close while the rest is still being sent.
        let _ = socket.try_send_raw(frame).await;
    }
    socket.closed().await
}

fn raw(payload: &'static [u8], opcode: Data, is_final: bool) -> Message {
    Message::Frame(RawFrame::message(payload, OpCode::Data(opcode), is_final))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binary_frame_closes_with_1003() {
    assert_eq!(closed_by(vec![Message::binary(vec![1, 2, 3])]).await.code, Some(1003));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_no_utf8_closes_with_1007() {
    assert_eq!(
        closed_by(vec![raw(b"\xff\xfe", Data::Text, true)]).await.code,
        Some(1007)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_of_a_megabyte_closes_with_1009() {
    assert_eq!(
        closed_by(vec![Message::text("x".repeat(1 << 20))]).await.code,
        Some(1009)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_pieces_has_the_same_bound() {
    const PIECE: &[u8] = &[b'x'; 40_000];
    let pieces = vec![raw(PIECE, Data::Text, false), raw(PIECE, Data::Continue, false)];
    assert_eq!(closed_by(pieces).await.code, Some(1009));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_of_64_kib_is_read() {
    let node = Node::start().await;
    let mut socket = Socket::connect(&node.admin()).await;
    let envelope = json!({"type": "ping", "id": 1, "x": ""}).to_string().len();
    let full = json!({"type": "ping", "id": 1, "x": "y".repeat(64 * 1024 - envelope)}).to_string();
    assert_eq!(full.len(), 64 * 1024);
    socket.send_text(&full).await;
    assert_eq!(socket.recv().await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_holds_256_topics() {
    let node = Node::start().await;
    let class = Class::of(&node, 257).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let topics: Vec<String> = class.students.iter().map(|id| format!("user:{id}")).collect();
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let held = socket.subscribe(&names).await;
    assert_eq!(held.len(), 257);
    for (place, topic) in held.iter().enumerate() {
        assert_eq!(topic["topic"], names[place], "replies are in the order asked");
        assert_eq!(topic["error"].is_null(), place < 256, "{place}: {}", topic["error"]);
    }
    assert_eq!(held[256]["error"]["code"], "too_many_topics");
    let again = socket.subscribe(&["user:1"]).await;
    assert!(again[0]["error"].is_null(), "a topic that is held needs no new place");
    let gone = socket
        .request_reply(json!({"type": "unsubscribe", "topics": ["user:1"]}))
        .await;
    assert_eq!(gone["type"], "unsubscribed");
    let last = socket.subscribe(&["user:257"]).await;
    assert!(last[0]["error"].is_null(), "{}", last[0]);
}
