//! How sessions end: with their token, with the node, or because nobody reads; and that nobody else notices.

use super::live_resume::earn_batch;
use super::live_subscribe::check_offsets;
use crate::support::{Class, Client, Node, Socket, report_row};
use futures_util::{SinkExt, StreamExt};
use homeroom_schema::limits::TOPIC_RING_MAX;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_ends_its_sessions_and_no_others() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let made = admin
        .post("/tokens", json!({"role": "student", "user_id": 1}))
        .await
        .expect(201);
    let client = node.with_token(made["token"].as_str().unwrap());
    let (mut one, mut two) = (Socket::connect(&client).await, Socket::connect(&client).await);
    let mut other = Socket::connect(&node.student(1).await).await;
    one.subscribe(&["user:1"]).await;
    admin.delete(&format!("/tokens/{}", made["token_id"])).await.ok();
    for socket in [&mut one, &mut two] {
        let closed = tokio::time::timeout(Duration::from_secs(10), socket.closed())
            .await
            .unwrap();
        assert_eq!((closed.code, closed.reason.as_str()), (Some(4500), "token_ended"));
    }
    assert_eq!(Socket::try_connect(&client, &[]).await.err().unwrap().status, 401);
    assert_eq!(other.request_reply(json!({"type": "ping"})).await["type"], "pong");
    report_row(
        "F-S4",
        "a token revoked while connected",
        2,
        "its sockets are closed, no others",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_by_itself_ends_its_session() {
    let node = Node::start().await;
    let wish = json!({"role": "projector", "expires_in_s": 1});
    let made = node.admin().post("/tokens", wish).await.expect(201);
    let mut socket = Socket::connect(&node.with_token(made["token"].as_str().unwrap())).await;
    assert_eq!(socket.closed().await.code, Some(4500));
    report_row("F-S4", "a token that ends while connected", 1, "its socket is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_archived_and_brought_back_is_live_again_at_once() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let (admin, student) = (node.admin(), node.student(1).await);
    let mut socket = Socket::connect(&student).await;
    let archive = async |archived: bool| admin.patch("/users/1", json!({"archived": archived})).await.expect(200);
    archive(true).await;
    assert_eq!(socket.closed().await.code, Some(4500));
    assert_eq!(Socket::try_connect(&student, &[]).await.err().unwrap().status, 401);
    archive(false).await;
    let mut socket = Socket::connect(&student).await;
    let held = socket.subscribe(&["user:1"]).await.remove(0);
    assert!(held["snapshot"].is_object(), "{held}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_removed_while_connected_hears_no_more() {
    let node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    let mut removed = Socket::connect(&node.student(1).await).await;
    removed
        .subscribe(&["team:10", "presence:10", "announcements:team:10"])
        .await;
    admin.delete("/teams/10/members/1").await.ok();
    let mut ended = Vec::new();
    while ended.len() < 3 {
        let message = removed.recv().await;
        if message["type"] == "unsubscribed" {
            assert_eq!(message["reason"]["code"], "unknown_team", "{message}");
            ended.push(message["topic"].as_str().unwrap().to_owned());
        }
    }
    // Erased: the tokens go, too.
    let mut erased = Socket::connect(&node.student(2).await).await;
    admin.delete("/users/2").await.ok();
    assert_eq!(erased.closed().await.code, Some(4500));
    report_row(
        "F-S4",
        "people removed or erased while connected",
        2,
        "topics end with the reason, sockets close",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_node_acknowledges_what_it_took_and_says_when_to_come_back() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let epoch = socket.subscribe(&["user:1"]).await[0]["epoch"]
        .as_str()
        .unwrap()
        .to_owned();
    for id in 1..=20 {
        socket
            .send(json!({"type": "earn", "id": id, "user_id": 1, "action_type": "read_content", "reference_id": id}))
            .await;
    }
    // The first message shows that the node is at it.
    socket.recv().await;
    let restarting = tokio::spawn(async move {
        node.restart().await;
        node
    });
    let mut acknowledged = 0;
    let closed = loop {
        match socket.next().await {
            crate::support::Frame::Json(frame) => acknowledged += u64::from(frame["type"] == "ack"),
            crate::support::Frame::Closed(closed) => break closed,
        }
    };
    assert_eq!(closed.code, Some(1012), "{closed:?}");
    let hint: Value = serde_json::from_str(&closed.reason).unwrap();
    assert!(hint["retry_after_ms"].is_u64(), "{closed:?}");
    let node = restarting.await.unwrap();
    let kept = node.admin().get("/progress/1").await.expect(200);
    let kept = kept["version"].as_u64().unwrap();
    assert!(kept >= acknowledged, "{acknowledged} acknowledged, {kept} kept");
    let mut socket = Socket::connect(&node.admin()).await;
    socket.subscribe_at("user:1", &epoch, 0).await;
    if kept > 0 {
        check_offsets(&socket.until_offset("user:1", kept).await, 0);
    }
}

/// A socket whose kernel takes next to nothing in, so that whoever doesn't read is soon stuck.
async fn narrow_socket(client: &Client) -> WebSocketStream<TcpStream> {
    let address = client.base().trim_start_matches("http://").to_owned();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", "homeroom.v1".parse().unwrap());
    headers.insert(
        "authorization",
        format!("Bearer {}", client.token().unwrap()).parse().unwrap(),
    );
    client_async(request, stream).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_closed_and_delays_nobody() {
    const BATCHES: u64 = 12;
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut slow = narrow_socket(&admin).await;
    let subscribe = json!({"type": "subscribe", "id": 1, "topics": [{"topic": "user:1"}]});
    slow.send(Message::text(subscribe.to_string())).await.unwrap();
    let mut quick = Socket::connect(&admin).await;
    quick.subscribe(&["user:1"]).await;
    for batch in 0..BATCHES {
        earn_batch(&admin, 1, 1 + batch * 1_000, 1_000).await;
        let messages = quick.until_offset("user:1", (batch + 1) * 1_000).await;
        check_offsets(&messages, batch * 1_000);
        quick.seen.clear();
    }
    let (mut last, mut closed) = (0, None);
    while let Some(Ok(frame)) = slow.next().await {
        match frame {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == "points_update" {
                    last += 1;
                    assert_eq!(message["offset"], last, "what it got is without a gap");
                }
            }
            Message::Close(frame) => closed = frame.map(|frame| u16::from(frame.code)),
            _ => {}
        }
    }
    assert!(last < BATCHES * 1_000, "it was never stuck");
    // A process has one recorder, so another test may have counted as well.
    let metrics = admin.get("/metrics").await.text;
    let closes = metrics
        .lines()
        .find(|line| line.starts_with(r#"homeroom_closes_total{code="4008"} "#));
    assert!(closes.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
    // Whoever looks again too late finds the connection gone instead.
    assert!(closed.is_none_or(|code| code == 4008), "{closed:?}");
    let missed = BATCHES * 1_000 - last;
    report_row(
        "F-N1",
        "messages that a reader did not take",
        missed,
        "closed, another reader missed none",
    );
}

/// Awards each of these people once, as one batch.
async fn earn_all(admin: &Client, people: &[u64], reference: u64) {
    let events: Vec<Value> = people
        .iter()
        .map(|id| json!({"kind": "points", "user_id": id, "action_type": "read_content", "reference_id": reference}))
        .collect();
    admin.post("/events", json!({ "events": events })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_too_slow_for_a_board_gets_one_snapshot_instead() {
    const LARGE: u64 = 25;
    let node = Node::start().await;
    let class = Class::of(&node, 250).await;
    let admin = node.admin();
    let mut slow = narrow_socket(&admin).await;
    let subscribe = json!({"type": "subscribe", "id": 1, "topics": [{"topic": "board:all"}]});
    slow.send(Message::text(subscribe.to_string())).await.unwrap();
    let mut quick = Socket::connect(&admin).await;
    let mut head = quick.subscribe(&["board:all"]).await[0]["offset"].as_u64().unwrap();
    // First messages of two hundred rows, so that the socket is soon stuck, then small ones until the topic forgets them.
    for step in 1..=LARGE + TOPIC_RING_MAX as u64 {
        let people = if step <= LARGE {
            &class.students[..]
        } else {
            &class.students[..1]
        };
        earn_all(&admin, people, step).await;
        head = quick.until_offset("board:all", head + 1).await.last().unwrap()["offset"]
            .as_u64()
            .unwrap();
        quick.seen.clear();
    }
    let (mut offset, mut snapshots) = (None, 0);
    while offset != Some(head) {
        let Some(Ok(Message::Text(text))) = slow.next().await else {
            continue;
        };
        let message: Value = serde_json::from_str(&text).unwrap();
        match message["type"].as_str() {
            Some("subscribed") => offset = message["topics"][0]["offset"].as_u64(),
            Some("leaderboard_update") => {
                assert_eq!(
                    message["offset"].as_u64(),
                    offset.map(|before| before + 1),
                    "no gap that was not told"
                );
                offset = message["offset"].as_u64();
            }
            Some("snapshot") => {
                snapshots += 1;
                offset = message["offset"].as_u64();
                assert_eq!(message["topic"], "board:all");
                assert_eq!(message["data"]["entries"].as_array().unwrap().len(), 200);
            }
            _ => panic!("{message}"),
        }
    }
    assert!(snapshots >= 1, "it was never too slow");
    report_row(
        "F-N1",
        "snapshots in place of missed board messages",
        snapshots,
        "no gap that was not told",
    );
}
