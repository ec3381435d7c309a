//! How long a node takes from opening its files to a warm state. `HOMEROOM_BENCH_LEARNERS` (default 10,000) and
//! `HOMEROOM_BENCH_EVENTS` each (default 10) make the school larger: 100,000 learners with 10 each are a million events.

#[path = "support/school.rs"]
mod school;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

fn starts(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let learners = school::size("HOMEROOM_BENCH_LEARNERS", 10_000);
    let events = school::size("HOMEROOM_BENCH_EVENTS", 10);
    let school = tempfile::tempdir().expect("a temporary directory");
    runtime.block_on(school::make(school.path(), learners, events));
    let mut group = criterion.benchmark_group("start");
    group.sample_size(10);
    let name = format!("{learners}_learners_{}_events", learners * events);
    group.bench_function(BenchmarkId::new("cold", name), |bencher| {
        bencher.iter_custom(|times| {
            runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let started = Instant::now();
                    let engine = school::start(school.path()).await;
                    spent += started.elapsed();
                    engine.stop().await;
                }
                spent
            })
        });
    });
    group.finish();
}

criterion_group!(benches, starts);
criterion_main!(benches);
