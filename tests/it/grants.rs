//! Points given by hand: who may, from which budget, and what the ledger says of it.

use crate::support::{Class, Client, Node, Socket, earn, within};
use serde_json::{Value, json};

fn by_hand(user_id: u64, points: u64) -> Value {
    json!({"user_id": user_id, "points": points, "reason": "helped the others"})
}

async fn left(mentor: &Client) -> u64 {
    let me = mentor.get("/me").await.expect(200);
    me["manual_awards"]["left"].as_u64().unwrap()
}

async fn newest(client: &Client, user_id: u64) -> Value {
    client.get(&format!("/points/{user_id}?limit=1")).await.expect(200)["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_given_by_hand_are_an_award_with_its_reason() {
    let mut node = Node::start().await;
    let class = Class::of(&node, 2).await;
    let (admin, mentor) = (node.admin(), node.mentor(class.mentor_id).await);
    admin.post("/points/earn", earn(1, "read_content", 5)).await.expect(201);
    let mut socket = Socket::connect(&node.student(1).await).await;
    socket.subscribe(&["user:1"]).await;

    let given = mentor.post_keyed("/points/award", by_hand(1, 20), "k1").await;
    let first = given.expect(201);
    assert_eq!(
        (
            &first["action_type"],
            &first["awarded"],
            &first["points"],
            &first["total"],
            &first["reason"]
        ),
        (
            &json!("manual_award"),
            &json!(true),
            &json!(20),
            &json!(30),
            &json!("helped the others")
        )
    );
    let message = within("the award", socket.recv()).await;
    assert_eq!(message["type"], "points_update");
    assert_eq!(
        (
            &message["data"]["action_type"],
            &message["data"]["points"],
            &message["data"]["total"]
        ),
        (&json!("manual_award"), &json!(20), &json!(30))
    );
    let again = mentor.post_keyed("/points/award", by_hand(1, 20), "k1").await;
    assert!(again.is_replayed());
    assert_eq!(again.expect(201), first, "once for one key");
    mentor
        .post_keyed("/points/award", by_hand(1, 21), "k1")
        .await
        .problem(422, "idempotency_key_reused");

    let entry = newest(&mentor, 1).await;
    assert_eq!(
        (
            &entry["kind"],
            &entry["action_type"],
            &entry["granted_by"],
            &entry["reason"]
        ),
        (
            &json!("award"),
            &json!("manual_award"),
            &json!(class.mentor_id),
            &json!("helped the others")
        )
    );
    assert!(
        newest(&node.student(1).await, 1).await.get("granted_by").is_none(),
        "for staff alone"
    );
    let audit = admin.get("/audit?act=points_awarded_by_hand").await.expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);

    // Taken back and given again like any award, and all of it is there after a restart.
    let event_id = first["event_id"].as_u64().unwrap();
    let reverse = format!("/points/{event_id}/reverse");
    let reversal = mentor.post(&reverse, json!({"reason": "wrong one"})).await.expect(201);
    assert_eq!((&reversal["points"], &reversal["total"]), (&json!(-20), &json!(10)));
    let twice = mentor.post(&reverse, json!({"reason": "again"})).await;
    twice.problem(409, "already_reversed");
    node.restart().await;
    let mentor = node.mentor(class.mentor_id).await;
    let reinstate = format!("/points/{event_id}/reinstate");
    let back = mentor.post(&reinstate, json!({})).await.expect(201);
    assert_eq!((&back["points"], &back["total"]), (&json!(20), &json!(30)));
    mentor
        .post(&reinstate, json!({}))
        .await
        .problem(409, "already_reinstated");
    mentor
        .post(&reverse, json!({"reason": "r"}))
        .await
        .problem(409, "already_reinstated");
    assert_eq!(left(&mentor).await, 480, "what was given counts, whatever became of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mentor_gives_within_a_budget_and_awards_at_once_never_exceed_it() {
    let mut node = Node::start().await;
    let class = Class::of(&node, 5).await;
    let mentor = node.mentor(class.mentor_id).await;
    let me = mentor.get("/me").await.expect(200)["manual_awards"].clone();
    let (per_award, per_week) = (me["per_award"].as_u64().unwrap(), me["per_week"].as_u64().unwrap());
    assert_eq!(me["left"], per_week);
    let too_many = mentor.post("/points/award", by_hand(1, per_award + 1)).await;
    assert_eq!(too_many.problem(422, "validation")["errors"][0]["field"], "points");
    assert_eq!(left(&mentor).await, per_week, "what is refused costs nothing");

    let fit = per_week / per_award;
    let mut all = tokio::task::JoinSet::new();
    for number in 0..fit + 10 {
        let mentor = mentor.clone();
        all.spawn(async move { mentor.post("/points/award", by_hand(1 + number % 5, per_award)).await });
    }
    let mut given = 0;
    while let Some(answer) = all.join_next().await {
        let answer = answer.unwrap();
        match answer.status {
            201 => given += 1,
            _ => assert_eq!(answer.problem(422, "budget_exhausted")["errors"][0]["field"], "points"),
        }
    }
    assert_eq!(given, fit);
    assert_eq!(left(&mentor).await, per_week - fit * per_award);
    node.restart().await;
    let mentor = node.mentor(class.mentor_id).await;
    assert_eq!(
        left(&mentor).await,
        per_week - fit * per_award,
        "counted again from what is kept"
    );
    let refused = mentor.post("/points/award", by_hand(1, per_award)).await;
    let refused = refused.problem(422, "budget_exhausted");
    let renews = mentor.get("/me").await.expect(200)["manual_awards"]["renews_at"].clone();
    assert!(
        refused["detail"].as_str().unwrap().contains(renews.as_str().unwrap()),
        "{refused}"
    );
    node.admin()
        .post("/points/award", by_hand(1, per_award))
        .await
        .expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cannot_be_given_points_is_refused_with_the_reason() {
    let node = Node::start().await;
    let class = Class::of(&node, 3).await;
    let admin = node.admin();
    let award = async |user_id: u64| admin.post("/points/award", by_hand(user_id, 5)).await;
    award(77_777).await.problem(422, "unknown_user");
    award(class.mentor_id).await.problem(422, "not_a_learner");
    admin.patch("/users/2", json!({"archived": true})).await.expect(200);
    award(2).await.problem(422, "unknown_user");
    admin.delete("/users/3").await.ok();
    award(3).await.problem(410, "erased");
    for (body, field) in [
        (json!({"user_id": 1, "points": 0, "reason": "r"}), "points"),
        (json!({"user_id": 1, "points": -3, "reason": "r"}), "points"),
        (json!({"user_id": 1, "points": 1.5, "reason": "r"}), "points"),
        (json!({"user_id": 1, "points": 5}), "reason"),
        (json!({"user_id": 1, "points": 5, "reason": " "}), "reason"),
        (json!({"points": 5, "reason": "r"}), "user_id"),
    ] {
        let refused = admin.post("/points/award", body).await.problem(422, "validation");
        assert_eq!(refused["errors"][0]["field"], field);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reversal_can_not_be_reversed_nor_a_receipt() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let award = admin.post("/points/earn", earn(1, "read_content", 5)).await.expect(201);
    let receipt = admin.post("/points/earn", earn(1, "read_content", 5)).await.expect(200);
    let reversal = admin
        .post(
            &format!("/points/{}/reverse", award["event_id"]),
            json!({"reason": "r"}),
        )
        .await
        .expect(201);
    for (event, code) in [(&reversal, 409), (&receipt, 422)] {
        let path = format!("/points/{}/reverse", event["event_id"]);
        admin.post(&path, json!({"reason": "r"})).await.any_problem(code);
    }
    let entry = newest(&admin, 1).await;
    assert_eq!(entry["of_event_id"], award["event_id"]);
    let second = admin.get("/points/1").await.expect(200)["items"][1].clone();
    assert_eq!(
        (&second["kind"], &second["retry_at"]),
        (&json!("refusal"), &Value::Null)
    );
    assert_eq!(second["rules"], 1);
}
