//! Actors of one kind that wake when they are wanted: their directory, and a handle on each. Never what they do.

use crate::engine::TopicSnapshot;
use crate::error::EngineError;
use crate::hub::gate::Gate;
use crate::hub::{Hub, KeeperMsg};
use crate::supervision::{Pulse, monotonic};
use crate::topics::{Inbox, Position, Topic, TopicName};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use homeroom_schema::limits::READ_DEADLINE;
use parking_lot::{Mutex, RwLock};
use ractor::concurrency::Duration;
use ractor::rpc::CallResult;
use ractor::{ActorCell, ActorRef, Message, RpcReplyPort, SpawnErr};
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::time::Instant;

/// One kind of actor: boards or teams.
pub(crate) trait Kind: Sized + Send + Sync + 'static {
    /// What it is called in metrics and logs.
    const NAME: &'static str;
    /// How many may be awake; at the bound callers are answered that the node is overloaded.
    const AWAKE_MAX: usize;
    /// Which one.
    type Key: Copy + Eq + Hash + Debug + Send + Sync + 'static;
    /// What can be marked for it.
    type Marks: Default + Send + 'static;
    /// What readers look at without asking the actor.
    type Shared: Default + Send + Sync + 'static;
    /// What it is told.
    type Msg: Message;
    /// What its supervisor is told.
    type Keep: Message + From<KeeperMsg<Self>>;

    /// The counter of reads, by whether what they show was made already (`hit`) or not (`miss`).
    fn reads(cache: &'static str) -> metrics::Counter;

    /// The message that says: look at your marks.
    fn look() -> Self::Msg;
    /// Its topic.
    fn topic(key: Self::Key) -> TopicName;
    /// Starts the actor. It must load in `post_start`, so that its supervisor does not wait.
    fn spawn(
        hub: Hub,
        handle: Arc<Handle<Self>>,
        supervisor: ActorCell,
    ) -> impl Future<Output = Result<ActorRef<Self::Msg>, SpawnErr>> + Send;
    /// Its family in the hub.
    fn family(hub: &Hub) -> &Family<Self>;
}

/// One actor as others see it. It outlives restarts of the actor.
pub(crate) struct Handle<K: Kind> {
    /// Which one.
    pub(crate) key: K::Key,
    /// What waits to be applied.
    pub(crate) gate: Gate<K::Marks>,
    /// Its topic.
    pub(crate) topic: Arc<Topic>,
    /// What readers look at.
    pub(crate) shared: K::Shared,
    /// Of its present actor.
    pub(crate) pulse: Pulse,
    marked: metrics::Counter,
    hits: metrics::Counter,
    misses: metrics::Counter,
    actor: RwLock<Option<ActorRef<K::Msg>>>,
    quarantined: AtomicBool,
    used: Mutex<Instant>,
}

/// What a subscription starts from, as its actor says.
pub(crate) struct Start {
    /// After this the messages follow.
    pub(crate) position: Position,
    /// Whether the position asked for was good.
    pub(crate) recovered: bool,
    /// The state at `position`, unless recovered.
    pub(crate) snapshot: Option<TopicSnapshot>,
}

impl Start {
    /// Where a subscriber starts who asks for this position: there, if everything after it is remembered, else at the head
    /// with its state. None before the actor has loaded.
    pub(crate) fn of(topic: &Topic, asked: Option<Position>) -> Option<Self> {
        if let Some(position) = asked.filter(|position| topic.recovers(position)) {
            return Some(Self {
                position,
                recovered: true,
                snapshot: None,
            });
        }
        let (position, snapshot) = topic.snapshot()?;
        Some(Self {
            position,
            recovered: false,
            snapshot: Some(snapshot),
        })
    }
}

/// The actors of one kind that are awake.
pub(crate) struct Family<K: Kind> {
    awake: DashMap<K::Key, Arc<Handle<K>>>,
    count: AtomicUsize,
    stopping: AtomicBool,
    keeper: RwLock<Option<ActorRef<K::Keep>>>,
}

