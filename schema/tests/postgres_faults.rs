//! A PostgreSQL server that is stopped, crashes, hangs, loses connections, is full or is somebody else's. Each test starts a
//! server of its own, or breaks one database of the shared one; without a server each says that it was left out.

use homeroom_schema::contract::sample::{award, key, key_hash, rows, school, tick, user_id};
use homeroom_schema::migrations::KNOWN;
use homeroom_schema::records::{Append, AppendOutcome, StreamId};
use homeroom_schema::{PostgresOptions, PostgresStore, Store, StoreError, TimeMs, Version};
use homeroom_servers::{CuttingProxy, Postgres, Stop};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(30);

async fn open(url: &str) -> Arc<PostgresStore> {
    Arc::new(
        PostgresStore::connect(PostgresOptions::new(url))
            .await
            .expect("a database"),
    )
}

async fn school_at(url: &str) -> Arc<PostgresStore> {
    let store = open(url).await;
    store.commit(vec![school()]).await.expect("an empty database");
    store
}

/// Why a database cannot be used, which must be one line without the password.
async fn refusal(url: &str) -> String {
    let error = PostgresStore::connect(PostgresOptions::new(url))
        .await
        .expect_err("a refusal");
    assert!(
        !matches!(error, StoreError::Unavailable { .. }),
        "waiting would not help: {error}"
    );
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.contains("not-a-secret"), "{text}");
    text
}

