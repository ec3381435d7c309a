//! The root of the tree: starts its children, restarts one that fails, and says when that is of no use any more.

use crate::boards::BoardsSupervisor;
use crate::hub::Hub;
use crate::insights::{Insights, InsightsActor};
use crate::journal::{JournalActor, JournalArgs};
use crate::learners::{Context, Learners, Shard, ShardArgs};
use crate::presence::PresencesSupervisor;
use crate::roster::{AliasSecret, RosterActor, RosterArgs, RosterQueue};
use crate::rulebook::Acts;
use crate::sessions::{Sessions, SessionsSupervisor};
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::{Restarts, STALLED, Tasks, Verdict, Watch, monotonic, report_failure};
use crate::teams::TeamsSupervisor;
use homeroom_schema::limits::{KEY_RETENTION_MS, LEARNER_SHARDS, WATCH_EVERY};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// How often expired idempotency keys are removed, and how many at once.
const PURGE_EVERY: Duration = Duration::from_secs(60);
const PURGE_KEYS: usize = 10_000;

/// Handles to everything in the tree. A clone is another set of handles to the same things.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) context: Arc<Context>,
    pub(super) learners: Learners,
    pub(super) acts: Arc<Acts>,
    pub(super) roster_queue: Arc<RosterQueue>,
    pub(super) hub: Hub,
    pub(super) insights: Insights,
    pub(super) sessions: Sessions,
    pub(super) tasks: Arc<Tasks>,
    pub(super) secret: AliasSecret,
    pub(super) reloads_wanted: Arc<AtomicUsize>,
    pub(super) is_stopping: Arc<AtomicBool>,
}

/// A child of the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Child {
    Journal,
    Roster,
    Shard(usize),
    Boards,
    Teams,
    Presences,
    Insights,
    Sessions,
}

impl Child {
    /// In the order of their start: what others need comes first.
    fn all() -> impl Iterator<Item = Self> {
        let shards = (0..LEARNER_SHARDS).map(Self::Shard);
        [Self::Journal, Self::Boards, Self::Teams, Self::Presences]
            .into_iter()
            .chain(shards)
            .chain([Self::Roster, Self::Insights, Self::Sessions])
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Roster => "roster",
            Self::Shard(_) => "learner_shard",
            Self::Boards => "boards",
            Self::Teams => "teams",
            Self::Presences => "presences",
            Self::Insights => "insights",
            Self::Sessions => "sessions",
        }
    }
}

/// Configuration only.
pub(super) struct Root;

/// The children, by the id of their present actor, and their failures.
pub(super) struct RootState {
    tree: Tree,
    children: HashMap<ActorId, Child>,
    restarts: HashMap<Child, Restarts>,
    // Failed, and not back yet.
    down: Vec<Child>,
    watch: Watch<Child>,
}

/// Messages to the root.
pub(super) enum RootMsg {
    /// From the engine, once: start all children.
    Start { reply: oneshot::Sender<Result<(), String>> },
    /// From the root's timer: start a child that failed.
    RestartTick(Child),
    /// From the root's timer: remove expired keys.
    PurgeTick,
    /// From the root's timer: end who hangs.
    WatchTick,
    /// From the engine: the kinds of children that failed and are not back yet.
    GetDown {
        reply: oneshot::Sender<BTreeSet<&'static str>>,
    },
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

impl Actor for Root {
    type Msg = RootMsg;
    type State = RootState;
    type Arguments = Tree;

