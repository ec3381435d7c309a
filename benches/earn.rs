//! What a node keeps: durable awards a second over real sockets, from the release binary, on SQLite, at full durability.
//!
//! Callers are closed loops: each sends an award, waits until it is acknowledged, and sends the next. They run in one
//! thread of this process and share the machine with the node, so that a real school, whose callers are elsewhere, has
//! somewhat more to spend. Every answer must be an award; in the end the node's own board must hold what it acknowledged.
//!
//! `cargo bench --bench earn` measures all rows; `-- --quick` takes one short run of each, `-- keyed` takes only the rows
//! whose name has that word in it, `-- --data=DIR` measures on the disk of that directory. Nothing is measured when cargo
//! runs it as a test.

#[path = "support/node.rs"]
mod node;

use futures_util::{FutureExt, SinkExt, StreamExt};
use hdrhistogram::Histogram;
use node::{ADMIN_TOKEN, Node, cpu, field, machine};
use serde::Deserialize;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const STUDENTS: u64 = 1_000;
const TEAM_SIZE: u64 = 30;
const UNITS: u64 = 200;
/// Awards refer to things beyond the catalogue, so that there are always enough of them.
const FIRST_REFERENCE: u64 = 1_000_000;

/// How callers come.
#[derive(Clone, Copy)]
enum Way {
    /// Keep-alive connections with one request under way each; perhaps with an idempotency key on each.
    Http { callers: u64, keyed: bool },
    /// Sockets with many awards under way each.
    Socket { sessions: u64, in_flight: u64 },
}

/// The rows of the table. One session may send a thousand frames a second (`SESSION_FRAMES_PER_SECOND`), so that sixteen of
/// them end at 16,000 awards however fast the node is.
const ROWS: [(&str, Way); 7] = [
    ("http, 1 caller", Way::http(1, false)),
    ("http, 16 callers", Way::http(16, false)),
    ("http, 64 callers", Way::http(64, false)),
    ("http, 256 callers", Way::http(256, false)),
    ("http keyed, 256 callers", Way::http(256, true)),
    ("socket, 16 x 64 under way", Way::socket(16, 64)),
    ("socket, 64 x 16 under way", Way::socket(64, 16)),
];

impl Way {
    const fn http(callers: u64, keyed: bool) -> Self {
        Self::Http { callers, keyed }
    }

    const fn socket(sessions: u64, in_flight: u64) -> Self {
        Self::Socket { sessions, in_flight }
    }
}

/// How long and how often is measured.
struct Plan {
    runs: usize,
    warm_up: Duration,
    measure: Duration,
    fsyncs: Duration,
}

impl Plan {
    const WHOLE: Self = Self {
        runs: 3,
        warm_up: Duration::from_secs(2),
        measure: Duration::from_secs(8),
        fsyncs: Duration::from_secs(1),
    };
    const QUICK: Self = Self {
        runs: 1,
        warm_up: Duration::from_secs(1),
        measure: Duration::from_secs(3),
        fsyncs: Duration::from_millis(500),
    };
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // Cargo gives `--bench` when it measures, and not when it only runs the benches as tests.
    if !has("--bench") || has("--test") {
        return;
    }
    let plan = if has("--quick") { Plan::QUICK } else { Plan::WHOLE };
    let words: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    // Not the system's temporary directory, which may be memory: there a commit costs nothing.
    let data = arguments.iter().find_map(|argument| argument.strip_prefix("--data="));
    let data = Path::new(data.unwrap_or(env!("CARGO_TARGET_TMPDIR")));
    println!(
        "{}; node and callers share them; {STUDENTS} students, {UNITS} units\n\n{HEAD}",
        machine()
    );
    for (name, way) in ROWS {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            println!("{}", row(name, way, &plan, data));
        }
    }
}

const HEAD: &str = "\
| callers | earns/s (all runs) | p50 ms | p99 ms | p99.9 ms | earns per commit | commit ms | fsyncs/s of the disk | \
earns per fsync | node CPU µs/earn | caller CPU µs/earn | written KiB/earn | node RSS MiB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

