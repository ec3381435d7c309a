//! Who is here: people, not devices; under which names, for whom, and for how long.

use crate::support::{Class, Client, Events, Frame, Node, Socket, eventually, report_row};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A watcher of one team: what it was told adds up to who is here.
struct Watcher {
    socket: Socket,
    here: BTreeMap<u64, String>,
    offset: u64,
    /// How often a person joined or left.
    told: Vec<(bool, u64)>,
}

impl Watcher {
    async fn of(client: &Client, team_id: u64) -> Self {
        let mut socket = Socket::connect(client).await;
        let held = socket.subscribe(&[&format!("presence:{team_id}")]).await.remove(0);
        let mut watcher = Self {
            socket,
            here: BTreeMap::new(),
            offset: 0,
            told: Vec::new(),
        };
        watcher.begin(&held["snapshot"], &held["offset"]);
        watcher
    }

    fn begin(&mut self, snapshot: &Value, offset: &Value) {
        let present = snapshot["present"].as_array().unwrap_or_else(|| panic!("{snapshot}"));
        self.here = present.iter().map(person).collect();
        self.offset = offset.as_u64().unwrap();
        assert_eq!(snapshot["count"], self.here.len(), "{snapshot}");
    }

    async fn step(&mut self) {
        let Frame::Json(message) = self.socket.next_patiently().await else {
            panic!("closed");
        };
        let data = &message["data"];
        match message["type"].as_str() {
            Some("presence_update") => {
                self.offset += 1;
                assert_eq!(message["offset"], self.offset, "{message}");
                for joined in data["joined"].as_array().unwrap() {
                    let (user_id, name) = person(joined);
                    assert!(self.here.insert(user_id, name).is_none(), "{user_id} is here already");
                    self.told.push((true, user_id));
                }
                for left in data["left"].as_array().unwrap() {
                    let user_id = left.as_u64().unwrap();
                    assert!(self.here.remove(&user_id).is_some(), "{user_id} was not here");
                    self.told.push((false, user_id));
                }
                assert_eq!(data["count"], self.here.len());
            }
            Some("snapshot") => self.begin(data, &message["offset"]),
            _ => panic!("{message}"),
        }
    }

    async fn until(&mut self, people: &[u64]) {
        while !self.here.keys().eq(people) {
            self.step().await;
        }
    }
}

fn person(value: &Value) -> (u64, String) {
    (
        value["user_id"].as_u64().unwrap(),
        value["name"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn15_a_person_on_several_devices_is_here_once() {
    let node = Node::start().await;
    Class::of(&node, 4).await;
    let student = node.student(2).await;
    let mut staff = Watcher::of(&node.mentor(900).await, 10).await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(Socket::connect(&student).await);
    }
    let stream = Events::open(&student, "user:2").await;
    staff.until(&[2]).await;
    assert_eq!(staff.here[&2], Class::real_name(2));
    // Whoever watches is here, too; and sees aliases.
    let mut peer = Watcher::of(&node.student(1).await, 10).await;
    staff.until(&[1, 2]).await;
    peer.until(&[1, 2]).await;
    assert_eq!(peer.here[&2], Class::alias(2));
    // All but one device go, and then the last one: only that is told.
    for device in devices {
        device.close().await;
    }
    let other = Socket::connect(&node.student(3).await).await;
    staff.until(&[1, 2, 3]).await;
    drop(stream);
    staff.until(&[1, 3]).await;
    assert_eq!(staff.told, [(true, 2), (true, 1), (true, 3), (false, 2)]);
    other.close().await;
    // A quick return shows nothing: the next thing told is somebody else.
    let _again = Socket::connect(&node.student(3).await).await;
    let _fourth = Socket::connect(&node.student(4).await).await;
    staff.until(&[1, 3, 4]).await;
    assert_eq!(staff.told.last(), Some(&(true, 4)));
    report_row(
        "F-N15",
        "devices of one person, seen as presence",
        4,
        "here once, gone with the last",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_no_member_any_more_is_gone_at_once() {
    let node = Node::start().await;
    Class::of(&node, 4).await;
    let admin = node.admin();
    let mut devices = Vec::new();
    for user_id in 1..=4 {
        devices.push(Socket::connect(&node.student(user_id).await).await);
    }
    let mut staff = Watcher::of(&admin, 10).await;
    staff.until(&[1, 2, 3, 4]).await;
    admin.delete("/teams/10/members/2").await.ok();
    staff.until(&[1, 3, 4]).await;
    admin.put("/teams/10/members/2", json!({})).await.ok();
    staff.until(&[1, 2, 3, 4]).await;
    admin.patch("/users/3", json!({"archived": true})).await.ok();
    staff.until(&[1, 2, 4]).await;
    // Erased: the topic begins anew, so that nobody finds the name in what it remembers.
    admin.delete("/users/4").await.ok();
    staff.until(&[1, 2]).await;
    let mut late = Socket::connect(&admin).await;
    let held = late.subscribe(&["presence:10"]).await.remove(0);
    assert!(!held.to_string().contains(&Class::real_name(4)), "{held}");
    // A new name is told by beginning anew.
    admin.patch("/users/2", json!({"name": "Somebody Else"})).await.ok();
    while staff.here[&2] != "Somebody Else" {
        staff.step().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_teams_are_paged_and_names_fit_the_reader() {
    const STUDENTS: u64 = 260;
    let node = Node::start().await;
    let class = Class::of(&node, STUDENTS).await;
    let admin = node.admin();
    let mut devices = Vec::new();
    for user_id in &class.students {
        devices.push(Socket::connect(&node.student(*user_id).await).await);
    }
    let pages = async |client: &Client, name: fn(u64) -> String| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("/teams/10/presence?limit=100{cursor}")).await.ok();
            assert_eq!(page["count"], STUDENTS);
            for item in page["items"].as_array().unwrap() {
                let (user_id, shown) = person(item);
                assert_eq!(shown, name(user_id));
                seen.push(user_id);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    eventually("all are counted", || async {
        let page = admin.get("/teams/10/presence?limit=1").await.ok();
        (page["count"] == STUDENTS).then_some(())
    })
    .await;
    assert_eq!(pages(&admin, Class::real_name).await, class.students);
    assert_eq!(pages(&node.student(7).await, Class::alias).await, class.students);
    let mut socket = Socket::connect(&admin).await;
    let held = socket.subscribe(&["presence:10"]).await.remove(0);
    assert_eq!(held["snapshot"]["present"].as_array().unwrap().len(), 200);
    assert_eq!(
        (&held["snapshot"]["more"], &held["snapshot"]["count"]),
        (&json!(true), &json!(STUDENTS))
    );
    admin.get("/teams/10/presence?limit=0").await.problem(422, "validation");
    admin
        .get("/teams/10/presence?cursor=x")
        .await
        .problem(400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_token_is_revoked_leaves_and_a_restart_begins_with_nobody() {
    let mut node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let made = admin
        .post("/tokens", json!({"role": "student", "user_id": 1}))
        .await
        .expect(201);
    let mut device = Socket::connect(&node.with_token(made["token"].as_str().unwrap())).await;
    let mut staff = Watcher::of(&admin, 10).await;
    staff.until(&[1]).await;
    admin.delete(&format!("/tokens/{}", made["token_id"])).await.expect(204);
    assert_eq!(device.closed().await.code, Some(4500));
    staff.until(&[]).await;
    node.restart().await;
    let page = node.admin().get("/teams/10/presence").await.ok();
    assert_eq!((&page["count"], &page["items"]), (&json!(0), &json!([])));
}
