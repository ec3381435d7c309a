//! The actor of one awake learner: messages in, the rest is [`super::user::User`].

use super::Context;
use super::load;
use super::pending::{Request, ViewReply};
use super::slot::Slot;
use super::user::User;
use crate::journal::Lineage;
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::monotonic;
use homeroom_schema::StoreError;
use homeroom_schema::limits::COMMAND_DEADLINE;
use homeroom_schema::records::{AppendOutcome, SnapshotRecord};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Configuration only.
pub(super) struct UserActor;

/// What a learner wakes with.
pub(super) struct UserArgs {
    pub(super) context: Arc<Context>,
    pub(super) slot: Arc<Slot>,
    /// After a failure: something of this learner may still be on its way through the writer.
    pub(super) behind_fence: bool,
}

/// The state of the actor.
pub(super) struct UserState {
    user: User,
    // Somebody waits for the learner to be settled for good.
    leaving: Option<oneshot::Sender<PutAway>>,
}

/// Messages to a learner's actor.
pub(super) enum UserMsg {
    /// From the edge. Answered when durable. Safe to repeat by natural key and idempotency key.
    Command(Box<Request>),
    /// From the journal: what became of the oldest submission of this lineage.
    Committed {
        lineage: Lineage,
        outcome: Result<AppendOutcome, StoreError>,
    },
    /// From the edge: durable state, with every achievement that is earned by now. Safe to repeat.
    GetView { reply: ViewReply },
    /// From the directory: somebody else's fact may have earned something. Safe to repeat.
    LookAtAchievements,
    /// From the shard, when nobody can send any more: may the learner be put away? If `is_final`, answered when it may.
    PutAway {
        is_final: bool,
        reply: oneshot::Sender<PutAway>,
    },
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

/// Whether a learner can be put away.
#[derive(Debug)]
pub(super) enum PutAway {
    /// Something waits for its commit.
    Busy,
    /// Nothing will come any more; with a snapshot, if one is due.
    Ready(Option<SnapshotRecord>),
}

impl Actor for UserActor {
    type Msg = UserMsg;
    type State = UserState;
    type Arguments = UserArgs;

    async fn pre_start(&self, _: ActorRef<UserMsg>, args: UserArgs) -> Result<UserState, ActorProcessingErr> {
        let UserArgs {
            context,
            slot,
            behind_fence,
        } = args;
        if behind_fence {
            context.journal.fence(monotonic() + COMMAND_DEADLINE).await?;
        }
        let loaded = load::load(&*context.store, slot.user_id).await;
        let (durable, snapshot_version) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return Err(context.unavailable(&error).into()),
        };
        // Readers who are behind page the journal.
        slot.topic.set_head(durable.version.0);
        // One that failed may have left it in a turn.
        slot.pulse.end();
        let places = (Arc::clone(&slot.topic), Arc::clone(&slot.pulse));
        let user = User::new(context, places, durable, snapshot_version);
        Ok(UserState { user, leaving: None })
    }

    async fn handle(
        &self,
        myself: ActorRef<UserMsg>,
        message: UserMsg,
        state: &mut UserState,
    ) -> Result<(), ActorProcessingErr> {
        let pulse = Arc::clone(state.user.pulse());
        pulse.begin();
        match message {
            UserMsg::Command(request) => state.user.command(&myself, request).await,
            UserMsg::Committed { lineage, outcome } => {
                state.user.committed(&myself, &lineage, outcome).await;
                state.leave_if_settled();
            }
            UserMsg::GetView { reply } => {
                state.user.read(&myself, reply);
            }
            UserMsg::LookAtAchievements => state.user.look_at_achievements(&myself),
            UserMsg::PutAway { is_final, reply } => {
                if is_final {
                    state.leaving = Some(reply);
                    state.leave_if_settled();
                } else {
                    let _ = reply.send(state.put_away());
                }
            }
            #[cfg(feature = "faults")]
            UserMsg::Poison(fault) => fault.strike().await,
        }
        pulse.end();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<UserMsg>,
        _: SupervisionEvent,
        _: &mut UserState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl UserState {
    fn put_away(&self) -> PutAway {
        if self.user.is_settled() {
            PutAway::Ready(self.user.snapshot_if_due())
        } else {
            PutAway::Busy
        }
    }

    fn leave_if_settled(&mut self) {
        if self.user.is_settled()
            && let Some(reply) = self.leaving.take()
        {
            let _ = reply.send(self.put_away());
        }
    }
}
