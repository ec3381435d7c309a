//! Rows F-P1 to F-P3 on a real node with a real PostgreSQL server: not there yet, stopped, crashed, slow, cut off; addresses that
//! cannot be used; and moving between a file and a server. Without a server on this machine each says that it was left out.

use crate::support::proxy::{Proxy, Weather};
use crate::support::{
    ADMIN_TOKEN, Answer, Certificate, Class, Client, Homeroom, NodeProcess, Socket, database, earn, eventually,
    eventually_within, printed, report_row, said, soak, store, whole_ledger,
};
use homeroom_servers::{CuttingProxy, Postgres, Stop, left_out};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;

const STUDENTS: u64 = 8;

/// A server of the test's own that waits for the disk, as one that is kept does.
fn own_server(tests: &str) -> Option<Arc<Postgres>> {
    let server = Postgres::start(true);
    if server.is_none() {
        left_out(tests, "PostgreSQL");
    }
    server.map(Arc::new)
}

/// A directory for what a node on a server keeps beside it.
fn beside() -> TempDir {
    store::directory_of_files()
}

async fn on(url: &str, directory: &Path) -> NodeProcess {
    let mut node = NodeProcess::spawn(directory, &["--database-url", url]);
    node.ready().await;
    node
}

/// Does something to a server that blocks.
async fn to<T: Send + 'static>(server: &Arc<Postgres>, act: impl FnOnce(&Postgres) -> T + Send + 'static) -> T {
    let server = Arc::clone(server);
    tokio::task::spawn_blocking(move || act(&server))
        .await
        .expect("the server does as told")
}

fn is_refused_for_the_store(answer: &Answer) -> bool {
    let is_known = matches!(answer.code(), Some("store_unavailable" | "timed_out" | "overloaded"));
    answer.status == 503 && is_known && answer.header("retry-after").is_some()
}

/// Awards with keys by one caller for each student, each repeated until it is answered.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    callers: JoinSet<(u64, BTreeMap<u64, Value>)>,
}