fn name_of(url: &str) -> &str {
    url.rsplit('/').next().expect("a URL with a name")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_told_in_one_line_and_left_as_it_is() {
    let Some(postgres) = Postgres::shared("bad databases") else {
        return;
    };
    let url = postgres.database();
    let tables = |url: &str| {
        postgres.query_in(
            name_of(url),
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'",
        )
    };
    assert!(
        refusal(&url.replace("not-a-secret", "wrong"))
            .await
            .contains("password")
    );
    assert!(refusal(&postgres.url("nowhere")).await.contains("no such database"));
    assert!(refusal("postgres://me:not-a-secret@/x").await.contains("URL"));
    let with_tls = refusal(&format!("{url}?sslmode=require")).await;
    assert!(with_tls.contains("sslmode=disable"), "{with_tls}");

    let _ = postgres.query("CREATE ROLE guest LOGIN PASSWORD 'not-a-secret'");
    let _ = postgres.query_in(name_of(&url), "REVOKE ALL ON SCHEMA public FROM PUBLIC");
    let guest = url.replace("homeroom:", "guest:");
    let missing = refusal(&guest).await;
    assert!(
        missing.contains("grant") || missing.contains("permission denied"),
        "{missing}"
    );
    assert_eq!(tables(&url), "0", "nothing was made");

    let other = postgres.database();
    let _ = postgres.query_in(name_of(&other), "CREATE TABLE orders (id bigint)");
    assert!(refusal(&other).await.contains("another program"));
    let alike = postgres.database();
    let _ = postgres.query_in(name_of(&alike), "CREATE TABLE schema_version (version text)");
    assert!(refusal(&alike).await.contains("another program"));
    assert_eq!((tables(&other), tables(&alike)), ("1".to_owned(), "1".to_owned()));

    open(&url).await.close().await.expect("a store that closes");
    let newer = "INSERT INTO schema_version (version, name, checksum, applied_at) VALUES (99, 'later', 'x', now())";
    let _ = postgres.query_in(name_of(&url), newer);
    let before = tables(&url);
    assert!(refusal(&url).await.contains("schema version 99"));
    assert_eq!(tables(&url), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_make_the_tables_once() {
    let Some(postgres) = Postgres::shared("nodes that start together") else {
        return;
    };
    for _ in 0..5 {
        let url = postgres.database();
        let opened = futures_util::future::join_all((0..4).map(|_| open(&url))).await;
        let taken = postgres.query_in(name_of(&url), "SELECT count(*), max(version) FROM schema_version");
        assert_eq!(taken, format!("{KNOWN}|{KNOWN}"));
        let writers = postgres.query_in(name_of(&url), "SELECT value FROM settings WHERE name = 'writer'");
        assert_eq!(writers, "5", "each has a number of its own");
        assert_eq!(opened.len(), 4);
    }
}

/// People, checks, keys and comments that somebody with psql finds.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_with_a_sql_shell_finds_native_types_keys_checks_and_comments() {
    let Some(postgres) = Postgres::shared("a SQL shell") else {
        return;
    };
    let url = postgres.database();
    school_at(&url).await;
    let columns = "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) \
         FROM information_schema.columns WHERE table_name = 'user_progress'";
    let columns = postgres.query_in(name_of(&url), columns);
    assert_eq!(
        columns,
        "user_id bigint, unit_id bigint, progress_percentage smallint, last_accessed timestamp with time zone, \
         completed_at timestamp with time zone"
    );
    let constraints = "SELECT contype, count(*) FROM pg_constraint WHERE conrelid = 'user_progress'::regclass AND contype IN ('c', 'f', 'p') GROUP BY 1 ORDER BY 1";
    assert_eq!(postgres.query_in(name_of(&url), constraints), "c|1\nf|2\np|1");
    let without = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
         AND obj_description(oid) IS NULL";
    assert_eq!(
        postgres.query_in(name_of(&url), without),
        "0",
        "every table says what it is for"
    );
    let stray = "INSERT INTO user_progress VALUES (999, 1, 5, now(), NULL)";
    let refused = std::panic::catch_unwind(|| postgres.query_in(name_of(&url), stray));
    assert!(refused.is_err(), "progress of nobody");
}

/// What is acknowledged while somebody does `harm`, and whether all of it is there afterwards, once.
struct Load {
    store: Arc<PostgresStore>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    writers: tokio::task::JoinSet<BTreeMap<u64, u64>>,
}

impl Load {
    /// Writers that each append to a learner of their own, with a key for each award, and go on from what is really there
    /// after every failure.
    fn start(store: &Arc<PostgresStore>, learners: u64) -> Self {
        let (stop, acknowledged, refused) = (
            Arc::<AtomicBool>::default(),
            Arc::<AtomicU64>::default(),
            Arc::<AtomicU64>::default(),
        );
        let mut writers = tokio::task::JoinSet::new();
        for user in 1..=learners {
            let (store, stop) = (Arc::clone(store), Arc::clone(&stop));
            let (acknowledged, refused) = (Arc::clone(&acknowledged), Arc::clone(&refused));
            writers.spawn(async move {
                let stream = StreamId::learner(user_id(user));
                let (mut version, mut said) = (0, BTreeMap::new());
                while !stop.load(Ordering::Acquire) {
                    let mut append = award(user, version, 10, 10 * (version + 1), None);
                    append.key = Some(key(user * 1_000_000 + version, TimeMs(1)));
                    match store.commit(vec![append]).await.as_deref() {
                        Ok([AppendOutcome::Kept { first_event_id }]) => {
                            version += 1;
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                            said.insert(version, first_event_id.map_or(0, |id| id.get()));
                        }
                        // An answer that was lost: what it was about is there.
                        Ok([AppendOutcome::KeyTaken]) => version += 1,
                        Ok(other) => panic!("nobody else writes: {other:?}"),
                        Err(StoreError::Unavailable { .. } | StoreError::Unknown { .. }) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                            // Asked once more as soon as the way is free.
                            while store.read_stream(stream, Version::ZERO, 1).await.is_err()
                                && !stop.load(Ordering::Acquire)
                            {
                                tokio::task::yield_now().await;
                            }
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                said
            });
        }
        Self {
            store: Arc::clone(store),
            stop,
            acknowledged,
            refused,
            writers,
        }
    }

    /// Waits until so many more were acknowledged.
    async fn more(&self, count: u64) {
        let goal = self.acknowledged.load(Ordering::Relaxed) + count;
        let begun = Instant::now();
        while self.acknowledged.load(Ordering::Relaxed) < goal {
            assert!(begun.elapsed() < DEADLINE, "no more awards are acknowledged");
            tokio::task::yield_now().await;
        }
    }

    /// Stops, and compares what was acknowledged with what is there. Returns how many commits failed.
    async fn compare(mut self) -> u64 {
        self.stop.store(true, Ordering::Release);
        let (mut acknowledged, mut user) = (0, 0);
        let mut all = Vec::new();
        while let Some(said) = self.writers.join_next().await {
            all.push(said.expect("no writer fails"));
        }
        let journal = self
            .store
            .read_journal(None, usize::MAX)
            .await
            .expect("a store that reads");
        let places: BTreeMap<u64, u64> = journal
            .iter()
            .map(|event| (event.event_id.get(), event.version.0))
            .collect();
        assert_eq!(places.len(), journal.len(), "no id is given twice");
        for said in all {
            for (version, event_id) in said {
                assert_eq!(
                    places.get(&event_id),
                    Some(&version),
                    "an acknowledged award is where it was said to be"
                );
                acknowledged += 1;
            }
            user += 1;
        }
        for head in self.store.load_heads().await.expect("a store that reads") {
            let versions: Vec<u64> = journal
                .iter()
                .filter(|event| event.stream == StreamId::learner(head.user_id))
                .map(|event| event.version.0)
                .collect();
            assert_eq!(
                versions,
                (1..=head.version.0).collect::<Vec<_>>(),
                "no gap, nothing twice"
            );
            assert_eq!(head.total, 10 * head.version.0);
        }
        assert!(user > 0 && acknowledged > 0);
        self.refused.load(Ordering::Relaxed)
    }
}

/// F-P1 at the store: stopped in order, crashed, its backends killed, all under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fp1_a_server_that_goes_and_comes_loses_and_doubles_nothing() {
    let Some(postgres) = Postgres::start(true) else {
        return homeroom_servers::left_out("F-P1 at the store", "PostgreSQL");
    };
    let postgres = Arc::new(postgres);
    let store = school_at(&postgres.database()).await;
    let load = Load::start(&store, 8);
    load.more(100).await;
    for how in [Stop::Fast, Stop::Immediate] {
        let server = Arc::clone(&postgres);
        tokio::task::spawn_blocking(move || {
            server.stop(how);
            server.start_again();
        })
        .await
        .expect("a restart");
        let back = Instant::now();
        load.more(50).await;
        println!("F-P1 {how:?}: writes go on after {:?}", back.elapsed());
    }
    for _ in 0..3 {
        let server = Arc::clone(&postgres);
        let killed = tokio::task::spawn_blocking(move || server.kill_backends())
            .await
            .expect("a kill");
        assert!(killed > 0, "a fault that really happened");
        load.more(50).await;
    }
    assert!(load.compare().await > 0, "some commits must have failed");
}

/// A statement that waits for a lock beyond its time keeps nothing, and the next one is fine.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_keeps_nothing() {
    let Some(postgres) = Postgres::shared("a statement timeout") else {
        return;
    };
    let url = postgres.database();
    let options = PostgresOptions::new(&*url).statement_timeout(Duration::from_millis(200));
    let store = PostgresStore::connect(options).await.expect("a database");
    store
        .commit(vec![tick(StreamId::learner(user_id(1)), 0, 1)])
        .await
        .expect("a commit");
    let (database, (begun, has_begun)) = (name_of(&url).to_owned(), std::sync::mpsc::channel::<()>());
    let blocker = std::thread::spawn(move || {
        drop(begun);
        // Holds the row that every batch locks.
        postgres.query_in(
            &database,
            "BEGIN; UPDATE settings SET value = value WHERE name = 'writer'; SELECT pg_sleep(3); ROLLBACK",
        )
    });
    let _ = has_begun.recv();
    let held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    while postgres.query(held) == "0" {}
    let refused = store.commit(vec![tick(StreamId::learner(user_id(1)), 1, 1)]).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable { cause }) if cause.contains("timeout")),
        "{refused:?}"
    );
    assert_eq!(store.load_heads().await.expect("reads go on")[0].version, Version(1));
    let _ = blocker.join();
    let kept = store
        .commit(vec![tick(StreamId::learner(user_id(1)), 1, 1)])
        .await
        .expect("a commit");
    assert!(matches!(kept[0], AppendOutcome::Kept { .. }));
}

