//! Teams: one actor for each awake team, keeping its facts and its performance.

use crate::hub::Hub;
use ractor::{Actor, ActorProcessingErr, ActorRef};

/// Watches over all team actors: restarts one that failed, from what is durable.
pub struct TeamsSupervisor;

/// What the teams' supervisor is told.
pub enum TeamsMsg {}

impl Actor for TeamsSupervisor {
    type Msg = TeamsMsg;
    type State = Hub;
    type Arguments = Hub;

    async fn pre_start(&self, _myself: ActorRef<TeamsMsg>, hub: Hub) -> Result<Hub, ActorProcessingErr> {
        Ok(hub)
    }
}
