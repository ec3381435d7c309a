//! What one award costs in the pure domain: deciding and folding, on a learner with few and with many awards.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use homeroom_actors::domain::achievements::{Measures, Occasion, Outside, newly_earned};
use homeroom_actors::domain::course::Course;
use homeroom_actors::domain::rules::NextPeriods;
use homeroom_actors::domain::{
    Action, Command, Decision, Earn, EventMeta, Evidence, Learner, LearnerEvent, Rules, decide, evolve,
};
use homeroom_schema::{EventId, ReferenceId, TimeMs, UnitId, UserId};
use std::hint::black_box;
use std::time::Duration;

/// A scored quiz that happened at a moment.
fn earn_at(reference: u64, occurred_at: u64) -> Command {
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
        occurred_at: TimeMs(occurred_at as i64),
        day: 0,
        next: NextPeriods::default(),
    })
}

/// One that came in the order of its reference.
fn earn(reference: u64) -> Command {
    earn_at(reference, reference)
}

fn keep(rules: &Rules, learner: &mut Learner, command: &Command) -> Vec<LearnerEvent> {
    let Decision::Keep(events) = decide(learner, command, rules) else {
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

/// The same, and what it unlocks.
fn keep_and_look(rules: &Rules, learner: &mut Learner, command: &Command) -> (Vec<LearnerEvent>, Vec<LearnerEvent>) {
    let events = keep(rules, learner, command);
    let occasion = Occasion {
        moved: events.first().map_or(Measures::ALL, Measures::moved_by),
        cause: Some(learner.version),
        occurred_at: TimeMs(0),
    };
    let unlocked = newly_earned(learner, Course::default, Outside::default, rules, occasion);
    (events, unlocked)
}

fn learner_with(awards: u64) -> (Learner, Vec<LearnerEvent>) {
    let (mut learner, rules) = (Learner::new(UserId::MIN), Rules::shipped());
    // Even references, so that a new one falls between them.
    let stream = (1..=awards)
        .flat_map(|number| keep(&rules, &mut learner, &earn(number * 2)))
        .collect();
    (learner, stream)
}

fn awards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("domain");
    for awards in [100_u64, 5_000] {
        let (learner, stream) = learner_with(awards);
        let rules = Rules::shipped();
        // The newest of all; and one that happened before others, so that the streak is looked at as a whole.
        let (fresh, late, again) = (earn_at(awards | 1, awards * 2 + 1), earn(awards | 1), earn(2));
        for (name, command) in [("award", &fresh), ("award_late", &late)] {
            group.bench_function(BenchmarkId::new(name, awards), |bencher| {
                let copies = || learner.clone();
                let award = |copy: &mut Learner| black_box(keep(&rules, copy, command));
                bencher.iter_batched_ref(copies, award, BatchSize::SmallInput);
            });
        }
        group.bench_function(BenchmarkId::new("award_with_achievements", awards), |bencher| {
            let copies = || learner.clone();
            let award = |copy: &mut Learner| black_box(keep_and_look(&rules, copy, &fresh));
            bencher.iter_batched_ref(copies, award, BatchSize::SmallInput);
        });
        group.bench_function(BenchmarkId::new("refuse", awards), |bencher| {
            bencher.iter(|| black_box(decide(&learner, &again, &rules)));
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
