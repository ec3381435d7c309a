//! Backups: made while a node works, listed, fetched, checked and removed; by admins alone; by itself; and F-D13.

use crate::support::{
    Class, History, Node, NodeProcess, Progress, Random, database, earn, eventually, homeroom, printed, report_row,
    said, soak, sound_backup, store, whole_ledger,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PEOPLE: u64 = 12;
const WRITERS: usize = 8;

/// A node with a class and a few awards.
async fn school() -> Node {
    let node = Node::start_on_a_file_with(|config| config.backups_kept = 3).await;
    Class::of(&node, 4).await;
    for reference in 1..=20 {
        let wish = earn(reference % 4 + 1, "read_content", reference);
        node.admin().post("/points/earn", wish).await.expect(201);
    }
    node
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_listed_fetched_checked_and_removed() {
    let node = school().await;
    let admin = node.admin();
    let made = admin.post("/backups", json!({})).await.expect(201);
    let name = made["name"].as_str().unwrap().to_owned();
    let path = format!("/backups/{name}");
    assert!(
        made["bytes"].as_u64().unwrap() > 4_096 && made["last_event_id"].as_u64().unwrap() >= 20,
        "{made}"
    );
    let listed = admin.get("/backups").await.expect(200);
    assert_eq!(listed, json!({"items": [made], "next_cursor": null}));
    let fetched = admin.request(reqwest::Method::GET, &path).send().await.unwrap();
    assert_eq!(fetched.status(), 200);
    let bytes = fetched.bytes().await.unwrap();
    assert_eq!(bytes.len() as u64, made["bytes"].as_u64().unwrap());
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    let found = admin.post(&format!("{path}/verify"), json!({})).await.expect(200);
    assert_eq!(
        (&found["ok"], &found["checksum"]),
        (&json!(true), &json!("matches")),
        "{found}"
    );
    assert!(found["ledger_entries"].as_u64().unwrap() >= 20, "{found}");
    // sha256sum reads what stands beside it.
    let folder = node.directory().join("backups");
    let line = std::fs::read_to_string(folder.join(format!("{name}.sha256"))).unwrap();
    assert_eq!(line, format!("{}  {name}\n", made["sha256"].as_str().unwrap()));
    // A flipped byte is found.
    let mut damaged = bytes.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    std::fs::write(folder.join(&name), damaged).unwrap();
    let found = admin.post(&format!("{path}/verify"), json!({})).await.expect(200);
    assert_eq!(
        (&found["ok"], &found["checksum"]),
        (&json!(false), &json!("differs")),
        "{found}"
    );
    admin.delete(&path).await.expect(204);
    let audited = admin.get("/audit").await.expect(200);
    let acts: Vec<&str> = audited["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["act"].as_str())
        .collect();
    assert_eq!(
        acts[..3],
        ["backup_removed", "backup_fetched", "backup_made"],
        "{audited}"
    );
    admin.delete(&path).await.problem(404, "unknown_backup");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "the checksum goes too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_are_kept_and_paged_and_a_key_makes_one() {
    let node = school().await;
    let admin = node.admin();
    let first = admin.post_keyed("/backups", json!(null), "k").await;
    let again = admin.post_keyed("/backups", json!(null), "k").await;
    assert!(again.is_replayed() && first.body == again.body, "{again:?}");
    let mut names = vec![first.body["name"].clone()];
    for _ in 0..4 {
        names.push(admin.post("/backups", json!({})).await.expect(201)["name"].clone());
    }
    names.reverse();
    names.truncate(3);
    let mut seen: Vec<Value> = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let page = admin.get(&format!("/backups{query}")).await.expect(200);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].clone()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, names);
    admin.get("/backups?limit=0").await.problem(422, "validation");
    admin.get("/backups?cursor=x").await.problem(400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_admins_and_only_names_of_ours() {
    let node = school().await;
    let made = node.admin().post("/backups", json!({})).await.expect(201);
    let path = format!("/backups/{}", made["name"].as_str().unwrap());
    for caller in [
        node.caller("service", None).await,
        node.mentor(900).await,
        node.student(1).await,
    ] {
        caller.post("/backups", json!({})).await.problem(403, "forbidden");
        caller.get("/backups").await.problem(403, "forbidden");
        caller.get(&path).await.problem(403, "forbidden");
        caller.delete(&path).await.problem(403, "forbidden");
        caller
            .post(&format!("{path}/verify"), json!({}))
            .await
            .problem(403, "forbidden");
    }
    for name in [
        "..%2fhomeroom.sqlite3",
        "%2e%2e%2fadmin-token",
        "..%5chomeroom.sqlite3",
        "homeroom.sqlite3",
        "homeroom-20260301T093000000Z.sqlite3",
        "x%00",
    ] {
        let path = format!("/backups/{name}");
        node.admin().get(&path).await.problem(404, "unknown_backup");
        node.admin().delete(&path).await.problem(404, "unknown_backup");
    }
    assert!(database(node.directory()).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_makes_backups_by_itself_when_one_is_due() {
    let mut node = school().await;
    node.stop().await;
    // Two days ago, as far as the journal knows.
    let raw = rusqlite::Connection::open(database(node.directory())).unwrap();
    let moved = raw
        .execute("UPDATE events SET recorded_at = recorded_at - 2 * 86400000", [])
        .unwrap();
    assert!(moved > 0);
    drop(raw);
    node.start_again().await;
    let admin = node.admin();
    let made = eventually("a backup by itself", || async {
        let listed = admin.get("/backups").await.expect(200);
        listed["items"].as_array().and_then(|items| items.first().cloned())
    })
    .await;
    // Not again, while it is young.
    node.restart().await;
    let listed = node.admin().get("/backups").await.expect(200);
    assert_eq!(listed["items"], json!([made]));
    let metrics = node.anonymous().get("/metrics").await.text;
    assert!(
        metrics.contains("homeroom_backups_total{outcome=\"made\"}"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_makes_lists_and_checks() {
    let directory = store::directory_of_files();
    let mut node = NodeProcess::start(directory.path()).await;
    Class::import(&node.admin(), 0, 3).await;
    node.admin()
        .post("/points/earn", earn(1, "complete_quiz", 1))
        .await
        .expect(201);
    let out = store::directory_of_files();
    let place = |name: &str| out.path().join(name).to_str().unwrap().to_owned();
    let node_at = ["--url", node.admin().base(), "--token", crate::support::ADMIN_TOKEN].map(str::to_owned);
    let with = |arguments: &[&str]| -> Vec<String> {
        arguments
            .iter()
            .map(|text| (*text).to_owned())
            .chain(node_at.clone())
            .collect()
    };
    let live = homeroom(with(&["backup", "--json", "--out", &place("live.sqlite3")])).await;
    let made = printed(&live);
    assert!(live.status.success(), "{}", said(&live));
    assert_eq!(
        printed(&homeroom(with(&["backup", "list", "--json"])).await)["items"],
        json!([made])
    );
    assert_eq!(
        homeroom(["backup", "--url", node.admin().base()]).await.status.code(),
        Some(4)
    );
    let data = directory.path().to_str().unwrap();
    let in_use = homeroom(["backup", "--data", data]).await;
    assert_eq!(in_use.status.code(), Some(1));
    assert!(said(&in_use).contains("another node is running"), "{}", said(&in_use));
    node.sigterm().await;
    assert_eq!(node.wait().await.code(), Some(0));
    sound_backup(directory.path(), &out.path().join("offline.sqlite3")).await;
    assert_eq!(
        homeroom(with(&["backup"])).await.status.code(),
        Some(3),
        "no node there"
    );
    let found = printed(&homeroom(["backup", "verify", &place("live.sqlite3"), "--json"]).await);
    assert_eq!(
        (&found["ok"], &found["checksum"]),
        (&json!(true), &json!("matches")),
        "{found}"
    );
    assert_eq!(found["last_event_id"], made["last_event_id"]);
    for (file, text, code) in [
        ("missing.sqlite3", None, 6),
        ("text.sqlite3", Some("no database"), 5),
        ("empty.sqlite3", Some(""), 5),
    ] {
        if let Some(text) = text {
            std::fs::write(out.path().join(file), text).unwrap();
        }
        let output = homeroom(["backup", "verify", &place(file)]).await;
        assert_eq!(output.status.code(), Some(code), "{file}: {}", said(&output));
        assert!(!said(&output).contains("panicked") && !said(&output).is_empty());
    }
    // The database itself is no backup.
    let own = homeroom(["backup", "verify", database(directory.path()).to_str().unwrap()]).await;
    assert_eq!(own.status.code(), Some(5), "{}", said(&own));
}

/// Writers that note how long each answer took, until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    writers: tokio::task::JoinSet<(History, Vec<(Instant, Duration)>)>,
}

impl Load {
    fn start(node: &NodeProcess, random: &mut Random, progress: &Arc<Progress>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..WRITERS {
            let (client, progress, stop) = (node.admin(), Arc::clone(progress), Arc::clone(&stop));
            let mut random = random.fork();
            writers.spawn(async move {
                let (mut history, mut times) = (History::default(), Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let answer = history.attempt(&client, PEOPLE, &mut random, &progress).await;
                    assert!(
                        answer.is_some_and(|answer| answer.status < 300),
                        "a backup refuses nobody"
                    );
                    times.push((begun, begun.elapsed()));
                }
                (history, times)
            });
        }
        Self { stop, writers }
    }

    async fn end(mut self, history: &mut History) -> Vec<(Instant, Duration)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(done) = self.writers.join_next().await {
            let (seen, times) = done.expect("a writer");
            history.merge(seen);
            all.extend(times);
        }
        all
    }
}

fn p99(times: &[(Instant, Duration)], from: Instant, to: Instant) -> (usize, Duration) {
    let mut within: Vec<Duration> = times
        .iter()
        .filter(|(begun, took)| *begun + *took >= from && *begun < to)
        .map(|(_, took)| *took)
        .collect();
    within.sort_unstable();
    let place = (within.len() * 99 / 100).min(within.len().saturating_sub(1));
    (within.len(), within.get(place).copied().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd13_a_backup_under_load_is_of_one_moment_and_delays_nobody_much() {
    let (seeds, backups) = if soak() { (100, 10) } else { (4, 3) };
    let mut random = Random::seeded("backup under load");
    let directory = store::directory_of_files();
    let node = NodeProcess::start(directory.path()).await;
    let admin = node.admin();
    Class::import(&admin, 0, PEOPLE).await;
    for seed in 0..seeds {
        let event = |place: u64| {
            let mut event = earn(place % PEOPLE + 1, "read_content", 1_000_000_000 + seed * 1_000 + place);
            event["kind"] = json!("points");
            event
        };
        let events: Vec<Value> = (0..1_000).map(event).collect();
        admin.post("/events", json!({ "events": events })).await.expect(200);
    }
    let (mut history, progress) = (History::default(), Arc::new(Progress::default()));
    let load = Load::start(&node, &mut random, &progress);
    let reach = |more: u64| {
        let wanted = progress.acknowledged.load(Ordering::Relaxed) + more;
        let progress = Arc::clone(&progress);
        async move {
            eventually("the load", || async {
                (progress.acknowledged.load(Ordering::Relaxed) >= wanted).then_some(())
            })
            .await;
        }
    };
    reach(100).await;
    let quiet = Instant::now();
    reach(1_000).await;
    let busy = Instant::now();
    let mut last = Value::Null;
    for _ in 0..backups {
        last = admin.post("/backups", json!({})).await.expect(201);
    }
    let done = Instant::now();
    reach(50).await;
    let times = load.end(&mut history).await;
    let ((writes_before, before), (writes_during, during)) = (p99(&times, quiet, busy), p99(&times, busy, done));
    let ratio = during.as_secs_f64() / before.as_secs_f64();
    let outcome = format!(
        "sound; write p99 {before:?} without ({writes_before} writes), {during:?} with ({writes_during}), ratio {ratio:.2}; \
         {} bytes, {:?} a backup",
        last["bytes"],
        (done - busy) / backups
    );
    assert!(writes_during > 10, "too few writes during the backups: {outcome}");
    assert!(ratio < if soak() { 2.0 } else { 10.0 }, "{outcome}");
    restored_elsewhere(&node, &last).await;
    report_row(
        "F-D13",
        "online backup under load, restored elsewhere",
        u64::from(backups),
        &outcome,
    );
}

/// Restores a backup in another place and compares every ledger up to the mark.
async fn restored_elsewhere(node: &NodeProcess, made: &Value) {
    let mark = made["last_event_id"].as_u64().unwrap();
    let place = store::directory_of_files();
    let (file, data) = (place.path().join("a.sqlite3"), place.path().join("data"));
    let name = made["name"].as_str().unwrap();
    let path = format!("/backups/{name}");
    let bytes = node.admin().request(reqwest::Method::GET, &path).send().await.unwrap();
    std::fs::write(&file, bytes.bytes().await.unwrap()).unwrap();
    let arguments = [
        "restore",
        file.to_str().unwrap(),
        "--json",
        "--data",
        data.to_str().unwrap(),
    ];
    let restored = homeroom(arguments).await;
    assert!(restored.status.success(), "{}", said(&restored));
    let found = &printed(&restored)["restored"];
    assert!(found["ok"] == true && found["last_event_id"] == mark, "{found}");
    let elsewhere = NodeProcess::start(&data).await;
    for user_id in 1..=PEOPLE {
        let mut wanted = whole_ledger(&node.admin(), user_id).await;
        wanted.retain(|entry| entry["event_id"].as_u64().unwrap() <= mark);
        assert_eq!(
            whole_ledger(&elsewhere.admin(), user_id).await,
            wanted,
            "person {user_id}"
        );
    }
}
