//! Every figure and curve of the README in one run: `make bench` writes `target/bench/report.md` with its plots.
//!
//! The load generator drives the release binary in processes of their own, one run after the other; each row is the run in the
//! middle of five, by what it did a second. Beside it, in the same minutes, stand what bounds it: how often this disk makes 4 KiB
//! durable, and the baseline of `benches/baseline`, loaded by the same generator. `-- --quick` takes one short run of each,
//! words choose parts (`-- earn class board read idle storm curves baseline`). `HOMEROOM_BENCH_LEARNERS` and
//! `HOMEROOM_BENCH_EVENTS` (of each of 1,000) bound the largest schools of the curves. Nothing is measured when cargo runs it as a test.

#[path = "report/baseline.rs"]
mod baseline;
#[path = "report/plot.rs"]
mod plot;
#[path = "support/school.rs"]
mod school;

use baseline::Baseline;
use homeroom::bench::machine;
use plot::Curve;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long and how often is measured, where, and what.
struct Plan {
    runs: usize,
    seconds: &'static str,
    data: PathBuf,
    out: PathBuf,
    is_quick: bool,
    words: Vec<String>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // Cargo gives `--bench` when it measures, and not when it only runs the benches as tests.
    if !has("--bench") || has("--test") {
        return;
    }
    let is_quick = has("--quick");
    let data = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let plan = Plan {
        runs: if is_quick { 1 } else { 5 },
        seconds: if is_quick { "4" } else { "8" },
        data: data.to_owned(),
        out: data.parent().unwrap_or(data).join("bench"),
        is_quick,
        words: arguments
            .iter()
            .filter(|word| !word.starts_with('-'))
            .cloned()
            .collect(),
    };
    fs::create_dir_all(&plan.out).expect("a directory for the report");
    let mut report = Report::new(&plan);
    for (part, measure) in PARTS {
        if plan.words.is_empty() || plan.words.iter().any(|word| word == part) {
            measure(&plan, &mut report);
        }
    }
    println!("\n{}", report.path.display());
}

type Part = fn(&Plan, &mut Report);

const PARTS: [(&str, Part); 8] = [
    ("earn", earn),
    ("class", class),
    ("board", board),
    ("read", read),
    ("idle", idle),
    ("storm", storm),
    ("curves", curves),
    ("baseline", against_the_baseline),
];

/// The Markdown so far: written after every row, so that nothing is lost when a long run is stopped.
struct Report {
    path: PathBuf,
    text: String,
}

impl Report {
    fn new(plan: &Plan) -> Self {
        let each = if plan.runs == 1 {
            "one run".to_owned()
        } else {
            format!("the median of {} runs", plan.runs)
        };
        Self {
            path: plan.out.join("report.md"),
            text: format!(
                "# What Homeroom does on this machine\n\n{}; node, generator and everything else share them. Release build, \
                 `synchronous=FULL`; each row is {each} of {} seconds.\n",
                machine(),
                plan.seconds
            ),
        }
    }

    fn say(&mut self, lines: &str) {
        println!("{lines}");
        self.text.push_str(lines);
        self.text.push('\n');
        fs::write(&self.path, &self.text).expect("the report can be written");
    }
}

/// What runs of one scenario have shown.
struct Runs(Vec<Value>);

impl Runs {
    /// Runs a scenario as often as the plan says.
    fn of(plan: &Plan, words: &str) -> Self {
        let data = plan.data.to_str().expect("a path of text").to_owned();
        Self::with(plan, words, &["--data", &data])
    }

    fn with(plan: &Plan, words: &str, more: &[&str]) -> Self {
        let mut runs: Vec<Value> = (0..plan.runs).map(|_| run(plan, words, more)).collect();
        runs.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
        Self(runs)
    }

