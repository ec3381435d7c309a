//! After an erasure no file holds a byte of what was erased.

use super::{open, raw};
use crate::contract::sample::{rows, student, user_id};
use crate::ids::TimeMs;
use crate::records::{Row, UserRecord};
use crate::sqlite::SqliteStore;
use crate::store::Store;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

const PEOPLE: u64 = 3_000;

/// Person `number` with the `round`th name; names of different lengths, so that rows and pages move about.
fn named(number: u64, round: u64) -> Row {
    Row::User(UserRecord {
        name: format!(
            "<name-{number}-{round}>{}",
            "n".repeat((number * 7 + round * 31) as usize % 150)
        ),
        alias: Some(format!("<alias-{number}-{round}>")),
        ..student(number)
    })
}

/// People in an order that splits pages everywhere, each renamed twice.
async fn fill(store: &SqliteStore) {
    for round in 0..3 {
        let scattered = (0..PEOPLE).map(|index| index * 1_009 % PEOPLE + 1);
        let people: Vec<u64> = scattered.collect();
        for some in people.chunks(100) {
            let put = some.iter().map(|number| named(*number, round)).collect();
            store.commit(vec![rows(put)]).await.unwrap();
        }
    }
}

async fn erase(store: &SqliteStore, people: impl Iterator<Item = u64>) {
    let erased = |number| Row::Erased {
        user_id: user_id(number),
        erased_at: TimeMs(5),
    };
    store.commit(vec![rows(people.map(erased).collect())]).await.unwrap();
}

/// Whose names and aliases any file of the directory holds.
fn found(directory: &Path) -> BTreeSet<u64> {
    let mut people = BTreeSet::new();
    for file in std::fs::read_dir(directory).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for start in bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'<')
            .map(|(at, _)| at)
        {
            let rest = &bytes[start + 1..bytes.len().min(start + 20)];
            let rest = rest.strip_prefix(b"name-").or_else(|| rest.strip_prefix(b"alias-"));
            let digits = rest.unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit());
            let number = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
            people.extend((number > 0).then_some(number));
        }
    }
    people
}

/// Waits until no file holds the name any more; the store has to see to that by itself.
async fn until_gone(directory: &Path, number: u64) {
    let patience = Instant::now() + Duration::from_secs(20);
    while found(directory).contains(&number) {
        assert!(Instant::now() < patience, "the log was never emptied");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_file_holds_a_byte_of_an_erased_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    fill(&store).await;
    let erased: BTreeSet<u64> = (1..=PEOPLE).filter(|number| number % 10 == 3).collect();
    assert!(
        found(directory.path()).is_superset(&erased),
        "the names were really there"
    );
    erase(&store, erased.iter().copied()).await;
    let log = directory.path().join("homeroom.sqlite3-wal");
    assert_eq!(
        std::fs::metadata(&log).unwrap().len(),
        0,
        "the log was cut before the answer"
    );
    let left = found(directory.path());
    assert_eq!(left.intersection(&erased).collect::<Vec<_>>(), Vec::<&u64>::new());
    assert_eq!(left.len() as u64, PEOPLE - erased.len() as u64, "the others are there");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_reader_in_the_way_only_puts_the_emptying_off() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.commit(vec![rows(vec![named(7, 0), named(8, 0)])]).await.unwrap();
    let reader = raw(directory.path());
    reader.execute_batch("BEGIN").unwrap();
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    assert_eq!(reader.query_row("SELECT count(*) FROM users", [], count).unwrap(), 2);
    erase(&store, std::iter::once(7)).await;
    assert!(found(directory.path()).contains(&7), "the reader was really in the way");
    reader.execute_batch("COMMIT").unwrap();
    until_gone(directory.path(), 7).await;
    assert!(found(directory.path()).contains(&8));
}

#[tokio::test]
async fn a_log_that_a_crash_left_behind_is_emptied_by_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.commit(vec![rows(vec![named(7, 0)])]).await.unwrap();
    let reader = raw(directory.path());
    reader.execute_batch("BEGIN").unwrap();
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    assert_eq!(reader.query_row("SELECT count(*) FROM users", [], count).unwrap(), 1);
    erase(&store, std::iter::once(7)).await;
    drop(store);
    drop(reader);
    assert!(found(directory.path()).contains(&7), "the crash really left it behind");
    let store = open(directory.path());
    until_gone(directory.path(), 7).await;
    store.close().await.unwrap();
}