/// F-P2: the answer to COMMIT is lost. The same key settles it, and there is one effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fp2_a_commit_whose_answer_is_lost_is_settled_by_its_key() {
    let Some(postgres) = Postgres::shared("F-P2 at the store") else {
        return;
    };
    let rounds = if std::env::var_os("HOMEROOM_SOAK").is_some_and(|value| value != "0") {
        1_000
    } else {
        100
    };
    let url = postgres.database();
    let proxy = CuttingProxy::start(postgres.port()).await;
    let store = school_at(&proxy.through(&url)).await;
    for round in 0..rounds {
        let keyed = || {
            let mut append = award(1, round, 10, 10 * (round + 1), None);
            append.key = Some(key(round, TimeMs(1)));
            append
        };
        proxy.cut_next_commit();
        let lost = store.commit(vec![keyed()]).await;
        assert!(matches!(lost, Err(StoreError::Unknown { .. })), "{lost:?}");
        let again = store.commit(vec![keyed()]).await.expect("a new connection");
        assert_eq!(again, [AppendOutcome::KeyTaken]);
    }
    assert_eq!(proxy.cuts(), rounds);
    let head = store.load_heads().await.expect("a store that reads")[0];
    assert_eq!((head.version.0, head.total), (rounds, 10 * rounds));
    assert!(
        store
            .find_key(key_hash(rounds - 1))
            .await
            .expect("a store that reads")
            .is_some()
    );
}

