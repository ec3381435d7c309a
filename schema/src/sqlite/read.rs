//! Everything that is read, as functions from a connection to records. No threads, no writing.

use crate::ids::{AnnouncementId, AuditId, EventId, IdError, QualificationId, TeamId, TimeMs, UserId, Version};
use crate::queries as q;
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementFilter, AnnouncementRecord, AuditEntry, AuditFilter, AuditedBy,
    CompletedUnit, EnrolmentRecord, EvidenceSums, KeyHash, KeyOutcome, KeyRecord, LearnerHead, LedgerRow, MemberRecord,
    PinRecord, PointPartRecord, PreferenceRecord, ProgressRecord, QualificationRecord, QualificationStanding,
    QuizTimeRecord, ResourceRecord, ResultRecord, RosterRecords, SnapshotRecord, StandingRow, Standings, StandingsOf,
    StoredEvent, StreamId, StreamKind, TeamAwardRecord, TeamRecord, TimeRange, TokenRecord, TokenRole, UnitRecord,
    UserRecord, UserRole,
};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Params, Result, Row, params};
use std::ops::Range;

/// Points by the teams that the award's fact names; what takes back or gives back names the award; parts of
/// adjusted entries count for the teams that the adjustment names. JSON is read in this engine's way, so that the statement is not shared.
const TEAM_STANDINGS: &str = "WITH entries AS (SELECT t.value AS team_id, p.points, p.event_id FROM user_points p \
     JOIN events e ON e.event_id = p.event_id \
     JOIN events award ON award.event_id = COALESCE(json_extract(e.body, '$.of'), e.event_id) \
     JOIN json_each(award.body, '$.teams') t \
     WHERE p.points <> 0 AND p.kind <> 'adjusted' AND p.occurred_at >= ?1 AND p.occurred_at < ?2 \
     UNION ALL SELECT t.value, p.points, NULL FROM point_parts p JOIN events e ON e.event_id = p.event_id \
     JOIN json_each(e.body, '$.teams') t WHERE p.points <> 0 AND p.occurred_at >= ?1 AND p.occurred_at < ?2), \
     sums AS (SELECT team_id, SUM(points) AS points, MAX(event_id) AS event_id FROM entries GROUP BY team_id) \
     SELECT sums.team_id, sums.points, p.occurred_at FROM sums \
     LEFT JOIN user_points p ON p.event_id = sums.event_id";

/// Points that one person gave by hand from a moment on; JSON is read in this engine's way here too.
const MANUAL_POINTS: &str = "SELECT COALESCE(SUM(p.points), 0) FROM user_points p \
     JOIN events e ON e.event_id = p.event_id WHERE p.action_type = 'manual_award' AND p.kind = 'awarded' \
     AND p.occurred_at >= ?1 AND json_extract(e.body, '$.granted_by') = ?2";

