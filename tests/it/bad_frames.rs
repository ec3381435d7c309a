//! F-N3 to F-N8, F-N14: what no decent client sends. Each has its answer or its close code, nobody else notices, and nothing
//! of it stays behind.

use crate::support::frames::{self, CONTINUES, PING, RawSocket, TEXT, TEXT_BEGINS, frame, head};
use crate::support::{Class, Client, Node, NodeProcess, Raw, Socket, earn, eventually, report_row, soak};
use serde_json::{Value, json};

/// A node as a process of its own with a class of 30, and who calls it.
async fn process(directory: &tempfile::TempDir) -> (NodeProcess, Client) {
    let node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, 30).await;
    let made = admin.post("/tokens", json!({"role": "student", "user_id": 1})).await;
    let student = node.with_token(made.expect(201)["token"].as_str().unwrap());
    (node, student)
}

/// Resident KiB of a process.
fn resident_kib(node: &NodeProcess) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Waits until no session is left.
async fn no_session_left(admin: &Client) {
    eventually("the end of all sessions", || async {
        let metrics = admin.get("/metrics").await.text;
        let sessions = metrics.lines().filter(|line| line.starts_with("homeroom_sessions{"));
        sessions.clone().next()?;
        sessions.into_iter().all(|line| line.ends_with(" 0")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn4_frames_that_the_protocol_does_not_allow_close_with_its_code() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut quiet = Socket::connect(&admin).await;
    let close = |code: u16| frame(frames::CLOSE, &code.to_be_bytes());
    let unmasked = [head(TEXT, 2, false), b"{}".to_vec()].concat();
    let cases: Vec<(&str, Vec<Vec<u8>>, u16)> = vec![
        ("no mask", vec![unmasked], 1002),
        (
            "a reserved bit, as compression would set",
            vec![frame(TEXT | 0x40, b"{}")],
            1002,
        ),
        ("the second reserved bit", vec![frame(TEXT | 0x20, b"{}")], 1002),
        ("the third reserved bit", vec![frame(TEXT | 0x10, b"{}")], 1002),
        ("a reserved opcode", vec![frame(0x83, b"")], 1002),
        ("a reserved control opcode", vec![frame(0x8b, b"")], 1002),
        ("a ping in pieces", vec![frame(0x09, b"a")], 1002),
        ("a ping of 126 bytes", vec![frame(PING, &[b'p'; 126])], 1002),
        ("a piece of nothing", vec![frame(0x80, b"a")], 1002),
        (
            "a message inside another",
            vec![frame(TEXT_BEGINS, b"a"), frame(TEXT, b"{}")],
            1002,
        ),
        ("text that is not UTF-8", vec![frame(TEXT, b"\xf0\x28\x8c\x28")], 1007),
        ("a surrogate in UTF-8", vec![frame(TEXT, b"\xed\xa0\x80")], 1007),
        (
            "UTF-8 cut off at the end of a message",
            vec![frame(TEXT_BEGINS, b"\xce"), frame(0x80, b"")],
            1007,
        ),
        ("half a close code", vec![frame(frames::CLOSE, b"\x03")], 1002),
        ("a close code that is none", vec![close(999)], 1002),
        ("a close code for the inside", vec![close(1005)], 1002),
        ("another one for the inside", vec![close(1006)], 1002),
        ("a binary message", vec![frame(0x82, b"\x01")], 1003),
    ];
    let count = cases.len() as u64;
    for (what, bytes, code) in cases {
        let mut socket = RawSocket::open(&admin).await;
        for bytes in bytes {
            socket.send(bytes).await;
        }
        assert_eq!(socket.close_code().await, Some(code), "{what}");
    }
    assert_eq!(quiet.request_reply(json!({"type": "ping"})).await["type"], "pong");
    report_row(
        "F-N4",
        "frames against RFC 6455, by hand",
        count,
        "each closed with its code",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn5_lengths_that_are_claimed_and_pieces_without_end_cost_no_memory() {
    let directory = tempfile::tempdir().unwrap();
    let (node, _) = process(&directory).await;
    let admin = node.admin();
    // What the allocator keeps after the first half is no growth.
    let rounds = if soak() { 200 } else { 12 };
    let (mut before, mut closed) = (0, 0);
    for round in 0..rounds {
        if round == rounds / 2 {
            no_session_left(&admin).await;
            before = resident_kib(&node);
        }
        for length in [1 << 63, (1 << 63) - 1, 1 << 32, 64 * 1024 + 1] {
            let mut socket = RawSocket::open(&admin).await;
            socket.send([head(TEXT, length, true), vec![1, 2, 3, 4]].concat()).await;
            assert_eq!(socket.close_code().await, Some(1009), "{length} bytes claimed");
            closed += 1;
        }
        let mut socket = RawSocket::open(&admin).await;
        let large = frame(CONTINUES, &[b'x'; 8 * 1024]);
        let mut is_open = socket.send(frame(TEXT_BEGINS, b"x")).await;
        for _ in 0..64 {
            is_open = is_open && socket.send(&large).await;
        }
        assert_eq!(socket.close_code().await, Some(1009), "pieces without end");
        closed += 1;
    }
    // One byte a piece: the bound is the same.
    let mut socket = RawSocket::open(&admin).await;
    let pieces = frame(CONTINUES, b"x").repeat(1_024);
    let mut is_open = socket.send(frame(TEXT_BEGINS, b"x")).await;
    for _ in 0..128 {
        is_open = is_open && socket.send(&pieces).await;
    }
    assert_eq!(socket.close_code().await, Some(1009), "pieces of one byte");
    no_session_left(&admin).await;
    let grown = resident_kib(&node) - before;
    assert!(
        grown < 5 * 1024,
        "{grown} KiB more after {closed} messages without bounds"
    );
    let outcome = format!("all 1009; {grown} KiB more resident");
    report_row(
        "F-N5",
        "frames that claim too much, messages without end",
        closed,
        &outcome,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn6_floods_are_slowed_and_ended_and_others_do_not_notice() {
    let directory = tempfile::tempdir().unwrap();
    let (node, student) = process(&directory).await;
    let mut quiet = Socket::connect(&node.admin()).await;
    // A hundred thousand pings: closed long before they are all read.
    let socket = RawSocket::open(&student).await;
    let (code, _) = socket.flood(frame(PING, b"").repeat(100_000)).await;
    assert_eq!(code, Some(1008));
    report_row("F-N6", "pings, 100,000 at once", 100_000, "closed with 1008");
    // Texts without end: read at the bound, each answered, then the end.
    for (what, text) in [
        ("empty texts without end", String::new()),
        (
            "subscriptions without end",
            json!({"type": "subscribe", "id": 1, "topics": [{"topic": "user:1"}]}).to_string(),
        ),
    ] {
        let socket = RawSocket::open(&student).await;
        let flood = tokio::spawn(socket.flood(frame(TEXT, text.as_bytes()).repeat(100)));
        while !flood.is_finished() {
            let pong = quiet.request_reply(json!({"type": "ping"})).await;
            assert_eq!(pong["type"], "pong");
        }
        let (code, times) = flood.await.unwrap();
        assert_eq!(code, Some(1008), "{what}");
        report_row("F-N6", what, times * 100, "slowed to the bound, then closed with 1008");
    }
}

/// Texts that break careless readers of JSON.
fn json_bombs() -> Vec<(&'static str, String)> {
    let ping = |field: &str| format!(r#"{{"type":"ping","id":1,{field}}}"#);
    vec![
        ("arrays 100,000 deep", "[".repeat(100_000)),
        ("objects 10,000 deep", r#"{"a":"#.repeat(10_000)),
        (
            "a field 30,000 deep",
            ping(&format!(r#""x":{}{}"#, "[".repeat(30_000), "]".repeat(30_000))),
        ),
        (
            "a string of 10 MB",
            ping(&format!(r#""x":"{}""#, "x".repeat(10_000_000))),
        ),
        ("keys twice", r#"{"type":"ping","type":"ping","id":1,"id":2}"#.into()),
        ("a number beyond all", ping(r#""x":1e999"#)),
        ("a lone surrogate", ping(r#""x":"\ud800""#)),
        (
            "a number of 60,000 digits",
            ping(&format!(r#""x":{}"#, "9".repeat(60_000))),
        ),
        ("a nul", ping(r#""x":"\u0000""#)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn7_json_that_bursts_is_refused_everywhere_and_the_node_stands() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut count = 0;
    for (what, text) in json_bombs() {
        let mut socket = Socket::connect(&admin).await;
        let _ = socket
            .try_send_raw(tokio_tungstenite::tungstenite::Message::text(text.clone()))
            .await;
        if text.len() > 64 * 1024 {
            assert_eq!(socket.closed().await.code, Some(1009), "{what}");
        } else {
            let reply = socket.recv().await;
            assert!(
                ["error", "pong"].iter().any(|kind| reply["type"] == *kind),
                "{what}: {reply}"
            );
            // The session lives on.
            assert_eq!(
                socket.request_reply(json!({"type": "ping"})).await["type"],
                "pong",
                "{what}"
            );
        }
        for path in ["/points/earn", "/events", "/users", "/import"] {
            let request = admin.request(reqwest::Method::POST, path).body(text.clone());
            let answer = admin.send(request.header("content-type", "application/json")).await;
            let status = answer.status;
            // What is sound, if strange, may be read: nobody knows its fields.
            assert!(status < 500, "{what} at {path}: {status}");
            if status != 200 {
                answer.any_problem(status);
            }
            count += 1;
        }
        count += 1;
    }
    report_row(
        "F-N7",
        "JSON that bursts, on sockets and routes",
        count,
        "refused; 0 crashes",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn8_types_and_versions_that_nobody_knows_are_told_and_the_session_goes_on() {
    let node = Node::start().await;
    let class = Class::of(&node, 1).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    let mut count = 0;
    for (kind, id) in [
        ("whiteboard", json!(1)),
        ("subscribe_v2", json!("a")),
        ("EARN", json!(2)),
        ("", json!(3)),
    ] {
        socket.send(json!({"type": kind, "id": id, "v": 2})).await;
        let reply = socket.recv().await;
        assert_eq!((&reply["type"], &reply["id"]), (&json!("error"), &id), "{reply}");
        assert_eq!(reply["error"]["code"], "unknown_type");
        count += 1;
    }
    // Fields of a later version do no harm.
    let mut newer = earn(class.students[0], "read_content", 1);
    let fields: &[(&str, Value)] = &[
        ("type", json!("earn")),
        ("id", json!(9)),
        ("v", json!(2)),
        ("mood", json!({"is": "good"})),
    ];
    for (field, value) in fields {
        newer[*field] = value.clone();
    }
    assert_eq!(socket.request_reply(newer).await["type"], "ack");
    report_row(
        "F-N8",
        "messages of unknown type or version",
        count + 1,
        "told, the session goes on",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn14_compression_is_declined_and_a_bomb_is_a_broken_frame() {
    let node = Node::start().await;
    let admin = node.admin();
    let mut raw = Raw::connect(&admin).await;
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    let request = frames::upgrade(&admin);
    raw.send(format!("{}\r\n{offer}", request.trim_end_matches("\r\n")))
        .await;
    let answer = raw.until("\r\n\r\n").await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(!answer.contains("sec-websocket-extensions"), "declined: {answer}");
    let mut socket = RawSocket::from(raw);
    // 0 deflated a thousandfold, in a frame marked as compressed.
    socket.send(frame(TEXT | 0x40, &[0; 1_000])).await;
    assert_eq!(socket.close_code().await, Some(1002));
    report_row("F-N14", "offers and frames of compression", 2, "declined; 1002");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn3_clients_that_vanish_leave_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (node, _) = process(&directory).await;
    let admin = node.admin();
    let rounds = if soak() { 10_000 } else { 400 };
    let request = frames::upgrade(&admin);
    let whole = frame(
        TEXT,
        br#"{"type":"subscribe","id":1,"topics":[{"topic":"board:all"},{"topic":"user:1"}]}"#,
    );
    let mut before = 0;
    for round in 0..rounds {
        if round == rounds / 2 {
            no_session_left(&admin).await;
            before = resident_kib(&node);
        }
        match round % 4 {
            // In the middle of the request.
            0 => {
                let mut raw = Raw::connect(&admin).await;
                raw.send(&request.as_bytes()[..request.len() / 2]).await;
                RawSocket::from(raw).reset();
            }
            // Before the answer is read.
            1 => {
                let mut raw = Raw::connect(&admin).await;
                raw.send(&request).await;
                RawSocket::from(raw).reset();
            }
            // In the middle of a message.
            2 => {
                let mut socket = RawSocket::open(&admin).await;
                socket.send(&whole[..whole.len() / 2]).await;
                socket.reset();
            }
            // With topics under way.
            _ => {
                let mut socket = RawSocket::open(&admin).await;
                socket.send(&whole).await;
                socket.reset();
            }
        }
    }
    no_session_left(&admin).await;
    let grown = resident_kib(&node) - before;
    assert!(grown < 5 * 1024, "{grown} KiB more after half of the rounds");
    let text = node.stderr();
    assert!(!text.contains("panicked"), "{text}");
    let outcome = format!("no session left, no panic, {grown} KiB more in the second half");
    report_row("F-N3", "clients that vanish", rounds, &outcome);
}
