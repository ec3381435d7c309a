//! What a batch writes, gathered by table, as few statements with many rows each. Pure: nothing is sent from here.
//!
//! Gathering keeps what one row after the other would have come to: where rows of one table can undo each other, the last one
//! counts or they are added up. Rows of the roster are statements of their own, in the order they came.

use super::rows;
use super::types::{Json, sql};
use crate::ids::{EventId, ReferenceId, TimeMs, UnitId, UserId, Version};
use crate::queries as q;
use crate::records::{
    AchievementRecord, Append, AppendOutcome, KeyOutcome, KeyRecord, PointPartRecord, PointsRecord, ProgressRecord,
    QuizTimeRecord, ResourceRecord, ResultRecord, Row, StreamAppend, StreamId, StreamKind,
};
use std::collections::BTreeMap;
use std::mem::take;
use tokio_postgres::types::ToSql;

/// What the journal gives out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counters {
    pub(super) next_event_id: u64,
    pub(super) last_batch_no: u64,
    pub(super) writer: i64,
}

/// The values of a statement, in its order.
pub(super) type Values<'a> = Vec<Box<dyn ToSql + Sync + Send + 'a>>;

/// One statement with its values.
pub(super) struct Statement<'a> {
    pub(super) sql: String,
    pub(super) values: Values<'a>,
}

impl<'a> Statement<'a> {
    fn new(sql: &str, values: Values<'a>) -> Self {
        let sql = q::numbered(sql);
        Self { sql, values }
    }
}

/// A list of values of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$(Box::new($value) as Box<dyn tokio_postgres::types::ToSql + Sync + Send + '_>),*] };
}
pub(super) use values;

/// Makes a statement of one of `queries`, with its values.
pub(super) fn statement<'a>(sql: &str, values: Values<'a>) -> Statement<'a> {
    Statement::new(sql, values)
}

const INSERT_EVENTS: &str = "INSERT INTO events (event_id, stream_kind, stream_id, version, event_type, occurred_at, \
     recorded_at, writer, batch_no, body) SELECT u.event_id, u.stream_kind, u.stream_id, u.version, u.event_type, \
     u.occurred_at, u.recorded_at, CAST(?9 AS bigint), CAST(?10 AS bigint), u.body \
     FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS smallint[]), CAST(?3 AS bigint[]), CAST(?4 AS bigint[]), \
     CAST(?5 AS text[]), CAST(?6 AS timestamptz[]), CAST(?7 AS timestamptz[]), CAST(?8 AS jsonb[])) \
     AS u(event_id, stream_kind, stream_id, version, event_type, occurred_at, recorded_at, body)";
/// Notes; those of learners who were erased meanwhile are not kept.
const INSERT_NOTES: &str = "INSERT INTO event_notes (event_id, note) SELECT u.event_id, u.note \
     FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS text[]), CAST(?3 AS bigint[])) AS u(event_id, note, learner) \
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.user_id = u.learner AND users.erased_at IS NOT NULL)";
const START_HEADS: &str = "INSERT INTO learner_heads (user_id, version, total, reached_at) SELECT u.user_id, u.version, \
     u.total, u.reached_at FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), CAST(?3 AS bigint[]), \
     CAST(?4 AS timestamptz[])) AS u(user_id, version, total, reached_at)";
/// Moves heads that stand where they are thought to stand, and fails (division by zero) if one does not: the conditional
/// update that keeps every stream right, whoever writes.
const MOVE_HEADS: &str = "WITH moved AS (UPDATE learner_heads h SET version = u.version, \
     total = COALESCE(u.total, h.total), reached_at = CASE WHEN u.total IS NULL THEN h.reached_at ELSE u.reached_at END \
     FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), CAST(?3 AS bigint[]), CAST(?4 AS bigint[]), \
     CAST(?5 AS timestamptz[])) AS u(user_id, expected, version, total, reached_at) \
     WHERE h.user_id = u.user_id AND h.version = u.expected RETURNING h.user_id) \
     SELECT 1 / (CASE WHEN count(*) = CAST(?6 AS bigint) THEN 1 ELSE 0 END) FROM moved";
