//! More than the node can do: what it takes is answered in a bounded time, the rest is refused at once, and whoever only
//! looks is served all the while.

use crate::support::{Class, Client, Node, report_row, soak};
use homeroom_schema::limits::EVENTS_ITEMS_MAX;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const PEOPLE: u64 = 100;
/// A refusal costs the caller no time.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

fn batch(number: u64) -> Value {
    let events: Vec<Value> = (0..EVENTS_ITEMS_MAX as u64)
        .map(|place| {
            let reference_id = 1 + number * EVENTS_ITEMS_MAX as u64 + place;
            json!({"kind": "points", "user_id": place % PEOPLE + 1, "action_type": "complete_quiz", "reference_id": reference_id})
        })
        .collect();
    json!({ "events": events })
}

/// The writer is kept out by another program for a while: everything that it would have kept waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fx3_a_node_that_cannot_write_refuses_at_once_and_still_shows() {
    let node = Node::start_on_a_file().await;
    Class::of(&node, PEOPLE).await;
    let admin = node.admin();
    let files = std::fs::read_dir(node.directory())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let database = files
        .into_iter()
        .find(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")));
    let locker = rusqlite::Connection::open(database.expect("a database")).unwrap();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut batches = JoinSet::new();
    for number in 0..20 {
        let admin = admin.clone();
        batches.spawn(async move { admin.post("/events", batch(number)).await });
    }
    // A caller who comes now is told, quickly, before anything of the request is looked at.
    let (refusal, took) = crate::support::eventually("a refusal", || async {
        let asked = Instant::now();
        let wish = json!({"user_id": 1, "action_type": "complete_quiz", "reference_id": 9_000_000});
        let sent = admin.try_post("/points/earn", &wish, None);
        let answer = tokio::time::timeout(REFUSED_WITHIN, sent).await.ok()?.ok()?;
        Some((answer, asked.elapsed()))
    })
    .await;
    assert_eq!(refusal.header("retry-after"), Some("1"));
    refusal.problem(503, "overloaded");
    let mut looked = Vec::new();
    for path in ["/healthz", "/metrics", "/progress/1", "/leaderboards/all", "/me"] {
        let asked = Instant::now();
        admin.get(path).await.expect(200);
        looked.push(asked.elapsed());
    }
    locker.execute_batch("ROLLBACK").unwrap();
    let (mut kept, mut refused) = (BTreeSet::new(), 0);
    while let Some(answer) = batches.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 503 {
            refused += EVENTS_ITEMS_MAX;
            continue;
        }
        for result in answer.expect(200)["results"].as_array().unwrap() {
            match result["status"].as_u64() {
                Some(201) => assert!(kept.insert(result["data"]["event_id"].as_u64())),
                Some(503) => refused += 1,
                _ => panic!("{result}"),
            }
        }
    }
    let outcome = format!(
        "{} of 20,000 kept later; a refusal took {took:?}, looking {looked:?}",
        kept.len()
    );
    report_row(
        "F-X3",
        "awards refused while nothing could be kept",
        refused as u64,
        &outcome,
    );
    assert!(!kept.is_empty());
    assert!(looked.iter().all(|took| *took < REFUSED_WITHIN), "{looked:?}");
    let board = admin.get("/leaderboards/all?limit=1000").await.expect(200);
    // Callers who gave up waiting had been taken all the same: one award, whatever it was answered.
    let ledger = admin.get("/points/1?limit=1000").await.expect(200);
    let given_up = ledger["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["reference_id"] == 9_000_000);
    let given_up: u64 = given_up.map(|entry| entry["points"].as_u64().unwrap()).sum();
    let points: u64 = board["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["points"].as_u64().unwrap())
        .sum();
    assert_eq!(
        points - given_up,
        50 * kept.len() as u64,
        "what was refused left no trace, what was taken is there"
    );
    admin
        .post(
            "/points/earn",
            json!({"user_id": 1, "action_type": "complete_quiz", "reference_id": 9_000_001}),
        )
        .await
        .expect(201);
}

/// Times of answers in milliseconds, and how many were refused.
#[derive(Default)]
struct Seen {
    taken_ms: Vec<f64>,
    refused_ms: Vec<f64>,
}

fn percentile(sorted: &mut [f64], part: f64) -> f64 {
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * part) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Sends batches of 20 awards at a steady rate, whether or not earlier ones are answered, for `lasting`.
async fn open_loop(admin: &Client, awards_per_s: f64, lasting: Duration, next: &Arc<AtomicU64>) -> Seen {
    const ITEMS: u64 = 20;
    let mut calls = JoinSet::new();
    let began = Instant::now();
    let mut sent = 0_u64;
    while began.elapsed() < lasting {
        let due = (began.elapsed().as_secs_f64() * awards_per_s / ITEMS as f64) as u64;
        for _ in sent..due {
            let first = next.fetch_add(ITEMS, Ordering::Relaxed);
            let admin = admin.clone();
            calls.spawn(async move {
                let events: Vec<Value> = (first..first + ITEMS)
                    .map(|id| json!({"kind": "points", "user_id": id % PEOPLE + 1, "action_type": "complete_quiz", "reference_id": id}))
                    .collect();
                let asked = Instant::now();
                let answer = admin.post("/events", json!({"events": events})).await;
                let ms = asked.elapsed().as_secs_f64() * 1_000.0;
                let statuses: Vec<u64> = match answer.body["results"].as_array() {
                    Some(results) => results.iter().map(|result| result["status"].as_u64().unwrap()).collect(),
                    None => vec![u64::from(answer.status); ITEMS as usize],
                };
                (ms, statuses)
            });
        }
        sent = sent.max(due);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut seen = Seen::default();
    while let Some(call) = calls.join_next().await {
        let (ms, statuses) = call.unwrap();
        for status in statuses {
            match status {
                201 => seen.taken_ms.push(ms),
                503 => seen.refused_ms.push(ms),
                status => panic!("{status}"),
            }
        }
    }
    seen
}

/// An open loop up to twice what the node can do (it shares its processors with the load): the accepted keep a bounded p99,
/// the rest is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_loop_beyond_capacity_keeps_what_is_taken_quick() {
    if !soak() {
        println!("left out: a measurement of a minute; HOMEROOM_SOAK=1 runs it");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let node = crate::support::NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, PEOPLE).await;
    let next = Arc::new(AtomicU64::new(1));
    for awards_per_s in [2_000.0, 10_000.0, 20_000.0] {
        let lasting = Duration::from_secs(10);
        let mut seen = open_loop(&admin, awards_per_s, lasting, &next).await;
        let (p50, p99) = (
            percentile(&mut seen.taken_ms, 0.5),
            percentile(&mut seen.taken_ms, 0.99),
        );
        let refused_p99 = percentile(&mut seen.refused_ms, 0.99);
        let outcome = format!(
            "{:.0} a second taken (p50 {p50:.0} ms, p99 {p99:.0} ms), {:.0} a second refused (p99 {refused_p99:.0} ms)",
            seen.taken_ms.len() as f64 / lasting.as_secs_f64(),
            seen.refused_ms.len() as f64 / lasting.as_secs_f64(),
        );
        let all = (seen.taken_ms.len() + seen.refused_ms.len()) as u64;
        report_row(
            "overload",
            &format!("{awards_per_s} awards a second, open loop"),
            all,
            &outcome,
        );
        assert!(p99 < 5_000.0, "{p99} ms");
    }
}
