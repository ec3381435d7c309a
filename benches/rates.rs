//! What it costs to ask whether a caller may go on: one caller again and again, and many in turn.

use criterion::{Criterion, criterion_group, criterion_main};
use homeroom::auth::Principal;
use homeroom::rates::{RateSettings, Rates, Work};
use homeroom_schema::records::TokenRole;
use homeroom_schema::{TokenId, UserId};
use std::hint::black_box;

fn student(id: u64) -> Principal {
    Principal {
        token_id: TokenId::new(id).expect("an id"),
        role: TokenRole::Student,
        user_id: UserId::new(id).ok(),
        expires_at: None,
    }
}

fn benches(criterion: &mut Criterion) {
    let unlimited = Rates::new(&RateSettings {
        student_writes_per_s: 0,
        ..RateSettings::default()
    });
    let generous = Rates::new(&RateSettings {
        student_writes_per_s: 1_000_000,
        ..RateSettings::default()
    });
    let usual = Rates::new(&RateSettings::default());
    let students: Vec<Principal> = (1..=10_000).map(student).collect();
    let mut group = criterion.benchmark_group("rates");
    for (name, rates) in [("no limit", &unlimited), ("within", &generous), ("over", &usual)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(rates.take(&students[0], Work::Write).is_ok()));
        });
    }
    let mut next = 0;
    group.bench_function("10,000 in turn", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % students.len();
            black_box(generous.take(&students[next], Work::Write).is_ok())
        });
    });
    group.finish();
}

criterion_group!(rates, benches);
criterion_main!(rates);
