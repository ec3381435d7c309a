//! `/metrics`: the text is what Prometheus reads, says what happened, and has everything that the dashboard and the alerts
//! ask for.

use crate::support::{Class, Client, Node, NodeProcess, Socket, earn, eventually, store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Words of queries that are no metrics.
const FUNCTIONS: [&str; 17] = [
    "by",
    "code",
    "histogram_quantile",
    "increase",
    "kind",
    "le",
    "outcome",
    "rate",
    "reason",
    "role",
    "route",
    "status",
    "sum",
    "time",
    "topk",
    "type",
    "why",
];

/// The samples of an exposition by name with labels, after a look at its form.
fn lint(text: &str) -> BTreeMap<String, f64> {
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeMap::new());
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(typed.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|ending| {
            let base = name.strip_suffix(ending)?;
            typed.get(base).filter(|kind| *kind == "histogram").map(|_| base)
        });
        let family = family.unwrap_or(name);
        let kind = typed.get(family).unwrap_or_else(|| panic!("no type: {line}"));
        assert!(helped.contains(family), "no help: {line}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        assert!(
            kind != "summary",
            "times have buckets, so that they can be added up: {line}"
        );
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
    }
    samples
}

fn names(samples: &BTreeMap<String, f64>) -> BTreeSet<&str> {
    samples.keys().map(|series| series.split('{').next().unwrap()).collect()
}

/// The metrics that a query names: words that are neither functions nor inside of braces, quotes or brackets.
fn metrics_of(query: &str) -> Vec<String> {
    let mut bare = String::new();
    let (mut depth, mut is_quoted) = (0, false);
    for letter in query.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '{' | '[' if !is_quoted => depth += 1,
            '}' | ']' if !is_quoted => depth -= 1,
            _ if depth == 0 && !is_quoted => bare.push(letter),
            _ => {}
        }
    }
    let words = bare.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let words = words.filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
    let words = words.filter(|word| !FUNCTIONS.contains(word) && !is_number(word));
    words.map(str::to_owned).collect()
}

fn is_number(word: &str) -> bool {
    word.parse::<f64>().is_ok()
}

