//! Random classrooms against a model of the contract: sockets that come and go, restarts, and every number recomputed.
//! What each run did is drawn from a printed seed. Held here: I1, I3, I4, I5, I6 and I10.

use crate::support::{Class, Client, Listener, Node, Random, Socket, earn, soak};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PEOPLE: u64 = 6;

/// What a node must show: ledgers as (event, points), who is in the team, and progress.
#[derive(Default)]
struct Model {
    awarded: BTreeSet<(u64, &'static str, u64)>,
    /// By event: person, points, whether reversed, whether reinstated.
    awards: BTreeMap<u64, (u64, i64, bool, bool)>,
    totals: BTreeMap<u64, i64>,
    progress: BTreeMap<(u64, u64), u64>,
    members: BTreeSet<u64>,
}

impl Model {
    fn new() -> Self {
        Self {
            members: (1..=PEOPLE).collect(),
            ..Self::default()
        }
    }

    /// One random wish, done and checked against what the model says.
    async fn step(&mut self, admin: &Client, random: &mut Random) {
        match random.between(0, 10) {
            0..=4 => self.earn(admin, random).await,
            5..=6 => self.report(admin, random).await,
            7 => self.correct(admin, random).await,
            8 => self.move_member(admin, random).await,
            _ => self.check(admin).await,
        }
    }

    async fn earn(&mut self, admin: &Client, random: &mut Random) {
        let actions = [
            ("read_content", 10),
            ("complete_quiz", 50),
            ("contribute_resource", 25),
            ("community_feedback", 15),
        ];
        let (action, points) = *random.choose(&actions);
        let (user_id, reference) = (random.between(1, PEOPLE + 1), random.between(1, 12));
        let answer = admin.post("/points/earn", earn(user_id, action, reference)).await.ok();
        let is_new = self.awarded.insert((user_id, action, reference));
        assert_eq!(answer["awarded"], is_new, "{answer}");
        let total = self.totals.entry(user_id).or_default();
        if is_new {
            *total += points;
            self.awards
                .insert(answer["event_id"].as_u64().unwrap(), (user_id, points, false, false));
        }
        assert_eq!(answer["total"], *total, "{answer}");
    }

    async fn report(&mut self, admin: &Client, random: &mut Random) {
        let (user_id, unit_id) = (random.between(1, PEOPLE + 1), random.between(101, 105));
        let reported = random.between(0, 101);
        let wish = json!({"unit_id": unit_id, "progress_percentage": reported});
        let state = admin.post(&format!("/progress/{user_id}"), wish).await.expect(200);
        let kept = self.progress.entry((user_id, unit_id)).or_default();
        *kept = reported.max(*kept);
        assert_eq!(state["progress_percentage"], *kept, "{state}");
        assert_eq!(state["completed_at"].is_string(), *kept == 100, "{state}");
    }

    async fn correct(&mut self, admin: &Client, random: &mut Random) {
        let events: Vec<u64> = self.awards.keys().copied().collect();
        if events.is_empty() {
            return;
        }
        let event = *random.choose(&events);
        let (user_id, points, reversed, reinstated) = self.awards.get_mut(&event).unwrap();
        let total = self.totals.get_mut(user_id).unwrap();
        if random.one_in(2) {
            let answer = admin
                .post(&format!("/points/{event}/reverse"), json!({"reason": "r"}))
                .await;
            let is_possible = !*reversed;
            assert_eq!((200..300).contains(&answer.status), is_possible, "{}", answer.text);
            if is_possible {
                (*total, *reversed) = (*total - *points, true);
                assert_eq!(answer.body["total"], *total);
            }
        } else {
            let answer = admin.post(&format!("/points/{event}/reinstate"), json!({})).await;
            let is_possible = *reversed && !*reinstated;
            assert_eq!((200..300).contains(&answer.status), is_possible, "{}", answer.text);
            if is_possible {
                (*total, *reinstated) = (*total + *points, true);
                assert_eq!(answer.body["total"], *total);
            }
        }
    }

