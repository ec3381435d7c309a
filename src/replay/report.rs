//! What a replay came to, as a table for people and as JSON for programs.

use super::Pace;
use super::plan::{Action, Plan, Skip};
use super::tally::{Failure, Tally};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Skipped rows that the table lists; JSON lists more.
const SKIPS_SHOWN_MAX: usize = 10;

/// What a replay came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The shape of the data.
    pub shape: &'static str,
    /// The files read, in order.
    pub files: Vec<String>,
    /// CSV files of no known shape beside them.
    pub ignored_files: Vec<String>,
    /// Rows of each list of the roster.
    pub roster: BTreeMap<&'static str, usize>,
    /// Commands in the data.
    pub commands: usize,
    /// Commands that have no answer: the replay ended before.
    pub commands_left: u64,
    /// Commands that failed for good.
    pub commands_failed: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
    /// Commands answered, by kind: `points` and `progress`.
    pub sent: BTreeMap<&'static str, u64>,
    /// What was earned, by action.
    pub actions: BTreeMap<&'static str, ActionTotals>,
    /// Awards of all actions.
    pub awards: u64,
    /// Points of all actions.
    pub points: u64,
    /// Refusals by the rules, by reason.
    pub refusals: BTreeMap<String, u64>,
    /// Rows that could not be read.
    pub rows_skipped: u64,
    /// The first of them.
    pub skipped: Vec<Skip>,
    /// Good rows that give nothing.
    pub rows_without_effect: u64,
    /// Tries that had to be repeated.
    pub retries: u64,
    /// How long it took, without reading and roster.
    pub elapsed_s: f64,
    /// Commands answered in a second.
    pub commands_per_s: f64,
    /// From a batch (`batch`) or a command over a socket (`socket`) to its answer.
    pub latency_ms: BTreeMap<&'static str, Latency>,
}

/// What one action earned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ActionTotals {
    /// Commands answered.
    pub sent: u64,
    /// Awards.
    pub awards: u64,
    /// Points.
    pub points: u64,
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    /// Measurements.
    pub count: u64,
    /// Half of them.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of a hundred.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Report {
    pub(super) fn new(plan: &Plan, tally: &Tally, elapsed: Duration) -> Self {
        let totals = |place: usize| ActionTotals {
            sent: tally.earns[place],
            awards: tally.awards[place],
            points: tally.points[place],
        };
        let actions = Action::ALL.iter().enumerate();
        let earns = tally.earns.iter().sum();
        let elapsed_s = elapsed.as_secs_f64();
        let latencies = [("batch", &tally.batch_latency), ("socket", &tally.socket_latency)];
        Self {
            shape: plan.shape.name(),
            files: plan.files.clone(),
            ignored_files: plan.ignored_files.clone(),
            roster: roster_counts(plan),
            commands: plan.commands.len(),
            commands_left: (plan.commands.len() as u64).saturating_sub(tally.settled()),
            commands_failed: tally.failed,
            failures: tally.failures.clone(),
            sent: BTreeMap::from([("points", earns), ("progress", tally.progress)]),
            actions: actions.map(|(place, action)| (action.name(), totals(place))).collect(),
            awards: tally.awards.iter().sum(),
            points: tally.points.iter().sum(),
            refusals: tally.refusals.clone(),
            rows_skipped: plan.skipped.count,
            skipped: plan.skipped.listed.clone(),
            rows_without_effect: plan.without_effect,
            retries: tally.retries,
            elapsed_s,
            commands_per_s: tally.settled() as f64 / elapsed_s.max(0.001),
            latency_ms: latencies
                .into_iter()
                .filter(|(_, latency)| !latency.is_empty())
                .map(|(way, latency)| (way, Latency::of(latency)))
                .collect(),
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let answered = self.commands as u64 - self.commands_left;
        let _ = writeln!(
            out,
            "{answered} of {} commands in {:.1} s: {:.0} a second",
            self.commands, self.elapsed_s, self.commands_per_s
        );
        let _ = writeln!(out, "\n{:<20} {:>9} {:>9} {:>11}", "action", "sent", "awards", "points");
        for (action, totals) in &self.actions {
            let ActionTotals { sent, awards, points } = totals;
            let _ = writeln!(out, "{action:<20} {sent:>9} {awards:>9} {points:>11}");
        }
        let earns = self.sent.get("points").copied().unwrap_or_default();
        let _ = writeln!(out, "{:<20} {earns:>9} {:>9} {:>11}", "all", self.awards, self.points);
        let progress = self.sent.get("progress").copied().unwrap_or_default();
        let _ = writeln!(out, "{:<20} {progress:>9}", "progress");
        for (reason, count) in &self.refusals {
            let _ = writeln!(out, "refused: {reason:<11} {count:>9}");
        }
        if !self.latency_ms.is_empty() {
            let _ = writeln!(
                out,
                "\n{:<20} {:>9} {:>9} {:>9} {:>9} {:>9}",
                "latency in ms", "count", "p50", "p90", "p99", "max"
            );
        }
        for (way, latency) in &self.latency_ms {
            let name = if *way == "batch" {
                "batch over HTTP"
            } else {
                "command over socket"
            };
            let Latency {
                count,
                p50,
                p90,
                p99,
                max,
            } = latency;
            let _ = writeln!(out, "{name:<20} {count:>9} {p50:>9.1} {p90:>9.1} {p99:>9.1} {max:>9.1}");
        }
        self.write_troubles(&mut out);
        out.trim_end().to_owned()
    }

    fn write_troubles(&self, out: &mut String) {
        if self.retries > 0 {
            let _ = writeln!(out, "\n{} tries were repeated with the same keys", self.retries);
        }
        write_skips(out, self.rows_skipped, &self.skipped);
        if self.commands_failed > 0 {
            let _ = writeln!(out, "\n{} commands failed for good:", self.commands_failed);
        }
        for failure in &self.failures {
            let Failure {
                file,
                row,
                code,
                detail,
            } = failure;
            let _ = writeln!(out, "  {file} row {row}: {code}: {detail}");
        }
    }
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let ms = |micros: u64| micros as f64 / 1_000.0;
        Self {
            count: histogram.len(),
            p50: ms(histogram.value_at_quantile(0.5)),
            p90: ms(histogram.value_at_quantile(0.9)),
            p99: ms(histogram.value_at_quantile(0.99)),
            max: ms(histogram.max()),
        }
    }
}

