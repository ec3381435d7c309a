//! F-N10, F-D14, F-D15: more connections than there is room for, no file handles left, a process that was frozen. Those who
//! are in stay in and lose nothing; those who are not are told.

use crate::support::{
    Class, Client, Listener, Node, NodeProcess, Raw, Socket, earn, eventually, report_row, soak, statuses,
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

/// So many live sockets.
async fn sockets(client: &Client, count: usize) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(Socket::connect(client).await);
    }
    sockets
}

async fn all_alive(sockets: &mut [Socket]) {
    for socket in sockets {
        assert_eq!(socket.request_reply(json!({"type": "ping"})).await["type"], "pong");
    }
}

/// What a new connection gets: the status of an answer, or 0 when it is closed without one.
async fn knock(client: &Client) -> u16 {
    let mut raw = Raw::connect(client).await;
    raw.send("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await;
    statuses(&raw.rest().await).first().copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn10_connections_beyond_the_bound_are_told_and_the_others_stay() {
    const PLACES: usize = 24;
    let node = Node::start_with(|config| config.connections_max = PLACES).await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    // What the harness keeps open counts as well.
    let mut inside = Vec::new();
    while let Ok(socket) = Socket::try_connect(&admin, &[]).await {
        inside.push(socket);
    }
    assert!((PLACES - 2..=PLACES).contains(&inside.len()), "{} places", inside.len());
    let rounds = if soak() { 5_000 } else { 300 };
    let (mut told, mut closed) = (0, 0);
    while told + closed < rounds {
        match knock(&admin).await {
            503 => told += 1,
            0 => closed += 1,
            // A connection that the harness no longer used has ended: its place is to be taken too.
            _ => inside.extend(Socket::try_connect(&admin, &[]).await),
        }
    }
    assert!(told > 0);
    all_alive(&mut inside).await;
    let outcome = format!(
        "{told} told 503, {closed} closed; 0 of {} accepted ones dropped",
        inside.len()
    );
    report_row("F-N10", "connections beyond the bound", rounds, &outcome);
    // A place that is given back is taken again.
    inside.pop();
    eventually("a free place", || async { (knock(&admin).await == 200).then_some(()) }).await;
    all_alive(&mut inside).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fn10_sessions_beyond_the_bound_are_refused_and_the_others_stay() {
    let node = Node::start_with(|config| config.sessions_max = 5).await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let mut inside = sockets(&admin, 5).await;
    let rounds = 50;
    for _ in 0..rounds {
        let refused = Socket::try_connect(&admin, &[]).await.err().expect("no room");
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (503, &json!("too_many_sessions"))
        );
    }
    all_alive(&mut inside).await;
    report_row(
        "F-N10",
        "sessions beyond the bound",
        rounds,
        "all told 503; 0 accepted ones dropped",
    );
    inside.pop().unwrap().close().await;
    eventually("a free place", || async { Socket::try_connect(&admin, &[]).await.ok() }).await;
}

/// Seconds of processor time that a process has used.
fn processor_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // utime and stime, in ticks of a hundredth.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks as f64 / 100.0
}

fn set_open_files(pid: u32, files: u64, maximum: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    let limit = Rlimit {
        current: Some(files),
        maximum,
    };
    prlimit(pid, Resource::Nofile, limit).expect("the limit of a child can be set");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd14_few_file_handles_mean_few_connections_and_no_trouble() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::run(NodeProcess::command_with("ulimit -n 64", directory.path()));
    node.ready().await;
    node.stderr_with("limit of open files is low").await;
    let admin = node.admin();
    Class::import(&admin, 0, 2).await;
    let mut inside = sockets(&admin, 6).await;
    let held: Vec<Raw> = {
        let mut held = Vec::new();
        for _ in 0..40 {
            held.push(Raw::connect(&admin).await);
        }
        held
    };
    let (began, used) = (Instant::now(), processor_s(node.pid()));
    let (mut told, mut closed) = (0, 0);
    while began.elapsed() < Duration::from_secs(2) {
        match knock(&admin).await {
            503 => told += 1,
            0 => closed += 1,
            status => panic!("{status}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let share = (processor_s(node.pid()) - used) / began.elapsed().as_secs_f64();
    let outcome = format!(
        "{told} told 503, {closed} closed, {:.1} % of a processor meanwhile",
        share * 100.0
    );
    report_row("F-D14", "connections beyond 64 file handles", told + closed, &outcome);
    assert!(told > 0 && share < 0.20, "{told} told, {share}");
    all_alive(&mut inside).await;
    let earned = inside[0]
        .request_reply(json!({"type": "earn", "user_id": 1, "action_type": "complete_quiz", "reference_id": 1}));
    assert_eq!(earned.await["type"], "ack", "old ones can still work");
    drop(held);
    eventually("a free place", || async { (knock(&admin).await == 200).then_some(()) }).await;
    assert!(!node.stderr().contains("panicked"), "{}", node.stderr());
}

/// The last handle is gone while the node runs, below what it had reckoned with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd14_accepting_rests_while_no_file_handle_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, 2).await;
    let mut inside = sockets(&admin, 6).await;
    set_open_files(node.pid(), 8, Some(10_000));
    let mut waiting = Raw::connect(&admin).await;
    waiting
        .send("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await;
    node.stderr_with("cannot accept connections").await;
    let (began, used) = (Instant::now(), processor_s(node.pid()));
    let mut byte = [0; 1];
    let answer = tokio::time::timeout(Duration::from_secs(2), waiting.0.read(&mut byte)).await;
    let share = (processor_s(node.pid()) - used) / began.elapsed().as_secs_f64();
    let outcome = format!(
        "accepting rested, {:.1} % of a processor; the client was served later",
        share * 100.0
    );
    report_row("F-D14", "clients at the door while no file handle is left", 1, &outcome);
    assert!(answer.is_err(), "it waits at the door");
    assert!(share < 0.20, "{share}");
    all_alive(&mut inside).await;
    set_open_files(node.pid(), 10_000, Some(10_000));
    assert_eq!(
        statuses(&waiting.rest().await),
        [200],
        "it is let in when there is room again"
    );
    all_alive(&mut inside).await;
}

/// A frozen process (a laptop that slept, a machine that swapped): nothing is lost, listeners go on where they were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd15_a_node_that_was_frozen_goes_on_and_listeners_catch_up() {
    let (rounds, frozen_for) = if soak() {
        (3, Duration::from_secs(30))
    } else {
        (2, Duration::from_secs(1))
    };
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, 2).await;
    let (mut staying, mut coming_back) = (Listener::new("user:1"), Listener::new("user:1"));
    let mut stayed = staying.connect(&admin).await;
    let mut reference = 0;
    let mut cut = 0;
    for _ in 0..rounds {
        let left = coming_back.connect(&admin).await;
        for _ in 0..5 {
            reference += 1;
            admin
                .post("/points/earn", earn(1, "complete_quiz", reference))
                .await
                .expect(201);
        }
        node.signal("STOP").await;
        // What is sent meanwhile waits; one client gives up on the frozen node, as a heart-beat would have it.
        reference += 1;
        let during = tokio::spawn({
            let (admin, wish) = (admin.clone(), earn(1, "complete_quiz", reference));
            async move {
                admin
                    .try_post("/points/earn", &wish, Some(&format!("frozen-{reference}")))
                    .await
            }
        });
        drop(left);
        cut += 1;
        tokio::time::sleep(frozen_for).await;
        let answered_while_frozen = during.is_finished() && during.await.is_ok_and(|answer| answer.is_ok());
        assert!(!answered_while_frozen, "a frozen node answers nothing");
        node.signal("CONT").await;
        // Its outcome is settled by its key.
        let (wish, key) = (earn(1, "complete_quiz", reference), format!("frozen-{reference}"));
        let settled = admin.post_keyed("/points/earn", wish, &key).await;
        assert!(matches!(settled.status, 200 | 201), "{}", settled.text);
        // Whoever reads answers the node's pings, and so is still there after the freeze.
        staying.listen_until(&mut stayed, reference).await;
    }
    let version = admin.get("/progress/1").await.expect(200)["version"].as_u64().unwrap();
    assert_eq!(version, reference, "each award once");
    let mut again = coming_back.connect(&admin).await;
    coming_back.listen_until(&mut again, version).await;
    assert_eq!(staying.messages.len() as u64, version);
    assert!(
        cut > 0 && coming_back.resumed >= rounds,
        "{cut} cut, {} resumed",
        coming_back.resumed
    );
    let outcome = format!(
        "{version} messages, no gap, no repeat; {} resumptions",
        coming_back.resumed
    );
    report_row("F-D15", &format!("freezes of {frozen_for:?}"), rounds as u64, &outcome);
}