pub(super) fn roster(connection: &Connection) -> Result<RosterRecords> {
    // One transaction, so that all lists are of one moment.
    let moment = connection.unchecked_transaction()?;
    let stream = StreamId::ROSTER;
    let last = moment
        .prepare_cached(q::STREAM_HEAD)?
        .query_row(params![stream.kind as u8, stream.id.cast_signed()], |row| {
            Ok((version(row, 0)?, id(row, 1)?))
        })
        .optional()?;
    let records = RosterRecords {
        version: last.map_or(Version::ZERO, |(version, _)| version),
        last_event_id: last.map(|(_, event_id)| event_id),
        users: table(&moment, q::COUNT_USERS, q::USERS, user)?,
        qualifications: all(&moment, q::QUALIFICATIONS, [], |row| {
            Ok(QualificationRecord {
                qualification_id: id(row, 0)?,
                name: row.get(1)?,
                created_at: time(row, 2)?,
                archived_at: time_or_none(row, 3)?,
            })
        })?,
        units: all(&moment, q::UNITS, [], unit)?,
        teams: all(&moment, q::TEAMS, [], |row| {
            Ok(TeamRecord {
                team_id: id(row, 0)?,
                name: row.get(1)?,
                mentor_id: id_or_none(row, 2)?,
                created_at: time(row, 3)?,
                archived_at: time_or_none(row, 4)?,
            })
        })?,
        members: table(&moment, q::COUNT_MEMBERS, q::MEMBERS, |row| {
            Ok(MemberRecord {
                team_id: id(row, 0)?,
                user_id: id(row, 1)?,
                role: row.get(2)?,
                joined_at: time(row, 3)?,
            })
        })?,
        enrolments: table(&moment, q::COUNT_ENROLMENTS, q::ENROLMENTS, |row| {
            Ok(EnrolmentRecord {
                qualification_id: id(row, 0)?,
                user_id: id(row, 1)?,
                enrolled_at: time(row, 2)?,
            })
        })?,
        preferences: all(&moment, q::PREFERENCES, [], |row| {
            Ok(PreferenceRecord {
                user_id: id(row, 0)?,
                on_boards: row.get_ref(1)?.as_str()? == "in",
                own_change_at: time_or_none(row, 2)?,
            })
        })?,
    };
    moment.commit()?;
    Ok(records)
}

fn user(row: &Row<'_>) -> Result<UserRecord> {
    let role: String = row.get(3)?;
    Ok(UserRecord {
        user_id: id(row, 0)?,
        name: row.get(1)?,
        alias: row.get(2)?,
        role: UserRole::parse(&role).ok_or_else(|| damaged(3, "unknown role"))?,
        created_at: time(row, 4)?,
        archived_at: time_or_none(row, 5)?,
        erased_at: time_or_none(row, 6)?,
    })
}

fn unit(row: &Row<'_>) -> Result<UnitRecord> {
    let skills = row.get_ref(3)?.as_str()?;
    Ok(UnitRecord {
        unit_id: id(row, 0)?,
        title: row.get(1)?,
        qualification_id: id_or_none(row, 2)?,
        skills: serde_json::from_str(skills).map_err(|_| damaged(3, "skills are no list of texts"))?,
        created_at: time(row, 4)?,
        archived_at: time_or_none(row, 5)?,
    })
}

pub(super) fn heads(connection: &Connection) -> Result<Vec<LearnerHead>> {
    table(connection, q::COUNT_HEADS, q::HEADS, |row| {
        Ok(LearnerHead {
            user_id: id(row, 0)?,
            version: version(row, 1)?,
            total: unsigned(row, 2)?,
            reached_at: time_or_none(row, 3)?,
        })
    })
}

pub(super) fn tokens(connection: &Connection, now: TimeMs) -> Result<Vec<TokenRecord>> {
    all(connection, q::TOKENS, [now.0], token)
}

pub(super) fn tokens_of(connection: &Connection, user_id: UserId) -> Result<Vec<TokenRecord>> {
    all(connection, q::TOKENS_OF, [user_id.as_i64()], token)
}

fn token(row: &Row<'_>) -> Result<TokenRecord> {
    let role: String = row.get(2)?;
    Ok(TokenRecord {
        token_id: id(row, 0)?,
        hash: row.get(1)?,
        role: TokenRole::parse(&role).ok_or_else(|| damaged(2, "unknown role"))?,
        user_id: id_or_none(row, 3)?,
        label: row.get(4)?,
        created_at: time(row, 5)?,
        expires_at: time_or_none(row, 6)?,
        revoked_at: time_or_none(row, 7)?,
    })
}

pub(super) fn snapshot(connection: &Connection, stream: StreamId) -> Result<Option<SnapshotRecord>> {
    connection
        .prepare_cached(q::SNAPSHOT)?
        .query_row(params![stream.kind as u8, stream.id.cast_signed()], |row| {
            Ok(SnapshotRecord {
                stream,
                version: version(row, 0)?,
                bytes: row.get(1)?,
            })
        })
        .optional()
}

