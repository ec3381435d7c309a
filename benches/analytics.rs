//! What analytics cost over a million events while a thousand awards a second go on: the 95th percentile of each question.
//!
//! `HOMEROOM_BENCH_EVENTS` and `HOMEROOM_BENCH_READS` make it larger or smaller.

#[path = "support/history.rs"]
mod history;
#[path = "support/school.rs"]
mod school;

use history::{DAY_MS, DAYS, END, LEARNERS, earn};
use homeroom_actors::Engine;
use homeroom_actors::engine::AnalyticsQuery;
use homeroom_actors::insights::BucketSize;
use homeroom_schema::{TeamId, TimeMs, limits};
use school::size;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const EARNS_A_SECOND: u64 = 1_000;

/// A thousand awards a second until told to stop; what comes late is caught up.
async fn go_on(engine: Engine, from: u64, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let due = (started.elapsed().as_millis() as u64) * EARNS_A_SECOND / 1_000;
        let before = done.load(Ordering::Relaxed);
        earn(&engine, from + before..from + due.max(before)).await;
        done.store(due.max(before), Ordering::Relaxed);
    }
}

async fn ask(engine: &Engine, kind: &str, query: AnalyticsQuery) {
    match kind {
        "engagement" => drop(engine.engagement(query).await.expect("figures")),
        "outcomes" => drop(engine.outcomes(query).await.expect("figures")),
        "success" => drop(engine.success(query).await.expect("figures")),
        "resources" => drop(engine.resource_use(query).await.expect("figures")),
        _ => drop(engine.signals(TeamId::MIN).await.expect("signals")),
    }
}

async fn measure(engine: &Engine, reads: u64) {
    let week = END - 7 * DAY_MS.cast_signed();
    let ever = END - (DAYS * DAY_MS).cast_signed();
    println!("| question | range | p50 | p95 | most |\n| --- | --- | --- | --- | --- |");
    for kind in ["engagement", "outcomes", "success", "resources", "signals"] {
        for (name, from) in [("7 days", week), ("200 days", ever)] {
            if kind == "signals" && name != "7 days" {
                continue;
            }
            let range = TimeMs(from)..TimeMs(END + 1);
            let mut times = Vec::new();
            for _ in 0..reads {
                let buckets = engine.analytics_buckets(&range, BucketSize::Day).expect("some buckets");
                let query = AnalyticsQuery {
                    buckets,
                    team_id: None,
                    qualification_id: None,
                };
                let started = Instant::now();
                ask(engine, kind, query).await;
                times.push(started.elapsed().as_secs_f64() * 1_000.0);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            times.sort_by(f64::total_cmp);
            let at = |share: f64| times[((times.len() - 1) as f64 * share).ceil() as usize];
            println!(
                "| {kind} | {name} | {:.0} ms | {:.0} ms | {:.0} ms |",
                at(0.5),
                at(0.95),
                at(1.0)
            );
        }
    }
}

#[tokio::main]
async fn main() {
    let events = size("HOMEROOM_BENCH_EVENTS", 1_000_000);
    let reads = size("HOMEROOM_BENCH_READS", 40);
    let directory = tempfile::tempdir().expect("a directory");
    school::make(directory.path(), LEARNERS, 0).await;
    let engine = school::start(directory.path()).await;
    let started = Instant::now();
    earn(&engine, 0..events).await;
    println!("{events} events in {:.0} s", started.elapsed().as_secs_f64());
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let earning = tokio::spawn(go_on(engine.clone(), events, Arc::clone(&stop), Arc::clone(&done)));
    let started = Instant::now();
    measure(&engine, reads).await;
    let earned = done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    earning.await.expect("the awards went on");
    println!(
        "\n{earned:.0} awards a second meanwhile; blocks of {} facts",
        limits::ACTIVITY_BLOCK_FACTS
    );
    engine.stop().await;
}
