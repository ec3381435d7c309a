//! Teams: one actor for each awake team, keeping its facts and its performance. Reads go past the actor.

mod actor;
mod facts;
mod marks;
mod members;
mod performance;
#[cfg(test)]
mod tests;

pub(crate) use actor::TeamMsg;
pub(crate) use marks::TeamMarks;

use crate::hub::{Family, Handle, Hub, Keeper, KeeperMsg, Kind};
use crate::topics::TopicName;
use crate::views::TeamPerformance;
use actor::TeamActor;
use homeroom_schema::TeamId;
use homeroom_schema::limits::TEAMS_AWAKE_MAX;
use parking_lot::RwLock;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The kind of actor that a team is.
pub(crate) struct Teams;

pub(crate) type TeamHandle = Handle<Teams>;

impl Kind for Teams {
    const NAME: &'static str = "team";
    const AWAKE_MAX: usize = TEAMS_AWAKE_MAX;
    type Key = TeamId;
    type Marks = TeamMarks;
    type Shared = TeamShared;
    type Msg = TeamMsg;
    type Keep = TeamsMsg;

    fn reads(cache: &'static str) -> metrics::Counter {
        metrics::counter!("homeroom_team_reads_total", "cache" => cache)
    }

    fn look() -> TeamMsg {
        TeamMsg::Look
    }

    fn topic(team_id: TeamId) -> TopicName {
        TopicName::Team(team_id)
    }

    async fn spawn(hub: Hub, handle: Arc<TeamHandle>, supervisor: ActorCell) -> Result<ActorRef<TeamMsg>, SpawnErr> {
        let (actor, _) = Actor::spawn_linked(None, TeamActor, (hub, handle), supervisor).await?;
        Ok(actor)
    }

    fn family(hub: &Hub) -> &Family<Self> {
        hub.teams()
    }
}

/// A team as readers see it: changed by its actor alone.
#[derive(Default)]
pub(crate) struct TeamShared {
    performance: RwLock<Option<Arc<TeamPerformance>>>,
    /// The rank on the board of teams that the actor has seen last; 0 for none.
    rank_seen: AtomicU64,
}

impl TeamShared {
    /// The performance, once the actor has loaded.
    pub(crate) fn performance(&self) -> Option<Arc<TeamPerformance>> {
        self.performance.read().clone()
    }

    fn set_performance(&self, performance: Arc<TeamPerformance>) {
        *self.performance.write() = Some(performance);
    }

    /// The rank on the board of teams that the actor has seen last.
    pub(crate) fn rank_seen(&self) -> Option<u64> {
        Some(self.rank_seen.load(Ordering::Acquire)).filter(|rank| *rank > 0)
    }

    fn see_rank(&self, rank: Option<u64>) {
        self.rank_seen.store(rank.unwrap_or_default(), Ordering::Release);
    }
}

/// What the supervisor of teams is told: by the hub and by itself alone.
pub struct TeamsMsg(KeeperMsg<Teams>);

impl From<KeeperMsg<Teams>> for TeamsMsg {
    fn from(message: KeeperMsg<Teams>) -> Self {
        Self(message)
    }
}

/// The state of the supervisor of teams.
pub struct TeamsState(Keeper<Teams>);

/// Watches over all team actors: restarts one that failed, from what is durable. Its arguments are the hub.
pub struct TeamsSupervisor;

impl Actor for TeamsSupervisor {
    type Msg = TeamsMsg;
    type State = TeamsState;
    type Arguments = Hub;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, hub: Hub) -> Result<Self::State, ActorProcessingErr> {
        Ok(TeamsState(Keeper::start(myself, hub).await))
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        TeamsMsg(message): Self::Msg,
        TeamsState(keeper): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        keeper.handle(message).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        TeamsState(keeper): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        keeper.child_event(event);
        Ok(())
    }
}
