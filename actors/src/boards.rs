//! Boards: one actor for each board and period, folding changes and publishing rows. Reads go past the actor.

mod actor;
mod marks;
mod past;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use actor::BoardMsg;
pub(crate) use marks::BoardMarks;
pub(crate) use past::page_at;
pub(crate) use read::page_of;

use crate::domain::board::{Board, Scale, Score};
use crate::hub::{Family, Handle, Hub, Keeper, KeeperMsg, Kind, Span};
use crate::topics::{BoardName, Period, TopicName};
use actor::BoardActor;
use homeroom_schema::limits::BOARDS_MAX;
use marks::RowMark;
use parking_lot::RwLock;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use std::sync::Arc;

/// The kind of actor that a board is.
pub(crate) struct Boards;

pub(crate) type BoardHandle = Handle<Boards>;

impl Kind for Boards {
    const NAME: &'static str = "board";
    const AWAKE_MAX: usize = BOARDS_MAX;
    type Key = (BoardName, Period);
    type Marks = BoardMarks;
    type Shared = BoardShared;
    type Msg = BoardMsg;
    type Keep = BoardsMsg;

    fn reads(cache: &'static str) -> metrics::Counter {
        metrics::counter!("homeroom_board_reads_total", "cache" => cache)
    }

    fn look() -> BoardMsg {
        BoardMsg::Look
    }

    fn topic((board, period): Self::Key) -> TopicName {
        TopicName::Board(board, period)
    }

    async fn spawn(hub: Hub, handle: Arc<BoardHandle>, supervisor: ActorCell) -> Result<ActorRef<BoardMsg>, SpawnErr> {
        let (actor, _) = Actor::spawn_linked(None, BoardActor, (hub, handle), supervisor).await?;
        Ok(actor)
    }

    fn family(hub: &Hub) -> &Family<Self> {
        hub.boards()
    }
}

/// A board as readers see it: changed by its actor alone, a few rows at a time, so that nobody waits long.
#[derive(Default)]
pub(crate) struct BoardShared {
    data: RwLock<BoardData>,
}

/// The rows and where they come from.
pub(crate) struct BoardData {
    /// The life of the board's actor.
    pub(crate) epoch: Arc<str>,
    /// The place in the journal that last changed the board. Always another one when the rows are others.
    pub(crate) version: u64,
    /// What is counted.
    pub(crate) span: Span,
    /// Whether its points are whole numbers.
    pub(crate) scale: Scale,
    /// The rows.
    pub(crate) board: Board,
}

impl Default for BoardData {
    fn default() -> Self {
        Self {
            epoch: "".into(),
            version: 0,
            span: Span::ALL,
            scale: Scale::Whole,
            board: Board::new(),
        }
    }
}

impl BoardData {
    /// Puts a row as it is now, or takes it off. Returns whether that has to be told: then the version is another one,
    /// since marks can come late, and still nobody may see two states under one version.
    fn put(&mut self, id: u64, mark: RowMark, score: Option<Score>) -> bool {
        let is_on = score.is_some() || self.board.score(id).is_some();
        let moved = match score {
            Some(score) => self.board.put(id, score),
            None => self.board.remove(id),
        };
        let version = self.version;
        if moved || (mark.named && is_on) {
            self.version = mark.event_id.max(version + 1);
        } else if mark.scored && is_on {
            // Its score was read here before its mark came.
            self.version = mark.event_id.max(version);
        }
        self.version != version
    }
}

impl BoardShared {
    /// Reads something, with everybody else; keep it short.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&BoardData) -> T) -> T {
        look(&self.data.read())
    }

    /// Changes something, alone; keep it short.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut BoardData) -> T) -> T {
        change(&mut self.data.write())
    }

    /// The rank of a row, and the board's version.
    pub(crate) fn rank(&self, id: u64) -> (Option<u64>, u64) {
        self.read(|data| (data.board.rank(id), data.version))
    }
}

/// What the supervisor of boards is told: by the hub and by itself alone.
pub struct BoardsMsg(KeeperMsg<Boards>);

impl From<KeeperMsg<Boards>> for BoardsMsg {
    fn from(message: KeeperMsg<Boards>) -> Self {
        Self(message)
    }
}

/// The state of the supervisor of boards.
pub struct BoardsState {
    keeper: Keeper<Boards>,
    hub: Hub,
}

/// Watches over all board actors: restarts one that failed, from what is durable. Its arguments are the hub.
pub struct BoardsSupervisor;

impl Actor for BoardsSupervisor {
    type Msg = BoardsMsg;
    type State = BoardsState;
    type Arguments = Hub;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, hub: Hub) -> Result<Self::State, ActorProcessingErr> {
        let keeper = Keeper::start(myself, hub.clone()).await;
        Ok(BoardsState { keeper, hub })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        BoardsMsg(message): Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(message, KeeperMsg::WatchTick) {
            // So a day ends on screens, too, when nobody earns or reads.
            state.hub.look_at_calendar();
        }
        state.keeper.handle(message).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.keeper.child_event(event);
        Ok(())
    }
}
