//! What live sessions cost: latency from an award sent to its message received, processor time for each award and each
//! delivery, memory of idle sessions, what stalled readers do to the others, and how long a storm of reconnects takes.
//!
//! The release binary runs as a process of its own; all sessions are sockets in one thread of this process and share the
//! machine with the node, so that latencies are upper bounds. `cargo bench --bench live` measures all parts; words choose parts
//! (`-- latency watchers awards idle stalled storm`), `--quick` takes shorter runs, `--data=DIR` another disk. Nothing is
//! measured when cargo runs it as a test.

#[path = "support/node.rs"]
mod node;
#[path = "support/swarm.rs"]
mod swarm;

use node::{Node, cpu, machine};
use std::path::{Path, PathBuf};
use std::time::Duration;
use swarm::{Swarm, Wish, awards, import};
use tempfile::TempDir;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

const TEAM_SIZE: u64 = 30;
/// Readers that take nothing.
const STALLED: u64 = 10;

/// How long is measured, and where.
struct Plan {
    measure: Duration,
    data: PathBuf,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // Cargo gives `--bench` when it measures, and not when it only runs the benches as tests.
    if !has("--bench") || has("--test") {
        return;
    }
    let data = arguments.iter().find_map(|argument| argument.strip_prefix("--data="));
    let plan = Plan {
        measure: Duration::from_secs(if has("--quick") { 4 } else { 12 }),
        data: Path::new(data.unwrap_or(env!("CARGO_TARGET_TMPDIR"))).to_owned(),
    };
    let words: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let wanted = |part: &str| words.is_empty() || words.iter().any(|word| *word == part);
    println!("{}; node and clients share them\n", machine());
    swarm::raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        if wanted("latency") {
            latency(&plan).await;
        }
        if wanted("awards") {
            cost_of_awards(&plan).await;
        }
        if wanted("watchers") {
            watchers(&plan).await;
        }
        if wanted("stalled") {
            stalled(&plan).await;
        }
        if wanted("idle") {
            idle(&plan).await;
        }
        if wanted("storm") {
            storm(&plan).await;
        }
    });
}

/// A node with so many students in teams of 30.
async fn school(plan: &Plan, students: u64) -> (TempDir, Node) {
    let directory = TempDir::new_in(&plan.data).expect("a directory");
    let node = Node::start(directory.path());
    import(node.address, students, TEAM_SIZE).await;
    (directory, node)
}

/// Processor time of the node so far.
fn busy(node: &Node) -> Duration {
    cpu(&node.id()).unwrap_or_default()
}

fn own_and_team(number: u64) -> Vec<String> {
    vec![
        format!("user:{}", number + 1),
        format!("team:{}", 1 + number / TEAM_SIZE),
    ]
}

/// From an award sent to its message received, each session on its own and its team's topic.
async fn latency(plan: &Plan) {
    println!(
        "| sessions | awards a second asked | sent | p50 ms | p99 ms | p99.9 ms |\n| ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for sessions in [30, 300, 3_000] {
        let (_directory, node) = school(plan, sessions).await;
        let swarm = Swarm::gather(node.address, sessions, own_and_team).await;
        for rate in [10, 100, 1_000] {
            swarm.forget();
            let sent = awards(node.address, &swarm, sessions, rate, plan.measure).await;
            swarm.settled(sent).await;
            let [p50, p99, p999] = swarm.percentiles_ms();
            println!("| {sessions} | {rate} | {sent} | {p50:.1} | {p99:.1} | {p999:.1} |");
        }
    }
    println!();
}

/// Processor time of the node for each award, all deliveries of it included.
async fn cost_of_awards(plan: &Plan) {
    println!(
        "| sessions, own and team topics | awards a second | deliveries an award | node CPU µs an award |\n| ---: | ---: | ---: | ---: |"
    );
    let sessions = 1_000;
    let (_directory, node) = school(plan, sessions).await;
    let swarm = Swarm::gather(node.address, sessions, own_and_team).await;
    for rate in [100, 500, 1_000, 2_000] {
        swarm.forget();
        let (before, frames) = (busy(&node), swarm.frames());
        let sent = awards(node.address, &swarm, sessions, rate, plan.measure).await;
        swarm.settled(sent).await;
        let micros = (busy(&node) - before).as_secs_f64() * 1e6 / sent as f64;
        let deliveries = (swarm.frames() - frames) as f64 / sent as f64;
        println!("| {sessions} | {rate} | {deliveries:.1} | {micros:.0} |");
    }
    println!();
}

