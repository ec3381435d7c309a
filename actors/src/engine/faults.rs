//! Fail points for tests: actors that can be told to panic on their next message. Not in released programs.

use super::Engine;
use crate::boards::BoardMsg;
use crate::error::EngineError;
use crate::journal::JournalMsg;
use crate::roster::RosterMsg;
use crate::teams::TeamMsg;
use crate::topics::{BoardName, Period};
use homeroom_schema::{TeamId, UserId};

/// Which actor is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoisonTarget {
    /// A learner's; woken for it if need be.
    User(UserId),
    /// The supervisor of a learner's shard.
    LearnerShard(UserId),
    /// A team's, if it is awake.
    Team(TeamId),
    /// A board's, if it is awake.
    Board(BoardName),
    /// The roster's.
    Roster,
    /// The journal's.
    Journal,
    /// A shard of the sessions.
    SessionShard(usize),
}

impl Engine {
    /// Makes an actor panic on its next message.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn poison(&self, target: PoisonTarget) -> Result<(), EngineError> {
        let tree = &self.inner.tree;
        match target {
            PoisonTarget::User(user_id) => tree.learners.poison(user_id).await?,
            PoisonTarget::LearnerShard(user_id) => tree.learners.poison_shard(user_id),
            PoisonTarget::Team(team_id) => {
                if let Some(actor) = tree.hub.teams().get(team_id).and_then(|team| team.actor()) {
                    let _ = actor.send_message(TeamMsg::Poison);
                }
            }
            PoisonTarget::Board(board) => {
                let handle = tree.hub.boards().get((board, Period::All));
                if let Some(actor) = handle.and_then(|board| board.actor()) {
                    let _ = actor.send_message(BoardMsg::Poison);
                }
            }
            PoisonTarget::Roster => tree.roster_queue.send(RosterMsg::Poison),
            PoisonTarget::Journal => tree.context.journal.send(JournalMsg::Poison),
            PoisonTarget::SessionShard(index) => tree.sessions.poison_shard(index),
        }
        Ok(())
    }
}
