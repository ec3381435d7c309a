//! Analytics and signals: every figure against plain SQL over the journal, who may ask, and what is asked wrongly.

pub mod figures;
mod signals;

use crate::support::{Class, Node, earn};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_shows_in_the_next_answer_and_a_reversal_too() {
    let mut node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    let figures = async |node: &Node| {
        let found = node.admin().get("/analytics/success").await.expect(200);
        let engaged = node.admin().get("/analytics/engagement").await.expect(200);
        (
            found["quizzes"].clone(),
            engaged["active"].clone(),
            engaged["active_minutes"].clone(),
        )
    };
    assert_eq!(figures(&node).await, (json!(0), json!(0), json!(0)));
    let mut quiz = earn(1, "complete_quiz", 101);
    quiz["evidence"] = json!({"score": 0.5});
    let award = admin.post("/points/earn", quiz.clone()).await.expect(201)["event_id"].clone();
    assert_eq!(figures(&node).await, (json!(1), json!(1), json!(1)));
    admin.post("/points/earn", quiz).await.expect(200);
    assert_eq!(
        figures(&node).await,
        (json!(1), json!(1), json!(1)),
        "a refusal is no activity"
    );
    let reverse = format!("/points/{award}/reverse");
    admin.post(&reverse, json!({"reason": "copied"})).await.ok();
    assert_eq!(figures(&node).await, (json!(0), json!(0), json!(0)));
    node.restart().await;
    assert_eq!(figures(&node).await, (json!(0), json!(0), json!(0)));
    let reinstate = format!("/points/{award}/reinstate");
    node.admin().post(&reinstate, json!({})).await.ok();
    assert_eq!(figures(&node).await, (json!(1), json!(1), json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_wrongly_is_refused_with_the_field() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    for (query, field) in [
        ("from=yesterday", "from"),
        ("to=2026-03-01", "to"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-02T00:00:00Z", "to"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "to"),
        ("bucket=month", "bucket"),
        (
            "bucket=hour&from=2026-01-01T00:00:00Z&to=2026-02-11T17:00:00Z",
            "bucket",
        ),
        ("bucket=day&from=2020-01-01T00:00:00Z&to=2026-02-11T17:00:00Z", "bucket"),
        (
            "bucket=week&from=1970-01-01T00:00:00Z&to=9000-01-01T00:00:00Z",
            "bucket",
        ),
        ("team_id=0", "team_id"),
        ("qualification_id=x", "qualification_id"),
        ("format=xml", "format"),
        ("format=csv&table=nothing", "table"),
        ("limit=0", "limit"),
    ] {
        let path = format!("/analytics/engagement?{query}");
        let problem = admin.get(&path).await.problem(422, "validation");
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
    for (query, status, code) in [
        ("team_id=77777", 422, "unknown_team"),
        ("qualification_id=77777", 422, "unknown_qualification"),
        ("cursor=nonsense", 400, "invalid_cursor"),
    ] {
        admin
            .get(&format!("/analytics/outcomes?{query}"))
            .await
            .problem(status, code);
    }
    let hours = "bucket=hour&from=2026-01-01T00:00:00Z&to=2026-02-11T16:00:00Z";
    let found = admin.get(&format!("/analytics/engagement?{hours}")).await.expect(200);
    assert_eq!(found["buckets"].as_array().map(Vec::len), Some(1_000));
    let mentor = node.mentor(900).await;
    let problem = mentor.get("/analytics/success").await.problem(422, "validation");
    assert_eq!(problem["errors"][0]["field"], "team_id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_paged_and_csv_says_the_same() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    admin
        .patch("/units/101", json!({"title": "=HYPERLINK(\"x\"), \"quoted\""}))
        .await
        .ok();
    let events: Vec<Value> = (101..=104)
        .map(|unit| json!({"kind": "progress", "user_id": 1, "unit_id": unit, "progress_percentage": 50}))
        .collect();
    admin.post("/events", json!({"events": events})).await.expect(200);
    let mut path = "/analytics/outcomes?limit=3".to_owned();
    let mut units = Vec::new();
    loop {
        let page = admin.get(&path).await.expect(200);
        units.extend(
            page["units"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["unit_id"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/analytics/outcomes?limit=3&cursor={cursor}");
    }
    assert_eq!(units, [101, 102, 103, 104]);
    let other = path.replace("outcomes", "success");
    admin.get(&other).await.problem(400, "invalid_cursor");

    let sheet = admin.get("/analytics/outcomes?format=csv&table=units&limit=3").await;
    assert_eq!(sheet.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(
        sheet
            .header("content-disposition")
            .unwrap()
            .contains("outcomes-units.csv")
    );
    let lines: Vec<&str> = sheet.text.lines().collect();
    assert!(
        lines[0].starts_with("unit_id,title,begun,completed,completion_rate,"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].starts_with("101,\"'=HYPERLINK(\"\"x\"\"), \"\"quoted\"\"\",1,0,0.0,0,"),
        "{}",
        lines[1]
    );
    assert_eq!(lines.len(), 4);
    let link = sheet.header("link").unwrap();
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap();
    let rest = admin.get(next).await;
    assert!(rest.text.lines().nth(1).unwrap().starts_with("104,"), "{}", rest.text);
    assert_eq!(rest.header("link"), None);
    let request = admin.request(reqwest::Method::GET, "/analytics/engagement");
    let sheet = admin.send(request.header("Accept", "text/csv")).await;
    assert!(sheet.text.starts_with("from,to,active,new,"), "{}", sheet.text);
    assert_eq!(sheet.text.lines().count(), 8, "a line of names and seven days");
}
