//! Boards and teams as different people see them live: snapshot and messages together always show what HTTP shows, and no
//! name reaches whoever may not see it.

use super::live_subscribe::earn;
use crate::support::{Class, Client, Node, Random, Socket, eventually};
use serde_json::{Value, json};

/// A board as a client keeps it: rows by their handle, in the contract's order.
struct Kept {
    topic: String,
    offset: u64,
    rows: Vec<Value>,
}

/// What names a row: a person's or team's id, or the handle that a projector gets.
fn handle(row: &Value) -> &Value {
    ["user_id", "team_id", "row"]
        .iter()
        .map(|name| &row[name])
        .find(|value| !value.is_null())
        .unwrap()
}

impl Kept {
    async fn subscribe(socket: &mut Socket, topic: &str) -> Self {
        let held = socket.subscribe(&[topic]).await.remove(0);
        Self {
            topic: topic.into(),
            offset: held["offset"].as_u64().unwrap(),
            rows: held["snapshot"]["entries"].as_array().unwrap().clone(),
        }
    }

    fn apply(&mut self, message: &Value) {
        assert_eq!(message["type"], "leaderboard_update", "{message}");
        assert_eq!(message["offset"], self.offset + 1, "{message}");
        self.offset += 1;
        let data = &message["data"];
        for gone in data["removed"].as_array().unwrap() {
            let before = self.rows.len();
            self.rows.retain(|row| handle(row) != gone);
            assert_eq!(
                self.rows.len() + 1,
                before,
                "only rows that were there leave: {message}"
            );
        }
        for change in data["changes"].as_array().unwrap() {
            self.rows.retain(|row| handle(row) != handle(change));
            self.rows.push(change.clone());
        }
        // The others' ranks follow from the order: points falling, then the time, then the id. These tests never make two
        // rows reach equal points in the same millisecond, so a projector needs no id.
        self.rows.sort_by_key(|row| {
            (
                std::cmp::Reverse(row["points"].as_u64()),
                row["reached_at"].as_str().map(str::to_owned),
            )
        });
        let points: Vec<u64> = self.rows.iter().map(|row| row["points"].as_u64().unwrap()).collect();
        for (row, own) in self.rows.iter_mut().zip(&points) {
            row["rank"] = json!(1 + points.iter().filter(|other| *other > own).count());
        }
    }

