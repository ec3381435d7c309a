//! Everything that is read, as functions from a connection to records. No writing.

use super::connect::Connection;
use super::errors::Trouble;
use super::types::{damaged, get, id, id_or_none, json, sql, unsigned, version};
use crate::ids::{AnnouncementId, AuditId, EventId, QualificationId, TeamId, TimeMs, UserId, Version};
use crate::queries as q;
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementFilter, AnnouncementRecord, AuditEntry, AuditFilter, AuditedBy,
    CompletedUnit, EnrolmentRecord, EvidenceSums, KeyHash, KeyOutcome, KeyRecord, LearnerHead, MemberRecord, PinRecord,
    PreferenceRecord, ProgressRecord, QualificationRecord, QualificationStanding, QuizTimeRecord, ResourceRecord,
    ResultRecord, RosterRecords, SnapshotRecord, StandingRow, Standings, StandingsOf, StoredEvent, StreamId,
    StreamKind, TeamAwardRecord, TeamRecord, TimeRange, TokenRecord, TokenRole, UnitRecord, UserRecord, UserRole,
};
use deadpool_postgres::Transaction;
use futures_util::TryStreamExt as _;
use std::ops::Range;
use std::pin::pin;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row, Statement};

/// Points by the teams that the award's fact names, as the statement of the SQLite store: JSON is read in this engine's way.
const TEAM_STANDINGS: &str = "WITH entries AS (SELECT CAST(t.value AS bigint) AS team_id, p.points, p.event_id \
     FROM user_points p JOIN events e ON e.event_id = p.event_id \
     JOIN events award ON award.event_id = COALESCE(CAST(e.body->>'of' AS bigint), e.event_id) \
     CROSS JOIN LATERAL jsonb_array_elements_text(COALESCE(award.body->'teams', '[]')) AS t(value) \
     WHERE p.points <> 0 AND p.kind <> 'adjusted' AND p.occurred_at >= ?1 AND p.occurred_at < ?2 \
     UNION ALL SELECT CAST(t.value AS bigint), p.points, NULL FROM point_parts p \
     JOIN events e ON e.event_id = p.event_id \
     CROSS JOIN LATERAL jsonb_array_elements_text(COALESCE(e.body->'teams', '[]')) AS t(value) \
     WHERE p.points <> 0 AND p.occurred_at >= ?1 AND p.occurred_at < ?2), \
     sums AS (SELECT team_id, CAST(SUM(points) AS bigint) AS points, MAX(event_id) AS event_id FROM entries \
     GROUP BY team_id) \
     SELECT sums.team_id, sums.points, p.occurred_at FROM sums \
     LEFT JOIN user_points p ON p.event_id = sums.event_id";
const MANUAL_POINTS: &str = "SELECT CAST(COALESCE(SUM(p.points), 0) AS bigint) FROM user_points p \
     JOIN events e ON e.event_id = p.event_id WHERE p.action_type = 'manual_award' AND p.kind = 'awarded' \
     AND p.occurred_at >= ?1 AND CAST(e.body->>'granted_by' AS bigint) = ?2";
const COMPLETED_UNITS: &str = "SELECT user_id, unit_id, completed_at FROM user_progress \
     WHERE user_id = ANY(CAST(?1 AS bigint[])) AND completed_at IS NOT NULL";
const RESULTS: &str = "SELECT r.user_id, r.reference_id, r.unit_id, r.score, r.occurred_at \
     FROM unnest(CAST(?1 AS bigint[])) WITH ORDINALITY AS u(user_id, place) \
     JOIN user_results r ON r.user_id = u.user_id ORDER BY u.place, r.reference_id";

type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

