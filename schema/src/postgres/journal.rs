//! The connection that writes: batches one after the other, each in one transaction and, when nobody else writes, in one
//! round trip. What a batch writes is gathered in `bulk`.
//!
//! A batch is sent whole, with BEGIN and COMMIT, believing its callers about where streams stand and that keys are free. The
//! database finds out when that is wrong (a place in a stream or a key is taken, a head is elsewhere), and undoes all of it;
//! the batch is then done again by asking first. Each batch begins by locking one row, so that batches of several nodes come
//! one after the other and ids rise in the order of commits, with no sequence or lock of an engine.

use super::bulk::{Counters, Statement, Values, statements, values};
use super::connect::Connections;
use super::errors::Trouble;
use super::transfer;
use super::types::{get, sql, unsigned, version};
use crate::batch;
use crate::ids::{TimeMs, Version};
use crate::limits::{
    DATABASE_ASKING_BATCHES, DATABASE_BATCH_DEADLINE, DATABASE_PIPELINE_MAX, DATABASE_RETRIES_MAX, DATABASE_RETRY_WAIT,
};
use crate::queries::{self as q, numbered};
use crate::records::{ActivityBlock, Append, AppendOutcome, KeyHash, SnapshotRecord, StreamId, StreamKind};
use crate::store::StoreError;
use crate::transfer::{Record, Table};
use deadpool_postgres::ClientWrapper;
use futures_util::future::{try_join_all, try_join4};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

/// Begins a batch, and locks the row that every batch locks (it holds the number of the last writer that came). Read
/// committed, whatever the database's default is: each later statement sees what was committed before the lock was had.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT value FROM settings WHERE name = 'writer' FOR UPDATE";
/// A connection that writes is a new writer. Waits for a batch that is still under way on an older connection.
const NEXT_WRITER: &str = "UPDATE settings SET value = CAST(CAST(value AS bigint) + 1 AS varchar) WHERE name = 'writer' \
     RETURNING CAST(value AS bigint)";
const HEAD_VERSIONS: &str = "SELECT user_id, version FROM learner_heads WHERE user_id = ANY(CAST(?1 AS bigint[]))";
const KEYS_TAKEN: &str = "SELECT key_hash FROM idempotency_keys WHERE key_hash = ANY(CAST(?1 AS bytea[]))";
const UPSERT_SNAPSHOTS: &str = "INSERT INTO snapshots (stream_kind, stream_id, version, bytes) SELECT * FROM \
     unnest(CAST(?1 AS smallint[]), CAST(?2 AS bigint[]), CAST(?3 AS bigint[]), CAST(?4 AS bytea[])) \
     ON CONFLICT (stream_kind, stream_id) DO UPDATE SET version = excluded.version, bytes = excluded.bytes \
     WHERE excluded.version >= snapshots.version";
const UPSERT_ACTIVITY: &str = "INSERT INTO activity_blocks (last_event_id, from_at, to_at, facts, bytes) SELECT * FROM \
     unnest(CAST(?1 AS bigint[]), CAST(?2 AS timestamptz[]), CAST(?3 AS timestamptz[]), CAST(?4 AS bigint[]), \
     CAST(?5 AS bytea[])) ON CONFLICT (last_event_id) DO UPDATE SET from_at = excluded.from_at, to_at = excluded.to_at, \
     facts = excluded.facts, bytes = excluded.bytes";

/// The one who writes. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    connections: Arc<Connections>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    /// Batches that still ask first.
    asking: u32,
    /// The last write failed: the next check writes something in earnest.
    failing: bool,
    closed: bool,
}

#[derive(Debug)]
struct Open {
    connection: ClientWrapper,
    counters: Counters,
}

/// Why a batch was not kept, or may not have been.
enum Refused {
    /// Nothing of it was kept.
    Nothing(Trouble),
    /// COMMIT was sent and its answer lost.
    Unknown(Trouble),
}

