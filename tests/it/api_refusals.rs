//! Everything that is refused, how it is refused, and that nothing changes by it.

use crate::support::{Class, Client, Node, earn};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// All that a refused write might have changed.
async fn state_of(admin: &Client) -> Value {
    let mut state = Vec::new();
    let paths = [
        "/users?limit=1000",
        "/teams",
        "/units",
        "/qualifications",
        "/leaderboards/all",
        "/leaderboards/teams",
        "/progress/1",
        "/points/1",
        "/progress/2",
        "/points/2",
        "/team/10/performance",
    ];
    for path in paths {
        state.push(admin.get(path).await.expect(200));
    }
    json!(state)
}

/// A wish with one field set to something else; `null` in `value` stays null, a missing one is taken away.
fn with(mut base: Value, field: &str, value: Option<Value>) -> Value {
    let (mut place, mut rest) = (&mut base, field);
    while let Some((parent, child)) = rest.split_once('.') {
        place = &mut place[parent];
        rest = child;
    }
    match value {
        Some(value) => place[rest] = value,
        None => {
            place.as_object_mut().expect("an object").remove(rest);
        }
    }
    base
}

/// Values that are no id, whatever the field.
fn no_ids() -> Vec<Value> {
    [
        "0",
        "-1",
        "1.5",
        "9007199254740992",
        "18446744073709551616",
        "1e300",
        "null",
        "\"7\"",
        "\"\"",
        "true",
        "[]",
        "{}",
        "[1]",
    ]
    .iter()
    .map(|text| serde_json::from_str(text).unwrap())
    .collect()
}

/// Bad awards: what is changed in a good one, and the code that names it (none: any validation).
fn bad_awards() -> Vec<(Value, Option<&'static str>)> {
    let good = earn(1, "complete_quiz", 500);
    let mut bad = Vec::new();
    for field in ["user_id", "reference_id", "unit_id"] {
        for value in no_ids() {
            // A null in an optional field says the same as no field.
            if !(field == "unit_id" && value.is_null()) {
                bad.push((with(good.clone(), field, Some(value)), None));
            }
        }
    }
    for field in ["user_id", "action_type", "reference_id"] {
        bad.push((with(good.clone(), field, None), None));
    }
    bad.push((with(good.clone(), "user_id", Some(json!(777))), Some("unknown_user")));
    bad.push((with(good.clone(), "unit_id", Some(json!(777))), Some("unknown_unit")));
    for action in ["", "dance", "READ_CONTENT", "read_content ", "read-content"] {
        bad.push((
            with(good.clone(), "action_type", Some(json!(action))),
            Some("unknown_action"),
        ));
    }
    for action in [json!(1), json!(null), json!(["read_content"])] {
        bad.push((with(good.clone(), "action_type", Some(action)), None));
    }
    for time in [
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59.999Z",
        "yesterday",
        "",
        "2026-13-01T00:00:00Z",
        "2026-03-01",
    ] {
        bad.push((with(good.clone(), "occurred_at", Some(json!(time))), None));
    }
    bad.push((with(good.clone(), "occurred_at", Some(json!(1_700_000_000))), None));
    let base = with(good, "evidence", Some(json!({})));
    let evidence = [
        (
            "score",
            vec![json!(-0.01), json!(1.01), json!("1"), json!(true), json!([])],
        ),
        ("duration_ms", vec![json!(-1), json!(1.5), json!("1")]),
        ("quality", vec![json!(-1), json!(2), json!("x")]),
        ("rating", vec![json!(0), json!(6), json!(4.5), json!("5")]),
        ("team_id", vec![json!(0), json!("10"), json!(1.5)]),
        (
            "resource",
            vec![
                json!(7),
                json!({}),
                json!({"user_id": 2}),
                json!({"user_id": 0, "reference_id": 1}),
            ],
        ),
    ];
    for (field, values) in evidence {
        for value in values {
            bad.push((with(base.clone(), &format!("evidence.{field}"), Some(value)), None));
        }
    }
    for evidence in [json!(7), json!("x"), json!([1])] {
        bad.push((with(base.clone(), "evidence", Some(evidence)), None));
    }
    let team = json!({"user_id": 1, "action_type": "team_achievement", "reference_id": 500});
    bad.push((team.clone(), None));
    bad.push((
        with(team.clone(), "evidence", Some(json!({"team_id": 777}))),
        Some("unknown_team"),
    ));
    // Person 3 exists, but is not in the team.
    let outsider = with(team, "user_id", Some(json!(3)));
    bad.push((with(outsider, "evidence", Some(json!({"team_id": 10}))), None));
    bad
}

