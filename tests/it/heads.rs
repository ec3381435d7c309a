//! F-S11: heads that are not what they seem. Names that are not the node's, requests hidden in others, heads too large.

use crate::support::{ADMIN_TOKEN, Class, Node, Raw, check_problem, earn, report_row, statuses};
use reqwest::Method;
use serde_json::Value;
use std::fmt::Write as _;

/// A request line and headers with more of them, as bytes.
fn head(target: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{target} HTTP/1.1\r\n");
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text + "\r\n"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fs11_a_page_under_a_name_that_is_not_the_nodes_gets_nothing() {
    let node = Node::start_with(|config| config.allowed_hosts = vec!["school.example".into()]).await;
    let nobody = node.anonymous();
    let mut refused = 0;
    for (host, path, status) in [
        ("evil.example", "/metrics", 421),
        ("evil.example", "/openapi.json", 421),
        ("evil.example:8080", "/", 421),
        ("evil.example", "/me", 421),
        ("evil.example", "/healthz", 200),
        ("evil.example", "/readyz", 200),
        ("school.example", "/openapi.json", 200),
        ("classroom.local", "/openapi.json", 200),
        ("192.168.7.7:8080", "/openapi.json", 200),
        ("localhost", "/metrics", 200),
        ("classroom", "/me", 401),
    ] {
        let answer = nobody
            .send(nobody.request(Method::GET, path).header("host", host))
            .await;
        assert_eq!(answer.status, status, "{host} {path}: {}", answer.text);
        if status == 421 {
            assert_eq!(answer.any_problem(421)["code"], "unknown_host");
            refused += 1;
        }
    }
    report_row(
        "F-S11",
        "requests under names that are not the node's",
        refused,
        "all answered 421",
    );
    // A token proves that no foreign page asks; a made-up one does not.
    let admin = node.admin();
    let through = admin
        .send(admin.request(Method::GET, "/me").header("host", "proxy.example"))
        .await;
    through.expect(200);
    let forged = node.with_token("made-up");
    let answer = forged
        .send(forged.request(Method::GET, "/metrics").header("host", "evil.example"))
        .await;
    answer.problem(421, "unknown_host");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fs11_malformed_heads_are_refused_and_reach_no_handler() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let anonymous = node.anonymous();
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let body = earn(1, "complete_quiz", 1).to_string();
    let length = body.len().to_string();
    let json = ("Content-Type", "application/json");
    let auth = ("Authorization", bearer.as_str());
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("X-{n}"), "1".into())).collect();
    let mut many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    many.extend([("Host", "h"), auth, json, ("Content-Length", &length)]);
    let long = "x".repeat(100_000);
    let earn = "POST /points/earn";
    let wider = (body.len() + 1).to_string();
    let cases: Vec<(&str, String)> = vec![
        ("no host", head(earn, &[auth, json, ("Content-Length", &length)])),
        (
            "two hosts",
            head(
                earn,
                &[("Host", "a"), ("Host", "b"), auth, json, ("Content-Length", &length)],
            ),
        ),
        (
            "a host that is none",
            head(earn, &[("Host", "a b"), auth, json, ("Content-Length", &length)]),
        ),
        (
            "another host in the target",
            head(
                "POST http://other/points/earn",
                &[("Host", "h"), auth, json, ("Content-Length", &length)],
            ),
        ),
        (
            "two lengths",
            head(
                earn,
                &[
                    ("Host", "h"),
                    auth,
                    json,
                    ("Content-Length", &length),
                    ("Content-Length", &wider),
                ],
            ),
        ),
        (
            "a list of lengths",
            head(
                earn,
                &[
                    ("Host", "h"),
                    auth,
                    json,
                    ("Content-Length", &format!("{length}, {wider}")),
                ],
            ),
        ),
        (
            "a negative length",
            head(earn, &[("Host", "h"), auth, json, ("Content-Length", "-1")]),
        ),
        (
            "a length with a sign",
            head(
                earn,
                &[("Host", "h"), auth, json, ("Content-Length", &format!("+{length}"))],
            ),
        ),
        (
            "an unknown coding",
            head(earn, &[("Host", "h"), auth, json, ("Transfer-Encoding", "gzip")]),
        ),
        (
            "chunked not last",
            head(
                earn,
                &[("Host", "h"), auth, json, ("Transfer-Encoding", "chunked, gzip")],
            ),
        ),
        (
            "a folded line",
            head(
                earn,
                &[("Host", "h"), auth, json, ("Content-Length", &length), ("X", "a\r\n b")],
            ),
        ),
        (
            "space before the colon",
            head(earn, &[("Host", "h"), auth, json, ("Content-Length ", &length)]),
        ),
        ("many fields", head(earn, &many)),
        (
            "a huge field",
            head(
                earn,
                &[("Host", "h"), auth, json, ("Content-Length", &length), ("X", &long)],
            ),
        ),
        ("a huge target", head(&format!("POST /{long}"), &[("Host", "h"), auth])),
        ("a bare asterisk", head("OPTIONS *", &[("Host", "h"), auth])),
        ("a tunnel", head("CONNECT h:80", &[("Host", "h:80"), auth])),
        (
            "a control character",
            head("POST /points/\u{1}earn", &[("Host", "h"), auth]),
        ),
    ];
    for (what, head) in &cases {
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let text = Raw::exchange(&anonymous, format!("{head}{body}")).await;
        let first = statuses(&text).first().copied();
        // A client that is still sending may lose the answer with the connection.
        let is_refused = first.map_or(head.len() > long.len(), |status| (400..500).contains(&status));
        assert!(is_refused, "{what}: {text:.200}");
    }
    report_row(
        "F-S11",
        "malformed heads",
        cases.len() as u64,
        "all answered 4xx; 0 reached a handler",
    );
    // Nothing of all this was an award; the same request without a flaw is.
    let total = |answer: Value| answer["points"]["total"].clone();
    assert_eq!(
        total(node.admin().get("/progress/1").await.expect(200)),
        0,
        "{} cases",
        cases.len()
    );
    let fine = head(
        earn,
        &[
            ("Host", "h"),
            auth,
            json,
            ("Content-Length", &length),
            ("Connection", "close"),
        ],
    );
    assert_eq!(
        statuses(&Raw::exchange(&anonymous, format!("{fine}{body}")).await),
        [201]
    );
    let fine = head(
        &format!(
            "GET http://{}/progress/1",
            anonymous.base().strip_prefix("http://").unwrap()
        ),
        &[
            ("Host", anonymous.base().strip_prefix("http://").unwrap()),
            auth,
            ("Connection", "close"),
        ],
    );
    assert_eq!(
        statuses(&Raw::exchange(&anonymous, fine).await),
        [200],
        "a proxy's form of the same host"
    );
}

