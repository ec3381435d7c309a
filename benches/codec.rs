//! The envelope of snapshots: a learner's worth of awards into bytes and back, checksum included.

#[path = "support/quick.rs"]
mod quick;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use homeroom_schema::codec::{decode_envelope, encode};
use std::hint::black_box;

/// What a snapshot keeps of an award: action, reference, event, points, version, moment, unit and score.
type Award = (u8, u64, u64, u32, u64, i64, Option<u64>, Option<f64>);

fn awards(count: u64) -> Vec<Award> {
    (1..=count)
        .map(|number| {
            let at = 1_772_000_000_000 + number.cast_signed() * 60_000;
            (1, number, number * 977, 50, number, at, Some(number % 40), Some(0.9))
        })
        .collect()
}

fn snapshots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for count in [100_u64, 1_000] {
        let state = awards(count);
        let bytes = encode(2, &state).expect("the state fits into an envelope");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("encode", count), |bencher| {
            bencher.iter(|| black_box(encode(2, &state)));
        });
        group.bench_function(BenchmarkId::new("decode", count), |bencher| {
            bencher.iter(|| {
                let envelope = decode_envelope(&bytes).expect("whole bytes");
                black_box(envelope.decode::<Vec<Award>>().expect("the same state"))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = quick::quick();
    targets = snapshots
}
criterion_main!(benches);
