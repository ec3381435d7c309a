//! How figures change with the size of a class, of its teams and of its past.

use super::Report;
use super::bounds::settle;
use super::plot::Curve;
use super::runs::{Plan, Runs};
use super::school;

const RATE_AND_LATE: [&str; 2] = ["awards a second", "p99 ms"];

/// Who share the events stored.
const LEARNERS: u64 = 10_000;

pub(crate) fn curves(plan: &Plan, report: &mut Report) {
    report.say("\n## Curves");
    let plan = &plan.for_curves();
    for curve in [sessions(plan), team_size(plan), events(plan)] {
        report.say(&curve.finish(&plan.out));
    }
}

fn sessions(plan: &Plan) -> Curve {
    let mut curve = Curve::new(
        "sessions",
        "sessions in teams of 30, on own and team topics, awards over sockets as fast as they are answered",
        RATE_AND_LATE,
        "With few teams most awards fall into a change that is told anyway, at most twenty times a second a team; with more \
         teams each award is told to its own thirty. What is left for awards is what the writes to sockets leave.",
    );
    let sizes: &[u64] = if plan.is_quick {
        &[100, 1_000]
    } else {
        &[100, 300, 1_000, 3_000, 10_000]
    };
    for sessions in sizes {
        let runs = Runs::of(plan, &format!("class --sessions {sessions}"));
        let late = runs.figure("/deliveries/latency_ms/p99");
        curve.point(*sessions, runs.figure("/operations_per_second"), late);
    }
    curve
}

fn team_size(plan: &Plan) -> Curve {
    let mut curve = Curve::new(
        "team-size",
        "members of a team, 1,000 sessions, 200 awards a second",
        ["deliveries a second", "p99 ms"],
        "Small teams are many: each award moves ranks of others, and all of them are told. Large teams are few, and told at \
         most twenty times a second. A change carries the whole list of members: with a thousand, 90 KB to each session, and \
         it is the bytes that make messages late.",
    );
    let sizes: &[u64] = if plan.is_quick {
        &[5, 100]
    } else {
        &[5, 30, 100, 300, 1_000]
    };
    for size in sizes {
        let runs = Runs::of(plan, &format!("class --team-size {size} --rate 200"));
        let late = runs.figure("/deliveries/latency_ms/p99");
        curve.point(*size, runs.figure("/deliveries/per_second"), late);
    }
    curve
}

fn events(plan: &Plan) -> Curve {
    let mut curve = Curve::new(
        "events",
        "events stored, of 10,000 learners; awards of 64 callers for 1,000 others",
        RATE_AND_LATE,
        "An award touches the end of the journal and the rows of its learner, never the past: what is stored already costs \
         a level of an index now and then.",
    );
    let sizes: &[u64] = if plan.is_quick { &[1, 10] } else { &[1, 10, 100, 1_000] };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let most = school::size("HOMEROOM_BENCH_EVENTS", 1_000);
    for each in sizes.iter().filter(|each| **each <= most) {
        let directory = tempfile::TempDir::new_in(&plan.data).expect("a directory");
        runtime.block_on(school::make(directory.path(), LEARNERS, *each));
        settle(directory.path());
        let on = directory.path().to_str().expect("a path of text");
        let runs = Runs::with(plan, "earn --callers 64", &["--on", on]);
        let late = runs.figure("/latency_ms/p99");
        curve.point(each * LEARNERS, runs.figure("/operations_per_second"), late);
    }
    curve
}
