//! The supervisor of one shard of learners: counts failures, puts the idle away. It never restarts: the next command wakes.

use super::actor::{PutAway, UserMsg};
use super::directory::Learners;
use super::slot::Slot;
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::{STALLED, Verdict, Watch, monotonic, report_failure, report_quarantine};
use homeroom_schema::limits::{LEARNER_SHARDS, LEARNERS_AWAKE_MAX, WATCH_EVERY};
use homeroom_schema::records::SnapshotRecord;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, ActorStatus, SupervisionEvent};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Learners of one shard who may stay awake. Beyond it the longest idle are put away first.
const AWAKE_MAX: usize = LEARNERS_AWAKE_MAX / LEARNER_SHARDS;
/// How long a learner may take to say whether it can be put away.
const PUT_AWAY_PATIENCE: Duration = Duration::from_millis(500);
/// Sweeps in one idle time: how late a learner may be put away is a fraction of it.
const SWEEPS_PER_IDLE: u32 = 4;
/// The longest and the shortest time between two sweeps.
const SWEEP_EVERY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(15));

/// Configuration only.
pub(crate) struct Shard;

/// What a shard works with.
#[derive(Clone)]
pub(crate) struct ShardArgs {
    pub(crate) shard: usize,
    pub(crate) learners: Learners,
}

/// The awake learners of the shard.
pub(crate) struct ShardState {
    args: ShardArgs,
    awake: HashMap<ActorId, Arc<Slot>>,
    watch: Watch<ActorId>,
    reported: usize,
}

/// Messages to a shard.
pub(crate) enum ShardMsg {
    /// From the directory: watch over this learner from now on.
    Adopt { actor: ActorCell, slot: Arc<Slot> },
    /// From its timer: put away who is idle.
    SweepTick,
    /// From its timer: end who hangs.
    WatchTick,
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

impl Actor for Shard {
    type Msg = ShardMsg;
    type State = ShardState;
    type Arguments = ShardArgs;

    async fn pre_start(&self, myself: ActorRef<ShardMsg>, args: ShardArgs) -> Result<ShardState, ActorProcessingErr> {
        // Whoever starts the shard waits for this, not for what follows the start: so the very first reads find it.
        args.learners.connect(args.shard, myself);
        Ok(ShardState {
            args,
            awake: HashMap::new(),
            watch: Watch::default(),
            reported: 0,
        })
    }

    async fn post_start(&self, myself: ActorRef<ShardMsg>, state: &mut ShardState) -> Result<(), ActorProcessingErr> {
        let ShardArgs { shard, learners } = &state.args;
        let (shortest, longest) = SWEEP_EVERY;
        let every = (learners.context().idle / SWEEPS_PER_IDLE).clamp(shortest, longest);
        // After a failure of the shard its learners are gone; those to whom somebody listens come back at once.
        for slot in learners.slots_of(*shard) {
            learners.wake_listened(slot);
        }
        // Ends with the actor.
        drop(myself.send_interval(every, || ShardMsg::SweepTick));
        drop(myself.send_interval(WATCH_EVERY, || ShardMsg::WatchTick));
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<ShardMsg>,
        message: ShardMsg,
        state: &mut ShardState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ShardMsg::Adopt { actor, slot } => {
                let id = actor.get_id();
                state.awake.insert(id, slot);
                // It may have failed before anybody watched.
                if actor.get_status() >= ActorStatus::Stopping {
                    state.failed(id, "failed at once");
                }
            }
            ShardMsg::SweepTick => state.sweep().await,
            ShardMsg::WatchTick => state.end_stalled(&myself),
            #[cfg(feature = "faults")]
            ShardMsg::Poison(fault) => fault.strike().await,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<ShardMsg>,
        event: SupervisionEvent,
        state: &mut ShardState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(actor, error) => state.failed(actor.get_id(), &error.to_string()),
            // Put away, or ended by somebody: whoever sends next finds it gone.
            SupervisionEvent::ActorTerminated(actor, _, _) => drop(state.awake.remove(&actor.get_id())),
            _ => {}
        }
        Ok(())
    }
}

impl ShardState {
    fn failed(&mut self, id: ActorId, cause: &str) {
        let Some(slot) = self.awake.remove(&id) else { return };
        report_failure("learner", cause);
        match slot.failed(Some(id), monotonic()) {
            Verdict::RestartAfter(_) => self.args.learners.wake_listened(slot),
            Verdict::Quarantined { .. } => {
                report_quarantine("learner", &slot.user_id, cause);
            }
        }
    }

    /// Ends who hangs. Its callers are told at once, and the next one is woken from what is durable.
    fn end_stalled(&mut self, myself: &ActorRef<ShardMsg>) {
        let actors = self.awake.iter().map(|(id, slot)| (*id, &*slot.pulse));
        let stalled = self.watch.look(actors);
        if stalled.is_empty() {
            return;
        }
        for child in myself.get_children() {
            if stalled.contains(&child.get_id()) {
                child.kill();
                self.failed(child.get_id(), STALLED);
            }
        }
    }

    /// Puts away who has been idle for long enough, and the longest idle beyond the bound.
    async fn sweep(&mut self) {
        let now_ms = self.args.learners.now_ms();
        let idle_ms = u64::try_from(self.args.learners.context().idle.as_millis()).unwrap_or(u64::MAX);
        let mut by_use: Vec<_> = self.awake.iter().map(|(id, slot)| (slot.used_at_ms(), *id)).collect();
        let surplus = by_use.len().saturating_sub(AWAKE_MAX);
        if surplus > 0 {
            by_use.sort_unstable_by_key(|(used_at_ms, _)| *used_at_ms);
        }
        let mut snapshots = Vec::new();
        for (index, (used_at_ms, id)) in by_use.into_iter().enumerate() {
            if index < surplus || now_ms.saturating_sub(used_at_ms) >= idle_ms {
                snapshots.extend(self.put_away(id).await);
            }
        }
        self.report();
        if !snapshots.is_empty()
            && let Err(error) = self.args.learners.context().store.save_snapshots(snapshots).await
        {
            tracing::warn!(%error, "snapshots were not stored");
        }
    }

    /// Puts one learner away, unless it is in use.
    async fn put_away(&mut self, id: ActorId) -> Option<SnapshotRecord> {
        let slot = Arc::clone(self.awake.get(&id)?);
        let _waking = slot.waking.try_lock().ok()?;
        if slot.topic.has_subscribers() {
            return None;
        }
        let actor = slot.close()?;
        let (reply, answered) = oneshot::channel();
        let asked = actor.send_message(UserMsg::PutAway { is_final: false, reply });
        let answer = match asked {
            Ok(()) => tokio::time::timeout(PUT_AWAY_PATIENCE, answered).await.ok(),
            Err(_) => None,
        };
        match answer {
            Some(Ok(PutAway::Ready(snapshot))) if !slot.topic.has_subscribers() => {
                self.awake.remove(&id);
                self.args.learners.retire(&slot);
                let _ = actor.drain();
                snapshot
            }
            // Busy, listened to again, or slow: it stays. If it is dead, the next message finds out.
            _ => {
                slot.open_again(actor);
                None
            }
        }
    }

    fn report(&mut self) {
        let awake = metrics::gauge!("homeroom_learners_awake");
        awake.increment(self.awake.len() as f64 - self.reported as f64);
        self.reported = self.awake.len();
    }
}
