//! F-D3, F-D9, F-D10 and F-D11: files that are torn, flipped, lost or exchanged while no node runs, and migrations that are
//! cut short. A start gives what was committed before, or refuses with a sentence; it never shows a wrong total.

use crate::support::{
    Class, History, NodeProcess, Progress, Random, Strace, copy_of, database, earn, homeroom, log_of, must_resync,
    position, report_row, said, soak, sound_backup, store,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PEOPLE: u64 = 6;

/// A node with a class that has done something. `writes` of them are acknowledged.
async fn school(directory: &Path, writes: usize, seed: &str) -> NodeProcess {
    let node = NodeProcess::start(directory).await;
    Class::import(&node.admin(), 0, PEOPLE).await;
    write(&node, writes, seed).await;
    node
}

async fn write(node: &NodeProcess, writes: usize, seed: &str) {
    let (mut history, progress, mut random) = (History::default(), Progress::default(), Random::seeded(seed));
    for _ in 0..writes {
        let answer = history.attempt(&node.admin(), PEOPLE, &mut random, &progress).await;
        assert!(answer.is_some_and(|answer| answer.status < 300));
    }
}

/// What everybody sees of everybody's points.
async fn totals(node: &NodeProcess) -> Value {
    let mut seen = vec![node.admin().get("/leaderboards/all").await.expect(200)["entries"].clone()];
    for user_id in 1..=PEOPLE {
        let mut read = node.admin().get(&format!("/progress/{user_id}")).await.expect(200);
        seen.push(read["points"].take());
        seen.push(read["units"].take());
    }
    json!(seen)
}

async fn stop(mut node: NodeProcess) {
    node.sigterm().await;
    assert_eq!(node.wait().await.code(), Some(0), "{}", node.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd3_a_torn_log_loses_its_end_and_nothing_before() {
    let rounds = if soak() { 100 } else { 6 };
    let directory = store::directory_of_files();
    let mut node = school(directory.path(), 30, "a torn log").await;
    node.kill9().await;
    let length = std::fs::metadata(log_of(directory.path())).unwrap().len();
    let whole = sound_backup(
        copy_of(directory.path()).path(),
        &directory.path().join("whole.sqlite3"),
    )
    .await;
    let all = whole["events"].as_u64().unwrap();
    let mut random = Random::seeded("cuts");
    let (mut torn, mut fewest) = (0_u64, all);
    for round in 0..rounds {
        // In the last frame, and then anywhere behind the import.
        let cut = match round % 2 {
            0 => length - 1 - random.between(0, 4_120),
            _ => random.between(length / 2, length),
        };
        let copy = copy_of(directory.path());
        let log = std::fs::File::options().write(true).open(log_of(copy.path())).unwrap();
        log.set_len(cut).unwrap();
        let found = sound_backup(copy.path(), &copy.path().join("torn.sqlite3")).await;
        let kept = found["events"].as_u64().unwrap();
        assert!(kept <= all, "{found}");
        torn += u64::from(kept < all);
        fewest = fewest.min(kept);
    }
    let outcome = format!(
        "{rounds} cuts: structure sound and every stream agreeing with heads and ledger; {fewest} to {all} events"
    );
    report_row(
        "F-D3",
        "the log cut at any byte; cuts that lost a commit",
        torn,
        &outcome,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd9_flipped_bits_are_refused_or_do_not_matter() {
    let rounds = if soak() { 200 } else { 6 };
    let directory = store::directory_of_files();
    let node = school(directory.path(), 60, "flipped bits").await;
    // Enough of one person for a snapshot.
    let events: Vec<Value> = (5_000..5_300)
        .map(|reference| {
            let mut event = earn(1, "read_content", reference);
            event["kind"] = json!("points");
            event
        })
        .collect();
    node.admin()
        .post("/events", json!({ "events": events }))
        .await
        .expect(200);
    for user_id in 1..=PEOPLE {
        let progress = json!({"unit_id": 101, "progress_percentage": 10 * user_id});
        node.admin().post(&format!("/progress/{user_id}"), progress).await.ok();
    }
    let wanted = totals(&node).await;
    stop(node).await;
    let mut random = Random::seeded("flips");
    let (mut flips, mut refused) = (0_u64, 0);
    for _ in 0..rounds {
        let copy = copy_of(directory.path());
        let file = database(copy.path());
        let mut bytes = std::fs::read(&file).unwrap();
        let place = random.between(0, bytes.len() as u64) as usize;
        bytes[place] ^= 1 << random.between(0, 8);
        std::fs::write(&file, &bytes).unwrap();
        flips += 1;
        refused += usize::from(is_refused_or_right(copy.path(), &wanted, &format!("byte {place}")).await);
    }
    // Flips that leave the structure sound: SQLite itself sees nothing wrong.
    for (sql, matters) in [
        ("UPDATE learner_heads SET total = total + 10 WHERE user_id = 1", true),
        ("UPDATE learner_heads SET version = version + 1 WHERE user_id = 2", true),
        (
            "UPDATE user_points SET points = points + 4 WHERE event_id = (SELECT max(event_id) FROM user_points)",
            true,
        ),
        (
            "UPDATE events SET body = replace(body, '\"points\":10', '\"points\":18') WHERE stream_kind = 1",
            true,
        ),
        (
            "UPDATE events SET body = replace(body, '\"reference\":1', '\"reference\":3') WHERE stream_kind = 1",
            true,
        ),
        (
            "DELETE FROM user_points WHERE event_id = (SELECT min(event_id) FROM user_points)",
            true,
        ),
        (
            "UPDATE user_progress SET progress_percentage = 99 - progress_percentage WHERE progress_percentage < 100",
            true,
        ),
        (
            "UPDATE snapshots SET bytes = CAST(x'a5' || substr(bytes, 2) AS BLOB)",
            false,
        ),
        ("UPDATE users SET archived_at = 1 WHERE user_id = 3", true),
        ("UPDATE users SET role = 'staff' WHERE user_id = 4", true),
        ("DELETE FROM snapshots", false),
    ] {
        let copy = copy_of(directory.path());
        let raw = rusqlite::Connection::open(database(copy.path())).unwrap();
        assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
        drop(raw);
        flips += 1;
        let was_refused = is_refused_or_right(copy.path(), &wanted, sql).await;
        assert_eq!(was_refused, matters, "{sql}");
        refused += usize::from(was_refused);
    }
    assert!(refused > 0);
    let outcome = format!(
        "{refused} refused with a sentence and the file untouched, the others showed the right totals; 0 silent wrong totals"
    );
    report_row("F-D9", "flipped bits in the database and in snapshots", flips, &outcome);
}

/// Starts a node on a damaged directory: it refuses, and then has touched nothing, or everything it shows is right.
async fn is_refused_or_right(directory: &Path, wanted: &Value, what: &str) -> bool {
    let before = std::fs::read(database(directory)).unwrap();
    let mut node = NodeProcess::spawn(directory, &[]);
    let Some(status) = node.ready_or_ended().await else {
        assert_eq!(&totals(&node).await, wanted, "{what}");
        return false;
    };
    assert!(status.code().is_some_and(|code| code != 0), "{what}: {status}");
    let said = node.stderr_with("homeroom:").await;
    assert!(!said.contains("panicked"), "{what}: {said}");
    assert!(
        ["damaged", "contradicts", "not a database", "newer", "differs from"]
            .iter()
            .any(|word| said.contains(word)),
        "{what}: {said}"
    );
    assert!(
        std::fs::read(database(directory)).unwrap() == before,
        "{what}: the file was touched"
    );
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd10_an_older_state_of_the_files_is_consistent_and_starts_a_new_epoch() {
    let directory = store::directory_of_files();
    let data = directory.path();
    let node = school(data, 10, "an older state").await;
    let backup = node.admin().post("/backups", json!({})).await.expect(201);
    let backup = data.join("backups").join(backup["name"].as_str().unwrap());
    stop(node).await;
    let older = copy_of(data);
    let node = NodeProcess::start(data).await;
    let topic = "user:1";
    for reference in 1..=10 {
        node.admin()
            .post("/points/earn", earn(1, "read_content", reference))
            .await
            .expect(201);
    }
    let (epoch, offset) = position(&node.admin(), topic).await;
    let killed = {
        let mut node = node;
        node.kill9().await;
        copy_of(data)
    };
    type Change = (&'static str, Box<dyn Fn(&Path)>);
    let backup_file: PathBuf = backup;
    let older_file = database(older.path());
    let changes: [Change; 4] = [
        (
            "the log deleted",
            Box::new(|data| std::fs::remove_file(log_of(data)).unwrap()),
        ),
        (
            "the log cut in half",
            Box::new(|data| {
                let log = std::fs::File::options().write(true).open(log_of(data)).unwrap();
                log.set_len(log.metadata().unwrap().len() / 2).unwrap();
            }),
        ),
        (
            "an older file in its place",
            Box::new(move |data| {
                std::fs::remove_file(log_of(data)).unwrap();
                std::fs::copy(&older_file, database(data)).unwrap();
            }),
        ),
        (
            "a backup in its place",
            Box::new(move |data| {
                std::fs::remove_file(log_of(data)).unwrap();
                std::fs::copy(&backup_file, database(data)).unwrap();
            }),
        ),
    ];
    let mut happened = 0;
    for (what, change) in changes {
        let copy = copy_of(killed.path());
        change(copy.path());
        let node = NodeProcess::start(copy.path()).await;
        let said = node.stderr_with("new epoch").await;
        assert!(said.contains("WARN"), "{what}: {said}");
        must_resync(&node.admin(), topic, (&epoch, offset)).await;
        stop(node).await;
        sound_backup(copy.path(), &copy.path().join("found.sqlite3")).await;
        // From then on the epoch stays.
        let node = NodeProcess::start(copy.path()).await;
        let after = position(&node.admin(), topic).await.0;
        stop(node).await;
        let node = NodeProcess::start(copy.path()).await;
        assert_eq!(position(&node.admin(), topic).await.0, after, "{what}");
        happened += 1;
    }
    // And without a change it is the same one.
    let node = NodeProcess::start(killed.path()).await;
    assert_eq!(position(&node.admin(), topic).await, (epoch, offset));
    let outcome = "an older state in which everything agrees, a new epoch, every client told to read anew";
    report_row(
        "F-D10",
        "log deleted, log cut, older file, backup put in by hand",
        happened,
        outcome,
    );
}

/// A database of the schema before the newest step, with rows for it to work on.
fn before_the_newest_step() -> TempDir {
    let directory = store::directory_of_files();
    let raw = rusqlite::Connection::open(database(directory.path())).unwrap();
    raw.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
         applied_at INTEGER NOT NULL) STRICT",
    )
    .unwrap();
    let steps = homeroom_schema::migrations::SQLITE;
    for step in &steps[..steps.len() - 1] {
        raw.execute_batch(step.sql).unwrap();
        let sql = "INSERT INTO schema_version VALUES (?1, ?2, ?3, 0)";
        raw.execute(sql, (step.version, step.name, step.checksum())).unwrap();
    }
    if steps.len() > 1 {
        raw.execute_batch(
            "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 20000)
             INSERT INTO users (user_id, name, role, created_at) SELECT id, 'Person ' || id, 'student', 0 FROM n",
        )
        .unwrap();
    }
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    directory
}

/// Schema version, number of tables, and number of people.
fn state(directory: &Path) -> (u32, i64, i64) {
    let raw = rusqlite::Connection::open(database(directory)).unwrap();
    let number = |sql: &str| raw.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or_default();
    let integrity: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    (
        number("SELECT max(version) FROM schema_version") as u32,
        number("SELECT count(*) FROM sqlite_schema"),
        number("SELECT count(*) FROM users"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd11_a_migration_is_whole_or_not_there_and_an_older_program_refuses() {
    const CALLS: &str = "pwrite64,fsync,fdatasync,ftruncate";
    let known = homeroom_schema::migrations::KNOWN;
    let source = before_the_newest_step();
    let old = state(source.path());
    let migrated = copy_of(source.path());
    stop(NodeProcess::start(migrated.path()).await).await;
    let new = state(migrated.path());
    assert_eq!((old.0, new.0), (known - 1, known));
    refuses_a_newer_schema(migrated.path()).await;
    if !Strace::is_here("F-D11", "kill -9 during a migration").await {
        return;
    }
    let (mut killed, mut were_old, mut at) = (0_u64, 0, 1);
    loop {
        let copy = copy_of(source.path());
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = Strace::killing(log.path(), CALLS, at);
        command
            .arg("serve")
            .arg("--data")
            .arg(copy.path())
            .args(["--listen", "127.0.0.1:0"]);
        let status = crate::support::within("a start that is cut short", command.status()).await;
        assert!(!status.expect("strace runs").success());
        // A start makes only so many calls: behind the last one there is nothing more to meet.
        if !Strace::has_killed(log.path()) {
            break;
        }
        killed += 1;
        let found = state(copy.path());
        assert!(
            found == old || (found.0, found.2) == (new.0, new.2),
            "killed at call {at}: {found:?}"
        );
        were_old += usize::from(found == old);
        let node = NodeProcess::start(copy.path()).await;
        let people = node.admin().get("/users?limit=1").await.expect(200);
        assert_eq!(people["items"].as_array().unwrap().is_empty(), old.2 == 0);
        stop(node).await;
        assert_eq!(state(copy.path()).0, known);
        at += if soak() { 1 } else { at };
        assert!(at < 2_000, "a start makes fewer calls");
    }
    assert!(!soak() || killed >= 20, "{killed} kills");
    let outcome = format!("{were_old} times nothing of it, otherwise all of it; every start afterwards went well");
    report_row("F-D11", "kill -9 at the n-th write of a migration", killed, &outcome);
}

async fn refuses_a_newer_schema(directory: &Path) {
    let copy = copy_of(directory);
    let raw = rusqlite::Connection::open(database(copy.path())).unwrap();
    raw.execute("INSERT INTO schema_version VALUES (99, 'later', '', 0)", [])
        .unwrap();
    drop(raw);
    let before = std::fs::read(database(copy.path())).unwrap();
    let data = copy.path().to_str().unwrap();
    let refused = homeroom(["serve", "--listen", "127.0.0.1:0", "--data", data]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("use a newer homeroom"), "{}", said(&refused));
    assert!(std::fs::read(database(copy.path())).unwrap() == before);
}
