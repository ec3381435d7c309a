//! Before a socket is one: who may open it, from where, with which protocol.

use crate::support::{Class, Client, Node, Socket, check_problem, eventually, report_row};
use serde_json::{Value, json};

/// Requires that an upgrade is refused with this status and code.
async fn refused(client: &Client, path: &str, headers: &[(&str, &str)], status: u16, code: &str) {
    match Socket::try_connect_path(client, path, headers).await {
        Ok(_) => panic!("{path} {headers:?} was let in"),
        Err(refused) => {
            assert_eq!(refused.status, status, "{path} {headers:?}: {}", refused.body);
            check_problem(&refused.body);
            assert_eq!(refused.body["code"], code, "{path} {headers:?}");
        }
    }
}

async fn ticket(client: &Client) -> String {
    let made = client.post("/tickets", json!({})).await.expect(201);
    assert!(made["expires_at"].is_string());
    made["ticket"].as_str().unwrap().into()
}

async fn is_alive(mut socket: Socket) {
    let pong = socket.request_reply(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong", "{pong}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_needs_the_protocol_and_a_known_caller() {
    let node = Node::start().await;
    let (admin, nobody) = (node.admin(), node.anonymous());
    let no_protocol = [("sec-websocket-protocol", "")];
    refused(&admin, "/ws", &no_protocol, 400, "subprotocol_required").await;
    let other_protocol = [("sec-websocket-protocol", "chat, homeroom.v2")];
    refused(&admin, "/ws", &other_protocol, 400, "subprotocol_required").await;
    refused(&nobody, "/ws", &[], 401, "unauthenticated").await;
    refused(&node.with_token("nonsense"), "/ws", &[], 401, "unauthenticated").await;
    let several = [("sec-websocket-protocol", "chat, homeroom.v1")];
    // The client library requires that the answer names a protocol it offered.
    is_alive(Socket::try_connect(&admin, &several).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_one_socket() {
    let node = Node::start().await;
    let class = Class::of(&node, 1).await;
    let (student, nobody) = (node.student(class.students[0]).await, node.anonymous());
    let path = format!("/ws?ticket={}", ticket(&student).await);
    let mut socket = Socket::try_connect_path(&nobody, &path, &[]).await.unwrap();
    let held = socket.subscribe(&["user:1"]).await;
    assert!(held[0]["error"].is_null(), "the socket is the student's: {held:?}");
    refused(&nobody, &path, &[], 401, "unauthenticated").await;
    refused(&nobody, "/ws?ticket=nonsense", &[], 401, "unauthenticated").await;
    refused(&nobody, "/ws?ticket=", &[], 401, "unauthenticated").await;
    // At once from several places: one has it.
    let path = format!("/ws?ticket={}", ticket(&student).await);
    let attempts = (0..8).map(|_| Socket::try_connect_path(&nobody, &path, &[]));
    let attempts = futures_util::future::join_all(attempts).await;
    let refusals = attempts.iter().filter_map(|attempt| attempt.as_ref().err());
    let refusals: Vec<u16> = refusals.map(|refused| refused.status).collect();
    assert_eq!(refusals, [401; 7]);
    report_row(
        "F-S5",
        "tickets used again, and by several at once",
        8,
        "one socket each, then 401",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_upgrade_does_not_use_the_ticket_up() {
    let node = Node::start().await;
    let (admin, nobody) = (node.admin(), node.anonymous());
    let path = format!("/ws?ticket={}", ticket(&admin).await);
    refused(&nobody, &path, &[("origin", "null")], 403, "origin_not_allowed").await;
    refused(
        &nobody,
        &path,
        &[("sec-websocket-protocol", "")],
        400,
        "subprotocol_required",
    )
    .await;
    is_alive(Socket::try_connect_path(&nobody, &path, &[]).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_are_refused() {
    let node = Node::start_with(|config| config.allowed_origins = vec!["https://school.example".into()]).await;
    let admin = node.admin();
    let own = admin.base().to_owned();
    let port = own.rsplit(':').next().unwrap().to_owned();
    for foreign in [
        "null".to_owned(),
        "https://evil.example".to_owned(),
        format!("{own}.evil.example"),
        "http://127.0.0.1:1".to_owned(),
        format!("http://127.0.0.2:{port}"),
        "https://school.example.evil".to_owned(),
    ] {
        refused(&admin, "/ws", &[("origin", &foreign)], 403, "origin_not_allowed").await;
    }
    for fine in [own, "https://school.example".to_owned()] {
        is_alive(Socket::try_connect(&admin, &[("origin", &fine)]).await.unwrap()).await;
    }
    report_row(
        "F-S6",
        "sockets from pages of foreign origins",
        6,
        "all refused with 403 before the upgrade",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_get_is_told_to_upgrade() {
    let node = Node::start().await;
    let answer = node.admin().get("/ws").await;
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    answer.problem(426, "upgrade_required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_of_compression_is_ignored() {
    let node = Node::start().await;
    let offer = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];
    is_alive(Socket::try_connect(&node.admin(), &offer).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pong_carries_the_servers_time() {
    let node = Node::start().await;
    let mut socket = Socket::connect(&node.admin()).await;
    socket.send(json!({"type": "ping", "id": "a"})).await;
    let pong: Value = socket.recv().await;
    assert_eq!((&pong["type"], &pong["id"]), (&json!("pong"), &json!("a")));
    let time = pong["server_time"].as_str().unwrap();
    assert!(
        time.len() == "2026-03-01T09:30:00.000Z".len() && time.ends_with('Z'),
        "{time}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_has_16_sessions_at_once() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let student = node.student(1).await;
    let mut tabs = Vec::new();
    for _ in 0..16 {
        tabs.push(Socket::connect(&student).await);
    }
    refused(&student, "/ws", &[], 429, "too_many_own_sessions").await;
    is_alive(Socket::connect(&node.student(2).await).await).await;
    tabs.remove(3).close().await;
    eventually("a place is free again", || async {
        Socket::try_connect(&student, &[]).await.ok()
    })
    .await;
    for tab in tabs {
        is_alive(tab).await;
    }
}
