//! Replaces old facts of learners by one fact each. On a directory that no node is running on; each batch is one transaction,
//! so that it can be cut short anywhere and begun again.

use super::commit;
use crate::ids::TimeMs;
use crate::queries as q;
use crate::records::{CarriedHistory, LedgerRow};
use rusqlite::{Connection, params};

/// Replaces the beginnings of these streams.
pub(super) fn carry(connection: &Connection, histories: &[CarriedHistory]) -> rusqlite::Result<()> {
    for history in histories {
        let (user_id, version) = (history.user_id.as_i64(), commit::sql(history.version.0));
        let prefix = params![user_id, version];
        connection.prepare_cached(q::PURGE_NOTES)?.execute(prefix)?;
        connection.prepare_cached(q::PURGE_POINTS)?.execute(prefix)?;
        connection.prepare_cached(q::PURGE_PARTS)?.execute(prefix)?;
        for event_id in &history.replaced {
            connection
                .prepare_cached(q::DELETE_POINTS)?
                .execute([event_id.as_i64()])?;
        }
        connection.prepare_cached(q::PURGE_EVENTS)?.execute(prefix)?;
        connection.prepare_cached(q::PURGE_SNAPSHOT)?.execute(prefix)?;
        connection.prepare_cached(q::CARRY_STATE)?.execute(params![
            user_id,
            version,
            history.event_type,
            history.body
        ])?;
        for row in &history.rows {
            keep_row(connection, row)?;
        }
    }
    Ok(())
}

fn keep_row(connection: &Connection, row: &LedgerRow) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(q::INSERT_POINTS)?;
    insert.execute(params![
        row.event_id.as_i64(),
        row.user_id.as_i64(),
        row.kind,
        row.action_type,
        row.points,
        row.reference_id.as_i64(),
        row.unit_id.map(|id| id.as_i64()),
        row.qualification_id.map(|id| id.as_i64()),
        commit::sql(row.total),
        row.reason,
        row.occurred_at.0,
    ])?;
    Ok(())
}

/// Forgets the packed facts, which are packed again from what is left, and answers that rest on what was purged.
pub(super) fn forget(connection: &Connection, keys_before: TimeMs) -> rusqlite::Result<()> {
    connection.execute(q::CLEAR_ACTIVITY, [])?;
    connection.execute(q::PURGE_KEYS, params![keys_before.0, i64::MAX])?;
    Ok(())
}
