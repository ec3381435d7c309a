//! How fast batches of awards are kept on this machine's disk, by batch size: as the engine writes them, with FULL.
#![expect(clippy::unwrap_used, reason = "a failure here is the end of the measurement")]

#[path = "support/awards.rs"]
mod awards;

use awards::Awards;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use homeroom_schema::Store;
use homeroom_schema::records::AppendOutcome;
use std::time::Duration;

fn commit(criterion: &mut Criterion, name: &str, with_keys: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    for appends in [1, 64, 256, 1_024, 4_096] {
        // Beside the build, since a temporary directory may be memory.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let store = awards::store(directory.path());
        let mut awards = Awards::new(with_keys);
        group.throughput(Throughput::Elements(appends as u64));
        group.bench_function(BenchmarkId::from_parameter(appends), |bencher| {
            bencher.iter_batched(
                || awards.batch(appends),
                |batch| {
                    let outcomes = runtime.block_on(store.commit(batch)).unwrap();
                    assert!(
                        matches!(outcomes[0], AppendOutcome::Kept { .. }),
                        "refusals would measure nothing"
                    );
                    outcomes
                },
                BatchSize::PerIteration,
            );
        });
        runtime.block_on(store.close()).unwrap();
    }
    group.finish();
}

fn without_keys(criterion: &mut Criterion) {
    commit(criterion, "commit", false);
}

fn with_keys(criterion: &mut Criterion) {
    commit(criterion, "commit_with_keys", true);
}

criterion_group!(benches, without_keys, with_keys);
criterion_main!(benches);