fn bad_progress() -> Vec<(Value, Option<&'static str>)> {
    let good = json!({"unit_id": 101, "progress_percentage": 50});
    let mut bad = Vec::new();
    for value in no_ids() {
        bad.push((with(good.clone(), "unit_id", Some(value)), None));
    }
    for value in [
        "-1",
        "101",
        "50.5",
        "1e2000",
        "\"50\"",
        "null",
        "true",
        "[]",
        "256",
        "-0.5",
        "18446744073709551616",
    ] {
        // 1e2000 is no number of JSON readers at all; sent as text elsewhere.
        if let Ok(value) = serde_json::from_str(value) {
            bad.push((with(good.clone(), "progress_percentage", Some(value)), None));
        }
    }
    bad.push((with(good.clone(), "unit_id", None), None));
    bad.push((with(good.clone(), "progress_percentage", None), None));
    bad.push((with(good.clone(), "unit_id", Some(json!(777))), Some("unknown_unit")));
    bad.push((with(good, "occurred_at", Some(json!("1969-12-31T23:59:59.999Z"))), None));
    bad
}

fn bad_rosters() -> Vec<(Method, &'static str, Value, u16)> {
    let long = "x".repeat(201);
    let mut bad = vec![
        (Method::POST, "/users", json!({}), 422),
        (Method::POST, "/users", json!({"name": 7}), 422),
        (Method::POST, "/users", json!({"name": null}), 422),
        (Method::POST, "/users", json!({"name": ""}), 422),
        (Method::POST, "/users", json!({"name": long}), 422),
        (Method::POST, "/users", json!({"name": "A", "role": "headmaster"}), 422),
        (Method::POST, "/users", json!({"name": "A", "alias": 7}), 422),
        (Method::POST, "/users", json!({"id": 1, "name": "A"}), 409),
        (Method::POST, "/teams", json!({"name": "x".repeat(101)}), 422),
        (Method::POST, "/teams", json!({"name": "T", "mentor_id": 777}), 422),
        (Method::POST, "/teams", json!({"id": 10, "name": "T"}), 409),
        (
            Method::POST,
            "/units",
            json!({"title": "U", "qualification_id": 777}),
            422,
        ),
        (
            Method::POST,
            "/units",
            json!({"title": "U", "skills": "fractions"}),
            422,
        ),
        (Method::POST, "/units", json!({"title": "U", "skills": [7]}), 422),
        (Method::POST, "/units", json!({"id": 101, "title": "U"}), 409),
        (Method::POST, "/qualifications", json!({"name": ["Q"]}), 422),
        (Method::POST, "/qualifications", json!({"id": 20, "name": "Q"}), 409),
        (Method::PATCH, "/users/1", json!({"name": ""}), 422),
        (Method::PATCH, "/users/777", json!({"name": "B"}), 404),
        (Method::PATCH, "/teams/777", json!({"name": "B"}), 404),
        (Method::DELETE, "/users/777", json!({}), 404),
        (Method::DELETE, "/units/777", json!({}), 404),
        (Method::PUT, "/teams/777/members/1", json!({}), 404),
        (Method::PUT, "/teams/10/members/777", json!({}), 404),
        (Method::PUT, "/teams/10/members/1", json!({"role": "x".repeat(51)}), 422),
        (Method::PUT, "/qualifications/777/learners/1", json!({}), 404),
        (Method::PUT, "/qualifications/20/learners/777", json!({}), 404),
    ];
    for id in no_ids().into_iter().filter(|id| !id.is_null()) {
        bad.push((Method::POST, "/users", json!({"id": id, "name": "A"}), 422));
        bad.push((Method::POST, "/teams", json!({"id": id, "name": "A"}), 422));
    }
    bad
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_write_is_named_and_changes_nothing() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    admin
        .post("/users", json!({"id": 3, "name": "Outside"}))
        .await
        .expect(201);
    admin
        .post("/points/earn", earn(1, "read_content", 101))
        .await
        .expect(201);
    let before = state_of(&admin).await;
    for (wish, code) in bad_awards() {
        let problem = admin.post("/points/earn", wish.clone()).await;
        assert_eq!(problem.status, 422, "{wish}: {}", problem.text);
        let problem = problem.any_problem(422);
        if let Some(code) = code {
            assert_eq!(problem["code"], code, "{wish}");
        }
    }
    for (wish, code) in bad_progress() {
        let problem = admin.post("/progress/1", wish.clone()).await;
        assert_eq!(problem.status, 422, "{wish}: {}", problem.text);
        let problem = problem.any_problem(422);
        if let Some(code) = code {
            assert_eq!(problem["code"], code, "{wish}");
        }
    }
    for (method, path, wish, status) in bad_rosters() {
        let answer = admin.send(admin.request(method.clone(), path).json(&wish)).await;
        assert_eq!(answer.status, status, "{method} {path} {wish}: {}", answer.text);
        answer.any_problem(status);
    }
    assert_eq!(state_of(&admin).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validation_names_the_field() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let cases = [
        (
            "/points/earn",
            with(earn(1, "complete_quiz", 5), "user_id", Some(json!("x"))),
            "user_id",
        ),
        (
            "/points/earn",
            with(earn(1, "complete_quiz", 5), "reference_id", None),
            "reference_id",
        ),
        (
            "/points/earn",
            with(earn(1, "complete_quiz", 5), "evidence", Some(json!({"score": 2}))),
            "evidence.score",
        ),
        (
            "/progress/1",
            json!({"unit_id": 101, "progress_percentage": 101}),
            "progress_percentage",
        ),
        ("/users", json!({"name": "x".repeat(201)}), "name"),
    ];
    for (path, wish, field) in cases {
        let problem = admin.post(path, wish).await.any_problem(422);
        let errors = problem["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("no errors in {problem}"));
        assert!(errors.iter().any(|error| error["field"] == field), "{field}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_never_come_from_a_client() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut wish = earn(1, "complete_quiz", 5);
    for field in ["points", "total", "level", "amount"] {
        wish[field] = json!(1_000_000);
    }
    let answer = admin.post("/points/earn", wish).await;
    assert!(answer.status == 201 || answer.status == 422, "{}", answer.text);
    let total = admin.get("/progress/1").await.expect(200)["points"]["total"].clone();
    assert!(total == 50 || total == 0, "{total}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_person_or_thing_in_the_path_is_404_with_its_code() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let cases = [
        ("/progress/777", "unknown_user"),
        ("/achievements/777", "unknown_user"),
        ("/points/777", "unknown_user"),
        ("/users/777", "unknown_user"),
        ("/teams/777", "unknown_team"),
        ("/team/777/performance", "unknown_team"),
        ("/units/777", "unknown_unit"),
        ("/qualifications/777", "unknown_qualification"),
        ("/leaderboards/team:777", "unknown_team"),
        ("/leaderboards/qualification:777", "unknown_qualification"),
    ];
    for (path, code) in cases {
        admin.get(path).await.problem(404, code);
    }
    admin
        .post("/progress/777", json!({"unit_id": 101, "progress_percentage": 1}))
        .await
        .problem(404, "unknown_user");
    admin
        .post("/points/777/reverse", json!({"reason": "x"}))
        .await
        .any_problem(404);
    for path in [
        "/leaderboards/nobody",
        "/leaderboards/team:",
        "/leaderboards/team:x",
        "/nowhere",
        "/student/",
        "/points",
    ] {
        admin.get(path).await.any_problem(404);
    }
    for id in [
        "0",
        "-1",
        "1.5",
        "abc",
        "9007199254740992",
        "99999999999999999999999",
        "%00",
        "1%2F2",
    ] {
        let answer = admin.get(&format!("/progress/{id}")).await;
        assert!([400, 404, 422].contains(&answer.status), "{id}: {}", answer.text);
        let status = answer.status;
        answer.any_problem(status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_json_of_ours_is_refused_by_its_kind() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let before = state_of_one(&admin).await;
    let post = |body: String, kind: &'static str| {
        let request = admin
            .request(Method::POST, "/points/earn")
            .header("Content-Type", kind)
            .body(body);
        let admin = admin.clone();
        async move { admin.send(request).await }
    };
    let good = earn(1, "complete_quiz", 5).to_string();
    for malformed in [
        "{",
        "nul",
        "{\"user_id\":1,}",
        "\u{feff}{}",
        "{\"user_id\":1}{",
        "'x'",
        "{\"a\":1e9999999999}",
    ] {
        let answer = post(malformed.into(), "application/json").await;
        let status = answer.status;
        // A body that is JSON but says nothing usable may also be called unprocessable; never accepted, never a 5xx.
        assert!(
            status == 400 || (status == 422 && serde_json::from_str::<Value>(malformed).is_ok()),
            "{malformed}: {}",
            answer.text
        );
        answer.any_problem(status);
    }
    for no_object in ["[]", "7", "null", "\"x\"", "true"] {
        let answer = post(no_object.into(), "application/json").await;
        let status = answer.status;
        assert!(status == 400 || status == 422, "{no_object}: {}", answer.text);
        answer.any_problem(status);
    }
    let deep = "[".repeat(100_000);
    post(deep, "application/json").await.any_problem(400);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "multipart/form-data",
    ] {
        post(good.clone(), kind).await.any_problem(415);
    }
    post(good, "application/json; charset=utf-8").await.expect(201);
    assert_ne!(state_of_one(&admin).await, before, "the last one counts");
}

async fn state_of_one(admin: &Client) -> Value {
    json!([
        admin.get("/points/1").await.expect(200),
        admin.get("/leaderboards/all").await.expect(200)
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_405_and_says_which_are_right() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let cases = [
        (Method::GET, "/points/earn/x", 404),
        (Method::DELETE, "/points/earn", 405),
        (Method::PUT, "/progress/1", 405),
        (Method::POST, "/achievements/1", 405),
        (Method::DELETE, "/leaderboards/all", 405),
        (Method::GET, "/events", 405),
        (Method::PATCH, "/healthz", 405),
    ];
    for (method, path, status) in cases {
        let answer = admin.send(admin.request(method.clone(), path)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        if status == 405 {
            assert!(answer.header("allow").is_some(), "{method} {path} without Allow");
        }
        answer.any_problem(status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_have_bounds_and_cursors_are_checked() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    for path in [
        "/users",
        "/teams",
        "/units",
        "/qualifications",
        "/points/1",
        "/leaderboards/all",
    ] {
        for limit in ["0", "-1", "1001", "1000000000", "99999999999999999999", "x", "1.5", ""] {
            let answer = admin.get(&format!("{path}?limit={limit}")).await;
            assert_eq!(answer.status, 422, "{path}?limit={limit}: {}", answer.text);
            answer.any_problem(422);
        }
        admin.get(&format!("{path}?limit=1")).await.expect(200);
        admin.get(&format!("{path}?limit=1000")).await.expect(200);
        for cursor in ["x", "AAAA", "..%2F..", "%27%3B--", "9999999999999999999999"] {
            let answer = admin.get(&format!("{path}?cursor={cursor}")).await;
            assert_eq!(answer.status, 400, "{path}?cursor={cursor}: {}", answer.text);
            answer.any_problem(400);
        }
    }
    for query in ["period=year", "period=", "around=0", "around=x", "neighbours=-1"] {
        let answer = admin.get(&format!("/leaderboards/all?{query}")).await;
        assert!(
            [400, 422].contains(&answer.status),
            "{query}: {} {}",
            answer.status,
            answer.text
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_cursor_is_refused() {
    let node = Node::start().await;
    Class::of(&node, 5).await;
    let admin = node.admin();
    let users = admin.get("/users?limit=2").await.expect(200)["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let board = admin.get("/leaderboards/all?limit=2").await.expect(200)["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    admin
        .get(&format!("/leaderboards/all?cursor={users}"))
        .await
        .any_problem(400);
    admin.get(&format!("/users?cursor={board}")).await.any_problem(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_row_keeps_a_whole_import_out() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let before = state_of(&admin).await;
    let good = Class {
        students: (2001..=2050).collect(),
        team_id: 2010,
        mentor_id: 2900,
        qualification_id: 2020,
        units: vec![2101, 2102],
    };
    // list, place, field, value
    let cases = [
        ("users", 49, "name", json!(7)),
        ("users", 3, "id", json!(0)),
        ("users", 3, "role", json!("king")),
        ("units", 1, "qualification_id", json!(7777)),
        ("teams", 0, "mentor_id", json!(7777)),
        ("teams", 0, "name", json!("x".repeat(101))),
        ("team_members", 20, "user_id", json!(7777)),
        ("team_members", 20, "team_id", json!(7777)),
        ("enrolments", 20, "user_id", json!(7777)),
        ("enrolments", 20, "qualification_id", json!(7777)),
    ];
    for (list, place, field, value) in cases {
        let mut rows = good.rows();
        rows[list][place][field] = value;
        let problem = admin.post("/import", rows).await.any_problem(422);
        let named = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}"));
        let wanted = format!("{list}[{place}]");
        assert!(
            named
                .iter()
                .any(|error| error["field"].as_str().unwrap().contains(&wanted)),
            "{wanted}: {problem}"
        );
    }
    for lists in [
        json!({"users": {}}),
        json!({"users": [7]}),
        json!({"users": 7}),
        json!([]),
    ] {
        let answer = admin.post("/import", lists.clone()).await;
        assert!([400, 422].contains(&answer.status), "{lists}: {}", answer.text);
    }
    assert_eq!(state_of(&admin).await, before);
}

/// Sends bytes over a bare connection and gives the status line's number: the answer counts even while the body is
/// still being sent.
async fn status_of_bytes(client: &Client, head: String, body: Vec<u8>) -> u16 {
    let address = client.base().strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let sending = tokio::spawn(async move {
        // The node may close before it has read everything; that is its right.
        let _ = to.write_all(head.as_bytes()).await;
        let _ = to.write_all(&body).await;
        to
    });
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("an answer to a large body");
    sending.abort();
    let text = String::from_utf8_lossy(&answer);
    text.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status: {text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_beyond_their_bound_are_413() {
    let node = Node::start().await;
    let admin = node.admin();
    let token = admin.token().unwrap();
    let mib = 1024 * 1024;
    for (path, bound) in [
        ("/points/earn", mib),
        ("/users", mib),
        ("/events", 4 * mib),
        ("/import", 16 * mib),
    ] {
        let head = |framing: &str| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: homeroom\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\n{framing}\r\n\r\n"
            )
        };
        // Announced: refused before the body is sent.
        let announced = head(&format!("Content-Length: {}", bound + 1));
        assert_eq!(status_of_bytes(&admin, announced, Vec::new()).await, 413, "{path}");
        // Not announced: refused once the bound is passed.
        let mut chunked = Vec::new();
        let chunk = vec![b' '; 64 * 1024];
        for _ in 0..=bound / chunk.len() {
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(&chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        assert_eq!(
            status_of_bytes(&admin, head("Transfer-Encoding: chunked"), chunked).await,
            413,
            "{path}"
        );
    }
    // Below the bound the content decides.
    let padded = format!("{}{}", " ".repeat(1024 * 1024 - 64), "{}");
    let request = admin
        .request(Method::POST, "/users")
        .header("Content-Type", "application/json")
        .body(padded);
    admin.send(request).await.any_problem(422);
    let too_large = "x".repeat(10 * mib);
    let head = format!(
        "POST /points/earn HTTP/1.1\r\nHost: homeroom\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        too_large.len()
    );
    assert_eq!(status_of_bytes(&admin, head, too_large.into_bytes()).await, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_has_a_bound() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let item = |reference: u64| json!({"kind": "points", "user_id": 1, "action_type": "read_content", "reference_id": reference});
    let full: Vec<Value> = (1..=1_000).map(item).collect();
    let over: Vec<Value> = (1..=1_001).map(item).collect();
    admin.post("/events", json!({"events": over})).await.any_problem(422);
    assert_eq!(admin.get("/progress/1").await.expect(200)["points"]["total"], 0);
    let answer = admin.post("/events", json!({"events": full})).await.expect(200);
    assert_eq!(answer["results"].as_array().unwrap().len(), 1_000);
    assert_eq!(admin.get("/progress/1").await.expect(200)["points"]["total"], 10_000);
    admin.post("/events", json!({"events": []})).await;
    for wrong in [json!({}), json!({"events": {}}), json!({"events": 7}), json!([])] {
        let answer = admin.post("/events", wrong.clone()).await;
        assert!([400, 422].contains(&answer.status), "{wrong}: {}", answer.text);
    }
}
