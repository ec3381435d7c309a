//! People, teams, units, qualifications, memberships, enrolments and the import: made, changed, archived, brought back.

use crate::support::{Class, Client, Node, earn, shape};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_is_made_read_changed_archived_and_brought_back() {
    let mut node = Node::start().await;
    let kinds = [
        (
            "/users",
            json!({"name": "Ada", "alias": "Comet", "role": "student"}),
            "name",
            "id:id name:text role:text",
        ),
        (
            "/teams",
            json!({"name": "Blue"}),
            "name",
            "id:id name:text mentor_id:id?",
        ),
        (
            "/qualifications",
            json!({"name": "Mathematics"}),
            "name",
            "id:id name:text",
        ),
        (
            "/units",
            json!({"title": "Fractions", "skills": ["fractions"]}),
            "title",
            "id:id title:text skills:list",
        ),
    ];
    for (path, wish, name, fields) in kinds {
        let admin = node.admin();
        let made = admin.post(path, wish.clone()).await.expect(201);
        shape(&made, fields);
        let id = made["id"].as_u64().unwrap();
        let one = format!("{path}/{id}");
        assert_eq!(admin.get(&one).await.expect(200)[name], wish[name]);
        let mut again = wish.clone();
        again["id"] = json!(id);
        admin.post(path, again).await.problem(409, "already_exists");
        let changed = admin.patch(&one, json!({name: "Changed"})).await.expect(200);
        assert_eq!(changed[name], "Changed");
        assert_eq!(admin.get(&one).await.expect(200)[name], "Changed");
        let put = admin.put(&one, wish.clone()).await.expect(200);
        assert_eq!((&put["id"], &put[name]), (&json!(id), &wish[name]));
        admin.put(&format!("{path}/4242"), wish.clone()).await.expect(201);
        admin.put(&format!("{path}/4242"), wish.clone()).await.expect(200);
        match path {
            "/users" => admin.patch(&one, json!({"archived": true})).await.ok(),
            _ => admin.delete(&one).await.ok(),
        };
        let listed = admin.get(path).await.expect(200);
        assert!(
            listed["items"].as_array().unwrap().iter().all(|item| item["id"] != id),
            "{path}: {listed}"
        );
        node.restart().await;
        let admin = node.admin();
        let listed = admin.get(path).await.expect(200);
        assert!(
            listed["items"].as_array().unwrap().iter().all(|item| item["id"] != id),
            "{path}: {listed}"
        );
        let back = admin.put(&one, wish).await;
        assert!([200, 201].contains(&back.status), "{}", back.text);
        assert_eq!(admin.get(&one).await.expect(200)["id"], id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_given_by_the_node_are_new_ones() {
    let node = Node::start().await;
    let admin = node.admin();
    admin.post("/users", json!({"id": 2, "name": "Two"})).await.expect(201);
    let mut ids = vec![2];
    for _ in 0..5 {
        let made = admin.post("/users", json!({"name": "Next"})).await.expect(201);
        ids.push(made["id"].as_u64().unwrap());
    }
    let second = format!("/users/{}", ids[1]);
    admin.patch(&second, json!({"archived": true})).await.ok();
    ids.push(
        admin.post("/users", json!({"name": "Next"})).await.expect(201)["id"]
            .as_u64()
            .unwrap(),
    );
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "no id is given twice, not even an archived person's");
    let largest = 9_007_199_254_740_991_u64;
    admin
        .post("/users", json!({"id": largest, "name": "Last"}))
        .await
        .expect(201);
    assert_eq!(admin.get(&format!("/users/{largest}")).await.expect(200)["id"], largest);
    admin
        .post("/points/earn", earn(largest, "complete_quiz", largest))
        .await
        .expect(201);
    assert_eq!(
        admin.get(&format!("/points/{largest}")).await.expect(200)["items"][0]["reference_id"],
        largest
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_may_be_anything_that_people_are_called() {
    let mut node = Node::start().await;
    let names = [
        "Zoë Ångström-O'Brien",
        "李小龍",
        "محمد",
        "🦊 Fox",
        "Robert'); DROP TABLE users;--",
        "<script>alert(1)</script>",
        "=1+1",
        "a\u{202e}b",
        "%s%n",
    ];
    let mut ids = Vec::new();
    for name in names {
        let made = node.admin().post("/users", json!({"name": name})).await.expect(201);
        assert_eq!(made["name"], name);
        ids.push(made["id"].clone());
    }
    let longest = "é".repeat(200);
    node.admin().post("/users", json!({"name": longest})).await.expect(201);
    node.admin()
        .post("/users", json!({"name": format!("{longest}x")}))
        .await
        .any_problem(422);
    node.restart().await;
    for (name, id) in names.into_iter().zip(ids) {
        assert_eq!(
            node.admin().get(&format!("/users/{id}")).await.expect(200)["name"],
            name
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go() {
    let mut node = Node::start().await;
    Class::of(&node, 3).await;
    let members = async |admin: &Client| {
        let team = admin.get("/team/10/performance").await.expect(200);
        let mut ids: Vec<u64> = team["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["user_id"].as_u64().unwrap())
            .collect();
        ids.sort_unstable();
        ids
    };
    let admin = node.admin();
    assert_eq!(members(&admin).await, [1, 2, 3]);
    admin.delete("/teams/10/members/2").await.ok();
    assert_eq!(members(&admin).await, [1, 3]);
    admin.put("/teams/10/members/2", json!({"role": "captain"})).await.ok();
    admin
        .put("/teams/10/members/2", json!({"role": "x".repeat(50)}))
        .await
        .ok();
    assert_eq!(members(&admin).await, [1, 2, 3]);
    admin.delete("/teams/10/members/3").await.ok();
    node.restart().await;
    assert_eq!(members(&node.admin()).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_upserts_everything_at_once() {
    let mut node = Node::start().await;
    let admin = node.admin();
    let class = Class::of(&node, 5).await;
    let answer = admin.post("/import", class.rows()).await.ok();
    assert!(answer.is_object(), "counts: {answer}");
    let changed = json!({"users": [{"id": 1, "name": "Changed"}], "units": [{"id": 101, "title": "New title"}]});
    admin.post("/import", changed).await.ok();
    assert_eq!(admin.get("/users/1").await.expect(200)["name"], "Changed");
    node.restart().await;
    let admin = node.admin();
    assert_eq!(admin.get("/users/1").await.expect(200)["name"], "Changed");
    assert_eq!(admin.get("/units/101").await.expect(200)["title"], "New title");
    assert_eq!(
        admin.get("/users?limit=1000").await.expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    assert_eq!(
        admin.get("/team/10/performance").await.expect(200)["members"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    admin.post("/import", json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_import_is_whole_and_awards_go_on_meanwhile() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    let users: Vec<Value> = (100_001..=149_990)
        .map(|id| json!({"id": id, "name": format!("P{id}")}))
        .collect();
    let large = json!({"users": users});
    let mut over = large.clone();
    let more = (200_001..=200_020).map(|id| json!({"id": id, "name": "P"}));
    over["users"].as_array_mut().unwrap().extend(more);
    admin.post("/import", over).await.any_problem(422);
    let importer = admin.clone();
    let importing = tokio::spawn(async move { importer.post("/import", large).await });
    let mut meanwhile = 0;
    while !importing.is_finished() {
        meanwhile += 1;
        admin
            .post("/points/earn", earn(1, "read_content", meanwhile))
            .await
            .expect(201);
    }
    importing.await.unwrap().ok();
    assert!(meanwhile > 0, "no award was made during the import");
    assert_eq!(admin.get("/users/149990").await.expect(200)["name"], "P149990");
    let board = admin.get("/leaderboards/all?limit=1").await.expect(200);
    assert_eq!(board["total"], 2 + 49_990);
    assert_eq!(board["entries"][0]["points"], 10 * meanwhile);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_person_takes_no_awards_and_keeps_their_history() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let admin = node.admin();
    admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(201);
    admin.patch("/users/1", json!({"archived": true})).await.ok();
    admin
        .post("/points/earn", earn(1, "complete_quiz", 6))
        .await
        .problem(422, "unknown_user");
    admin.put("/users/1", json!({"name": "Back"})).await.ok();
    let again = admin
        .post("/points/earn", earn(1, "complete_quiz", 5))
        .await
        .expect(200);
    assert_eq!(
        (&again["reason"], &again["total"]),
        (&json!("already_awarded"), &json!(50))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_in_a_body_is_the_one_in_the_path() {
    let node = Node::start().await;
    let admin = node.admin();
    for (path, name) in [
        ("/users/7", "name"),
        ("/teams/7", "name"),
        ("/qualifications/7", "name"),
        ("/units/7", "title"),
    ] {
        for id in [json!(8), json!(false), json!("7")] {
            let problem = admin
                .put(path, json!({name: "Seven", "id": id}))
                .await
                .problem(422, "validation");
            assert_eq!(problem["errors"][0]["field"], "id", "{path} {problem}");
        }
        admin.put(path, json!({name: "Seven", "id": 7})).await.expect(201);
        admin.put(path, json!({name: "Seven", "id": null})).await.expect(200);
    }
}