pub(super) async fn roster(connection: &mut Connection) -> Result<RosterRecords, Trouble> {
    // One transaction, so that all lists are of one moment.
    let moment = moment(connection).await?;
    let stream = StreamId::ROSTER;
    let last = one(
        &moment,
        q::STREAM_HEAD,
        &[&(stream.kind as i16), &sql(stream.id)],
        |row| Ok((version(row, 0)?, id(row, 1)?)),
    )
    .await?;
    let records = RosterRecords {
        version: last.map_or(Version::ZERO, |(version, _)| version),
        last_event_id: last.map(|(_, event_id)| event_id),
        users: table(&moment, q::COUNT_USERS, q::USERS, user).await?,
        qualifications: all(&moment, q::QUALIFICATIONS, &[], |row| {
            Ok(QualificationRecord {
                qualification_id: id(row, 0)?,
                name: get(row, 1)?,
                created_at: get(row, 2)?,
                archived_at: get(row, 3)?,
            })
        })
        .await?,
        units: all(&moment, q::UNITS, &[], unit).await?,
        teams: all(&moment, q::TEAMS, &[], |row| {
            Ok(TeamRecord {
                team_id: id(row, 0)?,
                name: get(row, 1)?,
                mentor_id: id_or_none(row, 2)?,
                created_at: get(row, 3)?,
                archived_at: get(row, 4)?,
            })
        })
        .await?,
        members: table(&moment, q::COUNT_MEMBERS, q::MEMBERS, |row| {
            Ok(MemberRecord {
                team_id: id(row, 0)?,
                user_id: id(row, 1)?,
                role: get(row, 2)?,
                joined_at: get(row, 3)?,
            })
        })
        .await?,
        enrolments: table(&moment, q::COUNT_ENROLMENTS, q::ENROLMENTS, |row| {
            Ok(EnrolmentRecord {
                qualification_id: id(row, 0)?,
                user_id: id(row, 1)?,
                enrolled_at: get(row, 2)?,
            })
        })
        .await?,
        preferences: all(&moment, q::PREFERENCES, &[], |row| {
            Ok(PreferenceRecord {
                user_id: id(row, 0)?,
                on_boards: get::<&str>(row, 1)? == "in",
                own_change_at: get(row, 2)?,
            })
        })
        .await?,
    };
    moment.commit().await?;
    Ok(records)
}

fn user(row: &Row) -> Result<UserRecord, Trouble> {
    Ok(UserRecord {
        user_id: id(row, 0)?,
        name: get(row, 1)?,
        alias: get(row, 2)?,
        role: UserRole::parse(get(row, 3)?).ok_or_else(|| damaged(3, "unknown role"))?,
        created_at: get(row, 4)?,
        archived_at: get(row, 5)?,
        erased_at: get(row, 6)?,
    })
}

fn unit(row: &Row) -> Result<UnitRecord, Trouble> {
    Ok(UnitRecord {
        unit_id: id(row, 0)?,
        title: get(row, 1)?,
        qualification_id: id_or_none(row, 2)?,
        skills: serde_json::from_str(&json(row, 3)?).map_err(|_| damaged(3, "skills are no list of texts"))?,
        created_at: get(row, 4)?,
        archived_at: get(row, 5)?,
    })
}

pub(super) async fn heads(connection: &mut Connection) -> Result<Vec<LearnerHead>, Trouble> {
    let moment = moment(connection).await?;
    let heads = table(&moment, q::COUNT_HEADS, q::HEADS, |row| {
        Ok(LearnerHead {
            user_id: id(row, 0)?,
            version: version(row, 1)?,
            total: unsigned(row, 2)?,
            reached_at: get(row, 3)?,
        })
    })
    .await?;
    moment.commit().await?;
    Ok(heads)
}

pub(super) async fn tokens(connection: &mut Connection, now: TimeMs) -> Result<Vec<TokenRecord>, Trouble> {
    all(connection, q::TOKENS, &[&now], token).await
}

pub(super) async fn tokens_of(connection: &mut Connection, user_id: UserId) -> Result<Vec<TokenRecord>, Trouble> {
    all(connection, q::TOKENS_OF, &[&user_id.as_i64()], token).await
}

fn token(row: &Row) -> Result<TokenRecord, Trouble> {
    let hash: &[u8] = get(row, 1)?;
    Ok(TokenRecord {
        token_id: id(row, 0)?,
        hash: hash.try_into().map_err(|_| damaged(1, "no hash"))?,
        role: TokenRole::parse(get(row, 2)?).ok_or_else(|| damaged(2, "unknown role"))?,
        user_id: id_or_none(row, 3)?,
        label: get(row, 4)?,
        created_at: get(row, 5)?,
        expires_at: get(row, 6)?,
        revoked_at: get(row, 7)?,
    })
}

