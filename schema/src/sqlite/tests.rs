//! The SQLite store with real faults: locks, full disks, damaged files, torn logs, lost handles.

mod erased;
mod faults;
mod files;

use super::*;
use crate::contract::sample::{tick, user_id};
use rusqlite::Connection;
use std::path::Path;

fn options(directory: &Path) -> SqliteOptions {
    SqliteOptions {
        directory: directory.to_owned(),
        durability: Durability::Full,
        readers: 2,
    }
}

fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(options(directory)).unwrap()
}

/// The file, opened beside the store or without it.
fn raw(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join("homeroom.sqlite3")).unwrap();
    // Looking at a log must not write it back.
    connection
        .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    connection
}

fn integrity(directory: &Path) -> String {
    raw(directory)
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap()
}

impl SqliteStore {
    async fn on_writer<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> T + Send + 'static) -> T {
        let (send, value) = std::sync::mpsc::channel();
        let work = Box::new(move |connection: &Connection| send.send(work(connection)).unwrap());
        self.writer.ask(|reply| writer::Job::Run { work, reply }).await.unwrap();
        value.recv().unwrap()
    }

    async fn lose_handle(&self) -> Result<(), StoreError> {
        self.writer.ask(|reply| writer::Job::Lose { reply }).await
    }
}

/// One event for each of `users` learners, each with a body of `bytes` bytes.
fn wide_batch(users: u64, expected: u64, bytes: usize) -> Vec<Append> {
    let wide = |user| {
        let mut append = tick(StreamId::learner(user_id(user)), expected, 1);
        append
            .stream
            .iter_mut()
            .for_each(|stream| stream.events[0].body = format!("\"{}\"", "x".repeat(bytes)));
        append
    };
    (1..=users).map(wide).collect()
}