impl Load {
    fn start(admin: &Client) -> Self {
        let (stop, acknowledged, refused) = (
            Arc::<AtomicBool>::default(),
            Arc::<AtomicU64>::default(),
            Arc::<AtomicU64>::default(),
        );
        let mut callers = JoinSet::new();
        for user_id in 1..=STUDENTS {
            let (admin, stop) = (admin.clone(), Arc::clone(&stop));
            let (acknowledged, refused) = (Arc::clone(&acknowledged), Arc::clone(&refused));
            callers.spawn(async move {
                let mut told = BTreeMap::new();
                for reference in 1_000.. {
                    if stop.load(Ordering::Acquire) {
                        break;
                    }
                    let (wish, key) = (
                        earn(user_id, "read_content", reference),
                        format!("{user_id}-{reference}"),
                    );
                    loop {
                        let answer = admin.post_keyed("/points/earn", wish.clone(), &key).await;
                        if matches!(answer.status, 200 | 201) {
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                            told.insert(reference, answer.body["event_id"].clone());
                            break;
                        }
                        // Still under way: the first try waits for its outcome.
                        let is_under_way = answer.code() == Some("request_in_progress");
                        assert!(
                            is_under_way || is_refused_for_the_store(&answer),
                            "{}: {}",
                            answer.status,
                            answer.text
                        );
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
                (user_id, told)
            });
        }
        Self {
            stop,
            acknowledged,
            refused,
            callers,
        }
    }

    /// Waits until so many more were acknowledged.
    async fn more(&self, count: u64) {
        let goal = self.acknowledged.load(Ordering::Relaxed) + count;
        eventually("more awards", || async {
            (self.acknowledged.load(Ordering::Relaxed) >= goal).then_some(())
        })
        .await;
    }

    /// Stops, and requires that each acknowledged award is in the ledger once, and nothing else.
    async fn compare(mut self, admin: &Client) -> (u64, u64) {
        self.stop.store(true, Ordering::Release);
        let mut all = 0;
        while let Some(caller) = self.callers.join_next().await {
            let (user_id, told) = caller.expect("no caller fails");
            let progress = admin.get(&format!("/progress/{user_id}")).await.expect(200);
            assert_eq!(progress["points"]["total"], 10 * told.len(), "person {user_id}");
            let mut listed = BTreeMap::new();
            for entry in whole_ledger(admin, user_id).await {
                let reference = entry["reference_id"].as_u64().expect("a number");
                let before = listed.insert(reference, entry["event_id"].clone());
                assert!(before.is_none(), "an award is there twice: {entry}");
            }
            assert_eq!(listed, told, "person {user_id}");
            all += told.len() as u64;
        }
        (all, self.refused.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fp1_a_node_that_starts_before_its_database_waits_and_says_so() {
    let Some(server) = own_server("F-P1, started before its database") else {
        return;
    };
    let url = server.database();
    to(&server, |server| server.stop(Stop::Fast)).await;
    let directory = beside();
    for is_given_up in [true, false] {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = NodeProcess::command();
        command
            .args(["serve", "--database-url", &url, "--data"])
            .arg(directory.path());
        command
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .env("HOMEROOM_ADMIN_TOKEN", ADMIN_TOKEN);
        let mut node = NodeProcess::run(command);
        node.stderr_with("waiting for the database").await;
        let client = Client::new(format!("http://127.0.0.1:{port}"));
        client.get("/healthz").await.expect(200);
        for path in ["/readyz", "/leaderboards/all"] {
            let answer = client.get(path).await;
            assert_eq!(answer.header("retry-after"), Some("1"));
            let problem = answer.problem(503, "store_unavailable");
            assert_eq!(problem["errors"][0]["field"], "writer");
        }
        if is_given_up {
            node.sigterm().await;
            assert!(node.wait().await.success(), "a node that waits stops in order");
            continue;
        }
        to(&server, Postgres::start_again).await;
        let back = Instant::now();
        node.ready().await;
        let took = back.elapsed();
        report_row(
            "F-P1",
            "node started before its database",
            1,
            &format!("live, not ready; ready {took:.1?} after it"),
        );
        node.admin().get("/users").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fp1_a_database_that_goes_under_load_loses_nothing_and_no_session() {
    let Some(server) = own_server("F-P1, under load") else {
        return;
    };
    let directory = beside();
    let node = on(&server.database(), directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, STUDENTS).await;
    admin.get("/progress/1").await.expect(200);
    let mut socket = Socket::connect(&admin).await;
    socket.subscribe(&["user:1"]).await;
    let load = Load::start(&admin);
    load.more(50).await;
    let mut outcomes = Vec::new();
    for how in [Stop::Fast, Stop::Immediate] {
        to(&server, move |server| server.stop(how)).await;
        let refused = eventually("a refusal", || async {
            let answer = admin.post("/points/earn", earn(1, "read_content", 1)).await;
            (answer.status == 503).then_some(answer)
        })
        .await;
        assert!(is_refused_for_the_store(&refused), "{}", refused.text);
        let not_ready = eventually("not ready", || async {
            let answer = admin.get("/readyz").await;
            (answer.status == 503).then_some(answer)
        });
        not_ready.await.problem(503, "store_unavailable");
        admin.get("/healthz").await.expect(200);
        admin.get("/leaderboards/all").await.expect(200);
        // How long the fault lasts; only one is long, since a session that is never read is taken for gone after a while.
        let is_long = soak() && how == Stop::Fast;
        tokio::time::sleep(Duration::from_secs(if is_long { 20 } else { 2 })).await;
        to(&server, Postgres::start_again).await;
        let back = Instant::now();
        eventually("ready again", || async {
            (admin.get("/readyz").await.status == 200).then_some(())
        })
        .await;
        let ready = back.elapsed();
        load.more(50).await;
        outcomes.push(format!(
            "{how:?}: ready after {ready:.1?}, an award after {:.1?}",
            back.elapsed()
        ));
    }
    let mut killed = 0;
    for _ in 0..3 {
        killed += to(&server, Postgres::kill_backends).await;
        load.more(50).await;
    }
    assert!(killed > 0);
    let (acknowledged, refused) = load.compare(&admin).await;
    assert!(refused > 0);
    // The session has lived through all of it, and heard of everything in order.
    let entries = whole_ledger(&admin, 1).await.len() as u64;
    let frames = socket.until_offset("user:1", entries).await;
    assert!(
        frames.len() as u64 >= entries,
        "{} frames of {entries} entries",
        frames.len()
    );
    socket.close().await;
    report_row(
        "F-P1",
        "stopped, crashed, and backends killed under load",
        2 + killed as u64,
        &format!(
            "{acknowledged} acknowledged, all there once; {refused} refused with 503; {}",
            outcomes.join("; ")
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fp2_an_award_whose_commit_was_not_answered_is_settled_by_its_key() {
    let Some(server) = Postgres::shared("F-P2") else {
        return;
    };
    let rounds: u64 = if soak() { 1_000 } else { 40 };
    let proxy = CuttingProxy::start(server.port()).await;
    let directory = beside();
    let node = on(&proxy.through(&server.database()), directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, 1).await;
    let mut unknown = 0;
    for round in 0..rounds {
        let (wish, key) = (earn(1, "read_content", 1_000 + round), format!("round-{round}"));
        proxy.cut_next_commit();
        let mut answer = admin.post_keyed("/points/earn", wish.clone(), &key).await;
        while !matches!(answer.status, 200 | 201) {
            assert!(is_refused_for_the_store(&answer), "{}", answer.text);
            unknown += 1;
            answer = admin.post_keyed("/points/earn", wish.clone(), &key).await;
        }
        assert_eq!(answer.body["awarded"], true, "{}", answer.text);
        assert_eq!(answer.body["total"], 10 * (round + 1), "one effect: {}", answer.text);
    }
    assert!(proxy.cuts() >= rounds && unknown > 0);
    let progress = admin.get("/progress/1").await.expect(200);
    assert_eq!(progress["points"]["total"], 10 * rounds);
    report_row(
        "F-P2",
        "connections cut behind COMMIT",
        proxy.cuts(),
        &format!("{rounds} keys, {unknown} unknown outcomes, 0 doubled"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fp3_a_slow_database_delays_writes_and_nothing_else() {
    const AWARDS: u64 = 200;
    let Some(server) = Postgres::shared("F-P3") else {
        return;
    };
    // Each way: an answer comes half a second after its question.
    let weather = Weather {
        latency: Duration::from_millis(250),
        in_slices: false,
    };
    let proxy = Proxy::start(&Client::new(format!("http://127.0.0.1:{}", server.port())), weather).await;
    let port = proxy.address().rsplit(':').next().expect("a port").to_owned();
    let direct = server.database();
    // The tables are there already: making them takes many questions, each of which would wait.
    let before = beside();
    let mut first = on(&direct, before.path()).await;
    first.sigterm().await;
    assert!(first.wait().await.success());
    let url = direct.replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    let directory = beside();
    let mut node = NodeProcess::spawn(directory.path(), &["--database-url", &url]);
    // A start asks many questions, one after the other.
    eventually_within(Duration::from_secs(120), "the ready line", || {
        assert!(node.has_ended().is_none(), "{}", node.stderr());
        let is_ready = node.stderr().contains("homeroom is ready on");
        async move { is_ready.then_some(()) }
    })
    .await;
    node.listening().await;
    let admin = node.admin();
    // What the start still writes keeps the writer from answering at once.
    eventually("the writer's answer", || async {
        (admin.get("/readyz").await.status == 200).then_some(())
    })
    .await;
    Class::import(&admin, 0, STUDENTS).await;
    admin.get("/leaderboards/all").await.expect(200);
    let mut awards = JoinSet::new();
    for number in 0..AWARDS {
        let admin = admin.clone();
        awards.spawn(async move {
            let wish = earn(number % STUDENTS + 1, "read_content", 1_000 + number);
            admin.post("/points/earn", wish).await.expect(201)
        });
    }
    let begun = Instant::now();
    admin.get("/leaderboards/all").await.expect(200);
    let read = begun.elapsed();
    let mut all = 0;
    while let Some(award) = awards.join_next().await {
        award.expect("an answer");
        all += 1;
    }
    let took = begun.elapsed();
    assert_eq!(all, AWARDS);
    let metrics = admin.get("/metrics").await.text;
    let queue = metrics
        .lines()
        .find_map(|line| line.strip_prefix("homeroom_journal_queue "))
        .map(str::to_owned);
    report_row(
        "F-P3",
        "answers of the database 500 ms late",
        AWARDS,
        &format!(
            "all kept in {took:.1?}; a board meanwhile in {read:.1?}; queue at the end {}",
            queue.unwrap_or_default()
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_be_used_ends_the_start_with_one_line() {
    let Some(server) = Postgres::shared("bad database URLs") else {
        return;
    };
    let (url, directory) = (server.database(), beside());
    let foreign = server.database();
    let _ = server.query_in(foreign.rsplit('/').next().unwrap(), "CREATE TABLE orders (id bigint)");
    for (wrong, word) in [
        (url.replace("not-a-secret", "guess"), "password"),
        (server.url("nowhere"), "no such database"),
        (foreign, "another program"),
        (format!("{url}?colour=red"), "URL"),
        (format!("{url}?sslmode=require"), "sslmode=disable"),
        ("nonsense://x".to_owned(), "database_url"),
    ] {
        let mut node = NodeProcess::spawn(directory.path(), &["--database-url", &wrong]);
        let status = node.wait().await;
        assert!(status.code().is_some_and(|code| code != 0), "{status}");
        let told = node.stderr_with(word).await;
        let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("homeroom: ")).collect();
        assert_eq!(lines.len(), 1, "{told}");
        assert!(lines[0].contains(word), "{told}");
        assert!(
            !told.contains("not-a-secret") && !told.contains("guess@") && !told.contains("panicked"),
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_encrypted_and_the_server_is_verified() {
    let (files, certificate) = (beside(), Certificate::good());
    let (cert, key) = (files.path().join("server.crt"), files.path().join("server.key"));
    std::fs::write(&cert, &certificate.certificate).unwrap();
    std::fs::write(&key, &certificate.key).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(files.path(), Permissions::from_mode(0o755)).unwrap();
    // Where this is root the server is somebody else; elsewhere this changes nothing and is not needed.
    let _ = std::process::Command::new("chown").arg("postgres").arg(&key).output();
    let (cert_file, key_file) = (
        format!("ssl_cert_file={}", cert.display()),
        format!("ssl_key_file={}", key.display()),
    );
    let Some(server) = Postgres::start_with(false, None, &["ssl=on", &cert_file, &key_file]) else {
        return left_out("TLS to a database server", "PostgreSQL");
    };
    let url = server.database();
    let directory = beside();
    let unknown = format!("{url}?sslmode=require");
    let mut refused = NodeProcess::spawn(directory.path(), &["--database-url", &unknown]);
    assert!(!refused.wait().await.success(), "nobody vouches for this server");
    refused.stderr_with("sslrootcert").await;
    let trusted = format!("{url}?sslmode=verify-full&sslrootcert={}", cert.display());
    let node = on(&trusted, directory.path()).await;
    node.admin().get("/users").await.expect(200);
    let plain = "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'homeroom' AND NOT s.ssl";
    let encrypted = "SELECT count(*) > 0 FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'homeroom' AND s.ssl";
    assert_eq!(
        (server.query(plain).as_str(), server.query(encrypted).as_str()),
        ("0", "t")
    );
}

/// From a file to a server and back: the same to the last checksum, also when the copy is killed again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_school_moves_to_a_server_and_back_and_is_the_same() {
    let Some(server) = Postgres::shared("moving between a file and a server") else {
        return;
    };
    let (directory, elsewhere, url) = (beside(), beside(), server.database());
    let mut node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, 60).await;
    let mut awards = JoinSet::new();
    for number in 0..3_000_u64 {
        let admin = admin.clone();
        awards.spawn(async move {
            let mut wish = earn(number % 60 + 1, "complete_quiz", 1_000 + number / 60);
            wish["evidence"] = json!({"score": 0.5 + (number % 50) as f64 / 100.0, "duration_ms": 10_000 + number});
            admin
                .post_keyed("/points/earn", wish, &format!("key-{number}"))
                .await
                .expect(201)
        });
        if awards.len() >= 64 {
            awards.join_next().await.expect("one is there").expect("an answer");
        }
    }
    while awards.join_next().await.is_some() {}
    admin.delete("/users/60").await.ok();
    let board = admin.get("/leaderboards/all?limit=100").await.expect(200);
    let mut socket = Socket::connect(&admin).await;
    let epoch = socket.subscribe(&["user:1"]).await[0]["epoch"].clone();
    socket.close().await;
    let (file, target) = (
        format!("sqlite:{}", directory.path().display()),
        format!("sqlite:{}", elsewhere.path().display()),
    );
    let shell = Homeroom::in_directory(directory.path());
    let in_use = shell.run(&["store", "copy", "--from", &file, "--to", &url]).await;
    assert!(
        in_use.code != 0 && in_use.stderr.contains("another node is running"),
        "{in_use:?}"
    );
    node.sigterm().await;
    assert!(node.wait().await.success());

    // Killed as soon as something is there, until it gets through.
    let (mut kills, mut is_through) = (0, false);
    let name = url.rsplit('/').next().unwrap().to_owned();
    while kills < 5 {
        let mut command = NodeProcess::command();
        command.args(["store", "copy", "--from", &file, "--to", &url]);
        let mut copying = command.spawn().expect("the binary starts");
        let rows = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'settings'";
        let mark = "SELECT COALESCE(MAX(value), '') FROM settings WHERE name = 'unfinished_copy'";
        let before = match server.query_in(&name, rows).as_str() {
            "1" => server.query_in(&name, mark),
            _ => String::new(),
        };
        let has_moved = || {
            server.query_in(&name, rows) == "1"
                && !matches!(server.query_in(&name, mark), now if now.is_empty() || now == before)
        };
        let ended = loop {
            if let Some(status) = copying.try_wait().expect("a child can be asked") {
                break Some(status);
            }
            if has_moved() {
                break None;
            }
        };
        if ended.is_some() {
            is_through = true;
            break;
        }
        copying.kill().await.expect("a process that runs");
        kills += 1;
        let mut early = NodeProcess::spawn(elsewhere.path(), &["--database-url", &url]);
        if !server.query_in(&name, mark).is_empty() {
            assert!(!early.wait().await.success(), "no node starts on half a copy");
            assert!(
                early
                    .stderr_with("part of a copy")
                    .await
                    .contains("homeroom store copy")
            );
        }
    }
    let there = shell
        .run(&["store", "copy", "--from", &file, "--to", &url, "--json"])
        .await;
    let first: Value = if there.code == 0 {
        serde_json::from_str(&there.stdout).expect("JSON")
    } else {
        // It was through before it could be killed once more.
        assert!(is_through && there.stderr.contains("not empty"), "{there:?}");
        Value::Null
    };
    let again = shell.run(&["store", "copy", "--from", &file, "--to", &url]).await;
    assert!(again.code == 5 && again.stderr.contains("not empty"), "{again:?}");
    let back = NodeProcess::command_of(env!("CARGO_BIN_EXE_homeroom"))
        .args(["store", "copy", "--from", &url, "--to", &target, "--json"])
        .stdout(std::process::Stdio::piped())
        .output()
        .await
        .expect("the binary runs");
    assert!(back.status.success(), "{}", said(&back));
    let second = printed(&back);
    if first != Value::Null {
        assert_eq!(first["tables"], second["tables"], "a round trip is identical");
    }
    assert_eq!(second["learners_replayed"], 60);
    assert!(database(elsewhere.path()).exists());

    for node in [
        on(&url, elsewhere.path()).await,
        NodeProcess::start(elsewhere.path()).await,
    ] {
        let admin = node.admin();
        assert_eq!(
            admin.get("/leaderboards/all?limit=100").await.expect(200)["rows"],
            board["rows"]
        );
        let mut socket = Socket::connect(&admin).await;
        assert_eq!(
            socket.subscribe(&["user:1"]).await[0]["epoch"],
            epoch,
            "positions stay good"
        );
        socket.close().await;
        let wish = earn(1, "complete_quiz", 1_000);
        let replayed = admin
            .post_keyed(
                "/points/earn",
                {
                    let mut wish = wish;
                    wish["evidence"] = json!({"score": 0.5, "duration_ms": 10_000});
                    wish
                },
                "key-0",
            )
            .await;
        assert!(replayed.is_replayed(), "{}", replayed.text);
    }
    report_row(
        "issue 7",
        "copies killed in the middle",
        kills.max(1),
        "resumed; the round trip has the same checksums",
    );
}