pub(super) async fn snapshot(connection: &mut Connection, stream: StreamId) -> Result<Option<SnapshotRecord>, Trouble> {
    one(
        connection,
        q::SNAPSHOT,
        &[&(stream.kind as i16), &sql(stream.id)],
        |row| {
            Ok(SnapshotRecord {
                stream,
                version: version(row, 0)?,
                bytes: get(row, 1)?,
            })
        },
    )
    .await
}

pub(super) async fn stream(
    connection: &mut Connection,
    stream: StreamId,
    after: Version,
    limit: usize,
) -> Result<Vec<StoredEvent>, Trouble> {
    let (after, limit) = (bounded(after.0), bounded(limit as u64));
    let page: Values<'_> = &[&(stream.kind as i16), &sql(stream.id), &after, &limit];
    all(connection, q::STREAM_PAGE, page, stored_event).await
}

pub(super) async fn stream_back(
    connection: &mut Connection,
    stream: StreamId,
    before: Option<Version>,
    types: &'static [&'static str],
    limit: usize,
) -> Result<Vec<StoredEvent>, Trouble> {
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let (kind, stream_id) = (stream.kind as i16, sql(stream.id));
    let before = before.map_or(i64::MAX, |version| bounded(version.0));
    let limit = bounded(limit as u64);
    let mut page: Vec<&(dyn ToSql + Sync)> = vec![&kind, &stream_id, &before, &limit];
    page.extend(types.iter().map(|event_type| event_type as &(dyn ToSql + Sync)));
    all(connection, &q::stream_page_back(types.len()), &page, stored_event).await
}

pub(super) async fn event(connection: &mut Connection, event_id: EventId) -> Result<Option<StoredEvent>, Trouble> {
    one(connection, q::EVENT, &[&event_id.as_i64()], stored_event).await
}

pub(super) async fn journal(
    connection: &mut Connection,
    after: Option<EventId>,
    limit: usize,
) -> Result<Vec<StoredEvent>, Trouble> {
    let after = after.map_or(0, EventId::as_i64);
    all(
        connection,
        q::JOURNAL_PAGE,
        &[&after, &bounded(limit as u64)],
        stored_event,
    )
    .await
}

fn stored_event(row: &Row) -> Result<StoredEvent, Trouble> {
    let kind: i16 = get(row, 1)?;
    Ok(StoredEvent {
        event_id: id(row, 0)?,
        stream: StreamId {
            kind: StreamKind::from_number(kind.into()).ok_or_else(|| damaged(1, "unknown kind of stream"))?,
            id: unsigned(row, 2)?,
        },
        version: version(row, 3)?,
        event_type: get(row, 4)?,
        occurred_at: get(row, 5)?,
        recorded_at: get(row, 6)?,
        body: json(row, 7)?,
        note: get(row, 8)?,
    })
}

pub(super) async fn manual_points(
    connection: &mut Connection,
    granted_by: UserId,
    since: TimeMs,
) -> Result<u64, Trouble> {
    let granted_by = granted_by.as_i64();
    let points = one(connection, MANUAL_POINTS, &[&since, &granted_by], |row| {
        unsigned(row, 0)
    })
    .await?;
    Ok(points.unwrap_or_default())
}

pub(super) async fn qualification_standings(
    connection: &mut Connection,
    qualification_id: QualificationId,
) -> Result<Vec<QualificationStanding>, Trouble> {
    all(
        connection,
        q::QUALIFICATION_STANDINGS,
        &[&qualification_id.as_i64()],
        |row| {
            Ok(QualificationStanding {
                user_id: id(row, 0)?,
                points: unsigned(row, 1)?,
                reached_at: get(row, 2)?,
                event_id: id(row, 3)?,
            })
        },
    )
    .await
}

