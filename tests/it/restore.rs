//! `homeroom restore`: what it refuses, what it leaves, who gets in afterwards, and kill -9 at any point of it.

use crate::support::{
    Class, NodeProcess, Strace, copy_of, database, earn, homeroom, must_resync, position, printed, report_row, said,
    soak, store,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A stopped node with a backup of an earlier moment beside it.
struct Place {
    directory: TempDir,
    backup: PathBuf,
    epoch: String,
}

/// Points of person 1 in the backup, and in the directory afterwards.
const EARLIER: u64 = 10;
const LATER: u64 = 60;

impl Place {
    async fn new() -> Self {
        let directory = store::directory_of_files();
        let mut node = NodeProcess::start(directory.path()).await;
        let admin = node.admin();
        Class::import(&admin, 0, 3).await;
        admin.post("/points/earn", earn(1, "read_content", 1)).await.expect(201);
        let made = admin.post("/backups", json!({})).await.expect(201);
        let backup = directory.path().join("backups").join(made["name"].as_str().unwrap());
        admin
            .post("/points/earn", earn(1, "complete_quiz", 2))
            .await
            .expect(201);
        let (epoch, _) = position(&admin, "user:1").await;
        node.sigterm().await;
        assert_eq!(node.wait().await.code(), Some(0));
        Self {
            directory,
            backup,
            epoch,
        }
    }

    async fn restore(&self, data: &Path, more: &[&str]) -> std::process::Output {
        let mut arguments = vec![
            "restore",
            self.backup.to_str().unwrap(),
            "--data",
            data.to_str().unwrap(),
        ];
        arguments.extend(more);
        homeroom(arguments).await
    }
}

async fn points_of(directory: &Path) -> u64 {
    let node = NodeProcess::start(directory).await;
    points(&node).await
}

async fn points(node: &NodeProcess) -> u64 {
    let read = node.admin().get("/progress/1").await.expect(200);
    read["points"]["total"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_takes_nothing_away_and_gives_a_new_epoch() {
    let place = Place::new().await;
    let data = place.directory.path();
    let refused = place.restore(data, &[]).await;
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(said(&refused).contains("--force"), "{}", said(&refused));
    assert_eq!(points_of(data).await, LATER);
    let restored = place.restore(data, &["--force", "--json"]).await;
    assert!(restored.status.success(), "{}", said(&restored));
    let answer = printed(&restored);
    let node = NodeProcess::start(data).await;
    assert_eq!(points(&node).await, EARLIER);
    // A client that had seen all of the later history.
    must_resync(&node.admin(), "user:1", (&place.epoch, 2)).await;
    let (epoch, offset) = position(&node.admin(), "user:1").await;
    assert_eq!((answer["epoch"].as_str(), offset), (Some(epoch.as_str()), 1));
    assert_ne!(epoch, place.epoch);
    drop(node);
    // The old files are a database that works.
    let replaced = PathBuf::from(answer["replaced"].as_str().unwrap());
    assert_eq!(points_of(&replaced).await, LATER);
    // The epoch stays from now on.
    let node = NodeProcess::start(data).await;
    assert_eq!(position(&node.admin(), "user:1").await.0, epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_use_and_a_file_that_is_not_sound_are_refused() {
    let place = Place::new().await;
    let running = NodeProcess::start(place.directory.path()).await;
    let in_use = place.restore(place.directory.path(), &["--force"]).await;
    assert_eq!(in_use.status.code(), Some(1));
    assert!(said(&in_use).contains("another node is running"), "{}", said(&in_use));
    assert_eq!(points(&running).await, LATER);
    drop(running);
    let good = std::fs::read(&place.backup).unwrap();
    let newer = place.directory.path().join("newer.sqlite3");
    std::fs::write(&newer, &good).unwrap();
    let raw = rusqlite::Connection::open(&newer).unwrap();
    let sql = "INSERT INTO schema_version (version, name, checksum, applied_at) VALUES (99, 'later', '', 0)";
    raw.execute(sql, []).unwrap();
    drop(raw);
    let wrong = place.directory.path().join("wrong.sqlite3");
    std::fs::write(&wrong, &good).unwrap();
    let raw = rusqlite::Connection::open(&wrong).unwrap();
    raw.execute("UPDATE learner_heads SET total = total + 10", []).unwrap();
    drop(raw);
    let cut = place.directory.path().join("cut.sqlite3");
    std::fs::write(&cut, &good[..good.len() / 2]).unwrap();
    let elsewhere = store::directory_of_files();
    for (file, part) in [(&newer, "use a newer homeroom"), (&wrong, "differs from"), (&cut, "")] {
        let data = elsewhere.path().join("data");
        let arguments = ["restore", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
        let refused = homeroom(arguments).await;
        assert_eq!(refused.status.code(), Some(5), "{}: {}", file.display(), said(&refused));
        assert!(
            said(&refused).contains(part) && !said(&refused).contains("panicked"),
            "{}",
            said(&refused)
        );
        assert!(!database(&data).exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_another_machine_the_admin_gets_in_with_a_new_token_and_the_old_one_ends() {
    // Without a fixed token: each node makes its own.
    let start = |directory: &Path| {
        let mut command = NodeProcess::command();
        command
            .arg("serve")
            .arg("--data")
            .arg(directory)
            .args(["--listen", "127.0.0.1:0"]);
        NodeProcess::run(command)
    };
    let secret = |directory: &Path| {
        std::fs::read_to_string(directory.join("admin-token"))
            .unwrap()
            .trim()
            .to_owned()
    };
    let here = store::directory_of_files();
    let mut node = start(here.path());
    node.ready().await;
    let old = secret(here.path());
    let admin = node.with_token(&old);
    let service = crate::support::new_token(&admin, "service", None).await;
    let made = admin.post("/backups", json!({})).await.expect(201);
    let backup = here.path().join("backups").join(made["name"].as_str().unwrap());
    node.sigterm().await;
    node.wait().await;
    for (data, stays) in [(store::directory_of_files(), false), (copy_of(here.path()), true)] {
        let (file, to) = (backup.to_str().unwrap(), data.path().to_str().unwrap());
        let restored = homeroom(["restore", file, "--data", to, "--force"]).await;
        assert!(restored.status.success(), "{}", said(&restored));
        for _ in 0..2 {
            let mut node = start(data.path());
            node.ready().await;
            let new = secret(data.path());
            assert_eq!(new == old, stays);
            assert_eq!(node.with_token(&new).get("/me").await.expect(200)["role"], "admin");
            node.with_token(&service).get("/me").await.expect(200);
            if !stays {
                node.with_token(&old).get("/me").await.problem(401, "unauthenticated");
            }
            node.sigterm().await;
            node.wait().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_erased_after_the_backup_is_erased_again_and_the_restore_is_audited() {
    let place = Place::new().await;
    let data = place.directory.path();
    let mut node = NodeProcess::start(data).await;
    node.admin().delete("/users/2").await.expect(204);
    node.sigterm().await;
    node.wait().await;
    let elsewhere = store::directory_of_files();
    let target = |name: &str| elsewhere.path().join(name);
    let alone = target("alone.sqlite3");
    std::fs::copy(&place.backup, &alone).unwrap();
    let list = data.join("erasures.jsonl");
    let [list, alone] = [&list, &alone].map(|path| path.to_str().unwrap().to_owned());
    let backup = place.backup.to_str().unwrap().to_owned();
    for (name, arguments) in [
        // The list lies above the folder of the backups.
        ("from-folder", vec!["restore", &backup]),
        ("named", vec!["restore", &alone, "--erasures", &list]),
    ] {
        let to = target(name);
        let restored = homeroom(arguments.into_iter().chain(["--data", to.to_str().unwrap()])).await;
        assert!(restored.status.success(), "{}", said(&restored));
        let node = NodeProcess::start(&to).await;
        node.admin().get("/users/2").await.problem(410, "erased");
        assert_eq!(
            node.admin().get("/users/3").await.expect(200)["name"],
            Class::real_name(3)
        );
        let audited = node.admin().get("/audit?act=restored").await.expect(200);
        assert_eq!(audited["items"].as_array().unwrap().len(), 1, "{audited}");
    }
    let missing = homeroom([
        "restore",
        &alone,
        "--data",
        target("x").to_str().unwrap(),
        "--erasures",
        "no-such-file",
    ])
    .await;
    assert_eq!(missing.status.code(), Some(5), "{}", said(&missing));
    assert!(!database(&target("x")).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_any_point_of_a_restore_leaves_the_old_or_the_new() {
    const CALLS: &str = "rename,mkdir,unlink,pwrite64,write,fsync,fdatasync,ftruncate";
    if !Strace::is_here("restore", "kill -9 during a restore").await {
        return;
    }
    let place = Place::new().await;
    let (mut killed, mut old, mut new) = (0_u64, 0, 0);
    let mut at = 1;
    loop {
        let copy = copy_of(place.directory.path());
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = Strace::killing(log.path(), CALLS, at);
        command
            .arg("restore")
            .arg(&place.backup)
            .arg("--data")
            .arg(copy.path())
            .arg("--force");
        let status = command.status().await.expect("strace runs");
        let total = points_of(copy.path()).await;
        assert!([EARLIER, LATER].contains(&total), "killed at call {at}: {total} points");
        if status.success() {
            assert_eq!(total, EARLIER);
            break;
        }
        assert!(Strace::has_killed(log.path()), "it failed by itself: {status}");
        killed += 1;
        old += usize::from(total == LATER);
        new += usize::from(total == EARLIER);
        at += if soak() { 1 } else { 1 + at / 3 };
        assert!(at < 2_000, "a restore makes fewer calls");
    }
    let outcome = format!("{old} times the old database, {new} times the new one, never anything else");
    report_row("restore", "kill -9 at the n-th call of the system", killed, &outcome);
}
