//! Faults of a running store: a full disk, foreign locks, lost handles, a log that readers hold on to.

use super::{open, options, raw, wide_batch};
use crate::contract::sample::{tick, user_id};
use crate::ids::{EventId, Version};
use crate::limits::{WAL_PASSIVE_BYTES, WAL_RESTART_BYTES};
use crate::records::{AppendOutcome, StreamId};
use crate::sqlite::log::Log;
use crate::sqlite::{Durability, SqliteOptions, SqliteStore};
use crate::store::{Store, StoreError};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_second_node_on_the_same_directory_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    let started = Instant::now();
    let error = SqliteStore::open(options(directory.path())).unwrap_err();
    assert_eq!(
        error,
        StoreError::InUse {
            directory: directory.path().display().to_string()
        }
    );
    assert!(started.elapsed() < Duration::from_secs(1));
    first.check().await.unwrap();
    drop(first);
    open(directory.path()).check().await.unwrap();
}

/// F-X8: a panic of the writer's thread is no "busy": the caller learns that the outcome is unknown, everybody after that the
/// store cannot go on, and the node ends.
#[tokio::test]
async fn a_writer_that_panics_is_fatal() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.commit(wide_batch(1, 0, 10)).await.unwrap();
    let work = Box::new(|_: &rusqlite::Connection| panic!("a fault of the test"));
    let asked = store
        .writer
        .ask(|reply| crate::sqlite::writer::Job::Run { work, reply });
    assert!(matches!(asked.await, Err(StoreError::Unknown { .. })), "it happened");
    let started = Instant::now();
    while !matches!(store.check().await, Err(StoreError::Fatal { .. })) {
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "still looks as if it could go on"
        );
        tokio::task::yield_now().await;
    }
    drop(store);
    assert_eq!(open(directory.path()).load_heads().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.commit(wide_batch(3, 0, 100)).await.unwrap();
    let limit = |pages: i64| {
        move |connection: &rusqlite::Connection| {
            let set = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&set, [], |row| row.get::<_, i64>(0)).unwrap()
        }
    };
    // No lower than the file is: SQLite takes the smallest possible bound instead.
    let smallest = store.on_writer(limit(1)).await;
    let mut refused = 0;
    for _ in 0..3 {
        let answer = store.commit(wide_batch(200, 1, 4_000)).await;
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
        refused += 1;
        assert_eq!(
            store.read_journal(None, 1_000).await.unwrap().len(),
            3,
            "nothing of it is kept, and reads go on"
        );
        assert!(
            store
                .load_heads()
                .await
                .unwrap()
                .iter()
                .all(|head| head.version == Version(1))
        );
    }
    assert_eq!(refused, 3);
    assert!(store.on_writer(limit(i64::from(i32::MAX))).await > smallest);
    let outcomes = store.commit(wide_batch(3, 1, 4_000)).await.unwrap();
    let first_event_id = EventId::new(4).ok();
    assert_eq!(
        outcomes[0],
        AppendOutcome::Kept { first_event_id },
        "ids that were not kept are given again"
    );
}

#[tokio::test]
async fn a_lock_of_somebody_outside_delays_or_refuses_but_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let outside = raw(directory.path());
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    store
        .on_writer(|connection| connection.busy_timeout(Duration::from_millis(20)).unwrap())
        .await;
    let learner = StreamId::learner(user_id(1));
    let answer = store.commit(vec![tick(learner, 0, 1)]).await;
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    assert!(matches!(store.check().await, Err(StoreError::Unavailable { .. })));
    assert!(
        store.read_stream(learner, Version::ZERO, 1).await.unwrap().is_empty(),
        "reads go on"
    );

    store
        .on_writer(|connection| connection.busy_timeout(Duration::from_secs(60)).unwrap())
        .await;
    let (waiting, ()) = tokio::join!(store.commit(vec![tick(learner, 0, 1)]), async {
        outside.execute_batch("ROLLBACK").unwrap();
    });
    assert!(matches!(waiting.unwrap()[0], AppendOutcome::Kept { .. }));
}

#[tokio::test]
async fn a_lost_handle_is_opened_again_and_ids_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let learner = StreamId::learner(user_id(1));
    store.commit(vec![tick(learner, 0, 2)]).await.unwrap();
    for round in 0..3 {
        assert!(matches!(store.lose_handle().await, Err(StoreError::Unknown { .. })));
        store.check().await.unwrap();
        let outcomes = store.commit(vec![tick(learner, 2 + round, 1)]).await.unwrap();
        assert_eq!(
            outcomes[0],
            AppendOutcome::Kept {
                first_event_id: EventId::new(3 + round).ok()
            }
        );
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_lost_handle_that_cannot_be_opened_again_is_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("data");
    let store = open(&inside);
    std::fs::rename(&inside, directory.path().join("elsewhere")).unwrap();
    assert!(matches!(store.lose_handle().await, Err(StoreError::Unknown { .. })));
    for _ in 0..2 {
        let answer = store.commit(vec![tick(StreamId::ROSTER, 0, 1)]).await;
        assert!(matches!(answer, Err(StoreError::Fatal { .. })), "{answer:?}");
        assert!(matches!(store.check().await, Err(StoreError::Fatal { .. })));
    }
    store.close().await.unwrap();
}

/// Meets [`WAL_RESTART_BYTES`]: a reader that stays holds the log, and nothing fails; when it has gone the log starts anew.
#[tokio::test]
async fn the_log_is_bounded_unless_a_reader_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions {
        durability: Durability::Process,
        ..options(directory.path())
    })
    .unwrap();
    let reader = raw(directory.path());
    reader.execute_batch("BEGIN; SELECT count(*) FROM events;").unwrap();
    let mut round = 0;
    while store.on_writer(|_| Log::bytes()).await < WAL_RESTART_BYTES + WAL_PASSIVE_BYTES {
        store.commit(wide_batch(1_000, round, 8_000)).await.unwrap();
        round += 1;
    }
    reader.execute_batch("COMMIT").unwrap();
    let mut longest = 0;
    for _ in 0..WAL_RESTART_BYTES * 2 / (8_000 * 1_000) {
        store.commit(wide_batch(1_000, round, 8_000)).await.unwrap();
        round += 1;
        longest = store.on_writer(|_| Log::bytes()).await;
    }
    assert!(longest < WAL_RESTART_BYTES, "{longest}");
    store.close().await.unwrap();
    let log = std::fs::metadata(directory.path().join("homeroom.sqlite3-wal")).map_or(0, |metadata| metadata.len());
    assert_eq!(log, 0, "closing leaves an empty log");
}

/// Meets [`WAL_PASSIVE_BYTES`].
#[tokio::test]
async fn a_pause_is_used_to_write_the_log_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let file = directory.path().join("homeroom.sqlite3");
    let bytes = || std::fs::metadata(&file).unwrap().len();
    let before = bytes();
    let mut round = 0;
    while store.on_writer(|_| Log::bytes()).await < WAL_PASSIVE_BYTES {
        store.commit(wide_batch(500, round, 2_000)).await.unwrap();
        round += 1;
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while bytes() < before + WAL_PASSIVE_BYTES / 2 {
        assert!(Instant::now() < deadline, "nothing was written back");
        std::thread::yield_now();
    }
}