/// Two who do not know of each other write to the same learners. No stream is ever wrong; the loser is told where it stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_never_corrupt_a_stream() {
    const LEARNERS: u64 = 20;
    const EACH: u64 = 1_500;
    let Some(postgres) = Postgres::shared("two writers") else {
        return;
    };
    let url = postgres.database();
    let stores = [school_at(&url).await, open(&url).await];
    let mut writers = tokio::task::JoinSet::new();
    for (number, store) in stores.iter().enumerate() {
        let store = Arc::clone(store);
        writers.spawn(async move {
            let mut versions = vec![0_u64; LEARNERS as usize];
            let (mut kept, mut conflicts) = (0, 0);
            for round in 0..EACH {
                let user = (round * 7 + number as u64) % LEARNERS;
                let at = &mut versions[user as usize];
                let outcomes = store
                    .commit(vec![award(user + 1, *at, 1, *at + 1, None)])
                    .await
                    .expect("a commit");
                match outcomes[0] {
                    AppendOutcome::Kept { .. } => (kept, *at) = (kept + 1, *at + 1),
                    AppendOutcome::Conflict { actual } => (conflicts, *at) = (conflicts + 1, actual.0),
                    AppendOutcome::KeyTaken => panic!("no keys were used"),
                }
            }
            (kept, conflicts)
        });
    }
    let (mut kept, mut conflicts) = (0, 0);
    while let Some(done) = writers.join_next().await {
        let (own, lost) = done.expect("no writer fails");
        (kept, conflicts) = (kept + own, conflicts + lost);
    }
    assert!(conflicts > 0, "they must have met");
    let journal = stores[0]
        .read_journal(None, usize::MAX)
        .await
        .expect("a store that reads");
    assert_eq!(journal.len() as u64, kept);
    let ids: Vec<u64> = journal.iter().map(|event| event.event_id.get()).collect();
    assert_eq!(
        ids,
        (1..=kept).collect::<Vec<_>>(),
        "ids follow each other in the order of commits"
    );
    for head in stores[1].load_heads().await.expect("a store that reads") {
        let own = journal
            .iter()
            .filter(|event| event.stream == StreamId::learner(head.user_id));
        let versions: Vec<u64> = own.map(|event| event.version.0).collect();
        assert_eq!(versions, (1..=head.version.0).collect::<Vec<_>>());
        assert_eq!(head.total, head.version.0);
    }
    println!("{kept} kept, {conflicts} conflicts");
}

/// A batch of which one item conflicts: the others are kept, in one transaction.
#[tokio::test(flavor = "multi_thread")]
async fn one_item_that_conflicts_does_not_take_the_others_with_it() {
    let Some(postgres) = Postgres::shared("an item that conflicts") else {
        return;
    };
    let store = school_at(&postgres.database()).await;
    store.commit(vec![award(1, 0, 10, 10, None)]).await.expect("a commit");
    let mut batch: Vec<Append> = (2..=50).map(|user| award(user, 0, 10, 10, None)).collect();
    batch.insert(20, award(1, 0, 10, 10, None));
    batch.push(rows(Vec::new()));
    let outcomes = store.commit(batch).await.expect("a commit");
    for (index, outcome) in outcomes.iter().enumerate() {
        assert_eq!(
            *outcome == AppendOutcome::Conflict { actual: Version(1) },
            index == 20,
            "{outcome:?}"
        );
    }
    assert_eq!(store.load_heads().await.expect("a store that reads").len(), 50);
}

