//! F-N12, F-N13, F-N15: networks that are slow, torn or shared. The same results as on a good one, only later.

use super::live_resume::earn_batch;
use super::live_subscribe::check_offsets;
use crate::support::proxy::{Proxy, Weather};
use crate::support::{Class, Client, Frame, Listener, Node, Socket, eventually, report_row};
use homeroom_schema::limits::TOPIC_RING_MAX;
use serde_json::{Value, json};
use std::time::Duration;

/// The board and the total that a person sees over HTTP.
async fn truth(admin: &Client, user_id: u64) -> (Value, Value) {
    let board = admin.get("/leaderboards/all").await.ok();
    let progress = admin.get(&format!("/progress/{user_id}")).await.ok();
    (board["entries"].clone(), progress["points"]["total"].clone())
}

/// Sends these awards over a socket, each with a key, until each is acknowledged: as a client does that comes back.
async fn earn_all(client: &Client, user_id: u64, references: std::ops::Range<u64>) -> u64 {
    let (mut open, mut connections): (Vec<u64>, u64) = (references.collect(), 0);
    while !open.is_empty() {
        connections += 1;
        let Ok(mut socket) = Socket::try_connect(client, &[]).await else {
            continue;
        };
        for reference in &open {
            let wish = json!({"type": "earn", "id": reference, "user_id": user_id, "action_type": "read_content",
                "reference_id": reference, "key": format!("k{reference}")});
            let text = wish.to_string();
            if socket
                .try_send_raw(tokio_tungstenite::tungstenite::Message::text(text))
                .await
                .is_err()
            {
                break;
            }
        }
        while !open.is_empty() {
            match socket.next().await {
                Frame::Json(frame) if frame["type"] == "ack" => {
                    open.retain(|reference| frame["id"] != *reference);
                }
                Frame::Json(frame) => assert_ne!(frame["type"], "error", "{frame}"),
                Frame::Closed(_) => break,
            }
        }
    }
    connections
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn13_late_and_sliced_bytes_change_nothing_but_the_time() {
    for (what, weather) in [
        (
            "pieces that came 300 ms late",
            Weather {
                latency: Duration::from_millis(300),
                in_slices: false,
            },
        ),
        (
            "bytes that came one by one",
            Weather {
                latency: Duration::ZERO,
                in_slices: true,
            },
        ),
    ] {
        let node = Node::start().await;
        Class::of(&node, 2).await;
        let admin = node.admin();
        let proxy = Proxy::start(&admin, weather).await;
        let far = proxy.client(&admin);
        let mut listener = Listener::new("user:1");
        let mut socket = listener.connect(&far).await;
        assert_eq!(earn_all(&far, 1, 1..41).await, 1, "one connection was enough");
        listener.listen_until(&mut socket, 40).await;
        let (board, total) = truth(&admin, 1).await;
        assert_eq!(total, 400);
        assert_eq!(truth(&far, 1).await, (board, total), "the same over HTTP");
        report_row("F-N13", what, proxy.passed(), "the same messages and totals");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn13_connections_that_are_reset_or_half_closed_lose_nothing() {
    const ROUNDS: u64 = 12;
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let proxy = Proxy::start(&admin, Weather::default()).await;
    let far = proxy.client(&admin);
    let mut listener = Listener::new("user:1");
    let mut breaks = 0;
    for round in 0..ROUNDS {
        let mut socket = listener.connect(&far).await;
        let earning = tokio::spawn({
            let far = far.clone();
            async move { earn_all(&far, 1, 1 + round * 50..51 + round * 50).await }
        });
        // In the middle of what this round brings.
        listener.listen_until(&mut socket, round * 50 + 10).await;
        if round % 2 == 0 {
            proxy.reset_all();
        } else {
            proxy.half_close_all();
        }
        listener.listen(&mut socket).await;
        breaks += 1;
        earning.await.unwrap();
        let mut socket = listener.connect(&far).await;
        listener.listen_until(&mut socket, (round + 1) * 50).await;
    }
    assert_eq!(truth(&admin, 1).await.1, ROUNDS * 500, "each award counts once");
    let outcome = format!("{} messages without a gap, each award once", listener.messages.len());
    report_row(
        "F-N13",
        "connections reset or half-closed in the middle",
        breaks,
        &outcome,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn12_whoever_was_cut_off_gets_all_or_is_told() {
    let node = Node::start().await;
    let class = Class::of(&node, 250).await;
    let admin = node.admin();
    let (mut recovered, mut told) = (0, 0);
    // Shorter and longer than what a board remembers.
    for missed in [1, 5, TOPIC_RING_MAX as u64 / 2, 2 * TOPIC_RING_MAX as u64] {
        let mut socket = Socket::connect(&admin).await;
        let held = socket.subscribe(&["user:1", "board:all"]).await;
        let at = |place: usize| {
            (
                held[place]["epoch"].as_str().unwrap(),
                held[place]["offset"].as_u64().unwrap(),
            )
        };
        let (person, board) = (at(0), at(1));
        drop(socket);
        let mut watching = Socket::connect(&admin).await;
        let mut head = watching.subscribe(&["board:all"]).await[0]["offset"].as_u64().unwrap();
        for step in 0..missed {
            earn_batch(&admin, 1, 1_000_000 * missed + step, 1).await;
            head = watching.until_offset("board:all", head + 1).await.last().unwrap()["offset"]
                .as_u64()
                .unwrap();
        }
        let mut back = Socket::connect(&admin).await;
        let held = back.subscribe_at("user:1", person.0, person.1).await;
        assert_eq!(held["recovered"], true, "{held}");
        check_offsets(&back.until_offset("user:1", person.1 + missed).await, person.1);
        let held = back.subscribe_at("board:all", board.0, board.1).await;
        if held["recovered"] == true {
            recovered += 1;
            check_offsets(&back.until_offset("board:all", head).await, board.1);
        } else {
            told += 1;
            let truth = admin.get("/leaderboards/all?limit=200").await.ok();
            assert_eq!(
                held["snapshot"]["entries"], truth["entries"],
                "the snapshot is the board"
            );
        }
    }
    assert_eq!(class.students.len(), 250);
    assert!(recovered >= 3 && told >= 1, "{recovered} recovered, {told} told");
    let outcome = format!("user topics whole; boards {recovered} times recovered, {told} times told to start anew");
    report_row("F-N12", "positions of clients that were cut off", 8, &outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn15_five_tabs_and_two_devices_behind_a_proxy_see_one_order() {
    let node = Node::start_with(|config| config.trusted_proxies = vec!["127.0.0.1".into()]).await;
    let class = Class::of(&node, 2).await;
    let proxy = Proxy::start(&node.admin(), Weather::default()).await;
    let student = proxy.client(&node.student(class.students[0]).await);
    let mut tabs = Vec::new();
    for tab in 0..7 {
        let forwarded = format!("for=10.0.0.{tab};proto=https;host=school.example");
        let headers = [("forwarded", forwarded.as_str()), ("origin", "https://school.example")];
        let mut socket = Socket::try_connect(&student, &headers).await.expect("a session");
        socket.subscribe(&["user:1", "board:all"]).await;
        tabs.push(socket);
    }
    earn_batch(&node.admin(), 1, 1, 60).await;
    let mut seen: Vec<Vec<Value>> = Vec::new();
    for tab in &mut tabs {
        let messages = tab.until_offset("user:1", 60).await;
        check_offsets(&messages, 0);
        seen.push(messages);
    }
    assert!(seen.iter().all(|messages| *messages == seen[0]), "one order everywhere");
    eventually("one row of that person on the board", || async {
        let board = student.get("/leaderboards/all").await.ok();
        let rows = board["entries"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["points"] == 600);
        (rows.count() == 1).then_some(())
    })
    .await;
    report_row(
        "F-N15",
        "tabs and devices of one person behind a proxy",
        tabs.len() as u64,
        "one order everywhere",
    );
}
