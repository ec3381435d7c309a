//! The node of a simulation, through all its lives: the real engine and the real routes over a store in memory, a clock that
//! follows the runtime's, and connections with weather.

use super::history::{Event, History};
use super::pipe::{self, Weather};
use super::plan::{DiskFault, Part};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use futures_util::future::BoxFuture;
use homeroom::app::App;
use homeroom::peer::Peer;
use homeroom::{Config, assemble, http, serve_connection};
use homeroom_actors::Clock;
use homeroom_actors::engine::PoisonTarget;
use homeroom_actors::sessions::EndReason;
use homeroom_actors::topics::BoardName;
use homeroom_schema::memory::LostAnswer;
use homeroom_schema::records::StreamId;
use homeroom_schema::{MemoryStore, Store as _, TeamId, TimeMs, UserId, Version};
use parking_lot::Mutex;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The admin token of every simulated node.
pub const ADMIN: &str = "admin-token-of-the-simulation";
/// 2026-03-02T09:00:00Z, a Monday.
const START_MS: i64 = 1_772_442_000_000;
const HOUR_MS: i64 = 3_600_000;
/// How long one request may take before it counts as lost.
const REQUEST_PATIENCE: Duration = Duration::from_secs(60);
/// How long a node that had to end stays away.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A clock that follows the runtime's, set forward at will.
#[derive(Debug)]
struct SimulatedClock {
    began: Instant,
    ahead_ms: AtomicI64,
}

impl Clock for SimulatedClock {
    fn now(&self) -> TimeMs {
        let passed = self.began.elapsed().as_millis() as i64;
        TimeMs(START_MS + passed + self.ahead_ms.load(Ordering::Relaxed))
    }

    fn local_day(&self, at: TimeMs) -> i32 {
        at.0.div_euclid(24 * HOUR_MS) as i32
    }
}

/// One life of the node.
#[derive(Clone)]
struct Life {
    app: App,
    router: Router,
    number: u64,
    /// It takes no new requests.
    stop: CancellationToken,
    /// Its connections break.
    gone: CancellationToken,
}

/// The world. A clone is another handle to the same one.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

struct Inner {
    directory: TempDir,
    clock: Arc<SimulatedClock>,
    life: Mutex<Option<Life>>,
    store: Mutex<MemoryStore>,
    changing: tokio::sync::Mutex<()>,
    history: History,
    people: u64,
    lives: AtomicU64,
    /// Faults of stores of past lives.
    past_faults: AtomicU64,
}

impl World {
    /// A node with an empty store, running. People 1 to `people` are going to be in it.
    pub async fn new(history: History, people: u64) -> Result<Self, String> {
        let clock = SimulatedClock {
            began: Instant::now(),
            ahead_ms: AtomicI64::new(0),
        };
        let world = Self {
            inner: Arc::new(Inner {
                directory: tempfile::tempdir().map_err(|error| error.to_string())?,
                clock: Arc::new(clock),
                life: Mutex::new(None),
                store: Mutex::new(MemoryStore::new()),
                changing: tokio::sync::Mutex::default(),
                history,
                people,
                lives: AtomicU64::new(0),
                past_faults: AtomicU64::new(0),
            }),
        };
        world.begin().await?;
        Ok(world)
    }

    /// A life begins with what the store has.
    async fn begin(&self) -> Result<(), String> {
        let mut config = Config::new(self.inner.directory.path());
        config.admin_token = Some(ADMIN.into());
        // Limits are measured on the real clock, which a simulation has nothing to do with.
        let rates = &mut config.rates;
        for rate in [
            &mut rates.student_writes_per_s,
            &mut rates.student_reads_per_s,
            &mut rates.mentor_writes_per_s,
            &mut rates.mentor_reads_per_s,
            &mut rates.projector_reads_per_s,
        ] {
            *rate = 0;
        }
        let store = self.store();
        let clock = Arc::clone(&self.inner.clock) as Arc<dyn Clock>;
        let app = assemble(config, Arc::new(store), clock).await;
        let app = app.map_err(|error| format!("the node does not start: {error}"))?;
        let life = Life {
            router: http::router(app.clone()),
            app: app.clone(),
            number: self.inner.lives.fetch_add(1, Ordering::Relaxed),
            stop: CancellationToken::new(),
            gone: CancellationToken::new(),
        };
        let (number, gone) = (life.number, life.gone.clone());
        *self.inner.life.lock() = Some(life);
        let world = self.clone();
        tokio::spawn(async move {
            // A node that cannot go on ends, and whoever looks after it starts it again.
            if let Some(cause) = gone
                .run_until_cancelled_owned(async move { app.engine().fatal().await })
                .await
            {
                world.inner.history.note(Event::World(format!("fatal: {cause}")));
                let _ = world.end_failed(number).await;
            }
        });
        Ok(())
    }

    fn store(&self) -> MemoryStore {
        self.inner.store.lock().clone()
    }

    fn life(&self) -> Option<Life> {
        self.inner.life.lock().clone()
    }

