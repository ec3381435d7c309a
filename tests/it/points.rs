//! Awards, the ledger, reversals and reinstatements, team achievements, and when things happened.

use crate::support::{Class, Client, Node, earn, shape};
use serde_json::{Value, json};

async fn total(admin: &Client, user_id: u64) -> u64 {
    admin.get(&format!("/progress/{user_id}")).await.expect(200)["points"]["total"]
        .as_u64()
        .unwrap()
}

async fn ledger(admin: &Client, user_id: u64) -> Vec<Value> {
    let page = admin.get(&format!("/points/{user_id}?limit=1000")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

fn team_award(user_id: u64, reference_id: u64) -> Value {
    json!({
        "user_id": user_id, "action_type": "team_achievement", "reference_id": reference_id, "evidence": {"team_id": 10},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_is_worth_what_the_rules_say() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let mut sum = 0;
    let worth = [
        ("read_content", 10),
        ("complete_quiz", 50),
        ("contribute_resource", 25),
        ("community_feedback", 15),
        ("team_achievement", 100),
    ];
    for (action, points) in worth {
        let mut wish = earn(1, action, 5);
        if action == "team_achievement" {
            wish["evidence"] = json!({"team_id": 10});
        }
        let answer = node.admin().post("/points/earn", wish).await.expect(201);
        sum += points;
        assert_eq!(
            (&answer["points"], &answer["total"]),
            (&json!(points), &json!(sum)),
            "{action}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_a_natural_key_is_awarded_once_among_many_at_once() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let admin = admin.clone();
        all.spawn(async move { admin.post("/points/earn", earn(1, "complete_quiz", 5)).await });
    }
    let mut awarded = 0;
    while let Some(answer) = all.join_next().await {
        let answer = answer.unwrap();
        match answer.status {
            201 => awarded += 1,
            200 => assert_eq!(answer.body["reason"], "already_awarded"),
            status => panic!("{status}: {}", answer.text),
        }
    }
    assert_eq!(awarded, 1);
    assert_eq!(total(&admin, 1).await, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_kept_once_a_day_and_answered_by_its_receipt() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let first = node
        .admin()
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201);
    let receipt = node
        .admin()
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(200);
    assert_ne!(receipt["event_id"], first["event_id"]);
    for _ in 0..5 {
        let again = node
            .admin()
            .post("/points/earn", earn(1, "complete_quiz", 5))
            .await
            .expect(200);
        assert_eq!(again["event_id"], receipt["event_id"]);
    }
    node.restart().await;
    let after = node
        .admin()
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(200);
    assert_eq!(after["event_id"], receipt["event_id"]);
    let entries = ledger(&node.admin(), 1).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (&entries[0]["awarded"], &entries[0]["reason"]),
        (&json!(false), &json!("already_awarded"))
    );
    assert_eq!((&entries[0]["points"], &entries[0]["total"]), (&json!(0), &json!(50)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reversal_is_an_entry_and_the_natural_key_stays_used() {
    let mut node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let mut wish = earn(1, "complete_quiz", 5);
    wish["occurred_at"] = json!("2026-03-01T09:30:00.000Z");
    let award = admin.post("/points/earn", wish).await.expect(201)["event_id"]
        .as_u64()
        .unwrap();
    admin.post("/points/earn", earn(1, "read_content", 6)).await.expect(201);
    let reverse = format!("/points/{award}/reverse");
    let reversal = admin.post(&reverse, json!({"reason": "wrong person"})).await.ok();
    shape(&reversal, "event_id:id points:int total:count");
    assert_eq!((&reversal["points"], &reversal["total"]), (&json!(-50), &json!(10)));
    assert_eq!(total(&admin, 1).await, 10);
    let twice = admin.post(&reverse, json!({"reason": "again"})).await;
    assert!([409, 422].contains(&twice.status), "{}", twice.text);
    let entries = ledger(&admin, 1).await;
    assert_eq!(entries.len(), 3);
    assert_eq!((&entries[0]["points"], &entries[0]["total"]), (&json!(-50), &json!(10)));
    assert_eq!(
        entries[0]["occurred_at"], "2026-03-01T09:30:00.000Z",
        "at the original's moment"
    );
    assert_eq!(entries[0]["reason"], "wrong person");
    let again = admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(200);
    assert_eq!(again["reason"], "already_awarded");
    node.restart().await;
    let admin = node.admin();
    assert_eq!(total(&admin, 1).await, 10);
    let reinstate = format!("/points/{award}/reinstate");
    let back = admin.post(&reinstate, json!({})).await.ok();
    assert_eq!((&back["points"], &back["total"]), (&json!(50), &json!(60)));
    let twice = admin.post(&reinstate, json!({})).await;
    assert!([409, 422].contains(&twice.status), "{}", twice.text);
    assert_eq!(total(&admin, 1).await, 60);
    let board = admin.get("/leaderboards/all").await.expect(200);
    assert_eq!(
        (&board["entries"][0]["user_id"], &board["entries"][0]["points"]),
        (&json!(1), &json!(60))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_totals_are_never_negative_whatever_is_taken_back() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut awards = Vec::new();
    for reference in 1..=10 {
        let award = admin
            .post("/points/earn", earn(1, "read_content", reference))
            .await
            .expect(201);
        awards.push(award["event_id"].as_u64().unwrap());
    }
    for award in awards {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let admin = admin.clone();
            all.spawn(async move {
                admin
                    .post(&format!("/points/{award}/reverse"), json!({"reason": "r"}))
                    .await
                    .status
            });
        }
        let statuses = all.join_all().await;
        assert_eq!(
            statuses.iter().filter(|status| **status < 300).count(),
            1,
            "{statuses:?}"
        );
    }
    assert_eq!(total(&admin, 1).await, 0);
    assert!(
        ledger(&admin, 1)
            .await
            .iter()
            .all(|entry| entry["total"].as_u64().is_some())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_awards_can_be_taken_back() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let award = admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201)["event_id"]
        .clone();
    let receipt = admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(200)["event_id"]
        .clone();
    let refused = admin
        .post(&format!("/points/{receipt}/reverse"), json!({"reason": "r"}))
        .await;
    assert!([404, 409, 422].contains(&refused.status), "{}", refused.text);
    let too_early = admin.post(&format!("/points/{award}/reinstate"), json!({})).await;
    assert!([409, 422].contains(&too_early.status), "{}", too_early.text);
    let long = json!({"reason": "x".repeat(501)});
    admin
        .post(&format!("/points/{award}/reverse"), long)
        .await
        .any_problem(422);
    assert_eq!(total(&admin, 1).await, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_achievement_credits_every_present_member_once_before_the_answer() {
    let mut node = Node::start().await;
    Class::of(&node, 30).await;
    let admin = node.admin();
    admin
        .post("/users", json!({"id": 500, "name": "Late"}))
        .await
        .expect(201);
    let answer = admin.post("/points/earn", team_award(7, 9)).await.expect(201);
    assert_eq!((&answer["user_id"], &answer["points"]), (&json!(7), &json!(100)));
    for user_id in 1..=30 {
        let entries = ledger(&admin, user_id).await;
        assert_eq!(entries.len(), 1, "person {user_id}");
        assert_eq!(entries[0]["action_type"], "team_achievement");
        assert_eq!(
            (&entries[0]["reference_id"], &entries[0]["points"]),
            (&json!(9), &json!(100))
        );
    }
    assert_eq!(
        admin.get("/team/10/performance").await.expect(200)["points"]["sum"],
        3_000
    );
    // Whoever joins later has no part in it, and another member's claim is the same fact.
    admin.put("/teams/10/members/500", json!({})).await.ok();
    assert_eq!(total(&admin, 500).await, 0);
    for claimant in [7, 8] {
        let again = admin.post("/points/earn", team_award(claimant, 9)).await.expect(200);
        assert_eq!(again["awarded"], false, "{again}");
    }
    node.restart().await;
    let admin = node.admin();
    for user_id in 1..=30 {
        assert_eq!(total(&admin, user_id).await, 100, "person {user_id}");
    }
    let next = admin.post("/points/earn", team_award(1, 10)).await.expect(201);
    assert_eq!(next["total"], 200);
    assert_eq!(total(&admin, 500).await, 100, "a member of this moment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_achievement_among_many_at_once_credits_each_member_once() {
    let node = Node::start().await;
    Class::of(&node, 12).await;
    let admin = node.admin();
    let mut all = tokio::task::JoinSet::new();
    for claimant in 1..=12 {
        let admin = admin.clone();
        all.spawn(async move { admin.post("/points/earn", team_award(claimant, 9)).await });
    }
    let answers = all.join_all().await;
    for answer in &answers {
        assert!([200, 201].contains(&answer.status), "{}", answer.text);
    }
    for user_id in 1..=12 {
        assert_eq!(total(&admin, user_id).await, 100, "person {user_id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_counts_by_when_it_happened() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let at = |reference: u64, time: &str| {
        let mut wish = earn(1, "complete_quiz", reference);
        wish["occurred_at"] = json!(time);
        wish
    };
    for (reference, time) in [
        (1, "1970-01-01T00:00:00.000Z"),
        (2, "2026-03-01T09:30:00+02:00"),
        (3, "2026-03-01T09:30:00.5Z"),
    ] {
        admin.post("/points/earn", at(reference, time)).await.expect(201);
    }
    let times: Vec<Value> = ledger(&admin, 1)
        .await
        .iter()
        .map(|entry| entry["occurred_at"].clone())
        .collect();
    let mut sorted = times.iter().map(|time| time.as_str().unwrap()).collect::<Vec<_>>();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "1970-01-01T00:00:00.000Z",
            "2026-03-01T07:30:00.000Z",
            "2026-03-01T09:30:00.500Z"
        ]
    );
    let board = admin.get("/leaderboards/all").await.expect(200);
    assert_eq!(board["entries"][0]["reached_at"], "2026-03-01T09:30:00.500Z");
    let done = json!({"unit_id": 101, "progress_percentage": 100, "occurred_at": "2026-02-03T04:05:06.007Z"});
    let state = admin.post("/progress/2", done).await.expect(200);
    assert_eq!(state["completed_at"], "2026-02-03T04:05:06.007Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_happens_more_than_five_minutes_from_now() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let now = jiff::Timestamp::now();
    let ahead = |seconds: i64| (now + jiff::SignedDuration::from_secs(seconds)).to_string();
    for (reference, seconds, status) in [(1, 6 * 60, 422), (2, 4 * 60, 201), (3, 0, 201), (4, -1, 201)] {
        let mut wish = earn(1, "complete_quiz", reference);
        wish["occurred_at"] = json!(ahead(seconds));
        let answer = node.admin().post("/points/earn", wish).await;
        assert_eq!(answer.status, status, "{seconds} s ahead: {}", answer.text);
    }
    let progress = |seconds: i64| json!({"unit_id": 101, "progress_percentage": 5, "occurred_at": ahead(seconds)});
    node.admin()
        .post("/progress/1", progress(6 * 60))
        .await
        .any_problem(422);
    node.admin().post("/progress/1", progress(4 * 60)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_admins_and_services_say_when() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let mut wish = earn(1, "read_content", 101);
    wish["occurred_at"] = json!("2026-03-01T09:30:00.000Z");
    for caller in [node.student(1).await, node.mentor(900).await] {
        let answer = caller.post("/points/earn", wish.clone()).await;
        assert!(
            [403, 422].contains(&answer.status),
            "{}: {}",
            answer.status,
            answer.text
        );
    }
    assert_eq!(total(&node.admin(), 1).await, 0);
    node.caller("service", None)
        .await
        .post("/points/earn", wish)
        .await
        .expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_that_is_a_unit_counts_in_its_qualification() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    // No unit: counts overall only.
    admin
        .post("/points/earn", earn(1, "complete_quiz", 5_000))
        .await
        .expect(201);
    // A reference of feedback is a resource, not a unit.
    admin
        .post("/points/earn", earn(1, "community_feedback", 102))
        .await
        .expect(201);
    let mut named = earn(2, "community_feedback", 5_001);
    named["unit_id"] = json!(102);
    admin.post("/points/earn", named).await.expect(201);
    let board = admin.get("/leaderboards/qualification:20").await.expect(200);
    let points: Vec<_> = board["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["points"])
        .collect();
    assert_eq!(points, [50, 15], "{board}");
    assert_eq!(
        admin.get("/leaderboards/all").await.expect(200)["entries"][0]["points"],
        115
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn students_report_only_what_the_rules_let_them() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let student = node.student(1).await;
    student
        .post("/points/earn", earn(1, "read_content", 101))
        .await
        .expect(201);
    // The reference must be a unit: else a student could invent references without end.
    let invented = student.post("/points/earn", earn(1, "read_content", 5_000)).await;
    assert!([403, 422].contains(&invented.status), "{}", invented.text);
    for action in ["complete_quiz", "contribute_resource", "community_feedback"] {
        student
            .post("/points/earn", earn(1, action, 102))
            .await
            .problem(403, "forbidden");
    }
    student
        .post("/points/earn", team_award(1, 9))
        .await
        .problem(403, "forbidden");
    let foreign = student.post("/points/earn", earn(2, "read_content", 101)).await;
    assert!([403, 404, 422].contains(&foreign.status), "{}", foreign.text);
    assert_eq!((total(&node.admin(), 1).await, total(&node.admin(), 2).await), (10, 0));
}