/// Measures one way on a fresh node and tells the run in the middle, by awards a second.
fn row(name: &str, way: Way, plan: &Plan, data: &Path) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let directory = TempDir::new_in(data).expect("a directory");
    let node = Node::start(directory.path());
    let kept = Rc::new(Kept::default());
    runtime.block_on(import(node.address));
    let mut runs: Vec<Figures> = (0..plan.runs)
        .map(|_| {
            let fsyncs = fsyncs_a_second(directory.path(), plan.fsyncs);
            let figures = LocalSet::new().block_on(&runtime, measure(&node, way, plan, &kept));
            Figures { fsyncs, ..figures }
        })
        .collect();
    let points = runtime.block_on(points_on_the_board(node.address));
    assert_eq!(points, kept.points.get(), "the board holds what was acknowledged");
    runs.sort_by(|a, b| a.earns.total_cmp(&b.earns));
    let all: Vec<String> = runs.iter().map(|run| format!("{:.0}", run.earns)).collect();
    runs[runs.len() / 2].row(name, &all.join(", "))
}

/// What one run has shown.
struct Figures {
    earns: f64,
    fsyncs: f64,
    /// In microseconds.
    latencies: Histogram<u64>,
    node: Usage,
    commits: Commits,
    callers: Usage,
    rss_bytes: u64,
}

impl Figures {
    fn row(&self, name: &str, all: &str) -> String {
        let ms = |quantile: f64| self.latencies.value_at_quantile(quantile) as f64 / 1e3;
        let count = self.latencies.len() as f64;
        let cpu = |usage: Usage| usage.cpu.as_secs_f64() * 1e6 / count;
        format!(
            "| {name} | {:.0} ({all}) | {:.2} | {:.2} | {:.2} | {:.1} | {:.2} | {:.0} | {:.1} | {:.0} | {:.0} | {:.2} | {:.0} |",
            self.earns,
            ms(0.5),
            ms(0.99),
            ms(0.999),
            count / self.commits.count,
            self.commits.seconds * 1e3 / self.commits.count,
            self.fsyncs,
            self.earns / self.fsyncs,
            cpu(self.node),
            cpu(self.callers),
            self.node.written as f64 / 1024.0 / count,
            self.rss_bytes as f64 / (1024.0 * 1024.0),
        )
    }
}

/// Awards of one node over all its runs, warm-up included: which come next, and what was acknowledged.
#[derive(Default)]
struct Kept {
    next: Cell<u64>,
    points: Cell<u64>,
}

/// One run: where, until when, and what it has shown so far.
struct Run {
    address: SocketAddr,
    kept: Rc<Kept>,
    from: Instant,
    until: Instant,
    latencies: RefCell<Histogram<u64>>,
}

impl Run {
    /// The next award nobody has been given yet, as JSON fields; none when the time is over. Neighbours in time go to
    /// different students.
    fn next(&self) -> Option<(u64, String)> {
        if Instant::now() >= self.until {
            return None;
        }
        let number = self.kept.next.replace(self.kept.next.get() + 1);
        let (user_id, round) = (1 + number % STUDENTS, number / STUDENTS);
        let (reference_id, unit_id) = (FIRST_REFERENCE + round, 1 + round % UNITS);
        let fields = format!(
            r#""user_id":{user_id},"action_type":"complete_quiz","reference_id":{reference_id},"unit_id":{unit_id}"#
        );
        Some((number, fields))
    }

    /// Notes an answer that has just come.
    fn acknowledged(&self, answer: &Earned, sent: Instant) {
        assert!(answer.awarded && answer.points > 0, "every award is new: {answer:?}");
        self.kept.points.set(self.kept.points.get() + answer.points);
        let now = Instant::now();
        if (self.from..self.until).contains(&now) {
            let taken = now.duration_since(sent).as_micros() as u64;
            self.latencies.borrow_mut().saturating_record(taken);
        }
    }
}

/// The fields of an answer that are looked at.
#[derive(Debug, Deserialize)]
struct Earned {
    awarded: bool,
    points: u64,
}

