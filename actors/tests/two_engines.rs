//! Two engines on one database that do not know of each other: every command is sent to both, as a broken router would, and
//! no stream is ever wrong. On a real PostgreSQL server; without one the test says that it was left out.
#![allow(clippy::disallowed_methods, reason = "a test awaits the tasks that it spawns")]

use crate::support::report::report_row;
use crate::support::{School, settings, stream};
use homeroom_actors::EngineError;
use homeroom_actors::domain::Action;
use homeroom_actors::verify::same_learners;
use homeroom_schema::{PostgresOptions, PostgresStore, Store};
use homeroom_servers::Postgres;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

const PEOPLE: u64 = 50;
/// Commands of one engine that are under way.
const CALLERS: u64 = 32;

async fn open(url: &str) -> Arc<dyn Store> {
    Arc::new(PostgresStore::connect(PostgresOptions::new(url)).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn badly_routed_writes_never_corrupt_a_stream() {
    let Some(postgres) = Postgres::shared("two engines on one database") else {
        return;
    };
    let is_soak = std::env::var_os("HOMEROOM_SOAK").is_some_and(|value| value != "0");
    let awards: u64 = if is_soak { 50_000 } else { 2_500 };
    let url = postgres.database();
    let first = School::open(open(&url).await, settings()).await;
    first.import(PEOPLE).await;
    let schools = [
        Arc::new(first),
        Arc::new(School::open(open(&url).await, settings()).await),
    ];
    let begun = Instant::now();
    let (repeats, next) = (
        Arc::<AtomicU64>::default(),
        [Arc::<AtomicU64>::default(), Arc::default()],
    );
    let mut callers = JoinSet::new();
    for caller in 0..2 * CALLERS {
        let which = (caller % 2) as usize;
        let (school, next, repeats) = (
            Arc::clone(&schools[which]),
            Arc::clone(&next[which]),
            Arc::clone(&repeats),
        );
        callers.spawn(async move {
            let mut credited = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= awards {
                    return credited;
                }
                let (user_id, reference) = (number % PEOPLE + 1, 1_000 + number / PEOPLE);
                let outcome = loop {
                    match school.earn(user_id, Action::ReadContent, reference).await {
                        Err(EngineError::StoreUnavailable) => drop(repeats.fetch_add(1, Ordering::Relaxed)),
                        outcome => break outcome.unwrap(),
                    }
                };
                if outcome.awarded {
                    credited.push((user_id, reference));
                }
            }
        });
    }
    let mut credited: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    while let Some(done) = callers.join_next().await {
        for award in done.unwrap() {
            *credited.entry(award).or_default() += 1;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(credited.len() as u64, awards, "every award was credited");
    // A caller whose first try ended unknown may be told that it was there already, never that it is credited twice.
    assert!(credited.values().all(|times| *times == 1), "and none of them twice");
    let [one, other] = &schools;
    let same = same_learners(&*one.store, &*other.store, |_, _| ()).await.unwrap();
    assert_eq!(same, Ok(PEOPLE), "heads are what the streams replay to");
    let mut events = 0;
    for user_id in 1..=PEOPLE {
        let own = stream(&*one.store, user_id).await;
        let versions: Vec<u64> = own.iter().map(|(version, _, _)| version.0).collect();
        assert_eq!(
            versions,
            (1..=own.len() as u64).collect::<Vec<_>>(),
            "no gap, nothing twice"
        );
        let awarded = own.iter().filter(|(_, _, kind)| kind == "points_awarded").count() as u64;
        assert_eq!(awarded, awards / PEOPLE);
        events += own.len();
    }
    let repeats = repeats.load(Ordering::Relaxed);
    report_row(
        "issue 7",
        "badly routed writes by two engines",
        2 * awards,
        &format!(
            "{awards} credited once each, {events} events, {repeats} repeated by callers, {:.0} a second",
            2.0 * awards as f64 / seconds
        ),
    );
}
