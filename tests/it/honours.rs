//! Honours: what those on boards unlock is told to others while it is news, under the names that each may see.

use crate::support::{Class, Client, Node, Socket};
use serde_json::{Value, json};

/// Everything that a gold Content Master asks for; with the last award all three tiers are unlocked.
async fn master(node: &Node, class: &Class, user_id: u64, occurred_at: Option<&str>) {
    let admin = node.admin();
    let earn = async |action: &str, reference: u64, evidence: Value| {
        let wish = json!({
            "user_id": user_id, "action_type": action, "reference_id": reference, "evidence": evidence, "occurred_at": occurred_at,
        });
        admin.post("/points/earn", wish).await.expect(201);
    };
    for unit in &class.units {
        let done = json!({"unit_id": unit, "progress_percentage": 100, "occurred_at": occurred_at});
        admin.post(&format!("/progress/{user_id}"), done).await.expect(200);
        earn("complete_quiz", *unit, json!({"score": 1.0})).await;
    }
    earn("contribute_resource", class.units[0], json!({"quality": 1.0})).await;
}

async fn listen(client: &Client) -> (Socket, Value) {
    let mut socket = Socket::connect(client).await;
    let held = socket.subscribe(&["honours"]).await.remove(0);
    (socket, held)
}

fn names(list: &Value) -> Vec<&str> {
    let honours = list["honours"].as_array().expect("honours").iter();
    honours.map(|one| one["name"].as_str().expect("a name")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_unlocks_is_told_under_the_name_that_each_reader_may_see() {
    let node = Node::start().await;
    let class = Class::of(&node, 3).await;
    let (mut staff, held) = listen(&node.admin()).await;
    assert_eq!(held["snapshot"], json!({"honours": []}), "{held}");
    let (mut peer, _) = listen(&node.student(2).await).await;
    let projector = node.caller("projector", None).await;
    let (mut wall, _) = listen(&projector).await;
    master(&node, &class, 1, None).await;

    let told = staff.until_offset("honours", 3).await;
    let tiers: Vec<&Value> = told.iter().map(|message| &message["data"]["tier"]).collect();
    assert_eq!(tiers, ["bronze", "silver", "gold"]);
    let gold = &told[2]["data"];
    assert_eq!(
        (&told[2]["type"], &gold["achievement_type"], &gold["user_id"]),
        (&json!("honour"), &json!("content_master"), &json!(1))
    );
    assert_eq!(gold["name"], Class::real_name(1));
    let at = node.admin().get("/achievements/1").await.expect(200);
    assert!(
        at.to_string().contains(gold["earned_at"].as_str().unwrap()),
        "{gold} {at}"
    );

    let to_peer = peer.until_offset("honours", 3).await.pop().unwrap();
    assert_eq!(
        (&to_peer["data"]["name"], &to_peer["data"]["user_id"]),
        (&json!(Class::alias(1)), &json!(1))
    );
    let on_wall = wall.until_offset("honours", 3).await.pop().unwrap();
    assert_eq!(on_wall["data"]["name"], Class::alias(1));
    assert_eq!(on_wall["data"].get("user_id"), None);
    let board = projector.get("/leaderboards/all").await.expect(200);
    assert_eq!(
        on_wall["data"]["row"], board["entries"][0]["row"],
        "its row on the board"
    );
    for message in [&to_peer, &on_wall] {
        assert!(!message.to_string().contains(Class::REAL), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_on_boards_and_what_was_long_ago_is_told_to_nobody() {
    let node = Node::start().await;
    let class = Class::of(&node, 4).await;
    let (mut wall, _) = listen(&node.caller("projector", None).await).await;
    let out = json!({"leaderboard": "out"});
    node.student(1)
        .await
        .patch("/users/1/preferences", out.clone())
        .await
        .expect(200);
    master(&node, &class, 1, None).await;
    master(&node, &class, 2, Some("2026-01-05T09:00:00.000Z")).await;
    master(&node, &class, 3, None).await;
    let told = wall.until_offset("honours", 3).await;
    assert!(
        told.iter().all(|message| message["data"]["name"] == Class::alias(3)),
        "{told:?}"
    );

    // Another name, leaving the boards and erasing are followed, and nothing of before is told again.
    let admin = node.admin();
    master(&node, &class, 4, None).await;
    wall.until_offset("honours", 6).await;
    admin.patch("/users/3", json!({"alias": "Another"})).await.expect(200);
    let anew = wall.recv().await;
    assert_eq!(anew["type"], "snapshot", "{anew}");
    let (three, four) = (["Another"; 3], [Class::alias(4), Class::alias(4), Class::alias(4)]);
    assert_eq!(names(&anew["data"])[..3], three);
    assert_eq!(names(&anew["data"])[3..], four);
    let path = "/users/3/preferences";
    node.student(3).await.patch(path, out).await.expect(200);
    assert_eq!(names(&wall.recv().await["data"]), four);
    admin.delete("/users/4").await.expect(204);
    assert_eq!(names(&wall.recv().await["data"]), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_boards_there_are_no_honours() {
    let node = Node::start().await;
    let class = Class::of(&node, 2).await;
    let (mut wall, _) = listen(&node.caller("projector", None).await).await;
    let wish = json!({"name": "7b", "leaderboards": "off"});
    node.admin().post("/classroom/setup", wish).await.expect(201);
    let ended = wall.recv().await;
    assert_eq!(
        (&ended["type"], &ended["reason"]["code"]),
        (&json!("unsubscribed"), &json!("leaderboards_off"))
    );
    master(&node, &class, 1, None).await;
    let (_, refused) = listen(&node.student(2).await).await;
    assert_eq!(refused["error"]["code"], "leaderboards_off", "{refused}");
}
