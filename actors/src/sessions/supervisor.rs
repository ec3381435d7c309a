//! Watches over the shards: restarts one that failed, and ends all at the stop.

use super::Sessions;
use super::shard::{ShardActor, ShardTasks};
use crate::supervision::{Restarts, Verdict, monotonic, report_failure, report_quarantine};
use homeroom_schema::limits::SESSION_SHARDS;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::HashMap;

/// Watches over the shards that watch over the sessions. Its arguments are the sessions.
pub struct SessionsSupervisor;

/// What the sessions' supervisor is told: by the sessions' door and by itself alone.
pub struct SessionsMsg(Inside);

enum Inside {
    RestartTick { index: usize },
    Stop(StopTree),
}

/// Cut off what still runs, end all shards, answer, and end.
pub(super) struct StopTree {
    reply: RpcReplyPort<()>,
}

impl StopTree {
    pub(super) fn message(reply: RpcReplyPort<()>) -> SessionsMsg {
        SessionsMsg(Inside::Stop(Self { reply }))
    }
}

/// The state of the sessions' supervisor.
pub struct SessionsState {
    sessions: Sessions,
    shards: HashMap<ActorId, usize>,
    tasks: Vec<ShardTasks>,
    restarts: [Restarts; SESSION_SHARDS],
    stopping: Option<RpcReplyPort<()>>,
}

impl Actor for SessionsSupervisor {
    type Msg = SessionsMsg;
    type State = SessionsState;
    type Arguments = Sessions;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionsMsg>,
        sessions: Sessions,
    ) -> Result<SessionsState, ActorProcessingErr> {
        sessions.set_supervisor(myself.clone());
        let mut state = SessionsState {
            sessions,
            shards: HashMap::new(),
            tasks: std::iter::repeat_with(ShardTasks::default)
                .take(SESSION_SHARDS)
                .collect(),
            restarts: std::array::from_fn(|_| Restarts::default()),
            stopping: None,
        };
        for index in 0..SESSION_SHARDS {
            state.start(&myself, index).await;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionsMsg>,
        SessionsMsg(message): SessionsMsg,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Inside::RestartTick { index } => state.start(&myself, index).await,
            Inside::Stop(StopTree { reply }) => state.stop(&myself, reply).await,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SessionsMsg>,
        event: SupervisionEvent,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(shard, cause) => state.ended(&myself, shard.get_id(), &cause.to_string()),
            SupervisionEvent::ActorTerminated(shard, _, _) => state.ended(&myself, shard.get_id(), "it ended"),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl SessionsState {
    async fn start(&mut self, myself: &ActorRef<SessionsMsg>, index: usize) {
        if self.stopping.is_some() {
            return;
        }
        let arguments = (self.sessions.clone(), ShardTasks::clone(&self.tasks[index]));
        match Actor::spawn_linked(None, ShardActor, arguments, myself.get_cell()).await {
            Ok((shard, _)) => {
                self.shards.insert(shard.get_id(), index);
                self.sessions.set_shard(index, Some(shard));
            }
            Err(error) => self.failed(myself, index, &error.to_string()),
        }
    }

    fn ended(&mut self, myself: &ActorRef<SessionsMsg>, shard: ActorId, cause: &str) {
        let Some(index) = self.shards.remove(&shard) else {
            return;
        };
        self.sessions.set_shard(index, None);
        if self.stopping.is_none() {
            self.failed(myself, index, cause);
        }
        self.end_if_done(myself);
    }

    fn failed(&mut self, myself: &ActorRef<SessionsMsg>, index: usize, cause: &str) {
        report_failure("session_shard", cause);
        let now = monotonic();
        let pause = match self.restarts[index].failed(now) {
            Verdict::RestartAfter(pause) => pause,
            Verdict::Quarantined { until } => {
                // Others take its sessions meanwhile.
                report_quarantine("session_shard", &index, cause);
                until.duration_since(now)
            }
        };
        myself.send_after(pause, move || SessionsMsg(Inside::RestartTick { index }));
    }

    async fn stop(&mut self, myself: &ActorRef<SessionsMsg>, reply: RpcReplyPort<()>) {
        self.stopping = Some(reply);
        for tasks in self.tasks.drain(..) {
            let mut rest = std::mem::take(&mut *tasks.lock());
            rest.shutdown().await;
        }
        for shard in myself.get_children() {
            let _ = shard.drain();
        }
        self.end_if_done(myself);
    }

    fn end_if_done(&mut self, myself: &ActorRef<SessionsMsg>) {
        if !self.shards.is_empty() {
            return;
        }
        if let Some(reply) = self.stopping.take() {
            let _ = reply.send(());
            let _ = myself.drain();
        }
    }
}