impl<K: Kind> Handle<K> {
    fn new(key: K::Key) -> Arc<Self> {
        Arc::new(Self {
            key,
            gate: Gate::new(),
            // An epoch of its own, so that no position of an earlier life fits before the actor has loaded.
            topic: Topic::new(K::topic(key), super::fresh_epoch(), 0),
            shared: K::Shared::default(),
            pulse: Pulse::default(),
            marked: metrics::counter!("homeroom_topic_changes_total", "kind" => K::NAME),
            hits: K::reads("hit"),
            misses: K::reads("miss"),
            actor: RwLock::new(None),
            quarantined: AtomicBool::new(false),
            used: Mutex::new(monotonic()),
        })
    }

    /// Marks something and wakes the actor.
    pub(crate) fn mark(&self, note: impl FnOnce(&mut K::Marks)) {
        self.marked.increment(1);
        if self.gate.mark(note) {
            self.look();
        }
    }

    /// Marks something, and wakes the actor only if somebody listens: otherwise the next reader does. Subscribers attach
    /// before their actor looks, so either it sees this mark or this sees them.
    pub(crate) fn mark_lazily(&self, note: impl FnOnce(&mut K::Marks)) {
        self.marked.increment(1);
        if self.gate.mark(note) && self.topic.has_subscribers() {
            self.look();
        }
    }

    /// Wakes the actor. One that has no life now looks when it has loaded.
    pub(crate) fn look(&self) {
        if let Some(actor) = &*self.actor.read() {
            // A failed cast means that the actor has ended: its next life loads everything.
            let _ = actor.cast(K::look());
        }
    }

    /// The same for a reader: counts whether it was made already.
    pub(crate) async fn read(&self) -> Result<(), EngineError> {
        let is_hit = self.gate.is_applied(self.gate.sent());
        let reads = if is_hit { &self.hits } else { &self.misses };
        reads.increment(1);
        self.fresh().await
    }

    /// Waits until everything marked before the call can be read.
    pub(crate) async fn fresh(&self) -> Result<(), EngineError> {
        let sent = self.gate.sent();
        if self.gate.is_applied(sent) {
            return Ok(());
        }
        if self.quarantined.load(Ordering::Acquire) {
            return Err(EngineError::Overloaded);
        }
        self.look();
        tokio::time::timeout(READ_DEADLINE, self.gate.applied(sent))
            .await
            .map_err(|_| EngineError::TimedOut)
    }

    /// Asks the actor, again if it fails before it answers, until the deadline.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        deadline: Duration,
        message: impl Fn(RpcReplyPort<T>) -> K::Msg + Send + Sync,
    ) -> Result<T, EngineError> {
        let asked = async {
            loop {
                self.fresh().await?;
                let actor = self.actor.read().clone();
                if let Some(actor) = actor
                    && let Ok(CallResult::Success(answer)) = actor.call(&message, None).await
                {
                    return Ok(answer);
                }
                // It failed with the question: its supervisor is about to notice.
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        tokio::time::timeout(deadline, asked)
            .await
            .unwrap_or(Err(EngineError::TimedOut))
    }

    /// Attaches an inbox and has the actor say where it starts.
    pub(crate) async fn subscribe(
        &self,
        inbox: &Arc<Inbox>,
        slot: u32,
        message: impl Fn(RpcReplyPort<Start>) -> K::Msg + Send + Sync,
    ) -> Result<Start, EngineError> {
        let attached = Attached::new(&self.topic, inbox, slot);
        let start = self.ask(READ_DEADLINE, message).await?;
        attached.keep();
        Ok(start)
    }

    /// The actor's present life.
    pub(crate) fn actor(&self) -> Option<ActorRef<K::Msg>> {
        self.actor.read().clone()
    }

    pub(super) fn set_actor(&self, actor: Option<ActorRef<K::Msg>>) {
        *self.actor.write() = actor;
    }

    pub(super) fn set_quarantined(&self, quarantined: bool) {
        self.quarantined.store(quarantined, Ordering::Release);
    }

    fn touch(&self) {
        *self.used.lock() = monotonic();
    }

    fn is_idle(&self, now: Instant, idle: Duration) -> bool {
        now.duration_since(*self.used.lock()) >= idle && !self.topic.has_subscribers()
    }
}

/// The pause before an actor that failed with a question is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// An inbox that is attached until its subscription fails; then nothing of it stays behind.
struct Attached<'a> {
    hold: Option<(&'a Topic, &'a Arc<Inbox>, u32)>,
}

