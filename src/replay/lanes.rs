//! Lanes: every learner belongs to one, a lane keeps the order, lanes run side by side. What all lanes share is here.

use super::plan::{Command, Plan};
use super::tally::{Tally, Way};
use super::{Pace, ReplayError, batch_lane, socket_lane};
use crate::client::{Client, ClientError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Lanes over HTTP, and as many over sockets. A learner's lane follows from the data alone, so that a replay that is
/// started again sends every command the way it went before.
const LANES_OF_A_WAY: usize = 8;

/// What all lanes share.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) client: Client,
    pub(super) settled: Arc<AtomicU64>,
    pub(super) stop: watch::Receiver<bool>,
    clock: Option<Clock>,
}

/// When commands are due.
struct Clock {
    start: Instant,
    first_ms: i64,
    times: f64,
}

/// How a lane ended: what it did, and why it could not go on.
pub(super) struct LaneEnd {
    pub(super) tally: Tally,
    pub(super) error: Option<ReplayError>,
}

impl Shared {
    pub(super) fn command(&self, place: u32) -> &Command {
        &self.plan.commands[place as usize]
    }

    /// When a command is due; none means now.
    pub(super) fn due(&self, place: u32) -> Option<Instant> {
        let clock = self.clock.as_ref()?;
        let since_first = (self.command(place).occurred_at_ms - clock.first_ms).max(0);
        let wait = Duration::try_from_secs_f64(since_first as f64 / 1_000.0 / clock.times).ok()?;
        clock.start.checked_add(wait)
    }

    pub(super) fn is_due(&self, place: u32, now: Instant) -> bool {
        self.due(place).is_none_or(|due| due <= now)
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    pub(super) fn settle(&self, count: u64) {
        self.settled.fetch_add(count, Ordering::Relaxed);
    }
}

/// Waits until a moment, or until the replay is stopped.
pub(super) async fn wait_until(moment: Option<Instant>, stop: &mut watch::Receiver<bool>) {
    let Some(moment) = moment else { return };
    tokio::select! {
        () = tokio::time::sleep_until(moment) => {}
        // An error means that nobody can stop the replay any more: then only the moment counts.
        Ok(_) = stop.wait_for(|stop| *stop) => {}
    }
}

/// Plays every command of a plan. Gives the counts also when something went wrong on the way.
pub(super) async fn run(
    plan: &Arc<Plan>,
    client: &Client,
    pace: Pace,
    settled: &Arc<AtomicU64>,
    stop: &watch::Receiver<bool>,
) -> LaneEnd {
    let clock = match pace {
        Pace::Fast => None,
        Pace::Times(times) => Some(Clock {
            start: Instant::now(),
            first_ms: plan.commands.first().map_or(0, |command| command.occurred_at_ms),
            times,
        }),
    };
    let shared = Arc::new(Shared {
        plan: Arc::clone(plan),
        client: client.clone(),
        settled: Arc::clone(settled),
        stop: stop.clone(),
        clock,
    });
    let mut tasks = JoinSet::new();
    for (number, lane) in split(plan).into_iter().enumerate() {
        let shared = Arc::clone(&shared);
        match way(number) {
            Way::Batch => tasks.spawn(batch_lane::run(shared, lane)),
            Way::Socket => tasks.spawn(socket_lane::run(shared, lane)),
        };
    }
    let mut all = LaneEnd {
        tally: Tally::default(),
        error: None,
    };
    while let Some(end) = tasks.join_next().await {
        match end {
            Ok(end) => {
                all.tally.add(end.tally);
                all.error = all.error.or(end.error);
            }
            Err(cause) => all.error = all.error.or(Some(ReplayError::LaneFailed(cause.to_string()))),
        }
        // One lane that cannot go on (no node, no right) speaks for all: do not let the others try for minutes.
        if all.error.is_some() {
            tasks.abort_all();
        }
    }
    all
}

/// Which way a lane goes.
const fn way(lane: usize) -> Way {
    if lane.is_multiple_of(2) {
        Way::Batch
    } else {
        Way::Socket
    }
}

/// The commands of each lane, by place and in order: the busiest learners first, each to the lane with the least to do.
fn split(plan: &Plan) -> Vec<Vec<u32>> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for command in &plan.commands {
        *counts.entry(command.user_id).or_default() += 1;
    }
    let mut learners: Vec<(usize, u64)> = counts.into_iter().map(|(learner, count)| (count, learner)).collect();
    learners.sort_unstable_by(|one, other| other.cmp(one));
    let mut loads = [0; LANES_OF_A_WAY * 2];
    let mut lane_of: HashMap<u64, usize> = HashMap::with_capacity(learners.len());
    for (count, learner) in learners {
        let lightest = (0..loads.len()).min_by_key(|lane| loads[*lane]).unwrap_or_default();
        loads[lightest] += count;
        lane_of.insert(learner, lightest);
    }
    let mut lanes: Vec<Vec<u32>> = loads.iter().map(|load| Vec::with_capacity(*load)).collect();
    for (place, command) in (0_u32..).zip(&plan.commands) {
        lanes[lane_of[&command.user_id]].push(place);
    }
    lanes
}

/// Whether an error ends a lane, and as what.
pub(super) fn fatal(error: ClientError) -> ReplayError {
    ReplayError::Client(error)
}

#[cfg(test)]
mod tests;
