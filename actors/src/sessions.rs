//! Live sessions under sharded supervisors: admission, counting, and telling them to end. The sockets themselves are the edge's.

mod attendance;
mod shard;
mod supervisor;

pub use attendance::Attendance;
pub use supervisor::{SessionsMsg, SessionsState, SessionsSupervisor};

use crate::clock::Clock;
use crate::error::EngineError;
use crate::supervision::monotonic;
use futures_util::FutureExt as _;
use homeroom_schema::limits::SESSION_SHARDS;
use homeroom_schema::{TimeMs, TokenId, UserId};
use parking_lot::RwLock;
use ractor::{ActorRef, MessagingErr};
use shard::{Opening, ShardMsg};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use supervisor::StopTree;
use tokio::sync::watch;

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
    end: watch::Receiver<Option<EndReason>>,
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
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    max: usize,
    attendance: Arc<Attendance>,
    count: watch::Sender<usize>,
    next: AtomicU64,
    stopping: AtomicBool,
    shards: [RwLock<Option<ActorRef<ShardMsg>>>; SESSION_SHARDS],
    supervisor: RwLock<Option<ActorRef<SessionsMsg>>>,
}

impl Sessions {
    /// No sessions yet, and never more than `max`. They run once [`SessionsSupervisor`] has started with a clone of this as
    /// its arguments.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, max: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                clock,
                max,
                attendance: Arc::default(),
                count: watch::Sender::new(0),
                next: AtomicU64::new(0),
                stopping: AtomicBool::new(false),
                shards: [const { RwLock::new(None) }; SESSION_SHARDS],
                supervisor: RwLock::new(None),
            }),
        }
    }

    /// Takes a session in and runs it under a shard's supervisor until its future ends. When it panics, it alone ends.
    ///
    /// # Errors
    /// [`EngineError::TooManySessions`] or [`EngineError::Stopping`]; [`EngineError::Overloaded`] while no shard runs; then
    /// `run` is not called.
    pub fn open<F>(
        &self,
        info: SessionInfo,
        run: impl FnOnce(SessionControl) -> F + Send + 'static,
    ) -> Result<(), EngineError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.inner.stopping.load(Ordering::Acquire) {
            return Err(EngineError::Stopping);
        }
        let place = Place::take(&self.inner).ok_or(EngineError::TooManySessions)?;
        let session = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let mut opening = Opening {
            session,
            info,
            place,
            run: Box::new(|control| run(control).boxed()),
        };
        // Shards in turn; one that is being restarted hands the session back, and the next one has it.
        for step in 0..SESSION_SHARDS {
            let index = (session as usize).wrapping_add(step) % SESSION_SHARDS;
            let Some(shard) = self.shard(index) else { continue };
            match shard.cast(ShardMsg::Open(Box::new(opening))) {
                Ok(()) => return Ok(()),
                Err(MessagingErr::SendErr(ShardMsg::Open(back))) => opening = *back,
                Err(_) => return Err(EngineError::Overloaded),
            }
        }
        Err(EngineError::Overloaded)
    }

    /// Who has live sessions.
    #[must_use]
    pub fn attendance(&self) -> &Arc<Attendance> {
        &self.inner.attendance
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        *self.inner.count.borrow()
    }

    /// Ends the sessions of a token, also those that are being opened with it right now.
    pub fn end_token(&self, token_id: TokenId) {
        self.tell_all(|| ShardMsg::EndToken { token_id });
    }

    /// Takes sessions of a token in again that had ended: its person was archived, and came back.
    pub fn revive_token(&self, token_id: TokenId) {
        self.tell_all(|| ShardMsg::ReviveToken { token_id });
    }

    /// Tells all sessions of now to end.
    pub fn end_all(&self, reason: EndReason) {
        self.tell_all(|| ShardMsg::EndAll { reason });
    }

    /// Tells all sessions to end, takes no new ones, and waits until all have ended or the deadline has passed; then the
    /// rest are cut off, and the shards and their supervisor end.
    pub async fn stop(&self, deadline: Duration) {
        self.inner.stopping.store(true, Ordering::Release);
        self.end_all(EndReason::Stopping);
        let until = monotonic() + deadline;
        let mut count = self.inner.count.subscribe();
        if tokio::time::timeout_at(until, count.wait_for(|count| *count == 0))
            .await
            .is_err()
        {
            tracing::warn!(sessions = self.count(), "sessions did not end in time and are cut off");
        }
        let supervisor = self.inner.supervisor.read().clone();
        if let Some(supervisor) = supervisor {
            // No answer means that it has ended already.
            let _ = supervisor.call(StopTree::message, Some(SHARDS_END)).await;
        }
    }

    /// Makes a shard fail, for tests.
    #[cfg(feature = "faults")]
    pub fn strike_shard(&self, index: usize, fault: crate::supervision::Fault) {
        if let Some(shard) = self.shard(index % SESSION_SHARDS) {
            let _ = shard.cast(ShardMsg::Poison(fault));
        }
    }

    fn tell_all(&self, message: impl Fn() -> ShardMsg) {
        for index in 0..SESSION_SHARDS {
            if let Some(shard) = self.shard(index) {
                // A shard that has ended has told its sessions to end.
                let _ = shard.cast(message());
            }
        }
    }

    fn shard(&self, index: usize) -> Option<ActorRef<ShardMsg>> {
        self.inner.shards[index].read().clone()
    }

    fn set_shard(&self, index: usize, shard: Option<ActorRef<ShardMsg>>) {
        *self.inner.shards[index].write() = shard;
    }

    fn set_supervisor(&self, supervisor: ActorRef<SessionsMsg>) {
        *self.inner.supervisor.write() = Some(supervisor);
    }

    fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Acquire)
    }

    fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
}

/// How long shards have to end when their sessions have ended or been cut off.
const SHARDS_END: Duration = Duration::from_secs(1);

/// A session's place among all of them: given back wherever the session gets lost.
struct Place {
    inner: Arc<Inner>,
}

impl Place {
    fn take(inner: &Arc<Inner>) -> Option<Self> {
        let taken = inner.count.send_if_modified(|count| {
            let is_free = *count < inner.max;
            *count += usize::from(is_free);
            is_free
        });
        taken.then(|| Self {
            inner: Arc::clone(inner),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.count.send_modify(|count| *count -= 1);
    }
}
