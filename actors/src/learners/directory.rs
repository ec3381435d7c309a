//! The directory: finds the actor of a person, wakes it when it is not awake, and keeps all messages of one person in order.

use super::Context;
use super::actor::{PutAway, UserActor, UserArgs, UserMsg};
use super::pending::{Beside, Reply, Request};
use super::shard::ShardMsg;
use super::slot::Slot;
use crate::domain::Command;
use crate::engine::{Answer, KeyClaim, Subscription, TopicSnapshot};
use crate::error::EngineError;
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::{Tasks, Verdict, monotonic, report_quarantine};
use crate::topics::{Inbox, Position, Topic, TopicName};
use crate::views::{CorrectionOutcome, EarnOutcome, LearnerView, ProgressOutcome};
use arc_swap::ArcSwapOption;
use dashmap::DashMap;
use homeroom_schema::limits::{COMMAND_DEADLINE, LEARNER_SHARDS, READ_DEADLINE};
use homeroom_schema::records::StreamId;
use homeroom_schema::{UserId, Version};
use ractor::{Actor, ActorRef};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Snapshots written in one go at the stop.
const SNAPSHOTS_AT_ONCE: usize = 256;

/// All learners. A clone is another handle to the same ones.
#[derive(Clone)]
pub(crate) struct Learners {
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    slots: DashMap<UserId, Arc<Slot>>,
    shards: Vec<ArcSwapOption<ActorRef<ShardMsg>>>,
    started_at: Instant,
    is_stopping: AtomicBool,
    tasks: Arc<Tasks>,
}

