//! F-N9: clients that send next to nothing, or take nothing. They are closed by a deadline and hold nobody else up.

use crate::support::{ADMIN_TOKEN, Class, Node, NodeProcess, Raw, Socket, report_row, soak, statuses};
use homeroom_schema::limits::{ANSWER_STALL, BODY_DEADLINE, HEAD_DEADLINE, STOP_DEADLINE};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

const CLIENTS: usize = 1_000;
/// The latest that a slow client may be closed.
const CLOSED_BY: Duration = Duration::from_secs(30);
/// What a real log-in may take meanwhile.
const LOG_IN: Duration = Duration::from_secs(1);

/// What slow clients begin with, before they fall silent.
fn beginnings() -> Vec<String> {
    let upgrade = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ";
    let mut beginnings = vec![
        String::new(),
        "GET /me HTTP/1.1\r\nHost: h\r\nX: ".into(),
        upgrade.into(),
    ];
    if soak() {
        // These have the longer deadline of bodies.
        beginnings.push(format!(
            "POST /users HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
        ));
    }
    beginnings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn9_slow_clients_are_closed_in_time_and_hold_nobody_up() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let (anonymous, student) = (node.anonymous(), node.student(1).await);
    let beginnings = beginnings();
    let mut slow = Vec::new();
    for place in 0..CLIENTS {
        let mut raw = Raw::connect(&anonymous).await;
        raw.send(&beginnings[place % beginnings.len()]).await;
        slow.push(raw);
    }
    let began = Instant::now();
    let mut closing = JoinSet::new();
    for mut raw in slow {
        closing.spawn(async move {
            // One byte in ten seconds, until it is no use any more.
            let mut dripping = tokio::time::interval(Duration::from_secs(10));
            dripping.tick().await;
            let (reading, mut writing) = raw.0.split();
            let mut end = [0; 512];
            loop {
                tokio::select! {
                    _ = reading.readable() => match reading.try_read(&mut end) {
                        Ok(0) => break,
                        Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => break,
                        _ => {}
                    },
                    _ = dripping.tick() => drop(writing.write_all(b" ").await),
                }
            }
            began.elapsed()
        });
    }
    let mut log_ins = Vec::new();
    for _ in 0..5 {
        let asked = Instant::now();
        // A fresh client has fresh connections.
        let fresh = crate::support::Client::new(student.base()).with_token(student.token().unwrap());
        fresh.get("/me").await.expect(200);
        let mut socket = Socket::connect(&fresh).await;
        assert!(socket.subscribe(&["user:1"]).await[0].get("error").is_none());
        log_ins.push(asked.elapsed());
    }
    assert_eq!(closing.len(), CLIENTS, "they are still there");
    let mut last = Duration::ZERO;
    while let Some(closed) = closing.join_next().await {
        last = last.max(closed.unwrap());
    }
    report_row(
        "F-N9",
        "clients that send next to nothing",
        CLIENTS as u64,
        &format!("the last closed after {last:?}; log-ins meanwhile {log_ins:?}"),
    );
    assert!(last >= HEAD_DEADLINE / 2 && last < CLOSED_BY, "{last:?}");
    assert!(log_ins.iter().all(|took| *took < LOG_IN), "{log_ins:?}");
    assert!(BODY_DEADLINE < CLOSED_BY && HEAD_DEADLINE < CLOSED_BY);
}

/// Asks again and again and takes none of it. The connection ends; until then nobody else notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn9_a_client_that_takes_no_answer_is_closed() {
    if !soak() {
        println!("left out: takes longer than {ANSWER_STALL:?}; HOMEROOM_SOAK=1 runs it");
        return;
    }
    let node = Node::start().await;
    let anonymous = node.anonymous();
    let raw = Raw::connect(&anonymous).await;
    let request = b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1_000);
    let (mut reading, mut writing) = raw.0.into_split();
    let began = Instant::now();
    // Fills until the node reads no more, and then fails when it closes.
    let failed = tokio::spawn(async move { while writing.write_all(&request).await.is_ok() {} });
    crate::support::within("the end", failed).await.unwrap();
    let took = began.elapsed();
    report_row(
        "F-N9",
        "clients that take no answer",
        1,
        &format!("closed after {took:?}"),
    );
    assert!(took >= ANSWER_STALL && took < CLOSED_BY, "{took:?}");
    let mut all = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut all).await;
    assert!(
        statuses(&String::from_utf8_lossy(&all))
            .iter()
            .all(|status| *status == 200)
    );
    anonymous.get("/healthz").await.expect(200);
}

/// Slow clients do not hold up a stop, and a request that comes to its end meanwhile is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_what_ends_and_cuts_what_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    let body = r#"{"id": 1, "name": "A"}"#;
    let post = format!(
        "POST /users HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut slow = Vec::new();
    for place in 0..60 {
        let mut raw = Raw::connect(&admin).await;
        raw.send(["", "GET /me HTTP/1.1\r\n", post.as_str()][place % 3]).await;
        slow.push(raw);
    }
    let mut ending = Raw::connect(&admin).await;
    ending
        .send(post.replacen("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1))
        .await;
    // The handler is waiting for the body.
    ending.until("100 Continue").await;
    let mut socket = Socket::connect(&admin).await;
    node.sigterm().await;
    let asked = Instant::now();
    assert_eq!(socket.closed().await.code, Some(1012), "the stop has begun");
    ending.send(body).await;
    let answer = ending.rest().await;
    assert_eq!(statuses(&answer), [201], "{answer}");
    let status = node.wait().await;
    assert_eq!(status.code(), Some(0), "{}", node.stderr());
    assert!(asked.elapsed() < STOP_DEADLINE, "{:?}", asked.elapsed());
    report_row(
        "F-D16",
        "slow clients at a stop",
        slow.len() as u64,
        &format!("stopped after {:?}", asked.elapsed()),
    );
    let node = NodeProcess::start(directory.path()).await;
    node.admin().get("/users/1").await.expect(200);
}