/// Sums and place are of one moment.
pub(super) async fn standings(
    connection: &mut Connection,
    of: StandingsOf,
    range: TimeRange,
) -> Result<Standings, Trouble> {
    let moment = moment(connection).await?;
    let standing = |row: &Row| {
        Ok(StandingRow {
            id: unsigned(row, 0)?,
            points: get(row, 1)?,
            reached_at: get(row, 2)?,
        })
    };
    let TimeRange { from, to } = range;
    let rows = match of {
        StandingsOf::Learners => all(&moment, q::STANDINGS, &[&from, &to], standing).await?,
        StandingsOf::LearnersIn(inside) => {
            all(&moment, q::STANDINGS_IN, &[&from, &to, &inside.as_i64()], standing).await?
        }
        StandingsOf::Teams => all(&moment, TEAM_STANDINGS, &[&from, &to], standing).await?,
    };
    let last_event_id = one(&moment, q::LAST_EVENT_ID, &[], |row| id(row, 0)).await?;
    moment.commit().await?;
    Ok(Standings { rows, last_event_id })
}

pub(super) async fn completed_units(
    connection: &mut Connection,
    user_ids: &[UserId],
) -> Result<Vec<CompletedUnit>, Trouble> {
    all(connection, COMPLETED_UNITS, &[&numbers(user_ids)], |row| {
        Ok(CompletedUnit {
            user_id: id(row, 0)?,
            unit_id: id(row, 1)?,
            completed_at: get(row, 2)?,
        })
    })
    .await
}

pub(super) async fn evidence_sums(connection: &mut Connection) -> Result<EvidenceSums, Trouble> {
    let moment = moment(connection).await?;
    let sums = EvidenceSums {
        resources: all(&moment, q::RESOURCES, &[], |row| {
            Ok(ResourceRecord {
                contributor_id: id(row, 0)?,
                reference_id: id(row, 1)?,
                contributed: get(row, 2)?,
                uses: get(row, 3)?,
                ratings: get(row, 4)?,
                rating_sum: get(row, 5)?,
            })
        })
        .await?,
        quiz_times: all(&moment, q::QUIZ_TIMES, &[], |row| {
            Ok(QuizTimeRecord {
                reference_id: id(row, 0)?,
                bucket_ms: unsigned(row, 1)?,
                n: get(row, 2)?,
            })
        })
        .await?,
        last_event_id: one(&moment, q::LAST_EVENT_ID, &[], |row| id(row, 0)).await?,
    };
    moment.commit().await?;
    Ok(sums)
}

pub(super) async fn results(connection: &mut Connection, user_ids: &[UserId]) -> Result<Vec<ResultRecord>, Trouble> {
    all(connection, RESULTS, &[&numbers(user_ids)], |row| {
        Ok(ResultRecord {
            user_id: id(row, 0)?,
            reference_id: id(row, 1)?,
            unit_id: id(row, 2)?,
            score: get(row, 3)?,
            occurred_at: get(row, 4)?,
        })
    })
    .await
}

pub(super) async fn progress_rows(
    connection: &mut Connection,
    user_id: UserId,
) -> Result<Vec<ProgressRecord>, Trouble> {
    all(connection, q::PROGRESS_ROWS, &[&user_id.as_i64()], |row| {
        let percentage: i16 = get(row, 2)?;
        Ok(ProgressRecord {
            user_id: id(row, 0)?,
            unit_id: id(row, 1)?,
            progress_percentage: u8::try_from(percentage).map_err(|_| damaged(2, "no percentage"))?,
            last_accessed: get(row, 3)?,
            completed_at: get(row, 4)?,
        })
    })
    .await
}

pub(super) async fn achievement_rows(
    connection: &mut Connection,
    user_id: UserId,
) -> Result<Vec<AchievementRecord>, Trouble> {
    all(connection, q::ACHIEVEMENT_ROWS, &[&user_id.as_i64()], |row| {
        Ok(AchievementRecord {
            user_id: id(row, 0)?,
            achievement_type: get(row, 1)?,
            tier: get(row, 2)?,
            earned_at: get(row, 3)?,
            achievement_data: json(row, 4)?,
        })
    })
    .await
}

