//! F-A9: clients that hang up before, in the middle of and after a request. Its effect is complete or none, and settled by
//! the same key.

use crate::support::{Class, NodeProcess, Random, Raw, earn, raw_request, report_row, soak, whole_ledger};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PEOPLE: u64 = 8;

/// Where a client hung up.
#[derive(Default)]
struct Cuts {
    head: u64,
    body: u64,
    after: u64,
    answer: u64,
}

/// Sends a request as far as chance has it and hangs up, by an orderly end or a reset.
async fn hang_up(node: &NodeProcess, bytes: &[u8], random: &mut Random, cuts: &mut Cuts) {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let end = match random.between(0, 5) {
        0 => random.between(1, head as u64) as usize,
        1 => random.between(head as u64, bytes.len() as u64) as usize,
        _ => bytes.len(),
    };
    let mut connection = Raw::connect(&node.admin()).await.0;
    connection.write_all(&bytes[..end]).await.expect("the node reads");
    let reads = end == bytes.len() && random.one_in(4);
    if reads {
        // The answer has begun: what it says is durable.
        connection.read_u8().await.expect("an answer");
    }
    match (end, reads) {
        (_, true) => cuts.answer += 1,
        (end, _) if end < head => cuts.head += 1,
        (end, _) if end < bytes.len() => cuts.body += 1,
        _ => cuts.after += 1,
    }
    if random.one_in(2) {
        // A reset throws away what is under way in both directions.
        socket2::SockRef::from(&connection)
            .set_linger(Some(std::time::Duration::ZERO))
            .expect("linger");
    }
}

/// References awarded to a person so far, each exactly once, with a total that is their sum.
async fn awarded(node: &NodeProcess, user_id: u64) -> BTreeSet<u64> {
    let ledger = whole_ledger(&node.admin(), user_id).await;
    let references: Vec<u64> = ledger
        .iter()
        .filter(|entry| entry["awarded"] == true)
        .map(|entry| entry["reference_id"].as_u64().unwrap())
        .collect();
    let once: BTreeSet<u64> = references.iter().copied().collect();
    assert_eq!(once.len(), references.len(), "person {user_id}");
    once
}

async fn check_totals(node: &NodeProcess, user_id: u64, awards: usize) {
    let points = 10 * awards as u64;
    let progress = node.admin().get(&format!("/progress/{user_id}")).await.expect(200);
    assert_eq!(progress["points"]["total"], points, "person {user_id}");
    let board = node.admin().get("/leaderboards/all?limit=100").await.expect(200);
    let row = board["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["user_id"] == user_id);
    assert_eq!(
        row.map_or(0, |row| row["points"].as_u64().unwrap()),
        points,
        "person {user_id}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa9_an_award_whose_client_hangs_up_is_complete_or_none() {
    let rounds: u64 = if soak() { 5_000 } else { 400 };
    let mut random = Random::seeded("hang-ups");
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(directory.path()).await;
    Class::import(&node.admin(), 0, PEOPLE).await;
    let mut cuts = Cuts::default();
    let mut wishes: Vec<(u64, Value, String)> = Vec::new();
    for round in 0..rounds {
        let wish = earn(1 + round % PEOPLE, "read_content", 1_000 + round);
        let key = format!("hang-up-{round}");
        let header = format!("Idempotency-Key: {key}\r\n");
        let bytes = raw_request(&node.admin(), "POST", "/points/earn", &header, &wish.to_string());
        hang_up(&node, &bytes, &mut random, &mut cuts).await;
        wishes.push((1_000 + round, wish, key));
    }
    let mut kept = BTreeSet::new();
    for user_id in 1..=PEOPLE {
        kept.extend(awarded(&node, user_id).await);
    }
    assert!(
        kept.len() as u64 >= cuts.answer,
        "an answer had begun: {} of {}",
        kept.len(),
        cuts.answer
    );
    for (reference, wish, key) in wishes {
        let answer = node.admin().post_keyed("/points/earn", wish, &key).await;
        let again = answer.is_replayed();
        let body = answer.expect(201);
        assert_eq!(body["awarded"], true, "{body}");
        // What had come to an effect is answered from it; a request on its way may have come to one meanwhile.
        assert!(again || !kept.contains(&reference), "{reference} was awarded twice");
    }
    let mut entries = 0;
    for user_id in 1..=PEOPLE {
        let awards = awarded(&node, user_id).await.len();
        check_totals(&node, user_id, awards).await;
        entries += awards as u64;
    }
    assert_eq!(entries, rounds, "each wish took effect once");
    for count in [cuts.head, cuts.body, cuts.after, cuts.answer] {
        assert!(count > 0, "every way of hanging up happened");
    }
    let outcome = format!(
        "{} in the head, {} in the body, {} after it, {} in the answer: {} had their effect at once, each exactly once after a retry",
        cuts.head,
        cuts.body,
        cuts.after,
        cuts.answer,
        kept.len()
    );
    report_row("F-A9", "clients that hung up during an award", rounds, &outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa9_an_import_whose_client_hangs_up_is_whole_or_none() {
    const ROWS: u64 = 30;
    let rounds: u64 = if soak() { 500 } else { 40 };
    let mut random = Random::seeded("hang-ups in imports");
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(directory.path()).await;
    let mut cuts = Cuts::default();
    let first_of = |round: u64| 1 + round * 100;
    for round in 0..rounds {
        let ids = first_of(round)..first_of(round) + ROWS;
        let users: Vec<Value> = ids
            .map(|id| json!({"id": id, "name": format!("Person {id}")}))
            .collect();
        let body = json!({ "users": users }).to_string();
        let bytes = raw_request(&node.admin(), "POST", "/import", "", &body);
        hang_up(&node, &bytes, &mut random, &mut cuts).await;
    }
    // Imports go one after another, so whatever is under way is done before this one is.
    node.admin()
        .post("/import", json!({"users": [{"id": 9_000_000, "name": "Last"}]}))
        .await
        .ok();
    let mut whole = 0;
    for round in 0..rounds {
        let mut found = 0;
        for id in first_of(round)..first_of(round) + ROWS {
            found += u64::from(node.admin().get(&format!("/users/{id}")).await.status == 200);
        }
        assert!(found == 0 || found == ROWS, "round {round}: {found} of {ROWS}");
        whole += u64::from(found == ROWS);
    }
    assert!(
        whole >= cuts.answer && cuts.after > 0,
        "{whole} whole, {} answered",
        cuts.answer
    );
    let outcome = format!("{whole} imports whole, {} none, 0 in part", rounds - whole);
    report_row("F-A9", "clients that hung up during an import", rounds, &outcome);
}
