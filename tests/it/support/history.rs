//! What clients did and what they were told, judged afterwards: every acknowledged write is there once, an unknown
//! outcome is settled by repeating it, and everything shown is a fold over the ledger.

use super::{Answer, Client, Random, eventually, within};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// References awarded, by person.
type Awards = BTreeMap<u64, BTreeSet<u64>>;
/// The furthest percentage, by person and unit.
type Furthest = BTreeMap<(u64, u64), u64>;

/// One wish and what became of it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Where it was sent.
    path: &'static str,
    /// What was sent.
    body: Value,
    /// Its idempotency key, if any.
    key: Option<String>,
    /// What was answered; none while the outcome is unknown.
    answer: Option<Value>,
}

/// Wishes of many writers, over many lives of a node.
#[derive(Debug, Default)]
pub struct History {
    calls: Vec<Call>,
    /// Outcomes that were unknown when the connection broke.
    pub unknown: usize,
    /// Of those, how many had been kept all the same.
    pub unknown_but_kept: usize,
    /// Acknowledged wishes.
    pub acknowledged: usize,
}

/// Counters shared by writers and the one who ends the node.
#[derive(Debug, Default)]
pub struct Progress {
    /// References are used once, so that a natural key belongs to one wish.
    next: AtomicU64,
    /// Acknowledged wishes in the present life of the node.
    pub acknowledged: AtomicU64,
}