/// A file system of its own, so that it can be filled.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Nothing where this user may not mount one.
    fn mount(megabytes: u32) -> Option<Self> {
        let place = tempfile::tempdir().ok()?;
        let size = format!("size={megabytes}m,mode=755");
        let mut mount = Command::new("mount");
        let mounted = mount
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(place.path())
            .output();
        mounted.is_ok_and(|done| done.status.success()).then_some(Self(place))
    }

    fn fill(&self) -> std::path::PathBuf {
        let ballast = self.0.path().join("ballast");
        let mut file = std::fs::File::create(&ballast).expect("a file");
        while file.write_all(&[0; 65_536]).is_ok() {}
        while file.write_all(&[0; 512]).is_ok() {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

/// A full disk under the server: nothing is kept, nothing acknowledged, and it goes on when there is room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_server_keeps_nothing_and_heals() {
    let Some(disk) = SmallDisk::mount(160) else {
        let mut terminal = std::io::stderr();
        let _ = writeln!(
            terminal,
            "\n!! LEFT OUT: a full disk under PostgreSQL: this user may not mount a file system\n"
        );
        return;
    };
    let settings = [
        "min_wal_size=32MB",
        "max_wal_size=32MB",
        "shared_buffers=4MB",
        "autovacuum=off",
    ];
    let Some(postgres) = Postgres::start_with(true, Some(disk.0.path()), &settings) else {
        return homeroom_servers::left_out("a full disk", "PostgreSQL");
    };
    let store = school_at(&postgres.database()).await;
    let wide = |version: u64| {
        let mut append = award(1, version, 10, 10 * (version + 1), None);
        append
            .stream
            .iter_mut()
            .for_each(|stream| stream.events[0].body = format!("{{\"text\":\"{}\"}}", "x".repeat(1_500)));
        append
    };
    let ballast = disk.fill();
    let (mut version, mut refused) = (0, 0);
    while refused < 20 {
        assert!(version < 10_000, "the disk is not full");
        let batch: Vec<Append> = (0..20).map(|index| wide(version + index)).collect();
        match store.commit(batch).await {
            Ok(outcomes) => {
                assert!(
                    outcomes
                        .iter()
                        .all(|outcome| matches!(outcome, AppendOutcome::Kept { .. })),
                    "{outcomes:?}"
                );
                version += 20;
            }
            Err(StoreError::Unavailable { cause }) => {
                assert!(cause.contains("53100"), "{cause}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    std::fs::remove_file(ballast).expect("the ballast");
    store.check().await.expect("there is room");
    let head = store.load_heads().await.expect("there is room");
    assert_eq!(
        head.first().map_or(0, |head| head.version.0),
        version,
        "nothing that was refused is there"
    );
    store.commit(vec![wide(version)]).await.expect("there is room");
    println!("full: {version} kept before, {refused} batches refused, then on again");
}

/// F-P3: a batch that loses in a deadlock (SQLSTATE 40P01) is tried again, and kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fp3_a_batch_that_loses_in_a_deadlock_is_tried_again() {
    let Some(postgres) = Postgres::shared("F-P3, deadlocks") else {
        return;
    };
    let url = postgres.database();
    let store = school_at(&url).await;
    store.commit(vec![award(1, 0, 10, 10, None)]).await.expect("a commit");
    let (other, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    // What a batch takes, the other way round: the batch waits first, so it is the one that finds out and gives way.
    let first = "BEGIN; SELECT version FROM learner_heads WHERE user_id = 1 FOR UPDATE";
    other.batch_execute(first).await.expect("a lock");
    let losing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(vec![award(1, 1, 10, 20, None)]).await }
    });
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '{}'",
        name_of(&url)
    );
    while postgres.query(&waits) == "0" {}
    let second = "UPDATE settings SET value = value WHERE name = 'writer'; COMMIT";
    other.batch_execute(second).await.expect("the other one gets through");
    let outcomes = losing.await.expect("no panic").expect("tried again");
    assert!(matches!(outcomes[0], AppendOutcome::Kept { .. }), "{outcomes:?}");
    let begun = Instant::now();
    let deadlocks = format!(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = '{}'",
        name_of(&url)
    );
    while postgres.query(&deadlocks) == "0" {
        assert!(begun.elapsed() < DEADLINE, "there was no deadlock");
    }
    assert_eq!(store.load_heads().await.expect("a store that reads")[0].total, 20);
}