/// Fails if one of these places in streams is empty.
const FIND_PLACES: &str = "SELECT 1 / (CASE WHEN count(*) = CAST(?4 AS bigint) THEN 1 ELSE 0 END) \
     FROM unnest(CAST(?1 AS smallint[]), CAST(?2 AS bigint[]), CAST(?3 AS bigint[])) AS u(stream_kind, stream_id, version) \
     JOIN events e ON e.stream_kind = u.stream_kind AND e.stream_id = u.stream_id AND e.version = u.version";
const INSERT_POINTS: &str = "INSERT INTO user_points (event_id, user_id, kind, action_type, points, reference_id, unit_id, \
     qualification_id, total, reason, occurred_at) SELECT * FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), \
     CAST(?3 AS text[]), CAST(?4 AS text[]), CAST(?5 AS bigint[]), CAST(?6 AS bigint[]), CAST(?7 AS bigint[]), \
     CAST(?8 AS bigint[]), CAST(?9 AS bigint[]), CAST(?10 AS text[]), CAST(?11 AS timestamptz[]))";
const INSERT_POINT_PARTS: &str = "INSERT INTO point_parts (event_id, part, occurred_at, qualification_id, points) \
     SELECT * FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), CAST(?3 AS timestamptz[]), CAST(?4 AS bigint[]), \
     CAST(?5 AS bigint[]))";
const UPSERT_PROGRESS: &str = "INSERT INTO user_progress (user_id, unit_id, progress_percentage, last_accessed, \
     completed_at) SELECT * FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), CAST(?3 AS smallint[]), \
     CAST(?4 AS timestamptz[]), CAST(?5 AS timestamptz[])) ON CONFLICT (user_id, unit_id) DO UPDATE SET \
     progress_percentage = excluded.progress_percentage, last_accessed = excluded.last_accessed, \
     completed_at = excluded.completed_at";
const UPSERT_ACHIEVEMENTS: &str = "INSERT INTO user_achievements (user_id, achievement_type, tier, earned_at, \
     achievement_data) SELECT * FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS text[]), CAST(?3 AS text[]), \
     CAST(?4 AS timestamptz[]), CAST(?5 AS jsonb[])) ON CONFLICT (user_id, achievement_type, tier) DO UPDATE SET \
     earned_at = excluded.earned_at, achievement_data = excluded.achievement_data";
const DELETE_ACHIEVEMENTS: &str = "DELETE FROM user_achievements a USING unnest(CAST(?1 AS bigint[]), CAST(?2 AS text[]), \
     CAST(?3 AS text[])) AS u(user_id, achievement_type, tier) WHERE a.user_id = u.user_id \
     AND a.achievement_type = u.achievement_type AND a.tier = u.tier";
const ADD_RESOURCES: &str = "INSERT INTO resources (contributor_id, reference_id, contributed, uses, ratings, rating_sum) \
     SELECT * FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), CAST(?3 AS bigint[]), CAST(?4 AS bigint[]), \
     CAST(?5 AS bigint[]), CAST(?6 AS bigint[])) ON CONFLICT (contributor_id, reference_id) DO UPDATE SET \
     contributed = resources.contributed + excluded.contributed, uses = resources.uses + excluded.uses, \
     ratings = resources.ratings + excluded.ratings, rating_sum = resources.rating_sum + excluded.rating_sum";
const ADD_QUIZ_TIMES: &str = "INSERT INTO quiz_times (reference_id, bucket_ms, n) SELECT * FROM \
     unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), CAST(?3 AS bigint[])) \
     ON CONFLICT (reference_id, bucket_ms) DO UPDATE SET n = quiz_times.n + excluded.n";
const UPSERT_RESULTS: &str = "INSERT INTO user_results (user_id, reference_id, unit_id, score, occurred_at) \
     SELECT * FROM unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[]), CAST(?3 AS bigint[]), \
     CAST(?4 AS double precision[]), CAST(?5 AS timestamptz[])) ON CONFLICT (user_id, reference_id) DO UPDATE SET \
     unit_id = excluded.unit_id, score = excluded.score, occurred_at = excluded.occurred_at";