impl Journal {
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        Self {
            connections,
            state: Arc::default(),
        }
    }

    /// Keeps a batch, to its end also when the caller goes away.
    pub(super) async fn commit(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, StoreError> {
        self.to_its_end(|mut state, connections| async move {
            let started = Instant::now();
            let outcomes = state.commit(&connections, &batch).await?;
            metrics::histogram!("homeroom_commit_seconds").record(started.elapsed());
            Ok(outcomes)
        })
        .await
    }

    pub(super) async fn save_snapshots(&self, snapshots: Vec<SnapshotRecord>) -> Result<(), StoreError> {
        // One row of each stream: a statement may not change a row twice.
        let mut newest: BTreeMap<StreamId, SnapshotRecord> = BTreeMap::new();
        for snapshot in snapshots {
            match newest.get(&snapshot.stream) {
                Some(other) if other.version > snapshot.version => {}
                _ => drop(newest.insert(snapshot.stream, snapshot)),
            }
        }
        let rows: Vec<_> = newest.into_values().collect();
        let kinds: Vec<_> = rows.iter().map(|row| row.stream.kind as i16).collect();
        let ids: Vec<_> = rows.iter().map(|row| sql(row.stream.id)).collect();
        let versions: Vec<_> = rows.iter().map(|row| sql(row.version.0)).collect();
        let bytes: Vec<_> = rows.into_iter().map(|row| row.bytes).collect();
        let kept = self.run(UPSERT_SNAPSHOTS, values![kinds, ids, versions, bytes]);
        kept.await.map(drop)
    }

    pub(super) async fn save_activity(&self, blocks: Vec<ActivityBlock>) -> Result<(), StoreError> {
        let blocks: BTreeMap<_, _> = blocks.into_iter().map(|block| (block.last_event_id, block)).collect();
        let rows: Vec<_> = blocks.into_values().collect();
        let ids: Vec<_> = rows.iter().map(|row| row.last_event_id.as_i64()).collect();
        let from: Vec<_> = rows.iter().map(|row| row.from_at).collect();
        let to: Vec<_> = rows.iter().map(|row| row.to_at).collect();
        let facts: Vec<_> = rows.iter().map(|row| i64::from(row.facts)).collect();
        let bytes: Vec<_> = rows.into_iter().map(|row| row.bytes).collect();
        let kept = self.run(UPSERT_ACTIVITY, values![ids, from, to, facts, bytes]);
        kept.await.map(drop)
    }

    pub(super) async fn clear_activity(&self) -> Result<(), StoreError> {
        self.run(q::CLEAR_ACTIVITY, Vec::new()).await.map(drop)
    }

    pub(super) async fn purge_keys(&self, before: TimeMs, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let purged = self.run(q::PURGE_KEYS, values![before, limit]);
        purged.await.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX))
    }

    /// Adds rows of a move between stores, and keeps how far it came, in one transaction.
    pub(super) async fn put(
        &self,
        table: &'static Table,
        records: Vec<Record>,
        unfinished: Option<String>,
    ) -> Result<(), StoreError> {
        self.to_its_end(move |mut state, connections| async move {
            let open = state.open(&connections).await.map_err(|trouble| trouble.sort())?;
            let statements = transfer::statements(table, &records, unfinished.as_deref());
            let mut commit_sent = false;
            let sent = send(&open.connection, &statements, false, &mut commit_sent).await;
            sent.map_err(|trouble| {
                // Nobody else writes, and whoever copies again asks how far it came.
                state.open = None;
                trouble.sort()
            })
        })
        .await
    }

    /// Whether a write would succeed. While all is well an answer says so; after a failure only a write can, so that a full
    /// disk is not called ready.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.to_its_end(|mut state, connections| async move {
            let question = if state.failing { q::TOUCH_SETTINGS } else { "SELECT 1" };
            state.one(&connections, question, &Vec::new()).await.map(drop)
        })
        .await
    }

    /// Makes the connection, if there is none.
    pub(super) async fn open(&self) -> Result<(), StoreError> {
        self.to_its_end(|mut state, connections| async move {
            let opened = state.open(&connections).await;
            opened.map(drop).map_err(|trouble| trouble.sort())
        })
        .await
    }

    /// Lets what is under way end, and refuses everything later.
    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.closed = true;
        state.open = None;
    }

    /// One statement that is a transaction of its own.
    async fn run(&self, statement: &'static str, values: Values<'static>) -> Result<u64, StoreError> {
        self.to_its_end(move |mut state, connections| async move { state.one(&connections, statement, &values).await })
            .await
    }

    /// Does `work` alone with the state, in a task of its own: a caller who goes away leaves no transaction half done.
    async fn to_its_end<T, F>(
        &self,
        work: impl FnOnce(tokio::sync::OwnedMutexGuard<State>, Arc<Connections>) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let (state, connections) = (Arc::clone(&self.state), Arc::clone(&self.connections));
        let task = tokio::spawn(async move {
            let state = state.lock_owned().await;
            if state.closed {
                return Err(StoreError::Unavailable {
                    cause: "the store is closed".to_owned(),
                });
            }
            work(state, connections).await
        });
        task.await.unwrap_or_else(|error| {
            Err(StoreError::Unknown {
                cause: format!("the writer has ended: {error}"),
            })
        })
    }
}

