//! Nothing secret and nobody's name leaves by a side door: log at its most talkative, metrics, errors, files beside the
//! database (F-S12).

use crate::support::{ADMIN_TOKEN, Class, Client, NodeProcess, Socket, database_to_read, earn, report_row};
use homeroom_schema::limits::SNAPSHOT_EVERY_EVENTS;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Made-up words that stand for people and secrets: easy to find, and nobody's.
const NAME: &str = "Qz5realname";
const ALIAS: &str = "Qz5alias";
const MAIL: &str = "qz5.person@example.org";
const NOTE: &str = "Qz5reason";
const ROLE: &str = "Qz5captain";
const LABEL: &str = "Qz5label";
const FORGED: &str = "hr_Qz5forgedtokenforgedtokenforgedtoken";

/// What was said where it can be looked through.
#[derive(Default)]
struct Heard {
    secrets: Vec<String>,
    errors: Vec<String>,
}

impl Heard {
    async fn send(&mut self, client: &Client, method: Method, path: &str, body: Value) -> Value {
        let answer = client.send(client.request(method, path).json(&body)).await;
        if answer.status >= 400 {
            self.errors.push(answer.text.clone());
        }
        self.secrets.extend(answer.body["token"].as_str().map(str::to_owned));
        self.secrets.extend(answer.body["ticket"].as_str().map(str::to_owned));
        answer.body
    }
}

/// A class with telling names goes through everything that reads or writes them, right and wrong.
async fn busy_day(node: &NodeProcess) -> Heard {
    let (admin, mut heard) = (node.admin(), Heard::default());
    Class::import(&admin, 0, 3).await;
    let names = json!({"name": NAME, "alias": ALIAS});
    heard.send(&admin, Method::PATCH, "/users/1", names).await;
    heard
        .send(&admin, Method::PATCH, "/users/2", json!({"name": MAIL}))
        .await;
    heard
        .send(&admin, Method::PUT, "/teams/10/members/1", json!({"role": ROLE}))
        .await;
    for (role, user_id) in [("student", 1), ("student", 2), ("mentor", 900)] {
        let wish = json!({"role": role, "user_id": user_id, "label": LABEL});
        let token = heard.send(&admin, Method::POST, "/tokens", wish).await["token"].clone();
        let client = node.with_token(token.as_str().unwrap());
        let ticket = heard.send(&client, Method::POST, "/tickets", json!({})).await["ticket"].clone();
        let path = format!("/ws?ticket={}", ticket.as_str().unwrap());
        let mut socket = Socket::try_connect_path(&node.anonymous(), &path, &[]).await.unwrap();
        socket.subscribe(&["team:10", "board:all", "user:1", NAME]).await;
        let mut frame = earn(user_id, "read_content", 101);
        frame["type"] = json!("earn");
        frame["note"] = json!(NOTE);
        socket.request_reply(frame).await;
        socket
            .send_text(&format!("{{\"type\":\"{NAME}\",\"id\":\"{ALIAS}\"}}"))
            .await;
        socket.send_text(&format!("{NAME} {MAIL}")).await;
        let used = Socket::try_connect_path(&node.anonymous(), &path, &[])
            .await
            .err()
            .unwrap();
        heard.errors.push(used.body.to_string());
    }
    let history: Vec<Value> = (1..=SNAPSHOT_EVERY_EVENTS)
        .map(|reference| {
            let mut item = earn(2, "community_feedback", reference);
            item["kind"] = json!("points");
            item
        })
        .collect();
    heard
        .send(&admin, Method::POST, "/events", json!({"events": history}))
        .await;
    let award = heard
        .send(&admin, Method::POST, "/points/earn", earn(1, "complete_quiz", 102))
        .await;
    let reverse = format!("/points/{}/reverse", award["event_id"]);
    heard
        .send(&admin, Method::POST, &reverse, json!({"reason": NOTE}))
        .await;
    mistakes(&mut heard, node).await;
    for path in [
        "/users/1/export",
        "/users",
        "/leaderboards/all",
        "/team/10/performance",
        "/audit",
        "/points/1",
    ] {
        heard.send(&admin, Method::GET, path, json!({})).await;
    }
    heard.send(&admin, Method::DELETE, "/users/1", json!({})).await;
    heard.send(&admin, Method::GET, "/users/1", json!({})).await;
    heard
}