/// Connects all callers, lets them run warm, and measures.
async fn measure(node: &Node, way: Way, plan: &Plan, kept: &Rc<Kept>) -> Figures {
    let from = Instant::now() + plan.warm_up;
    let run = Rc::new(Run {
        address: node.address,
        kept: Rc::clone(kept),
        from,
        until: from + plan.measure,
        latencies: RefCell::new(Histogram::new_with_bounds(1, 60_000_000, 3).expect("sound bounds")),
    });
    let mut callers = JoinSet::new();
    match way {
        Way::Http { callers: count, keyed } => {
            for _ in 0..count {
                callers.spawn_local(call(Rc::clone(&run), keyed));
            }
        }
        Way::Socket { sessions, in_flight } => {
            for _ in 0..sessions {
                callers.spawn_local(talk(Rc::clone(&run), in_flight));
            }
        }
    }
    let node_id = node.id();
    let mut watcher = Connection::open(run.address).await;
    sleep_until(run.from).await;
    let before = (Usage::of(&node_id), Usage::of("self"));
    let commits_before = Commits::of(&mut watcher).await;
    sleep_until(run.until).await;
    let after = (Usage::of(&node_id), Usage::of("self"));
    let commits = Commits::of(&mut watcher).await.since(commits_before);
    let rss_bytes = node.rss_bytes();
    while let Some(ended) = callers.join_next().await {
        ended.expect("every award is acknowledged");
    }
    let latencies = run.latencies.borrow().clone();
    Figures {
        earns: latencies.len() as f64 / plan.measure.as_secs_f64(),
        fsyncs: 0.0,
        latencies,
        node: after.0.since(before.0),
        commits,
        callers: after.1.since(before.1),
        rss_bytes,
    }
}

/// One caller over HTTP.
async fn call(run: Rc<Run>, keyed: bool) {
    let mut connection = Connection::open(run.address).await;
    while let Some((number, fields)) = run.next() {
        let key = keyed.then(|| format!("idempotency-key: earn-{number}\r\n"));
        let sent = Instant::now();
        let body = format!("{{{fields}}}");
        let (status, answer) = connection
            .exchange("POST", "/points/earn", key.as_deref().unwrap_or_default(), &body)
            .await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(answer));
        run.acknowledged(
            &serde_json::from_slice(answer).expect("an answer of the contract"),
            sent,
        );
    }
}

/// A reply on a socket; other messages have no `id` that was asked for.
#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(rename = "type")]
    kind: String,
    id: usize,
    data: Earned,
}

/// One session with many awards under way. The `id` of an award is its place among those.
async fn talk(run: Rc<Run>, in_flight: u64) {
    let mut socket = open_socket(run.address).await;
    let mut sent = Vec::new();
    for id in 0..in_flight as usize {
        let Some(frame) = earn_frame(&run, id) else { return };
        sent.push(Instant::now());
        socket.feed(frame).await.expect("an open socket");
    }
    socket.flush().await.expect("an open socket");
    let mut waiting = sent.len();
    while waiting > 0 {
        let mut message = Some(socket.next().await.expect("an open socket"));
        // All that has come by now is answered with one write.
        while let Some(received) = message {
            if let Message::Text(text) = received.expect("an open socket") {
                let reply: Reply = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                assert_eq!(reply.kind, "ack", "{text}");
                run.acknowledged(&reply.data, sent[reply.id]);
                waiting -= 1;
                if let Some(frame) = earn_frame(&run, reply.id) {
                    sent[reply.id] = Instant::now();
                    socket.feed(frame).await.expect("an open socket");
                    waiting += 1;
                }
            }
            message = socket.next().now_or_never().flatten();
        }
        socket.flush().await.expect("an open socket");
    }
}

