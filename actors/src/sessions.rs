//! Live sessions under sharded supervisors: admission, counting, and telling them to end. The sockets themselves are the edge's.

use crate::clock::Clock;
use crate::error::EngineError;
use homeroom_schema::{TimeMs, TokenId, UserId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::future::Future;
use std::sync::Arc;

/// Who a session belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionInfo {
    /// The token that opened it.
    pub token_id: TokenId,
    /// The person of that token.
    pub user_id: Option<UserId>,
    /// When the token ends by itself.
    pub expires_at: Option<TimeMs>,
}

/// Why a session has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The node is stopping: come back after a while.
    Stopping,
    /// Its token was revoked or has ended.
    TokenEnded,
    /// Its supervisor failed: come back.
    Restarting,
}

/// A running session's end of the line: tells it when to end.
#[derive(Debug, Clone)]
pub struct SessionControl {
    end: tokio::sync::watch::Receiver<Option<EndReason>>,
}

impl SessionControl {
    /// Waits until the session has to end. Cancel-safe.
    pub async fn ended(&mut self) -> EndReason {
        match self.end.wait_for(Option::is_some).await {
            Ok(reason) => (*reason).unwrap_or(EndReason::Restarting),
            Err(_) => EndReason::Restarting,
        }
    }
}

/// All sessions. A clone is another handle to the same ones.
#[derive(Clone)]
pub struct Sessions {}

#[expect(unused_variables, clippy::unused_async, reason = "sketch")]
impl Sessions {
    /// No sessions yet. They run once [`SessionsSupervisor`] has started with a clone of this as its arguments.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {}
    }

    /// Tells all sessions to end, takes no new ones, and waits until all have ended or the deadline has passed; then the
    /// rest are cut off.
    pub async fn stop(&self, deadline: std::time::Duration) {
        unimplemented!("homeroom sessions")
    }

    /// Tells all sessions of now to end.
    pub fn end_all(&self, reason: EndReason) {
        unimplemented!("homeroom sessions")
    }

    /// Takes a session in and runs it under a shard's supervisor until its future ends.
    ///
    /// # Errors
    /// [`EngineError::TooManySessions`] or [`EngineError::Stopping`]; then `run` is not called.
    pub fn open<F>(
        &self,
        info: SessionInfo,
        run: impl FnOnce(SessionControl) -> F + Send + 'static,
    ) -> Result<(), EngineError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        unimplemented!()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        unimplemented!()
    }

    /// Ends the sessions of a token.
    pub fn end_token(&self, token_id: TokenId) {
        unimplemented!()
    }
}

/// Watches over the shards that watch over the sessions.
pub struct SessionsSupervisor;

/// What the sessions' supervisor is told.
pub enum SessionsMsg {}

impl Actor for SessionsSupervisor {
    type Msg = SessionsMsg;
    type State = Sessions;
    type Arguments = Sessions;

    async fn pre_start(
        &self,
        _myself: ActorRef<SessionsMsg>,
        sessions: Sessions,
    ) -> Result<Sessions, ActorProcessingErr> {
        Ok(sessions)
    }
}
