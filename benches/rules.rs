//! What rules cost: one award under limits of every kind beside one under the shipped rules, and a history seen anew under
//! other rules, which is what a preview does for each learner.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use homeroom_actors::domain::achievements::Outside;
use homeroom_actors::domain::course::Course;
use homeroom_actors::domain::rules::replay::Replay;
use homeroom_actors::domain::rules::{AtCap, AwardsPerWindow, Bonus, Cap, CapSpan, NextPeriods};
use homeroom_actors::domain::{
    Action, Command, Decision, Earn, EventMeta, Evidence, Learner, LearnerEvent, Rules, decide, evolve,
};
use homeroom_schema::{EventId, ReferenceId, TimeMs, UserId};
use std::hint::black_box;
use std::time::Duration;

const HOUR: i64 = 60 * 60 * 1_000;

/// Awards of two actions in turn, one an hour.
fn earn(number: u64) -> Command {
    let occurred_at = TimeMs(number as i64 * HOUR);
    Command::Earn(Earn {
        action: Action::ALL[(number % 2) as usize],
        reference: ReferenceId::new(number).expect("small numbers are ids"),
        unit: None,
        qualification: None,
        teams: Vec::new(),
        evidence: Evidence {
            score: Some(0.9),
            ..Evidence::default()
        },
        par_ms: None,
        occurred_at,
        day: (occurred_at.0 / (24 * HOUR)) as i32,
        next: NextPeriods::default(),
    })
}

/// A limit of every kind, none of which refuses these awards, so that what is compared does the same.
fn limited() -> Rules {
    let mut rules = Rules::shipped();
    let cap = |per| Cap {
        actions: Vec::new(),
        points: 1_000_000_000,
        per,
        at_cap: AtCap::Partial,
    };
    let everywhere = &mut rules.everywhere;
    everywhere.caps = vec![
        cap(CapSpan::Day),
        cap(CapSpan::Week),
        cap(CapSpan::RollingMs(24 * HOUR)),
    ];
    everywhere.bonuses.push(Bonus {
        actions: Vec::new(),
        percent: 150,
        from: TimeMs(0),
        to: TimeMs(HOUR),
    });
    for action in &mut everywhere.actions {
        action.cooldown_ms = 1_000;
        action.windows.push(AwardsPerWindow {
            awards: 30,
            within_ms: 24 * HOUR,
        });
    }
    rules
}

fn keep(learner: &mut Learner, command: &Command, rules: &Rules) -> Vec<(LearnerEvent, EventMeta)> {
    let Decision::Keep(events) = decide(learner, command, rules) else {
        return Vec::new();
    };
    let kept = events.into_iter().map(|event| {
        let version = learner.version.plus(1);
        let meta = EventMeta {
            event_id: EventId::new(version.0).unwrap_or(EventId::MIN),
            version,
        };
        evolve(learner, &event, meta);
        (event, meta)
    });
    kept.collect()
}

fn learner_with(awards: u64) -> (Learner, Vec<(LearnerEvent, EventMeta)>) {
    let mut learner = Learner::new(UserId::MIN);
    let shipped = Rules::shipped();
    let numbers = 1..=awards;
    let stream = numbers
        .flat_map(|number| keep(&mut learner, &earn(number), &shipped))
        .collect();
    (learner, stream)
}

fn rules(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules");
    let all = [("shipped", Rules::shipped()), ("limited", limited())];
    for awards in [100_u64, 1_000] {
        let (learner, stream) = learner_with(awards);
        let next = earn(awards + 1);
        for (name, rules) in &all {
            group.throughput(Throughput::Elements(1));
            group.bench_function(BenchmarkId::new(format!("earn/{name}"), awards), |bencher| {
                let copies = || learner.clone();
                bencher.iter_batched_ref(
                    copies,
                    |copy| black_box(keep(copy, &next, rules)),
                    BatchSize::SmallInput,
                );
            });
            group.throughput(Throughput::Elements(awards));
            group.bench_function(BenchmarkId::new(format!("anew/{name}"), awards), |bencher| {
                bencher.iter(|| {
                    let mut replay = Replay::new(UserId::MIN, rules, 2);
                    for (event, meta) in &stream {
                        replay.take(event, *meta);
                    }
                    let around = (&Course::default(), &Outside::default());
                    black_box(replay.adjustment(around, TimeMs(0), true))
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = rules
}
criterion_main!(benches);