pub(super) fn stream(
    connection: &Connection,
    stream: StreamId,
    after: Version,
    limit: usize,
) -> Result<Vec<StoredEvent>> {
    let page = params![
        stream.kind as u8,
        stream.id.cast_signed(),
        bounded(after.0),
        bounded(limit as u64)
    ];
    all(connection, q::STREAM_PAGE, page, stored_event)
}

pub(super) fn stream_back(
    connection: &Connection,
    stream: StreamId,
    before: Option<Version>,
    types: &'static [&'static str],
    limit: usize,
) -> Result<Vec<StoredEvent>> {
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let before = before.map_or(i64::MAX, |version| bounded(version.0));
    let numbers = [
        i64::from(stream.kind as u8),
        stream.id.cast_signed(),
        before,
        bounded(limit as u64),
    ];
    let mut statement = connection.prepare_cached(&q::stream_page_back(types.len()))?;
    for (index, number) in numbers.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, number)?;
    }
    for (index, event_type) in types.iter().enumerate() {
        statement.raw_bind_parameter(index + 1 + numbers.len(), event_type)?;
    }
    let mut rows = statement.raw_query();
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(stored_event(row)?);
    }
    Ok(events)
}

pub(super) fn event(connection: &Connection, event_id: EventId) -> Result<Option<StoredEvent>> {
    connection
        .prepare_cached(q::EVENT)?
        .query_row([event_id.as_i64()], stored_event)
        .optional()
}

pub(super) fn journal(connection: &Connection, after: Option<EventId>, limit: usize) -> Result<Vec<StoredEvent>> {
    let after = after.map_or(0, EventId::as_i64);
    all(
        connection,
        q::JOURNAL_PAGE,
        [after, bounded(limit as u64)],
        stored_event,
    )
}

fn stored_event(row: &Row<'_>) -> Result<StoredEvent> {
    let kind = StreamKind::from_number(row.get(1)?).ok_or_else(|| damaged(1, "unknown kind of stream"))?;
    Ok(StoredEvent {
        event_id: id(row, 0)?,
        stream: StreamId {
            kind,
            id: unsigned(row, 2)?,
        },
        version: version(row, 3)?,
        event_type: row.get(4)?,
        occurred_at: time(row, 5)?,
        recorded_at: time(row, 6)?,
        body: row.get(7)?,
        note: row.get(8)?,
    })
}

pub(super) fn manual_points(connection: &Connection, granted_by: UserId, since: TimeMs) -> Result<u64> {
    connection
        .prepare_cached(MANUAL_POINTS)?
        .query_row([since.0, granted_by.as_i64()], |row| unsigned(row, 0))
}

pub(super) fn qualification_standings(
    connection: &Connection,
    qualification_id: QualificationId,
) -> Result<Vec<QualificationStanding>> {
    all(
        connection,
        q::QUALIFICATION_STANDINGS,
        [qualification_id.as_i64()],
        |row| {
            Ok(QualificationStanding {
                user_id: id(row, 0)?,
                points: unsigned(row, 1)?,
                reached_at: time(row, 2)?,
                event_id: id(row, 3)?,
            })
        },
    )
}

pub(super) fn point_parts(connection: &Connection, event_id: EventId) -> Result<Vec<PointPartRecord>> {
    all(connection, q::POINT_PARTS, [event_id.as_i64()], |row| {
        let qualification: Option<i64> = row.get(1)?;
        Ok(PointPartRecord {
            occurred_at: time(row, 0)?,
            qualification_id: qualification.map(|_| id(row, 1)).transpose()?,
            points: row.get(2)?,
        })
    })
}

