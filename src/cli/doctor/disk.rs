//! The data directory as a place: who may read it, how much room there is, how long a sync takes.

use super::{Check, bytes};
use crate::auth::admin::ADMIN_TOKEN_FILE;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bits that let others than the owner do something.
const OTHERS: u32 = 0o077;
/// A term's events of a large school, several times over.
const FREE_ENOUGH: u64 = 1024 * 1024 * 1024;
/// Below this a backup or a large import may not find room.
const FREE_LEAST: u64 = 100 * 1024 * 1024;
/// Syncs that are measured, and how long at the most.
const SYNCS_MAX: usize = 100;
const SYNCS_DEADLINE: Duration = Duration::from_secs(2);
/// As much as a commit of a few awards.
const SYNC_BYTES: usize = 4_096;
/// Above this a class notices; an answer takes one sync at least.
const SYNC_SLOW: Duration = Duration::from_millis(50);

pub(super) fn directory(directory: &Path) -> Check {
    let shown = directory.display();
    match fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => Check::fail(
            "data directory",
            format!("{shown} is no directory"),
            "choose another with --data",
        ),
        Ok(metadata) if metadata.mode() & OTHERS != 0 => {
            let found = format!("{shown}, mode {:o}", metadata.mode() & 0o777);
            let advice = format!("others on this machine may look inside: chmod 700 {shown}");
            Check::warn("data directory", found, advice)
        }
        Ok(metadata) => Check::ok("data directory", format!("{shown}, mode {:o}", metadata.mode() & 0o777)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Check::ok(
            "data directory",
            format!("{shown} is not there yet; the first start makes it"),
        ),
        Err(error) => Check::fail(
            "data directory",
            format!("{shown}: {error}"),
            "let the node's user read and write it",
        ),
    }
}

pub(super) fn admin_token(directory: &Path, is_fixed: bool) -> Check {
    let file = directory.join(ADMIN_TOKEN_FILE);
    let shown = file.display();
    match fs::metadata(&file) {
        Ok(metadata) if metadata.mode() & OTHERS != 0 => {
            let found = format!("{shown}, mode {:o}", metadata.mode() & 0o777);
            let advice = format!(
                "others on this machine may be admin: chmod 600 {shown}, then make another token and revoke this one"
            );
            Check::fail("admin token", found, advice)
        }
        Ok(_) => Check::ok("admin token", format!("{shown}, for its owner alone")),
        Err(_) if is_fixed => Check::ok("admin token", "fixed by a setting"),
        Err(_) => Check::ok(
            "admin token",
            format!("{shown} is not there; a start without any admin token makes it"),
        ),
    }
}

pub(super) fn space(directory: &Path) -> Check {
    let found = match rustix::fs::statvfs(directory) {
        Ok(found) => found,
        Err(error) => return Check::warn("free disk", error.to_string(), "look with df"),
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let told = format!(
        "{} of {}",
        bytes(free),
        bytes(found.f_blocks.saturating_mul(found.f_frsize))
    );
    let advice = "make room, or move the data: a full disk stops all writes until there is room again";
    match free {
        free if free < FREE_LEAST => Check::fail("free disk", told, advice),
        free if free < FREE_ENOUGH => Check::warn("free disk", told, advice),
        _ => Check::ok("free disk", told),
    }
}

/// How long the disk takes to make a few kilobytes durable: what every answer to a write waits for.
pub(super) fn sync(directory: &Path) -> Check {
    let mut times = match measure(directory) {
        Ok(times) if !times.is_empty() => times,
        Ok(_) => return Check::warn("sync", "none was measured", ""),
        Err(error) => {
            let advice = "the node's user must be able to write here, on a disk that is not full or read-only";
            return Check::fail("sync", format!("cannot write: {error}"), advice);
        }
    };
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let (median, p99) = (at(50), at(99));
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let found = format!("median {:.2} ms, p99 {:.2} ms of {}", ms(median), ms(p99), times.len());
    if median > SYNC_SLOW {
        let advice = "every write waits for one: use a local disk (no network share, no SD card)";
        return Check::warn("sync", found, advice);
    }
    Check::ok("sync", found)
}

fn measure(directory: &Path) -> io::Result<Vec<Duration>> {
    let path = directory.join(format!(".doctor-{}", std::process::id()));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    let measured = syncs(file);
    fs::remove_file(&path)?;
    measured
}

fn syncs(mut file: File) -> io::Result<Vec<Duration>> {
    let content = [0x5a; SYNC_BYTES];
    let begun = Instant::now();
    let mut times = Vec::with_capacity(SYNCS_MAX);
    while times.len() < SYNCS_MAX && begun.elapsed() < SYNCS_DEADLINE {
        file.write_all(&content)?;
        let before = Instant::now();
        file.sync_data()?;
        times.push(before.elapsed());
    }
    Ok(times)
}
