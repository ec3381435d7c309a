//! One person's place in the directory: the way to the actor while awake, the topic, and the history of failures.

use super::UserMsg;
use crate::supervision::{Pulse, Restarts, Verdict};
use crate::topics::Topic;
use homeroom_schema::UserId;
use parking_lot::Mutex;
use ractor::{ActorId, ActorRef};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::time::Instant;

/// A place in the directory. The lock inside is never held across an await.
pub(crate) struct Slot {
    pub(super) user_id: UserId,
    pub(super) topic: Arc<Topic>,
    /// Held while the learner is woken or put away, so that there is never more than one actor.
    pub(super) waking: tokio::sync::Mutex<()>,
    /// Of the present actor.
    pub(super) pulse: Arc<Pulse>,
    // When it was last used, in milliseconds of the directory's own count.
    used_at_ms: AtomicU64,
    // Out of the directory: whoever still holds it looks up a new one.
    is_retired: AtomicBool,
    life: Mutex<Life>,
}

#[derive(Default)]
struct Life {
    actor: Option<ActorRef<UserMsg>>,
    // The last actor failed, so that something of it may still be on its way through the writer.
    has_failed: bool,
    // After a failure: not to be woken before.
    rests_until: Option<Instant>,
    restarts: Restarts,
}

impl Slot {
    pub(super) fn new(user_id: UserId, topic: Arc<Topic>) -> Self {
        Self {
            user_id,
            topic,
            waking: tokio::sync::Mutex::default(),
            pulse: Arc::default(),
            used_at_ms: AtomicU64::new(0),
            is_retired: AtomicBool::new(false),
            life: Mutex::default(),
        }
    }

    /// Hands a message to the actor, in order of the calls. Gives it back when nobody is awake.
    pub(super) fn try_send(&self, message: UserMsg, now_ms: u64) -> Result<(), UserMsg> {
        self.used_at_ms.store(now_ms, Ordering::Relaxed);
        let mut life = self.life.lock();
        let Some(actor) = &life.actor else {
            return Err(message);
        };
        match actor.send_message(message) {
            Ok(()) => Ok(()),
            Err(ractor::MessagingErr::SendErr(message)) => {
                // Dead before its supervisor has told: the next one goes behind the fence.
                life.actor = None;
                life.has_failed = true;
                Err(message)
            }
            Err(_) => unreachable!("a local actor takes its own messages"),
        }
    }

    /// Lets an actor receive.
    pub(super) fn open(&self, actor: ActorRef<UserMsg>) {
        let mut life = self.life.lock();
        life.actor = Some(actor);
        life.has_failed = false;
    }

    /// Lets an actor receive again that was not put away after all.
    pub(super) fn open_again(&self, actor: ActorRef<UserMsg>) {
        self.life.lock().actor = Some(actor);
    }

    /// Takes the way to the actor away: whatever was sent before is in its mailbox, nothing comes after.
    pub(super) fn close(&self) -> Option<ActorRef<UserMsg>> {
        self.life.lock().actor.take()
    }

    /// Whether the next actor goes behind the fence.
    pub(super) fn has_failed(&self) -> bool {
        self.life.lock().has_failed
    }

    /// Notes that an actor, or a wake, has failed.
    pub(super) fn failed(&self, actor: Option<ActorId>, now: Instant) -> Verdict {
        let mut life = self.life.lock();
        let is_other = life
            .actor
            .as_ref()
            .is_some_and(|awake| actor.is_some_and(|failed| failed != awake.get_id()));
        if !is_other {
            life.actor = None;
            life.has_failed = true;
        }
        let verdict = life.restarts.failed(now);
        life.rests_until = match verdict {
            Verdict::RestartAfter(pause) => Some(now + pause),
            Verdict::Quarantined { .. } => None,
        };
        verdict
    }

    /// After a failure: when it may be woken again.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        self.life.lock().rests_until
    }

    /// Whether it failed too often, and is left alone for a while.
    pub(super) fn is_quarantined(&self, now: Instant) -> bool {
        self.life.lock().restarts.is_quarantined(now)
    }

    pub(super) fn used_at_ms(&self) -> u64 {
        self.used_at_ms.load(Ordering::Relaxed)
    }

    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }
}
