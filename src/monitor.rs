//! The node watches itself: what is not ready and why, as a metric, in the log when it changes, and to systemd.

use crate::app::App;
use homeroom_actors::EngineError;
use homeroom_actors::engine::PartDown;
use homeroom_schema::limits::{DISK_NEEDED_BYTES, READY_LOOK_EVERY};
use sd_notify::NotifyState;
use std::convert::Infallible;

/// The parts that cannot do their work now; none means ready. A writer that fails on a full disk is the disk's affair.
pub(crate) async fn parts_down(app: &App) -> Vec<PartDown> {
    if app.is_stopping() {
        let (reason, error) = ("the node is stopping", EngineError::Stopping);
        return vec![PartDown {
            part: "engine",
            reason,
            error,
        }];
    }
    let mut down = app.engine().parts_down().await;
    let writer = down.iter_mut().find(|down| down.part == "writer");
    if let Some(writer) = writer
        && free_bytes(app).is_some_and(|free| free < DISK_NEEDED_BYTES)
    {
        writer.part = "disk";
        writer.reason = "the disk is full: writes go on by themselves when there is room";
    }
    down
}

/// Looks every [`READY_LOOK_EVERY`]. Never returns.
pub(crate) async fn watch(app: App) -> Infallible {
    let mut before: Vec<&str> = Vec::new();
    loop {
        let down = parts_down(&app).await;
        metrics::gauge!("homeroom_ready").set(if down.is_empty() { 1.0 } else { 0.0 });
        let parts: Vec<&str> = down.iter().map(|down| down.part).collect();
        if parts != before {
            for PartDown { part, reason, .. } in &down {
                tracing::warn!(part, "not ready: {reason}");
            }
            if down.is_empty() {
                tracing::info!("ready again");
            }
        }
        // A full disk is no reason to be started anew; an engine that does not answer is.
        if !parts.contains(&"engine") {
            tell_systemd(NotifyState::Watchdog);
        }
        before = parts;
        tokio::time::sleep(READY_LOOK_EVERY).await;
    }
}

/// Tells the system's supervisor, if it asked to be told.
pub(crate) fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(false, &[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

fn free_bytes(app: &App) -> Option<u64> {
    let disk = rustix::fs::statvfs(&app.config().data).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
