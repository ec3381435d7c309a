//! The audit log: every administrative act with who, what and when; refused attempts; and that a flood does not fill it.

use crate::support::{Class, Client, Node, Socket, earn, report_row};
use reqwest::Method;
use serde_json::{Value, json};

async fn entries(admin: &Client, query: &str) -> Vec<Value> {
    let page = admin.get(&format!("/audit?limit=1000{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_is_kept_with_who_and_what() {
    let mut node = Node::start().await;
    let admin = node.admin();
    Class::of(&node, 2).await;
    let service = node.caller("service", None).await;
    let service_id = service.get("/me").await.expect(200)["token_id"].clone();
    let award = admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    let entry = format!("/points/{}", award["event_id"]);
    let acts = [
        (
            Method::POST,
            "/users",
            json!({"id": 50, "name": "Fifty"}),
            "user_created",
            "user",
            50,
        ),
        (
            Method::PUT,
            "/users/50",
            json!({"name": "Fifty-one"}),
            "user_changed",
            "user",
            50,
        ),
        (
            Method::PATCH,
            "/users/50",
            json!({"archived": true}),
            "user_archived",
            "user",
            50,
        ),
        (
            Method::PATCH,
            "/users/50",
            json!({"archived": false}),
            "user_brought_back",
            "user",
            50,
        ),
        (
            Method::POST,
            "/teams",
            json!({"id": 60, "name": "Sixty"}),
            "team_created",
            "team",
            60,
        ),
        (
            Method::PATCH,
            "/teams/60",
            json!({"name": "Six"}),
            "team_changed",
            "team",
            60,
        ),
        (Method::PUT, "/teams/60/members/50", json!({}), "member_put", "user", 50),
        (
            Method::DELETE,
            "/teams/60/members/50",
            json!({}),
            "member_removed",
            "user",
            50,
        ),
        (Method::DELETE, "/teams/60", json!({}), "team_archived", "team", 60),
        (
            Method::PUT,
            "/qualifications/20/learners/50",
            json!({}),
            "learner_enrolled",
            "user",
            50,
        ),
        (
            Method::DELETE,
            "/qualifications/20/learners/50",
            json!({}),
            "learner_unenrolled",
            "user",
            50,
        ),
        (
            Method::POST,
            "/units",
            json!({"id": 70, "title": "Seventy"}),
            "unit_created",
            "unit",
            70,
        ),
        (Method::DELETE, "/units/70", json!({}), "unit_archived", "unit", 70),
        (
            Method::PATCH,
            "/qualifications/20",
            json!({"name": "Twenty"}),
            "qualification_changed",
            "qualification",
            20,
        ),
    ];
    for (method, path, body, act, kind, id) in acts {
        service.send(service.request(method, path).json(&body)).await.ok();
        let newest = entries(&admin, "").await.remove(0);
        assert_eq!(
            (&newest["act"], &newest["by"]["token_id"]),
            (&json!(act), &service_id),
            "{path}"
        );
        assert_eq!(
            (&newest["by"]["role"], &newest["by"]["user_id"]),
            (&json!("service"), &Value::Null)
        );
        assert_eq!(newest["subject"], json!({"kind": kind, "id": id}), "{path}");
        assert!(newest["at"].is_string() && newest["detail"].is_object());
    }
    let mentor = node.mentor(900).await;
    for (act, path) in [("award_reversed", "reverse"), ("award_reinstated", "reinstate")] {
        mentor
            .post(&format!("{entry}/{path}"), json!({"reason": "r"}))
            .await
            .expect(201);
        let newest = entries(&admin, "").await.remove(0);
        assert_eq!((&newest["act"], &newest["by"]["user_id"]), (&json!(act), &json!(900)));
        assert_eq!(newest["detail"]["event_id"], award["event_id"]);
    }
    let made = admin.post("/tokens", json!({"role": "projector"})).await.expect(201);
    admin.delete(&format!("/tokens/{}", made["token_id"])).await.ok();
    admin.delete("/users/50").await.ok();
    let newest = entries(&admin, "").await;
    let acts: Vec<&str> = newest
        .iter()
        .take(3)
        .map(|entry| entry["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["user_erased", "token_revoked", "token_made"]);
    assert_eq!(newest[1]["subject"], json!({"kind": "token", "id": made["token_id"]}));
    // What was refused, or changed nothing, is no act; nothing names anybody; and it is all there after a restart.
    let before = newest.len();
    service
        .post("/users", json!({"id": 1, "name": "Taken"}))
        .await
        .any_problem(409);
    service.patch("/users/2", json!({"alias": Class::alias(2)})).await.ok();
    node.restart().await;
    let after = entries(&node.admin(), "").await;
    assert_eq!(after.len(), before);
    let text = json!(after).to_string();
    assert!(!text.contains(Class::REAL) && !text.contains("Fifty"), "{text}");
    assert_eq!(after.iter().filter(|entry| entry["act"] == "imported").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_paged_and_filtered() {
    let node = Node::start().await;
    let admin = node.admin();
    for id in 1..=7_u64 {
        admin.post("/users", json!({"id": id, "name": "N"})).await.expect(201);
    }
    let all = entries(&admin, "").await;
    let mut paged = Vec::new();
    let mut path = "/audit?limit=3".to_owned();
    loop {
        let page = admin.get(&path).await.expect(200);
        paged.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/audit?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let since = all[2]["at"].as_str().unwrap();
    let recent = entries(&admin, &format!("&since={since}")).await;
    assert!(recent.len() >= 3 && recent.iter().all(|entry| entry["at"].as_str().unwrap() >= since));
    assert_eq!(entries(&admin, "&act=user_created").await.len(), 7);
    assert_eq!(entries(&admin, "&act=nothing").await.len(), 0);
    admin.get("/audit?since=yesterday").await.problem(422, "validation");
    admin.get("/audit?limit=0").await.problem(422, "validation");
    admin.get("/audit?cursor=x").await.problem(400, "invalid_cursor");
}

/// What a student may try in order to be more than a student (F-S2).
fn attempts() -> Vec<(Method, &'static str, Value)> {
    let points = |field: &str, value: Value| {
        let mut body = earn(1, "read_content", 101);
        body[field] = value;
        (Method::POST, "/points/earn", body)
    };
    let mut together = earn(1, "team_achievement", 101);
    together["evidence"] = json!({"team_id": 10});
    vec![
        points("points", json!(10_000)),
        points("total", json!(10_000)),
        points("level", json!(100)),
        points("awarded", json!(true)),
        points(
            "achievements_unlocked",
            json!([{"achievement_type": "quiz_champion", "tier": "gold"}]),
        ),
        points("role", json!("admin")),
        points("occurred_at", json!("2026-01-01T00:00:00Z")),
        (Method::POST, "/points/earn", together),
        (Method::POST, "/points/earn", earn(1, "complete_quiz", 101)),
        (Method::POST, "/points/earn", earn(2, "read_content", 101)),
        (
            Method::POST,
            "/progress/1",
            json!({"unit_id": 101, "progress_percentage": 5, "completed_at": "2026-01-01T00:00:00Z"}),
        ),
        (
            Method::POST,
            "/progress/1",
            json!({"unit_id": 101, "progress_percentage": 5, "points": 50}),
        ),
        (Method::PATCH, "/users/1", json!({"role": "staff"})),
        (Method::PUT, "/users/1", json!({"name": "Me", "role": "mentor"})),
        (
            Method::POST,
            "/import",
            json!({"users": [{"id": 1, "name": "Me", "role": "staff"}]}),
        ),
        (Method::POST, "/tokens", json!({"role": "admin"})),
        (Method::PATCH, "/teams/10", json!({"mentor_id": 1})),
        (Method::PUT, "/teams/1010/members/1", json!({})),
        (Method::DELETE, "/users/2", json!({})),
        (Method::GET, "/audit", json!({})),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_student_who_reaches_for_more_is_refused_and_it_is_kept() {
    // A flood must not end at the student's budget here.
    let node = Node::start_with(|config| config.rates.student_writes_per_s = 10_000).await;
    let admin = node.admin();
    Class::of(&node, 2).await;
    let student = node.student(1).await;
    let token_id = student.get("/me").await.expect(200)["token_id"].clone();
    let before = student.get("/progress/1").await.expect(200);
    let mut refused = 0;
    for (method, path, body) in attempts() {
        let answer = student.send(student.request(method.clone(), path).json(&body)).await;
        answer.problem(403, "forbidden");
        refused += 1;
    }
    let mut socket = Socket::connect(&student).await;
    for extra in ["points", "role", "awarded"] {
        let mut frame = earn(1, "read_content", 101);
        frame["type"] = json!("earn");
        frame[extra] = json!(1);
        let reply = socket.request_reply(frame).await;
        assert_eq!(
            (&reply["type"], &reply["error"]["code"]),
            (&json!("error"), &json!("forbidden"))
        );
        refused += 1;
    }
    let mut item = earn(1, "read_content", 101);
    item["kind"] = json!("points");
    item["points"] = json!(7);
    let batch = student.post("/events", json!({"events": [item]})).await.expect(200);
    assert_eq!(batch["results"][0]["status"], 403, "{batch}");
    assert_eq!(
        student.get("/progress/1").await.expect(200),
        before,
        "nothing of it counted"
    );
    assert_eq!(admin.get("/users/1").await.expect(200)["role"], "student");

    let kept = entries(&admin, "&act=refused").await;
    assert!(
        kept.iter()
            .all(|entry| entry["by"]["token_id"] == token_id && entry["by"]["user_id"] == 1)
    );
    let mut routes: Vec<&str> = kept
        .iter()
        .map(|entry| entry["detail"]["route"].as_str().unwrap())
        .collect();
    routes.sort_unstable();
    routes.dedup();
    assert!(refused > 20 && routes.len() >= 10, "{refused} refusals at {routes:?}");
    // A flood is a handful of entries, and the last one tells its size.
    for _ in 0..70 {
        student.delete("/users/2").await.any_problem(403);
    }
    let flood = entries(&admin, "&act=refused").await;
    let flood: Vec<u64> = flood
        .iter()
        .filter(|entry| entry["detail"]["method"] == "DELETE")
        .map(|entry| entry["detail"]["count"].as_u64().unwrap())
        .collect();
    assert_eq!(flood, [64, 32, 16, 8, 4, 2, 1]);
    let outcome = format!("0 accepted, all refused with 403, kept at {} routes", routes.len());
    report_row(
        "F-S2",
        "a student sends points, role, level … or does what is for others",
        refused,
        &outcome,
    );
}