/// Sums and place are of one moment.
pub(super) fn standings(connection: &Connection, of: StandingsOf, range: TimeRange) -> Result<Standings> {
    let moment = connection.unchecked_transaction()?;
    let standing = |row: &Row<'_>| {
        Ok(StandingRow {
            id: unsigned(row, 0)?,
            points: row.get(1)?,
            reached_at: time_or_none(row, 2)?,
        })
    };
    let (from, to) = (range.from.0, range.to.0);
    let rows = match of {
        StandingsOf::Learners => all(&moment, q::STANDINGS, [from, to], standing)?,
        StandingsOf::LearnersIn(inside) => all(&moment, q::STANDINGS_IN, [from, to, inside.as_i64()], standing)?,
        StandingsOf::Teams => all(&moment, TEAM_STANDINGS, [from, to], standing)?,
    };
    let last_event_id = moment
        .prepare_cached(q::LAST_EVENT_ID)?
        .query_row([], |row| id(row, 0))
        .optional()?;
    moment.commit()?;
    Ok(Standings { rows, last_event_id })
}

pub(super) fn completed_units(connection: &Connection, user_ids: &[UserId]) -> Result<Vec<CompletedUnit>> {
    let moment = connection.unchecked_transaction()?;
    let mut units = Vec::new();
    {
        let mut statement = moment.prepare_cached(q::COMPLETED_UNITS)?;
        for user_id in user_ids {
            let mut rows = statement.query([user_id.as_i64()])?;
            while let Some(row) = rows.next()? {
                units.push(CompletedUnit {
                    user_id: id(row, 0)?,
                    unit_id: id(row, 1)?,
                    completed_at: time(row, 2)?,
                });
            }
        }
    }
    moment.commit()?;
    Ok(units)
}

pub(super) fn evidence_sums(connection: &Connection) -> Result<EvidenceSums> {
    let moment = connection.unchecked_transaction()?;
    let sums = EvidenceSums {
        resources: resources(&moment)?,
        quiz_times: quiz_times(&moment)?,
        last_event_id: moment
            .prepare_cached(q::LAST_EVENT)?
            .query_row([], |row| row.get::<_, Option<i64>>(0))?
            .and_then(|last| EventId::new(last.unsigned_abs()).ok()),
    };
    moment.commit()?;
    Ok(sums)
}

pub(super) fn resources(connection: &Connection) -> Result<Vec<ResourceRecord>> {
    all(connection, q::RESOURCES, [], |row| {
        Ok(ResourceRecord {
            contributor_id: id(row, 0)?,
            reference_id: id(row, 1)?,
            contributed: row.get(2)?,
            uses: row.get(3)?,
            ratings: row.get(4)?,
            rating_sum: row.get(5)?,
        })
    })
}

pub(super) fn quiz_times(connection: &Connection) -> Result<Vec<QuizTimeRecord>> {
    all(connection, q::QUIZ_TIMES, [], |row| {
        Ok(QuizTimeRecord {
            reference_id: id(row, 0)?,
            bucket_ms: unsigned(row, 1)?,
            n: row.get(2)?,
        })
    })
}

pub(super) fn results(connection: &Connection, user_ids: &[UserId]) -> Result<Vec<ResultRecord>> {
    let moment = connection.unchecked_transaction()?;
    let mut results = Vec::new();
    for user_id in user_ids {
        results.extend(results_of(&moment, *user_id)?);
    }
    moment.commit()?;
    Ok(results)
}

pub(super) fn results_of(connection: &Connection, user_id: UserId) -> Result<Vec<ResultRecord>> {
    all(connection, q::RESULTS, [user_id.as_i64()], |row| {
        Ok(ResultRecord {
            user_id: id(row, 0)?,
            reference_id: id(row, 1)?,
            unit_id: id(row, 2)?,
            score: row.get(3)?,
            occurred_at: time(row, 4)?,
        })
    })
}