    /// Takes messages until the rows are the first ones that HTTP shows this caller: a topic shows no more places.
    async fn settles(&mut self, socket: &mut Socket, client: &Client, places: usize) {
        let board = self.topic.strip_prefix("board:").unwrap().to_owned();
        let shown = client
            .get(&format!("/leaderboards/{board}?limit={places}"))
            .await
            .expect(200);
        while self.rows != *shown["entries"].as_array().unwrap() {
            let message = socket.recv().await;
            self.apply(&message);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lens_of_a_board_follows_what_http_shows() {
    let node = Node::start_with(|config| {
        config.board_window = 4;
        config.projector_places = 2;
    })
    .await;
    Class::of(&node, 6).await;
    let admin = node.admin();
    let callers = [
        ("admin", admin.clone()),
        ("mentor", node.mentor(900).await),
        ("student", node.student(1).await),
        ("projector", node.caller("projector", None).await),
    ];
    let mut watchers = Vec::new();
    for (role, client) in callers {
        for topic in ["board:all", "board:team:10"] {
            let mut socket = Socket::connect(&client).await;
            let kept = Kept::subscribe(&mut socket, topic).await;
            watchers.push((role, client.clone(), socket, kept));
        }
    }
    let places = |role: &str| if role == "projector" { 2 } else { 4 };
    let mut random = Random::new(7);
    for reference in 1..=40 {
        let action = ["read_content", "community_feedback", "contribute_resource"][random.between(0, 3) as usize];
        earn(&admin, random.between(1, 7), action, reference).await;
        if reference % 8 == 0 {
            for (role, client, socket, kept) in &mut watchers {
                kept.settles(socket, client, places(role)).await;
            }
        }
    }
    for (role, _, socket, kept) in &watchers {
        let bytes = socket.seen.concat();
        let sees_names = *role == "admin" || (*role == "mentor" && kept.topic == "board:team:10");
        assert_eq!(bytes.contains(Class::REAL), sees_names, "{role} {}", kept.topic);
        assert_eq!(bytes.contains("user_id"), *role != "projector", "{role} {}", kept.topic);
        assert_eq!(kept.rows.len(), places(role));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_leaves_a_projectors_places_is_removed_by_its_handle() {
    let node = Node::start_with(|config| config.projector_places = 1).await;
    Class::of(&node, 2).await;
    let (admin, wall) = (node.admin(), node.caller("projector", None).await);
    earn(&admin, 1, "read_content", 1).await;
    let mut socket = Socket::connect(&wall).await;
    let mut kept = Kept::subscribe(&mut socket, "board:all").await;
    let first = handle(&kept.rows[0]).clone();
    earn(&admin, 2, "complete_quiz", 1).await;
    let message = socket.recv().await;
    assert_eq!(message["data"]["removed"], json!([first]), "{message}");
    kept.apply(&message);
    kept.settles(&mut socket, &wall, 1).await;
    assert_eq!(kept.rows[0]["points"], 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_follows_what_http_shows() {
    let node = Node::start().await;
    let class = Class::of(&node, 3).await;
    let admin = node.admin();
    for client in [
        node.mentor(900).await,
        node.student(1).await,
        node.caller("projector", None).await,
    ] {
        let mut socket = Socket::connect(&client).await;
        let held = socket.subscribe(&["team:10"]).await.remove(0);
        let (mut state, mut offset) = (held["snapshot"].clone(), held["offset"].as_u64().unwrap());
        let reference = 10 + offset * 7 + state["points"]["sum"].as_u64().unwrap();
        earn(&admin, 2, "complete_quiz", reference).await;
        let progress = json!({"unit_id": class.units[0], "progress_percentage": 100});
        admin.post("/progress/3", progress).await.expect(200);
        let shown = client.get("/team/10/performance").await.expect(200);
        while state != shown {
            let message = socket.recv().await;
            assert_eq!(message["type"], "team_update");
            offset += 1;
            assert_eq!(message["offset"], offset);
            for (field, value) in message["data"].as_object().unwrap() {
                assert!(
                    field == "team_id" || state[field] != *value,
                    "`{field}` did not change: {message}"
                );
                state[field] = value.clone();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_gone_ends_its_topics_and_no_others() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let mut student = Socket::connect(&node.student(1).await).await;
    student.subscribe(&["user:1", "team:10", "board:team:10"]).await;
    let mut mentor = Socket::connect(&node.mentor(900).await).await;
    mentor.subscribe(&["user:1", "user:2"]).await;
    admin.delete("/teams/10/members/1").await.ok();
    let mut ended: Vec<String> = Vec::new();
    while ended.len() < 2 {
        let message = student.recv().await;
        if message["type"] == "unsubscribed" {
            assert_eq!(message["reason"]["code"], "unknown_team", "{message}");
            ended.push(message["topic"].as_str().unwrap().into());
        } else {
            assert!(
                !ended.contains(&message["topic"].as_str().unwrap().to_owned()),
                "{message}"
            );
        }
    }
    ended.sort();
    assert_eq!(ended, ["board:team:10", "team:10"]);
    let message = mentor.recv().await;
    assert_eq!(
        (&message["type"], &message["topic"]),
        (&json!("unsubscribed"), &json!("user:1")),
        "{message}"
    );
    earn(&admin, 1, "read_content", 1).await;
    earn(&admin, 2, "read_content", 1).await;
    assert_eq!(student.recv().await["topic"], "user:1");
    assert_eq!(mentor.recv().await["topic"], "user:2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_alias_reaches_the_board() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let (admin, student) = (node.admin(), node.student(1).await);
    earn(&admin, 1, "read_content", 1).await;
    let mut socket = Socket::connect(&student).await;
    socket.subscribe(&["board:all"]).await;
    admin.patch("/users/1", json!({"alias": "Comet"})).await.ok();
    let message = socket.recv().await;
    assert_eq!(message["data"]["changes"][0]["name"], "Comet", "{message}");
    eventually("the same over HTTP", || async {
        let board = student.get("/leaderboards/all").await.expect(200);
        (board["entries"][0]["name"] == "Comet").then_some(())
    })
    .await;
}