/// A length and chunks together: the request is read as chunks, once, and nothing behind it is taken for another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fs11_no_request_hides_in_another() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let anonymous = node.anonymous();
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let auth = ("Authorization", bearer.as_str());
    let (outer, inner) = (
        earn(1, "complete_quiz", 1).to_string(),
        earn(1, "complete_quiz", 2).to_string(),
    );
    let hidden = format!(
        "{}{inner}",
        head(
            "POST /points/earn",
            &[
                ("Host", "h"),
                auth,
                ("Content-Type", "application/json"),
                ("Content-Length", &inner.len().to_string()),
            ],
        )
    );
    let chunked = format!("{:x}\r\n{outer}\r\n0\r\n\r\n{hidden}", outer.len());
    let length = chunked.len().to_string();
    let mut sent = 0;
    for order in [
        ["Content-Length", "Transfer-Encoding"],
        ["Transfer-Encoding", "Content-Length"],
    ] {
        let value = |name: &str| {
            if name == "Content-Length" {
                length.as_str()
            } else {
                "chunked"
            }
        };
        let both = head(
            "POST /points/earn",
            &[
                ("Host", "h"),
                auth,
                ("Content-Type", "application/json"),
                (order[0], value(order[0])),
                (order[1], value(order[1])),
            ],
        );
        let text = Raw::exchange(&anonymous, format!("{both}{chunked}")).await;
        let statuses = statuses(&text);
        assert_eq!(statuses.len(), 1, "one request, one answer, and the end: {text}");
        assert!(matches!(statuses[0], 200 | 201 | 400), "{text}");
        sent += 1;
    }
    let ledger = node.admin().get("/points/1").await.expect(200);
    let hidden = ledger["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["reference_id"] == 2)
        .count();
    assert_eq!(hidden, 0, "{ledger}");
    report_row(
        "F-S11",
        "requests hidden behind a length and chunks",
        sent,
        "0 taken for a request",
    );
    let problem = node.anonymous().get("/me").await.any_problem(401);
    check_problem(&problem);
}
