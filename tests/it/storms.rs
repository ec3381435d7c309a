//! F-N11: the whole class loses its node at once and comes back, under load. Nobody misses or repeats a message, boards are
//! the sum of the ledgers, and whoever is asked to come back later does.

use crate::support::{Class, Client, NodeProcess, Random, earn, eventually, new_token, report_row, soak};
use futures_util::{SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Where the node is; nowhere while it is away. Each life has a number.
type Place = watch::Sender<(u64, Option<Client>)>;

/// Waits until the node is somewhere: where, in which life. None when the storm is over.
async fn present(place: &mut watch::Receiver<(u64, Option<Client>)>) -> Option<(u64, Client)> {
    let (life, client) = place.wait_for(|(_, client)| client.is_some()).await.ok()?.clone();
    Some((life, client?))
}

/// Whether a message answers a subscription or is of this topic, seen from its head: type and topic stand first.
fn is_about(text: &str, topic: &str) -> bool {
    let head = text.split_once("\"data\"").map_or(text, |(head, _)| head);
    head.contains("\"subscribed\"") || head.contains(&format!("\"{topic}\""))
}

const WRITERS: u64 = 4;

/// What all followers have seen together.
#[derive(Default)]
struct Seen {
    /// How many are back in the life that the node has now, by its number.
    back: Mutex<BTreeMap<u64, u64>>,
    /// How connections ended, by close code; 0 for those that just broke.
    ends: Mutex<BTreeMap<u16, u64>>,
    messages: AtomicU64,
    recovered: AtomicU64,
}

/// A device that follows its own person, a board and its team, and comes back by position whenever it is cut off.
struct Follower {
    user_id: u64,
    token: String,
    place: watch::Receiver<(u64, Option<Client>)>,
    seen: Arc<Seen>,
    epoch: Option<String>,
    offset: Arc<AtomicU64>,
    random: Random,
}

impl Follower {
    async fn follow(mut self) {
        loop {
            let Some((life, client)) = present(&mut self.place).await else {
                return;
            };
            let pause = match self.listen(life, &client).await {
                // Asked to: a client that honours the hint spreads the load.
                Some(pause) => pause,
                None => Duration::from_millis(self.random.between(0, 400)),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection, until it ends: how long the node asks to stay away, if it does.
    async fn listen(&mut self, life: u64, client: &Client) -> Option<Duration> {
        let mut request = format!("{}/ws", client.base().replacen("http", "ws", 1))
            .into_client_request()
            .ok()?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "homeroom.v1".parse().ok()?);
        headers.insert("authorization", format!("Bearer {}", self.token).parse().ok()?);
        let (mut socket, _) = connect_async(request).await.ok()?;
        let topic = format!("user:{}", self.user_id);
        let offset = self.offset.load(Ordering::Relaxed);
        let own = match &self.epoch {
            Some(epoch) => json!({"topic": topic, "epoch": epoch, "offset": offset}),
            None => json!({"topic": topic}),
        };
        let wish = json!({"type": "subscribe", "id": 1, "topics": [own, {"topic": "board:all"}, {"topic": "team:10"}]});
        socket.send(Message::text(wish.to_string())).await.ok()?;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                // A thousand readers in one process: what nobody looks at is not parsed.
                Message::Text(text) if is_about(&text, &topic) => {
                    self.take(life, &topic, &serde_json::from_str(&text).unwrap());
                }
                Message::Close(frame) => {
                    let code = frame.as_ref().map_or(0, |frame| u16::from(frame.code));
                    *self.seen.ends.lock().unwrap().entry(code).or_default() += 1;
                    let hint: Option<Value> = frame.and_then(|frame| serde_json::from_str(&frame.reason).ok());
                    return hint?["retry_after_ms"].as_u64().map(Duration::from_millis);
                }
                _ => {}
            }
        }
        *self.seen.ends.lock().unwrap().entry(0).or_default() += 1;
        None
    }

    fn take(&mut self, life: u64, topic: &str, message: &Value) {
        if message["type"] == "subscribed" {
            let own = &message["topics"][0];
            assert!(
                own["error"].is_null() && message["topics"][1]["error"].is_null(),
                "{message}"
            );
            if self.epoch.is_some() {
                assert_eq!(own["recovered"], true, "{own}");
                self.seen.recovered.fetch_add(1, Ordering::Relaxed);
            }
            self.epoch = own["epoch"].as_str().map(str::to_owned);
            self.offset.store(own["offset"].as_u64().unwrap(), Ordering::Relaxed);
            *self.seen.back.lock().unwrap().entry(life).or_default() += 1;
        } else if message["topic"] == topic {
            let offset = self.offset.fetch_add(1, Ordering::Relaxed) + 1;
            assert_eq!(message["offset"], offset, "a gap or a repeat on {topic}");
            self.seen.messages.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Awards in batches, each with a key, sent again wherever the node is until it is answered: how many were answered.
async fn write(
    writer: u64,
    people: u64,
    mut place: watch::Receiver<(u64, Option<Client>)>,
    stopped: Arc<AtomicBool>,
    mut random: Random,
) -> u64 {
    let mut kept = 0;
    for batch in 1_u64.. {
        let award = |number: u64| {
            let mut award = earn(
                random.between(1, people),
                "read_content",
                (writer * 1_000_000 + batch) * 10 + number,
            );
            award["kind"] = json!("points");
            award
        };
        let body = json!({"events": (0..10).map(award).collect::<Vec<_>>()});
        loop {
            let Some((_, client)) = present(&mut place).await else {
                return kept;
            };
            match client
                .try_post("/events", &body, Some(&format!("writer-{writer}-{batch}")))
                .await
            {
                Ok(answer) if answer.status == 200 => break,
                // Overloaded, stopping or gone: the key makes it safe to ask again.
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        kept += 10;
        if stopped.load(Ordering::Relaxed) {
            break;
        }
    }
    kept
}

struct Storm {
    directory: tempfile::TempDir,
    node: NodeProcess,
    people: u64,
    place: Place,
    seen: Arc<Seen>,
    offsets: Vec<Arc<AtomicU64>>,
    followers: JoinSet<()>,
    writing: JoinSet<u64>,
    stopped: Arc<AtomicBool>,
}

impl Storm {
    async fn gather(people: u64) -> Self {
        // Two ends of each connection are not in this process, but one is.
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            ..limit
        };
        setrlimit(Resource::Nofile, raised).expect("the soft limit may rise to the hard one");
        let directory = tempfile::tempdir().unwrap();
        let node = NodeProcess::start(directory.path()).await;
        let admin = node.admin();
        Class::import(&admin, 0, people.min(800)).await;
        let place = Place::new((1, Some(admin.clone())));
        let (seen, mut random) = (Arc::<Seen>::default(), Random::seeded("storms"));
        let (mut followers, mut offsets) = (JoinSet::new(), Vec::new());
        for number in 0..people {
            let user_id = number % 800 + 1;
            let offset = Arc::<AtomicU64>::default();
            let follower = Follower {
                user_id,
                token: new_token(&admin, "student", Some(user_id)).await,
                place: place.subscribe(),
                seen: Arc::clone(&seen),
                epoch: None,
                offset: Arc::clone(&offset),
                random: random.fork(),
            };
            offsets.push(offset);
            followers.spawn(follower.follow());
        }
        let stopped = Arc::<AtomicBool>::default();
        let mut writing = JoinSet::new();
        for writer in 1..=WRITERS {
            let stopped = Arc::clone(&stopped);
            writing.spawn(write(
                writer,
                people.min(800),
                place.subscribe(),
                stopped,
                random.fork(),
            ));
        }
        let storm = Self {
            writing,
            directory,
            node,
            people,
            place,
            seen,
            offsets,
            followers,
            stopped,
        };
        storm.all_back(1).await;
        storm
    }

    /// Waits until everybody is back in this life of the node.
    async fn all_back(&self, life: u64) {
        eventually("everybody is back", || async {
            let back = self.seen.back.lock().unwrap().get(&life).copied().unwrap_or(0);
            (back >= self.people).then_some(())
        })
        .await;
    }

    /// The node goes, and another life of it begins: how long until everybody was back.
    async fn restart(&mut self, is_killed: bool) -> Duration {
        let life = self.place.borrow().0 + 1;
        let before = self.seen.messages.load(Ordering::Relaxed);
        eventually("load in this life", || async {
            (self.seen.messages.load(Ordering::Relaxed) > before + self.people).then_some(())
        })
        .await;
        if is_killed {
            self.node.kill9().await;
            self.place.send_replace((life, None));
        } else {
            self.node.sigterm().await;
            self.place.send_replace((life, None));
            self.node.wait().await;
        }
        self.node = NodeProcess::start(self.directory.path()).await;
        let began = Instant::now();
        self.place.send_replace((life, Some(self.node.admin())));
        self.all_back(life).await;
        began.elapsed()
    }

    /// Everybody has everything, and boards are the sums of the ledgers.
    async fn settle(mut self) -> (u64, Arc<Seen>) {
        self.stopped.store(true, Ordering::Relaxed);
        let kept: u64 = self.writing.join_all().await.into_iter().sum();
        let admin = self.node.admin();
        let mut totals = BTreeMap::new();
        for (number, offset) in self.offsets.iter().enumerate() {
            let user_id = number as u64 % 800 + 1;
            let progress = admin.get(&format!("/progress/{user_id}")).await.ok();
            let version = progress["version"].as_u64().unwrap();
            eventually("the last message of a person", || async {
                assert!(
                    offset.load(Ordering::Relaxed) <= version,
                    "person {user_id}: messages beyond the journal"
                );
                (offset.load(Ordering::Relaxed) == version).then_some(())
            })
            .await;
            totals.insert(user_id, progress["points"]["total"].as_u64().unwrap());
        }
        assert_eq!(
            totals.values().sum::<u64>(),
            kept * 10,
            "every answered award is there, once"
        );
        let board = admin.get("/leaderboards/all?limit=1000").await.ok();
        let rows = board["entries"].as_array().unwrap();
        assert_eq!(rows.len(), totals.len());
        for row in rows {
            assert_eq!(row["points"], totals[&row["user_id"].as_u64().unwrap()], "{row}");
        }
        assert!(self.followers.try_join_next().is_none(), "no follower has ended");
        self.followers.abort_all();
        (kept, self.seen)
    }
}

async fn storm(is_killed: bool, row: &str, what: &str) {
    let (people, rounds) = if soak() { (1_000, 10) } else { (100, 2) };
    let mut storm = Storm::gather(people).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        slowest = slowest.max(storm.restart(is_killed).await);
    }
    let (kept, seen) = storm.settle().await;
    let ends = seen.ends.lock().unwrap().clone();
    if !is_killed {
        assert!(
            ends.keys().all(|code| *code == 1012),
            "no error but the reconnect: {ends:?}"
        );
    }
    assert!(seen.recovered.load(Ordering::Relaxed) >= people * rounds);
    let outcome = format!(
        "{} messages of {kept} awards without gap or repeat, boards are the ledgers; slowest return of all {:.1} s; ends {ends:?}",
        seen.messages.load(Ordering::Relaxed),
        slowest.as_secs_f64()
    );
    report_row(
        row,
        &format!("{what}, {people} live clients under load"),
        rounds,
        &outcome,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn11_a_class_whose_node_is_killed_comes_back_and_misses_nothing() {
    storm(true, "F-N11", "kill -9 and restart").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn11_a_class_whose_node_is_restarted_sees_nothing_but_a_reconnect() {
    storm(false, "F-N11", "orderly restart").await;
}
