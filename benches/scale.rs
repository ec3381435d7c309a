//! What a large school costs before anybody comes: time to ready and resident memory of the release binary, with most
//! learners put away.
//!
//! `cargo bench --bench scale` makes a school of `HOMEROOM_BENCH_LEARNERS` (default 10,000) with `HOMEROOM_BENCH_EVENTS` awards
//! each (default 10), starts the node on it five times, wakes a thousand learners and reads the board of everybody.
//! `HOMEROOM_BENCH_SCHOOL=DIR` keeps the school there for the next run. Nothing is measured when cargo runs it as a test.

#[path = "support/school.rs"]
mod school;

use homeroom::bench::{ADMIN_TOKEN, Node, machine};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;

const STARTS: usize = 5;
const AWAKE: u64 = 1_000;

/// What one start showed.
struct Seen {
    ready_after: Duration,
    at_ready: u64,
    peak: u64,
    with_awake: u64,
    with_board: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|word| word == "--bench") || arguments.iter().any(|word| word == "--test") {
        return;
    }
    let runtime = Runtime::new().expect("a runtime");
    let learners = school::size("HOMEROOM_BENCH_LEARNERS", 10_000);
    let events = school::size("HOMEROOM_BENCH_EVENTS", 10);
    let scratch = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let kept = std::env::var_os("HOMEROOM_BENCH_SCHOOL").map(PathBuf::from);
    let directory = kept.as_deref().unwrap_or(scratch.path());
    if !directory.join("homeroom.sqlite3").exists() {
        runtime.block_on(school::make(directory, learners, events));
    }
    println!(
        "{}; {learners} learners in teams of 25, {} events, database of {} MiB, {AWAKE} learners woken\n",
        machine(),
        learners * events,
        mib(size_of_file(&directory.join("homeroom.sqlite3")))
    );
    println!(
        "| start | ready after | RSS when ready | peak until then | RSS with {AWAKE} awake | and the board of all |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut seen: Vec<Seen> = (0..STARTS)
        .map(|start| {
            let seen = runtime.block_on(start_once(directory, learners));
            println!("| {} {}", start + 1, seen.row());
            seen
        })
        .collect();
    seen.sort_by_key(|seen| seen.ready_after);
    println!("| median {}", seen[STARTS / 2].row());
}

async fn start_once(directory: &Path, learners: u64) -> Seen {
    let program = Path::new(env!("CARGO_BIN_EXE_homeroom"));
    let node = Node::start(program, directory).expect("the node gets ready");
    let (at_ready, peak) = (node.resident_bytes(), node.most_resident_bytes());
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
    let with_awake = node.resident_bytes();
    let _ = get("/leaderboards/all?limit=10".into()).await;
    Seen {
        ready_after: node.ready_after,
        at_ready,
        peak,
        with_awake,
        with_board: node.resident_bytes(),
    }
}

impl Seen {
    fn row(&self) -> String {
        format!(
            "| {:.2} s | {} MiB | {} MiB | {} MiB | {} MiB |",
            self.ready_after.as_secs_f64(),
            mib(self.at_ready),
            mib(self.peak),
            mib(self.with_awake),
            mib(self.with_board)
        )
    }
}

fn mib(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

fn size_of_file(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
