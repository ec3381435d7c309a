//! Erasing a person: what goes, what stays, who is told, and that it is for good, whatever database is found later.

use crate::support::{Class, Client, Node, NodeProcess, Socket, earn, eventually, store};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How many bytes of files a directory has, and which of its files hold any of the words.
fn files_with(directory: &Path, words: &[String]) -> (usize, Vec<String>) {
    let (mut bytes, mut holding) = (0, Vec::new());
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let content = fs::read(&path).unwrap();
        bytes += content.len();
        let holds = |word: &String| content.windows(word.len()).any(|window| window == word.as_bytes());
        holding.extend(
            words
                .iter()
                .filter(|word| holds(word))
                .map(|word| format!("{word} in {}", path.display())),
        );
    }
    (bytes, holding)
}

async fn erase(admin: &Client, user_id: u64) {
    let answer = admin.delete(&format!("/users/{user_id}")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

/// The class of three, with awards and progress, so that boards, teams and ledgers name everybody.
async fn busy_class(admin: &Client) -> Class {
    let class = Class::import(admin, 0, 3).await;
    for user_id in 1..=3 {
        admin
            .post("/points/earn", earn(user_id, "complete_quiz", 101))
            .await
            .expect(201);
        let progress = json!({"unit_id": 101, "progress_percentage": 50});
        admin.post(&format!("/progress/{user_id}"), progress).await.expect(200);
    }
    class
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_an_erased_person_but_an_id() {
    let mut node = Node::start().await;
    let admin = node.admin();
    busy_class(&admin).await;
    let (own, teammate, mentor) = (node.student(1).await, node.student(2).await, node.mentor(900).await);
    let award = admin.get("/points/1").await.expect(200)["items"][0]["event_id"].clone();
    node.caller("service", None)
        .await
        .delete("/users/1")
        .await
        .problem(403, "forbidden");
    mentor.delete("/users/1").await.problem(403, "forbidden");
    erase(&admin, 1).await;

    own.get("/me").await.problem(401, "unauthenticated");
    for round in 0..2 {
        let admin = node.admin();
        for (method, path, body) in named_by(&award) {
            let request = admin.request(method.clone(), &path);
            let answer = admin.send(request.json(&body)).await;
            assert_eq!(
                (answer.status, answer.code()),
                (410, Some("erased")),
                "{method} {path} {}",
                answer.text
            );
        }
        let members = admin.get("/teams/10").await.expect(200);
        assert!(!members.to_string().contains("\"user_id\":1,"), "{members}");
        for path in [
            "/users?archived=true&limit=1000",
            "/leaderboards/all",
            "/leaderboards/team:10",
            "/team/10/performance",
        ] {
            let shown = admin.get(path).await.expect(200).to_string();
            assert!(
                !shown.contains("\"user_id\":1,") && !shown.contains("\"id\":1,"),
                "{path}: {shown}"
            );
            assert!(shown.contains(&Class::real_name(2)), "{path} shows the others: {shown}");
        }
        if round == 0 {
            for caller in [&teammate, &mentor] {
                for path in ["/users/1", "/progress/1", "/users/1/export"] {
                    caller.get(path).await.problem(404, "unknown_user");
                }
            }
            node.restart().await;
        }
    }
    let made = node
        .admin()
        .post("/users", json!({"name": "Somebody new"}))
        .await
        .expect(201);
    assert_ne!(made["id"], 1, "the id is never given again");
}

/// Everything that can name person 1, in a path or in a body.
fn named_by(award: &Value) -> Vec<(Method, String, Value)> {
    let none = json!({});
    let named = [
        (Method::GET, "/users/1", none.clone()),
        (Method::GET, "/users/1/export", none.clone()),
        (Method::GET, "/progress/1", none.clone()),
        (Method::GET, "/achievements/1", none.clone()),
        (Method::GET, "/points/1", none.clone()),
        (Method::DELETE, "/users/1", none.clone()),
        (Method::PATCH, "/users/1", json!({"name": "Again"})),
        (Method::PATCH, "/users/1", json!({"archived": false})),
        (Method::PUT, "/users/1", json!({"name": "Again"})),
        (Method::POST, "/users", json!({"id": 1, "name": "Again"})),
        (Method::POST, "/teams", json!({"name": "Team", "mentor_id": 1})),
        (Method::PATCH, "/teams/10", json!({"mentor_id": 1})),
        (Method::PUT, "/teams/10/members/1", none.clone()),
        (Method::DELETE, "/teams/10/members/1", none.clone()),
        (Method::PUT, "/qualifications/20/learners/1", none.clone()),
        (Method::DELETE, "/qualifications/20/learners/1", none.clone()),
        (
            Method::POST,
            "/progress/1",
            json!({"unit_id": 101, "progress_percentage": 60}),
        ),
        (Method::POST, "/points/earn", earn(1, "complete_quiz", 102)),
        (Method::POST, "/tokens", json!({"role": "student", "user_id": 1})),
    ];
    let mut named: Vec<_> = named
        .into_iter()
        .map(|(method, path, body)| (method, path.to_owned(), body))
        .collect();
    for act in ["reverse", "reinstate"] {
        named.push((Method::POST, format!("/points/{award}/{act}"), json!({"reason": "r"})));
    }
    named
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_and_topics_forget() {
    let node = Node::start().await;
    let admin = node.admin();
    busy_class(&admin).await;
    let mut own = Socket::connect(&node.student(1).await).await;
    let mut watching = Vec::new();
    for client in [admin.clone(), node.mentor(900).await] {
        let mut socket = Socket::connect(&client).await;
        socket
            .subscribe(&["user:1", "team:10", "board:all", "board:team:10"])
            .await;
        watching.push(socket);
    }
    let teammate = node.student(2).await;
    let mut peer = Socket::connect(&teammate).await;
    let topics = ["team:10", "board:all", "board:team:10", "board:qualification:20"];
    let held: BTreeMap<&str, Value> = topics.into_iter().zip(peer.subscribe(&topics).await).collect();
    assert!(
        held["board:all"].to_string().contains(&Class::alias(1)),
        "the alias was really shown"
    );
    // One message each that names the person, so that rings hold it.
    admin
        .patch("/users/1", json!({"alias": "Alias 1 anew"}))
        .await
        .expect(200);
    for topic in topics {
        let offset = held[topic]["offset"].as_u64().unwrap() + 1;
        let named = peer.until_offset(topic, offset).await;
        assert!(
            named.last().unwrap().to_string().contains("Alias 1 anew"),
            "{topic}: {named:?}"
        );
    }
    let seen = peer.seen.len();
    erase(&admin, 1).await;

    assert_eq!(own.closed().await.code, Some(4500), "as a token that was revoked");
    for socket in &mut watching {
        let ended = socket
            .collect_until(|all| all.iter().any(|message| message["type"] == "unsubscribed"))
            .await;
        let ended = ended.last().unwrap();
        assert_eq!(
            (&ended["topic"], &ended["reason"]["code"]),
            (&json!("user:1"), &json!("erased"))
        );
        assert_eq!(ended["reason"]["status"], 410);
        let refused = socket.subscribe(&["user:1"]).await.remove(0);
        let code = &refused["error"]["code"];
        assert!(*code == "erased" || *code == "unknown_user", "{refused}");
    }
    // Whoever listens gets the state without the person; whoever comes back gets no ring from before.
    let mut fresh: Vec<&str> = topics.to_vec();
    while !fresh.is_empty() {
        let message = peer.recv().await;
        if message["type"] == "snapshot" {
            fresh.retain(|topic| message["topic"] != *topic);
        }
    }
    let mut back = Socket::connect(&teammate).await;
    for topic in topics {
        let (epoch, offset) = (
            held[topic]["epoch"].as_str().unwrap(),
            held[topic]["offset"].as_u64().unwrap(),
        );
        let again = back.subscribe_at(topic, epoch, offset).await;
        assert_eq!(again["recovered"], false, "{topic}: {again}");
    }
    teammate
        .post("/points/earn", earn(2, "read_content", 102))
        .await
        .expect(201);
    let has = |all: &[Value], topic: &str| all.iter().any(|message| message["topic"] == topic);
    back.collect_until(|all| topics.iter().all(|topic| has(all, topic)))
        .await;
    let frames: Vec<&String> = peer.seen[seen..].iter().chain(&back.seen).collect();
    assert!(frames.len() >= 2 * topics.len());
    for frame in frames {
        assert!(
            !frame.contains("Alias 1"),
            "a frame after the erasure names the person: {frame}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_is_told_so_and_a_key_gets_its_first_answer() {
    let node = Node::start().await;
    let admin = node.admin();
    busy_class(&admin).await;
    let keyed = || {
        admin.send(
            admin
                .request(Method::DELETE, "/users/1")
                .header("Idempotency-Key", "k1"),
        )
    };
    let first = keyed().await;
    assert_eq!((first.status, first.is_replayed()), (204, false));
    let again = keyed().await;
    assert_eq!((again.status, again.is_replayed()), (204, true));
    admin.delete("/users/1").await.problem(410, "erased");
    admin.delete("/users/777").await.problem(404, "unknown_user");
    admin.delete("/users/900").await.ok();
    assert_eq!(admin.get("/teams/10").await.expect(200)["mentor_id"], Value::Null);
    let listed = fs::read_to_string(node.directory().join("erasures.jsonl")).unwrap();
    let ids: Vec<u64> = listed
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["user_id"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(ids, [1, 900]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_admin_cannot_be_erased() {
    let node = Node::start_with(|config| config.admin_token = None).await;
    let secret = fs::read_to_string(node.directory().join("admin-token")).unwrap();
    let first = node.with_token(secret.trim());
    first
        .post("/users", json!({"id": 5, "name": "Head", "role": "staff"}))
        .await
        .expect(201);
    let made = first
        .post("/tokens", json!({"role": "admin", "user_id": 5}))
        .await
        .expect(201);
    let head = node.with_token(made["token"].as_str().unwrap());
    let own = first.get("/me").await.expect(200)["token_id"].clone();
    head.delete(&format!("/tokens/{own}")).await.ok();
    head.delete("/users/5").await.problem(409, "last_admin_token");
    assert_eq!(head.get("/users/5").await.expect(200)["name"], "Head");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_leaves_the_erased_out_and_says_so() {
    let node = Node::start().await;
    let admin = node.admin();
    let class = busy_class(&admin).await;
    erase(&admin, 2).await;
    erase(&admin, 900).await;
    let mut rows = class.rows();
    rows["users"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": 4, "name": "Four"}));
    let counts = admin.post("/import", rows.clone()).await.expect(200);
    let expected = json!({
        "qualifications": 1, "units": 4, "users": 3, "teams": 1, "team_members": 2, "enrolments": 2,
        "skipped_erased": [2, 900],
    });
    assert_eq!(counts, expected);
    admin.get("/users/2").await.problem(410, "erased");
    assert_eq!(admin.get("/teams/10").await.expect(200)["mentor_id"], Value::Null);
    rows["team_members"]
        .as_array_mut()
        .unwrap()
        .push(json!({"team_id": 10, "user_id": 4242}));
    let refused = admin.post("/import", rows).await.any_problem(422);
    assert_eq!(
        refused["errors"][0]["field"], "team_members[3].user_id",
        "places are those of the request: {refused}"
    );
}

/// Every byte that names the person is gone from files, log, metrics; the history stays by id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_the_name_is_left() {
    let directory = store::directory_of_files();
    let mut node = NodeProcess::spawn(directory.path(), &["--log", "trace"]);
    node.ready().await;
    let admin = node.admin();
    busy_class(&admin).await;
    let words = [
        "Wq1firstname",
        "Wq2secondname",
        "Wq3alias",
        "Wq4reason",
        "Wq5label",
        "Wq6role",
        "Wq7again",
    ];
    let words: Vec<String> = words.map(str::to_owned).to_vec();
    for (key, name) in [("a", &words[0]), ("b", &words[1])] {
        let wish = json!({"name": name, "alias": words[2]});
        let request = admin.request(Method::PATCH, "/users/1").header("Idempotency-Key", key);
        admin.send(request.json(&wish)).await.expect(200);
    }
    let award = admin.get("/points/1").await.expect(200)["items"][0]["event_id"].clone();
    let reason = json!({"reason": words[3]});
    admin
        .post(&format!("/points/{award}/reverse"), reason)
        .await
        .expect(201);
    let token = json!({"role": "student", "user_id": 1, "label": words[4]});
    admin.post("/tokens", token).await.expect(201);
    admin.put("/teams/10/members/1", json!({"role": words[5]})).await.ok();
    let refused = json!({"name": words[6], "alias": 5, "role": "nobody"});
    admin.patch("/users/1", refused).await.any_problem(422);
    assert_eq!(admin.get("/users/1").await.expect(200)["name"], words[1]);
    let (_, there) = files_with(directory.path(), &words);
    assert!(there.len() >= 6, "the words were really in the files: {there:?}");

    erase(&admin, 1).await;
    let (bytes, left) = files_with(directory.path(), &words);
    assert!(bytes > 100_000, "the files were really read: {bytes} bytes");
    assert_eq!(left, [] as [String; 0], "right after the answer");
    let metrics = node.anonymous().get("/metrics").await.text;
    node.sigterm().await;
    assert!(node.wait().await.success());
    let log = node.stderr_with("stopped").await;
    let lines = log.lines().count();
    assert!(
        lines > 15 && log.contains("DEBUG"),
        "the log was really at trace: {lines} lines"
    );
    for word in &words {
        assert!(
            !log.contains(word.as_str()) && !metrics.contains(word.as_str()),
            "{word} was told"
        );
    }
    let (_, left) = files_with(directory.path(), &words);
    assert_eq!(left, [] as [String; 0], "after the stop");
    let database = rusqlite::Connection::open(directory.path().join("homeroom.sqlite3")).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        count("SELECT count(*) FROM user_points WHERE user_id = 1"),
        2,
        "the ledger stays by id"
    );
    assert_eq!(
        count("SELECT count(*) FROM events WHERE stream_kind = 1 AND stream_id = 1"),
        3
    );
    assert_eq!(count("SELECT count(*) FROM event_notes"), 0);
}

/// An older database is put back: whoever is on the list is erased again before anybody is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_database_is_erased_again() {
    let directory = store::directory_of_files();
    let mut node = NodeProcess::start(directory.path()).await;
    busy_class(&node.admin()).await;
    node.sigterm().await;
    assert!(node.wait().await.success());
    let file = directory.path().join("homeroom.sqlite3");
    let older = fs::read(&file).unwrap();

    let mut node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    erase(&admin, 1).await;
    // Somebody who came after the older database was made.
    admin
        .post("/users", json!({"id": 77, "name": "Wq8late"}))
        .await
        .expect(201);
    erase(&admin, 77).await;
    node.kill9().await;
    for left in ["homeroom.sqlite3-wal", "homeroom.sqlite3-shm"] {
        let _ = fs::remove_file(directory.path().join(left));
    }
    fs::write(&file, &older).unwrap();
    // As if a crash had cut the last line off half-way.
    let list = directory.path().join("erasures.jsonl");
    let mut lines = fs::read_to_string(&list).unwrap();
    lines.push_str("{\"user_id\":3,\"era");
    fs::write(&list, lines).unwrap();
    let name = vec![Class::real_name(1), Class::alias(1)];
    assert!(
        !files_with(directory.path(), &name).1.is_empty(),
        "the older database really has the name"
    );

    let mut node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    for id in [1, 77] {
        admin.get(&format!("/users/{id}")).await.problem(410, "erased");
    }
    assert_eq!(admin.get("/users/3").await.expect(200)["name"], Class::real_name(3));
    node.stderr_with("erased again").await;
    let left = eventually("no byte of the name", || async {
        let (_, left) = files_with(directory.path(), &name);
        left.is_empty().then_some(left)
    });
    left.await;
    node.sigterm().await;
    assert!(node.wait().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_could_not_be_listed_is_listed_by_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(directory.path()).await;
    busy_class(&node.admin()).await;
    let list = directory.path().join("erasures.jsonl");
    fs::create_dir(&list).unwrap();
    let answer = node.admin().delete("/users/1").await;
    answer.problem(503, "store_unavailable");
    node.admin().get("/users/1").await.problem(410, "erased");
    node.kill9().await;
    fs::remove_dir(&list).unwrap();
    let mut node = NodeProcess::start(directory.path()).await;
    let listed = fs::read_to_string(&list).unwrap();
    assert!(listed.starts_with("{\"user_id\":1,"), "{listed}");
    node.kill9().await;
}

/// The list lies beside the backups too: an older backup, restored on another machine, is erased again before it is in place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_is_erased_again() {
    let (first, second) = (store::directory_of_files(), store::directory_of_files());
    let mut node = NodeProcess::start(first.path()).await;
    let admin = node.admin();
    busy_class(&admin).await;
    let older = admin.post("/backups", json!({})).await.expect(201)["name"].clone();
    erase(&admin, 1).await;
    admin.post("/backups", json!({})).await.expect(201);
    let acts = admin.get("/audit?act=backup_made").await.expect(200);
    assert_eq!(acts["items"].as_array().unwrap().len(), 2);
    node.kill9().await;
    let older = first.path().join("backups").join(older.as_str().unwrap());
    let name = vec![Class::real_name(1), Class::alias(1)];
    let holds = |word: &String| {
        let content = fs::read(&older).unwrap();
        content.windows(word.len()).any(|window| window == word.as_bytes())
    };
    assert!(name.iter().all(holds), "the older backup really has the name");

    let mut command = NodeProcess::command();
    command.arg("restore").arg(&older).arg("--data").arg(second.path());
    let mut restoring = NodeProcess::run(command);
    assert!(restoring.wait().await.success(), "{}", restoring.stderr());
    assert_eq!(
        files_with(second.path(), &name).1,
        [] as [String; 0],
        "before any node has seen it"
    );
    let mut node = NodeProcess::start(second.path()).await;
    let admin = node.admin();
    admin.get("/users/1").await.problem(410, "erased");
    assert_eq!(admin.get("/users/2").await.expect(200)["name"], Class::real_name(2));
    let acts = admin.get("/audit?act=restored").await.expect(200);
    assert_eq!(acts["items"][0]["detail"]["erased_again"], 1);
    node.kill9().await;
}