fn earn_frame(run: &Run, id: usize) -> Option<Message> {
    let (_, fields) = run.next()?;
    Some(Message::text(format!(r#"{{"type":"earn","id":{id},{fields}}}"#)))
}

async fn open_socket(address: SocketAddr) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let mut request = format!("ws://{address}/ws").into_client_request().expect("an address");
    let headers = request.headers_mut();
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    headers.insert("authorization", bearer.parse().expect("visible ASCII"));
    headers.insert("sec-websocket-protocol", HeaderValue::from_static("homeroom.v1"));
    let connecting = tokio_tungstenite::connect_async_with_config(request, None, true);
    connecting.await.expect("the upgrade").0
}

/// A keep-alive connection that writes HTTP/1.1 by hand: callers have to cost little beside the node that is measured.
struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    received: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the node listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            request: Vec::new(),
            received: Vec::new(),
        }
    }

    /// Sends a request and waits for its answer: status and body.
    async fn exchange(&mut self, method: &str, path: &str, header: &str, body: &str) -> (u16, &[u8]) {
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_TOKEN}\r\n{header}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("memory takes everything");
        self.stream.write_all(&self.request).await.expect("an open connection");
        self.received.clear();
        let (status, body) = loop {
            let read = self.stream.read_buf(&mut self.received).await;
            assert!(read.expect("an open connection") > 0, "the node closed the connection");
            if let Some(whole) = whole_answer(&self.received) {
                break whole;
            }
        };
        (status, &self.received[body..])
    }
}

/// Status and start of the body, once all of it has come.
fn whole_answer(received: &[u8]) -> Option<(u16, usize)> {
    let head_bytes = received.windows(4).position(|end| end == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..head_bytes]).expect("headers are ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok());
    let body = head_bytes + 4;
    let is_whole = received.len() >= body + length.expect("answers tell their length");
    is_whole.then(|| (status.expect("a status line"), body))
}

/// A school: one qualification with all units, everyone enrolled, everyone in a team.
async fn import(address: SocketAddr) {
    let rows = |count: u64, row: &dyn Fn(u64) -> Value| (1..=count).map(row).collect::<Value>();
    let school = json!({
        "qualifications": [{"id": 1, "name": "Mathematics"}],
        "units": rows(UNITS, &|id| {
            json!({"id": id, "title": format!("Unit {id}"), "qualification_id": 1, "skills": [format!("skill-{}", id % 20)]})
        }),
        "users": rows(STUDENTS, &|id| json!({"id": id, "name": format!("Student {id}"), "alias": format!("Otter {id}")})),
        "teams": rows(STUDENTS.div_ceil(TEAM_SIZE), &|id| json!({"id": id, "name": format!("Team {id}")})),
        "team_members": rows(STUDENTS, &|id| json!({"team_id": 1 + (id - 1) / TEAM_SIZE, "user_id": id})),
        "enrolments": rows(STUDENTS, &|id| json!({"qualification_id": 1, "user_id": id})),
    });
    let mut connection = Connection::open(address).await;
    let (status, answer) = connection.exchange("POST", "/import", "", &school.to_string()).await;
    assert!((200..300).contains(&status), "{}", String::from_utf8_lossy(answer));
}

/// The sum of all points, as the node's own board has them.
async fn points_on_the_board(address: SocketAddr) -> u64 {
    let mut connection = Connection::open(address).await;
    let path = format!("/leaderboards/all?limit={STUDENTS}");
    let (status, answer) = connection.exchange("GET", &path, "", "").await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(answer));
    let board: Value = serde_json::from_slice(answer).expect("a board");
    let entries = board["entries"].as_array().expect("a board has entries");
    entries.iter().filter_map(|entry| entry["points"].as_u64()).sum()
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

/// What a process has used so far. All nought where the system does not tell it in `/proc`.
#[derive(Clone, Copy, Default)]
struct Usage {
    cpu: Duration,
    written: u64,
}

impl Usage {
    fn of(process: &str) -> Self {
        Self {
            cpu: cpu(process).unwrap_or_default(),
            written: field(&format!("/proc/{process}/io"), "write_bytes:").unwrap_or_default(),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu - before.cpu,
            written: self.written - before.written,
        }
    }
}

/// What the node says of its commits so far.
#[derive(Clone, Copy)]
struct Commits {
    count: f64,
    seconds: f64,
}

impl Commits {
    async fn of(connection: &mut Connection) -> Self {
        let (status, text) = connection.exchange("GET", "/metrics", "", "").await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(text));
        let text = String::from_utf8_lossy(text);
        let value = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
        };
        Self {
            count: value("homeroom_commit_seconds_count "),
            seconds: value("homeroom_commit_seconds_sum "),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            count: self.count - before.count,
            seconds: self.seconds - before.seconds,
        }
    }
}