pub(super) fn progress_rows(connection: &Connection, user_id: UserId) -> Result<Vec<ProgressRecord>> {
    all(connection, q::PROGRESS_ROWS, [user_id.as_i64()], |row| {
        Ok(ProgressRecord {
            user_id: id(row, 0)?,
            unit_id: id(row, 1)?,
            progress_percentage: row.get(2)?,
            last_accessed: time(row, 3)?,
            completed_at: time_or_none(row, 4)?,
        })
    })
}

pub(super) fn achievement_rows(connection: &Connection, user_id: UserId) -> Result<Vec<AchievementRecord>> {
    all(connection, q::ACHIEVEMENT_ROWS, [user_id.as_i64()], |row| {
        Ok(AchievementRecord {
            user_id: id(row, 0)?,
            achievement_type: row.get(1)?,
            tier: row.get(2)?,
            earned_at: time(row, 3)?,
            achievement_data: row.get(4)?,
        })
    })
}

pub(super) fn unsettled_team_awards(connection: &Connection) -> Result<Vec<TeamAwardRecord>> {
    all(connection, q::UNSETTLED_TEAM_AWARDS, [], |row| {
        Ok(TeamAwardRecord {
            team_id: id(row, 0)?,
            version: version(row, 1)?,
            reference_id: id(row, 2)?,
        })
    })
}

pub(super) fn activity_head(connection: &Connection) -> Result<Option<EventId>> {
    connection
        .prepare_cached(q::ACTIVITY_HEAD)?
        .query_row([], |row| id(row, 0))
        .optional()
}

pub(super) fn activity_blocks(
    connection: &Connection,
    range: &Range<TimeMs>,
    after: Option<EventId>,
    limit: usize,
) -> Result<Vec<ActivityBlock>> {
    let after = after.map_or(0, EventId::as_i64);
    let page = params![range.start.0, range.end.0, after, bounded(limit as u64)];
    all(connection, q::ACTIVITY_PAGE, page, |row| {
        Ok(ActivityBlock {
            last_event_id: id(row, 0)?,
            from_at: time(row, 1)?,
            to_at: time(row, 2)?,
            facts: row.get(3)?,
            bytes: row.get(4)?,
        })
    })
}

pub(super) fn key(connection: &Connection, hash: KeyHash) -> Result<Option<KeyRecord>> {
    let record = |row: &Row<'_>| {
        let outcome = match row.get::<_, Option<i64>>(3)? {
            None => KeyOutcome::Body(row.get(8)?),
            Some(kind) => KeyOutcome::Event {
                stream: StreamId {
                    kind: StreamKind::from_number(kind).ok_or_else(|| damaged(3, "unknown kind of stream"))?,
                    id: unsigned(row, 4)?,
                },
                version: version(row, 5)?,
                total: unsigned(row, 6)?,
                level: row.get(7)?,
            },
        };
        Ok(KeyRecord {
            hash,
            fingerprint: row.get(0)?,
            created_at: time(row, 1)?,
            about: id_or_none(row, 9)?,
            status: row.get(2)?,
            outcome,
        })
    };
    connection
        .prepare_cached(q::KEY)?
        .query_row([hash.0.as_slice()], record)
        .optional()
}

pub(super) fn announcements(
    connection: &Connection,
    filter: &AnnouncementFilter,
    limit: usize,
) -> Result<Vec<AnnouncementRecord>> {
    let page = params![
        filter.before.map_or(i64::MAX, AnnouncementId::as_i64),
        filter.team_id.map(TeamId::as_i64),
        filter.user_id.map(UserId::as_i64),
        bounded(limit as u64),
    ];
    all(connection, q::ANNOUNCEMENTS_PAGE, page, |row| {
        Ok(AnnouncementRecord {
            announcement_id: id(row, 0)?,
            team_id: id_or_none(row, 1)?,
            user_id: id_or_none(row, 2)?,
            text: row.get(3)?,
            at: time(row, 4)?,
        })
    })
}

