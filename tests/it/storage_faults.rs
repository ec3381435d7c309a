//! F-D4 to F-D7: the disk is full, fails to sync, fails to write, or is held by somebody else, while a class works. What
//! was acknowledged is kept, what was not is refused, and all goes on by itself when the fault is over.

use crate::support::{
    Answer, Class, Client, History, NodeProcess, Progress, Random, Socket, Strace, database, left_out, report_row,
    soak, store,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PEOPLE: u64 = 8;
/// How long the store waits for a lock of somebody else.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A class with a writer that remembers everything.
struct School {
    history: History,
    progress: Arc<Progress>,
    random: Random,
}

impl School {
    async fn new(node: &NodeProcess, what: &str) -> Self {
        Class::import(&node.admin(), 0, PEOPLE).await;
        Self {
            history: History::default(),
            progress: Arc::default(),
            random: Random::seeded(what),
        }
    }

    async fn write(&mut self, client: &Client) -> Option<Answer> {
        self.history
            .attempt(client, PEOPLE, &mut self.random, &self.progress)
            .await
    }

    /// Writes until one is acknowledged, and says how long that took.
    async fn until_kept(&mut self, client: &Client) -> Duration {
        let begun = Instant::now();
        loop {
            if self.write(client).await.is_some_and(|answer| answer.status < 300) {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "writes do not resume");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Settles what is unknown, and requires that everything acknowledged is there once and all sums agree.
    async fn settle(&mut self, client: &Client) {
        self.history.settle(client).await;
        self.history.check(client, PEOPLE).await;
    }
}

#[track_caller]
fn must_be_refused(answer: &Answer) {
    assert!(matches!(answer.status, 503 | 507), "{}: {}", answer.status, answer.text);
    assert!(answer.headers.contains_key("retry-after"), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

/// Reads are answered, and the socket too.
async fn must_live(client: &Client, socket: &mut Socket) {
    client.get("/progress/1").await.expect(200);
    client.get("/leaderboards/all").await.expect(200);
    let pong = socket.request_reply(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong", "{pong}");
}

/// MB of the small disk. The log may take 64 MiB under load without a pause: where that is all of the disk, only freeing
/// space of others helps, so the long version has more.
fn small_disk_mb() -> u32 {
    if soak() { 128 } else { 16 }
}

/// A node whose data lies on a small file system of its own, seen by nobody else and gone with it.
async fn on_a_small_disk(place: &Path) -> Option<NodeProcess> {
    let mount = format!(
        "mount -t tmpfs -o size={}m tmpfs '{}'",
        small_disk_mb(),
        place.display()
    );
    for unshare in ["-m", "-rm"] {
        let mut probe = tokio::process::Command::new("unshare");
        probe.args([unshare, "sh", "-c", &mount]);
        let probed = probe.output().await;
        if !probed.is_ok_and(|output| output.status.success()) {
            continue;
        }
        let serve = format!(
            "{mount} && exec '{}' serve --data '{}/data' --listen 127.0.0.1:0",
            env!("CARGO_BIN_EXE_homeroom"),
            place.display()
        );
        let mut command = NodeProcess::command_of("unshare");
        command.args([unshare, "sh", "-c", &serve]);
        command.env("HOMEROOM_ADMIN_TOKEN", crate::support::ADMIN_TOKEN);
        let mut node = NodeProcess::run(command);
        node.ready().await;
        return Some(node);
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd4_a_full_disk_refuses_writes_and_nothing_else_until_there_is_room() {
    let place = store::directory_of_files();
    let Some(node) = on_a_small_disk(place.path()).await else {
        left_out("F-D4", "a full disk", "this user may not mount a file system");
        return;
    };
    let admin = node.admin();
    let mut school = School::new(&node, "a full disk").await;
    let mut socket = Socket::connect(&admin).await;
    let ballast = PathBuf::from(format!("/proc/{}/root{}/ballast", node.pid(), place.path().display()));
    let (rounds, writes) = if soak() { (40, 40) } else { (2, 40) };
    let (mut refused, mut resumed) = (0, Duration::ZERO);
    for _ in 0..rounds {
        for _ in 0..20 {
            school.until_kept(&admin).await;
        }
        fill(&ballast);
        // The log has blocks of its own to write over before it has to grow.
        let mut tries = 0;
        loop {
            tries += 1;
            assert!(tries < 10_000, "the disk is never full");
            if school.write(&admin).await.is_some_and(|answer| answer.status >= 500) {
                break;
            }
        }
        for number in 0..writes {
            let answer = school.write(&admin).await.expect("an answer");
            must_be_refused(&answer);
            refused += 1;
            if number % 20 == 0 {
                must_live(&admin, &mut socket).await;
            }
        }
        std::fs::remove_file(&ballast).unwrap();
        resumed = resumed.max(school.until_kept(&admin).await);
        school.settle(&admin).await;
    }
    assert!(resumed < Duration::from_secs(5), "{resumed:?}");
    let outcome = format!(
        "0 acknowledged while full, {} acknowledged in all and kept once; writes resumed after {resumed:?} at the most",
        school.history.acknowledged
    );
    let what = format!("disk full ({} MB tmpfs), refused writes", small_disk_mb());
    report_row("F-D4", &what, refused, &outcome);
}

/// Takes every byte that is left.
fn fill(ballast: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(ballast).unwrap();
    for bytes in [1 << 20, 4_096, 512, 1] {
        let block = vec![0xA5; bytes];
        while file.write_all(&block).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd5_a_failed_sync_is_never_believed() {
    if !Strace::is_here("F-D5", "fsync fails with EIO").await {
        return;
    }
    let directory = store::directory_of_files();
    let mut node = NodeProcess::start(directory.path()).await;
    let mut school = School::new(&node, "fsync fails").await;
    let mut socket = Socket::connect(&node.admin()).await;
    let (rounds, writes) = if soak() { (20, 50) } else { (2, 10) };
    let (mut happened, mut refused) = (0, 0);
    for _ in 0..rounds {
        let admin = node.admin();
        for _ in 0..10 {
            school.until_kept(&admin).await;
        }
        let strace = Strace::attach(&node, "fsync,fdatasync", "error=EIO").await;
        for _ in 0..writes {
            let answer = school.write(&admin).await.expect("an answer");
            must_be_refused(&answer);
            refused += 1;
        }
        must_live(&admin, &mut socket).await;
        happened += strace.detach().await;
        school.until_kept(&admin).await;
        school.settle(&admin).await;
        // What is acknowledged now rests on nothing that was not synced.
        node.kill9().await;
        node = NodeProcess::start(directory.path()).await;
        socket = Socket::connect(&node.admin()).await;
        school.settle(&node.admin()).await;
    }
    let said = format!(
        "0 of {refused} writes acknowledged while syncing failed; {} acknowledged outside of it, each there once after kill -9",
        school.history.acknowledged
    );
    report_row("F-D5", "fsync and fdatasync fail with EIO", happened, &said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd6_failing_writes_end_in_a_clean_error_or_a_clean_success() {
    if !Strace::is_here("F-D6", "every n-th write fails").await {
        return;
    }
    let every: Vec<u64> = if soak() {
        (1..=200).collect()
    } else {
        vec![1, 2, 3, 7, 20]
    };
    let directory = store::directory_of_files();
    let mut node = NodeProcess::start(directory.path()).await;
    let mut school = School::new(&node, "failing writes").await;
    let (mut happened, mut without, mut ended) = (0, 0, 0);
    for n in &every {
        let error = if n % 2 == 0 { "EIO" } else { "ENOSPC" };
        let strace = Strace::attach(&node, "pwrite64", &format!("error={error}:when={n}+{n}")).await;
        let admin = node.admin();
        for _ in 0..10 + n / 4 {
            // A refusal, an acknowledgement or a broken connection: the history judges them afterwards.
            if school.write(&admin).await.is_none() {
                break;
            }
        }
        let count = strace.detach().await;
        happened += count;
        without += usize::from(count == 0);
        if let Some(status) = node.has_ended() {
            // The node gave the store up for lost, and said so.
            assert!(status.code().is_some_and(|code| code != 0), "n = {n}: {status}");
            assert!(!node.stderr().contains("panicked"), "n = {n}: {}", node.stderr());
            ended += 1;
            node = NodeProcess::start(directory.path()).await;
        }
        school.until_kept(&node.admin()).await;
        school.settle(&node.admin()).await;
    }
    assert!(
        without < every.len() / 2,
        "{without} of {} rounds met no fault",
        every.len()
    );
    let outcome = format!(
        "{} of {} values of n clean ({without} met no fault, {ended} times the node ended in order); {} acknowledged, each there once",
        every.len(),
        every.len(),
        school.history.acknowledged
    );
    report_row(
        "F-D6",
        "every n-th pwrite64 fails with EIO or ENOSPC",
        happened,
        &outcome,
    );
}

/// Pings a socket until told to stop, and gives the times of the answers, rising.
async fn ping(client: Client, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut socket = Socket::connect(&client).await;
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let pong = socket.request_reply(json!({"type": "ping"})).await;
        assert_eq!(pong["type"], "pong");
        times.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    times.sort_unstable();
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd7_a_lock_held_outside_delays_and_then_refuses_and_never_stops_the_live_side() {
    let (short, long) = if soak() { (3, 60) } else { (2, 7) };
    let directory = store::directory_of_files();
    let node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    let mut school = School::new(&node, "an outside lock").await;
    for _ in 0..10 {
        school.until_kept(&admin).await;
    }
    let threads = node.threads();
    let (mut refused_in_all, mut outcome) = (0_u64, String::new());
    for (hold, is_refused) in [(Duration::from_secs(short), false), (Duration::from_secs(long), true)] {
        let stop = Arc::new(AtomicBool::new(false));
        let pinging = tokio::spawn(ping(admin.clone(), Arc::clone(&stop)));
        let holder = rusqlite::Connection::open(database(directory.path())).unwrap();
        holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let begun = Instant::now();
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (client, progress, mut random) = (admin.clone(), Arc::clone(&school.progress), school.random.fork());
            writers.spawn(async move {
                let mut history = History::default();
                let (mut kept, mut refused, mut first) = (0_u64, 0_u64, Duration::MAX);
                while begun.elapsed() < hold {
                    let answer = history
                        .attempt(&client, PEOPLE, &mut random, &progress)
                        .await
                        .expect("an answer");
                    if answer.status < 300 {
                        assert!(begun.elapsed() >= hold, "kept while the lock was held");
                        kept += 1;
                    } else {
                        must_be_refused(&answer);
                        first = first.min(begun.elapsed());
                        refused += 1;
                    }
                }
                (history, kept, refused, first)
            });
        }
        tokio::time::sleep(hold).await;
        let piled_up = node.threads();
        holder.execute_batch("ROLLBACK").unwrap();
        drop(holder);
        let (mut kept, mut refused, mut first) = (0, 0, Duration::MAX);
        while let Some(done) = writers.join_next().await {
            let (history, its_kept, its_refused, its_first) = done.expect("a writer");
            school.history.merge(history);
            kept += its_kept;
            refused += its_refused;
            first = first.min(its_first);
        }
        stop.store(true, Ordering::Relaxed);
        let times = pinging.await.expect("pings");
        let p99 = times[times.len() * 99 / 100];
        assert!(
            p99 < Duration::from_millis(if soak() { 250 } else { 1_000 }),
            "ping p99 {p99:?}"
        );
        assert!(
            piled_up <= threads + 16,
            "{threads} threads before, {piled_up} while locked"
        );
        assert_eq!(refused > 0, is_refused, "{hold:?}: {refused} refused, {kept} kept");
        if is_refused {
            assert!(
                first + Duration::from_millis(500) > BUSY_TIMEOUT,
                "refused after {first:?}"
            );
        } else {
            assert!(kept > 0);
        }
        school.settle(&admin).await;
        refused_in_all += refused;
        outcome += &format!(
            "{hold:?}: {kept} delayed, {refused} refused, {} pings p99 {p99:?}; ",
            times.len()
        );
    }
    outcome += &format!("{threads} threads before, {} after", node.threads());
    report_row(
        "F-D7",
        "a process outside holds an exclusive lock, twice; refused writes",
        refused_in_all,
        &outcome,
    );
}
