//! Progress never falls (I6), completion follows the catalogue and the enrolments, touches are kept sparingly.

use crate::support::{Class, Client, Node};
use serde_json::{Value, json};

async fn report(admin: &Client, unit_id: u64, percentage: u64) -> Value {
    let wish = json!({"unit_id": unit_id, "progress_percentage": percentage});
    admin.post("/progress/1", wish).await.expect(200)
}

async fn version(admin: &Client) -> u64 {
    admin.get("/progress/1").await.expect(200)["version"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_progress_never_falls() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    // (reported, kept)
    for (reported, kept) in [
        (0, 0),
        (10, 10),
        (5, 10),
        (40, 40),
        (40, 40),
        (0, 40),
        (100, 100),
        (99, 100),
        (100, 100),
    ] {
        assert_eq!(
            report(&node.admin(), 101, reported).await["progress_percentage"],
            kept,
            "{reported}"
        );
    }
    node.restart().await;
    assert_eq!(report(&node.admin(), 101, 1).await["progress_percentage"], 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_a_unit_is_completed_once() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let at = |time: &str| json!({"unit_id": 101, "progress_percentage": 100, "occurred_at": time});
    let first = admin
        .post("/progress/1", at("2026-03-01T09:00:00.000Z"))
        .await
        .expect(200);
    assert_eq!(first["completed_at"], "2026-03-01T09:00:00.000Z");
    for time in ["2026-03-02T09:00:00.000Z", "2026-02-01T09:00:00.000Z"] {
        let again = admin.post("/progress/1", at(time)).await.expect(200);
        assert_eq!(again["completed_at"], "2026-03-01T09:00:00.000Z");
    }
    node.restart().await;
    let progress = node.admin().get("/progress/1").await.expect(200);
    assert_eq!(progress["units"][0]["completed_at"], "2026-03-01T09:00:00.000Z");
    assert_eq!(progress["units_completed"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_touch_is_kept_at_most_once_a_minute() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let at = |second: u64| {
        let time = format!("2026-03-01T09:{:02}:{:02}.000Z", second / 60, second % 60);
        json!({"unit_id": 101, "progress_percentage": 40, "occurred_at": time})
    };
    admin.post("/progress/1", at(0)).await.expect(200);
    let first = version(&admin).await;
    for second in [1, 30, 59] {
        admin.post("/progress/1", at(second)).await.expect(200);
    }
    assert_eq!(version(&admin).await, first, "inside a minute nothing is kept");
    let state = admin.post("/progress/1", at(60)).await.expect(200);
    assert_eq!(state["last_accessed"], "2026-03-01T09:01:00.000Z");
    assert_eq!(version(&admin).await, first + 1);
    admin.post("/progress/1", at(90)).await.expect(200);
    assert_eq!(version(&admin).await, first + 1);
    // A real step is never held back.
    let step = json!({"unit_id": 101, "progress_percentage": 41, "occurred_at": "2026-03-01T09:01:31.000Z"});
    admin.post("/progress/1", step).await.expect(200);
    assert_eq!(version(&admin).await, first + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_counts_the_units_of_the_enrolments() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    // Another qualification with two units, and one unit that belongs to none.
    let more = json!({
        "qualifications": [{"id": 30, "name": "Second"}],
        "units": [
            {"id": 201, "title": "A", "qualification_id": 30},
            {"id": 202, "title": "B", "qualification_id": 30},
            {"id": 301, "title": "Alone"},
        ],
        "users": [{"id": 2, "name": "Free"}],
    });
    admin.post("/import", more).await.ok();
    let numbers = async |user_id: u64| {
        let progress = admin.get(&format!("/progress/{user_id}")).await.expect(200);
        let parts = ["units_completed", "units_total", "completion_percentage"];
        parts.map(|part| progress[part].as_f64().unwrap_or_else(|| panic!("{part}: {progress}")))
    };
    assert_eq!(numbers(1).await, [0.0, 4.0, 0.0]);
    assert_eq!(
        numbers(2).await,
        [0.0, 7.0, 0.0],
        "a learner with no enrolment counts all units"
    );
    report(&admin, 101, 100).await;
    report(&admin, 201, 100).await;
    assert_eq!(
        numbers(1).await,
        [1.0, 4.0, 25.0],
        "a unit outside the course does not count"
    );
    admin.put("/qualifications/30/learners/1", json!({})).await.ok();
    assert_eq!(numbers(1).await, [2.0, 6.0, 100.0 * 2.0 / 6.0], "unrounded");
    let progress = admin.get("/progress/1").await.expect(200);
    let of = |id: u64| {
        let all = progress["qualifications"].as_array().unwrap();
        all.iter()
            .find(|one| one["qualification_id"] == id)
            .unwrap_or_else(|| panic!("{id}: {progress}"))
            .clone()
    };
    assert_eq!(of(20)["completion_percentage"], 25.0);
    assert_eq!(of(30)["completion_percentage"], 50.0);
    assert_eq!(of(30)["completed_at"], Value::Null);
    report(&admin, 202, 100).await;
    let progress = admin.get("/progress/1").await.expect(200);
    let second = progress["qualifications"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["qualification_id"] == 30);
    assert!(second.unwrap()["completed_at"].is_string(), "{progress}");
    admin.delete("/qualifications/20/learners/1").await.ok();
    admin.delete("/qualifications/30/learners/1").await.ok();
    assert_eq!(numbers(1).await, [3.0, 7.0, 100.0 * 3.0 / 7.0]);
    admin
        .post("/units", json!({"id": 401, "title": "New"}))
        .await
        .expect(201);
    assert_eq!(numbers(1).await, [3.0, 8.0, 37.5]);
    admin.delete("/units/401").await.ok();
    assert_eq!(
        numbers(1).await,
        [3.0, 7.0, 100.0 * 3.0 / 7.0],
        "an archived unit no longer counts"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_without_units_is_at_zero() {
    let node = Node::start().await;
    let admin = node.admin();
    admin
        .post("/users", json!({"id": 1, "name": "Alone"}))
        .await
        .expect(201);
    let progress = admin.get("/progress/1").await.expect(200);
    assert_eq!((&progress["units_total"], &progress["units"]), (&json!(0), &json!([])));
    assert_eq!(progress["completion_percentage"].as_f64(), Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn students_report_their_own_progress_only() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let student = node.student(1).await;
    let wish = json!({"unit_id": 101, "progress_percentage": 10});
    student.post("/progress/1", wish.clone()).await.expect(200);
    let foreign = student.post("/progress/2", wish).await;
    assert!([403, 404].contains(&foreign.status), "{}", foreign.text);
}
