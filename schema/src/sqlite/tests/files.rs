//! Faults of the files, found at the next start: torn logs, flipped bits, newer schemas, damaged snapshots.

use super::{integrity, open, options, raw};
use crate::codec::{SnapshotError, decode_envelope, encode};
use crate::contract::sample::{tick, user_id};
use crate::ids::Version;
use crate::records::{SnapshotRecord, StreamId};
use crate::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use std::path::Path;

const FILE: &str = "homeroom.sqlite3";
const LOG: &str = "homeroom.sqlite3-wal";

fn bytes(directory: &Path, name: &str) -> Vec<u8> {
    std::fs::read(directory.join(name)).unwrap()
}

/// Commits one event at a time, and says how long the log was after each; then stops as kill -9 does.
async fn log_lengths(directory: &Path, commits: u64) -> Vec<usize> {
    let store = open(directory);
    let mut lengths = Vec::new();
    for round in 0..commits {
        store
            .commit(vec![tick(StreamId::learner(user_id(round % 3 + 1)), round / 3, 1)])
            .await
            .unwrap();
        lengths.push(bytes(directory, LOG).len());
    }
    lengths
}

async fn events_after_start(directory: &Path) -> usize {
    let store = open(directory);
    let events = store.read_journal(None, 1_000).await.unwrap();
    let heads = store.load_heads().await.unwrap();
    let sum: u64 = heads.iter().map(|head| head.version.0).sum();
    assert_eq!(sum, events.len() as u64, "heads and events are of one moment");
    // Writing goes on where the journal ends.
    store.commit(vec![tick(StreamId::ROSTER, 0, 1)]).await.unwrap();
    drop(store);
    assert_eq!(integrity(directory), "ok");
    events.len()
}

#[tokio::test]
async fn a_torn_log_keeps_every_commit_before_the_tear() {
    const COMMITS: u64 = 9;
    let source = tempfile::tempdir().unwrap();
    let lengths = log_lengths(source.path(), COMMITS).await;
    let (file, log) = (bytes(source.path(), FILE), bytes(source.path(), LOG));
    assert_eq!(lengths.last(), Some(&log.len()));
    let from = lengths[3];
    let mut torn = 0;
    for cut in (from..log.len()).step_by(1_111).chain([log.len() - 1, log.len()]) {
        let whole = lengths.iter().filter(|length| **length <= cut).count();
        // Cut off, or overwritten from there on by what the disk had before.
        for overwritten in [false, true] {
            let copy = tempfile::tempdir().unwrap();
            let mut log = log.clone();
            if overwritten {
                log[cut..].fill(0xA5);
            } else {
                log.truncate(cut);
            }
            std::fs::write(copy.path().join(FILE), &file).unwrap();
            std::fs::write(copy.path().join(LOG), &log).unwrap();
            assert_eq!(
                events_after_start(copy.path()).await,
                whole,
                "cut at {cut} of {}",
                log.len()
            );
            torn += usize::from(whole < COMMITS as usize);
        }
    }
    assert!(torn > 10, "{torn} tears really lost something");
}

#[tokio::test]
async fn without_its_log_an_older_and_whole_state_is_there() {
    let source = tempfile::tempdir().unwrap();
    let store = open(source.path());
    store
        .commit(vec![tick(StreamId::learner(user_id(1)), 0, 3)])
        .await
        .unwrap();
    store.close().await.unwrap();
    drop(store);
    let store = open(source.path());
    store
        .commit(vec![tick(StreamId::learner(user_id(1)), 3, 4)])
        .await
        .unwrap();
    drop(store);
    std::fs::remove_file(source.path().join(LOG)).unwrap();
    assert_eq!(events_after_start(source.path()).await, 3);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let newer = raw(directory.path());
    newer
        .execute(
            "INSERT INTO schema_version (version, name, checksum, applied_at) VALUES (99, 'later', '', 0)",
            [],
        )
        .unwrap();
    drop(newer);
    let (file, log) = (bytes(directory.path(), FILE), bytes(directory.path(), LOG));
    assert!(!log.is_empty(), "also what is only in the log stays there");
    let error = SqliteStore::open(options(directory.path())).unwrap_err();
    assert_eq!(
        error,
        StoreError::NewerSchema {
            found: 99,
            known: crate::migrations::KNOWN
        }
    );
    assert!(file == bytes(directory.path(), FILE) && log == bytes(directory.path(), LOG));
}