    /// Boxed, because ending a life begins the next one.
    fn end_failed(&self, number: u64) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.end(Some(number), false, RESTART_PAUSE))
    }

    /// The node ends, in order or without a word, and begins again after a while. With a number only if it is that life's.
    pub async fn end(&self, number: Option<u64>, is_in_order: bool, pause: Duration) -> Result<(), String> {
        let _alone = self.inner.changing.lock().await;
        let life = {
            let mut life = self.inner.life.lock();
            if number.is_some_and(|number| life.as_ref().is_none_or(|life| life.number != number)) {
                return Ok(());
            }
            life.take()
        };
        let Some(life) = life else { return Ok(()) };
        let store = self.store();
        life.stop.cancel();
        let engine = life.app.engine().clone();
        if is_in_order {
            life.app.begin_stopping();
            engine.sessions().end_all(EndReason::Stopping);
            engine.stop().await;
        }
        life.gone.cancel();
        // What the next life finds is what was kept by now. The old one may go on for a moment, unheard and unable to keep.
        let next = store.fork();
        store.fail_for_good();
        store.release_commits();
        *self.inner.store.lock() = next;
        if !is_in_order {
            let people = 1..=self.inner.people;
            let kept = people.filter_map(|user| Some((user, self.kept(user)?))).collect();
            self.inner.history.note(Event::Gone { kept });
        }
        self.inner
            .past_faults
            .fetch_add(store.faults_happened(), Ordering::Relaxed);
        if !is_in_order {
            tokio::spawn(async move { engine.stop().await });
        }
        sleep(pause).await;
        self.begin().await
    }

    /// Lives so far.
    pub fn lives(&self) -> u64 {
        self.inner.lives.load(Ordering::Relaxed)
    }

    /// Faults of the disk that really happened.
    pub fn disk_faults(&self) -> u64 {
        self.inner.past_faults.load(Ordering::Relaxed)
    }

    /// Live sessions.
    pub fn sessions(&self) -> Option<usize> {
        Some(self.life()?.app.engine().sessions().count())
    }

    /// A new connection to the node; none while it is away.
    pub fn connect(&self, weather: watch::Receiver<Weather>, cut: &CancellationToken) -> Option<DuplexStream> {
        let life = self.life()?;
        let cut = cut.clone();
        let gone = life.gone.clone();
        let both = cut.clone();
        tokio::spawn(async move {
            gone.run_until_cancelled(both.cancelled()).await;
            both.cancel();
        });
        let (client, server) = pipe::connect(weather, cut);
        let peer = Peer {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            is_tls: false,
        };
        tokio::spawn(serve_connection(server, peer, life.router, life.stop));
        Some(client)
    }

    /// One request over HTTP, without weather: status and body; none while the node is away.
    pub async fn http(&self, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let life = self.life()?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let asked = life.router.oneshot(request.body(body).ok()?);
        let asked = life.gone.run_until_cancelled(timeout(REQUEST_PATIENCE, asked));
        let answer = asked.await?.ok()?.ok()?;
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.ok()?;
        Some((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    /// How far a person's stream is kept.
    pub fn kept(&self, user: u64) -> Option<u64> {
        Some(self.store().version(StreamId::learner(UserId::new(user).ok()?)).0)
    }

    /// A person's journal: event ids by version.
    pub async fn journal(&self, user: u64) -> Result<Vec<u64>, String> {
        let user = UserId::new(user).map_err(|error| error.to_string())?;
        let stream = StreamId::learner(user);
        let events = self.store().read_stream(stream, Version::ZERO, usize::MAX).await;
        let events = events.map_err(|error| error.to_string())?;
        Ok(events.iter().map(|event| event.event_id.get()).collect())
    }

    /// The epoch of people's topics.
    pub fn epoch(&self) -> Option<String> {
        Some(self.life()?.app.engine().epoch().to_string())
    }

    /// Sets the wall clock forward.
    pub fn forward(&self, hours: u64) {
        self.inner
            .clock
            .ahead_ms
            .fetch_add(hours as i64 * HOUR_MS, Ordering::Relaxed);
    }

    /// The disk fails in some way. Nothing happens while the node is away.
    pub fn fail_disk(&self, fault: DiskFault) {
        let store = self.store();
        match fault {
            DiskFault::Stall(ms) => {
                store.hold_commits();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(ms)).await;
                    store.release_commits();
                });
            }
            DiskFault::Fail(commits) => store.fail_commits(commits as u32),
            DiskFault::LoseKept => store.lose_next_answer(LostAnswer::Kept),
            DiskFault::LoseLost => store.lose_next_answer(LostAnswer::Lost),
            DiskFault::Unreadable(reads) => store.fail_reads(reads as u32),
            DiskFault::Conflict(user) => {
                if let Ok(user) = UserId::new(user) {
                    store.conflict_next(StreamId::learner(user));
                }
            }
        }
    }

    /// No fault is left over.
    pub fn heal_disk(&self) {
        let store = self.store();
        store.fail_commits(0);
        store.fail_reads(0);
        store.release_commits();
    }

    /// An actor panics, or hangs, on its next message.
    pub async fn strike(&self, part: Part, hangs: bool) {
        let Some(life) = self.life() else { return };
        let engine = life.app.engine();
        let user = |id: u64| UserId::new(id).unwrap_or(UserId::MIN);
        let target = match part {
            Part::User(id) => PoisonTarget::User(user(id)),
            Part::Learners(id) => PoisonTarget::LearnerShard(user(id)),
            Part::Team => PoisonTarget::Team(TeamId::MIN),
            Part::Board => PoisonTarget::Board(BoardName::All),
            Part::Teams => PoisonTarget::Board(BoardName::Teams),
            Part::Roster => PoisonTarget::Roster,
            Part::Journal => PoisonTarget::Journal,
            Part::Sessions(shard) => PoisonTarget::SessionShard(shard as usize),
        };
        let struck = async {
            if hangs {
                engine.hang(target).await
            } else {
                engine.poison(target).await
            }
        };
        let _ = timeout(REQUEST_PATIENCE, struck).await;
    }
}
