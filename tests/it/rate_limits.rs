//! F-A10: budgets of requests. Whoever asks for more is told so and when to go on, loses nothing, and is served again then.

use crate::support::{Answer, Class, Client, Node, Socket, check_problem, earn, report_row, whole_ledger};
use futures_util::future::join_all;
use homeroom::replay::plan::Shape;
use homeroom::replay::{Pace, play, sample};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The numbers of a `RateLimit` or `RateLimit-Policy` header of this budget.
fn numbers(answer: &Answer, header: &str, budget: &str) -> Vec<u64> {
    let text = answer
        .header(header)
        .unwrap_or_else(|| panic!("no {header}: {}", answer.text));
    let mut parts = text.split(';');
    assert_eq!(parts.next(), Some(format!("\"{budget}\"").as_str()), "{text}");
    parts
        .map(|part| part.split_once('=').expect("name=number").1.parse().expect("a number"))
        .collect()
}

/// Requires a complete refusal and gives the seconds to wait.
fn wait_asked(answer: &Answer, budget: &str) -> u64 {
    let wait = answer
        .header("retry-after")
        .expect("Retry-After")
        .parse()
        .expect("whole seconds");
    assert!(wait >= 1);
    assert_eq!(numbers(answer, "ratelimit", budget)[0], 0);
    let problem = answer.clone().problem(429, "rate_limited");
    assert_eq!(problem["retry_after"], wait);
    wait
}

/// Sends so many reads at once as the budget of a student never holds, and gives a refused answer.
async fn exhaust_reads(student: &Client) -> Answer {
    loop {
        let answers = join_all((0..120).map(|_| student.get("/progress/1"))).await;
        if let Some(refused) = answers.into_iter().find(|answer| answer.status == 429) {
            return refused;
        }
    }
}

