//! One topic: its head, the messages it remembers, the state at its head, and who listens. No encoding, no sockets.

use super::{Entry, Inbox, Position, TopicName, TopicRead};
use crate::engine::TopicSnapshot;
use homeroom_schema::limits::TOPIC_RING_MAX;
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One topic. Published to by its actor alone; read by sessions.
///
/// Two rules keep a reader from missing anything. A session attaches before it learns where it starts, so whatever is
/// published afterwards is noted in its inbox. And a message is in the ring (or the head has passed it) before anybody is
/// woken for it.
pub struct Topic {
    name: TopicName,
    state: RwLock<State>,
    /// By the inbox's number and the session's slot: they are woken in the order in which the sessions came.
    subscribers: Mutex<BTreeMap<(u64, u32), Arc<Inbox>>>,
}

struct State {
    epoch: Arc<str>,
    head: u64,
    /// Messages up to `head`, without holes.
    ring: VecDeque<Arc<Entry>>,
    /// Folding topics: the state at `head`.
    snapshot: Option<TopicSnapshot>,
}

impl Topic {
    /// A topic whose last message was `head`, with nothing remembered.
    #[must_use]
    pub fn new(name: TopicName, epoch: Arc<str>, head: u64) -> Arc<Self> {
        Arc::new(Self {
            name,
            state: RwLock::new(State {
                epoch,
                head,
                ring: VecDeque::new(),
                snapshot: None,
            }),
            subscribers: Mutex::default(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> TopicName {
        self.name
    }

    /// Lets an inbox know of everything from now on, under the session's own number. Attach first, then ask for the
    /// position to start from: the other way round, a message between the two would wake nobody.
    pub fn attach(&self, inbox: &Arc<Inbox>, slot: u32) {
        self.subscribers
            .lock()
            .insert((inbox.number(), slot), Arc::clone(inbox));
    }

    /// Ends a session's hold. Harmless when there is none.
    pub fn detach(&self, inbox: &Arc<Inbox>, slot: u32) {
        if self.subscribers.lock().remove(&(inbox.number(), slot)).is_some() {
            inbox.forget(slot);
        }
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn has_subscribers(&self) -> bool {
        !self.subscribers.lock().is_empty()
    }

    /// Adds the message after the head and wakes who listens. A user topic to which nobody listens only moves its head:
    /// the journal has the message.
    ///
    /// A message that does not follow the head is no message lost: an older one is already there and is left out; one
    /// further ahead makes the topic forget what it remembers, so that readers page the journal.
    pub fn publish(&self, entry: Arc<Entry>) {
        let keep = !matches!(self.name, TopicName::User(_)) || self.has_subscribers();
        if self.state.write().push(entry, keep) {
            self.wake();
        }
    }

    /// Adds the message after the head of a folding topic together with the state after it, and wakes who listens. Says
    /// nothing for an actor whose `epoch` is over.
    pub fn publish_with(&self, epoch: &Arc<str>, entry: Arc<Entry>, snapshot: TopicSnapshot) {
        {
            let mut state = self.state.write();
            if state.epoch != *epoch || !state.push(entry, true) {
                return;
            }
            state.snapshot = Some(snapshot);
        }
        self.wake();
    }

    /// Replaces the state at the head by one that looks the same to readers of messages (only its version differs).
    pub fn set_snapshot(&self, snapshot: TopicSnapshot) {
        self.state.write().snapshot = Some(snapshot);
    }

    /// User topics: the journal has moved on to `offset` without telling this topic each message. The topic forgets what it
    /// remembers; readers are woken and page the journal. Never moves back.
    pub fn set_head(&self, offset: u64) {
        {
            let mut state = self.state.write();
            if offset <= state.head {
                return;
            }
            state.head = offset;
            state.ring.clear();
        }
        self.wake();
    }

    /// Forgets all messages and wakes who listens: whoever is behind the head gets the state in their place.
    pub fn forget(&self) {
        self.state.write().ring.clear();
        self.wake();
    }

    /// Whether a remembered message is about a row or person with this id.
    #[must_use]
    pub fn remembers(&self, id: u64) -> bool {
        let state = self.state.read();
        state.ring.iter().any(|entry| entry.message.is_about(id))
    }

    /// Begins a new life: nothing of the old one is remembered, and readers are told.
    pub fn restart(&self, epoch: Arc<str>, head: u64, snapshot: Option<TopicSnapshot>) {
        *self.state.write() = State {
            epoch,
            head,
            ring: VecDeque::new(),
            snapshot,
        };
        self.wake();
    }

    /// What follows a position, at most `limit` messages.
    #[must_use]
    pub fn read_after(&self, position: &Position, limit: usize) -> TopicRead {
        self.state.read().read_after(position, limit)
    }

    /// Whether everything after a position is still remembered here, so that a reader can go on from it.
    #[must_use]
    pub fn recovers(&self, position: &Position) -> bool {
        let state = self.state.read();
        position.offset <= state.head && matches!(state.read_after(position, 0), TopicRead::Entries(_))
    }

    /// The state at the head, with its position; none for user topics, whose state is their learner's.
    #[must_use]
    pub fn snapshot(&self) -> Option<(Position, TopicSnapshot)> {
        let state = self.state.read();
        let snapshot = state.snapshot.clone()?;
        Some((state.position(), snapshot))
    }

    /// The head: after its last message.
    #[must_use]
    pub fn position(&self) -> Position {
        self.state.read().position()
    }

    fn wake(&self) {
        for ((_, slot), inbox) in &*self.subscribers.lock() {
            inbox.note(*slot);
        }
    }
}

impl std::fmt::Debug for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic")
            .field("name", &self.name)
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

impl State {
    fn position(&self) -> Position {
        Position {
            epoch: Arc::clone(&self.epoch),
            offset: self.head,
        }
    }

    /// Whether the head moved.
    fn push(&mut self, entry: Arc<Entry>, keep: bool) -> bool {
        if entry.offset <= self.head {
            return false;
        }
        if !keep || entry.offset != self.head + 1 {
            self.ring.clear();
        }
        self.head = entry.offset;
        if keep {
            if self.ring.len() == TOPIC_RING_MAX {
                self.ring.pop_front();
            }
            self.ring.push_back(entry);
        }
        true
    }

    fn read_after(&self, position: &Position, limit: usize) -> TopicRead {
        if position.epoch != self.epoch {
            return TopicRead::Restarted;
        }
        if position.offset >= self.head {
            // Ahead of the head: the reader learnt its place from the journal, and the topic comes after.
            return TopicRead::Entries(Vec::new());
        }
        let behind = self.head - position.offset;
        match usize::try_from(behind)
            .ok()
            .and_then(|behind| self.ring.len().checked_sub(behind))
        {
            Some(first) => TopicRead::Entries(self.ring.iter().skip(first).take(limit).cloned().collect()),
            None => TopicRead::Forgotten,
        }
    }
}