#[tokio::test]
async fn a_damaged_file_stops_the_start_and_is_left_as_it_is() {
    let source = tempfile::tempdir().unwrap();
    let store = open(source.path());
    for round in 0..30 {
        store
            .commit(vec![tick(StreamId::learner(user_id(round + 1)), 0, 20)])
            .await
            .unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let good = bytes(source.path(), FILE);
    let pages = good.len() / 4_096;
    let mut refused = 0;
    for page in 0..pages {
        let copy = tempfile::tempdir().unwrap();
        let mut bad = good.clone();
        // The head of a page, where its structure stands: flipped bits there never pass for data.
        bad[page * 4_096..page * 4_096 + 12]
            .iter_mut()
            .for_each(|byte| *byte ^= 0xFF);
        std::fs::write(copy.path().join(FILE), &bad).unwrap();
        let error = SqliteStore::open(options(copy.path())).unwrap_err();
        assert!(
            matches!(&error, StoreError::Fatal { cause } if cause.contains("damaged")),
            "page {page}: {error}"
        );
        assert!(bad == bytes(copy.path(), FILE), "page {page} was written to");
        refused += 1;
    }
    assert!(refused > 20, "{refused}");
}

#[tokio::test]
async fn a_damaged_snapshot_is_noticed_and_its_stream_is_still_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = StreamId::learner(user_id(1));
    store.commit(vec![tick(stream, 0, 5)]).await.unwrap();
    let bytes = encode(1, &vec![1_u64, 2, 3]).unwrap();
    store
        .save_snapshots(vec![SnapshotRecord {
            stream,
            version: Version(5),
            bytes,
        }])
        .await
        .unwrap();
    drop(store);
    raw(directory.path())
        .execute(
            "UPDATE snapshots SET bytes = CAST(substr(bytes, 1, 20) || x'99' || substr(bytes, 22) AS BLOB)",
            [],
        )
        .unwrap();
    let store = open(directory.path());
    let snapshot = store.load_snapshot(stream).await.unwrap().unwrap();
    assert_eq!(decode_envelope(&snapshot.bytes), Err(SnapshotError::Damaged));
    assert_eq!(store.read_stream(stream, Version::ZERO, 10).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_damaged_and_the_others_can() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store
        .commit(vec![tick(StreamId::learner(user_id(1)), 0, 3)])
        .await
        .unwrap();
    raw(directory.path())
        .execute("UPDATE events SET stream_kind = 9 WHERE event_id = 2", [])
        .unwrap();
    let whole = store.read_journal(None, 10).await;
    assert!(matches!(whole, Err(StoreError::Damaged { .. })), "{whole:?}");
    assert_eq!(store.read_journal(None, 1).await.unwrap().len(), 1);
    store.check().await.unwrap();
}

#[test]
fn a_place_that_cannot_be_used_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let error = SqliteStore::open(options(&file.join("data"))).unwrap_err();
    assert!(
        matches!(&error, StoreError::Fatal { cause } if cause.contains("data directory")),
        "{error}"
    );
    std::fs::create_dir(directory.path().join("homeroom.sqlite3")).unwrap();
    assert!(matches!(
        SqliteStore::open(options(directory.path())),
        Err(StoreError::Fatal { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_new_directory_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("deep/data");
    drop(open(&inside));
    assert_eq!(std::fs::metadata(&inside).unwrap().permissions().mode() & 0o777, 0o700);
}
