//! F-A1 to F-A5 and the rules of keys: one key, one outcome (I3), whichever way it comes and whatever happens between.

use crate::support::{Answer, Class, Client, Node, NodeProcess, Socket, earn, report_row, soak};
use serde_json::{Value, json};

const KEY: &str = "one-key";

/// The total of a person and how many entries their ledger has.
async fn ledger_of(admin: &Client, user_id: u64) -> (u64, usize) {
    let total = admin.get(&format!("/progress/{user_id}")).await.expect(200)["points"]["total"]
        .as_u64()
        .unwrap();
    let entries = admin.get(&format!("/points/{user_id}?limit=1000")).await.expect(200)["items"]
        .as_array()
        .unwrap()
        .len();
    (total, entries)
}

/// Requires the first answer again.
#[track_caller]
fn replayed(answer: Answer, first: &Value, status: u16) {
    assert!(answer.is_replayed(), "no Idempotency-Replayed: {}", answer.text);
    assert_eq!(&answer.expect(status), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa1_a_key_used_100_times_has_one_effect_and_one_answer() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let wish = earn(1, "complete_quiz", 5);
    let first = node.admin().post_keyed("/points/earn", wish.clone(), KEY).await;
    assert!(!first.is_replayed(), "{:?}", first.headers);
    let first = first.expect(201);
    // Other events between must not change the answer given again.
    node.admin()
        .post("/points/earn", earn(1, "read_content", 6))
        .await
        .expect(201);
    for _ in 0..98 {
        replayed(
            node.admin().post_keyed("/points/earn", wish.clone(), KEY).await,
            &first,
            201,
        );
    }
    node.restart().await;
    replayed(node.admin().post_keyed("/points/earn", wish, KEY).await, &first, 201);
    assert_eq!(ledger_of(&node.admin(), 1).await, (60, 2));
    report_row(
        "F-A1",
        "a key used again, also after a restart",
        99,
        "1 effect, 1 answer",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa1_a_key_survives_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(directory.path()).await;
    Class::import(&node.admin(), 0, 2).await;
    let wishes = [
        ("/points/earn", earn(1, "complete_quiz", 5)),
        ("/progress/1", json!({"unit_id": 101, "progress_percentage": 30})),
        ("/users", json!({"name": "New"})),
        (
            "/points/earn",
            json!({"user_id": 1, "action_type": "team_achievement", "reference_id": 9, "evidence": {"team_id": 10}}),
        ),
    ];
    let mut firsts = Vec::new();
    for (place, (path, wish)) in wishes.iter().enumerate() {
        let answer = node
            .admin()
            .post_keyed(path, wish.clone(), &format!("key-{place}"))
            .await;
        assert!((200..300).contains(&answer.status), "{}", answer.text);
        firsts.push((answer.status, answer.body));
    }
    node.kill9().await;
    let node = NodeProcess::start(directory.path()).await;
    for (place, (path, wish)) in wishes.into_iter().enumerate() {
        let (status, first) = &firsts[place];
        let again = node.admin().post_keyed(path, wish, &format!("key-{place}")).await;
        replayed(again, first, *status);
    }
    assert_eq!(ledger_of(&node.admin(), 1).await, (150, 2));
    assert_eq!(
        node.admin().get("/users?limit=1000").await.expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    report_row("F-A1", "keys used again after `kill -9`", 4, "the first answers again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa1_refusals_by_rules_are_answered_again_too() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201);
    let refused = admin
        .post_keyed("/points/earn", earn(1, "complete_quiz", 5), KEY)
        .await
        .expect(200);
    assert_eq!(refused["awarded"], false);
    replayed(
        admin.post_keyed("/points/earn", earn(1, "complete_quiz", 5), KEY).await,
        &refused,
        200,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa2_a_key_with_another_request_is_refused() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let first = admin
        .post_keyed("/points/earn", earn(1, "complete_quiz", 5), KEY)
        .await
        .expect(201);
    let others = [
        ("/points/earn", earn(1, "complete_quiz", 6)),
        ("/points/earn", earn(2, "complete_quiz", 5)),
        ("/points/earn?x=1", earn(1, "complete_quiz", 5)),
        ("/progress/1", json!({"unit_id": 101, "progress_percentage": 30})),
        ("/users", json!({"name": "New"})),
    ];
    for (path, wish) in others {
        admin
            .post_keyed(path, wish, KEY)
            .await
            .problem(422, "idempotency_key_reused");
    }
    assert_eq!(ledger_of(&admin, 1).await, (50, 1));
    assert_eq!(ledger_of(&admin, 2).await, (0, 0));
    report_row(
        "F-A2",
        "a key with another request",
        5,
        "refused, the first effect untouched",
    );
    replayed(
        admin.post_keyed("/points/earn", earn(1, "complete_quiz", 5), KEY).await,
        &first,
        201,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_content_written_otherwise_is_the_same_request() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let first = admin
        .post_keyed("/points/earn", earn(1, "complete_quiz", 5), KEY)
        .await
        .expect(201);
    let text = "{ \"reference_id\": 5,\n \"action_type\":\"complete_quiz\", \"user_id\": 1 }";
    let request = admin.request(reqwest::Method::POST, "/points/earn");
    let request = request
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", KEY)
        .body(text);
    replayed(admin.send(request).await, &first, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa3_a_pair_in_parallel_has_one_effect() {
    let pairs_wanted: u64 = if soak() { 1_000 } else { 250 };
    let node = Node::start().await;
    Class::of(&node, 10).await;
    let admin = node.admin();
    let mut pairs = tokio::task::JoinSet::new();
    for pair in 0..pairs_wanted {
        let admin = admin.clone();
        pairs.spawn(async move {
            let key = format!("pair-{pair}");
            let wish = earn(1 + pair % 10, "read_content", 1_000 + pair);
            let (one, other) = tokio::join!(
                admin.post_keyed("/points/earn", wish.clone(), &key),
                admin.post_keyed("/points/earn", wish, &key)
            );
            let mut done = 0;
            for answer in [&one, &other] {
                match answer.status {
                    201 => done += 1,
                    409 => assert_eq!(answer.code(), Some("request_in_progress"), "{}", answer.text),
                    status => panic!("{status}: {}", answer.text),
                }
            }
            assert!(done >= 1, "one of the two does it");
            if done == 2 {
                assert_eq!(one.body, other.body);
                assert_ne!(one.is_replayed(), other.is_replayed(), "one of them is the first");
            }
        });
    }
    while let Some(pair) = pairs.join_next().await {
        pair.expect("a pair holds");
    }
    let mut entries = 0;
    for user_id in 1..=10 {
        let (total, count) = ledger_of(&admin, user_id).await;
        assert_eq!(total, 10 * count as u64);
        entries += count;
    }
    assert_eq!(entries as u64, pairs_wanted);
    report_row("F-A3", "pairs with one key at once", pairs_wanted, "0 doubled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa3_a_new_person_is_made_once_by_a_pair_in_parallel() {
    let node = Node::start().await;
    let admin = node.admin();
    for pair in 0..20 {
        let key = format!("person-{pair}");
        let wish = json!({"name": format!("Person {pair}")});
        tokio::join!(
            admin.post_keyed("/users", wish.clone(), &key),
            admin.post_keyed("/users", wish.clone(), &key)
        );
    }
    let users = admin.get("/users?limit=1000").await.expect(200);
    assert_eq!(users["items"].as_array().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa4_the_same_key_of_another_caller_is_another_key() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let (one, other) = (node.student(1).await, node.student(2).await);
    let first = one
        .post_keyed("/points/earn", earn(1, "read_content", 101), KEY)
        .await
        .expect(201);
    let second = other
        .post_keyed("/points/earn", earn(2, "read_content", 101), KEY)
        .await;
    assert!(!second.is_replayed(), "another caller's answer leaked");
    let second = second.expect(201);
    assert_eq!((&first["user_id"], &second["user_id"]), (&json!(1), &json!(2)));
    // Tokens without a person are scopes of their own.
    let (service, another) = (node.caller("service", None).await, node.caller("service", None).await);
    service
        .post_keyed("/points/earn", earn(1, "complete_quiz", 7), KEY)
        .await
        .expect(201);
    let apart = another
        .post_keyed("/points/earn", earn(1, "complete_quiz", 7), KEY)
        .await;
    assert!(!apart.is_replayed());
    assert_eq!(apart.expect(200)["reason"], "already_awarded");
    report_row("F-A4", "a key of another caller", 2, "independent, no answer leaked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tokens_of_one_person_share_their_keys() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let (phone, laptop) = (node.student(1).await, node.student(1).await);
    let first = phone
        .post_keyed("/points/earn", earn(1, "read_content", 101), KEY)
        .await
        .expect(201);
    replayed(
        laptop
            .post_keyed("/points/earn", earn(1, "read_content", 101), KEY)
            .await,
        &first,
        201,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa5_socket_and_http_share_one_namespace_of_keys() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let student = node.student(1).await;
    let mut socket = Socket::connect(&student).await;
    let mut wish = earn(1, "read_content", 101);
    wish["type"] = json!("earn");
    wish["key"] = json!(KEY);
    let ack = socket.request_reply(wish.clone()).await;
    assert_eq!(
        (&ack["type"], &ack["data"]["awarded"]),
        (&json!("ack"), &json!(true)),
        "{ack}"
    );
    let again = socket.request_reply(wish.clone()).await;
    assert_eq!(again["data"], ack["data"]);
    let http = student
        .post_keyed("/points/earn", earn(1, "read_content", 101), KEY)
        .await;
    // Whether a frame and a request are one request is for the node to say; either way there is one effect.
    assert!(
        http.is_replayed() || http.code() == Some("idempotency_key_reused"),
        "{}: {}",
        http.status,
        http.text
    );
    assert_eq!(ledger_of(&node.admin(), 1).await, (10, 1));
    wish["reference_id"] = json!(102);
    let reused = socket.request_reply(wish).await;
    assert_eq!(reused["error"]["code"], "idempotency_key_reused", "{reused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa5_the_same_fact_over_socket_and_http_counts_once() {
    let node = Node::start().await;
    Class::of(&node, 4).await;
    let admin = node.admin();
    let mut awarded = 0;
    let mut socket = Socket::connect(&admin).await;
    for reference in 1..=40 {
        let wish = earn(1 + reference % 4, "complete_quiz", reference);
        let mut frame = wish.clone();
        frame["type"] = json!("earn");
        let (ack, http) = tokio::join!(socket.request_reply(frame), admin.post("/points/earn", wish));
        for answer in [&ack["data"], &http.body] {
            awarded += u64::from(answer["awarded"].as_bool().unwrap_or_else(|| panic!("{answer}")));
        }
    }
    assert_eq!(awarded, 40);
    report_row("F-A5", "one fact over socket and HTTP", 40, "0 doubled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_of_a_batch_have_keys_of_their_own() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let item = |reference: u64, key: &str| {
        let mut item = earn(1, "complete_quiz", reference);
        item["kind"] = json!("points");
        item["key"] = json!(key);
        item
    };
    let events = json!({"events": [item(1, "a"), item(2, "b"), item(1, "a"), item(3, "b")]});
    let first = admin.post("/events", events).await.expect(200);
    let results = first["results"].as_array().unwrap();
    assert_eq!(results[0]["status"], 201);
    assert_eq!(results[1]["status"], 201);
    assert_eq!(results[2]["data"], results[0]["data"], "{first}");
    assert_eq!(results[3]["error"]["code"], "idempotency_key_reused", "{first}");
    assert_eq!(ledger_of(&admin, 1).await, (100, 2));
    let again = admin
        .post("/events", json!({"events": [item(2, "b"), item(1, "a")]}))
        .await
        .expect(200);
    assert_eq!(again["results"][0]["data"], results[1]["data"]);
    assert_eq!(again["results"][1]["data"], results[0]["data"]);
    assert_eq!(ledger_of(&admin, 1).await, (100, 2));
    let bad = admin
        .post("/events", json!({"events": [item(9, ""), item(9, &"x".repeat(256))]}))
        .await
        .expect(200);
    for result in bad["results"].as_array().unwrap() {
        assert!([400, 422].contains(&result["status"].as_u64().unwrap()), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_batch_can_be_repeated_by_its_header() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let events = json!({"events": [
        {"kind": "points", "user_id": 1, "action_type": "complete_quiz", "reference_id": 5},
        {"kind": "progress", "user_id": 2, "unit_id": 101, "progress_percentage": 50},
    ]});
    let first = admin.post_keyed("/events", events.clone(), KEY).await.expect(200);
    let again = admin.post_keyed("/events", events, KEY).await;
    replayed(again, &first, 200);
    let another =
        json!({"events": [{"kind": "points", "user_id": 1, "action_type": "complete_quiz", "reference_id": 6}]});
    admin
        .post_keyed("/events", another, KEY)
        .await
        .problem(422, "idempotency_key_reused");
    assert_eq!(ledger_of(&admin, 1).await, (50, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_validation_are_not_kept() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    admin
        .post_keyed("/points/earn", earn(1, "dance", 5), KEY)
        .await
        .problem(422, "unknown_action");
    admin
        .post_keyed("/points/earn", earn(77, "complete_quiz", 5), KEY)
        .await
        .problem(422, "unknown_user");
    let done = admin.post_keyed("/points/earn", earn(1, "complete_quiz", 5), KEY).await;
    assert!(!done.is_replayed());
    done.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_1_to_255_visible_characters() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let longest = "k".repeat(255);
    for (place, good) in ["k", "!~", longest.as_str()].into_iter().enumerate() {
        let wish = earn(1, "complete_quiz", 1 + place as u64);
        admin.post_keyed("/points/earn", wish, good).await.expect(201);
    }
    let too_long = "k".repeat(256);
    for bad in ["", " ", "a b", "a\tb", too_long.as_str()] {
        let answer = admin
            .post_keyed("/points/earn", earn(1, "complete_quiz", 50), bad)
            .await;
        assert!(
            [400, 422].contains(&answer.status),
            "{bad:?}: {} {}",
            answer.status,
            answer.text
        );
    }
    assert_eq!(ledger_of(&admin, 1).await, (150, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_work_on_every_kind_of_write() {
    let mut node = Node::start().await;
    Class::of(&node, 2).await;
    let award = node
        .admin()
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201)["event_id"]
        .clone();
    let cases = [
        ("POST", "/users".to_owned(), json!({"name": "A"})),
        ("POST", "/teams".into(), json!({"name": "A"})),
        ("POST", "/units".into(), json!({"title": "A"})),
        ("POST", "/qualifications".into(), json!({"name": "A"})),
        ("PUT", "/users/50".into(), json!({"name": "B"})),
        ("PATCH", "/users/1".into(), json!({"alias": "Comet"})),
        ("PUT", "/teams/10/members/900".into(), json!({"role": "guide"})),
        ("DELETE", "/teams/10/members/900".into(), json!({})),
        ("POST", "/import".into(), json!({"users": [{"id": 70, "name": "C"}]})),
        (
            "POST",
            "/progress/2".into(),
            json!({"unit_id": 101, "progress_percentage": 5}),
        ),
        ("POST", format!("/points/{award}/reverse"), json!({"reason": "mistake"})),
        ("POST", format!("/points/{award}/reinstate"), json!({})),
    ];
    let mut firsts = Vec::new();
    for round in 0..3 {
        if round == 2 {
            node.restart().await;
        }
        for (place, (method, path, wish)) in cases.iter().enumerate() {
            let admin = node.admin();
            let request = admin
                .request(method.parse().unwrap(), path)
                .header("Idempotency-Key", format!("kind-{place}"));
            let answer = admin.send(request.json(wish)).await;
            assert!(
                (200..300).contains(&answer.status),
                "{method} {path}: {} {}",
                answer.status,
                answer.text
            );
            assert_eq!(
                answer.is_replayed(),
                round > 0,
                "{method} {path} round {round}: {}",
                answer.text
            );
            match round {
                0 => firsts.push((answer.status, answer.body)),
                _ => assert_eq!(firsts[place], (answer.status, answer.body), "{method} {path}"),
            }
        }
    }
    assert_eq!(ledger_of(&node.admin(), 1).await.0, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secret_answers_take_no_keys() {
    let node = Node::start().await;
    let admin = node.admin();
    for (path, wish) in [("/tokens", json!({"role": "projector"})), ("/tickets", json!({}))] {
        admin
            .post_keyed(path, wish, KEY)
            .await
            .problem(400, "idempotency_not_supported");
    }
}
