//! A million events seen anew under other rules, through the store: how long a preview takes that reads, folds and decides
//! everything again.
//!
//! `HOMEROOM_BENCH_EVENTS` and `HOMEROOM_BENCH_RUNS` make it larger or smaller.

#[path = "support/history.rs"]
mod history;
#[path = "support/school.rs"]
mod school;

use history::{DAY_MS, LEARNERS, earn};
use homeroom_actors::domain::Rules;
use homeroom_actors::domain::rules::{AtCap, AwardsPerWindow, Cap, CapSpan};
use school::size;
use std::time::Instant;

/// Other points for each action.
fn repriced() -> Rules {
    let mut rules = Rules::shipped();
    for action in &mut rules.everywhere.actions {
        action.points += 5;
    }
    rules
}

/// A limit of every kind, some of which refuse.
fn limited() -> Rules {
    let mut rules = Rules::shipped();
    let cap = |points, per| Cap {
        actions: Vec::new(),
        points,
        per,
        at_cap: AtCap::Partial,
    };
    let day_ms = DAY_MS.cast_signed();
    rules.everywhere.caps = vec![
        cap(200, CapSpan::Day),
        cap(1_000, CapSpan::Week),
        cap(150, CapSpan::RollingMs(day_ms)),
    ];
    for action in &mut rules.everywhere.actions {
        action.cooldown_ms = 60_000;
        action.windows.push(AwardsPerWindow {
            awards: 8,
            within_ms: day_ms,
        });
    }
    rules
}

#[tokio::main]
async fn main() {
    let events = size("HOMEROOM_BENCH_EVENTS", 1_000_000);
    let runs = size("HOMEROOM_BENCH_RUNS", 3);
    let directory = tempfile::tempdir().expect("a directory");
    school::make(directory.path(), LEARNERS, 0).await;
    let engine = school::start(directory.path()).await;
    earn(&engine, 0..events).await;
    println!(
        "{events} events of {LEARNERS} learners\n\n| rules | median | people with other points |\n| --- | --- | --- |"
    );
    for (name, rules) in [("other points", repriced()), ("limits of every kind", limited())] {
        let (mut times, mut changed) = (Vec::new(), 0);
        for _ in 0..runs {
            let started = Instant::now();
            let preview = engine.preview_rules(rules.clone(), None, 1).await;
            times.push(started.elapsed().as_secs_f64());
            let totals = preview.expect("a preview").totals.expect("totals from the start");
            changed = totals.gaining.0 + totals.losing.0;
        }
        times.sort_by(f64::total_cmp);
        println!("| {name} | {:.2} s | {changed} |", times[times.len() / 2]);
    }
    engine.stop().await;
}