impl Learners {
    /// Nobody is awake, and nobody can be woken until the shards are connected.
    pub(crate) fn new(context: Arc<Context>, tasks: Arc<Tasks>) -> Self {
        let inner = Inner {
            context,
            slots: DashMap::new(),
            shards: (0..LEARNER_SHARDS).map(|_| ArcSwapOption::empty()).collect(),
            started_at: monotonic(),
            is_stopping: AtomicBool::new(false),
            tasks,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Connects a (new) supervisor of a shard.
    pub(super) fn connect(&self, shard: usize, supervisor: ActorRef<ShardMsg>) {
        self.inner.shards[shard].store(Some(Arc::new(supervisor)));
    }

    /// Hands a command to its learner, in the order of the calls.
    pub(crate) async fn earn(
        &self,
        user_id: UserId,
        command: Command,
        is_passed_on: bool,
        key: Option<KeyClaim>,
        answer: Answer<EarnOutcome>,
    ) -> Result<(), EngineError> {
        self.command(
            user_id,
            command,
            is_passed_on,
            key,
            Beside::default(),
            Reply::Earn(answer),
        )
        .await
    }

    /// Hands a manual award to its learner, in the order of the calls.
    pub(crate) async fn grant(
        &self,
        user_id: UserId,
        command: Command,
        beside: Beside,
        key: Option<KeyClaim>,
        answer: Answer<EarnOutcome>,
    ) -> Result<(), EngineError> {
        self.command(user_id, command, false, key, beside, Reply::Earn(answer))
            .await
    }

    /// Hands progress to its learner, in the order of the calls.
    pub(crate) async fn progress(
        &self,
        user_id: UserId,
        command: Command,
        key: Option<KeyClaim>,
        answer: Answer<ProgressOutcome>,
    ) -> Result<(), EngineError> {
        self.command(user_id, command, false, key, Beside::default(), Reply::Progress(answer))
            .await
    }

    /// Hands a correction to its learner, in the order of the calls.
    pub(crate) async fn correct(
        &self,
        user_id: UserId,
        command: Command,
        beside: Beside,
        key: Option<KeyClaim>,
        answer: Answer<CorrectionOutcome>,
    ) -> Result<(), EngineError> {
        self.command(user_id, command, false, key, beside, Reply::Correct(answer))
            .await
    }

    /// Hands what changed rules mean to its learner.
    pub(crate) async fn adjust(
        &self,
        user_id: UserId,
        command: Command,
        answer: Answer<()>,
    ) -> Result<(), EngineError> {
        self.command(user_id, command, false, None, Beside::default(), Reply::Adjust(answer))
            .await
    }

    /// Waits until everybody who is awake has ended the turn that they are in: whatever they decided in it is on its way to
    /// the journal then. Who does not answer has no turn to end.
    pub(crate) async fn turn_over(&self) {
        let slots: Vec<_> = self.inner.slots.iter().map(|entry| Arc::clone(entry.value())).collect();
        for slot in slots {
            let (reply, answered) = oneshot::channel();
            if slot.try_send(UserMsg::GetView { reply }, self.now_ms()).is_ok() {
                let _ = wait(answered).await;
            }
        }
    }

    /// The person was erased: the topic forgets what it remembers, and whoever listens looks at their right again.
    pub(crate) fn forget(&self, user_id: UserId) {
        let slot = self.inner.slots.get(&user_id).map(|slot| Arc::clone(&slot));
        if let Some(slot) = slot {
            slot.topic.forget();
        }
    }

    async fn command(
        &self,
        user_id: UserId,
        command: Command,
        is_passed_on: bool,
        key: Option<KeyClaim>,
        beside: Beside,
        reply: Reply,
    ) -> Result<(), EngineError> {
        let request = Box::new(Request {
            command,
            is_passed_on,
            key,
            beside,
            conflicts: 0,
            reply,
        });
        self.send(user_id, UserMsg::Command(request)).await
    }

    /// The durable state of a learner.
    pub(crate) async fn view(&self, user_id: UserId) -> Result<Arc<LearnerView>, EngineError> {
        let (reply, answered) = oneshot::channel();
        self.send(user_id, UserMsg::GetView { reply }).await?;
        wait(answered).await
    }

    /// How many have a place in the directory.
    pub(crate) fn awake(&self) -> usize {
        self.inner.slots.len()
    }

    /// Attaches an inbox to a learner's topic, and says where it starts.
    pub(crate) async fn subscribe(
        &self,
        user_id: UserId,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        number: u32,
    ) -> Result<Subscription, EngineError> {
        loop {
            let slot = self.slot(user_id);
            // First the ear, then the state: whatever comes after the state is heard.
            slot.topic.attach(inbox, number);
            let (reply, answered) = oneshot::channel();
            let view = match self.send_to(&slot, UserMsg::GetView { reply }).await {
                Ok(None) => wait(answered).await,
                // Put away in between, with its topic: once more with its successor.
                Ok(Some(_)) => {
                    slot.topic.detach(inbox, number);
                    continue;
                }
                Err(error) => Err(error),
            };
            return match view {
                Ok(view) => self.subscription(&slot.topic, position, view).await,
                Err(error) => {
                    slot.topic.detach(inbox, number);
                    Err(error)
                }
            };
        }
    }

    async fn subscription(
        &self,
        topic: &Arc<Topic>,
        position: Option<Position>,
        view: Arc<LearnerView>,
    ) -> Result<Subscription, EngineError> {
        let epoch = &self.inner.context.epoch;
        let mut asked = position.filter(|position| position.epoch == *epoch && position.offset <= view.version.0);
        // The journal has everything from its first fact of this person on; what was before a purge is not there any more.
        if let Some(position) = asked.as_ref().filter(|position| position.offset < view.version.0)
            && position.offset < self.first_offset(view.user_id).await?
        {
            asked = None;
        }
        let recovered = asked.is_some();
        let here = || Position {
            epoch: Arc::clone(epoch),
            offset: view.version.0,
        };
        Ok(Subscription {
            topic: Arc::clone(topic),
            position: asked.unwrap_or_else(here),
            recovered,
            snapshot: (!recovered).then_some(TopicSnapshot::Learner(view)),
        })
    }

    /// The first position after which the journal has every message: 0, unless the history began anew with a carried state.
    async fn first_offset(&self, user_id: UserId) -> Result<u64, EngineError> {
        let context = &self.inner.context;
        let first = context.store.read_stream(StreamId::learner(user_id), Version::ZERO, 1);
        let first = tokio::time::timeout(READ_DEADLINE, first).await;
        let first = first
            .map_err(|_| EngineError::TimedOut)?
            .map_err(|error| context.unavailable(&error))?;
        let carried = first.first().filter(|stored| stored.version > Version(1));
        Ok(carried.map_or(0, |stored| stored.version.0))
    }

    #[cfg(feature = "faults")]
    pub(crate) async fn strike(&self, user_id: UserId, fault: Fault) -> Result<(), EngineError> {
        self.send(user_id, UserMsg::Poison(fault)).await
    }

    #[cfg(feature = "faults")]
    pub(crate) fn strike_shard(&self, user_id: UserId, fault: Fault) {
        if let Some(shard) = &*self.inner.shards[shard_of(user_id)].load() {
            let _ = shard.send_message(ShardMsg::Poison(fault));
        }
    }

    async fn send(&self, user_id: UserId, mut message: UserMsg) -> Result<(), EngineError> {
        loop {
            let slot = self.slot(user_id);
            match self.send_to(&slot, message).await? {
                None => return Ok(()),
                Some(returned) => message = returned,
            }
        }
    }

    /// Sends to whoever lives in a slot, waking if nobody does. Gives the message back when the slot is retired.
    async fn send_to(&self, slot: &Arc<Slot>, message: UserMsg) -> Result<Option<UserMsg>, EngineError> {
        let message = match slot.try_send(message, self.now_ms()) {
            Ok(()) => return Ok(None),
            Err(message) => message,
        };
        let waking = tokio::time::timeout(COMMAND_DEADLINE, slot.waking.lock()).await;
        let _waking = waking.map_err(|_| EngineError::TimedOut)?;
        // Somebody else may have woken it while this one waited.
        let message = match slot.try_send(message, self.now_ms()) {
            Ok(()) => return Ok(None),
            Err(message) => message,
        };
        if slot.is_retired() {
            return Ok(Some(message));
        }
        self.wake(slot).await?;
        // Failed between its start and this message: the caller repeats.
        let sent = slot.try_send(message, self.now_ms());
        sent.map(|()| None).map_err(|_| EngineError::TimedOut)
    }

    /// Wakes a learner; the caller holds `waking`.
    async fn wake(&self, slot: &Arc<Slot>) -> Result<(), EngineError> {
        let started = monotonic();
        if self.inner.is_stopping.load(Ordering::Acquire) {
            return Err(EngineError::Stopping);
        }
        if slot.is_quarantined(started) {
            return Err(EngineError::Overloaded);
        }
        // Ever longer pauses, so that a learner that fails with each command takes no processor from the others.
        if let Some(until) = slot.rests_until() {
            tokio::time::sleep_until(until).await;
        }
        let started = monotonic();
        // Without its shard's supervisor (it is being restarted) nobody can watch over a new actor.
        let shard = self.inner.shards[shard_of(slot.user_id)].load_full();
        let shard = shard.ok_or(EngineError::StoreUnavailable)?;
        let args = UserArgs {
            context: Arc::clone(&self.inner.context),
            slot: Arc::clone(slot),
            behind_fence: slot.has_failed(),
        };
        let spawned = UserActor::spawn_linked(None, UserActor, args, shard.get_cell());
        let spawned = tokio::time::timeout(COMMAND_DEADLINE, spawned).await;
        let actor = match spawned {
            Ok(Ok((actor, _))) => actor,
            Ok(Err(error)) => return Err(self.wake_failed(slot, &error.to_string())),
            Err(_) => return Err(self.wake_failed(slot, "waking took too long")),
        };
        let adopted = ShardMsg::Adopt {
            actor: actor.get_cell(),
            slot: Arc::clone(slot),
        };
        if shard.send_message(adopted).is_err() {
            actor.get_cell().kill();
            return Err(EngineError::StoreUnavailable);
        }
        slot.open(actor);
        metrics::histogram!("homeroom_wake_seconds").record(started.elapsed().as_secs_f64());
        Ok(())
    }

    fn wake_failed(&self, slot: &Slot, cause: &str) -> EngineError {
        tracing::warn!(user_id = %slot.user_id, cause, "a learner could not be woken");
        let verdict = slot.failed(None, monotonic());
        if matches!(verdict, Verdict::Quarantined { .. }) {
            report_quarantine("learner", &slot.user_id, cause);
        }
        EngineError::StoreUnavailable
    }

    /// What starts a look, one at a time, at everybody whom somebody else's fact may have earned something. Whoever cannot
    /// be woken now stays due, and is looked at by the next read.
    pub(crate) fn look_at_due(&self) -> impl Fn() + Send + Sync + 'static {
        // The hub, which keeps this, is part of what the directory holds.
        let inner = Arc::downgrade(&self.inner);
        move || {
            let Some(inner) = inner.upgrade() else { return };
            let learners = Self { inner };
            let tasks = Arc::clone(&learners.inner.tasks);
            tasks.spawn_upkeep(async move {
                let context = Arc::clone(&learners.inner.context);
                while let Some(user_id) = context.hub.library().next_due() {
                    if !context.roster.is_erased(user_id) {
                        let _ = learners.send(user_id, UserMsg::LookAtAchievements).await;
                    }
                }
            });
        }
    }

    /// Wakes learners of a shard to whom somebody listens: after a failure, what was kept unseen has to be shown.
    pub(super) fn wake_listened(&self, slot: Arc<Slot>) {
        if !slot.topic.has_subscribers() {
            return;
        }
        let learners = self.clone();
        self.inner.tasks.spawn_upkeep(async move {
            let (reply, answered) = oneshot::channel();
            if learners.send_to(&slot, UserMsg::GetView { reply }).await.is_ok() {
                let _ = wait(answered).await;
            }
        });
    }

    /// Takes a slot out of the directory.
    pub(super) fn retire(&self, slot: &Arc<Slot>) {
        slot.retire();
        self.inner
            .slots
            .remove_if(&slot.user_id, |_, present| Arc::ptr_eq(present, slot));
    }

    /// The slots of one shard.
    pub(super) fn slots_of(&self, shard: usize) -> Vec<Arc<Slot>> {
        let slots = self.inner.slots.iter();
        let slots = slots.filter(|entry| shard_of(*entry.key()) == shard);
        slots.map(|entry| Arc::clone(entry.value())).collect()
    }

    pub(super) fn context(&self) -> &Context {
        &self.inner.context
    }

    /// Milliseconds since the directory was made: what slots count their last use in.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.inner.started_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn slot(&self, user_id: UserId) -> Arc<Slot> {
        // Two steps, so that finding one takes no exclusive lock.
        if let Some(slot) = self.inner.slots.get(&user_id) {
            return Arc::clone(&slot);
        }
        let slot = self.inner.slots.entry(user_id).or_insert_with(|| {
            let epoch = Arc::clone(&self.inner.context.epoch);
            Arc::new(Slot::new(user_id, Topic::new(TopicName::User(user_id), epoch, 0)))
        });
        Arc::clone(&slot)
    }

