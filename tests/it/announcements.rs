//! Announcements: who is told, what is kept, and under which name.

use crate::support::{Class, Client, Events, Node, Socket};
use serde_json::{Value, json};

const TOPICS: [&str; 2] = ["announcements", "announcements:team:10"];

async fn school() -> Node {
    let node = Node::start().await;
    Class::import(&node.admin(), 0, 3).await;
    Class::import(&node.admin(), 1, 2).await;
    node
}

async fn announce(by: &Client, text: &str, team_id: Option<u64>) -> Value {
    let wish = json!({"text": text, "team_id": team_id});
    by.post("/announcements", wish).await.expect(201)
}

fn texts(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["text"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_is_told_to_its_readers_alone() {
    let node = school().await;
    let (admin, mentor, student) = (node.admin(), node.mentor(900).await, node.student(1).await);
    let mut socket = Socket::connect(&student).await;
    socket.subscribe(&TOPICS).await;
    let mut events = Events::open(&student, &TOPICS.join(",")).await;
    events.subscribed().await;
    let stranger = node.student(1_001).await;
    let mut other = Socket::connect(&stranger).await;
    other.subscribe(&["announcements", "announcements:team:1010"]).await;

    let made = announce(&mentor, "  To ten.\nBring pens.  ", Some(10)).await;
    assert_eq!(made["text"], "To ten.\nBring pens.");
    assert_eq!(made["from"], Class::real_name(900));
    announce(&admin, "To all.", None).await;

    let told = socket.until_offset("announcements:team:10", 1).await.pop().unwrap();
    assert_eq!(told["type"], "announcement");
    for field in ["announcement_id", "text", "at", "team_id"] {
        assert_eq!(told["data"][field], made[field], "{told}");
    }
    events.until_offset("announcements:team:10", 1).await;
    socket.until_offset("announcements", 1).await;
    let first = other.until_offset("announcements", 1).await;
    assert_eq!(first.len(), 1, "the other team is told of its own alone: {first:?}");

    // Peers see an alias, whichever way it comes.
    let name = made["from"].as_str().unwrap();
    let list = student.get("/announcements").await.ok();
    assert_eq!(texts(&list["items"]), ["To all.", "To ten.\nBring pens."]);
    assert!(!list.to_string().contains(name) && !told.to_string().contains(name));
    let projector = node.caller("projector", None).await;
    let list = projector.get("/announcements?team_id=10").await.ok();
    assert!(!list.to_string().contains(name) && !list.to_string().contains("user_id"));
    assert_eq!(texts(&stranger.get("/announcements").await.ok()["items"]), ["To all."]);
    assert_eq!(texts(&projector.get("/announcements").await.ok()["items"]), ["To all."]);

    // Pages.
    let page = admin.get("/announcements?limit=1").await.ok();
    assert_eq!(texts(&page["items"]), ["To all."]);
    let next = format!(
        "/announcements?limit=1&cursor={}",
        page["next_cursor"].as_str().unwrap()
    );
    let page = admin.get(&next).await.ok();
    assert_eq!(texts(&page["items"]), ["To ten.\nBring pens."]);
    assert_eq!(page["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_resumes_by_position_and_a_restart_keeps_what_was_announced() {
    let mut node = school().await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    let held = socket.subscribe(&["announcements"]).await.remove(0);
    for text in ["one", "two", "three"] {
        announce(&admin, text, None).await;
    }
    socket.until_offset("announcements", 3).await;
    socket.close().await;
    let epoch = held["epoch"].as_str().unwrap().to_owned();
    let mut socket = Socket::connect(&admin).await;
    let again = socket.subscribe_at("announcements", &epoch, 1).await;
    assert_eq!(again["recovered"], true, "{again}");
    assert_eq!(socket.until_offset("announcements", 3).await.len(), 2);

    node.restart().await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    let again = socket.subscribe_at("announcements", &epoch, 3).await;
    assert_eq!(texts(&again["snapshot"]["announcements"]), ["one", "two", "three"]);
    let made = announce(&admin, "four", None).await;
    assert_eq!(made["announcement_id"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_and_who_is_erased_leave_no_trace_on_the_topic() {
    let node = school().await;
    let (admin, mentor) = (node.admin(), node.mentor(900).await);
    let gone = announce(&mentor, "gone", Some(10)).await;
    announce(&mentor, "kept", Some(10)).await;
    let of_admin = announce(&admin, "of the school", Some(10)).await;
    let mut socket = Socket::connect(&admin).await;
    socket.subscribe(&["announcements:team:10"]).await;
    let path = |made: &Value| format!("/announcements/{}", made["announcement_id"]);
    mentor
        .delete(&path(&of_admin))
        .await
        .problem(404, "unknown_announcement");
    let stranger = node.mentor(1_900).await;
    stranger.delete(&path(&gone)).await.problem(404, "unknown_announcement");
    mentor.delete(&path(&gone)).await.expect(204);
    mentor.delete(&path(&gone)).await.problem(404, "unknown_announcement");
    let anew = socket.recv().await;
    assert_eq!(anew["type"], "snapshot", "{anew}");
    assert_eq!(texts(&anew["data"]["announcements"]), ["kept", "of the school"]);
    assert_eq!(anew["data"]["announcements"][0]["from"], Class::real_name(900));

    admin.delete("/users/900").await.ok();
    let anew = socket.recv().await;
    assert_eq!(anew["data"]["announcements"][0]["from"], Value::Null, "{anew}");
    let list = admin.get("/announcements?team_id=10").await.ok();
    assert_eq!(list["items"][1]["from"], Value::Null);
    assert_eq!(list["items"][1]["text"], "kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_named_and_a_key_is_answered_once() {
    let node = school().await;
    let admin = node.admin();
    for text in [
        json!(""),
        json!(" \n "),
        json!("a\u{7}"),
        json!("x".repeat(1_001)),
        json!(7),
        Value::Null,
    ] {
        let problem = admin.post("/announcements", json!({"text": text})).await;
        let problem = problem.problem(422, "validation");
        assert_eq!(problem["errors"][0]["field"], "text", "{problem}");
    }
    announce(&admin, &"ü".repeat(1_000), None).await;
    admin.delete("/teams/1010").await.ok();
    let to_archived = json!({"text": "t", "team_id": 1_010});
    admin
        .post("/announcements", to_archived)
        .await
        .problem(422, "unknown_team");

    let mentor = node.mentor(900).await;
    let wish = json!({"text": "once", "team_id": 10});
    let first = mentor.post_keyed("/announcements", wish.clone(), "k").await;
    let again = mentor.post_keyed("/announcements", wish, "k").await;
    assert!(again.is_replayed());
    assert_eq!(first.expect(201), again.expect(201));
    let list = mentor.get("/announcements?team_id=10").await.ok();
    assert_eq!(texts(&list["items"]), ["once"]);
}
