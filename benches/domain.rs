//! What one award costs in the pure domain: deciding and folding, on a learner with few and with many awards.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use homeroom_actors::domain::rules::NextPeriods;
use homeroom_actors::domain::{
    Action, Command, Decision, Earn, EventMeta, Evidence, Learner, LearnerEvent, Rules, decide, evolve,
};
use homeroom_schema::{EventId, ReferenceId, TimeMs, UnitId, UserId};
use std::hint::black_box;
use std::time::Duration;

fn earn(reference: u64) -> Command {
    Command::Earn(Earn {
        action: Action::CompleteQuiz,
        reference: ReferenceId::new(reference).expect("small numbers are ids"),
        unit: UnitId::new(reference).ok(),
        qualification: None,
        teams: Vec::new(),
        evidence: Evidence {
            score: Some(0.9),
            ..Evidence::default()
        },
        par_ms: None,
        occurred_at: TimeMs(reference as i64),
        day: 0,
        next: NextPeriods::default(),
    })
}

fn keep(learner: &mut Learner, command: &Command) -> Vec<LearnerEvent> {
    let Decision::Keep(events) = decide(learner, command, &Rules::shipped()) else {
        return Vec::new();
    };
    for event in &events {
        let version = learner.version.plus(1);
        evolve(
            learner,
            event,
            EventMeta {
                event_id: EventId::MIN,
                version,
            },
        );
    }
    events
}

fn learner_with(awards: u64) -> (Learner, Vec<LearnerEvent>) {
    let mut learner = Learner::new(UserId::MIN);
    // Even references, so that a new one falls between them.
    let stream = (1..=awards)
        .flat_map(|number| keep(&mut learner, &earn(number * 2)))
        .collect();
    (learner, stream)
}

fn awards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("domain");
    for awards in [100_u64, 5_000] {
        let (learner, stream) = learner_with(awards);
        let (fresh, again) = (earn(awards | 1), earn(2));
        group.bench_function(BenchmarkId::new("award", awards), |bencher| {
            let copies = || learner.clone();
            bencher.iter_batched_ref(copies, |copy| black_box(keep(copy, &fresh)), BatchSize::SmallInput);
        });
        group.bench_function(BenchmarkId::new("refuse", awards), |bencher| {
            bencher.iter(|| black_box(decide(&learner, &again, &Rules::shipped())));
        });
        group.bench_function(BenchmarkId::new("replay", awards), |bencher| {
            bencher.iter(|| {
                let mut replayed = Learner::new(UserId::MIN);
                for event in &stream {
                    let version = replayed.version.plus(1);
                    evolve(
                        &mut replayed,
                        event,
                        EventMeta {
                            event_id: EventId::MIN,
                            version,
                        },
                    );
                }
                black_box(replayed.total)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1));
    targets = awards
}
criterion_main!(benches);