pub(super) async fn unsettled_team_awards(connection: &mut Connection) -> Result<Vec<TeamAwardRecord>, Trouble> {
    all(connection, q::UNSETTLED_TEAM_AWARDS, &[], |row| {
        Ok(TeamAwardRecord {
            team_id: id(row, 0)?,
            version: version(row, 1)?,
            reference_id: id(row, 2)?,
        })
    })
    .await
}

pub(super) async fn activity_head(connection: &mut Connection) -> Result<Option<EventId>, Trouble> {
    one(connection, q::ACTIVITY_HEAD, &[], |row| id(row, 0)).await
}

pub(super) async fn activity_blocks(
    connection: &mut Connection,
    range: &Range<TimeMs>,
    after: Option<EventId>,
    limit: usize,
) -> Result<Vec<ActivityBlock>, Trouble> {
    let after = after.map_or(0, EventId::as_i64);
    let page: Values<'_> = &[&range.start, &range.end, &after, &bounded(limit as u64)];
    all(connection, q::ACTIVITY_PAGE, page, |row| {
        Ok(ActivityBlock {
            last_event_id: id(row, 0)?,
            from_at: get(row, 1)?,
            to_at: get(row, 2)?,
            facts: u32::try_from(get::<i64>(row, 3)?).map_err(|_| damaged(3, "no count"))?,
            bytes: get(row, 4)?,
        })
    })
    .await
}

pub(super) async fn key(connection: &mut Connection, hash: KeyHash) -> Result<Option<KeyRecord>, Trouble> {
    let record = |row: &Row| {
        let outcome = match get::<Option<i16>>(row, 3)? {
            None => KeyOutcome::Body(get(row, 8)?),
            Some(kind) => KeyOutcome::Event {
                stream: StreamId {
                    kind: StreamKind::from_number(kind.into()).ok_or_else(|| damaged(3, "unknown kind of stream"))?,
                    id: unsigned(row, 4)?,
                },
                version: version(row, 5)?,
                total: unsigned(row, 6)?,
                level: u32::try_from(get::<i64>(row, 7)?).map_err(|_| damaged(7, "no level"))?,
            },
        };
        let fingerprint: &[u8] = get(row, 0)?;
        Ok(KeyRecord {
            hash,
            fingerprint: fingerprint.try_into().map_err(|_| damaged(0, "no fingerprint"))?,
            created_at: get(row, 1)?,
            about: id_or_none(row, 9)?,
            status: get::<i16>(row, 2)?.cast_unsigned(),
            outcome,
        })
    };
    one(connection, q::KEY, &[&hash.0.as_slice()], record).await
}

pub(super) async fn announcements(
    connection: &mut Connection,
    filter: &AnnouncementFilter,
    limit: usize,
) -> Result<Vec<AnnouncementRecord>, Trouble> {
    let page: Values<'_> = &[
        &filter.before.map_or(i64::MAX, AnnouncementId::as_i64),
        &filter.team_id.map(TeamId::as_i64),
        &filter.user_id.map(UserId::as_i64),
        &bounded(limit as u64),
    ];
    all(connection, q::ANNOUNCEMENTS_PAGE, page, |row| {
        Ok(AnnouncementRecord {
            announcement_id: id(row, 0)?,
            team_id: id_or_none(row, 1)?,
            user_id: id_or_none(row, 2)?,
            text: get(row, 3)?,
            at: get(row, 4)?,
        })
    })
    .await
}

pub(super) async fn last_announcement(connection: &mut Connection) -> Result<Option<AnnouncementId>, Trouble> {
    let last = one(connection, q::LAST_ANNOUNCEMENT, &[], |row| id_or_none(row, 0));
    last.await.map(Option::flatten)
}

