//! Writes the rows of the tables that belong to an append. Which rows, is the caller's decision.

use super::commit::sql;
use crate::ids::{TimeMs, UserId};
use crate::limits::ANNOUNCEMENTS_KEPT;
use crate::queries as q;
use crate::records::{AnnouncementRecord, AuditRecord, PointsRecord, Row, TokenRecord, TokenRole, UnitRecord};
use rusqlite::{CachedStatement, Connection, Params, params};

/// The statements of the hot rows, looked up once a batch; the others are looked up when needed.
pub(super) struct Rows<'c> {
    connection: &'c Connection,
    points: CachedStatement<'c>,
    progress: CachedStatement<'c>,
}

impl<'c> Rows<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            points: connection.prepare_cached(q::INSERT_POINTS)?,
            progress: connection.prepare_cached(q::UPSERT_PROGRESS)?,
        })
    }

    /// Writes one row; `first_event_id` is the id of the append's first event.
    pub(super) fn write(&mut self, row: &Row, first_event_id: i64) -> rusqlite::Result<()> {
        match row {
            Row::Points { event_index, points } => self.write_points(first_event_id + *event_index as i64, points),
            Row::Progress(row) => self
                .progress
                .execute(params![
                    row.user_id.as_i64(),
                    row.unit_id.as_i64(),
                    row.progress_percentage,
                    row.last_accessed.0,
                    row.completed_at.map(|at| at.0),
                ])
                .map(drop),
            Row::Achievement(row) => self.run(
                q::UPSERT_ACHIEVEMENT,
                params![
                    row.user_id.as_i64(),
                    row.achievement_type,
                    row.tier,
                    row.earned_at.0,
                    row.achievement_data
                ],
            ),
            Row::AchievementRevoked {
                user_id,
                achievement_type,
                tier,
            } => self.run(q::DELETE_ACHIEVEMENT, params![user_id.as_i64(), achievement_type, tier]),
            Row::Resource(row) => self.run(
                q::ADD_RESOURCE,
                params![
                    row.contributor_id.as_i64(),
                    row.reference_id.as_i64(),
                    row.contributed,
                    row.uses,
                    row.ratings,
                    row.rating_sum,
                ],
            ),
            Row::QuizTime(row) => self.run(
                q::ADD_QUIZ_TIME,
                params![row.reference_id.as_i64(), sql(row.bucket_ms), row.n],
            ),
            Row::Result(row) => self.run(
                q::UPSERT_RESULT,
                params![
                    row.user_id.as_i64(),
                    row.reference_id.as_i64(),
                    row.unit_id.as_i64(),
                    row.score,
                    row.occurred_at.0,
                ],
            ),
            Row::ResultRemoved { user_id, reference_id } => {
                self.run(q::DELETE_RESULT, params![user_id.as_i64(), reference_id.as_i64()])
            }
            Row::PointPart {
                event_index,
                part,
                record,
            } => self.run(
                q::INSERT_POINT_PART,
                params![
                    first_event_id + *event_index as i64,
                    *part as i64,
                    record.occurred_at.0,
                    record.qualification_id.map(|id| id.as_i64()),
                    record.points,
                ],
            ),
            Row::TeamAward(row) => self.run(
                q::UPSERT_TEAM_AWARD,
                params![row.team_id.as_i64(), sql(row.version.0), row.reference_id.as_i64()],
            ),
            Row::TeamAwardSettled { team_id, version } => {
                self.run(q::SETTLE_TEAM_AWARD, params![team_id.as_i64(), sql(version.0)])
            }
            Row::Setting { name, value } => self.run(q::UPSERT_SETTING, params![name, value]),
            Row::Token(token) => self.write_token(token),
            Row::Pin(row) => self.run(q::UPSERT_PIN, params![row.user_id.as_i64(), row.hash, row.set_at.0]),
            Row::Erased { user_id, erased_at } => self.erase(*user_id, *erased_at),
            Row::Audit(record) => self.write_audit(record),
            Row::Announcement(record) => self.write_announcement(record),
            Row::AnnouncementRemoved { announcement_id } => {
                self.run(q::CLEAR_ANNOUNCEMENT, params![announcement_id.as_i64()])
            }
            _ => self.write_roster(row),
        }
    }

    fn write_roster(&self, row: &Row) -> rusqlite::Result<()> {
        match row {
            Row::User(row) => self.run(
                q::UPSERT_USER,
                params![
                    row.user_id.as_i64(),
                    row.name,
                    row.alias,
                    row.role.as_str(),
                    row.created_at.0,
                    row.archived_at.map(|at| at.0),
                ],
            ),
            Row::Qualification(row) => self.run(
                q::UPSERT_QUALIFICATION,
                params![
                    row.qualification_id.as_i64(),
                    row.name,
                    row.created_at.0,
                    row.archived_at.map(|at| at.0)
                ],
            ),
            Row::Unit(unit) => self.write_unit(unit),
            Row::Team(row) => self.run(
                q::UPSERT_TEAM,
                params![
                    row.team_id.as_i64(),
                    row.name,
                    row.mentor_id.map(|id| id.as_i64()),
                    row.created_at.0,
                    row.archived_at.map(|at| at.0),
                ],
            ),
            Row::Member(row) => self.run(
                q::UPSERT_MEMBER,
                params![row.team_id.as_i64(), row.user_id.as_i64(), row.role, row.joined_at.0],
            ),
            Row::MemberRemoved { team_id, user_id } => {
                self.run(q::DELETE_MEMBER, params![team_id.as_i64(), user_id.as_i64()])
            }
            Row::Enrolment(row) => self.run(
                q::UPSERT_ENROLMENT,
                params![row.qualification_id.as_i64(), row.user_id.as_i64(), row.enrolled_at.0],
            ),
            Row::Preference(row) => self.run(
                q::UPSERT_PREFERENCE,
                params![
                    row.user_id.as_i64(),
                    if row.on_boards { "in" } else { "out" },
                    row.own_change_at.map(|at| at.0)
                ],
            ),
            Row::EnrolmentRemoved {
                qualification_id,
                user_id,
            } => self.run(
                q::DELETE_ENROLMENT,
                params![qualification_id.as_i64(), user_id.as_i64()],
            ),
            Row::Progress(_)
            | Row::Achievement(_)
            | Row::AchievementRevoked { .. }
            | Row::Resource(_)
            | Row::QuizTime(_)
            | Row::Result(_)
            | Row::ResultRemoved { .. }
            | Row::Points { .. }
            | Row::PointPart { .. }
            | Row::TeamAward(_)
            | Row::TeamAwardSettled { .. }
            | Row::Token(_)
            | Row::Pin(_)
            | Row::Erased { .. }
            | Row::Announcement(_)
            | Row::AnnouncementRemoved { .. }
            | Row::Audit(_)
            | Row::Setting { .. } => unreachable!("written by `write`"),
        }
    }

    fn write_points(&mut self, event_id: i64, row: &PointsRecord) -> rusqlite::Result<()> {
        self.points
            .execute(params![
                event_id,
                row.user_id.as_i64(),
                row.kind,
                row.action_type,
                row.points,
                row.reference_id.as_i64(),
                row.unit_id.map(|id| id.as_i64()),
                row.qualification_id.map(|id| id.as_i64()),
                sql(row.total),
                row.reason,
                row.occurred_at.0,
            ])
            .map(drop)
    }

    fn write_unit(&self, row: &UnitRecord) -> rusqlite::Result<()> {
        let skills = serde_json::to_string(&row.skills)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.run(
            q::UPSERT_UNIT,
            params![
                row.unit_id.as_i64(),
                row.title,
                row.qualification_id.map(|id| id.as_i64()),
                skills,
                row.created_at.0,
                row.archived_at.map(|at| at.0),
            ],
        )
    }

    fn write_token(&self, row: &TokenRecord) -> rusqlite::Result<()> {
        self.run(
            q::UPSERT_TOKEN,
            params![
                row.token_id.as_i64(),
                row.hash.as_slice(),
                row.role.as_str(),
                row.user_id.map(|id| id.as_i64()),
                row.label,
                row.created_at.0,
                row.expires_at.map(|at| at.0),
                row.revoked_at.map(|at| at.0),
            ],
        )
    }

    fn erase(&self, user_id: UserId, erased_at: TimeMs) -> rusqlite::Result<()> {
        self.run(q::ERASE_USER, params![user_id.as_i64(), erased_at.0])?;
        for statement in q::ERASE_LINKS {
            self.run(statement, params![user_id.as_i64()])?;
        }
        Ok(())
    }

    fn write_announcement(&self, row: &AnnouncementRecord) -> rusqlite::Result<()> {
        let announcement_id = row.announcement_id.as_i64();
        self.run(
            q::INSERT_ANNOUNCEMENT,
            params![
                announcement_id,
                row.team_id.map(|id| id.as_i64()),
                row.user_id.map(|id| id.as_i64()),
                row.text,
                row.at.0,
            ],
        )?;
        let last_gone = announcement_id - ANNOUNCEMENTS_KEPT as i64;
        self.run(q::PURGE_ANNOUNCEMENTS, params![last_gone])
    }

    fn write_audit(&self, row: &AuditRecord) -> rusqlite::Result<()> {
        self.run(
            q::INSERT_AUDIT,
            params![
                row.at.0,
                row.by.token_id.map(|id| id.as_i64()),
                row.by.role.map(TokenRole::as_str),
                row.by.user_id.map(|id| id.as_i64()),
                row.act,
                row.subject.map(|subject| subject.kind),
                row.subject.map(|subject| sql(subject.id)),
                row.detail,
            ],
        )
    }

    fn run(&self, statement: &'static str, params: impl Params) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute(params).map(drop)
    }
}
