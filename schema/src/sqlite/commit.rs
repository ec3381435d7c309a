//! One batch in one transaction: which appends are kept, and their events, rows and keys. No threads, no queues.

use super::errors::{Failure, Stage, failure};
use super::rows;
use crate::batch::Skipped;
use crate::ids::{EventId, UserId, Version};
use crate::queries as q;
use crate::records::{Append, AppendOutcome, KeyOutcome, KeyRecord, StreamAppend, StreamId, StreamKind};
use rusqlite::types::Null;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use std::collections::HashSet;

/// What the writer gives out. It lives beside the connection, and is loaded anew with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counters {
    next_event_id: i64,
    last_batch_no: i64,
    writer: i64,
}

impl Counters {
    /// The last event that was kept; 0 without any.
    pub(super) fn last_event_id(&self) -> u64 {
        (self.next_event_id - 1).unsigned_abs()
    }

    /// Reads where the journal stands.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let writer: String = connection.query_row(q::SETTING, ["writer"], |row| row.get(0))?;
        // Any text but a number would come from outside; such a node writes as number 0.
        let writer = writer.parse().unwrap_or(0);
        let number = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
            connection
                .query_row(sql, params, |row| row.get::<_, i64>(0))
                .optional()
                .map(Option::unwrap_or_default)
        };
        Ok(Self {
            next_event_id: number(q::LAST_EVENT_ID, &[])? + 1,
            last_batch_no: number(q::LAST_BATCH_NO, &[&writer])?,
            writer,
        })
    }
}

/// Keeps a batch. On any error nothing is kept, unless the error says that this is unknown; the counters then stand where
/// they stood.
pub(super) fn commit(
    connection: &Connection,
    counters: &mut Counters,
    batch: &[Append],
) -> Result<Vec<AppendOutcome>, Failure> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let in_batch = |error| abandon(connection, &error, Stage::Write);
    execute(connection, "BEGIN IMMEDIATE").map_err(in_batch)?;
    let (outcomes, after) = Batch::new(connection, *counters)
        .and_then(|open| open.keep_all(batch))
        .map_err(in_batch)?;
    execute(connection, "COMMIT").map_err(|error| abandon(connection, &error, Stage::Commit))?;
    *counters = after;
    Ok(outcomes)
}

/// Runs `work` in a transaction of its own.
pub(super) fn transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Failure> {
    let in_work = |error| abandon(connection, &error, Stage::Write);
    execute(connection, "BEGIN IMMEDIATE").map_err(in_work)?;
    let value = work(connection).map_err(in_work)?;
    execute(connection, "COMMIT").map_err(|error| abandon(connection, &error, Stage::Commit))?;
    Ok(value)
}

fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Leaves the transaction after an error. Some errors end it by themselves, so SQLite is asked first.
fn abandon(connection: &Connection, error: &rusqlite::Error, stage: Stage) -> Failure {
    let mut failure = failure(error, stage);
    if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
        failure.lost = true;
    }
    failure
}

/// The statements of every award, looked up once a batch, and what is given out in it.
struct Batch<'c> {
    connection: &'c Connection,
    counters: Counters,
    first_event_id: i64,
    key_exists: CachedStatement<'c>,
    head_version: CachedStatement<'c>,
    move_head: CachedStatement<'c>,
    start_head: CachedStatement<'c>,
    stream_version: CachedStatement<'c>,
    insert_event: CachedStatement<'c>,
    insert_key: CachedStatement<'c>,
    rows: rows::Rows<'c>,
    /// Streams with a conflict: what follows was decided on top of it.
    conflicted: HashSet<StreamId>,
    skipped: Skipped,
}