async fn printed(file: &str) -> String {
    let mut command = NodeProcess::command();
    command.args(["files", file]).stdout(Stdio::piped());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn expressions(dashboard: &Value, found: &mut Vec<String>) {
    match dashboard {
        Value::Object(members) => {
            found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| expressions(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

async fn scrape(client: &Client) -> String {
    let answer = client.get("/metrics").await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    answer.text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_can_be_read_and_every_query_finds_its_metric() {
    let node = Node::start().await;
    let class = Class::of(&node, 2).await;
    let (admin, person) = (node.admin(), class.students[0]);
    let mut socket = Socket::connect(&admin).await;
    socket.subscribe(&[&format!("user:{person}"), "board:all"]).await;
    admin
        .post_keyed("/points/earn", earn(person, "complete_quiz", 1), "key")
        .await
        .expect(201);
    let again = admin
        .post_keyed("/points/earn", earn(person, "complete_quiz", 1), "key")
        .await;
    assert!(again.is_replayed());
    admin
        .post("/points/earn", earn(person, "complete_quiz", 1))
        .await
        .expect(200);
    let tag = admin
        .get(&format!("/progress/{person}"))
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let known = admin
        .request(reqwest::Method::GET, &format!("/progress/{person}"))
        .header("if-none-match", tag);
    admin.send(known).await.expect(304);
    admin.get("/leaderboards/all").await.expect(200);
    let ready = || async {
        let samples = lint(&scrape(&admin).await);
        (samples["homeroom_ready"] == 1.0).then_some(samples)
    };
    let samples = eventually("the monitor's look", ready).await;
    for (series, least) in [
        ("homeroom_events_total{type=\"points_awarded\"}", 1.0),
        ("homeroom_refusals_total{reason=\"already_awarded\"}", 1.0),
        ("homeroom_idempotency_replays_total", 1.0),
        ("homeroom_etags_total{outcome=\"known\"}", 1.0),
        ("homeroom_sessions{role=\"admin\"}", 1.0),
        ("homeroom_topic_messages_total{kind=\"user\"}", 1.0),
        ("homeroom_topic_changes_total{kind=\"board\"}", 1.0),
        ("homeroom_frames_sent_total", 1.0),
        ("homeroom_commit_seconds_count", 1.0),
        ("homeroom_journal_wait_seconds_count", 1.0),
        ("homeroom_batch_appends_count", 1.0),
        ("homeroom_wakes_total{kind=\"replay\"}", 1.0),
        ("homeroom_wake_seconds_count", 1.0),
        ("homeroom_snapshots_sent_total{why=\"subscribe\"}", 1.0),
        ("homeroom_database_bytes", 4_096.0),
        ("homeroom_disk_free_bytes", 1.0),
        ("process_resident_memory_bytes", 1.0),
        ("process_open_fds", 3.0),
    ] {
        let value = samples.get(series).unwrap_or_else(|| panic!("{series} is missing"));
        // A database server has no file here.
        let is_elsewhere = series == "homeroom_database_bytes" && store::url_of(node.directory()).is_some();
        let least = if is_elsewhere { 0.0 } else { least };
        assert!(*value >= least, "{series} {value}");
    }
    // Only a node with TLS has a certificate, and only one with limits refuses by them.
    let late = [
        "homeroom_backups_total",
        "homeroom_backup_last_ok",
        "homeroom_backup_age_seconds",
        "homeroom_backup_made_timestamp_seconds",
        "homeroom_tls_certificate_expires_seconds",
        "homeroom_rate_limited_total",
        "up",
    ];
    let mut present = names(&samples);
    present.extend(late);
    let dashboard: Value = serde_json::from_str(&printed("grafana").await).unwrap();
    let mut queries = Vec::new();
    expressions(&dashboard, &mut queries);
    let alerts = printed("alerts").await;
    queries.extend(
        alerts
            .lines()
            .filter_map(|line| line.trim().strip_prefix("expr: "))
            .map(str::to_owned),
    );
    assert!(queries.len() > 50, "{}", queries.len());
    let mut asked = BTreeSet::new();
    for query in &queries {
        let metrics = metrics_of(query);
        assert!(!metrics.is_empty(), "{query}");
        for metric in metrics {
            assert!(present.contains(metric.as_str()), "{metric} of {query} is not there");
            asked.insert(metric);
        }
    }
    let unasked: Vec<_> = names(&samples)
        .into_iter()
        .filter(|name| name.starts_with("homeroom_"))
        .collect();
    let unasked: Vec<_> = unasked.into_iter().filter(|name| !asked.contains(*name)).collect();
    let is_part = |name: &&&str| !(name.ends_with("_sum") || name.ends_with("_count") || name.ends_with("_bucket"));
    assert_eq!(
        unasked.iter().filter(is_part).collect::<Vec<_>>(),
        [&""; 0],
        "shown by no panel"
    );
    socket.close().await;
}

/// A failed write is seen, and a socket that ends is no longer counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_counted_by_role_and_leave() {
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    let open = || async {
        let samples = lint(&scrape(&admin).await);
        samples["homeroom_sessions{role=\"admin\"}"]
    };
    let mut socket = Socket::connect(&admin).await;
    socket.request_reply(json!({"type": "ping"})).await;
    assert_eq!(open().await, 1.0);
    socket.close().await;
    eventually("no session", || async { (open().await == 0.0).then_some(()) }).await;
    let samples = lint(&scrape(&admin).await);
    assert_eq!(samples["homeroom_outbox_bytes"], 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_finds_nothing_wrong() {
    let node = Node::start().await;
    let text = scrape(&node.admin()).await;
    let mut command = Command::new("promtool");
    command
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut checking) = command.spawn() else {
        println!(
            "LEFT OUT: promtool is not installed (Debian: prometheus), so only our own look at the form was taken"
        );
        return;
    };
    checking.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let checked = checking.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.starts_with("homeroom_")).collect();
    assert!(ours.is_empty(), "{ours:?}");
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join("alerts.yml");
    std::fs::write(&rules, printed("alerts").await).unwrap();
    let checked = Command::new("promtool")
        .args(["check", "rules"])
        .arg(&rules)
        .output()
        .await
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
