//! F-D1 and F-D16: nodes that are killed or told to stop while many write and listen. What was acknowledged is there
//! once (I1, I3), listeners go on where they were (I5), and everything shown is a sum over the ledgers (I4).

use crate::support::{
    Class, History, Listener, NodeProcess, Progress, Random, eventually, report_row, soak, whole_ledger,
    write_until_gone,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{JoinHandle, JoinSet};

const PEOPLE: u64 = 12;
const WRITERS: usize = 8;
const LISTENERS: u64 = 4;

/// Writers on a node that is about to end.
struct Load {
    writers: JoinSet<Vec<crate::support::Call>>,
    progress: Arc<Progress>,
}

impl Load {
    fn start(node: &NodeProcess, random: &mut Random, progress: &Arc<Progress>) -> Self {
        progress.acknowledged.store(0, Ordering::Relaxed);
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            writers.spawn(write_until_gone(
                node.admin(),
                PEOPLE,
                random.fork(),
                Arc::clone(progress),
            ));
        }
        Self {
            writers,
            progress: Arc::clone(progress),
        }
    }

    /// Waits until so many were acknowledged in this life of the node.
    async fn reach(&self, acknowledged: u64) {
        eventually("the load", || async {
            (self.progress.acknowledged.load(Ordering::Relaxed) >= acknowledged).then_some(())
        })
        .await;
    }

    /// What the writers did, once the node is gone for all of them.
    async fn end(mut self, history: &mut History) {
        while let Some(calls) = self.writers.join_next().await {
            history.extend(calls.expect("a writer sees only answers and broken connections"));
        }
    }
}

/// Readers on a node that is about to end; each gives itself back with how its connection ended.
type Reading = Vec<JoinHandle<(Listener, crate::support::Closed)>>;

async fn listen(node: &NodeProcess, listeners: Vec<Listener>) -> Reading {
    let mut reading = Vec::new();
    for mut listener in listeners {
        let mut socket = listener.connect(&node.admin()).await;
        reading.push(tokio::spawn(async move {
            let closed = listener.listen(&mut socket).await;
            (listener, closed)
        }));
    }
    reading
}

async fn listeners_of(reading: Reading, closed: &mut Vec<crate::support::Closed>) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for reader in reading {
        let (listener, end) = reader.await.expect("a listener sees no gap and no repeat");
        closed.push(end);
        listeners.push(listener);
    }
    listeners
}

/// Lets every listener catch up, and requires that each has seen exactly the person's ledger, from the first message on.
async fn check_listeners(node: &NodeProcess, listeners: &mut [Listener]) {
    for (place, listener) in listeners.iter_mut().enumerate() {
        let user_id = place as u64 + 1;
        let version = node.admin().get(&format!("/progress/{user_id}")).await.expect(200)["version"]
            .as_u64()
            .unwrap();
        let mut socket = listener.connect(&node.admin()).await;
        listener.listen_until(&mut socket, version).await;
        assert_eq!(listener.messages.len() as u64, version, "every fact is one message");
        let mut heard: Vec<_> = listener
            .messages
            .iter()
            .filter(|message| message["type"] == "points_update")
            .map(|message| message["data"]["event_id"].as_u64().expect("an event"))
            .collect();
        let mut kept: Vec<_> = whole_ledger(&node.admin(), user_id)
            .await
            .iter()
            .filter(|entry| entry["awarded"] == true)
            .map(|entry| entry["event_id"].as_u64().expect("an event"))
            .collect();
        heard.sort_unstable();
        kept.sort_unstable();
        assert_eq!(heard, kept, "person {user_id}");
    }
}

