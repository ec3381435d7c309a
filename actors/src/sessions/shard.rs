//! One shard: runs its sessions as tasks of its own, ends them when told or when their token is over. Never what they say.

use super::{EndReason, Place, SessionControl, SessionInfo, Sessions};
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::{monotonic, report_failure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use homeroom_schema::TokenId;
use homeroom_schema::limits::ENDED_TOKENS_MAX;
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Tokens are looked at this often; contract: sessions on a token that is over close within a second.
const TICK: Duration = Duration::from_millis(500);
/// How long an ended token is remembered: longer than a session can be on its way here.
const ENDED_TOKEN_KEPT: Duration = Duration::from_secs(60);

/// A session on its way in.
pub(super) struct Opening {
    pub(super) session: u64,
    pub(super) info: SessionInfo,
    pub(super) place: Place,
    pub(super) run: Box<dyn FnOnce(SessionControl) -> BoxFuture<'static, ()> + Send>,
}

/// The tasks of a shard. They outlive a failed shard, so that its sessions can say goodbye; whoever drops the last
/// reference cuts them off.
pub(super) type ShardTasks = Arc<Mutex<JoinSet<()>>>;

/// The actor of one shard. Configuration: none.
pub(super) struct ShardActor;

/// What a shard is told.
pub(super) enum ShardMsg {
    /// From the door: run this session.
    Open(Box<Opening>),
    /// From the session's own task: it has ended.
    Ended { session: u64 },
    /// From the door: this token is over. Safe to repeat.
    EndToken { token_id: TokenId },
    /// From the door: this token is good again, since its person came back. Safe to repeat.
    ReviveToken { token_id: TokenId },
    /// From the door: tell everybody to end. Safe to repeat.
    EndAll { reason: EndReason },
    /// From itself: look for tokens that have ended by themselves.
    ExpiryTick,
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

/// A shard's state. When it is lost, its sessions see that their end of the line is gone, and end.
pub(super) struct ShardState {
    sessions: Sessions,
    tasks: ShardTasks,
    running: HashMap<u64, (SessionInfo, watch::Sender<Option<EndReason>>)>,
    ended_tokens: VecDeque<(TokenId, Instant)>,
}

impl Actor for ShardActor {
    type Msg = ShardMsg;
    type State = ShardState;
    type Arguments = (Sessions, ShardTasks);

    async fn pre_start(
        &self,
        myself: ActorRef<ShardMsg>,
        (sessions, tasks): (Sessions, ShardTasks),
    ) -> Result<ShardState, ActorProcessingErr> {
        myself.send_after(TICK, || ShardMsg::ExpiryTick);
        Ok(ShardState {
            sessions,
            tasks,
            running: HashMap::new(),
            ended_tokens: VecDeque::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ShardMsg>,
        message: ShardMsg,
        state: &mut ShardState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ShardMsg::Open(opening) => state.open(*opening, &myself),
            ShardMsg::Ended { session } => drop(state.running.remove(&session)),
            ShardMsg::EndToken { token_id } => state.end_token(token_id),
            ShardMsg::ReviveToken { token_id } => state.ended_tokens.retain(|(ended, _)| *ended != token_id),
            ShardMsg::EndAll { reason } => state.end_where(reason, |_| true),
            ShardMsg::ExpiryTick => {
                state.tick();
                myself.send_after(TICK, || ShardMsg::ExpiryTick);
            }
            #[cfg(feature = "faults")]
            ShardMsg::Poison(fault) => fault.strike().await,
        }
        Ok(())
    }
}

impl ShardState {
    fn open(&mut self, opening: Opening, myself: &ActorRef<ShardMsg>) {
        let Opening {
            session,
            info,
            place,
            run,
        } = opening;
        let (end, ended) = watch::channel(self.end_at_once(&info));
        self.running.insert(session, (info, end));
        let shard = myself.clone();
        let attending = info.user_id.map(|user_id| self.sessions.attendance().attend(user_id));
        let task = async move {
            // The place is given back last, so that whoever waits for none to be left finds all of them over.
            let _place = place;
            let _attending = attending;
            // Made inside: a panic while it is made is the session's own, too.
            let session_ended = async move { run(SessionControl { end: ended }).await };
            if AssertUnwindSafe(session_ended).catch_unwind().await.is_err() {
                report_failure("session", "a session panicked");
            }
            let _ = shard.cast(ShardMsg::Ended { session });
        };
        self.tasks.lock().spawn(task);
    }

    /// Why a session that comes in has to end already.
    fn end_at_once(&self, info: &SessionInfo) -> Option<EndReason> {
        if self.sessions.is_stopping() {
            return Some(EndReason::Stopping);
        }
        let is_over = self.ended_tokens.iter().any(|(token_id, _)| *token_id == info.token_id);
        is_over.then_some(EndReason::TokenEnded)
    }

    fn end_token(&mut self, token_id: TokenId) {
        if self.ended_tokens.len() == ENDED_TOKENS_MAX {
            self.ended_tokens.pop_front();
        }
        self.ended_tokens.push_back((token_id, monotonic()));
        self.end_where(EndReason::TokenEnded, |info| info.token_id == token_id);
    }

    fn tick(&mut self) {
        // Tasks that have ended are kept until somebody asks for them.
        while self.tasks.lock().try_join_next().is_some() {}
        let now = self.sessions.clock().now();
        self.end_where(EndReason::TokenEnded, |info| {
            info.expires_at.is_some_and(|at| at <= now)
        });
        let forgotten = monotonic().checked_sub(ENDED_TOKEN_KEPT);
        while self
            .ended_tokens
            .front()
            .is_some_and(|(_, at)| forgotten.is_some_and(|until| *at <= until))
        {
            self.ended_tokens.pop_front();
        }
    }

    /// The first reason stands.
    fn end_where(&self, reason: EndReason, concerns: impl Fn(&SessionInfo) -> bool) {
        for (_, end) in self.running.values().filter(|(info, _)| concerns(info)) {
            end.send_if_modified(|ending| {
                let is_first = ending.is_none();
                ending.get_or_insert(reason);
                is_first
            });
        }
    }
}
