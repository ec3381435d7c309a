//! The database as a look from outside finds it: its version, its log, its last event against the clock.

use super::{Check, bytes};
use crate::config::Durability;
use homeroom_schema::limits::WAL_RESTART_BYTES;
use homeroom_schema::sqlite::{self, Inspection};
use homeroom_schema::{StoreError, TimeMs};
use jiff::Timestamp;
use std::path::Path;

/// A log of this many times its bound is not shrinking as it should.
const LOG_GROWN: u64 = 2;

pub(super) fn durability(durability: Durability) -> Check {
    match durability {
        Durability::Full => Check::ok("durability", "full: an answered write survives loss of power"),
        Durability::Process => {
            let advice = "with the power the last answered writes may go; for a school: --durability full";
            Check::warn(
                "durability",
                "process: an answered write survives the end of the process only",
                advice,
            )
        }
    }
}

pub(super) fn lock(is_in_use: bool) -> Check {
    let found = if is_in_use {
        "a node is running on the directory"
    } else {
        "free: no node is running on the directory"
    };
    Check::ok("lock", found)
}

pub(super) fn look(directory: &Path) -> Vec<Check> {
    match sqlite::inspect(directory) {
        Ok(None) => vec![Check::ok("database", "not there yet; the first start makes it")],
        Ok(Some(found)) => vec![schema(&found), log(&found), last_event(&found, now())],
        Err(error @ StoreError::Unavailable { .. }) => {
            vec![Check::warn(
                "database",
                error.to_string(),
                "somebody holds it; look again later",
            )]
        }
        Err(error) => vec![Check::fail(
            "database",
            error.to_string(),
            "keep the directory as it is, and restore a backup elsewhere",
        )],
    }
}

fn schema(found: &Inspection) -> Check {
    let known = found.schema_version_known;
    let size = bytes(found.database_bytes);
    match found.schema_version {
        Some(version) if version > known => {
            let advice = "this program is older than the data: run the newer one";
            Check::fail(
                "database",
                format!("schema {version}, and this program knows {known}"),
                advice,
            )
        }
        Some(version) if version < known => Check::ok(
            "database",
            format!("{size}, schema {version}; the next start brings it to {known}"),
        ),
        Some(version) => Check::ok("database", format!("{size}, schema {version}")),
        None => Check::ok("database", format!("{size}, empty; the next start makes its tables")),
    }
}

fn log(found: &Inspection) -> Check {
    let size = bytes(found.log_bytes);
    if !found.is_write_ahead {
        return Check::warn("log", "the database is not in WAL mode", "the next start puts it back");
    }
    if found.log_bytes > LOG_GROWN * WAL_RESTART_BYTES {
        let advice = "a reader from outside (a shell, a copy) may hold it back: end that, or restart the node";
        return Check::warn("log", size, advice);
    }
    Check::ok("log", size)
}

fn last_event(found: &Inspection, now: TimeMs) -> Check {
    match found.last_recorded_at {
        None => Check::ok("last event", "there is none yet"),
        Some(last) if last > now => {
            let found = format!("recorded at {}, and the clock says {}", shown(last), shown(now));
            let advice =
                "the clock is behind what has been recorded: set it (NTP), or days and weeks will be counted wrong";
            Check::fail("last event", found, advice)
        }
        Some(last) => Check::ok("last event", format!("recorded at {}", shown(last))),
    }
}

fn now() -> TimeMs {
    TimeMs(Timestamp::now().as_millisecond())
}

fn shown(time: TimeMs) -> String {
    Timestamp::from_millisecond(time.0).map_or_else(|_| time.0.to_string(), |time| format!("{time:.0}"))
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn what_an_operator_must_act_on_is_told_apart_from_what_is_well() {
        let well = Inspection {
            database_bytes: 4_096,
            log_bytes: 0,
            schema_version: Some(1),
            schema_version_known: 1,
            last_recorded_at: Some(TimeMs(1_000)),
            is_write_ahead: true,
        };
        let now = TimeMs(2_000);
        assert_eq!(schema(&well).status, Status::Ok);
        assert_eq!(log(&well).status, Status::Ok);
        assert_eq!(last_event(&well, now).status, Status::Ok);
        let newer = Inspection {
            schema_version: Some(2),
            log_bytes: 3 * WAL_RESTART_BYTES,
            last_recorded_at: Some(TimeMs(3_000)),
            ..well
        };
        assert_eq!(schema(&newer).status, Status::Fail);
        assert_eq!(log(&newer).status, Status::Warn);
        let behind = last_event(&newer, now);
        assert_eq!(behind.status, Status::Fail);
        assert!(behind.advice.contains("clock"), "{}", behind.advice);
    }
}
