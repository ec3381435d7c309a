//! F-S7: pieces of SQL in every text, path, parameter and header of every route of the API document, and in every field of
//! a frame: kept as text or refused; the tables stay as they are.

use crate::support::{Class, Node, Random, Socket, database_to_read, document, earn, report_row, soak};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PIECES: [&str; 20] = [
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "1 OR 1=1",
    "'; DROP TABLE users; --",
    "1; DELETE FROM events",
    "' UNION SELECT secret_hash FROM tokens --",
    "\") UNION SELECT name, sql FROM sqlite_master --",
    "'; ATTACH DATABASE 'x.db' AS x; --",
    "' || (SELECT name FROM users LIMIT 1) || '",
    "x' AND 1=(SELECT COUNT(*) FROM tokens) --",
    "1) OR (1=1",
    "' AND randomblob(100000000) --",
    "admin'--",
    "/* */ OR /* */ 1=1",
    "`users`",
    "$1, ?1, :id, @id",
    "\\'; --",
    "%' ESCAPE '\\",
    "name ASC; UPDATE users SET role='staff'",
    "1e0 UNION ALL SELECT NULL",
];

/// Names that an interface might sort or filter by; this one has none of them.
const WORDS: [&str; 8] = [
    "sort",
    "order",
    "order_by",
    "filter",
    "filter[name]",
    "where",
    "fields",
    "q",
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Tables with their definitions, and rows of those that no request here may change.
fn tables(node: &Node) -> (BTreeMap<String, String>, i64) {
    let (file, _copy) = database_to_read(node.directory());
    let database = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut statement = database
        .prepare("SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let tables = rows.map(Result::unwrap).collect();
    let events = database
        .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
        .unwrap();
    (tables, events)
}

/// One request with a piece in one place.
struct Attempt {
    method: Method,
    target: String,
    body: Option<Value>,
    key: Option<String>,
}

/// Every request of an operation that has the piece in one of its places.
fn attempts(method: &str, path: &str, operation: &'static Value, piece: &str) -> Vec<Attempt> {
    let method: Method = method.to_uppercase().parse().unwrap();
    let body = document::example_body(operation);
    let usual = |name: &str| match name {
        "user_id" => "1".to_owned(),
        "team_id" => "10".into(),
        "qualification_id" => "20".into(),
        "unit_id" => "101".into(),
        "board" => "all".into(),
        _ => "99999".into(),
    };
    let places = document::parameters(operation, "path");
    let fill = |injected: Option<&str>| {
        places.iter().fold(path.to_owned(), |path, (name, _)| {
            let value = if injected == Some(*name) {
                encoded(piece)
            } else {
                usual(name)
            };
            path.replace(&format!("{{{name}}}"), &value)
        })
    };
    let plain = |target: String| Attempt {
        method: method.clone(),
        target,
        body: body.clone(),
        key: None,
    };
    let mut all: Vec<Attempt> = places.iter().map(|(name, _)| plain(fill(Some(name)))).collect();
    let query = document::parameters(operation, "query");
    let words = query.iter().map(|(name, _)| *name).chain(if method == Method::GET {
        WORDS.to_vec()
    } else {
        Vec::new()
    });
    all.extend(words.map(|word| plain(format!("{}?{}={}", fill(None), encoded(word), encoded(piece)))));
    if method == Method::GET {
        all.push(plain(format!("{}?{}=1", fill(None), encoded(piece))));
    }
    for place in body.iter().flat_map(document::text_places) {
        let mut changed = body.clone().unwrap();
        *changed.pointer_mut(&place).unwrap() = json!(piece);
        all.push(Attempt {
            body: Some(changed),
            ..plain(fill(None))
        });
    }
    if method != Method::GET {
        all.push(Attempt {
            key: Some(piece.replace(' ', "/**/")),
            ..plain(fill(None))
        });
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fs7_sql_in_every_place_of_every_route_is_text_or_refused() {
    let mut random = Random::seeded("pieces of SQL");
    let mut node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    let canary = admin
        .post("/users", json!({"id": 4_242, "name": "Canary"}))
        .await
        .expect(201);
    let (before, _) = tables(&node);
    let (mut sent, mut refused) = (0, 0);
    for (method, path, operation) in document::operations() {
        // Copies of the whole database are no place for texts; who revokes tokens may end this test's own. A stream has no end.
        if path == "/ws" || path == "/events/stream" || path == "/backups" {
            continue;
        }
        let pieces: Vec<&str> = if soak() {
            PIECES.to_vec()
        } else {
            vec![*random.choose(&PIECES), *random.choose(&PIECES)]
        };
        for piece in pieces {
            for Attempt {
                method,
                target,
                body,
                key,
            } in attempts(method, path, operation, piece)
            {
                let mut request = admin.request(method.clone(), &target);
                if let Some(body) = body {
                    request = request.json(&body);
                }
                if let Some(key) = key {
                    request = request.header("Idempotency-Key", key);
                }
                let answer = admin.send(request).await;
                assert!(answer.status < 500, "{method} {target} {piece}: {}", answer.text);
                let leaks = ["sqlite", "syntax error", "no such column", "no such table"];
                let said = answer.text.to_lowercase();
                if answer.status >= 400 {
                    assert!(leaks.iter().all(|word| !said.contains(word)), "{}", answer.text);
                    refused += 1;
                }
                sent += 1;
            }
        }
    }
    let kept = admin.get("/users/4242").await.expect(200);
    assert_eq!(kept["name"], canary["name"]);
    node.stop().await;
    let (after, events) = tables(&node);
    assert_eq!(after, before, "the tables are what they were");
    assert!(events > 0);
    node.start_again().await;
    assert_eq!(node.admin().get("/users/4242").await.expect(200)["name"], "Canary");
    report_row(
        "F-S7",
        "pieces of SQL in requests",
        sent,
        &format!("{refused} refused, the others kept as text; tables intact"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fs7_sql_is_kept_as_the_text_that_it_is() {
    let node = Node::start().await;
    let admin = node.admin();
    let mut kept = 0;
    for piece in PIECES {
        for (path, field) in [
            ("/users", "name"),
            ("/teams", "name"),
            ("/qualifications", "name"),
            ("/units", "title"),
        ] {
            let made = admin.post(path, json!({field: piece})).await.expect(201);
            let read = admin.get(&format!("{path}/{}", made["id"])).await.expect(200);
            assert_eq!(read[field], piece);
            kept += 1;
        }
    }
    for (path, count) in [("/users", PIECES.len()), ("/teams", PIECES.len())] {
        let items = admin.get(&format!("{path}?limit=1000")).await.expect(200);
        assert_eq!(items["items"].as_array().unwrap().len(), count, "{path}");
    }
    report_row("F-S7", "pieces of SQL as names", kept, "read back letter by letter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fs7_sql_in_frames_is_text_or_refused() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let mut socket = Socket::connect(&node.admin()).await;
    let mut sent = 0;
    for piece in PIECES {
        let mut frames = vec![
            json!({"type": piece}),
            json!({"type": "subscribe", "topics": [{"topic": piece}]}),
        ];
        frames.push(json!({"type": "subscribe", "topics": [{"topic": "user:1", "epoch": piece, "offset": 0}]}));
        frames.push(json!({"type": "subscribe", "topics": [{"topic": format!("board:team:{piece}")}]}));
        for field in [
            "user_id",
            "action_type",
            "reference_id",
            "unit_id",
            "occurred_at",
            "key",
        ] {
            let mut frame = earn(1, "read_content", 1);
            frame["type"] = json!("earn");
            frame[field] = json!(piece);
            frames.push(frame);
        }
        for frame in frames {
            let reply = socket.request_reply(frame.clone()).await;
            assert!(
                ["error", "subscribed", "ack"].contains(&reply["type"].as_str().unwrap()),
                "{frame}: {reply}"
            );
            // The topic comes back as it was sent; nothing else of SQL does.
            assert!(!reply.to_string().contains("syntax error"), "{reply}");
            sent += 1;
        }
    }
    let ledger = node.admin().get("/points/1").await.expect(200);
    // The opaque keys let the award through once, and its repeat is a receipt.
    let entries = ledger["items"].as_array().unwrap();
    let awards = entries.iter().filter(|entry| entry["awarded"] == true);
    assert_eq!((awards.count(), &entries[0]["total"]), (1, &json!(10)), "{ledger}");
    report_row(
        "F-S7",
        "pieces of SQL in frames",
        sent,
        "refused, or kept as an opaque key",
    );
}
