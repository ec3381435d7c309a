//! What the machine gives: file handles, a clock, a time zone, a port.

use super::super::port;
use super::Check;
use crate::clock::SystemClock;
use jiff::{Timestamp, Zoned};
use rustix::process::{Resource, getrlimit};
use std::net::TcpListener;

/// Handles below which a school will run out: a session is one, and so is a connection.
const OPEN_FILES_ENOUGH: u64 = 16_384;
/// Handles below which a class will.
const OPEN_FILES_LEAST: u64 = 1_024;
/// A clock before this program was written is wrong.
const YEAR_LEAST: i16 = 2026;

pub(super) fn open_files() -> Check {
    let limit = getrlimit(Resource::Nofile);
    // No limit is told as none.
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let soft = limit.current.unwrap_or(u64::MAX);
    let found = match (limit.current, limit.maximum) {
        (_, None) => "unlimited".to_owned(),
        (None, Some(hard)) => format!("{hard} at the most"),
        (Some(soft), Some(hard)) => format!("{soft}, up to {hard}"),
    };
    let advice = "each session and connection takes one: set LimitNOFILE=65536 in the service, or ulimit -n 65536";
    match (soft, hard) {
        (_, hard) if hard < OPEN_FILES_LEAST => Check::fail("open files", found, advice),
        (soft, _) if soft < OPEN_FILES_LEAST => Check::fail("open files", found, advice),
        (_, hard) if hard < OPEN_FILES_ENOUGH => Check::warn("open files", found, advice),
        _ => Check::ok("open files", found),
    }
}

pub(super) fn clock() -> Check {
    let now = Timestamp::now();
    let found = format!("{now:.0}");
    if now.to_zoned(jiff::tz::TimeZone::UTC).year() < YEAR_LEAST {
        let advice = "the clock is wrong: set it, and keep it right with NTP (timedatectl set-ntp true)";
        return Check::fail("clock", found, advice);
    }
    Check::ok("clock", found)
}

pub(super) fn time_zone(name: &str) -> Check {
    if SystemClock::new(name).is_none() {
        return Check::fail(
            "time zone",
            name,
            "there is no such zone; use a name such as Europe/Berlin",
        );
    }
    let local = Zoned::now().in_tz(name).map(|now| now.strftime("%H:%M").to_string());
    let found = format!("{name}, where it is {}", local.unwrap_or_default());
    let of_machine = jiff::tz::TimeZone::system();
    let of_machine = of_machine.iana_name().unwrap_or("UTC");
    if name == "UTC" && !matches!(of_machine, "UTC" | "Etc/UTC") {
        let advice = format!("days and weeks begin at midnight UTC; if the school is here: --time-zone {of_machine}");
        return Check::warn("time zone", found, advice);
    }
    Check::ok("time zone", found)
}

pub(super) fn port(listen: &str, is_in_use: bool) -> Check {
    match TcpListener::bind(listen) {
        Ok(_) => Check::ok("port", format!("{listen} is free")),
        Err(error) if is_in_use && error.kind() == std::io::ErrorKind::AddrInUse => {
            Check::ok("port", format!("{listen} is in use, as a node is running"))
        }
        Err(error) => Check::fail("port", listen, port::sentence(listen, &error)),
    }
}