/// Bad requests with names and secrets wherever something can be written.
async fn mistakes(heard: &mut Heard, node: &NodeProcess) {
    let (admin, forged) = (node.admin(), node.with_token(FORGED));
    let wrong = [
        (
            Method::POST,
            "/users",
            json!({"id": NAME, "name": 5, "alias": [ALIAS], "role": MAIL}),
        ),
        (
            Method::PATCH,
            "/users/1",
            json!({"name": format!("{NAME}\u{0}"), "role": NAME}),
        ),
        (
            Method::POST,
            "/teams",
            json!({"name": NAME.repeat(40), "mentor_id": MAIL}),
        ),
        (
            Method::POST,
            "/import",
            json!({"users": [{"id": 0, "name": NAME, "role": ALIAS}, NAME]}),
        ),
        (
            Method::POST,
            "/tokens",
            json!({"role": FORGED, "label": [LABEL], "user_id": NAME}),
        ),
        (
            Method::POST,
            "/points/earn",
            json!({"user_id": NAME, "action_type": ALIAS, "reference_id": MAIL}),
        ),
        (
            Method::POST,
            "/points/earn",
            json!({"user_id": 1, "action_type": "read_content", "reference_id": 1, "evidence": {"score": NAME}}),
        ),
        (
            Method::POST,
            "/events",
            json!({"events": [{"kind": NAME}, {"kind": "points", "user_id": MAIL, "key": ALIAS}]}),
        ),
        (
            Method::POST,
            "/progress/1",
            json!({"unit_id": NAME, "progress_percentage": MAIL}),
        ),
    ];
    for (method, path, body) in wrong {
        heard.send(&admin, method.clone(), path, body.clone()).await;
        heard.send(&forged, method, path, body).await;
    }
    let searched = [
        format!("/users?cursor={FORGED}"),
        format!("/audit?since={NAME}"),
        format!("/users/{NAME}"),
        format!("/{MAIL}"),
        format!("/users?{NAME}={ALIAS}"),
    ];
    for path in searched {
        heard.send(&admin, Method::GET, &path, json!({})).await;
    }
    for (header, value) in [
        ("Idempotency-Key", NAME),
        ("Idempotency-Key", "two words Qz5"),
        ("If-None-Match", ALIAS),
        ("Content-Type", MAIL),
    ] {
        let request = admin
            .request(Method::POST, "/users")
            .header(header, value)
            .body(format!("{{\"name\": \"{NAME}\""));
        let answer = admin.send(request).await;
        heard.errors.push(answer.text);
    }
}

/// Files of a directory but for the database and the admin token's own.
fn files_beside(directory: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("homeroom.sqlite3") && name != "admin-token" && path.is_file() {
            text.push_str(&format!("{name}\n"));
            text.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }
    text
}

async fn nothing_is_told(format: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::spawn(directory.path(), &["--log", "trace", "--log-format", format]);
    node.ready().await;
    let heard = busy_day(&node).await;
    let metrics = node.anonymous().get("/metrics").await.text;
    node.sigterm().await;
    assert!(node.wait().await.success());
    let log = node.stderr_with("stopped").await;
    let files = files_beside(directory.path());

    let mut needles: Vec<&str> = heard.secrets.iter().map(String::as_str).collect();
    assert_eq!(needles.len(), 6, "three tokens and three tickets were really made");
    needles.extend([ADMIN_TOKEN, FORGED, Class::REAL, NAME, ALIAS, MAIL, NOTE, ROLE, LABEL]);
    let haystacks = [
        ("log", log.as_str()),
        ("metrics", metrics.as_str()),
        ("files", files.as_str()),
        ("errors", &heard.errors.join("\n")),
    ];
    let mut found = Vec::new();
    let bytes: usize = haystacks.iter().map(|(_, text)| text.len()).sum();
    for (what, text) in haystacks {
        println!(
            "{format}: {what}: {} bytes looked through for {} words",
            text.len(),
            needles.len()
        );
        for needle in &needles {
            let lines = text.lines().filter(|line| line.contains(needle));
            found.extend(lines.map(|line| format!("{what}: {needle}: {line}")));
        }
    }
    assert!(
        log.contains("DEBUG") && log.lines().count() > 40 && metrics.len() > 2_000 && heard.errors.len() > 25,
        "there was something to look through"
    );
    assert!(files.contains("erasures.jsonl"), "{files}");
    assert!(found.is_empty(), "{} hits, the first: {}", found.len(), found[0]);
    let what = format!(
        "{} secrets, names and texts looked for in log ({format}, trace), metrics, files and errors",
        needles.len()
    );
    report_row(
        "F-S12",
        &what,
        needles.len() as u64,
        &format!("0 hits in {bytes} bytes"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_told_in_text() {
    nothing_is_told("text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_told_in_json() {
    nothing_is_told("json").await;
}

/// The journal and the audit log speak of ids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_and_no_audit_entry_names_anybody() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(directory.path()).await;
    busy_day(&node).await;
    node.sigterm().await;
    assert!(node.wait().await.success());
    let (file, _copy) = database_to_read(directory.path());
    let database = rusqlite::Connection::open(file).unwrap();
    let mut looked = 0;
    for sql in ["SELECT body FROM events", "SELECT detail FROM audit"] {
        let mut statement = database.prepare(sql).unwrap();
        let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        for text in texts.map(Result::unwrap) {
            looked += 1;
            for word in ["Qz5", "qz5", Class::REAL, "Alias", "hr_"] {
                assert!(!text.contains(word), "{word} in {text}");
            }
        }
    }
    println!("{looked} bodies and details looked through");
    assert!(looked > 20);
    let snapshots: Vec<Vec<u8>> = {
        let mut statement = database.prepare("SELECT bytes FROM snapshots").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert!(!snapshots.is_empty(), "there were snapshots to look through");
    for bytes in snapshots {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            !text.contains("Qz5") && !text.contains(Class::REAL),
            "a snapshot names somebody"
        );
    }
}
