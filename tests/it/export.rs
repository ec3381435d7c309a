//! An export has everything that is stored of a person, in a settled order, however much it is.

use crate::support::{Class, Node, earn, soak};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_all_that_is_stored() {
    let node = Node::start().await;
    let admin = node.admin();
    Class::of(&node, 2).await;
    admin.put("/teams/10/members/1", json!({"role": "captain"})).await.ok();
    let award = admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    let reverse = format!("/points/{}/reverse", award["event_id"]);
    admin.post(&reverse, json!({"reason": "a slip"})).await.expect(201);
    admin
        .post("/progress/1", json!({"unit_id": 101, "progress_percentage": 100}))
        .await
        .expect(200);
    let own = node.student(1).await;
    let revoked = admin
        .post("/tokens", json!({"role": "student", "user_id": 1, "label": "lost"}))
        .await
        .expect(201);
    admin.delete(&format!("/tokens/{}", revoked["token_id"])).await.ok();

    let answer = own.get("/users/1/export").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        !answer.text.contains("hr_") && !answer.text.contains("hash"),
        "{}",
        answer.text
    );
    let all = answer.expect(200);
    assert_eq!(all["user"]["name"], Class::real_name(1));
    assert_eq!(all["memberships"][0]["role"], "captain");
    assert_eq!(all["enrolments"][0]["qualification_id"], 20);
    assert_eq!(all["mentored_teams"], json!([]));
    assert_eq!(all["tokens"].as_array().unwrap().len(), 2);
    let ended = all["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["label"] == "lost");
    assert!(ended.unwrap()["revoked_at"].is_string(), "{}", all["tokens"]);
    assert_eq!(all["progress"], own.get("/progress/1").await.expect(200));
    assert_eq!(
        all["achievements"],
        own.get("/achievements/1").await.expect(200)["achievements"]
    );
    assert_eq!(all["ledger"], own.get("/points/1").await.expect(200)["items"]);
    let types: Vec<&str> = all["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["event_type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["points_awarded", "points_reversed", "progress_made"]);
    assert_eq!(all["events"][1]["note"], "a slip");
    assert_eq!(all["events"][0]["body"]["points"], 50);
    let acts: Vec<&str> = all["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["act"].as_str().unwrap())
        .collect();
    assert_eq!(
        acts,
        [
            "token_revoked",
            "token_made",
            "token_made",
            "award_reversed",
            "member_put"
        ]
    );

    let mentor = node.mentor(900).await;
    let seen = mentor.get("/users/1/export").await.expect(200);
    assert_eq!(seen["audit"][0]["act"], "user_exported");
    assert_eq!(seen["audit"][0]["by"]["user_id"], 900);
    let mentored = admin.get("/users/900/export").await.expect(200);
    assert_eq!(mentored["mentored_teams"][0]["team_id"], 10);
    let own_audit = admin.get("/audit?act=user_exported").await.expect(200);
    assert_eq!(
        own_audit["items"].as_array().unwrap().len(),
        2,
        "one's own export is nobody else's act"
    );
}

/// Awards in batches, then the whole document: every event once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_is_exported_page_by_page() {
    let awards: u64 = if soak() { 100_000 } else { 1_500 };
    let node = Node::start().await;
    let admin = node.admin();
    Class::of(&node, 1).await;
    let references: Vec<u64> = (1..=awards).collect();
    for batch in references.chunks(1_000) {
        let events: Vec<Value> = batch
            .iter()
            .map(|reference| {
                let mut item = earn(1, "community_feedback", *reference);
                item["kind"] = json!("points");
                item
            })
            .collect();
        admin.post("/events", json!({"events": events})).await.expect(200);
    }
    let answer = admin.get("/users/1/export").await;
    println!("export of {awards} awards: {} bytes", answer.text.len());
    let all = answer.expect(200);
    let versions = all["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["version"].as_u64().unwrap());
    assert!(versions.eq(1..=awards), "every event once, oldest first");
    let totals = all["ledger"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["total"].as_u64().unwrap());
    assert!(
        totals.eq((1..=awards).rev().map(|place| 15 * place)),
        "every entry once, newest first"
    );
    assert_eq!(all["progress"]["version"], awards);
}
