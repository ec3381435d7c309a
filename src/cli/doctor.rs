//! `homeroom doctor`: what an operator should know about machine, directory and settings before a lesson does. Works with
//! and without a node on the directory, and disturbs neither.

mod database;
mod disk;
mod machine;

use super::print_json;
use super::settings::{Loaded, SettingArgs};
use super::table::Table;
use crate::exit::Exit;
use homeroom_schema::sqlite;
use serde_json::json;

const HELP: &str = "\
Takes the same settings as serve, and looks where that would look. Nothing is changed: it writes a small file into the data
directory, syncs it a few times to measure the disk, and takes it away again.

Exit codes: 0 all well (warnings included), 1 a check failed, 2 wrong usage or a setting that cannot be used.";

/// Check machine, data directory and settings
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    Warn,
    Fail,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    name: &'static str,
    status: Status,
    /// What was found.
    found: String,
    /// What to do about it; empty when all is well.
    advice: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            found: found.into(),
            advice: String::new(),
        }
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            status: Status::Warn,
            advice: advice.into(),
            ..Self::ok(name, found)
        }
    }

    fn fail(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            status: Status::Fail,
            ..Self::warn(name, found, advice)
        }
    }
}

pub(super) fn run(args: &Args) -> Exit {
    let loaded = match args.settings.load() {
        Ok(loaded) => loaded,
        Err(wrong) => return super::config::refuse(&wrong),
    };
    let checks = look(&loaded);
    let is_well = checks.iter().all(|check| check.status != Status::Fail);
    if args.json {
        let item = |check: &Check| json!({"name": check.name, "status": check.status.name(), "found": check.found, "advice": check.advice});
        print_json(&json!({"ok": is_well, "checks": checks.iter().map(item).collect::<Vec<_>>()}));
    } else {
        let mut table = Table::new(&["", "check", "found", "what to do"]);
        for check in &checks {
            let cells = [check.status.name(), check.name, &check.found, &check.advice];
            table.row(&cells.map(str::to_owned));
        }
        table.print();
    }
    if is_well { Exit::Done } else { Exit::Failed }
}

fn look(loaded: &Loaded) -> Vec<Check> {
    let config = &loaded.settings.config;
    let directory = &config.data;
    let is_in_use = sqlite::is_in_use(directory);
    let mut checks = vec![
        Check::ok("version", env!("CARGO_PKG_VERSION")),
        machine::open_files(),
        machine::clock(),
        machine::time_zone(&config.time_zone),
        machine::port(&loaded.settings.listen, is_in_use),
        database::durability(config.durability),
        disk::directory(directory),
    ];
    if directory.is_dir() {
        checks.push(database::lock(is_in_use));
        checks.push(disk::admin_token(directory, config.admin_token.is_some()));
        checks.push(disk::space(directory));
        checks.push(disk::sync(directory));
        checks.extend(database::look(directory));
    }
    checks
}

/// Bytes for people.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut scaled = count as f64;
    let mut unit = "bytes";
    for larger in UNITS {
        if scaled < 1_024.0 {
            break;
        }
        scaled /= 1_024.0;
        unit = larger;
    }
    if unit == "bytes" {
        format!("{count} bytes")
    } else {
        format!("{scaled:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_as_people_say_them() {
        assert_eq!(bytes(12), "12 bytes");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(3 * 1_024 * 1_024 * 1_024), "3.0 GiB");
    }
}