    async fn move_member(&mut self, admin: &Client, random: &mut Random) {
        let user_id = random.between(1, PEOPLE + 1);
        let path = format!("/teams/10/members/{user_id}");
        if self.members.remove(&user_id) {
            admin.delete(&path).await.ok();
        } else {
            self.members.insert(user_id);
            admin.put(&path, json!({})).await.ok();
        }
    }

    /// I4 and I6: every board, total and ranking, recomputed from scratch.
    async fn check(&self, admin: &Client) {
        let total = |user_id: u64| self.totals.get(&user_id).copied().unwrap_or_default();
        let everybody: BTreeSet<u64> = (1..=PEOPLE).collect();
        for (path, people) in [
            ("/leaderboards/all", &everybody),
            ("/leaderboards/team:10", &self.members),
        ] {
            let board = admin.get(path).await.expect(200);
            let entries = board["entries"].as_array().unwrap();
            let shown: BTreeMap<u64, i64> = entries
                .iter()
                .map(|entry| (id(entry), entry["points"].as_i64().unwrap()))
                .collect();
            let wanted: BTreeMap<u64, i64> = people.iter().map(|user_id| (*user_id, total(*user_id))).collect();
            assert_eq!(shown, wanted, "{path}");
            check_order(entries);
        }
        let team = admin.get("/team/10/performance").await.expect(200);
        let sum: i64 = self.members.iter().map(|user_id| total(*user_id)).sum();
        assert_eq!(team["points"]["sum"].as_i64(), Some(sum));
        let teams = admin.get("/leaderboards/teams").await.expect(200);
        assert_eq!(teams["entries"][0]["points"].as_i64(), Some(sum), "{teams}");
        for user_id in 1..=PEOPLE {
            let read = admin.get(&format!("/progress/{user_id}")).await.expect(200);
            assert_eq!(read["points"]["total"].as_i64(), Some(total(user_id)));
            for unit in read["units"].as_array().unwrap() {
                let kept = self.progress[&(user_id, unit["unit_id"].as_u64().unwrap())];
                assert_eq!(unit["progress_percentage"], kept);
            }
        }
    }
}

fn id(entry: &Value) -> u64 {
    entry["user_id"].as_u64().expect("an id")
}

/// Points falling, then the time they were reached, then id; ranks 1, 2, 2, 4.
fn check_order(entries: &[Value]) {
    let key = |entry: &Value| {
        let reached = entry["reached_at"].as_str().map(str::to_owned);
        (
            std::cmp::Reverse(entry["points"].as_i64().unwrap()),
            reached.is_none(),
            reached,
            id(entry),
        )
    };
    for pair in entries.windows(2) {
        assert!(key(&pair[0]) < key(&pair[1]), "{} before {}", pair[0], pair[1]);
    }
    for entry in entries {
        let better = entries
            .iter()
            .filter(|other| other["points"].as_i64() > entry["points"].as_i64())
            .count();
        assert_eq!(entry["rank"], 1 + better, "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_i4_i6_random_classrooms_equal_their_model() {
    let rounds = if soak() { 50 } else { 4 };
    let mut random = Random::seeded("random classrooms");
    let mut node = Node::start().await;
    Class::of(&node, PEOPLE).await;
    let mut model = Model::new();
    for _ in 0..rounds {
        for _ in 0..60 {
            model.step(&node.admin(), &mut random).await;
        }
        node.restart().await;
        model.check(&node.admin()).await;
    }
    assert!(model.awards.values().any(|award| award.2), "nothing was reversed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i5_a_listener_that_comes_and_goes_misses_nothing() {
    let mut random = Random::seeded("coming and going");
    let mut node = Node::start().await;
    Class::of(&node, PEOPLE).await;
    let mut listeners: Vec<Listener> = (1..=PEOPLE)
        .map(|user_id| Listener::new(format!("user:{user_id}")))
        .collect();
    let mut model = Model::new();
    for listener in &mut listeners {
        listener.connect(&node.admin()).await.close().await;
    }
    for round in 0..if soak() { 60 } else { 8 } {
        for _ in 0..random.between(1, 40) {
            model.step(&node.admin(), &mut random).await;
        }
        if round % 3 == 2 {
            node.restart().await;
        }
        let admin = node.admin();
        for (place, listener) in listeners.iter_mut().enumerate() {
            let read = admin.get(&format!("/progress/{}", place + 1)).await.expect(200);
            let version = read["version"].as_u64().unwrap();
            // Sometimes only a part of what was missed is read before the line breaks again.
            let until = if random.one_in(3) {
                random.between(listener.offset, version + 1)
            } else {
                version
            };
            let mut socket = listener.connect(&admin).await;
            listener.listen_until(&mut socket, until).await;
            socket.close().await;
        }
    }
    for (place, listener) in listeners.iter_mut().enumerate() {
        let read = node.admin().get(&format!("/progress/{}", place + 1)).await.expect(200);
        let mut socket = listener.connect(&node.admin()).await;
        listener
            .listen_until(&mut socket, read["version"].as_u64().unwrap())
            .await;
        let points: i64 = listener
            .messages
            .iter()
            .filter_map(|message| message["data"]["total"].as_i64())
            .next_back()
            .unwrap_or_default();
        assert_eq!(
            read["points"]["total"].as_i64(),
            Some(points),
            "the last message tells the present total"
        );
        assert!(listener.resumed > 8);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_what_a_listener_hears_can_be_read() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut socket = Socket::connect(&admin).await;
    socket.subscribe(&["user:1", "board:all", "team:10"]).await;
    let writer = admin.clone();
    let writing = tokio::spawn(async move {
        for reference in 1..=100 {
            writer
                .post("/points/earn", earn(1, "complete_quiz", reference))
                .await
                .expect(201);
        }
    });
    let (mut heard, mut total) = (0, 0);
    while total < 5_000 {
        let message = socket.recv().await;
        if message["type"] != "points_update" {
            continue;
        }
        heard += 1;
        total = message["data"]["total"].as_u64().unwrap();
        let event = &message["data"]["event_id"];
        let ledger = admin.get("/points/1?limit=1000").await.expect(200);
        let entries = ledger["items"].as_array().unwrap();
        assert!(
            entries.iter().any(|entry| entry["event_id"] == *event),
            "{event} was heard but cannot be read"
        );
        let board = admin.get("/leaderboards/all").await.expect(200);
        assert!(board["entries"][0]["points"].as_u64().unwrap() >= total, "{board}");
    }
    assert_eq!(heard, 100);
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_listener_that_does_not_read_delays_nobody() {
    let node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    let mut asleep = Socket::connect(&admin).await;
    asleep
        .subscribe(&["user:1", "board:all", "board:team:10", "team:10"])
        .await;
    let mut listener = Listener::new("user:1");
    let mut socket = listener.connect(&admin).await;
    for batch in 0..5 {
        let item = |n: u64| {
            let mut item = earn(1, "read_content", batch * 1_000 + n);
            item["kind"] = json!("points");
            item
        };
        let events: Vec<Value> = (1..=1_000).map(item).collect();
        admin.post("/events", json!({"events": events})).await.expect(200);
        listener.listen_until(&mut socket, (batch + 1) * 1_000).await;
    }
    // The sleeper wakes: either everything is there in order, or it was told with a code and may resume.
    let mut offset = 0;
    loop {
        match asleep.next().await {
            crate::support::Frame::Json(message) if message["topic"] == "user:1" => {
                assert_eq!(message["offset"], offset + 1);
                offset += 1;
                if offset == 5_000 {
                    break;
                }
            }
            crate::support::Frame::Json(_) => {}
            crate::support::Frame::Closed(closed) => {
                assert_eq!(closed.code, Some(4008), "{closed:?}");
                break;
            }
        }
    }
}
