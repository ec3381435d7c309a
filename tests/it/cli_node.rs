//! Commands that talk to a node: what they print, for people and for programs, and what they say when they cannot.

use crate::support::{Homeroom, Node};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_made_listed_and_ended() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let homeroom = Homeroom::calling(directory.path(), &node.anonymous());
    homeroom
        .run(&["user", "add", "Ada Example", "--id", "7"])
        .await
        .expect(0);
    let arguments = [
        "token",
        "create",
        "--role",
        "student",
        "--user",
        "7",
        "--expires",
        "12h",
        "--label",
        "tablet",
    ];
    let made = homeroom.run(&arguments).await.expect(0);
    let token = made.stdout.trim();
    assert_eq!(made.stdout.lines().count(), 1, "the token alone: {}", made.stdout);
    assert!(made.stderr.contains("for person 7, until"), "{}", made.stderr);
    let me = node.with_token(token).get("/me").await.expect(200);
    assert_eq!((&me["role"], &me["user_id"]), (&json!("student"), &json!(7)));

    let listed = homeroom.json(&["token", "list"]).await;
    let listed = listed["items"].as_array().unwrap();
    let ours = listed.iter().find(|one| one["label"] == "tablet").unwrap();
    assert!(
        !listed.iter().any(|one| one.to_string().contains(token)),
        "a secret is listed"
    );
    let id = ours["token_id"].to_string();
    homeroom.run(&["token", "revoke", &id]).await.expect(0);
    node.with_token(token).get("/me").await.expect(401);
    homeroom
        .run(&["token", "revoke", &id])
        .await
        .expect(6)
        .with_error("unknown_token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_roster_is_kept_one_thing_at_a_time() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let homeroom = Homeroom::calling(directory.path(), &node.anonymous());
    let course = homeroom.json(&["qualification", "add", "Mathematics 7"]).await["id"].to_string();
    let unit = [
        "unit",
        "add",
        "Fractions",
        "--qualification",
        &course,
        "--skill",
        "ratio",
    ];
    let unit = homeroom.json(&unit).await["id"].to_string();
    let mentor = homeroom.json(&["user", "add", "Mo Mentor", "--role", "mentor"]).await["id"].to_string();
    let ada = homeroom.json(&["user", "add", "Ada Example", "--alias", "Comet"]).await["id"].to_string();
    let team = homeroom.json(&["team", "add", "Blue", "--mentor", &mentor]).await["id"].to_string();
    homeroom
        .run(&["team", "member", "add", &team, &ada, "--role", "captain"])
        .await
        .expect(0);
    homeroom.run(&["enrol", &course, &ada]).await.expect(0);

    let shown = homeroom.json(&["team", "show", &team]).await;
    assert_eq!(shown["mentor_id"].to_string(), mentor);
    assert_eq!(shown["members"][0]["role"], "captain");
    let progress = node.admin().get(&format!("/progress/{ada}")).await.expect(200);
    assert_eq!(progress["units_total"], 1, "{progress:?}");

    let changed = homeroom.json(&["user", "set", &ada, "--alias", ""]).await;
    assert_eq!(changed["alias"], json!(null));
    let changed = homeroom
        .json(&["team", "set", &team, "--mentor", "0", "--name", "Red"])
        .await;
    assert_eq!((&changed["mentor_id"], &changed["name"]), (&json!(null), &json!("Red")));
    homeroom
        .run(&["user", "set", &ada])
        .await
        .expect(2)
        .with_error("nothing to change");
    homeroom.run(&["team", "member", "remove", &team, &ada]).await.expect(0);
    homeroom.run(&["enrol", &course, &ada, "--remove"]).await.expect(0);
    homeroom.run(&["unit", "archive", &unit]).await.expect(0);
    let units = homeroom.json(&["unit", "list"]).await;
    assert_eq!(units["items"], json!([]));
    let table = homeroom.run(&["unit", "list", "--archived"]).await.expect(0).stdout;
    assert!(
        table.lines().next().is_some_and(|head| head.starts_with("ID")),
        "{table}"
    );
    assert!(table.contains("Fractions"), "{table}");
    homeroom
        .run(&["user", "show", "999"])
        .await
        .expect(6)
        .with_error("unknown_user");
    homeroom.run(&["user", "add", " "]).await.expect(5).with_error("name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_reached_or_done_is_told_with_what_to_do_and_its_own_exit_code() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let homeroom = || Homeroom::calling(directory.path(), &node.anonymous());
    let list = ["user", "list"];
    homeroom()
        .with("HOMEROOM_TOKEN", "")
        .run(&list)
        .await
        .expect(4)
        .with_error("--token TOKEN");
    homeroom()
        .with("HOMEROOM_TOKEN", "wrong")
        .run(&list)
        .await
        .expect(4)
        .with_error("not one of this node's");
    let student = node.token("projector", None).await;
    homeroom()
        .with("HOMEROOM_TOKEN", &student)
        .run(&["token", "list"])
        .await
        .expect(4)
        .with_error("forbidden");
    let nobody = homeroom().with("HOMEROOM_URL", "http://127.0.0.1:9").run(&list).await;
    nobody.expect(3).with_error("homeroom serve");
    homeroom()
        .with("HOMEROOM_URL", "127.0.0.1:8080")
        .run(&list)
        .await
        .expect(2)
        .with_error("not the address of a node");
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", other.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        while let Ok((mut socket, _)) = other.accept().await {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let _ = socket.read(&mut [0; 1_024]).await;
            let _ = socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
                .await;
        }
    });
    homeroom()
        .with("HOMEROOM_URL", &address)
        .run(&list)
        .await
        .expect(3)
        .with_error("Something else answers");
    answering.abort();
    // The file of a node's own token is taken where no token is given.
    std::fs::create_dir(directory.path().join("homeroom-data")).unwrap();
    std::fs::write(
        directory.path().join("homeroom-data/admin-token"),
        crate::support::ADMIN_TOKEN,
    )
    .unwrap();
    homeroom().with("HOMEROOM_TOKEN", "").run(&list).await.expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_is_explained_entry_by_entry() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let homeroom = Homeroom::calling(directory.path(), &node.anonymous());
    homeroom
        .run(&["user", "add", "Ada Example", "--id", "7"])
        .await
        .expect(0);
    let admin = node.admin();
    let earn = json!({"user_id": 7, "action_type": "complete_quiz", "reference_id": 10});
    let event = admin.post("/points/earn", earn.clone()).await.expect(201)["event_id"].clone();
    admin.post("/points/earn", earn).await.expect(200);
    let other = json!({"user_id": 7, "action_type": "read_content", "reference_id": 11});
    admin.post("/points/earn", other).await.expect(201);
    let reverse = json!({"reason": "copied"});
    admin
        .post(&format!("/points/{event}/reverse"), reverse)
        .await
        .expect(201);
    let explained = homeroom.json(&["ledger", "explain", "7"]).await;
    assert_eq!(explained["total"], 10);
    let entries = explained["entries"].as_array().unwrap();
    let sum: i64 = entries.iter().map(|entry| entry["points"].as_i64().unwrap()).sum();
    assert_eq!(sum, 10);
    assert_eq!(explained["refusals"], 1);
    let words = homeroom.run(&["ledger", "explain", "7"]).await.expect(0).stdout;
    for part in [
        "taken back later by entry",
        "(copied)",
        "count once",
        "Person 7 has 10 points",
    ] {
        assert!(words.contains(part), "{part:?} is not in {words}");
    }
    homeroom.run(&["ledger", "explain", "8"]).await.expect(6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_printed_without_a_node() {
    let directory = tempfile::tempdir().unwrap();
    let homeroom = Homeroom::in_directory(directory.path());
    let printed = homeroom.run(&["openapi"]).await.expect(0).stdout;
    let document: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(document["paths"]["/points/earn"].is_object());
    homeroom.run(&["openapi", "-o", "api.json"]).await.expect(0);
    let written = std::fs::read_to_string(directory.path().join("api.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), document);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = homeroom.run(&["completions", shell]).await.expect(0).stdout;
        assert!(script.contains("qualification"), "{shell}");
    }
    let codes = homeroom.run(&["help", "exit-codes"]).await.expect(0).stdout;
    assert!(codes.contains("cannot be reached"), "{codes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_exported_and_erased_and_the_log_says_by_whom() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let homeroom = Homeroom::calling(directory.path(), &node.anonymous());
    for (id, name) in [("7", "Ada Example"), ("8", "Ben Example")] {
        homeroom.run(&["user", "add", name, "--id", id]).await.expect(0);
    }
    let printed = homeroom.run(&["export", "7"]).await.expect(0).stdout;
    let exported: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(exported["user"]["name"], "Ada Example");
    homeroom.run(&["export", "7", "-o", "ada.json"]).await.expect(0);
    let file = directory.path().join("ada.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(written["user"], exported["user"]);
    homeroom.run(&["export", "99", "-o", "nobody.json"]).await.expect(6);
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "half an export is left"
    );

    assert!(homeroom.json(&["user", "archive", "7"]).await["archived_at"].is_string());
    assert!(homeroom.json(&["user", "archive", "7", "--undo"]).await["archived_at"].is_null());
    homeroom.run(&["erase", "8"]).await.expect(2).with_error("--yes");
    node.admin().get("/users/8").await.expect(200);
    homeroom.run(&["erase", "8", "--yes"]).await.expect(0);
    homeroom
        .run(&["erase", "8", "--yes"])
        .await
        .expect(6)
        .with_error("erased");
    node.admin().get("/users/8").await.problem(410, "erased");
    // The number of somebody erased stands in no list, and is given to nobody.
    std::fs::write(directory.path().join("new.csv"), "name\nCleo Example\n").unwrap();
    homeroom.run(&["user", "import", "new.csv"]).await.expect(0);
    let users = node.admin().get("/users").await.expect(200)["items"].clone();
    let ids: Vec<_> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["id"].clone())
        .collect();
    assert_eq!(ids, [7, 9]);

    let log = homeroom.json(&["audit", "--act", "user_erased", "--since", "1h"]).await;
    assert_eq!(log["items"][0]["subject"]["id"], 8, "{log}");
    let table = homeroom.run(&["audit", "--limit", "3"]).await.expect(0).stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
}