    async fn pre_start(&self, _: ActorRef<RootMsg>, tree: Tree) -> Result<RootState, ActorProcessingErr> {
        Ok(RootState {
            tree,
            children: HashMap::new(),
            restarts: HashMap::new(),
            down: Vec::new(),
            watch: Watch::default(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<RootMsg>,
        message: RootMsg,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RootMsg::Start { reply } => {
                let _ = reply.send(state.start_all(&myself).await);
                drop(myself.send_interval(PURGE_EVERY, || RootMsg::PurgeTick));
                drop(myself.send_interval(WATCH_EVERY, || RootMsg::WatchTick));
            }
            RootMsg::RestartTick(child) => {
                if !state.tree.is_stopping.load(Ordering::Acquire)
                    && let Err(error) = state.start(&myself, child, true).await
                {
                    state.failed(&myself, child, &error.to_string());
                }
            }
            RootMsg::PurgeTick => state.purge_keys(),
            RootMsg::WatchTick => state.end_stalled(&myself),
            RootMsg::GetDown { reply } => {
                let _ = reply.send(state.down.iter().map(|child| child.kind()).collect());
            }
            #[cfg(feature = "faults")]
            RootMsg::Poison(fault) => fault.strike().await,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RootMsg>,
        event: SupervisionEvent,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        let (actor, cause) = match event {
            SupervisionEvent::ActorFailed(actor, error) => (actor, error.to_string()),
            SupervisionEvent::ActorTerminated(actor, _, reason) => (actor, reason.unwrap_or_default()),
            _ => return Ok(()),
        };
        if let Some(child) = state.children.remove(&actor.get_id())
            && !state.tree.is_stopping.load(Ordering::Acquire)
        {
            state.failed(&myself, child, &cause);
        }
        Ok(())
    }
}

impl RootState {
    async fn start_all(&mut self, myself: &ActorRef<RootMsg>) -> Result<(), String> {
        for child in Child::all() {
            let started = self.start(myself, child, false).await;
            started.map_err(|error| format!("{child:?} did not start: {error}"))?;
        }
        Ok(())
    }

    async fn start(&mut self, myself: &ActorRef<RootMsg>, child: Child, is_restart: bool) -> Result<(), SpawnErr> {
        let tree = &self.tree;
        let root = myself.get_cell();
        let cell: ActorCell = match child {
            Child::Journal => {
                let args = tree.journal_args(is_restart);
                JournalActor::spawn_linked(None, JournalActor, args, root)
                    .await?
                    .0
                    .into()
            }
            Child::Roster => {
                let args = tree.roster_args(is_restart);
                RosterActor::spawn_linked(None, RosterActor, args, root).await?.0.into()
            }
            Child::Shard(shard) => {
                let learners = tree.learners.clone();
                let args = ShardArgs { shard, learners };
                Shard::spawn_linked(None, Shard, args, root).await?.0.into()
            }
            Child::Boards => {
                let hub = tree.hub.clone();
                BoardsSupervisor::spawn_linked(None, BoardsSupervisor, hub, root)
                    .await?
                    .0
                    .into()
            }
            Child::Teams => {
                let hub = tree.hub.clone();
                TeamsSupervisor::spawn_linked(None, TeamsSupervisor, hub, root)
                    .await?
                    .0
                    .into()
            }
            Child::Presences => {
                let hub = tree.hub.clone();
                PresencesSupervisor::spawn_linked(None, PresencesSupervisor, hub, root)
                    .await?
                    .0
                    .into()
            }
            Child::Insights => {
                let insights = tree.insights.clone();
                InsightsActor::spawn_linked(None, InsightsActor, insights, root)
                    .await?
                    .0
                    .into()
            }
            Child::Sessions => {
                let sessions = tree.sessions.clone();
                SessionsSupervisor::spawn_linked(None, SessionsSupervisor, sessions, root)
                    .await?
                    .0
                    .into()
            }
        };
        self.children.insert(cell.get_id(), child);
        self.down.retain(|down| *down != child);
        Ok(())
    }

    /// A child is restarted alone. When that is of no use the whole node has to start anew: nothing is lost by that, and a
    /// node without its journal is of no use to anybody.
    fn failed(&mut self, myself: &ActorRef<RootMsg>, child: Child, cause: &str) {
        report_failure(child.kind(), cause);
        if !self.down.contains(&child) {
            self.down.push(child);
        }
        match self.restarts.entry(child).or_default().failed(monotonic()) {
            Verdict::RestartAfter(pause) => drop(myself.send_after(pause, move || RootMsg::RestartTick(child))),
            Verdict::Quarantined { .. } => {
                let cause = format!("{} fails again and again: {cause}", child.kind());
                self.tree.context.fatal.send_replace(Some(cause));
            }
        }
    }

    /// Ends a journal or roster that hangs; it is restarted like one that failed.
    fn end_stalled(&mut self, myself: &ActorRef<RootMsg>) {
        let tree = &self.tree;
        let journal = (Child::Journal, tree.context.journal.pulse());
        let roster = (Child::Roster, &tree.roster_queue.pulse);
        for child in self.watch.look([journal, roster].into_iter()) {
            let actor = self.children.iter().find(|(_, known)| **known == child);
            let Some(id) = actor.map(|(id, _)| *id) else { continue };
            self.children.remove(&id);
            match child {
                Child::Journal => self.tree.context.journal.pulse().end(),
                _ => self.tree.roster_queue.pulse.end(),
            }
            if let Some(actor) = myself.get_children().into_iter().find(|actor| actor.get_id() == id) {
                actor.kill();
            }
            self.failed(myself, child, STALLED);
        }
    }

    fn purge_keys(&self) {
        let context = Arc::clone(&self.tree.context);
        self.tree.tasks.spawn_upkeep(async move {
            let before = context.clock.now().plus_ms(-KEY_RETENTION_MS);
            if let Err(error) = context.store.purge_keys(before, PURGE_KEYS).await {
                tracing::warn!(%error, "expired keys were not removed");
            }
        });
    }
}

impl Tree {
    fn journal_args(&self, is_restart: bool) -> JournalArgs {
        JournalArgs {
            store: Arc::clone(&self.context.store),
            journal: self.context.journal.clone(),
            hub: self.hub.clone(),
            fatal: self.context.fatal.clone(),
            tasks: Arc::clone(&self.tasks),
            reloads_wanted: Arc::clone(&self.reloads_wanted),
            is_restart,
        }
    }

    fn roster_args(&self, is_restart: bool) -> RosterArgs {
        RosterArgs {
            store: Arc::clone(&self.context.store),
            clock: Arc::clone(&self.context.clock),
            roster: self.context.roster.clone(),
            queue: Arc::clone(&self.roster_queue),
            journal: self.context.journal.clone(),
            hub: self.hub.clone(),
            secret: self.secret,
            is_restart,
        }
    }
}