const DELETE_RESULTS: &str = "DELETE FROM user_results r USING unnest(CAST(?1 AS bigint[]), CAST(?2 AS bigint[])) \
     AS u(user_id, reference_id) WHERE r.user_id = u.user_id AND r.reference_id = u.reference_id";
const INSERT_KEYS: &str = "INSERT INTO idempotency_keys (key_hash, fingerprint, created_at, status, stream_kind, stream_id, \
     version, total, level, body, about) SELECT * FROM unnest(CAST(?1 AS bytea[]), CAST(?2 AS bytea[]), \
     CAST(?3 AS timestamptz[]), CAST(?4 AS smallint[]), CAST(?5 AS smallint[]), CAST(?6 AS bigint[]), \
     CAST(?7 AS bigint[]), CAST(?8 AS bigint[]), CAST(?9 AS bigint[]), CAST(?10 AS text[]), CAST(?11 AS bigint[]))";

/// The statements of a batch whose outcomes are decided, with ids from `counters`; and the counters after it.
pub(super) fn statements<'a>(
    batch: &'a [Append],
    outcomes: &mut [AppendOutcome],
    mut counters: Counters,
) -> (Vec<Statement<'a>>, Counters) {
    let first = counters.next_event_id;
    counters.last_batch_no += 1;
    let mut gathered = Gathered {
        batch_no: counters.last_batch_no,
        writer: counters.writer,
        ..Gathered::default()
    };
    for (append, outcome) in batch.iter().zip(outcomes) {
        let AppendOutcome::Kept { first_event_id } = outcome else {
            continue;
        };
        let events = append.stream.as_ref().map_or(0, |stream| stream.events.len() as u64);
        *first_event_id = EventId::new(counters.next_event_id).ok().filter(|_| events > 0);
        gathered.add(append, counters.next_event_id);
        counters.next_event_id += events;
    }
    if counters.next_event_id == first {
        // A batch without events leaves no trace in the journal: counting it would look like a hole.
        counters.last_batch_no -= 1;
    }
    gathered.flush();
    (gathered.statements, counters)
}

struct Event<'a> {
    event_id: i64,
    stream: StreamId,
    version: Version,
    event: &'a crate::records::NewEvent,
}

#[derive(Clone, Copy)]
struct Head {
    expected: Version,
    version: Version,
    /// Total and `reached_at`; none leaves them as they are.
    shows: Option<(u64, Option<TimeMs>)>,
}

