//! Makes backups by itself: looks every so often whether one is due, and tries again later when one failed.

use super::{BackupError, seconds};
use crate::app::App;
use crate::audit;
use homeroom_schema::TimeMs;
use homeroom_schema::limits::{BACKUP_LOOK_EVERY, BACKUP_RETRY_AFTER};
use homeroom_schema::records::AuditedBy;
use serde_json::json;

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// A newest backup further ahead than this was made by a clock that was wrong.
const AHEAD_MS: i64 = 5 * 60 * 1_000;

/// Goes on for as long as the node runs. Each look is a task of its own: one that fails in any way is told, and the next
/// one comes all the same.
pub(crate) async fn keep_making(app: App) {
    let every_ms = app.config().backup_every_h as i64 * HOUR_MS;
    // A database server has backups of its own.
    if every_ms == 0 || app.backups().are_elsewhere() {
        return;
    }
    loop {
        let look = tokio::spawn(look(app.clone(), every_ms));
        let is_well = match look.await {
            Ok(Ok(())) | Ok(Err(BackupError::UnderWay)) => true,
            // Told where it happened.
            Ok(Err(_)) => false,
            Err(cause) => {
                tracing::error!(%cause, "looking after the backups failed");
                false
            }
        };
        let pause = if is_well { BACKUP_LOOK_EVERY } else { BACKUP_RETRY_AFTER };
        tokio::time::sleep(pause).await;
    }
}

async fn look(app: App, every_ms: i64) -> Result<(), BackupError> {
    let now = app.clock().now();
    let newest = app.backups().names()?.first().map(super::Name::made_at);
    if let Some(newest) = newest {
        metrics::gauge!("homeroom_backup_made_timestamp_seconds").set(seconds(newest));
        metrics::gauge!("homeroom_backup_age_seconds").set((now.0 - newest.0) as f64 / 1_000.0);
    }
    // Where nothing was ever kept there is nothing to copy.
    let since = match newest {
        Some(newest) => Some(newest),
        None => app.engine().began_at().await?,
    };
    if since.is_some_and(|since| is_due(since, now, every_ms)) {
        let backup = app.backups().make(app.engine(), now).await?;
        let detail = json!({"name": backup.name});
        if let Err(problem) = audit::keep(&app, AuditedBy::default(), "backup_made", None, &detail).await {
            tracing::warn!(code = problem.code, "a backup could not be noted in the audit log");
        }
        metrics::gauge!("homeroom_backup_age_seconds").set(0.0);
    }
    Ok(())
}

fn is_due(since: TimeMs, now: TimeMs, every_ms: i64) -> bool {
    let age_ms = now.0 - since.0;
    age_ms >= every_ms || age_ms < -AHEAD_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_due_after_its_time_and_when_the_clock_was_wrong() {
        let now = TimeMs(100 * HOUR_MS);
        for (since, due) in [
            (now, false),
            (TimeMs(76 * HOUR_MS + 1), false),
            (TimeMs(76 * HOUR_MS), true),
            (TimeMs(0), true),
            (now.plus_ms(AHEAD_MS), false),
            (now.plus_ms(AHEAD_MS + 1), true),
        ] {
            assert_eq!(is_due(since, now, 24 * HOUR_MS), due, "{since:?}");
        }
    }
}
