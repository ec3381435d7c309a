//! `GET /events/stream`: the messages of the socket as server-sent events, with one id for the positions of all topics.

use super::live_resume::earn_batch;
use super::live_subscribe::{check_offsets, earn};
use crate::support::{Class, Client, EventParser, Events, Node, Socket, eventually, report_row, within};
use homeroom_schema::limits::{EVENT_ID_CHARS_MAX, SESSION_TOPICS_MAX, SESSIONS_PER_STUDENT_MAX};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const ALL_TOPICS: [&str; 7] = [
    "user:1",
    "team:10",
    "board:all",
    "board:teams",
    "board:team:10",
    "board:qualification:20",
    "board:all:week",
];

/// Requires that a stream is refused with this status and code, and gives the fields that are named.
async fn refused(client: &Client, query: &str, headers: &[(&str, &str)], status: u16, code: &str) -> Vec<String> {
    let Err(answer) = Events::try_open(client, query, headers).await else {
        panic!("{query:.100} was let in");
    };
    let problem = answer.problem(status, code);
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

async fn ticket(client: &Client) -> String {
    let made = client.post("/tickets", json!({})).await.expect(201);
    made["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_topic_is_as_on_the_socket() {
    let node = Node::start().await;
    let class = Class::of(&node, 3).await;
    let admin = node.admin();
    earn(&admin, 1, "complete_quiz", 5).await;
    let mut socket = Socket::connect(&admin).await;
    let mut events = Events::open(&admin, &ALL_TOPICS.join(",")).await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("vary", "Origin"),
    ] {
        assert_eq!(events.header(name), Some(value), "{name}");
    }
    let held = events.subscribed().await;
    assert_eq!(
        held,
        socket.subscribe(&ALL_TOPICS).await,
        "the same snapshots at the same positions"
    );
    assert!(
        events.retry().is_some_and(|retry| (500..5_000).contains(&retry)),
        "{:?}",
        events.retry()
    );
    earn(&admin, 1, "read_content", class.units[0]).await;
    // Topics take turns, so each side may have another one first.
    let (mut told, mut streamed) = (BTreeMap::new(), BTreeMap::new());
    while told.len() < ALL_TOPICS.len() || streamed.len() < ALL_TOPICS.len() {
        for (message, firsts) in [(socket.recv().await, &mut told), (events.recv().await, &mut streamed)] {
            let topic = message["topic"].as_str().unwrap().to_owned();
            firsts.entry(topic).or_insert(message);
        }
    }
    assert_eq!(streamed, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_resumes_every_topic_across_a_restart() {
    let mut node = Node::start().await;
    Class::of(&node, 2).await;
    let mut events = Events::open(&node.admin(), "user:1,user:2,board:all").await;
    let held = events.subscribed().await;
    let epoch = held[2]["epoch"].clone();
    earn_batch(&node.admin(), 1, 1, 3).await;
    check_offsets(&events.until_offset("user:1", 3).await, 0);
    let id = events.last_id().to_owned();
    drop(events);
    earn_batch(&node.admin(), 1, 4, 300).await;
    earn_batch(&node.admin(), 2, 1, 2).await;
    node.restart().await;
    earn_batch(&node.admin(), 1, 1_001, 2).await;
    let mut events = Events::open_at(&node.admin(), "board:all,user:1,user:2", &id).await;
    let back = events.subscribed().await;
    assert_eq!(
        back[0]["recovered"], false,
        "boards live anew with the node: {}",
        back[0]
    );
    assert!(back[0]["epoch"] != epoch && back[0]["snapshot"]["entries"][0]["points"] == 3_050);
    assert_eq!((&back[1]["recovered"], &back[1]["offset"]), (&json!(true), &json!(3)));
    assert!(back[1].get("snapshot").is_none());
    assert_eq!((&back[2]["recovered"], &back[2]["offset"]), (&json!(true), &json!(0)));
    let (mut one, mut two) = (Vec::new(), Vec::new());
    while one.len() < 302 || two.len() < 2 {
        let message = events.recv().await;
        match message["topic"].as_str() {
            Some("user:1") => one.push(message),
            Some("user:2") => two.push(message),
            other => panic!("{other:?}"),
        }
    }
    check_offsets(&one, 3);
    check_offsets(&two, 0);
    report_row(
        "F-N12",
        "messages missed by a stream over a restart",
        304,
        "all came once, in order",
    );
    // The newest id is at the end of it all: nothing comes again.
    let mut events = Events::open_at(&node.admin(), "user:1,user:2", events.last_id()).await;
    let back = events.subscribed().await;
    assert_eq!((&back[0]["offset"], &back[1]["offset"]), (&json!(305), &json!(2)));
    earn(&node.admin(), 1, "read_content", 9_999).await;
    assert_eq!(events.recv().await["offset"], 306);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_id_on_the_way_is_a_place_to_come_back_to() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut events = Events::open(&admin, "user:1").await;
    events.subscribed().await;
    let mut ids = vec![events.last_id().to_owned()];
    earn_batch(&admin, 1, 1, 20).await;
    for _ in 0..20 {
        events.recv().await;
        ids.push(events.last_id().to_owned());
    }
    for (seen, id) in ids.iter().enumerate() {
        let query = format!("topics=user:1&last_event_id={id}");
        let mut events = Events::try_open(&admin, &query, &[])
            .await
            .unwrap_or_else(|answer| panic!("{}", answer.text));
        let back = events.subscribed().await;
        assert_eq!(
            (&back[0]["recovered"], &back[0]["offset"]),
            (&json!(true), &json!(seen))
        );
        if seen < 20 {
            check_offsets(&events.until_offset("user:1", 20).await, seen as u64);
        }
    }
    // The browser's own is the newer one.
    let query = format!("topics=user:1&last_event_id={}", ids[0]);
    let mut events = Events::try_open(&admin, &query, &[("last-event-id", &ids[20])])
        .await
        .ok()
        .unwrap();
    assert_eq!(events.subscribed().await[0]["offset"], 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_before_the_stream_begins() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let (admin, nobody) = (node.admin(), node.anonymous());
    refused(&nobody, "topics=board:all", &[], 401, "unauthenticated").await;
    refused(
        &node.with_token("nonsense"),
        "topics=board:all",
        &[],
        401,
        "unauthenticated",
    )
    .await;
    for query in ["", "topics=", "topics=,%20,", "topic=board:all"] {
        assert_eq!(
            refused(&admin, query, &[], 422, "validation").await,
            ["topics"],
            "{query}"
        );
    }
    let many: Vec<String> = (1..=SESSION_TOPICS_MAX + 1).map(|id| format!("user:{id}")).collect();
    let query = format!("topics={}", many.join(","));
    assert_eq!(refused(&admin, &query, &[], 422, "validation").await, ["topics"]);
    let twice = "topics=user:1&topics=board:all";
    assert_eq!(refused(&admin, twice, &[], 422, "validation").await, ["topics"]);
    let long = "A".repeat(EVENT_ID_CHARS_MAX + 1);
    for id in ["nonsense!", "AA", "AQD_", "../../etc/passwd", &long] {
        let headers = [("last-event-id", id)];
        let fields = refused(&admin, "topics=user:1", &headers, 422, "validation").await;
        assert_eq!(fields, ["last-event-id"], "{id:.30}");
    }
    let fields = refused(&admin, "topics=user:1&last_event_id=nonsense!", &[], 422, "validation").await;
    assert_eq!(fields, ["last_event_id"]);
    // An unknown topic is that topic's affair.
    let odd = "user:1,dance:7,user:0,board:all:year,user:77777,%27%20OR%201=1--,user:1";
    let mut events = Events::open(&admin, odd).await;
    let held = events.subscribed().await;
    let statuses: Vec<u64> = held
        .iter()
        .map(|topic| topic["error"]["status"].as_u64().unwrap_or(200))
        .collect();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 200], "{held:?}");
    let all: Vec<String> = (1..=SESSION_TOPICS_MAX).map(|id| format!("user:{id}")).collect();
    let mut events = Events::open(&admin, &all.join(",")).await;
    assert_eq!(events.subscribed().await.len(), SESSION_TOPICS_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_one_stream_and_a_refused_one_keeps_it() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let (student, nobody) = (node.student(1).await, node.anonymous());
    let query = format!("ticket={}&topics=user:1", ticket(&student).await);
    refused(&nobody, &query.replace("user:1", ""), &[], 422, "validation").await;
    refused(&nobody, &query, &[("origin", "null")], 403, "origin_not_allowed").await;
    let mut events = Events::try_open(&nobody, &query, &[]).await.ok().unwrap();
    assert!(
        events.subscribed().await[0]["error"].is_null(),
        "the stream is the student's"
    );
    earn(&node.admin(), 1, "read_content", 1).await;
    events.recv().await;
    // As a browser that reconnects by itself: the page has to fetch another ticket.
    let headers = [("last-event-id", events.last_id())];
    refused(&nobody, &query, &headers, 401, "unauthenticated").await;
    let query = format!(
        "ticket={}&topics=user:1&last_event_id={}",
        ticket(&student).await,
        events.last_id()
    );
    let mut events = Events::try_open(&nobody, &query, &[]).await.ok().unwrap();
    assert_eq!(events.subscribed().await[0]["recovered"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_allowed_origins_may_read_streams_and_no_others() {
    let node = Node::start_with(|config| config.allowed_origins = vec!["https://school.example".into()]).await;
    let admin = node.admin();
    for foreign in ["null", "https://evil.example", "http://127.0.0.1:1"] {
        refused(
            &admin,
            "topics=board:all",
            &[("origin", foreign)],
            403,
            "origin_not_allowed",
        )
        .await;
    }
    for fine in [admin.base().to_owned(), "https://school.example".to_owned()] {
        let headers = [("origin", fine.as_str())];
        let events = Events::try_open(&admin, "topics=board:all", &headers)
            .await
            .ok()
            .unwrap();
        assert_eq!(events.header("access-control-allow-origin"), Some(fine.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_lost_ends_its_topic_alone() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let mut events = Events::open(&node.student(1).await, "team:10,user:1,board:team:10").await;
    assert!(events.subscribed().await.iter().all(|topic| topic["error"].is_null()));
    admin.delete("/teams/10/members/1").await.ok();
    let mut ended = Vec::new();
    while ended.len() < 2 {
        let message = events.recv().await;
        if message["type"] == "unsubscribed" {
            assert_eq!(message["reason"]["status"], 404, "{message}");
            ended.push(message["topic"].as_str().unwrap().to_owned());
        }
    }
    ended.sort_unstable();
    assert_eq!(ended, ["board:team:10", "team:10"]);
    earn(&admin, 1, "read_content", 1).await;
    assert_eq!(events.recv().await["topic"], "user:1", "the rest goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wall_screen_sees_no_names_and_no_ids() {
    let node = Node::start_with(|config| config.projector_places = 2).await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    earn(&admin, 1, "read_content", 1).await;
    let mut events = Events::open(&node.caller("projector", None).await, "board:all,team:10,user:1").await;
    let held = events.subscribed().await;
    assert_eq!(held[2]["error"]["status"], 403);
    earn(&admin, 2, "complete_quiz", 1).await;
    let mut text = json!(held[..2]).to_string();
    let mut kinds = Vec::new();
    while kinds.len() < 2 {
        let message = events.recv().await;
        text.push_str(&message.to_string());
        kinds.push(message["type"].clone());
        kinds.dedup();
    }
    assert!(!text.contains(Class::REAL) && !text.contains("user_id"), "{text}");
    assert!(text.contains(r#""row":"#), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_and_sockets_of_a_person_are_counted_together() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let student = node.student(1).await;
    let mut sockets = Vec::new();
    for _ in 1..SESSIONS_PER_STUDENT_MAX {
        sockets.push(Socket::connect(&student).await);
    }
    let events = Events::open(&student, "user:1").await;
    refused(&student, "topics=user:1", &[], 429, "too_many_own_sessions").await;
    // Whoever hangs up is noticed while nothing is sent.
    drop(events);
    eventually("a place is free again", || async {
        Events::try_open(&student, "topics=user:1", &[]).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_ends_its_streams() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let wish = json!({"role": "student", "user_id": 1});
    let made = admin.post("/tokens", wish).await.expect(201);
    let client = node.with_token(made["token"].as_str().unwrap());
    let mut events = Events::open(&client, "user:1").await;
    events.subscribed().await;
    let id = events.last_id().to_owned();
    admin.delete(&format!("/tokens/{}", made["token_id"])).await.ok();
    let closed = events.closed().await;
    assert_eq!(
        (&closed["code"], &closed["reason"]),
        (&json!(4500), &json!("token_ended"))
    );
    assert_eq!(events.last_id(), id, "the last message moves nothing");
    refused(&client, "topics=user:1", &[], 401, "unauthenticated").await;
    let wish = json!({"role": "projector", "expires_in_s": 1});
    let made = admin.post("/tokens", wish).await.expect(201);
    let mut events = Events::open(&node.with_token(made["token"].as_str().unwrap()), "board:all").await;
    assert_eq!(events.closed().await["code"], 4500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_node_says_when_to_come_back() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let mut all = Vec::new();
    for _ in 0..8 {
        let mut events = Events::open(&node.admin(), "user:1").await;
        events.subscribed().await;
        all.push(events);
    }
    earn(&node.admin(), 1, "read_content", 1).await;
    node.stop().await;
    let mut waits = Vec::new();
    for events in &mut all {
        assert_eq!(events.recv().await["offset"], 1, "what is durable still comes");
        let closed = events.closed().await;
        assert_eq!((&closed["code"], &closed["reason"]), (&json!(1012), &json!("stopping")));
        assert_eq!(
            closed["retry_after_ms"].as_u64(),
            events.retry(),
            "browsers wait as long as programs"
        );
        waits.push(events.retry().unwrap());
    }
    waits.sort_unstable();
    waits.dedup();
    assert!(
        waits.len() > 1 && waits.iter().all(|wait| (500..5_000).contains(wait)),
        "{waits:?}"
    );
}

/// The body of a chunked answer, as far as it came.
fn without_chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let length = usize::from_str_radix(str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        let from = (end + 2).min(rest.len());
        let to = (from + length).min(rest.len());
        body.extend_from_slice(&rest[from..to]);
        rest = rest.get(to + 2..).unwrap_or_default();
        if length == 0 {
            break;
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_ended_delays_nobody_and_goes_on_by_the_last_id() {
    const BATCHES: u64 = 12;
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let address = admin.base().trim_start_matches("http://").to_owned();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut slow = socket.connect(address.parse().unwrap()).await.unwrap();
    let token = admin.token().unwrap();
    let head = format!(
        "GET /events/stream?topics=user:1 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut quick = Events::open(&admin, "user:1").await;
    quick.subscribed().await;
    for batch in 0..BATCHES {
        earn_batch(&admin, 1, 1 + batch * 1_000, 1_000).await;
        check_offsets(&quick.until_offset("user:1", (batch + 1) * 1_000).await, batch * 1_000);
    }
    let mut bytes = Vec::new();
    // A broken connection is an end as well.
    let _ = within("the end of the stream", slow.read_to_end(&mut bytes)).await;
    let body = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let messages = EventParser::default().take(&without_chunks(&bytes[body..]));
    let mut last = 0;
    for (message, _) in &messages[1..] {
        last += 1;
        assert_eq!(message["offset"], last, "what it got is without a gap");
    }
    assert!(last < BATCHES * 1_000, "it was never stuck");
    let id = &messages.last().unwrap().1;
    let mut events = Events::open_at(&admin, "user:1", id).await;
    assert_eq!(events.subscribed().await[0]["recovered"], true);
    let rest = events.until_offset("user:1", BATCHES * 1_000).await;
    assert_eq!(rest.len() as u64, BATCHES * 1_000 - last);
    check_offsets(&rest, last);
    report_row(
        "F-N1",
        "messages that a stream did not take",
        rest.len() as u64,
        "ended, all came later",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_of_others_are_no_way_in() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    earn_batch(&admin, 1, 1, 5).await;
    let mut events = Events::open(&admin, "user:1,user:2").await;
    events.subscribed().await;
    let stranger = node.student(2).await;
    let mut events = Events::open_at(&stranger, "user:1,user:2", events.last_id()).await;
    let held = events.subscribed().await;
    assert_eq!(
        (&held[0]["error"]["status"], &held[1]["recovered"]),
        (&json!(403), &json!(true))
    );
    earn(&admin, 1, "read_content", 50).await;
    earn(&admin, 2, "read_content", 50).await;
    assert_eq!(events.recv().await["topic"], "user:2");
}
