//! Rows that are a statement of their own: the roster, tokens, erasures, the audit log, announcements and settings.

use super::bulk::{Statement, statement, values};
use super::types::{Json, sql};
use crate::ids::{TimeMs, UserId};
use crate::limits::ANNOUNCEMENTS_KEPT;
use crate::queries as q;
use crate::records::{AuditRecord, Row, TokenRole};

/// Adds to the audit log under the next number. Batches come one after the other, so that no two find the same.
const INSERT_AUDIT: &str = "INSERT INTO audit (audit_id, at, token_id, role, user_id, act, subject_kind, subject_id, detail) \
     SELECT COALESCE(MAX(audit_id), 0) + 1, CAST(?1 AS timestamptz), CAST(?2 AS bigint), CAST(?3 AS varchar), \
     CAST(?4 AS bigint), CAST(?5 AS varchar), CAST(?6 AS varchar), CAST(?7 AS bigint), CAST(?8 AS jsonb) FROM audit";

/// Adds the statements of a row.
pub(super) fn statements<'a>(row: &'a Row, out: &mut Vec<Statement<'a>>) {
    let (sql_text, values) = match row {
        Row::User(row) => (
            q::UPSERT_USER,
            values![
                row.user_id.as_i64(),
                &*row.name,
                row.alias.as_deref(),
                row.role.as_str(),
                row.created_at,
                row.archived_at
            ],
        ),
        Row::Qualification(row) => (
            q::UPSERT_QUALIFICATION,
            values![
                row.qualification_id.as_i64(),
                &*row.name,
                row.created_at,
                row.archived_at
            ],
        ),
        Row::Unit(row) => (
            q::UPSERT_UNIT,
            values![
                row.unit_id.as_i64(),
                &*row.title,
                row.qualification_id.map(|id| id.as_i64()),
                tokio_postgres::types::Json(&row.skills),
                row.created_at,
                row.archived_at
            ],
        ),
        Row::Team(row) => (
            q::UPSERT_TEAM,
            values![
                row.team_id.as_i64(),
                &*row.name,
                row.mentor_id.map(|id| id.as_i64()),
                row.created_at,
                row.archived_at
            ],
        ),
        Row::Member(row) => (
            q::UPSERT_MEMBER,
            values![
                row.team_id.as_i64(),
                row.user_id.as_i64(),
                row.role.as_deref(),
                row.joined_at
            ],
        ),
        Row::MemberRemoved { team_id, user_id } => (q::DELETE_MEMBER, values![team_id.as_i64(), user_id.as_i64()]),
        Row::Enrolment(row) => (
            q::UPSERT_ENROLMENT,
            values![row.qualification_id.as_i64(), row.user_id.as_i64(), row.enrolled_at],
        ),
        Row::EnrolmentRemoved {
            qualification_id,
            user_id,
        } => (
            q::DELETE_ENROLMENT,
            values![qualification_id.as_i64(), user_id.as_i64()],
        ),
        Row::Preference(row) => (
            q::UPSERT_PREFERENCE,
            values![
                row.user_id.as_i64(),
                if row.on_boards { "in" } else { "out" },
                row.own_change_at
            ],
        ),
        Row::TeamAward(row) => (
            q::UPSERT_TEAM_AWARD,
            values![row.team_id.as_i64(), sql(row.version.0), row.reference_id.as_i64()],
        ),
        Row::TeamAwardSettled { team_id, version } => (q::SETTLE_TEAM_AWARD, values![team_id.as_i64(), sql(version.0)]),
        Row::Token(row) => (
            q::UPSERT_TOKEN,
            values![
                row.token_id.as_i64(),
                row.hash.as_slice(),
                row.role.as_str(),
                row.user_id.map(|id| id.as_i64()),
                row.label.as_deref(),
                row.created_at,
                row.expires_at,
                row.revoked_at
            ],
        ),
        Row::Pin(row) => (q::UPSERT_PIN, values![row.user_id.as_i64(), &*row.hash, row.set_at]),
        Row::Erased { user_id, erased_at } => return erase(*user_id, *erased_at, out),
        Row::Audit(row) => return audit(row, out),
        Row::Announcement(row) => {
            let announcement_id = row.announcement_id.as_i64();
            out.push(statement(
                q::INSERT_ANNOUNCEMENT,
                values![
                    announcement_id,
                    row.team_id.map(|id| id.as_i64()),
                    row.user_id.map(|id| id.as_i64()),
                    &*row.text,
                    row.at
                ],
            ));
            (
                q::PURGE_ANNOUNCEMENTS,
                values![announcement_id - ANNOUNCEMENTS_KEPT as i64],
            )
        }
        Row::AnnouncementRemoved { announcement_id } => (q::CLEAR_ANNOUNCEMENT, values![announcement_id.as_i64()]),
        Row::Setting { name, value } => (q::UPSERT_SETTING, values![&**name, &**value]),
        Row::Progress(_)
        | Row::Achievement(_)
        | Row::AchievementRevoked { .. }
        | Row::Resource(_)
        | Row::QuizTime(_)
        | Row::Result(_)
        | Row::ResultRemoved { .. }
        | Row::Points { .. }
        | Row::PointPart { .. } => unreachable!("gathered by `bulk`"),
    };
    out.push(statement(sql_text, values));
}

fn erase<'a>(user_id: UserId, erased_at: TimeMs, out: &mut Vec<Statement<'a>>) {
    out.push(statement(q::ERASE_USER, values![user_id.as_i64(), erased_at]));
    out.extend(q::ERASE_LINKS.map(|link| statement(link, values![user_id.as_i64()])));
}

fn audit<'a>(row: &'a AuditRecord, out: &mut Vec<Statement<'a>>) {
    let values = values![
        row.at,
        row.by.token_id.map(|id| id.as_i64()),
        row.by.role.map(TokenRole::as_str),
        row.by.user_id.map(|id| id.as_i64()),
        row.act,
        row.subject.map(|subject| subject.kind),
        row.subject.map(|subject| sql(subject.id)),
        Json(&row.detail),
    ];
    out.push(statement(INSERT_AUDIT, values));
}