impl State {
    async fn commit(&mut self, connections: &Connections, batch: &[Append]) -> Result<Vec<AppendOutcome>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let mut retries = 0;
        loop {
            let believes = self.asking == 0 && is_plain(batch);
            let trouble = match self.attempt(connections, batch, believes).await {
                Ok(outcomes) => {
                    self.failing = false;
                    self.asking = self.asking.saturating_sub(1);
                    return Ok(outcomes);
                }
                Err(Refused::Unknown(trouble)) => return Err(self.outcome_is_unknown(connections, &trouble).await),
                Err(Refused::Nothing(trouble)) => trouble,
            };
            if trouble.is_lost() {
                self.open = None;
            }
            if trouble.is_wrong_guess() && believes {
                tracing::debug!(cause = trouble.cause(), "somebody else writes too: asking first");
                metrics::counter!("homeroom_database_wrong_guesses_total").increment(1);
                self.asking = DATABASE_ASKING_BATCHES;
            } else if trouble.is_transient() && retries < DATABASE_RETRIES_MAX {
                metrics::counter!("homeroom_database_retries_total").increment(1);
                tokio::time::sleep(jittered(DATABASE_RETRY_WAIT * (1 << retries))).await;
                retries += 1;
            } else {
                self.tell(&trouble);
                return Err(trouble.sort());
            }
        }
    }

    async fn attempt(
        &mut self,
        connections: &Connections,
        batch: &[Append],
        believes: bool,
    ) -> Result<Vec<AppendOutcome>, Refused> {
        let open = self.open(connections).await.map_err(Refused::Nothing)?;
        let (connection, counters) = (&open.connection, open.counters);
        let mut commit_sent = false;
        let done = timeout(DATABASE_BATCH_DEADLINE, async {
            let (known, begun) = if believes {
                (Known::default(), false)
            } else {
                (ask(connection, batch).await?, true)
            };
            let mut outcomes = known.decide(batch);
            let from = Counters {
                next_event_id: known.last_event_id.map_or(counters.next_event_id, |last| last + 1),
                ..counters
            };
            let (written, after) = statements(batch, &mut outcomes, from);
            send(connection, &written, begun, &mut commit_sent).await?;
            Ok::<_, Trouble>((outcomes, after))
        });
        let trouble = match done.await {
            Ok(Ok((outcomes, after))) => {
                open.counters = after;
                return Ok(outcomes);
            }
            Ok(Err(trouble)) => trouble,
            Err(_) => Trouble::Silent,
        };
        if commit_sent && trouble.is_lost() {
            return Err(Refused::Unknown(trouble));
        }
        if !trouble.is_lost() && connection.batch_execute("ROLLBACK").await.is_err() {
            self.open = None;
        }
        Err(Refused::Nothing(trouble))
    }

    /// Callers look again at what is there after this, so whatever is still under way has to be over first: a new writer
    /// waits for the row that the lost batch has locked.
    async fn outcome_is_unknown(&mut self, connections: &Connections, trouble: &Trouble) -> StoreError {
        self.tell(trouble);
        self.open = None;
        if let Err(error) = self.open(connections).await {
            tracing::debug!(cause = error.cause(), "the database cannot be reached again yet");
        }
        StoreError::Unknown { cause: trouble.cause() }
    }

    /// One statement by itself; the rows that it changed.
    async fn one(
        &mut self,
        connections: &Connections,
        statement: &str,
        values: &Values<'static>,
    ) -> Result<u64, StoreError> {
        let done = async {
            let connection = &self.open(connections).await?.connection;
            let prepared = connection.prepare_cached(&numbered(statement)).await?;
            Ok(connection.execute(&prepared, &borrowed(values)).await?)
        };
        let trouble = match timeout(DATABASE_BATCH_DEADLINE, done).await {
            Ok(Ok(rows)) => {
                self.failing = false;
                return Ok(rows);
            }
            Ok(Err(trouble)) => trouble,
            Err(_) => Trouble::Silent,
        };
        self.tell(&trouble);
        if trouble.is_lost() {
            self.open = None;
        }
        Err(trouble.sort())
    }

    fn tell(&mut self, trouble: &Trouble) {
        // Once: whoever asks whether it works again, every second, learns nothing new.
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(cause = trouble.cause(), "a write failed");
        }
    }

    async fn open(&mut self, connections: &Connections) -> Result<&mut Open, Trouble> {
        // A connection that has died since is not worth a failed batch.
        if self.open.as_ref().is_some_and(|open| open.connection.is_closed()) {
            self.open = None;
        }
        if self.open.is_none() {
            let connection = connections.writing().await?;
            let writer = connection.query_one(NEXT_WRITER, &[]).await?;
            let last = connection.query_opt(q::LAST_EVENT_ID, &[]).await?;
            let counters = Counters {
                next_event_id: last.map(|row| unsigned(&row, 0)).transpose()?.unwrap_or_default() + 1,
                last_batch_no: 0,
                writer: get(&writer, 0)?,
            };
            if self.failing {
                tracing::info!(writer = counters.writer, "the database is there again");
            }
            self.open = Some(Open { connection, counters });
        }
        self.open
            .as_mut()
            .ok_or_else(|| Trouble::Unreachable("no connection".to_owned()))
    }
}