/// A board that many watch: messages a second, and processor time of the node for each delivery.
async fn watchers(plan: &Plan) {
    println!(
        "| watchers of one board | awards a second | deliveries a second | node CPU µs a delivery |\n| ---: | ---: | ---: | ---: |"
    );
    let sessions = 3_000;
    let (_directory, node) = school(plan, sessions).await;
    let swarm = Swarm::gather(node.address, sessions, |_| vec!["board:all".to_owned()]).await;
    for rate in [10, 100, 1_000] {
        let (before, frames, began) = (busy(&node), swarm.frames(), Instant::now());
        awards(node.address, &swarm, sessions, rate, plan.measure).await;
        let deliveries = (swarm.frames() - frames) as f64;
        let micros = (busy(&node) - before).as_secs_f64() * 1e6 / deliveries;
        let a_second = deliveries / began.elapsed().as_secs_f64();
        println!("| {sessions} | {rate} | {a_second:.0} | {micros:.2} |");
    }
    println!();
}

/// The same load with ten readers of a hundred topics each that read, and that take nothing: what the others notice.
async fn stalled(plan: &Plan) {
    println!(
        "| sessions | stalled among them | p50 ms | p99 ms | node RSS MiB |\n| ---: | ---: | ---: | ---: | ---: |"
    );
    let sessions = 1_000;
    let topics = |number: u64| {
        let mut topics = own_and_team(number);
        topics.push("board:all".to_owned());
        topics
    };
    // In turns, so that what else the machine does falls on both alike.
    for are_stalled in [false, true, false, true, false, true] {
        let (_directory, node) = school(plan, sessions).await;
        let swarm = Swarm::gather(node.address, sessions - STALLED, topics).await;
        swarm.crowd(node.address, STALLED, are_stalled).await;
        swarm.forget();
        let sent = awards(node.address, &swarm, sessions - STALLED, 500, plan.measure).await;
        swarm.settled(sent).await;
        let [p50, p99, _] = swarm.percentiles_ms();
        let rss = node.rss_bytes() as f64 / (1024.0 * 1024.0);
        let stalled = if are_stalled { STALLED } else { 0 };
        println!("| {sessions} | {stalled} | {p50:.1} | {p99:.1} | {rss:.0} |");
    }
    println!();
}

/// Memory of the node for each session that does nothing: with no topic, and with its own person's, who is awake then.
async fn idle(plan: &Plan) {
    println!(
        "| idle sessions | each on | resident MiB | KiB a session | node CPU ms a second |\n| ---: | --- | ---: | ---: | ---: |"
    );
    let kinds: [(&str, Wish); 2] = [
        ("no topic", |_| Vec::new()),
        ("its own topic", |number| vec![format!("user:{}", number + 1)]),
    ];
    for (what, wish) in kinds {
        let (_directory, node) = school(plan, 8_000).await;
        let mut swarms = vec![Swarm::gather_between(node.address, 0, 100, wish).await];
        sleep(Duration::from_secs(2)).await;
        let before = node.rss_bytes();
        for (from, until) in [(100, 1_100), (1_100, 8_000)] {
            swarms.push(Swarm::gather_between(node.address, from, until, wish).await);
            sleep(Duration::from_secs(2)).await;
            let (used, began) = (busy(&node), Instant::now());
            sleep(plan.measure).await;
            let used = (busy(&node) - used).as_secs_f64() * 1e3 / began.elapsed().as_secs_f64();
            let resident = node.rss_bytes();
            let each = resident.saturating_sub(before) as f64 / 1024.0 / (until - 100) as f64;
            let resident = resident as f64 / (1024.0 * 1024.0);
            println!("| {until} | {what} | {resident:.0} | {each:.1} | {used:.1} |");
        }
    }
    println!();
}

/// The node is killed and started again: how long until all sessions are back, each by its position.
async fn storm(plan: &Plan) {
    println!("| sessions | back after s: half | 99 % | all |\n| ---: | ---: | ---: | ---: |");
    let sessions = 5_000;
    let (directory, node) = school(plan, sessions).await;
    let swarm = Swarm::gather(node.address, sessions, own_and_team).await;
    for _ in 0..3 {
        // Something to come back to.
        let sent = awards(node.address, &swarm, sessions, 500, Duration::from_secs(1)).await;
        swarm.settled(sent).await;
    }
    drop(node);
    let node = Node::start(directory.path());
    let [half, most, all] = swarm.come_back(node.address).await;
    println!("| {sessions} | {half:.1} | {most:.1} | {all:.1} |\n");
}
