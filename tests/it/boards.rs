//! Boards: ranks and order (I4), who is on them, around somebody, pages, and that every change shows after its answer.

use crate::support::{Class, Client, Node, earn};
use serde_json::{Value, json};

/// A node with these people and points: (id, points in tens, when the last of them happened).
async fn with_points(people: &[(u64, u64, &str)]) -> Node {
    let node = Node::start().await;
    let users: Vec<Value> = people
        .iter()
        .map(|(id, ..)| json!({"id": id, "name": format!("Person {id}")}))
        .collect();
    let admin = node.admin();
    admin.post("/import", json!({"users": users})).await.ok();
    let mut events = Vec::new();
    for (id, tens, time) in people {
        for reference in 1..=*tens {
            let mut event = earn(*id, "read_content", reference);
            event["kind"] = json!("points");
            event["occurred_at"] = json!(time);
            events.push(event);
        }
    }
    admin.post("/events", json!({"events": events})).await.expect(200);
    node
}

async fn entries(client: &Client, path: &str) -> Vec<Value> {
    let page = client.get(path).await.expect(200);
    page["entries"].as_array().unwrap().clone()
}

/// (rank, id, points) of each row.
fn rows(entries: &[Value]) -> Vec<(u64, u64, u64)> {
    let number = |entry: &Value, name: &str| entry[name].as_u64().unwrap_or_else(|| panic!("{name}: {entry}"));
    entries
        .iter()
        .map(|entry| {
            let id = if entry.get("team_id").is_some() {
                "team_id"
            } else {
                "user_id"
            };
            (number(entry, "rank"), number(entry, id), number(entry, "points"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i4_ranks_are_1_2_2_4_and_ties_stand_by_time_then_id() {
    let mut node = with_points(&[
        (1, 0, ""),
        (2, 3, "2026-03-03T10:00:00.000Z"),
        (3, 3, "2026-03-02T10:00:00.000Z"),
        (4, 5, "2026-03-04T10:00:00.000Z"),
        (5, 1, "2026-03-01T10:00:00.000Z"),
        (6, 1, "2026-03-01T10:00:00.000Z"),
        (7, 0, ""),
    ])
    .await;
    let wanted = [
        (1, 4, 50),
        (2, 3, 30),
        (2, 2, 30),
        (4, 5, 10),
        (4, 6, 10),
        (6, 1, 0),
        (6, 7, 0),
    ];
    assert_eq!(rows(&entries(&node.admin(), "/leaderboards/all").await), wanted);
    let page = node.admin().get("/leaderboards/all").await.expect(200);
    assert_eq!(page["total"], 7);
    assert_eq!(page["entries"][5]["reached_at"], Value::Null, "nothing reached yet");
    node.restart().await;
    assert_eq!(rows(&entries(&node.admin(), "/leaderboards/all").await), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_students_who_are_here_are_ranked() {
    let node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    admin
        .post("/users", json!({"id": 901, "name": "Office", "role": "staff"}))
        .await
        .expect(201);
    admin.put("/teams/10/members/900", json!({})).await.ok();
    for user_id in [1, 2, 900, 901] {
        admin
            .post("/points/earn", earn(user_id, "complete_quiz", 101))
            .await
            .expect(201);
    }
    let on_board = async |path: &str| {
        let mut ids: Vec<u64> = rows(&entries(&admin, path).await).iter().map(|row| row.1).collect();
        ids.sort_unstable();
        ids
    };
    for path in [
        "/leaderboards/all",
        "/leaderboards/team:10",
        "/leaderboards/qualification:20",
    ] {
        assert_eq!(on_board(path).await, [1, 2, 3], "{path}");
    }
    admin.patch("/users/2", json!({"archived": true})).await.ok();
    for path in [
        "/leaderboards/all",
        "/leaderboards/team:10",
        "/leaderboards/qualification:20",
    ] {
        assert_eq!(on_board(path).await, [1, 3], "{path}: archived people are not ranked");
    }
    admin.put("/users/2", json!({"name": "Back"})).await.ok();
    assert_eq!(on_board("/leaderboards/all").await, [1, 2, 3]);
    admin.patch("/users/3", json!({"role": "staff"})).await.ok();
    assert_eq!(on_board("/leaderboards/all").await, [1, 2]);
    admin.post("/users", json!({"id": 4, "name": "New"})).await.expect(201);
    assert_eq!(on_board("/leaderboards/all").await, [1, 2, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn around_somebody_gives_their_neighbours() {
    let people: Vec<(u64, u64, &str)> = (1..=20).map(|id| (id, 21 - id, "2026-03-01T10:00:00.000Z")).collect();
    let node = with_points(&people).await;
    let admin = node.admin();
    let ids = async |query: &str| {
        let found = entries(&admin, &format!("/leaderboards/all?{query}")).await;
        rows(&found).iter().map(|row| (row.0, row.1)).collect::<Vec<_>>()
    };
    assert_eq!(
        ids("around=10&neighbours=2").await,
        [(8, 8), (9, 9), (10, 10), (11, 11), (12, 12)]
    );
    assert_eq!(ids("around=1&neighbours=2").await, [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(ids("around=20&neighbours=1").await, [(19, 19), (20, 20)]);
    assert_eq!(ids("around=20&neighbours=0").await, [(20, 20)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_a_board_have_no_gap_and_no_repeat() {
    let people: Vec<(u64, u64, &str)> = (1..=23).map(|id| (id, id % 4, "2026-03-01T10:00:00.000Z")).collect();
    let node = with_points(&people).await;
    let admin = node.admin();
    let whole = rows(&entries(&admin, "/leaderboards/all?limit=1000").await);
    let (mut paged, mut query) = (Vec::new(), "limit=5".to_owned());
    loop {
        let page = admin.get(&format!("/leaderboards/all?{query}")).await.expect(200);
        paged.extend(rows(page["entries"].as_array().unwrap()));
        assert_eq!(page["total"], 23);
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=5&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_does_not_repeat_rows_when_others_move_up() {
    let people: Vec<(u64, u64, &str)> = (1..=10).map(|id| (id, 11 - id, "2026-03-01T10:00:00.000Z")).collect();
    let node = with_points(&people).await;
    let admin = node.admin();
    let first = admin.get("/leaderboards/all?limit=5").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    // Person 10 jumps from the last place to the first: the rows of the first page are now one place lower.
    for reference in 1..=3 {
        admin
            .post("/points/earn", earn(10, "complete_quiz", reference))
            .await
            .expect(201);
    }
    let second = entries(&admin, &format!("/leaderboards/all?limit=5&cursor={cursor}")).await;
    let ids: Vec<u64> = rows(&second).iter().map(|row| row.1).collect();
    assert_eq!(ids, [6, 7, 8, 9], "those after the last one seen, and nobody twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_aliases_on_boards_are_those_of_now() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let peer = node.student(2).await;
    admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    for (change, real, alias) in [
        (json!({}), Class::real_name(1), Class::alias(1)),
        (json!({"name": "Renamed"}), "Renamed".into(), Class::alias(1)),
        (json!({"alias": "Comet"}), "Renamed".into(), "Comet".into()),
    ] {
        if change != json!({}) {
            admin.patch("/users/1", change).await.ok();
        }
        for path in [
            "/leaderboards/all",
            "/leaderboards/team:10",
            "/leaderboards/qualification:20",
        ] {
            assert_eq!(entries(&admin, path).await[0]["name"], real, "{path}");
            assert_eq!(entries(&peer, path).await[0]["name"], alias, "{path}");
        }
    }
    admin.patch("/users/1", json!({"alias": null})).await.ok();
    let pseudonym = entries(&peer, "/leaderboards/all").await[0]["name"].clone();
    assert!(
        pseudonym
            .as_str()
            .is_some_and(|name| !name.is_empty() && !name.contains("Renamed")),
        "{pseudonym}"
    );
    assert_eq!(
        entries(&peer, "/leaderboards/all").await[0]["name"],
        pseudonym,
        "a stable one"
    );
    admin.patch("/teams/10", json!({"name": "Red"})).await.ok();
    assert_eq!(entries(&peer, "/leaderboards/teams").await[0]["name"], "Red");
    assert_eq!(admin.get("/team/10/performance").await.expect(200)["name"], "Red");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i4_a_team_has_the_points_of_its_present_members() {
    let mut node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    admin
        .post("/teams", json!({"id": 11, "name": "Blue"}))
        .await
        .expect(201);
    for (user_id, references) in [(1, 1), (2, 2), (3, 3)] {
        for reference in 1..=references {
            admin
                .post("/points/earn", earn(user_id, "complete_quiz", reference))
                .await
                .expect(201);
        }
    }
    let teams = async |admin: &Client| rows(&entries(admin, "/leaderboards/teams").await);
    assert_eq!(teams(&admin).await[0], (1, 10, 300));
    admin.put("/teams/11/members/3", json!({})).await.ok();
    admin.delete("/teams/10/members/3").await.ok();
    // Equal points: the order is by time, then id; the ranks are equal.
    let mut equal = teams(&admin).await;
    equal.sort_unstable();
    assert_eq!(equal, [(1, 10, 150), (1, 11, 150)]);
    admin.put("/teams/11/members/2", json!({})).await.ok();
    assert_eq!(
        teams(&admin).await,
        [(1, 11, 250), (2, 10, 150)],
        "a person may be in two teams"
    );
    admin.patch("/users/3", json!({"archived": true})).await.ok();
    let performance = admin.get("/team/11/performance").await.expect(200);
    assert_eq!(
        performance["points"]["sum"], 100,
        "an archived person is no present member"
    );
    admin
        .post("/points/earn", earn(2, "complete_quiz", 50))
        .await
        .expect(201);
    assert_eq!(teams(&admin).await, [(1, 10, 200), (2, 11, 150)]);
    node.restart().await;
    assert_eq!(teams(&node.admin()).await, [(1, 10, 200), (2, 11, 150)]);
    let performance = node.admin().get("/team/10/performance").await.expect(200);
    assert_eq!(
        (&performance["points"]["sum"], &performance["rank"]),
        (&json!(200), &json!(1))
    );
    node.admin().delete("/teams/10").await.ok();
    assert_eq!(
        teams(&node.admin()).await,
        [(1, 11, 150)],
        "an archived team is not on the board"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_qualification_ranks_its_learners_by_points_inside_it() {
    let mut node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    for (user_id, unit) in [(1, 101), (2, 101), (2, 102), (3, 7_000)] {
        admin
            .post("/points/earn", earn(user_id, "complete_quiz", unit))
            .await
            .expect(201);
    }
    let board = async |admin: &Client| rows(&entries(admin, "/leaderboards/qualification:20").await);
    assert_eq!(board(&admin).await, [(1, 2, 100), (2, 1, 50), (3, 3, 0)]);
    // Who has points inside it stays on it; who has none and is no longer enrolled does not.
    admin.delete("/qualifications/20/learners/2").await.ok();
    admin.delete("/qualifications/20/learners/3").await.ok();
    assert_eq!(board(&admin).await, [(1, 2, 100), (2, 1, 50)]);
    admin.put("/qualifications/20/learners/3", json!({})).await.ok();
    assert_eq!(board(&admin).await, [(1, 2, 100), (2, 1, 50), (3, 3, 0)]);
    node.restart().await;
    assert_eq!(board(&node.admin()).await, [(1, 2, 100), (2, 1, 50), (3, 3, 0)]);
    let award = node.admin().get("/points/2").await.expect(200)["items"][0]["event_id"].clone();
    node.admin()
        .post(&format!("/points/{award}/reverse"), json!({"reason": "r"}))
        .await
        .ok();
    let mut tied = board(&node.admin()).await;
    tied.sort_unstable();
    assert_eq!(tied, [(1, 1, 50), (1, 2, 50), (3, 3, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_rises_with_every_change_and_the_epoch_stays() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let head = async || {
        let page = admin.get("/leaderboards/all").await.expect(200);
        (page["epoch"].clone(), page["version"].as_u64().unwrap())
    };
    let (epoch, mut version) = head().await;
    for reference in 1..=3 {
        admin
            .post("/points/earn", earn(1, "complete_quiz", reference))
            .await
            .expect(201);
        let (same, next) = head().await;
        assert_eq!(same, epoch);
        assert!(next > version, "{next} after {version}");
        version = next;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_answer_every_read_shows_the_write() {
    let node = Node::start().await;
    Class::of(&node, 8).await;
    let admin = node.admin();
    let mut writers = tokio::task::JoinSet::new();
    for user_id in 1..=8 {
        let admin = admin.clone();
        writers.spawn(async move {
            for reference in 1..=25 {
                let wanted = reference * 50;
                let answer = admin
                    .post("/points/earn", earn(user_id, "complete_quiz", reference))
                    .await
                    .expect(201);
                assert_eq!(answer["total"], wanted);
                for path in ["/leaderboards/all", "/leaderboards/team:10"] {
                    let board = entries(&admin, path).await;
                    let mine = board
                        .iter()
                        .find(|entry| entry["user_id"] == user_id)
                        .expect("on the board");
                    assert_eq!(mine["points"], wanted, "{path}");
                }
                let progress = admin.get(&format!("/progress/{user_id}")).await.expect(200);
                assert_eq!(progress["points"]["total"], wanted);
                let team = admin.get("/team/10/performance").await.expect(200);
                let members = team["members"].as_array().unwrap();
                let member = members
                    .iter()
                    .find(|member| member["user_id"] == user_id)
                    .expect("a member");
                assert_eq!(member["points"], wanted);
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.expect("every read shows the write");
    }
}
