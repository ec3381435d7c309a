//! Bounds of names, lists and frames (I9): the last good value is taken, the first bad one refused, nothing breaks.

use crate::support::{Class, Frame, Node, Socket, earn};
use homeroom_schema::limits;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_taken_up_to_their_bound_in_characters() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let award = admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201)["event_id"]
        .clone();
    let reverse = format!("/points/{award}/reverse");
    // Method, path, the other fields, the field, its bound.
    let cases = [
        (Method::POST, "/users", json!({}), "name", limits::NAME_CHARS_MAX),
        (
            Method::POST,
            "/users",
            json!({"name": "A"}),
            "alias",
            limits::NAME_CHARS_MAX,
        ),
        (Method::POST, "/units", json!({}), "title", limits::NAME_CHARS_MAX),
        (
            Method::POST,
            "/qualifications",
            json!({}),
            "name",
            limits::NAME_CHARS_MAX,
        ),
        (Method::POST, "/teams", json!({}), "name", limits::TEAM_NAME_CHARS_MAX),
        (
            Method::POST,
            "/tokens",
            json!({"role": "projector"}),
            "label",
            limits::NAME_CHARS_MAX,
        ),
        (
            Method::PUT,
            "/teams/10/members/1",
            json!({}),
            "role",
            limits::MEMBER_ROLE_CHARS_MAX,
        ),
        (
            Method::POST,
            reverse.as_str(),
            json!({}),
            "reason",
            limits::REASON_CHARS_MAX,
        ),
    ];
    for (method, path, wish, field, bound) in cases {
        for (length, is_good) in [(bound + 1, false), (bound, true)] {
            let mut wish = wish.clone();
            // Two bytes each: the bound counts characters.
            wish[field] = json!("é".repeat(length));
            let answer = admin.send(admin.request(method.clone(), path).json(&wish)).await;
            let is_taken = (200..300).contains(&answer.status);
            assert_eq!(
                is_taken, is_good,
                "{path} {field} of {length}: {} {}",
                answer.status, answer.text
            );
            if !is_good {
                answer.any_problem(422);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_has_so_many_skills_and_no_more() {
    let node = Node::start().await;
    let admin = node.admin();
    let unit = |skills: Vec<String>| json!({"title": "U", "skills": skills});
    let skills = |count: usize| (0..count).map(|n| format!("skill {n}")).collect::<Vec<_>>();
    admin.post("/units", unit(skills(limits::SKILLS_MAX))).await.expect(201);
    admin
        .post("/units", unit(skills(limits::SKILLS_MAX + 1)))
        .await
        .any_problem(422);
    admin
        .post("/units", unit(vec!["s".repeat(limits::SKILL_CHARS_MAX)]))
        .await
        .expect(201);
    admin
        .post("/units", unit(vec!["s".repeat(limits::SKILL_CHARS_MAX + 1)]))
        .await
        .any_problem(422);
    admin.post("/units", unit(vec![String::new()])).await.any_problem(422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_has_so_many_members_and_no_more() {
    let node = Node::start().await;
    let admin = node.admin();
    let count = limits::TEAM_MEMBERS_MAX as u64;
    let users: Vec<Value> = (1..=count + 1).map(|id| json!({"id": id, "name": "P"})).collect();
    let members: Vec<Value> = (1..=count).map(|id| json!({"team_id": 1, "user_id": id})).collect();
    let rows = json!({"users": users, "teams": [{"id": 1, "name": "Large"}], "team_members": members});
    admin.post("/import", rows).await.ok();
    admin
        .put(&format!("/teams/1/members/{}", count + 1), json!({}))
        .await
        .problem(422, "team_full");
    let one_more = json!({"team_members": [{"team_id": 1, "user_id": count + 1}]});
    let answer = admin.post("/import", one_more).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    admin.delete("/teams/1/members/1").await.ok();
    admin
        .put(&format!("/teams/1/members/{}", count + 1), json!({}))
        .await
        .ok();
    // All of them are credited by one fact, before the answer.
    let team = json!({"user_id": 2, "action_type": "team_achievement", "reference_id": 9, "evidence": {"team_id": 1}});
    admin.post("/points/earn", team).await.expect(201);
    let performance = admin.get("/team/1/performance").await.expect(200);
    assert_eq!(performance["points"]["sum"], 100 * count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_name_the_first_errors_and_stay_small() {
    let node = Node::start().await;
    let users: Vec<Value> = (0..5_000).map(|_| json!({"name": 7})).collect();
    let problem = node
        .admin()
        .post("/import", json!({"users": users}))
        .await
        .any_problem(422);
    let errors = problem["errors"].as_array().unwrap();
    assert!(
        (1..=limits::PROBLEM_ERRORS_MAX).contains(&errors.len()),
        "{}",
        errors.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_has_so_many_topics_and_no_more() {
    let node = Node::start().await;
    let admin = node.admin();
    let count = limits::SESSION_TOPICS_MAX as u64 + 1;
    let users: Vec<Value> = (1..=count).map(|id| json!({"id": id, "name": "P"})).collect();
    admin.post("/import", json!({"users": users})).await.ok();
    let mut socket = Socket::connect(&admin).await;
    let topics: Vec<String> = (1..=count).map(|id| format!("user:{id}")).collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let (good, over) = topics.split_at(limits::SESSION_TOPICS_MAX);
    for results in [socket.subscribe(good).await, socket.subscribe(&topics[..3]).await] {
        assert!(
            results.iter().all(|result| result.get("error").is_none()),
            "{results:?}"
        );
    }
    let refused = socket.subscribe(over).await.remove(0);
    assert_eq!(refused["error"]["code"], "too_many_topics", "{refused}");
    socket
        .request_reply(json!({"type": "unsubscribe", "topics": ["user:1"]}))
        .await;
    let taken = socket.subscribe(over).await.remove(0);
    assert!(taken.get("error").is_none(), "{taken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_beyond_its_bound_closes_its_socket_only() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let (mut bad, mut good) = (Socket::connect(&admin).await, Socket::connect(&admin).await);
    let mut largest = json!({"type": "ping", "id": 7, "pad": ""});
    let pad = limits::FRAME_BYTES_MAX - largest.to_string().len();
    largest["pad"] = json!("x".repeat(pad));
    bad.send(largest.clone()).await;
    assert_eq!(bad.reply(7).await["type"], "pong");
    largest["pad"] = json!("x".repeat(pad + 1));
    let _ = bad.try_send_raw(Message::text(largest.to_string())).await;
    assert_eq!(bad.closed().await.code, Some(1009));
    assert_eq!(good.request_reply(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_on_a_socket_is_answered_and_never_breaks_it() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let nonsense = [
        "",
        "{",
        "null",
        "7",
        "[]",
        "\"x\"",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"dance","id":1}"#,
        r#"{"id":1}"#,
        r#"{"type":"subscribe","id":1}"#,
        r#"{"type":"subscribe","id":1,"topics":7}"#,
        r#"{"type":"subscribe","id":1,"topics":[7]}"#,
        r#"{"type":"earn","id":1}"#,
        r#"{"type":"earn","id":1,"user_id":"x","action_type":"complete_quiz","reference_id":1}"#,
        r#"{"type":"progress","id":1,"user_id":1,"unit_id":101,"progress_percentage":1e999}"#,
        r#"{"type":"ping","id":1,"a":1e400}"#,
        r#"{"type":"unsubscribe","id":1,"topics":["user:99"]}"#,
        "{\"type\":\"ping\",\"x\":\"\\ud800\"}",
        &deep,
    ];
    for text in nonsense {
        socket.send_text(text).await;
    }
    socket.send(json!({"type": "ping", "id": 999})).await;
    let mut answers = 0;
    loop {
        match socket.next().await {
            Frame::Json(message) if message["id"] == 999 => break,
            Frame::Json(message) => {
                answers += 1;
                if let Some(problem) = message.get("error") {
                    crate::support::check_problem(problem);
                }
            }
            Frame::Closed(closed) => panic!("closed by nonsense: {closed:?}"),
        }
    }
    assert!(
        answers >= nonsense.len() - 2,
        "{answers} answers to {} frames",
        nonsense.len()
    );
    let total = node.admin().get("/progress/1").await.expect(200)["points"]["total"].clone();
    assert_eq!(total, 0);
}
