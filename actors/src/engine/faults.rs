//! Fail points for tests: actors that can be told to panic, or to hang, on their next message. Not in released programs.

use super::{Engine, root::RootMsg};
use crate::boards::BoardMsg;
use crate::error::EngineError;
use crate::journal::JournalMsg;
use crate::presence::PresenceMsg;
use crate::roster::RosterMsg;
use crate::supervision::Fault;
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
    /// The root of the tree.
    Root,
    /// The presence of a team.
    Presence(TeamId),
    /// A shard of the sessions.
    SessionShard(usize),
}

impl Engine {
    /// Makes an actor panic on its next message.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn poison(&self, target: PoisonTarget) -> Result<(), EngineError> {
        self.strike(target, Fault::Panic).await
    }

    /// Makes an actor hang on its next message: it waits for something that never comes.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn hang(&self, target: PoisonTarget) -> Result<(), EngineError> {
        self.strike(target, Fault::Hang).await
    }

    async fn strike(&self, target: PoisonTarget, fault: Fault) -> Result<(), EngineError> {
        let tree = &self.inner.tree;
        match target {
            PoisonTarget::User(user_id) => tree.learners.strike(user_id, fault).await?,
            PoisonTarget::LearnerShard(user_id) => tree.learners.strike_shard(user_id, fault),
            PoisonTarget::Team(team_id) => {
                if let Some(actor) = tree.hub.teams().get(team_id).and_then(|team| team.actor()) {
                    let _ = actor.send_message(TeamMsg::Poison(fault));
                }
            }
            PoisonTarget::Presence(team_id) => {
                let handle = tree.hub.presences().get(team_id);
                if let Some(actor) = handle.and_then(|presence| presence.actor()) {
                    let _ = actor.send_message(PresenceMsg::Poison(fault));
                }
            }
            PoisonTarget::Board(board) => {
                let handle = tree.hub.boards().get((board, Period::All));
                if let Some(actor) = handle.and_then(|board| board.actor()) {
                    let _ = actor.send_message(BoardMsg::Poison(fault));
                }
            }
            PoisonTarget::Roster => tree.roster_queue.send(RosterMsg::Poison(fault)),
            PoisonTarget::Journal => tree.context.journal.send(JournalMsg::Poison(fault)),
            PoisonTarget::Root => drop(self.inner.root.send_message(RootMsg::Poison(fault))),
            PoisonTarget::SessionShard(index) => tree.sessions.strike_shard(index, fault),
        }
        Ok(())
    }
}
