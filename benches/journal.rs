//! How fast batches of awards are kept on this machine's disk, by batch size: as the engine writes them, with FULL.
#![expect(clippy::unwrap_used, reason = "a failure here is the end of the measurement")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use homeroom_schema::contract::sample;
use homeroom_schema::records::{Append, AppendOutcome};
use homeroom_schema::{Durability, SqliteOptions, SqliteStore, Store, TimeMs};
use std::time::Duration;

/// Learners of a large school, in no order: each batch touches as many of them as it can.
const LEARNERS: u64 = 10_000;
const QUALIFICATIONS: u64 = 20;

/// Makes awards that each fit on top of the one before.
struct Awards {
    versions: Vec<u64>,
    made: u64,
    with_keys: bool,
}

impl Awards {
    fn new(with_keys: bool) -> Self {
        Self {
            versions: vec![0; LEARNERS as usize],
            made: 0,
            with_keys,
        }
    }

    fn batch(&mut self, appends: usize) -> Vec<Append> {
        (0..appends).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Append {
        self.made += 1;
        // Fibonacci hashing: scattered, and the same in every run.
        let user = (self.made.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % LEARNERS;
        let version = &mut self.versions[user as usize];
        let total = (*version + 1) * 50;
        let mut append = sample::award(user + 1, *version, 50, total, Some(user % QUALIFICATIONS + 1));
        *version += 1;
        append.key = self
            .with_keys
            .then(|| sample::key(self.made, TimeMs(self.made.cast_signed())));
        append
    }
}

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
        let options = SqliteOptions {
            directory: directory.path().to_owned(),
            durability: Durability::Full,
            readers: 1,
        };
        let store = SqliteStore::open(options).unwrap();
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

fn awards(criterion: &mut Criterion) {
    commit(criterion, "commit", false);
}

fn awards_with_keys(criterion: &mut Criterion) {
    commit(criterion, "commit_with_keys", true);
}

criterion_group!(benches, awards, awards_with_keys);
criterion_main!(benches);