impl Progress {
    fn next_number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Writes random wishes for people 1 to `people` until the node is gone or refuses with 503, and tells what happened.
pub async fn write_until_gone(client: Client, people: u64, mut random: Random, progress: Arc<Progress>) -> Vec<Call> {
    let mut calls = Vec::new();
    loop {
        let mut call = random_call(people, &mut random, &progress);
        let sent = within("an answer or a broken connection", send(&client, &call)).await;
        match sent {
            Ok(answer) if (200..300).contains(&answer.status) => {
                call.answer = Some(answer.body);
                calls.push(call);
                progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            // Refused in order while stopping: nothing may have been kept, or the outcome is unknown; a repeat settles it.
            Ok(answer) if answer.status == 503 => {
                calls.push(call);
                return calls;
            }
            Ok(answer) => panic!("{}: {}", answer.status, answer.text),
            Err(error) => {
                assert!(!error.is_timeout(), "no answer in time: {error:?}");
                calls.push(call);
                return calls;
            }
        }
    }
}

async fn send(client: &Client, call: &Call) -> Result<Answer, reqwest::Error> {
    client.try_post(call.path, &call.body, call.key.as_deref()).await
}

fn random_call(people: u64, random: &mut Random, progress: &Progress) -> Call {
    let number = progress.next_number();
    let user_id = random.between(1, people + 1);
    let award = json!({"user_id": user_id, "action_type": "read_content", "reference_id": 10_000 + number});
    let key = (!random.one_in(3)).then(|| format!("key-{number}"));
    let (path, body) = match random.between(0, 8) {
        0 => {
            let unit_id = random.between(101, 105);
            let percentage = random.between(0, 101);
            (
                "/events",
                json!({"events": [
                    {"kind": "progress", "user_id": user_id, "unit_id": unit_id, "progress_percentage": percentage},
                ]}),
            )
        }
        1 => {
            let mut events = Vec::new();
            for place in 0..3 {
                let user_id = random.between(1, people + 1);
                events.push(json!({
                    "kind": "points", "user_id": user_id, "action_type": "read_content",
                    "reference_id": 1_000_000 + number * 10 + place,
                    "key": format!("item-{number}-{place}"),
                }));
            }
            ("/events", json!({"events": events}))
        }
        _ => ("/points/earn", award),
    };
    Call {
        path,
        body,
        key,
        answer: None,
    }
}

impl History {
    /// Sends one random wish, notes what became of it, and gives the answer; none when the connection broke.
    pub async fn attempt(
        &mut self,
        client: &Client,
        people: u64,
        random: &mut Random,
        progress: &Progress,
    ) -> Option<Answer> {
        // No batches: each of their items has an outcome of its own.
        let mut call = loop {
            let call = random_call(people, random, progress);
            if call.path == "/points/earn" {
                break call;
            }
        };
        let sent = within("an answer or a broken connection", send(client, &call))
            .await
            .ok();
        match &sent {
            Some(answer) if (200..300).contains(&answer.status) => {
                call.answer = Some(answer.body.clone());
                progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Some(answer) => assert!(matches!(answer.status, 503 | 507), "{}: {}", answer.status, answer.text),
            None => {}
        }
        self.extend(vec![call]);
        sent
    }

    /// Adds what another one has seen.
    pub fn merge(&mut self, other: Self) {
        self.unknown += other.unknown;
        self.acknowledged += other.acknowledged;
        self.calls.extend(other.calls);
    }

    /// Takes in what a writer did.
    pub fn extend(&mut self, calls: Vec<Call>) {
        self.unknown += calls.iter().filter(|call| call.answer.is_none()).count();
        self.acknowledged += calls.iter().filter(|call| call.answer.is_some()).count();
        self.calls.extend(calls);
    }

    /// Repeats every wish whose outcome is unknown, with the same key; afterwards there is none.
    pub async fn settle(&mut self, client: &Client) {
        for call in self.calls.iter_mut().filter(|call| call.answer.is_none()) {
            // A node that is pressed for room may ask to come again.
            let answer = eventually("an answer that settles it", || async {
                let answer = send(client, call).await.expect("the node answers now");
                (answer.status != 503).then_some(answer)
            })
            .await;
            assert!(
                (200..300).contains(&answer.status),
                "{}: {}",
                answer.status,
                answer.text
            );
            let was_kept = answer.is_replayed() || answer.body["awarded"] == false;
            self.unknown_but_kept += usize::from(was_kept);
            call.answer = Some(answer.body);
        }
    }

    /// References of awards acknowledged, by person; and the furthest progress acknowledged, by person and unit.
    fn wanted(&self) -> (Awards, Furthest) {
        let (mut awards, mut progress) = (Awards::new(), Furthest::new());
        let mut award = |body: &Value| {
            let is_new = awards
                .entry(number(body, "user_id"))
                .or_default()
                .insert(number(body, "reference_id"));
            assert!(is_new, "the test uses a reference once");
        };
        for call in &self.calls {
            let answer = call.answer.as_ref().expect("all outcomes are settled");
            let Some(events) = call.body.get("events") else {
                award(&call.body);
                continue;
            };
            let results = answer["results"].as_array().expect("results");
            for (event, result) in events.as_array().expect("events").iter().zip(results) {
                assert!(number(result, "status") < 300, "{result}");
                if event["kind"] == "points" {
                    award(event);
                } else {
                    let place = (number(event, "user_id"), number(event, "unit_id"));
                    let furthest = progress.entry(place).or_insert(0);
                    *furthest = number(event, "progress_percentage").max(*furthest);
                }
            }
        }
        (awards, progress)
    }

    /// Requires that the node holds every acknowledged wish exactly once and nothing else, and that boards and totals are
    /// sums over the ledgers. Call after [`History::settle`].
    pub async fn check(&self, client: &Client, people: u64) {
        let (awards, progress) = self.wanted();
        let mut points = BTreeMap::new();
        for user_id in 1..=people {
            let ledger = whole_ledger(client, user_id).await;
            let mut found = BTreeSet::new();
            let mut sum = 0;
            for entry in &ledger {
                sum += entry["points"].as_i64().expect("points");
                if entry["awarded"] == true {
                    let reference = number(entry, "reference_id");
                    assert!(
                        found.insert(reference),
                        "person {user_id} was credited twice for {reference}"
                    );
                }
            }
            let wanted = awards.get(&user_id).cloned().unwrap_or_default();
            let lost: Vec<_> = wanted.difference(&found).collect();
            let invented: Vec<_> = found.difference(&wanted).collect();
            assert!(
                lost.is_empty() && invented.is_empty(),
                "person {user_id}: lost {lost:?}, invented {invented:?}"
            );
            let read = client.get(&format!("/progress/{user_id}")).await.expect(200);
            assert_eq!(read["points"]["total"].as_i64(), Some(sum), "person {user_id}");
            for unit in read["units"].as_array().expect("units") {
                let wanted = progress.get(&(user_id, number(unit, "unit_id")));
                assert_eq!(
                    Some(&number(unit, "progress_percentage")),
                    wanted,
                    "person {user_id}: {unit}"
                );
            }
            let touched = progress.keys().filter(|(person, _)| *person == user_id).count();
            assert_eq!(
                read["units"].as_array().map(Vec::len),
                Some(touched),
                "person {user_id}"
            );
            points.insert(user_id, sum);
        }
        for path in ["/leaderboards/all?limit=1000", "/leaderboards/team:10?limit=1000"] {
            let board = client.get(path).await.expect(200);
            let shown: BTreeMap<_, _> = board["entries"]
                .as_array()
                .expect("entries")
                .iter()
                .map(|entry| (number(entry, "user_id"), entry["points"].as_i64().expect("points")))
                .collect();
            assert_eq!(shown, points, "{path}");
        }
        let teams = client.get("/leaderboards/teams").await.expect(200);
        assert_eq!(
            teams["entries"][0]["points"].as_i64(),
            Some(points.values().sum()),
            "{teams}"
        );
    }
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name}: {value}"))
}

/// All pages of a ledger, newest first.
pub async fn whole_ledger(client: &Client, user_id: u64) -> Vec<Value> {
    let (mut all, mut query) = (Vec::new(), String::new());
    loop {
        let page = client
            .get(&format!("/points/{user_id}?limit=1000{query}"))
            .await
            .expect(200);
        all.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("&cursor={cursor}"),
            None => return all,
        }
    }
}