fn write_skips(out: &mut String, count: u64, skipped: &[Skip]) {
    if count == 0 {
        return;
    }
    let _ = writeln!(out, "\n{count} rows were skipped:");
    for Skip { file, line, reason } in skipped.iter().take(SKIPS_SHOWN_MAX) {
        let _ = writeln!(out, "  {file} line {line}: {reason}");
    }
    let rest = count - skipped.len().min(SKIPS_SHOWN_MAX) as u64;
    if rest > 0 {
        let _ = writeln!(out, "  and {rest} more");
    }
}

fn roster_counts(plan: &Plan) -> BTreeMap<&'static str, usize> {
    let roster = &plan.roster;
    BTreeMap::from([
        ("qualifications", roster.qualifications.len()),
        ("units", roster.units.len()),
        ("users", roster.users.len()),
        ("teams", roster.teams.len()),
        ("team_members", roster.team_members.len()),
        ("enrolments", roster.enrolments.len()),
    ])
}

/// What a plan holds, in a line or two.
pub(super) fn plan_text(plan: &Plan) -> String {
    let roster = &plan.roster;
    let mut text = format!(
        "{} data: {} files, {} course runs, {} units, {} people, {} teams, {} commands",
        plan.shape.name(),
        plan.files.len(),
        roster.qualifications.len(),
        roster.units.len(),
        roster.users.len(),
        roster.teams.len(),
        plan.commands.len()
    );
    if plan.skipped.count > 0 {
        let _ = write!(text, "; {} rows skipped", plan.skipped.count);
    }
    if !plan.ignored_files.is_empty() {
        let _ = write!(
            text,
            "\nnot of this shape and ignored: {}",
            plan.ignored_files.join(", ")
        );
    }
    text
}

/// What a plan holds, in full.
pub(super) fn dry_run(plan: &Plan, is_json: bool) -> String {
    let report = Report::new(plan, &Tally::default(), Duration::ZERO);
    if is_json {
        return report.json();
    }
    let mut out = String::from("nothing was sent; in the data there are:\n");
    for (list, count) in &report.roster {
        let _ = writeln!(out, "{list:<20} {count:>9}");
    }
    let progress = plan.commands.iter().filter(|command| command.is_progress()).count();
    let _ = writeln!(out, "{:<20} {progress:>9}", "commands: progress");
    let _ = writeln!(out, "{:<20} {:>9}", "commands: points", plan.commands.len() - progress);
    let _ = writeln!(out, "{:<20} {:>9}", "rows without effect", plan.without_effect);
    write_skips(&mut out, report.rows_skipped, &report.skipped);
    out.trim_end().to_owned()
}

/// How long a paced replay will take, if that is worth saying.
pub(super) fn duration_text(plan: &Plan, pace: Pace) -> Option<String> {
    let Pace::Times(times) = pace else { return None };
    let (first, last) = (plan.commands.first()?, plan.commands.last()?);
    let seconds = (last.occurred_at_ms - first.occurred_at_ms) as f64 / 1_000.0 / times;
    let (amount, unit) = match seconds {
        s if s < 120.0 => (s, "seconds"),
        s if s < 7_200.0 => (s / 60.0, "minutes"),
        s if s < 172_800.0 => (s / 3_600.0, "hours"),
        s => (s / 86_400.0, "days"),
    };
    Some(format!(
        "at {times} times the pace of then this takes {amount:.1} {unit}; --fast does not wait"
    ))
}
