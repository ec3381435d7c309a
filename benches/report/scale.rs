//! What large schools cost: time to ready, resident memory with most learners put away, awards and reads among many.

use super::Report;
use super::bounds::settle;
use super::plot::Curve;
use super::runs::{Plan, Runs};
use super::scenarios::read_row;
use super::{school, snapshots};
use homeroom::bench::{ADMIN_TOKEN, Node};
use std::path::Path;
use tokio::runtime::Runtime;

/// Awards of each learner.
const EVENTS: u64 = 10;
/// Learners who are looked at, so that they are awake.
const AWAKE: u64 = 1_000;
/// The school whose start is measured with and without snapshots.
const STARTED: u64 = 100_000;

pub(crate) fn scale(plan: &Plan, report: &mut Report) {
    report.say(&format!(
        "\n## Large schools: {EVENTS} awards each, teams of 25, every start after kill -9\n\n| learners | snapshots | ready after s \
         (all starts) | MiB when ready | most until then | with {AWAKE} awake | and the board of all |\n| ---: | --- | ---: | ---: | ---: \
         | ---: | ---: |"
    ));
    let mut known = Curve::new(
        "learners",
        "learners known, 10 events each; awards of 64 callers for 1,000 others",
        ["awards a second", "p99 ms"],
        "Learners who are put away are rows in files: they cost an award nothing but the depth of indexes and of the board.",
    );
    let mut memory = Curve::new(
        "memory",
        "learners known, 10 events each, 1,000 of them awake",
        ["resident MiB", "ready after ms"],
        "Flat where the thousand who are awake and what the node needs for itself weigh most, then a line: a learner who is put \
         away keeps a name, a place on boards and memberships in memory, about 300 bytes, and is read once at the start.",
    );
    let sizes: &[u64] = if plan.is_quick {
        &[1_000, 10_000]
    } else {
        &[1_000, 10_000, STARTED, 1_000_000]
    };
    let most = school::size("HOMEROOM_BENCH_LEARNERS", 1_000_000);
    let runtime = Runtime::new().expect("a runtime");
    let mut largest = None;
    for learners in sizes.iter().copied().filter(|learners| *learners <= most) {
        let directory = tempfile::TempDir::new_in(&plan.data).expect("a directory");
        runtime.block_on(school::make(directory.path(), learners, EVENTS));
        settle(directory.path());
        let starts = Starts::of(plan, &runtime, directory.path(), learners, false);
        report.say(&starts.row(learners));
        memory.point(
            learners,
            starts.median(|seen| seen.with_awake),
            starts.median(|seen| seen.ready_seconds) * 1e3,
        );
        if learners == STARTED {
            let starts = Starts::of(plan, &runtime, directory.path(), learners, true);
            report.say(&starts.row(learners));
        }
        let on = directory.path().to_str().expect("a path of text");
        let runs = Runs::with(&plan.for_curves(), "earn --callers 64", &["--on", on]);
        known.point(
            learners,
            runs.figure("/operations_per_second"),
            runs.figure("/latency_ms/p99"),
        );
        largest = Some((learners, directory));
    }
    report.say(&known.finish(&plan.out));
    report.say(&memory.finish(&plan.out));
    if let Some((learners, directory)) = largest {
        reads(plan, report, learners, directory.path());
    }
}

/// Reads over HTTP from the board of the largest school.
fn reads(plan: &Plan, report: &mut Report, learners: u64, school: &Path) {
    report.say(&format!(
        "\nReads over HTTP from a board of {learners} rows, 64 connections:\n\n| what | reads a second | with one core's worth of CPU \
         | p50 ms | p99 ms |\n| --- | ---: | ---: | ---: | ---: |"
    ));
    let on = school.to_str().expect("a path of text");
    for what in ["rank", "around"] {
        let runs = Runs::with(plan, &format!("read --what {what}"), &["--on", on]);
        report.say(&read_row(what, &runs));
    }
}

/// What one start showed; memory in MiB.
struct Seen {
    ready_seconds: f64,
    at_ready: f64,
    peak: f64,
    with_awake: f64,
    with_board: f64,
}

struct Starts {
    seen: Vec<Seen>,
    /// What was done with snapshots before each start.
    snapshots: String,
}

impl Starts {
    fn of(plan: &Plan, runtime: &Runtime, school: &Path, learners: u64, without_snapshots: bool) -> Self {
        let (mut seen, mut removed) = (Vec::with_capacity(plan.runs), 0);
        for _ in 0..plan.runs {
            if without_snapshots {
                removed += snapshots::forget(school);
            }
            seen.push(runtime.block_on(start_once(school, learners)));
        }
        let snapshots = if without_snapshots {
            format!("removed, {removed} in all")
        } else {
            "there".to_owned()
        };
        Self { seen, snapshots }
    }

    fn median(&self, figure: fn(&Seen) -> f64) -> f64 {
        let figures = self.ascending(figure);
        figures[figures.len() / 2]
    }

    fn ascending(&self, figure: fn(&Seen) -> f64) -> Vec<f64> {
        let mut figures: Vec<f64> = self.seen.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures
    }

    fn row(&self, learners: u64) -> String {
        let ready = |seen: &Seen| seen.ready_seconds;
        let all: Vec<String> = self.ascending(ready).iter().map(|all| format!("{all:.2}")).collect();
        format!(
            "| {learners} | {} | {:.2} ({}) | {:.0} | {:.0} | {:.0} | {:.0} |",
            self.snapshots,
            self.median(ready),
            all.join(", "),
            self.median(|seen| seen.at_ready),
            self.median(|seen| seen.peak),
            self.median(|seen| seen.with_awake),
            self.median(|seen| seen.with_board)
        )
    }
}

async fn start_once(directory: &Path, learners: u64) -> Seen {
    let program = Path::new(env!("CARGO_BIN_EXE_homeroom"));
    let node = Node::start(program, directory, None).expect("the node gets ready");
    let (at_ready, peak) = (mib(node.resident_bytes()), mib(node.most_resident_bytes()));
    let client = reqwest::Client::new();
    let get = async |path: String| {
        let request = client
            .get(format!("http://{}{path}", node.address))
            .bearer_auth(ADMIN_TOKEN);
        let answer = request.send().await.expect("the node answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.expect("a whole answer")
    };
    let awake = AWAKE.min(learners);
    for number in 0..awake {
        let _ = get(format!("/progress/{}", school::learner(number * (learners / awake)))).await;
    }
    let with_awake = mib(node.resident_bytes());
    let _ = get("/leaderboards/all?limit=10".into()).await;
    Seen {
        ready_seconds: node.ready_after.as_secs_f64(),
        at_ready,
        peak,
        with_awake,
        with_board: mib(node.resident_bytes()),
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
