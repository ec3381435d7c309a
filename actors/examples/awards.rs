//! Measures awards a second through the engine: `cargo run --release -p homeroom-actors --example awards -- [memory|DIR] [learners] [awards]`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measuring tool: it owns its runtime and its watch, and a panic is the report"
)]

use homeroom_actors::domain::{Action, Evidence, Rules};
use homeroom_actors::engine::EarnRequest;
use homeroom_actors::roster::{Import, Leaderboards, RosterCommand};
use homeroom_actors::{Clock, Engine, EngineSettings, RuleDocuments};
use homeroom_schema::records::AuditedBy;
use homeroom_schema::{Durability, MemoryStore, ReferenceId, SqliteOptions, SqliteStore, Store, TimeMs, UserId};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CALLERS: u64 = 64;
const PIPELINED: usize = 32;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> TimeMs {
        TimeMs(1_772_442_000_000)
    }
    fn local_day(&self, at: TimeMs) -> i32 {
        i32::try_from(at.0 / 86_400_000).unwrap()
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let place = args.next().unwrap_or_else(|| "memory".into());
    let learners: u64 = args.next().map_or(1_000, |text| text.parse().unwrap());
    let awards: u64 = args.next().map_or(500_000, |text| text.parse().unwrap());
    let store: Arc<dyn Store> = match place.as_str() {
        "memory" => Arc::new(MemoryStore::new()),
        directory => Arc::new(
            SqliteStore::open(SqliteOptions {
                directory: directory.into(),
                durability: Durability::Full,
                readers: 2,
            })
            .unwrap(),
        ),
    };
    // One thread for the whole engine: the figure is awards a second and core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(store, learners, awards));
}

async fn run(store: Arc<dyn Store>, learners: u64, awards: u64) {
    let settings = EngineSettings {
        leaderboards: Leaderboards::default(),
        board_window: 200,
        projector_places: 50,
        learner_idle: Duration::from_secs(300),
        sessions_max: 1_000,
        rules: Rules::shipped(),
        documents: RuleDocuments::json(&Rules::shipped()),
        secret: [7; 32],
    };
    let engine = Engine::start(store, Arc::new(FixedClock), settings).await.unwrap();
    let users = (1..=learners).map(|id| (UserId::new(id).unwrap(), format!("Student {id}"), None, None));
    let import = Import {
        users: users.collect(),
        ..Import::default()
    };
    engine
        .change_roster(RosterCommand::Import(Box::new(import)), None, AuditedBy::default())
        .await
        .unwrap();
    let woken = Instant::now();
    for id in 1..=learners {
        engine.learner(UserId::new(id).unwrap()).await.unwrap();
    }
    println!(
        "woke {learners} learners: {:.1} µs each",
        woken.elapsed().as_secs_f64() * 1e6 / learners as f64
    );
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| tokio::spawn(call(engine.clone(), caller, learners, awards / CALLERS)))
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{awards} awards in {seconds:.2} s: {:.0} a second",
        awards as f64 / seconds
    );
    let stopped = Instant::now();
    engine.stop().await;
    println!("stopped in {:.2} s", stopped.elapsed().as_secs_f64());
}

async fn call(engine: Engine, caller: u64, learners: u64, awards: u64) {
    let mut pending = std::collections::VecDeque::with_capacity(PIPELINED);
    for number in 0..awards {
        if pending.len() == PIPELINED {
            let oldest: homeroom_actors::engine::Pending<_> = pending.pop_front().unwrap();
            oldest.outcome().await.unwrap();
        }
        let request = EarnRequest {
            user_id: UserId::new((caller + number * CALLERS) % learners + 1).unwrap(),
            action: Action::CompleteQuiz,
            reference: ReferenceId::new(1 + caller + number * CALLERS).unwrap(),
            unit_id: None,
            occurred_at: None,
            evidence: Evidence::default(),
        };
        pending.push_back(engine.earn(request, None).await.unwrap());
    }
    for oldest in pending {
        oldest.outcome().await.unwrap();
    }
}