    /// Lets everybody finish what is pending, stores the snapshots that are due, and ends the actors. Nobody wakes again.
    pub(crate) async fn stop(&self, deadline: Instant) {
        self.inner.is_stopping.store(true, Ordering::Release);
        let slots: Vec<_> = self.inner.slots.iter().map(|entry| Arc::clone(entry.value())).collect();
        let mut leaving = Vec::with_capacity(slots.len());
        for slot in slots {
            // Nobody is being woken or put away any more, or too late.
            let Ok(_waking) = tokio::time::timeout_at(deadline, slot.waking.lock()).await else {
                continue;
            };
            let Some(actor) = slot.close() else { continue };
            let (reply, answered) = oneshot::channel();
            if actor.send_message(UserMsg::PutAway { is_final: true, reply }).is_ok() {
                leaving.push((actor, answered));
            }
        }
        let mut snapshots = Vec::new();
        for (actor, answered) in leaving {
            match tokio::time::timeout_at(deadline, answered).await {
                Ok(Ok(PutAway::Ready(snapshot))) => snapshots.extend(snapshot),
                _ => tracing::warn!("a learner did not finish before the stop"),
            }
            let _ = actor.drain();
        }
        while !snapshots.is_empty() && monotonic() < deadline {
            let rest = snapshots.split_off(snapshots.len().min(SNAPSHOTS_AT_ONCE));
            let save = self
                .inner
                .context
                .store
                .save_snapshots(std::mem::replace(&mut snapshots, rest));
            if let Ok(Err(error)) = tokio::time::timeout_at(deadline, save).await {
                tracing::warn!(%error, "snapshots were not stored");
            }
        }
    }
}

/// Which shard watches over a person.
pub(super) fn shard_of(user_id: UserId) -> usize {
    usize::try_from(user_id.get() % LEARNER_SHARDS as u64).unwrap_or(0)
}

async fn wait<T>(answered: oneshot::Receiver<Result<T, EngineError>>) -> Result<T, EngineError> {
    match tokio::time::timeout(READ_DEADLINE, answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(EngineError::TimedOut),
    }
}
