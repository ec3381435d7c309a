//! Every route's good answers, with exactly the shapes of the contract.

use crate::support::{Class, Node, earn, eventually, shape};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_answers_its_questions_without_a_token() {
    let mut node = Node::start().await;
    let anyone = node.anonymous();
    anyone.get("/healthz").await.expect(200);
    anyone.get("/readyz").await.expect(200);
    let metrics = anyone.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.text.contains("# TYPE"), "Prometheus text: {}", metrics.text);
    node.restart().await;
    node.anonymous().get("/readyz").await.expect(200);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_award_is_answered_in_full_and_seen_by_every_read() {
    let node = Node::start().await;
    let class = Class::of(&node, 3).await;
    let admin = node.admin();
    let answer = admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    shape(
        &answer,
        "event_id:id user_id:id action_type:text reference_id:id awarded:bool points:count total:count level:count \
         achievements_unlocked:list",
    );
    assert_eq!(answer["awarded"], true);
    assert_eq!(answer["points"], 50);
    assert_eq!(answer["total"], 50);
    let again = admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(200);
    assert_eq!(again["awarded"], false);
    assert_eq!(again["points"], 0);
    assert_eq!(again["reason"], "already_awarded");
    assert_eq!(again["total"], 50);
    let progress = admin.get("/progress/1").await.expect(200);
    assert_eq!(progress["points"]["total"], 50);
    let board = admin.get("/leaderboards/all").await.expect(200);
    assert_eq!(board["entries"][0]["user_id"], 1);
    assert_eq!(board["entries"][0]["points"], 50);
    let team = admin
        .get(&format!("/team/{}/performance", class.team_id))
        .await
        .expect(200);
    assert_eq!(team["points"]["sum"], 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_award_can_be_asked_for_in_the_query() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let path = "/points/earn?user_id=1&action_type=complete_quiz&reference_id=77";
    let admin = node.admin();
    let answer = admin.send(admin.request(Method::POST, path)).await.expect(201);
    assert_eq!((&answer["points"], &answer["reference_id"]), (&json!(50), &json!(77)));
    let missing = admin.send(admin.request(Method::POST, "/points/earn?user_id=1")).await;
    missing.any_problem(422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_answered_as_the_state_of_the_unit() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let wish = json!({"unit_id": 101, "progress_percentage": 40});
    let state = admin.post("/progress/1", wish).await.expect(200);
    shape(
        &state,
        "unit_id:id progress_percentage:count last_accessed:time completed_at:time?",
    );
    assert_eq!(state["progress_percentage"], 40);
    assert_eq!(state["completed_at"], Value::Null);
    let done = admin
        .post("/progress/1", json!({"unit_id": 101, "progress_percentage": 100}))
        .await
        .expect(200);
    shape(&done, "completed_at:time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_progress_of_a_person_has_every_part() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    admin
        .post("/progress/1", json!({"unit_id": 101, "progress_percentage": 100}))
        .await
        .expect(200);
    admin
        .post("/progress/1", json!({"unit_id": 103, "progress_percentage": 30}))
        .await
        .expect(200);
    let progress = admin.get("/progress/1").await.expect(200);
    shape(
        &progress,
        "user_id:id version:count units:list units_completed:count units_total:count completion_percentage:percentage \
         qualifications:list skills:list points:object",
    );
    shape(&progress["points"], "total:count level:count");
    let units = progress["units"].as_array().unwrap();
    assert_eq!(units.len(), 2, "those touched: {progress}");
    shape(
        &units[0],
        "unit_id:id progress_percentage:count last_accessed:time completed_at:time",
    );
    assert_eq!(units[1]["completed_at"], Value::Null);
    shape(
        &progress["qualifications"][0],
        "qualification_id:id units_completed:count units_total:count completion_percentage:percentage completed_at:time?",
    );
    for skill in progress["skills"].as_array().unwrap() {
        shape(skill, "skill:text mastery:share");
    }
    assert_eq!(progress["completion_percentage"], 25.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn achievements_list_every_type_and_tier_with_criteria() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let achievements = node.admin().get("/achievements/1").await.expect(200);
    shape(&achievements, "user_id:id version:count achievements:list");
    let all = achievements["achievements"].as_array().unwrap();
    for kind in ["content_master", "quiz_champion", "resource_contributor", "team_player"] {
        for tier in ["bronze", "silver", "gold"] {
            let one = all
                .iter()
                .find(|one| one["achievement_type"] == kind && one["tier"] == tier);
            let one = one.unwrap_or_else(|| panic!("no {kind} {tier}"));
            shape(one, "earned_at:time? criteria:list");
            assert!(one.get("achievement_data").is_some(), "{one}");
            for criterion in one["criteria"].as_array().unwrap() {
                shape(criterion, "key:text current:number target:number met:bool");
            }
            assert!(!one["criteria"].as_array().unwrap().is_empty(), "{one}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_performance_of_a_team_has_every_part() {
    let node = Node::start().await;
    Class::of(&node, 4).await;
    let admin = node.admin();
    admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    admin
        .post("/progress/1", json!({"unit_id": 101, "progress_percentage": 100}))
        .await
        .expect(200);
    let team = admin.get("/team/10/performance").await.expect(200);
    shape(
        &team,
        "team_id:id name:text mentor_id:id? members:list points:object progress:object course_completion:list skills:list \
         rank:count?  version:count",
    );
    assert!(team.get("achievements").is_some(), "{team}");
    shape(&team["points"], "sum:count mean:number adjusted:number");
    shape(
        &team["progress"],
        "mean_completion_percentage:percentage units_completed:count",
    );
    assert_eq!(team["points"]["sum"], 50);
    assert_eq!(team["points"]["mean"], 12.5);
    assert_eq!(team["progress"]["mean_completion_percentage"], 6.25);
    let members = team["members"].as_array().unwrap();
    assert_eq!(members.len(), 4);
    for member in members {
        shape(
            member,
            "user_id:id name:text points:count completion_percentage:percentage rank:count",
        );
    }
    assert_eq!((&members[0]["user_id"], &members[0]["rank"]), (&json!(1), &json!(1)));
    assert_eq!(members[1]["rank"], 2);
    assert_eq!(members[3]["rank"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_board_has_the_same_shape() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    for board in ["all", "teams", "team:10", "qualification:20"] {
        let page = admin.get(&format!("/leaderboards/{board}")).await.expect(200);
        shape(
            &page,
            "board:text period:text epoch:text version:count total:count entries:list",
        );
        assert_eq!((&page["board"], &page["period"]), (&json!(board), &json!("all")));
        assert!(page.get("next_cursor").is_some_and(Value::is_null), "{page}");
        let who = if board == "teams" { "team_id" } else { "user_id" };
        for entry in page["entries"].as_array().unwrap() {
            shape(
                entry,
                &format!("rank:count {who}:id name:text points:count reached_at:time?"),
            );
        }
        assert_eq!(page["entries"][0]["points"], 50, "{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_newest_first_with_every_field() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    admin
        .post("/points/earn", earn(1, "read_content", 101))
        .await
        .expect(201);
    let ledger = admin.get("/points/1").await.expect(200);
    let items = ledger["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert!(ledger.get("next_cursor").is_some_and(Value::is_null));
    for item in items {
        shape(
            item,
            "event_id:id kind:text action_type:text reference_id:id awarded:bool points:int occurred_at:time \
             recorded_at:time total:count",
        );
        assert!(item.get("reason").is_some(), "{item}");
    }
    assert_eq!(items[0]["action_type"], "read_content");
    assert_eq!((&items[0]["total"], &items[1]["total"]), (&json!(60), &json!(50)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_answers_every_item_in_order() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let events = json!({"events": [
        {"kind": "points", "user_id": 1, "action_type": "complete_quiz", "reference_id": 5},
        {"kind": "progress", "user_id": 2, "unit_id": 101, "progress_percentage": 50},
        {"kind": "points", "user_id": 99, "action_type": "complete_quiz", "reference_id": 5},
        {"kind": "points", "user_id": 1, "action_type": "complete_quiz", "reference_id": 5},
        {"kind": "progress", "user_id": 1, "unit_id": 9999, "progress_percentage": 50},
        {"kind": "progress", "user_id": 1, "unit_id": 101, "progress_percentage": 101},
        {"kind": "dance", "user_id": 1},
        7,
    ]});
    let answer = node.admin().post("/events", events).await.expect(200);
    let results = answer["results"].as_array().unwrap();
    let statuses: Vec<_> = results
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 200, 422, 200, 422, 422, 422, 422], "{answer}");
    assert_eq!(results[0]["data"]["points"], 50);
    assert_eq!(results[1]["data"]["progress_percentage"], 50);
    assert_eq!(results[2]["error"]["code"], "unknown_user");
    assert_eq!(results[3]["data"]["reason"], "already_awarded");
    assert_eq!(results[4]["error"]["code"], "unknown_unit");
    for result in &results[4..] {
        crate::support::check_problem(&result["error"]);
        assert!(result.get("data").is_none(), "{result}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_with_an_etag_answer_304_until_something_changes() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let paths = [
        "/progress/1",
        "/achievements/1",
        "/leaderboards/all",
        "/leaderboards/teams",
        "/leaderboards/team:10",
        "/leaderboards/qualification:20",
        "/team/10/performance",
    ];
    let conditional = |path: &'static str, etag: String| {
        let request = admin.request(Method::GET, path).header("If-None-Match", etag);
        let admin = admin.clone();
        async move { admin.send(request).await }
    };
    let mut etags = Vec::new();
    for path in paths {
        let first = admin.get(path).await;
        let etag = first
            .header("etag")
            .unwrap_or_else(|| panic!("no ETag on {path}"))
            .to_owned();
        assert!(
            etag.trim_start_matches("W/").starts_with('"') && etag.ends_with('"'),
            "{etag}"
        );
        let same = conditional(path, etag.clone()).await;
        assert_eq!((same.status, same.text.as_str()), (304, ""), "{path}");
        assert_eq!(same.header("etag"), Some(etag.as_str()), "{path}");
        conditional(path, "\"another\"".into()).await.expect(200);
        etags.push(etag);
    }
    let quiz = json!({"user_id": 1, "action_type": "complete_quiz", "reference_id": 101, "evidence": {"score": 1.0}});
    admin.post("/points/earn", quiz).await.expect(201);
    for (path, etag) in paths.into_iter().zip(etags) {
        let changed = conditional(path, etag.clone()).await;
        assert_eq!(changed.status, 200, "{path} still has {etag}");
        assert_ne!(changed.header("etag"), Some(etag.as_str()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etag_of_one_lens_is_not_good_for_another() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let etag = node
        .admin()
        .get("/leaderboards/all")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let peer = node.student(1).await;
    let request = peer
        .request(Method::GET, "/leaderboards/all")
        .header("If-None-Match", etag);
    peer.send(request).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_page_without_a_gap_or_a_repeat() {
    let node = Node::start().await;
    Class::of(&node, 25).await;
    let admin = node.admin();
    for reference in 1..=25 {
        admin
            .post("/points/earn", earn(1, "read_content", 1_000 + reference))
            .await
            .expect(201);
    }
    let lists = [
        ("/users", "id", 26),
        ("/teams", "id", 1),
        ("/units", "id", 4),
        ("/points/1", "event_id", 25),
    ];
    for (path, id, count) in lists {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = admin.get(&format!("{path}?limit=7{cursor}")).await.expect(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 7);
            seen.extend(items.iter().map(|item| item[id].as_u64().unwrap()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut unique = seen.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!((seen.len(), unique.len()), (count, count), "{path}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_of_the_interface_is_published() {
    let node = Node::start().await;
    let document = node.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_what_happened() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    node.admin()
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    let has_numbers = eventually("metrics with numbers", || async {
        let text = node.anonymous().get("/metrics").await.text;
        let mut values = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit(' ').next());
        values
            .any(|value| value.parse::<f64>().is_ok_and(|value| value > 0.0))
            .then_some(true)
    });
    assert!(has_numbers.await);
}