async fn exhaust_writes(student: &Client, first_reference: u64) -> (Vec<Answer>, Vec<Answer>) {
    let sent = (0..150).map(|number| student.post("/points/earn", earn(1, "read_content", first_reference + number)));
    let answers: Vec<Answer> = join_all(sent).await;
    answers.into_iter().partition(|answer| answer.status != 429)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa10_a_student_over_the_limit_waits_as_told_and_goes_on() {
    let node = Node::start().await;
    let class = Class::of(&node, 2).await;
    let student = node.student(1).await;
    let units = json!({"units": (1_000..1_400).map(|id| json!({"id": id, "title": "T"})).collect::<Vec<_>>()});
    node.admin().post("/import", units).await.ok();
    let first = student.get("/progress/1").await;
    assert_eq!(numbers(&first, "ratelimit-policy", "reads"), [100, 2]);
    let (taken, refused) = exhaust_writes(&student, 1_000).await;
    assert!(taken.len() >= 40 && !refused.is_empty(), "{} taken", taken.len());
    for answer in &taken {
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(numbers(answer, "ratelimit-policy", "writes"), [40, 2]);
    }
    let wait = refused.iter().map(|answer| wait_asked(answer, "writes")).max().unwrap();
    // Another person, another kind of work, and the school's programs are not concerned.
    node.student(2)
        .await
        .post("/progress/2", json!({"unit_id": 101, "progress_percentage": 5}))
        .await
        .expect(200);
    student.get("/progress/1").await.expect(200);
    assert_eq!(node.admin().get("/progress/1").await.header("ratelimit"), None);
    // Refused answers are not kept under a key: the same key does it later.
    let wish = earn(1, "read_content", 1_399);
    let keyed = loop {
        let answer = student.post_keyed("/points/earn", wish.clone(), "later").await;
        if answer.status == 429 {
            break answer;
        }
        assert!(answer.is_replayed() || answer.status == 201, "{}", answer.text);
        exhaust_writes(&student, 1_000).await;
    };
    let told = Instant::now();
    tokio::time::sleep(Duration::from_secs(wait.max(wait_asked(&keyed, "writes")))).await;
    let again = student.post_keyed("/points/earn", wish, "later").await;
    assert!(again.status == 201 || again.is_replayed(), "{}", again.text);
    report_row(
        "F-A10",
        "requests of one student over their limit",
        refused.len() as u64,
        &format!(
            "{} taken, the rest told 429; served again after {:?} ({wait} s asked)",
            taken.len(),
            told.elapsed()
        ),
    );
    let credited = whole_ledger(&node.admin(), 1).await;
    assert!(
        credited.len() > taken.len(),
        "what was refused is not there, what was taken is"
    );
    drop(class);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_have_their_own_limit_also_on_a_socket() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let student = node.student(1).await;
    let mut socket = Socket::connect(&student).await;
    assert_eq!(wait_asked(&exhaust_reads(&student).await, "reads"), 1);
    let mut refused = 0;
    for _ in 0..200 {
        let topics = json!({"type": "subscribe", "topics": [{"topic": "user:1"}, {"topic": "board:all"}]});
        let reply = socket.request_reply(topics).await;
        if reply["type"] == "error" {
            assert_eq!(reply["error"]["code"], "rate_limited", "{reply}");
            refused += 1;
        }
    }
    assert!(refused > 0, "200 requests at once are more than 100");
    // The start of a session is a read too, and a ticket is no write.
    loop {
        let upgrades = join_all((0..20).map(|_| Socket::try_connect(&student, &[]))).await;
        if upgrades
            .iter()
            .flat_map(|upgrade| upgrade.as_ref().err())
            .any(|refused| refused.body["code"] == "rate_limited")
        {
            break;
        }
        exhaust_reads(&student).await;
    }
    student
        .post("/progress/1", json!({"unit_id": 101, "progress_percentage": 5}))
        .await
        .expect(200);
    assert_eq!(socket.request_reply(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_of_a_batch_beyond_the_budget_are_refused_alone_and_in_order() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let units = json!({"units": (1_000..1_100).map(|id| json!({"id": id, "title": "T"})).collect::<Vec<_>>()});
    node.admin().post("/import", units).await.ok();
    let student = node.student(1).await;
    let mut left: Vec<u64> = (1_000..1_100).collect();
    let (mut calls, mut refused) = (0, 0);
    while !left.is_empty() {
        let events: Vec<Value> = left
            .iter()
            .map(|id| {
                json!({"kind": "points", "user_id": 1, "action_type": "read_content", "reference_id": id, "key": format!("k{id}")})
            })
            .collect();
        let answer = student.post("/events", json!({"events": events})).await;
        calls += 1;
        if answer.status == 429 {
            tokio::time::sleep(Duration::from_secs(wait_asked(&answer, "writes"))).await;
            continue;
        }
        let answer = answer.expect(200);
        let results = answer["results"].as_array().unwrap();
        let good = results.iter().take_while(|result| result["status"] == 201).count();
        if calls == 1 {
            assert!((40..100).contains(&good), "a burst is taken whole: {good}");
        }
        for result in &results[good..] {
            assert_eq!(result["status"], 429, "nothing is taken after a refused item: {result}");
            check_problem(&result["error"]);
            assert_eq!(result["error"]["retry_after"], 1);
            refused += 1;
        }
        left.drain(..good);
        if !left.is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    assert!(calls > 1 && refused > 0, "{calls} calls");
    assert_eq!(
        node.admin().get("/progress/1").await.expect(200)["points"]["total"],
        1_000
    );
    // Programs of the school send whole batches.
    let events: Vec<Value> = (1..=1_000)
        .map(|id| json!({"kind": "points", "user_id": 1, "action_type": "complete_quiz", "reference_id": id}))
        .collect();
    let answer = node
        .admin()
        .post("/events", json!({"events": events}))
        .await
        .expect(200);
    assert!(
        answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|result| result["status"] == 201)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_shares_the_budget_of_its_person_and_stays_open() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let student = node.student(1).await;
    let mut socket = Socket::connect(&student).await;
    for id in 1..=150 {
        let progress =
            json!({"type": "progress", "id": id, "user_id": 1, "unit_id": 101, "progress_percentage": id % 100});
        socket.send(progress).await;
    }
    let (mut acks, mut errors) = (0, 0);
    for id in 1..=150 {
        let reply = socket.reply(id).await;
        if reply["type"] == "ack" {
            acks += 1;
        } else {
            check_problem(&reply["error"]);
            assert_eq!(reply["error"]["code"], "rate_limited", "{reply}");
            assert_eq!(reply["error"]["retry_after"], 1);
            errors += 1;
        }
    }
    assert!(acks >= 40 && errors > 0, "{acks} acknowledged, {errors} refused");
    let (taken, refused) = exhaust_writes(&student, 101).await;
    assert!(!refused.is_empty() && taken.len() < 100, "one person, one budget");
    assert_eq!(socket.request_reply(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa10_a_client_that_honours_the_wait_brings_everything_in() {
    let node = Node::start_with(|config| config.rates.admin_writes_per_s = 100).await;
    let plan = Arc::new(sample::plan(Shape::Oulad).unwrap());
    let admin = node.admin();
    let client = homeroom::client::Client::new(admin.base(), admin.token().unwrap()).unwrap();
    let (_stop, stopped) = watch::channel(false);
    let (report, error) = play(&plan, &client, Pace::Fast, &Arc::default(), &stopped)
        .await
        .unwrap();
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        (report.commands_failed, report.commands_left),
        (0, 0),
        "{}",
        report.text()
    );
    let outcome = format!("all {} commands are in, 0 failed", report.commands);
    report_row(
        "F-A10",
        "commands of a replay over its limit, sent again",
        report.retries,
        &outcome,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_nought_is_none() {
    let node = Node::start_with(|config| {
        config.rates.student_writes_per_s = 0;
        config.rates.student_reads_per_s = 0;
    })
    .await;
    Class::of(&node, 1).await;
    let student = node.student(1).await;
    let answers = join_all((0..300).map(|_| student.get("/progress/1"))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.header("ratelimit").is_none())
    );
}