pub(super) async fn audit(
    connection: &mut Connection,
    filter: &AuditFilter,
    limit: usize,
) -> Result<Vec<AuditEntry>, Trouble> {
    let page: Values<'_> = &[
        &filter.before.map_or(i64::MAX, AuditId::as_i64),
        &filter.act,
        &filter.since,
        &filter.person.map(UserId::as_i64),
        &bounded(limit as u64),
    ];
    all(connection, q::AUDIT_PAGE, page, |row| {
        let role: Option<&str> = get(row, 3)?;
        let kind: Option<String> = get(row, 6)?;
        Ok(AuditEntry {
            audit_id: id(row, 0)?,
            at: get(row, 1)?,
            by: AuditedBy {
                token_id: id_or_none(row, 2)?,
                role: role.and_then(TokenRole::parse),
                user_id: id_or_none(row, 4)?,
            },
            act: get(row, 5)?,
            subject: kind
                .map(|kind| Ok::<_, Trouble>((kind, unsigned(row, 7)?)))
                .transpose()?,
            detail: json(row, 8)?,
        })
    })
    .await
}

pub(super) async fn pin(connection: &mut Connection, user_id: UserId) -> Result<Option<PinRecord>, Trouble> {
    one(connection, q::PIN, &[&user_id.as_i64()], |row| {
        Ok(PinRecord {
            user_id: id(row, 0)?,
            hash: get(row, 1)?,
            set_at: get(row, 2)?,
        })
    })
    .await
}

pub(super) async fn setting(connection: &mut Connection, name: &str) -> Result<Option<String>, Trouble> {
    one(connection, q::SETTING, &[&name], |row| get(row, 0)).await
}

/// Everything that is read inside it is of one moment.
async fn moment(connection: &mut Connection) -> Result<Transaction<'_>, Trouble> {
    let moment = connection
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true);
    Ok(moment.start().await?)
}

/// A connection, or a moment of it.
pub(super) trait Reading {
    async fn rows(&self, sql: &str, values: Values<'_>) -> Result<tokio_postgres::RowStream, tokio_postgres::Error>;
}

impl Reading for &mut Connection {
    async fn rows(&self, sql: &str, values: Values<'_>) -> Result<tokio_postgres::RowStream, tokio_postgres::Error> {
        let statement: Statement = self.prepare_cached(&q::numbered(sql)).await?;
        self.query_raw(&statement, values.iter().copied()).await
    }
}

impl Reading for &Transaction<'_> {
    async fn rows(&self, sql: &str, values: Values<'_>) -> Result<tokio_postgres::RowStream, tokio_postgres::Error> {
        let statement: Statement = self.prepare_cached(&q::numbered(sql)).await?;
        self.query_raw(&statement, values.iter().copied()).await
    }
}

async fn fill<T>(
    from: impl Reading,
    sql: &str,
    values: Values<'_>,
    mut record: impl FnMut(&Row) -> Result<T, Trouble>,
    mut records: Vec<T>,
) -> Result<Vec<T>, Trouble> {
    let mut rows = pin!(from.rows(sql, values).await?);
    while let Some(row) = rows.try_next().await? {
        records.push(record(&row)?);
    }
    Ok(records)
}

pub(super) async fn all<T>(
    from: impl Reading,
    sql: &str,
    values: Values<'_>,
    record: impl FnMut(&Row) -> Result<T, Trouble>,
) -> Result<Vec<T>, Trouble> {
    fill(from, sql, values, record, Vec::new()).await
}

pub(super) async fn one<T>(
    from: impl Reading,
    sql: &str,
    values: Values<'_>,
    record: impl FnMut(&Row) -> Result<T, Trouble>,
) -> Result<Option<T>, Trouble> {
    all(from, sql, values, record).await.map(|mut rows| rows.pop())
}

/// All rows of a table that may be large, counted first: a list that grew would leave holes of its size behind.
async fn table<T>(
    moment: &Transaction<'_>,
    count_sql: &str,
    sql: &str,
    record: impl FnMut(&Row) -> Result<T, Trouble>,
) -> Result<Vec<T>, Trouble> {
    let count = one(moment, count_sql, &[], |row| unsigned(row, 0)).await?;
    let count = usize::try_from(count.unwrap_or_default()).unwrap_or_default();
    fill(moment, sql, &[], record, Vec::with_capacity(count)).await
}

fn numbers(user_ids: &[UserId]) -> Vec<i64> {
    user_ids.iter().map(|id| id.as_i64()).collect()
}

/// A page's bound as Postgres stores it.
fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
