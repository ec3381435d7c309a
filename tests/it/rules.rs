//! The rules in force: from a file, over HTTP and from the command line; applied to the past, and undone.

use crate::support::{Class, Client, Homeroom, Node, Socket, earn};
use serde_json::{Value, json};

const SPRING: &str = "name = \"Spring\"\n\n[actions.complete_quiz]\npoints = 80\n";

async fn figures(admin: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/leaderboards/all",
        "/leaderboards/teams",
        "/leaderboards/qualification:20?period=week",
    ] {
        let mut board = admin.get(path).await.expect(200);
        for field in ["version", "epoch"] {
            board.as_object_mut().unwrap().remove(field);
        }
        all.push(board);
    }
    for id in 1..=3 {
        let mut achievements = admin.get(&format!("/achievements/{id}")).await.expect(200);
        achievements.as_object_mut().unwrap().remove("version");
        all.push(achievements);
        let progress = admin.get(&format!("/progress/{id}")).await.expect(200);
        all.push(progress["points"].clone());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_previewed_applied_and_undone() {
    let node = Node::start().await;
    let class = Class::of(&node, 3).await;
    let admin = node.admin();
    for id in 1..=3 {
        let quiz = earn(id, "complete_quiz", class.units[0]);
        admin.post("/points/earn", quiz).await.expect(201);
        admin
            .post("/points/earn", earn(id, "read_content", 7))
            .await
            .expect(201);
    }
    let before = figures(&admin).await;
    let shown = admin.get("/rules").await.expect(200);
    assert_eq!((&shown["version"], &shown["origin"]), (&json!(1), &json!("shipped")));

    let wish = json!({"document": SPRING});
    let checked = admin.post("/rules/check", wish.clone()).await.expect(200);
    assert_eq!(checked, json!({"sound": true, "faults": []}));
    let preview = json!({"document": SPRING, "limit": 2});
    let first = admin.post("/rules/preview", preview).await.expect(200);
    assert_eq!(first["totals"]["gaining"], json!({"people": 3, "points": 90}));
    assert_eq!(
        (&first["items"][0]["points"], &first["items"][0]["new_total"]),
        (&json!(30), &json!(90))
    );
    let next = json!({"document": SPRING, "limit": 2, "cursor": first["next_cursor"]});
    let second = admin.post("/rules/preview", next).await.expect(200);
    assert_eq!(
        (second["items"].as_array().unwrap().len(), &second["totals"]),
        (1, &Value::Null)
    );
    assert_eq!(figures(&admin).await, before, "a preview changes nothing");

    let mut socket = Socket::connect(&admin).await;
    let subscribed = socket.subscribe(&["user:1"]).await;
    let offset = subscribed[0]["offset"].as_u64().unwrap();
    let applied = admin.post("/rules/apply", wish).await.expect(200);
    assert_eq!(
        (&applied["version"], &applied["act"]["state"]),
        (&json!(2), &json!("done"))
    );
    assert_eq!(applied["act"]["learners"], 3);
    let told = socket.until_offset("user:1", offset + 1).await;
    assert!(format!("{told:?}").contains("points_adjusted"), "{told:?}");
    let ledger = admin.get("/points/1").await.expect(200);
    let entry = &ledger["items"][0];
    assert_eq!(
        (&entry["kind"], &entry["points"], &entry["total"]),
        (&json!("adjustment"), &json!(30), &json!(90))
    );
    assert_eq!(entry["rules"], 2);
    let board = admin.get("/leaderboards/all").await.expect(200);
    assert_eq!(board["entries"][0]["points"], 90);
    let inside = admin.get("/leaderboards/qualification:20?period=day").await.expect(200);
    assert_eq!(inside["entries"][0]["points"], 80);

    let undone = admin.post("/rules/undo", json!({"act": 2})).await.expect(200);
    assert_eq!(
        (&undone["version"], &undone["act"]["kind"]),
        (&json!(3), &json!("undo"))
    );
    assert_eq!(figures(&admin).await, before);
    let acts = admin.get("/audit?act=rules_undone").await.expect(200);
    assert_eq!(acts["items"].as_array().unwrap().len(), 1);

    for (body, status, code) in [
        (json!({"act": 2}), 409, "undone_already"),
        (json!({"act": 77}), 422, "unknown_act"),
        (json!({"act": 0}), 422, "validation"),
    ] {
        let refused = admin.post("/rules/undo", body).await.expect(status);
        assert_eq!(refused["code"], code);
    }
    let wrong = json!({"document": "[actions.complete_quiz]\npoints = -1\n[actions.nothing]\npoints = 1\n"});
    for route in ["/rules/preview", "/rules/apply"] {
        let refused = admin.post(route, wrong.clone()).await.expect(422);
        assert!(refused["errors"].as_array().unwrap().len() >= 2, "{refused}");
    }
    let checked = admin.post("/rules/check", wrong).await.expect(200);
    assert_eq!(
        (&checked["sound"], &checked["faults"][0]["line"]),
        (&json!(false), &json!(2))
    );
    let history = admin.get("/rules/history?limit=2").await.expect(200);
    let versions: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["version"])
        .collect();
    assert_eq!(versions, [3, 2]);
    assert!(history["next_cursor"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_applied_and_undone_from_the_command_line() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    node.admin()
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("spring.toml"), SPRING).unwrap();
    std::fs::write(directory.path().join("wrong.toml"), "points = [").unwrap();
    let homeroom = Homeroom::calling(directory.path(), &node.anonymous());
    let preview = homeroom.json(&["rules", "preview", "spring.toml"]).await;
    assert_eq!(preview["totals"]["gaining"]["points"], 30);
    homeroom
        .run(&["rules", "apply", "spring.toml"])
        .await
        .expect(2)
        .with_error("--yes");
    homeroom.run(&["rules", "apply", "wrong.toml", "--yes"]).await.expect(5);
    let applied = homeroom.json(&["rules", "apply", "spring.toml", "--yes"]).await;
    assert_eq!(
        (&applied["origin"], &applied["act"]["learners"]),
        (&json!("cli"), &json!(1))
    );
    let shown = homeroom.run(&["rules", "show"]).await.expect(0);
    assert_eq!(shown.stdout, SPRING);
    let undone = homeroom.run(&["rules", "undo", "2", "--yes"]).await.expect(0);
    assert!(undone.stdout.contains("in force as version 3"), "{}", undone.stdout);
    homeroom
        .run(&["rules", "undo", "2", "--yes"])
        .await
        .with_error("undone already");
    let history = homeroom.json(&["rules", "history"]).await;
    assert_eq!(history["items"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_takes_its_rules_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.toml");
    std::fs::write(&file, SPRING).unwrap();
    let path = file.clone();
    let mut node = Node::start_with(move |config| config.rules = Some(path.clone())).await;
    Class::of(&node, 1).await;
    let award = node
        .admin()
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201);
    assert_eq!(award["points"], 80);
    node.restart().await;
    let shown = node.admin().get("/rules").await.expect(200);
    assert_eq!((&shown["version"], &shown["origin"]), (&json!(2), &json!("file")));
    std::fs::write(&file, "[actions.complete_quiz]\npoints = 5\n").unwrap();
    node.restart().await;
    let shown = node.admin().get("/rules").await.expect(200);
    assert_eq!(shown["version"], 3);
    let progress = node.admin().get("/progress/1").await.expect(200);
    assert_eq!(progress["points"]["total"], 80, "a file holds for new awards alone");

    std::fs::write(&file, "[actions.complete_quiz]\npoints = -5\nnothing = 1\n").unwrap();
    let homeroom = Homeroom::in_directory(directory.path());
    let said = homeroom
        .run(&["serve", "--listen", "127.0.0.1:0", "--rules", "rules.toml"])
        .await;
    said.expect(2).with_error("line 3");
}
