//! Presence: one actor for each team whose presence somebody watches. Who has live sessions is known to the sessions; what
//! an actor adds is the grace time, and telling changes.

mod actor;

pub(crate) use actor::PresenceMsg;

use crate::domain::presence::Presence;
use crate::hub::{Family, Handle, Hub, Keeper, KeeperMsg, Kind};
use crate::topics::TopicName;
use actor::PresenceActor;
use homeroom_schema::limits::TEAMS_AWAKE_MAX;
use homeroom_schema::{TeamId, UserId};
use parking_lot::RwLock;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The kind of actor that a team's presence is.
pub(crate) struct Presences;

pub(crate) type PresenceHandle = Handle<Presences>;

/// What has to be looked at again. At most as many people as have sessions.
#[derive(Debug, Default)]
pub(crate) struct PresenceMarks {
    /// Whose first session began or last one ended.
    attended: BTreeSet<UserId>,
    /// Who is a member may have changed.
    members: bool,
    /// Whose name or alias may have changed, or who was erased.
    renamed: BTreeSet<UserId>,
    /// Everybody may have another name.
    season: bool,
}

impl PresenceMarks {
    /// A person's first session began, or the last one ended.
    pub(crate) fn attended(&mut self, user_id: UserId) {
        self.attended.insert(user_id);
    }

    /// People may have other names now, or none.
    pub(crate) fn renamed(&mut self, user_ids: &[UserId]) {
        self.members = true;
        self.renamed.extend(user_ids);
    }

    /// A season began or ended: pseudonyms are others.
    pub(crate) fn season(&mut self) {
        self.season = true;
    }
}

impl Kind for Presences {
    const NAME: &'static str = "presence";
    const AWAKE_MAX: usize = TEAMS_AWAKE_MAX;
    type Key = TeamId;
    type Marks = PresenceMarks;
    type Shared = RwLock<Arc<Presence>>;
    type Msg = PresenceMsg;
    type Keep = PresencesMsg;

    fn reads(cache: &'static str) -> metrics::Counter {
        metrics::counter!("homeroom_presence_reads_total", "cache" => cache)
    }

    fn look() -> PresenceMsg {
        PresenceMsg::Look
    }

    fn topic(team_id: TeamId) -> TopicName {
        TopicName::Presence(team_id)
    }

    async fn spawn(
        hub: Hub,
        handle: Arc<PresenceHandle>,
        supervisor: ActorCell,
    ) -> Result<ActorRef<PresenceMsg>, SpawnErr> {
        let (actor, _) = Actor::spawn_linked(None, PresenceActor, (hub, handle), supervisor).await?;
        Ok(actor)
    }

    fn family(hub: &Hub) -> &Family<Self> {
        hub.presences()
    }
}

/// What the supervisor of presence is told: by the hub and by itself alone.
pub struct PresencesMsg(KeeperMsg<Presences>);

impl From<KeeperMsg<Presences>> for PresencesMsg {
    fn from(message: KeeperMsg<Presences>) -> Self {
        Self(message)
    }
}

/// The state of the supervisor of presence.
pub struct PresencesState(Keeper<Presences>);

/// Watches over the actors of presence: restarts one that failed, from who is there. Its arguments are the hub.
pub struct PresencesSupervisor;

impl Actor for PresencesSupervisor {
    type Msg = PresencesMsg;
    type State = PresencesState;
    type Arguments = Hub;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, hub: Hub) -> Result<Self::State, ActorProcessingErr> {
        Ok(PresencesState(Keeper::start(myself, hub).await))
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        PresencesMsg(message): Self::Msg,
        PresencesState(keeper): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        keeper.handle(message).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        PresencesState(keeper): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        keeper.child_event(event);
        Ok(())
    }
}
