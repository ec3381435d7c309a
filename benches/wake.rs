//! How long a learner who was put away takes to wake: from a snapshot, and by replaying 100 and 1,000 events.

#[path = "support/school.rs"]
mod school;
#[path = "support/snapshots.rs"]
mod snapshots;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Learners of each school: each can be woken once a start.
const LEARNERS: u64 = 40;

/// A copy of a school: every engine stores snapshots when it stops, so a school without them is good for one start.
fn copy(school: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary directory");
    for entry in std::fs::read_dir(school).expect("a readable directory") {
        let entry = entry.expect("a readable entry");
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a file can be copied");
    }
    copy
}

/// The time of `times` first reads of learners who are not awake.
async fn wake(school: &Path, times: u64) -> Duration {
    let (mut spent, mut left) = (Duration::ZERO, times);
    while left > 0 {
        let copy = copy(school);
        let engine = school::start(copy.path()).await;
        for number in 0..left.min(LEARNERS) {
            let started = Instant::now();
            black_box(
                engine
                    .learner(school::learner(number))
                    .await
                    .expect("the learner wakes"),
            );
            spent += started.elapsed();
        }
        left -= left.min(LEARNERS);
        engine.stop().await;
    }
    spent
}

fn wakes(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("wake");
    group.sample_size(10);
    for events in [100, school::size("HOMEROOM_BENCH_EVENTS", 1_000)] {
        let school = tempfile::tempdir().expect("a temporary directory");
        runtime.block_on(school::make(school.path(), LEARNERS, events));
        group.bench_function(BenchmarkId::new("snapshot", events), |bencher| {
            bencher.iter_custom(|times| runtime.block_on(wake(school.path(), times)));
        });
        snapshots::forget(school.path());
        group.bench_function(BenchmarkId::new("replay", events), |bencher| {
            bencher.iter_custom(|times| runtime.block_on(wake(school.path(), times)));
        });
    }
    group.finish();
}

criterion_group!(benches, wakes);
criterion_main!(benches);
