//! What the benches of parts have found last, by criterion's own files, and what the two that measure a node's work told.

use super::Report;
use super::runs::Plan;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn parts(plan: &Plan, report: &mut Report) {
    let measured = plan.out.parent().unwrap_or(&plan.out).join("criterion");
    let mut found = Vec::new();
    estimates(&measured, &mut found);
    found.sort();
    if found.is_empty() {
        report.say("\n## Parts\n\n!! LEFT OUT: nothing was measured yet; `make bench` measures the parts first.");
        return;
    }
    let mut table = "\n## Parts (criterion)\n\n| what | median µs | a second |\n| --- | ---: | ---: |\n".to_owned();
    for (name, nanoseconds, elements) in found {
        let rate = elements.map_or_else(String::new, |elements| {
            format!("{:.0}", elements as f64 * 1e9 / nanoseconds as f64)
        });
        writeln!(table, "| {name} | {:.2} | {rate} |", nanoseconds as f64 / 1e3).expect("memory takes everything");
    }
    report.say(&table);
    for name in ["analytics", "rebuild"] {
        match fs::read_to_string(plan.out.join(format!("{name}.md"))) {
            Ok(told) => report.say(&format!("\n## {name}\n\n{told}")),
            Err(_) => report.say(&format!("\n!! LEFT OUT: {name}; `make bench` measures it first.")),
        }
    }
}

/// Name, median in nanoseconds and elements of each, of all folders below.
fn estimates(folder: &Path, found: &mut Vec<(String, u64, Option<u64>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    for path in folders {
        if path.file_name().is_some_and(|name| name == "new") {
            found.extend(estimate(&path));
        } else {
            estimates(&path, found);
        }
    }
}

fn estimate(measured: &Path) -> Option<(String, u64, Option<u64>)> {
    let json = |name: &str| -> Option<Value> {
        let bytes = fs::read(measured.join(name)).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (which, what) = (json("benchmark.json")?, json("estimates.json")?);
    let median = what.pointer("/median/point_estimate")?.as_f64()?;
    let name = which["full_id"].as_str()?.to_owned();
    Some((
        name,
        median.round() as u64,
        which.pointer("/throughput/Elements").and_then(Value::as_u64),
    ))
}