impl<'a> Attached<'a> {
    fn new(topic: &'a Topic, inbox: &'a Arc<Inbox>, slot: u32) -> Self {
        topic.attach(inbox, slot);
        Self {
            hold: Some((topic, inbox, slot)),
        }
    }

    fn keep(mut self) {
        self.hold = None;
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        if let Some((topic, inbox, slot)) = self.hold {
            topic.detach(inbox, slot);
        }
    }
}

impl<K: Kind> Family<K> {
    pub(super) fn new() -> Self {
        Self {
            awake: DashMap::new(),
            count: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            keeper: RwLock::new(None),
        }
    }

    /// The actor of a key if it is awake.
    pub(crate) fn get(&self, key: K::Key) -> Option<Arc<Handle<K>>> {
        self.awake.get(&key).map(|handle| Arc::clone(&handle))
    }

    /// The actor of a key, woken if need be.
    pub(crate) fn wake(&self, key: K::Key) -> Result<Arc<Handle<K>>, EngineError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(EngineError::Stopping);
        }
        if let Some(handle) = self.get(key) {
            handle.touch();
            return Ok(handle);
        }
        let handle = match self.awake.entry(key) {
            Entry::Occupied(entry) => return Ok(Arc::clone(entry.get())),
            Entry::Vacant(entry) => {
                if self.count.fetch_add(1, Ordering::AcqRel) >= K::AWAKE_MAX {
                    self.count.fetch_sub(1, Ordering::AcqRel);
                    return Err(EngineError::Overloaded);
                }
                Arc::clone(&entry.insert(Handle::new(key)))
            }
        };
        metrics::gauge!("homeroom_awake", "kind" => K::NAME).set(self.count.load(Ordering::Relaxed) as f64);
        if let Some(keeper) = &*self.keeper.read() {
            // A failed cast means that the keeper has ended: its next life wakes all that are in the directory.
            let _ = keeper.cast(KeeperMsg::Wake(key).into());
        }
        Ok(handle)
    }

    /// All that are awake.
    pub(crate) fn awake(&self) -> Vec<Arc<Handle<K>>> {
        self.awake.iter().map(|entry| Arc::clone(entry.value())).collect()
    }

    /// Calls `each` with every handle. It must not come back to this family.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&Handle<K>)) {
        for entry in &self.awake {
            each(entry.value());
        }
    }

    /// The keys of all that are awake.
    pub(super) fn keys(&self) -> Vec<K::Key> {
        self.awake.iter().map(|entry| *entry.key()).collect()
    }

    /// Takes an idle one out of the directory, for its keeper to end. Nobody holds it then: the directory has one
    /// reference, the actor another, and a third can only be made under the directory's lock, which this holds.
    pub(super) fn put_away(&self, key: K::Key, now: Instant, idle: Duration) -> Option<Arc<Handle<K>>> {
        let (_, handle) = self.awake.remove_if(&key, |_, handle| {
            Arc::strong_count(handle) <= 2 && handle.is_idle(now, idle)
        })?;
        let count = self.count.fetch_sub(1, Ordering::AcqRel) - 1;
        metrics::gauge!("homeroom_awake", "kind" => K::NAME).set(count as f64);
        Some(handle)
    }

    pub(super) fn set_keeper(&self, keeper: ActorRef<K::Keep>) {
        *self.keeper.write() = Some(keeper);
    }

    /// Takes no more calls, and lets the keeper end its actors and then itself. What is not done by then is cut off by
    /// whoever ends the tree.
    pub(super) async fn stop(&self, deadline: Duration) {
        self.stopping.store(true, Ordering::Release);
        let keeper = self.keeper.read().clone();
        if let Some(keeper) = keeper {
            // No answer means that it has ended already, or that time is up.
            let _ = keeper
                .call(|reply| KeeperMsg::Stop { reply }.into(), Some(deadline))
                .await;
        }
    }
}