/// What was found out before writing; nothing, when callers are believed.
#[derive(Default)]
struct Known {
    versions: Option<HashMap<StreamId, Version>>,
    taken: HashSet<KeyHash>,
    last_event_id: Option<u64>,
}

impl Known {
    fn decide(&self, batch: &[Append]) -> Vec<AppendOutcome> {
        let version = |append: &crate::records::StreamAppend| match &self.versions {
            Some(versions) => versions.get(&append.stream).copied().unwrap_or_default(),
            None => append.expected,
        };
        batch::decide(batch, version, |key| self.taken.contains(key), |_| false)
    }
}

/// Whether the database itself finds out when callers are wrong: a stream without events is not looked at by any statement.
fn is_plain(batch: &[Append]) -> bool {
    batch
        .iter()
        .filter_map(|append| append.stream.as_ref())
        .all(|stream| !stream.events.is_empty())
}

/// Begins, and asks where the streams of a batch stand and which of its keys are taken.
async fn ask(connection: &ClientWrapper, batch: &[Append]) -> Result<Known, Trouble> {
    let streams: HashSet<StreamId> = batch
        .iter()
        .filter_map(|append| append.stream.as_ref().map(|stream| stream.stream))
        .collect();
    let (learners, others): (Vec<_>, Vec<_>) = streams.into_iter().partition(|s| s.kind == StreamKind::Learner);
    let learners: Vec<i64> = learners.iter().map(|stream| sql(stream.id)).collect();
    let hashes: Vec<&[u8]> = batch
        .iter()
        .filter_map(|append| append.key.as_ref().map(|key| &key.hash.0[..]))
        .collect();
    let head_versions = connection.prepare_cached(&numbered(HEAD_VERSIONS)).await?;
    let keys_taken = connection.prepare_cached(&numbered(KEYS_TAKEN)).await?;
    let stream_version = connection.prepare_cached(&numbered(q::STREAM_VERSION)).await?;
    // All at once, but the lock first: what is asked behind it sees what those before have committed.
    let (begun, last) = (
        connection.batch_execute(BEGIN),
        connection.query_opt(q::LAST_EVENT_ID, &[]),
    );
    let (heads, keys): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 1]) = ([&learners], [&hashes]);
    let (heads, keys) = (
        connection.query(&head_versions, &heads),
        connection.query(&keys_taken, &keys),
    );
    let ((), last, heads, keys) = try_join4(begun, last, heads, keys).await?;
    let mut known = Known {
        last_event_id: Some(last.map(|row| unsigned(&row, 0)).transpose()?.unwrap_or_default()),
        ..Known::default()
    };
    let mut versions = HashMap::new();
    for row in heads {
        let stream = StreamId {
            kind: StreamKind::Learner,
            id: unsigned(&row, 0)?,
        };
        versions.insert(stream, version(&row, 1)?);
    }
    let ends = others.iter().map(|stream| async {
        let (kind, id) = (stream.kind as i16, sql(stream.id));
        let end = connection.query_opt(&stream_version, &[&kind, &id]).await?;
        let end = end.map(|row| version(&row, 0)).transpose()?;
        Ok::<_, Trouble>((*stream, end.unwrap_or(Version::ZERO)))
    });
    versions.extend(try_join_all(ends).await?);
    known.versions = Some(versions);
    for row in keys {
        let hash: &[u8] = get(&row, 0)?;
        known.taken.extend(<[u8; 16]>::try_from(hash).map(KeyHash));
    }
    Ok(known)
}