    /// A figure of the run in the middle.
    fn figure(&self, pointer: &str) -> f64 {
        let middle = &self.0[self.0.len() / 2];
        middle.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// Operations a second of all runs, ascending.
    fn rates(&self) -> String {
        let rates: Vec<String> = self.0.iter().map(|run| format!("{:.0}", rate(run))).collect();
        rates.join(", ")
    }
}

fn rate(run: &Value) -> f64 {
    run["operations_per_second"].as_f64().unwrap_or_default()
}

fn run(plan: &Plan, words: &str, more: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homeroom"));
    command.arg("bench").args(words.split(' ')).args(more);
    command.args(["--seconds", plan.seconds, "--json"]);
    let ran = command.output().expect("the binary runs");
    assert!(
        ran.status.success(),
        "{words}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let report: Value = serde_json::from_slice(&ran.stdout).expect("a report");
    for nought in [
        "points_acknowledged_but_not_on_the_board",
        "awards_not_heard_of",
        "sessions_lost",
    ] {
        assert!(report[nought].as_f64().unwrap_or_default() == 0.0, "{words}: {report}");
    }
    report
}

fn earn(plan: &Plan, report: &mut Report) {
    report.say(
        "\n## Durable awards\n\n| how | awards a second (all runs) | p50 ms | p99 ms | p99.9 ms | node CPU µs | generator CPU µs | \
         written KiB | fsyncs a second of the disk |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    );
    for (name, words) in [
        ("HTTP, 1 caller", "earn --callers 1"),
        ("HTTP, 16 callers", "earn --callers 16"),
        ("HTTP, 256 callers", "earn --callers 256"),
        ("HTTP, 256 callers, each with a key", "earn --callers 256 --keyed"),
        ("16 sockets, 64 under way on each", "earn --sockets 16"),
        ("open loop, 16 sockets, 5,000 a second", "earn --sockets 16 --rate 5000"),
    ] {
        let fsyncs = fsyncs_a_second(&plan.data, Duration::from_millis(500));
        let runs = Runs::of(plan, words);
        report.say(&format!(
            "| {name} | {:.0} ({}) | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.1} | {fsyncs:.0} |",
            runs.figure("/operations_per_second"),
            runs.rates(),
            runs.figure("/latency_ms/p50"),
            runs.figure("/latency_ms/p99"),
            runs.figure("/latency_ms/p999"),
            runs.figure("/node/cpu_us_per_operation"),
            runs.figure("/generator_cpu_us_per_operation"),
            runs.figure("/node/written_kib_per_operation"),
        ));
    }
}

fn class(plan: &Plan, report: &mut Report) {
    report.say(
        "\n## A class: everybody on their own and their team's topic, teams of 30\n\n| sessions, awards a second | to own message: \
         p50 ms | p99 ms | p99.9 ms | deliveries an award | node CPU µs an award | µs a delivery | node MiB |\n| --- | ---: | ---: | \
         ---: | ---: | ---: | ---: | ---: |",
    );
    let mut row = |name: &str, words: &str| {
        let runs = Runs::of(plan, words);
        let operations = runs.figure("/operations");
        report.say(&format!(
            "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.1} | {:.0} |",
            runs.figure("/deliveries/latency_ms/p50"),
            runs.figure("/deliveries/latency_ms/p99"),
            runs.figure("/deliveries/latency_ms/p999"),
            runs.figure("/deliveries/count") / operations,
            runs.figure("/node/cpu_us_per_operation"),
            runs.figure("/node/cpu_us_per_delivery"),
            runs.figure("/node/memory_mib"),
        ));
    };
    for sessions in [30, 300, 3_000] {
        for rate in [10, 100, 1_000] {
            row(
                &format!("{sessions}, {rate}"),
                &format!("class --sessions {sessions} --rate {rate}"),
            );
        }
    }
    row("1,000, 500", "class --rate 500");
    row(
        "1,000, 500; 10 more that follow 100 people each",
        "class --rate 500 --crowd 10",
    );
    row(
        "1,000, 500; 10 more that do and take nothing",
        "class --rate 500 --crowd 10 --stalled",
    );
    row("1,000, as fast as they are answered", "class");
}

fn board(plan: &Plan, report: &mut Report) {
    report.say(
        "\n## A board with 3,000 watchers\n\n| boards each, awards a second | deliveries a second | with one core's worth of CPU | \
         node CPU µs a delivery | bytes each |\n| --- | ---: | ---: | ---: | ---: |",
    );
    for (boards, rate) in [(1, 10), (1, 100), (1, 1_000), (5, 10), (5, 100)] {
        let runs = Runs::of(plan, &format!("board --boards {boards} --rate {rate}"));
        report.say(&format!(
            "| {boards}, {rate} | {:.0} | {:.0} | {:.1} | {:.0} |",
            runs.figure("/deliveries/per_second"),
            runs.figure("/deliveries_per_core_second"),
            runs.figure("/node/cpu_us_per_delivery"),
            runs.figure("/deliveries/mean_bytes"),
        ));
    }
}

fn read(plan: &Plan, report: &mut Report) {
    report.say(
        "\n## Reads over HTTP, 64 connections\n\n| what | reads a second | with one core's worth of CPU | p50 ms | p99 ms |\n| --- | \
         ---: | ---: | ---: | ---: |",
    );
    for what in ["rank", "around", "board", "progress"] {
        for etag in ["", " --etag"] {
            let runs = Runs::of(plan, &format!("read --what {what}{etag}"));
            let with = if etag.is_empty() { "" } else { ", with its ETag" };
            report.say(&format!(
                "| {what}{with} | {:.0} | {:.0} | {:.2} | {:.2} |",
                runs.figure("/operations_per_second"),
                runs.figure("/reads_per_core_second"),
                runs.figure("/latency_ms/p50"),
                runs.figure("/latency_ms/p99"),
            ));
        }
    }
}

fn idle(plan: &Plan, report: &mut Report) {
    report.say("\n## Sessions that do nothing\n\n| sessions | KiB for each | node MiB |\n| --- | ---: | ---: |");
    for (name, words) in [
        ("1,000, no topic", "idle --sessions 1000"),
        ("8,000, no topic", "idle"),
        ("8,000, each on its own person's topic", "idle --own-topic"),
    ] {
        let runs = Runs::of(plan, words);
        let (each, all) = (
            runs.figure("/resident_kib_per_session"),
            runs.figure("/node/memory_mib"),
        );
        report.say(&format!("| {name} | {each:.1} | {all:.0} |"));
    }
}

fn storm(plan: &Plan, report: &mut Report) {
    let runs = Runs::of(plan, "storm");
    report.say(&format!(
        "\n## A storm of reconnects\n\n5,000 sessions back by position after kill -9 and a start: node ready after {:.2} s, then half \
         after {:.2} s, all after {:.2} s.",
        runs.figure("/node_ready_after_seconds"),
        runs.figure("/half_back_after_seconds"),
        runs.figure("/all_back_after_seconds")
    ));
}

fn curves(plan: &Plan, report: &mut Report) {
    report.say("\n## Curves");
    let sessions: &[u64] = if plan.is_quick {
        &[100, 1_000]
    } else {
        &[100, 300, 1_000, 3_000, 10_000]
    };
    let mut curve = Curve::new(
        "sessions",
        "sessions, in teams of 30, on own and team topics; awards as fast as they are answered",
    );
    for sessions in sessions {
        let runs = Runs::of(plan, &format!("class --sessions {sessions}"));
        curve.point(
            *sessions,
            runs.figure("/operations_per_second"),
            runs.figure("/deliveries/latency_ms/p99"),
        );
    }
    report.say(&curve.finish(&plan.out));
    let sizes: &[u64] = if plan.is_quick {
        &[5, 100]
    } else {
        &[5, 30, 100, 300, 1_000]
    };
    let mut curve = Curve::new(
        "team-size",
        "members of a team, 1,000 sessions, 200 awards a second: deliveries",
    );
    for size in sizes {
        let runs = Runs::of(plan, &format!("class --team-size {size} --rate 200"));
        curve.point(
            *size,
            runs.figure("/deliveries/per_second"),
            runs.figure("/deliveries/latency_ms/p99"),
        );
    }
    report.say(&curve.finish(&plan.out));
    let schools: &[u64] = if plan.is_quick {
        &[1_000, 10_000]
    } else {
        &[1_000, 10_000, 100_000, 1_000_000]
    };
    let (mut known, mut memory) = (
        Curve::new(
            "learners",
            "learners known, 10 events each; awards for 1,000 of them, 64 callers",
        ),
        Curve::new(
            "memory",
            "learners known, 1,000 awake: resident MiB (and ms until ready)",
        ),
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let most = school::size("HOMEROOM_BENCH_LEARNERS", 1_000_000);
    for learners in schools.iter().filter(|learners| **learners <= most) {
        let directory = tempfile::TempDir::new_in(&plan.data).expect("a directory");
        runtime.block_on(school::make(directory.path(), *learners, 10));
        let on = directory.path().to_str().expect("a path of text");
        let runs = Runs::with(plan, "earn --callers 64", &["--on", on]);
        known.point(
            *learners,
            runs.figure("/operations_per_second"),
            runs.figure("/latency_ms/p99"),
        );
        let ready_ms = runs.figure("/node_ready_after_seconds") * 1e3;
        memory.point(*learners, runs.figure("/node/memory_mib"), ready_ms);
    }
    report.say(&known.finish(&plan.out));
    report.say(&memory.finish(&plan.out));
    let events: &[u64] = if plan.is_quick {
        &[10, 100]
    } else {
        &[10, 100, 1_000, 10_000]
    };
    let mut curve = Curve::new("events", "events stored, of 1,000 learners; awards of 64 callers");
    let most = school::size("HOMEROOM_BENCH_EVENTS", 10_000);
    for each in events.iter().filter(|each| **each <= most) {
        let directory = tempfile::TempDir::new_in(&plan.data).expect("a directory");
        runtime.block_on(school::make(directory.path(), 1_000, *each));
        let on = directory.path().to_str().expect("a path of text");
        let runs = Runs::with(plan, "earn --callers 64", &["--on", on]);
        curve.point(
            each * 1_000,
            runs.figure("/operations_per_second"),
            runs.figure("/latency_ms/p99"),
        );
    }
    report.say(&curve.finish(&plan.out));
}

fn against_the_baseline(plan: &Plan, report: &mut Report) {
    let baseline = match Baseline::start(&plan.data) {
        Ok(baseline) => baseline,
        Err(why) => {
            report.say(&format!("\n## Against the baseline\n\n!! LEFT OUT: {why}"));
            return;
        }
    };
    report.say(
        "\n## Against the baseline (FastAPI, PostgreSQL, Redis; `benches/baseline`)\n\n| what | baseline | Homeroom | ratio |\n| --- | \
         ---: | ---: | ---: |",
    );
    let flags = baseline.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    for (name, words, pointer) in [
        ("durable awards a second, 256 callers", "earn", "/operations_per_second"),
        ("p99 of them, ms", "earn", "/latency_ms/p99"),
        ("CPU an award, µs", "earn", "/node/cpu_us_per_operation"),
        (
            "class of 1,000, 64 callers: awards a second",
            "class --callers 64",
            "/operations_per_second",
        ),
        (
            "CPU an award with all deliveries, µs",
            "class --callers 64",
            "/node/cpu_us_per_operation",
        ),
        (
            "class of 1,000 at 50 a second: own message after, p99 ms",
            "class --rate 50 --callers 64",
            "/deliveries/latency_ms/p99",
        ),
        (
            "CPU an award with all deliveries, µs",
            "class --rate 50 --callers 64",
            "/node/cpu_us_per_operation",
        ),
        (
            "rank and neighbours, reads a second",
            "read --what around",
            "/operations_per_second",
        ),
    ] {
        // In turns, so that what else the machine does falls on both alike.
        let theirs = Runs::with(plan, words, &flags).figure(pointer);
        let ours = Runs::of(plan, words).figure(pointer);
        let ratio = if pointer.ends_with("second") {
            ours / theirs
        } else {
            theirs / ours
        };
        report.say(&format!("| {name} | {theirs:.1} | {ours:.1} | {ratio:.1} |"));
    }
}

/// How often this disk makes 4 KiB durable, one caller, nothing else: the floor under every commit.
fn fsyncs_a_second(directory: &Path, how_long: Duration) -> f64 {
    let path = directory.join("fsyncs");
    let timed = || -> io::Result<f64> {
        let mut file = File::create(&path)?;
        let (start, mut count) = (Instant::now(), 0.0);
        while start.elapsed() < how_long {
            file.write_all(&[0x5a; 4096])?;
            file.sync_data()?;
            count += 1.0;
        }
        Ok(count / start.elapsed().as_secs_f64())
    };
    let rate = timed().expect("the disk can be written");
    fs::remove_file(&path).expect("what was written can be removed");
    rate
}
