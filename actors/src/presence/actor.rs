//! The actor of one team's presence: looks at who has sessions, lets the grace time pass, and tells at most once a tick.

use super::{PresenceHandle, PresenceMarks};
use crate::domain::presence::Presence;
use crate::engine::TopicSnapshot;
use crate::hub::{Hub, Start, fresh_epoch, restart_me};
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::monotonic;
use crate::topics::{Entry, Message, Position};
use homeroom_schema::UserId;
use homeroom_schema::limits::{PRESENCE_NAMED_MAX, TOPIC_TICK};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The actor of one team's presence. Configuration: none.
pub(crate) struct PresenceActor;

/// What it is told.
pub(crate) enum PresenceMsg {
    /// From the hub: something is marked. Safe to repeat.
    Look,
    /// From itself: the pause since the last message, or somebody's grace time, is over. Safe to repeat.
    Tick,
    /// From the hub, with the inbox already attached: where does it start?
    Subscribe {
        /// The position asked for.
        position: Option<Position>,
        /// Where it starts.
        reply: RpcReplyPort<Start>,
    },
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

/// Its state: all of it can be seen again, but for how long ago somebody left.
pub(crate) struct PresenceState {
    hub: Hub,
    handle: Arc<PresenceHandle>,
    life: u64,
    began: Instant,
    presence: Presence,
    members: Vec<UserId>,
    epoch: Arc<str>,
    published_at: Option<Instant>,
    /// When the next tick comes; none while none is under way.
    tick_at: Option<Instant>,
}

impl Actor for PresenceActor {
    type Msg = PresenceMsg;
    type State = PresenceState;
    type Arguments = (Hub, Arc<PresenceHandle>);

    async fn pre_start(
        &self,
        _: ActorRef<PresenceMsg>,
        (hub, handle): (Hub, Arc<PresenceHandle>),
    ) -> Result<PresenceState, ActorProcessingErr> {
        Ok(PresenceState {
            life: handle.gate.begin(),
            began: monotonic(),
            presence: Presence::default(),
            members: Vec::new(),
            epoch: fresh_epoch(),
            published_at: None,
            tick_at: None,
            hub,
            handle,
        })
    }

    async fn post_start(&self, _: ActorRef<PresenceMsg>, state: &mut PresenceState) -> Result<(), ActorProcessingErr> {
        state.load()
    }

    async fn handle(
        &self,
        myself: ActorRef<PresenceMsg>,
        message: PresenceMsg,
        state: &mut PresenceState,
    ) -> Result<(), ActorProcessingErr> {
        state.handle.pulse.begin();
        match message {
            PresenceMsg::Look => {}
            PresenceMsg::Tick => state.tick_at = None,
            PresenceMsg::Subscribe { position, reply } => {
                if let Some(start) = Start::of(&state.handle.topic, position) {
                    // Whoever no longer waits has detached.
                    let _ = reply.send(start);
                }
            }
            #[cfg(feature = "faults")]
            PresenceMsg::Poison(fault) => fault.strike().await,
        }
        state.look(&myself)?;
        state.handle.pulse.end();
        Ok(())
    }
}

impl PresenceState {
    /// Begins with everybody who is there. Nobody can tell who left a moment ago.
    fn load(&mut self) -> Result<(), ActorProcessingErr> {
        let Some((_, sent)) = self.handle.gate.take(self.life) else {
            return Err(restart_me("replaced while starting"));
        };
        self.see_members();
        self.presence.fold(self.now_ms());
        self.begin_anew();
        self.handle.gate.apply(sent);
        Ok(())
    }

    /// Looks at everything marked, tells what is due, and sees to it that the rest is told in time.
    fn look(&mut self, myself: &ActorRef<PresenceMsg>) -> Result<(), ActorProcessingErr> {
        let Some((marks, sent)) = self.handle.gate.take(self.life) else {
            return Err(restart_me("replaced"));
        };
        let renamed = self.apply(&marks);
        let now = monotonic();
        let next_at = self.published_at.map_or(now, |at| at + TOPIC_TICK);
        if renamed {
            self.presence.fold(self.now_ms());
            self.begin_anew();
        } else if next_at <= now {
            self.tell(now);
        }
        self.handle.gate.apply(sent);
        let leave = self.presence.next_leave_ms();
        let leave_at = leave.map(|at_ms| self.began + Duration::from_millis(at_ms));
        let untold_at = self.presence.has_news().then_some(next_at);
        if let Some(due) = leave_at.into_iter().chain(untold_at).min()
            && self.tick_at.is_none_or(|at| due < at)
        {
            self.tick_at = Some(due);
            // Rounded up, so that the grace time is over when it rings.
            let pause = due.saturating_duration_since(now) + Duration::from_millis(1);
            myself.send_after(pause, || PresenceMsg::Tick);
        }
        Ok(())
    }

    /// Whether what is shown or remembered has other names now.
    fn apply(&mut self, marks: &PresenceMarks) -> bool {
        let is_known = |user_id: &UserId| self.presence.shows(*user_id) || self.handle.topic.remembers(user_id.get());
        let renamed = marks.season || marks.renamed.iter().any(is_known);
        if marks.members {
            self.see_members();
        }
        let now_ms = self.now_ms();
        for user_id in &marks.attended {
            if self.members.binary_search(user_id).is_ok() {
                let is_here = self.hub.attendance().is_here(*user_id);
                self.presence.see(*user_id, is_here, now_ms);
            }
        }
        renamed
    }

    fn see_members(&mut self) {
        let roster = self.hub.roster();
        let members = roster.members(self.handle.key).into_iter().map(|member| member.user_id);
        let is_active = |user_id: &UserId| roster.user(*user_id).is_some_and(|user| user.archived_at.is_none());
        self.members = members.filter(is_active).collect();
        self.members.sort_unstable();
        self.presence.keep_only(&self.members);
        let now_ms = self.now_ms();
        for user_id in &self.members {
            self.presence
                .see(*user_id, self.hub.attendance().is_here(*user_id), now_ms);
        }
    }

    fn tell(&mut self, now: Instant) {
        let Some(change) = self.presence.fold(self.now_ms()) else {
            return;
        };
        self.published_at = Some(now);
        if change.joined.len() + change.left.len() > PRESENCE_NAMED_MAX {
            // A snapshot says it in less.
            return self.begin_anew();
        }
        let message = Message::Presence {
            team_id: self.handle.key,
            joined: change.joined,
            left: change.left,
            count: self.presence.count(),
        };
        let offset = self.handle.topic.position().offset + 1;
        let snapshot = self.share();
        let entry = Arc::new(Entry::new(offset, message));
        self.handle.topic.publish_with(&self.epoch, entry, snapshot);
        metrics::counter!("homeroom_topic_messages_total", "kind" => "presence").increment(1);
    }

    /// Readers get who is there in the place of what they have.
    fn begin_anew(&mut self) {
        self.epoch = fresh_epoch();
        let snapshot = self.share();
        self.handle.topic.restart(Arc::clone(&self.epoch), 0, Some(snapshot));
    }

    /// Lets readers of pages see what listeners are told.
    fn share(&self) -> TopicSnapshot {
        *self.handle.shared.write() = Arc::new(self.presence.clone());
        TopicSnapshot::Presence(self.handle.key, Arc::new(self.presence.page(None, PRESENCE_NAMED_MAX)))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(monotonic().duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }
}