/// Rows by table, until they are made into statements.
#[derive(Default)]
struct Gathered<'a> {
    writer: i64,
    batch_no: u64,
    statements: Vec<Statement<'a>>,
    roster: Vec<Statement<'a>>,
    /// Where streams that have no heads are thought to end.
    ends: BTreeMap<StreamId, Version>,
    events: Vec<Event<'a>>,
    heads: BTreeMap<u64, Head>,
    points: Vec<(i64, &'a PointsRecord)>,
    parts: Vec<(i64, i64, &'a PointPartRecord)>,
    progress: BTreeMap<(UserId, UnitId), &'a ProgressRecord>,
    achievements: BTreeMap<(UserId, &'a str, &'a str), Option<&'a AchievementRecord>>,
    resources: BTreeMap<(UserId, ReferenceId), ResourceRecord>,
    quiz_times: BTreeMap<(ReferenceId, u64), QuizTimeRecord>,
    results: BTreeMap<(UserId, ReferenceId), Option<&'a ResultRecord>>,
    keys: Vec<&'a KeyRecord>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, append: &'a Append, first_event_id: u64) {
        // Erasing deletes from tables that are gathered: what came before it must be there, what comes after must not.
        let erases = append.rows.iter().any(|row| matches!(row, Row::Erased { .. }));
        if erases {
            self.flush();
        }
        if let Some(stream) = &append.stream {
            self.add_stream(stream, first_event_id);
        }
        if erases {
            self.flush();
        }
        for row in &append.rows {
            self.add_row(row, first_event_id);
        }
        if erases {
            self.flush();
        }
        self.keys.extend(&append.key);
    }

    fn add_stream(&mut self, append: &'a StreamAppend, first_event_id: u64) {
        let version = append.expected.plus(append.events.len() as u64);
        for (index, event) in append.events.iter().enumerate() {
            self.events.push(Event {
                event_id: sql(first_event_id + index as u64),
                stream: append.stream,
                version: append.expected.plus(index as u64 + 1),
                event,
            });
        }
        if append.stream.kind == StreamKind::Learner {
            if version > Version::ZERO {
                let shows = append.head.map(|head| (head.total, head.reached_at));
                let head = self.heads.entry(append.stream.id).or_insert(Head {
                    expected: append.expected,
                    version,
                    shows: None,
                });
                head.version = version;
                head.shows = shows.or(head.shows);
            }
        } else {
            self.ends.entry(append.stream).or_insert(append.expected);
        }
    }

    fn add_row(&mut self, row: &'a Row, first_event_id: u64) {
        let event_id = |index: usize| sql(first_event_id + index as u64);
        match row {
            Row::Points { event_index, points } => self.points.push((event_id(*event_index), points)),
            Row::PointPart {
                event_index,
                part,
                record,
            } => self.parts.push((event_id(*event_index), *part as i64, record)),
            Row::Progress(row) => drop(self.progress.insert((row.user_id, row.unit_id), row)),
            Row::Achievement(row) => {
                let key = (row.user_id, &*row.achievement_type, &*row.tier);
                self.achievements.insert(key, Some(row));
            }
            Row::AchievementRevoked {
                user_id,
                achievement_type,
                tier,
            } => {
                self.achievements.insert((*user_id, achievement_type, tier), None);
            }
            Row::Resource(row) => {
                let key = (row.contributor_id, row.reference_id);
                let none = ResourceRecord::none(key.0, key.1);
                self.resources.entry(key).or_insert(none).add(row);
            }
            Row::QuizTime(row) => {
                let none = QuizTimeRecord { n: 0, ..*row };
                self.quiz_times
                    .entry((row.reference_id, row.bucket_ms))
                    .or_insert(none)
                    .n += row.n;
            }
            Row::Result(row) => drop(self.results.insert((row.user_id, row.reference_id), Some(row))),
            Row::ResultRemoved { user_id, reference_id } => drop(self.results.insert((*user_id, *reference_id), None)),
            _ => rows::statements(row, &mut self.roster),
        }
    }

    fn keep(&mut self, sql: &str, values: Values<'a>) {
        self.statements.push(Statement::new(sql, values));
    }

    /// Makes statements of everything gathered, in an order in which each finds what it refers to.
    fn flush(&mut self) {
        self.flush_streams();
        let roster = take(&mut self.roster);
        self.statements.extend(roster);
        self.flush_ledger();
        self.flush_projections();
        self.flush_keys();
    }

    fn flush_streams(&mut self) {
        let mut ends: Vec<_> = take(&mut self.ends).into_iter().collect();
        ends.retain(|(_, version)| *version > Version::ZERO);
        if !ends.is_empty() {
            let count = ends.len() as i64;
            self.keep(
                FIND_PLACES,
                values![
                    list(&ends, |(stream, _)| stream.kind as i16),
                    list(&ends, |(stream, _)| sql(stream.id)),
                    list(&ends, |(_, version)| sql(version.0)),
                    count,
                ],
            );
        }
        let events = take(&mut self.events);
        if !events.is_empty() {
            let (writer, batch_no) = (self.writer, sql(self.batch_no));
            self.keep(
                INSERT_EVENTS,
                values![
                    list(&events, |row| row.event_id),
                    list(&events, |row| row.stream.kind as i16),
                    list(&events, |row| sql(row.stream.id)),
                    list(&events, |row| sql(row.version.0)),
                    list(&events, |row| row.event.event_type),
                    list(&events, |row| row.event.occurred_at),
                    list(&events, |row| row.event.recorded_at),
                    list(&events, |row| Json(&row.event.body)),
                    writer,
                    batch_no,
                ],
            );
        }
        let noted = |row: &Event<'a>| row.event.note.as_deref().map(|note| (row.event_id, note, row.stream));
        let notes: Vec<_> = events.iter().filter_map(noted).collect();
        if !notes.is_empty() {
            let learner = |stream: &StreamId| (stream.kind == StreamKind::Learner).then_some(sql(stream.id));
            self.keep(
                INSERT_NOTES,
                values![
                    list(&notes, |(event_id, _, _)| *event_id),
                    list(&notes, |(_, note, _)| *note),
                    list(&notes, |(_, _, stream)| learner(stream)),
                ],
            );
        }
        let heads = take(&mut self.heads);
        let (starting, moving): (Vec<_>, Vec<_>) =
            heads.into_iter().partition(|(_, head)| head.expected == Version::ZERO);
        if !starting.is_empty() {
            self.keep(
                START_HEADS,
                values![
                    list(&starting, |(user, _)| sql(*user)),
                    list(&starting, |(_, head)| sql(head.version.0)),
                    list(&starting, |(_, head)| sql(head.shows.map_or(0, |(total, _)| total))),
                    list(&starting, |(_, head)| head.shows.and_then(|(_, reached_at)| reached_at)),
                ],
            );
        }
        if !moving.is_empty() {
            let count = moving.len() as i64;
            self.keep(
                MOVE_HEADS,
                values![
                    list(&moving, |(user, _)| sql(*user)),
                    list(&moving, |(_, head)| sql(head.expected.0)),
                    list(&moving, |(_, head)| sql(head.version.0)),
                    list(&moving, |(_, head)| head.shows.map(|(total, _)| sql(total))),
                    list(&moving, |(_, head)| head.shows.and_then(|(_, reached_at)| reached_at)),
                    count,
                ],
            );
        }
    }

    fn flush_ledger(&mut self) {
        let points = take(&mut self.points);
        if !points.is_empty() {
            self.keep(
                INSERT_POINTS,
                values![
                    list(&points, |(event_id, _)| *event_id),
                    list(&points, |(_, row)| row.user_id.as_i64()),
                    list(&points, |(_, row)| row.kind),
                    list(&points, |(_, row)| row.action_type),
                    list(&points, |(_, row)| row.points),
                    list(&points, |(_, row)| row.reference_id.as_i64()),
                    list(&points, |(_, row)| row.unit_id.map(|id| id.as_i64())),
                    list(&points, |(_, row)| row.qualification_id.map(|id| id.as_i64())),
                    list(&points, |(_, row)| sql(row.total)),
                    list(&points, |(_, row)| row.reason),
                    list(&points, |(_, row)| row.occurred_at),
                ],
            );
        }
        let parts = take(&mut self.parts);
        if !parts.is_empty() {
            self.keep(
                INSERT_POINT_PARTS,
                values![
                    list(&parts, |(event_id, _, _)| *event_id),
                    list(&parts, |(_, part, _)| *part),
                    list(&parts, |(_, _, row)| row.occurred_at),
                    list(&parts, |(_, _, row)| row.qualification_id.map(|id| id.as_i64())),
                    list(&parts, |(_, _, row)| row.points),
                ],
            );
        }
    }

    fn flush_projections(&mut self) {
        let progress: Vec<_> = take(&mut self.progress).into_values().collect();
        if !progress.is_empty() {
            self.keep(
                UPSERT_PROGRESS,
                values![
                    list(&progress, |row| row.user_id.as_i64()),
                    list(&progress, |row| row.unit_id.as_i64()),
                    list(&progress, |row| i16::from(row.progress_percentage)),
                    list(&progress, |row| row.last_accessed),
                    list(&progress, |row| row.completed_at),
                ],
            );
        }
        let (given, revoked) = split(take(&mut self.achievements));
        if !given.is_empty() {
            self.keep(
                UPSERT_ACHIEVEMENTS,
                values![
                    list(&given, |row| row.user_id.as_i64()),
                    list(&given, |row| &*row.achievement_type),
                    list(&given, |row| &*row.tier),
                    list(&given, |row| row.earned_at),
                    list(&given, |row| Json(&row.achievement_data)),
                ],
            );
        }
        if !revoked.is_empty() {
            self.keep(
                DELETE_ACHIEVEMENTS,
                values![
                    list(&revoked, |(user_id, _, _)| user_id.as_i64()),
                    list(&revoked, |(_, achievement_type, _)| *achievement_type),
                    list(&revoked, |(_, _, tier)| *tier),
                ],
            );
        }
        let (results, removed) = split(take(&mut self.results));
        if !results.is_empty() {
            self.keep(
                UPSERT_RESULTS,
                values![
                    list(&results, |row| row.user_id.as_i64()),
                    list(&results, |row| row.reference_id.as_i64()),
                    list(&results, |row| row.unit_id.as_i64()),
                    list(&results, |row| row.score),
                    list(&results, |row| row.occurred_at),
                ],
            );
        }
        if !removed.is_empty() {
            self.keep(
                DELETE_RESULTS,
                values![
                    list(&removed, |(user_id, _)| user_id.as_i64()),
                    list(&removed, |(_, reference_id)| reference_id.as_i64()),
                ],
            );
        }
        self.flush_sums();
    }

    fn flush_sums(&mut self) {
        let resources: Vec<_> = take(&mut self.resources).into_values().collect();
        if !resources.is_empty() {
            self.keep(
                ADD_RESOURCES,
                values![
                    list(&resources, |row| row.contributor_id.as_i64()),
                    list(&resources, |row| row.reference_id.as_i64()),
                    list(&resources, |row| row.contributed),
                    list(&resources, |row| row.uses),
                    list(&resources, |row| row.ratings),
                    list(&resources, |row| row.rating_sum),
                ],
            );
        }
        let times: Vec<_> = take(&mut self.quiz_times).into_values().collect();
        if !times.is_empty() {
            self.keep(
                ADD_QUIZ_TIMES,
                values![
                    list(&times, |row| row.reference_id.as_i64()),
                    list(&times, |row| sql(row.bucket_ms)),
                    list(&times, |row| row.n),
                ],
            );
        }
    }

    fn flush_keys(&mut self) {
        let keys = take(&mut self.keys);
        if keys.is_empty() {
            return;
        }
        let event = |key: &KeyRecord| match &key.outcome {
            KeyOutcome::Event {
                stream,
                version,
                total,
                level,
            } => Some((*stream, *version, *total, *level)),
            KeyOutcome::Body(_) => None,
        };
        let body = |key: &&'a KeyRecord| match &key.outcome {
            KeyOutcome::Body(body) => Some(body.as_str()),
            KeyOutcome::Event { .. } => None,
        };
        self.keep(
            INSERT_KEYS,
            values![
                list(&keys, |key| key.hash.0.as_slice()),
                list(&keys, |key| key.fingerprint.as_slice()),
                list(&keys, |key| key.created_at),
                list(&keys, |key| key.status.cast_signed()),
                list(&keys, |key| event(key).map(|(stream, ..)| stream.kind as i16)),
                list(&keys, |key| event(key).map(|(stream, ..)| sql(stream.id))),
                list(&keys, |key| event(key).map(|(_, version, ..)| sql(version.0))),
                list(&keys, |key| event(key).map(|(_, _, total, _)| sql(total))),
                list(&keys, |key| event(key).map(|(.., level)| i64::from(level))),
                list(&keys, body),
                list(&keys, |key| key.about.map(UserId::as_i64)),
            ],
        );
    }
}

fn list<'r, R, T>(rows: &'r [R], column: impl FnMut(&'r R) -> T) -> Vec<T> {
    rows.iter().map(column).collect()
}

/// What is to be there, and the keys of what is to be gone.
fn split<K: Ord, V>(rows: BTreeMap<K, Option<V>>) -> (Vec<V>, Vec<K>) {
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (key, row) in rows {
        match row {
            Some(row) => kept.push(row),
            None => gone.push(key),
        }
    }
    (kept, gone)
}