fn new_listeners() -> Vec<Listener> {
    (1..=LISTENERS)
        .map(|user_id| Listener::new(format!("user:{user_id}")))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd1_kill_9_under_load_loses_nothing_and_doubles_nothing() {
    let rounds = if soak() { 20 } else { 5 };
    let mut random = Random::seeded("kill -9 under load");
    let directory = tempfile::tempdir().unwrap();
    let mut history = History::default();
    let progress = Arc::new(Progress::default());
    let (mut listeners, mut kills, mut broken) = (new_listeners(), 0, Vec::new());
    for round in 0..rounds {
        let mut node = NodeProcess::start(directory.path()).await;
        if round == 0 {
            Class::import(&node.admin(), 0, PEOPLE).await;
        }
        let reading = listen(&node, listeners).await;
        history.settle(&node.admin()).await;
        history.check(&node.admin(), PEOPLE).await;
        let load = Load::start(&node, &mut random, &progress);
        load.reach(random.between(20, 250)).await;
        node.kill9().await;
        kills += 1;
        load.end(&mut history).await;
        listeners = listeners_of(reading, &mut broken).await;
    }
    let mut node = NodeProcess::start(directory.path()).await;
    history.settle(&node.admin()).await;
    history.check(&node.admin(), PEOPLE).await;
    check_listeners(&node, &mut listeners).await;
    node.sigterm().await;
    assert_eq!(node.wait().await.code(), Some(0));
    println!(
        "{kills} kills, {} acknowledged, {} unknown of which {} had been kept, {} resumptions",
        history.acknowledged,
        history.unknown,
        history.unknown_but_kept,
        listeners.iter().map(|listener| listener.resumed).sum::<usize>(),
    );
    // A fault that did not happen proves nothing.
    assert!(
        kills > 0 && history.unknown > 0,
        "{kills} kills, {} unknown outcomes",
        history.unknown
    );
    assert!(history.acknowledged >= 20 * rounds);
    assert!(
        listeners
            .iter()
            .all(|listener| listener.resumed >= rounds && !listener.messages.is_empty())
    );
    let outcome = format!(
        "{} acknowledged and {} unknown writes: 0 lost, 0 doubled; every listener resumed without gap or repeat",
        history.acknowledged, history.unknown
    );
    report_row("F-D1", "`kill -9` under load", kills, &outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd16_sigterm_under_load_ends_in_order() {
    let rounds = if soak() { 20 } else { 3 };
    let mut random = Random::seeded("SIGTERM under load");
    let directory = tempfile::tempdir().unwrap();
    let mut history = History::default();
    let progress = Arc::new(Progress::default());
    let (mut listeners, mut ends) = (new_listeners(), Vec::new());
    for round in 0..rounds {
        let mut node = NodeProcess::start(directory.path()).await;
        if round == 0 {
            Class::import(&node.admin(), 0, PEOPLE).await;
        }
        let reading = listen(&node, listeners).await;
        history.settle(&node.admin()).await;
        history.check(&node.admin(), PEOPLE).await;
        let load = Load::start(&node, &mut random, &progress);
        load.reach(random.between(20, 150)).await;
        node.sigterm().await;
        let status = node.wait().await;
        assert_eq!(status.code(), Some(0), "{status}\n{}", node.stderr());
        load.end(&mut history).await;
        listeners = listeners_of(reading, &mut ends).await;
    }
    for end in &ends {
        assert_eq!(end.code, Some(1012), "{end:?}");
    }
    assert_eq!(ends.len() as u64, LISTENERS * rounds as u64);
    let node = NodeProcess::start(directory.path()).await;
    history.settle(&node.admin()).await;
    history.check(&node.admin(), PEOPLE).await;
    check_listeners(&node, &mut listeners).await;
    assert!(history.acknowledged >= 20 * rounds);
    let outcome = format!(
        "exit 0 each time, {} sockets closed with 1012, {} acknowledged writes: 0 lost",
        ends.len(),
        history.acknowledged
    );
    report_row("F-D16", "SIGTERM under load", rounds as u64, &outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd16_a_second_sigterm_ends_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(directory.path()).await;
    node.admin()
        .post("/users", json!({"id": 1, "name": "A"}))
        .await
        .expect(201);
    // A request that never ends keeps a graceful stop waiting.
    let address = node.admin().base().strip_prefix("http://").unwrap().to_owned();
    let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
    let token = crate::support::ADMIN_TOKEN;
    let head = format!(
        "POST /users HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut socket = crate::support::Socket::connect(&node.admin()).await;
    node.sigterm().await;
    // The node has begun to stop when the socket was told.
    assert_eq!(socket.closed().await.code, Some(1012));
    node.sigterm().await;
    let asked = Instant::now();
    let status = node.wait().await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(!node.stderr().contains("panicked"), "{status}: {}", node.stderr());
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest).await;
    let node = NodeProcess::start(directory.path()).await;
    node.admin().get("/users/1").await.expect(200);
    report_row(
        "F-D16",
        "second SIGTERM",
        1,
        "ends at once, what was acknowledged is there",
    );
}