/// Values as the library takes them.
fn borrowed<'v>(values: &'v Values<'_>) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send + 'a>>;

/// Sends a whole batch, and waits for its answers only then.
async fn send(
    connection: &ClientWrapper,
    statements: &[Statement<'_>],
    begun: bool,
    commit_sent: &mut bool,
) -> Result<(), Trouble> {
    let mut prepared = Vec::with_capacity(statements.len());
    for statement in statements {
        prepared.push(connection.prepare_cached(&statement.sql).await?);
    }
    let mut answers: Vec<Answer<'_>> = Vec::with_capacity(statements.len() + 2);
    if !begun {
        answers.push(Box::pin(async { connection.batch_execute(BEGIN).await }));
    }
    for (statement, prepared) in statements.iter().zip(&prepared) {
        answers.push(Box::pin(async move {
            connection
                .execute(prepared, &borrowed(&statement.values))
                .await
                .map(drop)
        }));
        if answers.len() >= DATABASE_PIPELINE_MAX {
            pipeline(std::mem::take(&mut answers)).await?;
        }
    }
    *commit_sent = true;
    answers.push(Box::pin(async { connection.batch_execute("COMMIT").await }));
    Ok(pipeline(answers).await?)
}

/// Asks all of these at once, in order, and waits for all answers; the first failure is the answer. (A failure in a
/// transaction fails everything behind it, COMMIT too, which then undoes.)
async fn pipeline(mut answers: Vec<Answer<'_>>) -> Result<(), tokio_postgres::Error> {
    let mut early = Vec::with_capacity(answers.len());
    for answer in &mut answers {
        // The first poll is what sends.
        early.push(poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await);
    }
    let mut first = Ok(());
    for (answer, early) in answers.into_iter().zip(early) {
        let answer = match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => answer.await,
        };
        first = first.and(answer);
    }
    first
}

/// A time of up to `most`, at least half of it, so that two who lost do not meet again.
fn jittered(most: Duration) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let share = RandomState::new().hash_one(most) % 512;
    most / 2 + most * (share as u32) / 1_024
}