impl<'c> Batch<'c> {
    fn new(connection: &'c Connection, counters: Counters) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            first_event_id: counters.next_event_id,
            counters: Counters {
                last_batch_no: counters.last_batch_no + 1,
                ..counters
            },
            key_exists: connection.prepare_cached(q::KEY_EXISTS)?,
            head_version: connection.prepare_cached(q::HEAD_VERSION)?,
            move_head: connection.prepare_cached(q::MOVE_HEAD)?,
            start_head: connection.prepare_cached(q::START_HEAD)?,
            stream_version: connection.prepare_cached(q::STREAM_VERSION)?,
            insert_event: connection.prepare_cached(q::INSERT_EVENT)?,
            insert_key: connection.prepare_cached(q::INSERT_KEY)?,
            rows: rows::Rows::new(connection)?,
            conflicted: HashSet::new(),
            skipped: Skipped::default(),
        })
    }

    fn keep_all(mut self, batch: &[Append]) -> rusqlite::Result<(Vec<AppendOutcome>, Counters)> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for append in batch {
            outcomes.push(self.keep(append)?);
        }
        if self.counters.next_event_id == self.first_event_id {
            // A batch without events leaves no trace in the journal: counting it would look like a hole.
            self.counters.last_batch_no -= 1;
        }
        Ok((outcomes, self.counters))
    }

    fn keep(&mut self, append: &Append) -> rusqlite::Result<AppendOutcome> {
        if let Some(key) = &append.key
            && self.key_exists.exists([key.hash.0.as_slice()])?
        {
            self.skipped.note(append);
            return Ok(AppendOutcome::KeyTaken);
        }
        let first = self.counters.next_event_id;
        if let Some(stream) = &append.stream {
            if let Some(actual) = self.take_version(stream)? {
                self.conflicted.insert(stream.stream);
                return Ok(AppendOutcome::Conflict { actual });
            }
            self.insert_events(stream)?;
        }
        for row in &append.rows {
            self.rows.write(row, first)?;
        }
        if let Some(key) = &append.key {
            self.insert_key(key)?;
        }
        let first_event_id = if self.counters.next_event_id > first {
            event_id(first)?
        } else {
            None
        };
        Ok(AppendOutcome::Kept { first_event_id })
    }

    /// Checks the stream's version, and moves a learner's head. Returns the real version when it is another one.
    fn take_version(&mut self, append: &StreamAppend) -> rusqlite::Result<Option<Version>> {
        let is_conflicted = !self.conflicted.is_empty() && self.conflicted.contains(&append.stream);
        if is_conflicted || self.skipped.carries(append) {
            return self.actual(append.stream).map(Some);
        }
        let moved = if append.stream.kind == StreamKind::Learner && !append.events.is_empty() {
            self.move_head(append)?
        } else {
            let actual = self.actual(append.stream)?;
            if actual == append.expected && actual > Version::ZERO && append.head.is_some() {
                self.move_head(append)?;
            }
            actual == append.expected
        };
        if moved {
            Ok(None)
        } else {
            self.actual(append.stream).map(Some)
        }
    }

    fn move_head(&mut self, append: &StreamAppend) -> rusqlite::Result<bool> {
        let user_id = sql(append.stream.id);
        let expected = sql(append.expected.0);
        let version = sql(append.expected.plus(append.events.len() as u64).0);
        let changed = match &append.head {
            Some(head) => {
                let (total, reached_at) = (sql(head.total), head.reached_at.map(|at| at.0));
                if expected == 0 {
                    self.start_head.execute(params![user_id, version, total, reached_at])?
                } else {
                    self.move_head
                        .execute(params![user_id, version, total, reached_at, expected])?
                }
            }
            None if expected == 0 => self.start_head.execute(params![user_id, version, 0, Null])?,
            None => {
                let mut only_version = self.connection.prepare_cached(q::MOVE_HEAD_VERSION)?;
                only_version.execute(params![user_id, version, expected])?
            }
        };
        Ok(changed == 1)
    }

    fn actual(&mut self, stream: StreamId) -> rusqlite::Result<Version> {
        let version = if stream.kind == StreamKind::Learner {
            self.head_version
                .query_row([sql(stream.id)], |row| row.get::<_, i64>(0))
        } else {
            self.stream_version
                .query_row([i64::from(stream.kind as u8), sql(stream.id)], |row| row.get(0))
        };
        Ok(Version(version.optional()?.unwrap_or_default().unsigned_abs()))
    }

    fn insert_events(&mut self, append: &StreamAppend) -> rusqlite::Result<()> {
        let (kind, id) = (i64::from(append.stream.kind as u8), sql(append.stream.id));
        let mut version = sql(append.expected.0);
        for event in &append.events {
            version += 1;
            let event_id = self.counters.next_event_id;
            self.counters.next_event_id += 1;
            self.insert_event.execute(params![
                event_id,
                kind,
                id,
                version,
                event.event_type,
                event.occurred_at.0,
                event.recorded_at.0,
                self.counters.writer,
                self.counters.last_batch_no,
                event.body,
            ])?;
            match &event.note {
                None => {}
                Some(note) if append.stream.kind == StreamKind::Learner => {
                    let mut keep = self.connection.prepare_cached(q::INSERT_LEARNER_NOTE)?;
                    keep.execute(params![event_id, note, id])?;
                }
                Some(note) => {
                    let mut keep = self.connection.prepare_cached(q::INSERT_NOTE)?;
                    keep.execute(params![event_id, note])?;
                }
            }
        }
        Ok(())
    }

    fn insert_key(&mut self, key: &KeyRecord) -> rusqlite::Result<()> {
        let (hash, fingerprint) = (key.hash.0.as_slice(), key.fingerprint.as_slice());
        let about = key.about.map(UserId::as_i64);
        match &key.outcome {
            KeyOutcome::Event {
                stream,
                version,
                total,
                level,
            } => self.insert_key.execute(params![
                hash,
                fingerprint,
                key.created_at.0,
                key.status,
                stream.kind as u8,
                sql(stream.id),
                sql(version.0),
                sql(*total),
                level,
                Null,
                about,
            ])?,
            KeyOutcome::Body(body) => self.insert_key.execute(params![
                hash,
                fingerprint,
                key.created_at.0,
                key.status,
                Null,
                Null,
                Null,
                Null,
                Null,
                body,
                about,
            ])?,
        };
        Ok(())
    }
}

/// A number as SQLite stores it. Ids, versions and totals end far below the bound; anything beyond would be refused by the
/// checks of the tables, since it turns negative.
pub(super) const fn sql(number: u64) -> i64 {
    number.cast_signed()
}

fn event_id(number: i64) -> rusqlite::Result<Option<EventId>> {
    EventId::new(number.cast_unsigned())
        .map(Some)
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, number))
}
