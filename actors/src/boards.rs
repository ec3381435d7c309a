//! Boards: one actor for each board and period, folding changes and publishing rows.

use crate::hub::Hub;
use ractor::{Actor, ActorProcessingErr, ActorRef};

/// Watches over all board actors: restarts one that failed, from what is durable.
pub struct BoardsSupervisor;

/// What the boards' supervisor is told.
pub enum BoardsMsg {}

impl Actor for BoardsSupervisor {
    type Msg = BoardsMsg;
    type State = Hub;
    type Arguments = Hub;

    async fn pre_start(&self, _myself: ActorRef<BoardsMsg>, hub: Hub) -> Result<Hub, ActorProcessingErr> {
        Ok(hub)
    }
}
