//! Runs of the load generator, each a process of its own, and what several of them have shown.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How long and how often is measured, and where.
pub(crate) struct Plan {
    pub(crate) runs: usize,
    pub(crate) seconds: &'static str,
    /// For databases: on the disk that a node would have, not in memory.
    pub(crate) data: PathBuf,
    /// For the report and its plots.
    pub(crate) out: PathBuf,
    pub(crate) is_quick: bool,
}

impl Plan {
    pub(crate) fn new(is_quick: bool) -> Self {
        let data = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let out = data.parent().unwrap_or(data).join("bench");
        fs::create_dir_all(&out).expect("a directory for the report");
        Self {
            runs: if is_quick { 1 } else { 5 },
            seconds: if is_quick { "2" } else { "5" },
            data: data.to_owned(),
            out,
            is_quick,
        }
    }

    /// The same with fewer runs of each, for curves: their shape is seen from many points.
    pub(crate) fn for_curves(&self) -> Self {
        Self {
            runs: self.runs.min(3),
            data: self.data.clone(),
            out: self.out.clone(),
            ..*self
        }
    }
}

/// What runs of one scenario have shown, slowest first.
pub(crate) struct Runs(Vec<Value>);

impl Runs {
    /// Runs a scenario on new nodes as often as the plan says.
    pub(crate) fn of(plan: &Plan, words: &str) -> Self {
        let data = plan.data.to_str().expect("a path of text").to_owned();
        Self::with(plan, words, &["--data", &data])
    }

    /// The same with further flags, which say where.
    pub(crate) fn with(plan: &Plan, words: &str, more: &[&str]) -> Self {
        Self::sorted((0..plan.runs).map(|_| run(plan, words, more)).collect())
    }

    /// Runs of ours and of another stack in turns, so that what else the machine does falls on both alike.
    pub(crate) fn in_turns(plan: &Plan, words: &str, theirs: &[&str]) -> (Self, Self) {
        Self::in_turns_with(plan, words, || theirs.iter().map(|flag| (*flag).to_owned()).collect())
    }

    /// The same with flags that are another one's for each run.
    pub(crate) fn in_turns_with(plan: &Plan, words: &str, theirs: impl Fn() -> Vec<String>) -> (Self, Self) {
        let data = plan.data.to_str().expect("a path of text").to_owned();
        let both = (0..plan.runs).map(|_| {
            let ours = run(plan, words, &["--data", &data]);
            let theirs = theirs();
            let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
            (ours, run(plan, words, &theirs))
        });
        let (ours, theirs) = both.unzip();
        (Self::sorted(ours), Self::sorted(theirs))
    }

    fn sorted(mut runs: Vec<Value>) -> Self {
        runs.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
        Self(runs)
    }

    /// The median of a figure. NaN where the scenario has none.
    pub(crate) fn figure(&self, pointer: &str) -> f64 {
        let mut figures: Vec<f64> = self
            .0
            .iter()
            .filter_map(|run| run.pointer(pointer).and_then(Value::as_f64))
            .collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Operations a second of all runs, ascending.
    pub(crate) fn rates(&self) -> String {
        let rates: Vec<String> = self.0.iter().map(|run| format!("{:.0}", rate(run))).collect();
        rates.join(", ")
    }
}

fn rate(run: &Value) -> f64 {
    run["operations_per_second"].as_f64().unwrap_or_default()
}

fn run(plan: &Plan, words: &str, more: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homeroom"));
    command.arg("bench").args(words.split(' ')).args(more);
    command.args(["--seconds", plan.seconds, "--json"]);
    let ran = command.output().expect("the binary runs");
    assert!(
        ran.status.success(),
        "{words}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let report: Value = serde_json::from_slice(&ran.stdout).expect("a report");
    for nought in [
        "points_acknowledged_but_not_on_the_board",
        "awards_not_heard_of",
        "sessions_lost",
    ] {
        assert!(report[nought].as_f64().unwrap_or_default() == 0.0, "{words}: {report}");
    }
    report
}
