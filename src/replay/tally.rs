//! What was sent and what became of it, counted lane by lane and added up at the end.

use super::plan::{Action, Command, Deed, Plan};
use crate::client::{EarnAnswer, Problem};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Latencies are kept in microseconds up to ten minutes, with three digits.
const LATENCY_MAX_US: u64 = 600_000_000;
/// Failures that a report lists; the rest are counted.
const FAILURES_LISTED_MAX: usize = 20;

/// The way a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In a batch over HTTP.
    Batch,
    /// Over the live socket.
    Socket,
}

/// Counts of one lane, or of all.
#[derive(Debug)]
pub(super) struct Tally {
    /// Progress kept or touched.
    pub progress: u64,
    /// Commands that were to earn something, by action.
    pub earns: [u64; 4],
    /// Those that did.
    pub awards: [u64; 4],
    /// What they earned.
    pub points: [u64; 4],
    /// Those that did not, by the reason the node gave.
    pub refusals: BTreeMap<String, u64>,
    /// Commands that failed for good.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
    /// Tries that had to be repeated.
    pub retries: u64,
    /// From sending a batch to its answer.
    pub batch_latency: Histogram<u64>,
    /// From sending a command over the socket to its answer.
    pub socket_latency: Histogram<u64>,
}

/// A command that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The file it came from.
    pub file: String,
    /// The row in it, from 1 without the header.
    pub row: u32,
    /// The problem's code.
    pub code: String,
    /// What the node said.
    pub detail: String,
}

impl Default for Tally {
    fn default() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("these bounds are valid");
        Self {
            progress: 0,
            earns: [0; 4],
            awards: [0; 4],
            points: [0; 4],
            refusals: BTreeMap::new(),
            failed: 0,
            failures: Vec::new(),
            retries: 0,
            batch_latency: histogram(),
            socket_latency: histogram(),
        }
    }
}

impl Tally {
    /// A command was answered.
    pub(super) fn answered(&mut self, command: &Command, answer: &EarnAnswer) {
        let Deed::Earn { action, .. } = command.deed else {
            self.progress += 1;
            return;
        };
        let place = place(action);
        self.earns[place] += 1;
        if answer.awarded {
            self.awards[place] += 1;
            self.points[place] += answer.points;
        } else {
            let reason = answer.reason.clone().unwrap_or_else(|| "no reason given".into());
            *self.refusals.entry(reason).or_default() += 1;
        }
    }

    /// A command failed for good.
    pub(super) fn failed(&mut self, plan: &Plan, command: &Command, problem: &Problem) {
        self.failed += 1;
        if self.failures.len() < FAILURES_LISTED_MAX {
            self.failures.push(Failure {
                file: plan.files.get(command.file as usize).cloned().unwrap_or_default(),
                row: command.row + 1,
                code: problem.code.clone(),
                detail: problem.detail.clone(),
            });
        }
    }

    /// An answer came after so long.
    pub(super) fn took(&mut self, way: Way, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX_US);
        match way {
            Way::Batch => self.batch_latency.saturating_record(micros),
            Way::Socket => self.socket_latency.saturating_record(micros),
        }
    }

    /// Adds the counts of another lane.
    pub(super) fn add(&mut self, other: Self) {
        self.progress += other.progress;
        for place in 0..Action::ALL.len() {
            self.earns[place] += other.earns[place];
            self.awards[place] += other.awards[place];
            self.points[place] += other.points[place];
        }
        for (reason, count) in other.refusals {
            *self.refusals.entry(reason).or_default() += count;
        }
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.failures.truncate(FAILURES_LISTED_MAX);
        self.retries += other.retries;
        // Both have the same bounds, so nothing is out of range.
        let _ = self.batch_latency.add(other.batch_latency);
        let _ = self.socket_latency.add(other.socket_latency);
    }

    /// Commands that have their final answer.
    #[must_use]
    pub(super) fn settled(&self) -> u64 {
        self.progress + self.earns.iter().sum::<u64>() + self.failed
    }
}

/// The place of an action in the counts.
fn place(action: Action) -> usize {
    action as usize
}