pub(super) fn last_announcement(connection: &Connection) -> Result<Option<AnnouncementId>> {
    connection
        .prepare_cached(q::LAST_ANNOUNCEMENT)?
        .query_row([], |row| id_or_none(row, 0))
}

pub(super) fn audit(connection: &Connection, filter: &AuditFilter, limit: usize) -> Result<Vec<AuditEntry>> {
    let page = params![
        filter.before.map_or(i64::MAX, AuditId::as_i64),
        filter.act,
        filter.since.map(|since| since.0),
        filter.person.map(UserId::as_i64),
        bounded(limit as u64),
    ];
    all(connection, q::AUDIT_PAGE, page, |row| {
        let role = row.get::<_, Option<String>>(3)?;
        let kind = row.get::<_, Option<String>>(6)?;
        Ok(AuditEntry {
            audit_id: id(row, 0)?,
            at: time(row, 1)?,
            by: AuditedBy {
                token_id: id_or_none(row, 2)?,
                role: role.as_deref().and_then(TokenRole::parse),
                user_id: id_or_none(row, 4)?,
            },
            act: row.get(5)?,
            subject: kind.map(|kind| Ok::<_, Error>((kind, unsigned(row, 7)?))).transpose()?,
            detail: row.get(8)?,
        })
    })
}

pub(super) fn ledger(connection: &Connection, after: Option<EventId>, limit: usize) -> Result<Vec<LedgerRow>> {
    let after = after.map_or(0, EventId::as_i64);
    all(
        connection,
        q::LEDGER_PAGE,
        params![after, bounded(limit as u64)],
        |row| {
            Ok(LedgerRow {
                event_id: id(row, 0)?,
                user_id: id(row, 1)?,
                kind: row.get(2)?,
                action_type: row.get(3)?,
                points: row.get(4)?,
                reference_id: id(row, 5)?,
                unit_id: id_or_none(row, 6)?,
                qualification_id: id_or_none(row, 7)?,
                total: unsigned(row, 8)?,
                reason: row.get(9)?,
                occurred_at: time(row, 10)?,
            })
        },
    )
}

pub(super) fn pin(connection: &Connection, user_id: UserId) -> Result<Option<PinRecord>> {
    connection
        .prepare_cached(q::PIN)?
        .query_row([user_id.as_i64()], |row| {
            Ok(PinRecord {
                user_id: id(row, 0)?,
                hash: row.get(1)?,
                set_at: time(row, 2)?,
            })
        })
        .optional()
}

pub(super) fn setting(connection: &Connection, name: &str) -> Result<Option<String>> {
    connection
        .prepare_cached(q::SETTING)?
        .query_row([name], |row| row.get(0))
        .optional()
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    record: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, record)?.collect()
}

/// All rows of a table that may be large, counted first: a list that grew would leave holes of its size behind.
fn table<T>(
    connection: &Connection,
    count_sql: &str,
    sql: &str,
    mut record: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count: i64 = connection.prepare_cached(count_sql)?.query_row([], |row| row.get(0))?;
    let mut records = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        records.push(record(row)?);
    }
    Ok(records)
}

fn damaged(column: usize, cause: &'static str) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, cause.into())
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

fn version(row: &Row<'_>, column: usize) -> Result<Version> {
    unsigned(row, column).map(Version)
}

fn time(row: &Row<'_>, column: usize) -> Result<TimeMs> {
    row.get(column).map(TimeMs)
}

fn time_or_none(row: &Row<'_>, column: usize) -> Result<Option<TimeMs>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(TimeMs))
}

fn id<T: TryFrom<u64, Error = IdError>>(row: &Row<'_>, column: usize) -> Result<T> {
    let number = unsigned(row, column)?;
    T::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number.cast_signed()))
}

fn id_or_none<T: TryFrom<u64, Error = IdError>>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => id(row, column).map(Some),
    }
}

/// A page's bound as SQLite stores it.
fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
