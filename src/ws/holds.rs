//! What one session holds on to: its topics, how far it has read each, and whose turn it is. No encoding, no sockets.

use homeroom_actors::Lens;
use homeroom_actors::topics::{Inbox, Position, Topic, TopicName};
use homeroom_schema::limits::LAG_MESSAGE_BYTES;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// An inbox attached to a topic; dropping it detaches.
pub(super) struct Attachment {
    topic: Arc<Topic>,
    inbox: Arc<Inbox>,
    slot: u32,
    armed: bool,
}

impl Attachment {
    /// What the engine has attached.
    pub(super) fn new(topic: Arc<Topic>, inbox: &Arc<Inbox>, slot: u32) -> Self {
        Self {
            topic,
            inbox: Arc::clone(inbox),
            slot,
            armed: true,
        }
    }

    pub(super) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Takes the place of an older one under the same slot. On the same topic there is only one attachment, which goes on.
    fn replace(&mut self, newer: Self) {
        let mut older = std::mem::replace(self, newer);
        older.armed = !Arc::ptr_eq(&older.topic, &self.topic);
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if self.armed {
            self.topic.detach(&self.inbox, self.slot);
        }
    }
}

/// What a hold is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Reading what the topic remembers.
    Following,
    /// Waiting for a page of the journal or a snapshot; live messages wait their turn.
    Fetching,
    /// Being asked for anew: silent until that is answered.
    Paused,
}

/// One topic of a session.
pub(super) struct Hold {
    pub(super) name: TopicName,
    pub(super) attachment: Attachment,
    pub(super) lens: Lens,
    /// The last message handed over.
    pub(super) position: Position,
    pub(super) stage: Stage,
    /// Rises when the position starts anew: what was fetched for an older one is thrown away.
    pub(super) serial: u64,
    /// Whether it waits in line already.
    queued: bool,
}

impl Hold {
    /// The position starts anew.
    pub(super) fn renew(&mut self, attachment: Attachment, lens: Lens, position: Position) {
        self.attachment.replace(attachment);
        self.lens = lens;
        self.position = position;
        self.stage = Stage::Following;
        self.serial += 1;
    }
}

/// All topics of a session: at most [`SESSION_TOPICS_MAX`](homeroom_schema::limits::SESSION_TOPICS_MAX).
#[derive(Default)]
pub(super) struct Holds {
    by_slot: HashMap<u32, Hold>,
    by_name: HashMap<TopicName, u32>,
    /// Slots that have something, in turn.
    ready: VecDeque<u32>,
    next_slot: u32,
    /// Heads of user topics when the socket was first seen stuck.
    stuck_at: HashMap<u32, u64>,
}

impl Holds {
    pub(super) fn len(&self) -> usize {
        self.by_slot.len()
    }

    /// The slot of a topic that is held.
    pub(super) fn slot(&self, name: TopicName) -> Option<u32> {
        self.by_name.get(&name).copied()
    }

    /// A slot that this session never had, so that late notes of an old topic never meet a new one.
    pub(super) fn new_slot(&mut self) -> u32 {
        self.next_slot += 1;
        self.next_slot
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Hold> {
        self.by_slot.get_mut(&slot)
    }

    /// Slots of all topics.
    pub(super) fn slots(&self) -> Vec<u32> {
        self.by_slot.keys().copied().collect()
    }

    /// Holds a topic from a position on, instead of whatever was held of it before.
    pub(super) fn put(&mut self, slot: u32, attachment: Attachment, lens: Lens, position: Position) {
        let name = attachment.topic().name();
        match self.by_slot.get_mut(&slot) {
            Some(hold) => hold.renew(attachment, lens, position),
            None => {
                self.by_name.insert(name, slot);
                let hold = Hold {
                    name,
                    attachment,
                    lens,
                    position,
                    stage: Stage::Following,
                    serial: 0,
                    queued: false,
                };
                self.by_slot.insert(slot, hold);
            }
        }
        self.note(slot);
    }

    /// Throws away what was attached for a hold that has moved on meanwhile. On the same topic it is the hold's own attachment.
    pub(super) fn discard(&self, mut stale: Attachment) {
        let hold = self.by_slot.get(&stale.slot);
        stale.armed = hold.is_none_or(|hold| !Arc::ptr_eq(&hold.attachment.topic, &stale.topic));
    }

    /// Lets go of a topic. Returns whether it was held.
    pub(super) fn remove(&mut self, name: TopicName) -> bool {
        match self.by_name.remove(&name) {
            Some(slot) => {
                self.stuck_at.remove(&slot);
                self.by_slot.remove(&slot).is_some()
            }
            None => false,
        }
    }

    /// Puts a topic at the end of the line, once.
    pub(super) fn note(&mut self, slot: u32) {
        if let Some(hold) = self.by_slot.get_mut(&slot)
            && !hold.queued
        {
            hold.queued = true;
            self.ready.push_back(slot);
        }
    }

    /// Whether a topic may be in line.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next topic in line.
    pub(super) fn next_ready(&mut self) -> Option<u32> {
        loop {
            let slot = self.ready.pop_front()?;
            if let Some(hold) = self.by_slot.get_mut(&slot) {
                hold.queued = false;
                return Some(slot);
            }
        }
    }

    /// The socket has taken everything: nobody lags.
    pub(super) fn unstuck(&mut self) {
        self.stuck_at.clear();
    }

    /// Remembers where a user topic was when the socket was found stuck, and counts by how much all of them have moved on
    /// since, in bytes. Folding topics do not count: a reader that is too slow for them gets one snapshot.
    pub(super) fn lag_bytes(&mut self, noted: &[u32]) -> usize {
        for slot in noted {
            if let Some(hold) = self.by_slot.get(slot)
                && matches!(hold.name, TopicName::User(_))
            {
                let head = hold.attachment.topic().position().offset;
                self.stuck_at.entry(*slot).or_insert(head);
            }
        }
        let head = |slot: &u32| {
            self.by_slot
                .get(slot)
                .map(|hold| hold.attachment.topic().position().offset)
        };
        let behind = self
            .stuck_at
            .iter()
            .map(|(slot, stuck_at)| head(slot).map_or(0, |head| head.saturating_sub(*stuck_at)))
            .sum::<u64>();
        usize::try_from(behind)
            .unwrap_or(usize::MAX)
            .saturating_mul(LAG_MESSAGE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_schema::UserId;

    fn attach(name: TopicName, head: u64, inbox: &Arc<Inbox>, slot: u32) -> (Arc<Topic>, Attachment) {
        let topic = Topic::new(name, "epoch".into(), head);
        topic.attach(inbox, slot);
        (Arc::clone(&topic), Attachment::new(topic, inbox, slot))
    }

    fn user(id: u64) -> TopicName {
        TopicName::User(UserId::new(id).unwrap())
    }

    #[test]
    fn letting_go_of_a_topic_detaches_it() {
        let (inbox, mut holds) = (Inbox::new(), Holds::default());
        let slot = holds.new_slot();
        let (topic, attachment) = attach(user(1), 0, &inbox, slot);
        holds.put(slot, attachment, Lens::Staff, topic.position());
        assert!(topic.has_subscribers());
        assert!(holds.remove(user(1)));
        assert!(!topic.has_subscribers());
        assert!(!holds.remove(user(1)));
    }

    #[test]
    fn asking_again_keeps_the_one_attachment() {
        let (inbox, mut holds) = (Inbox::new(), Holds::default());
        let slot = holds.new_slot();
        let (topic, attachment) = attach(user(1), 5, &inbox, slot);
        holds.put(slot, attachment, Lens::Staff, topic.position());
        let again = Attachment::new(Arc::clone(&topic), &inbox, slot);
        holds.put(slot, again, Lens::Staff, topic.position());
        assert!(topic.has_subscribers());
        assert_eq!(holds.len(), 1);
        drop(holds);
        assert!(!topic.has_subscribers());
    }

    #[test]
    fn a_topic_that_lives_elsewhere_now_is_left_behind() {
        let (inbox, mut holds) = (Inbox::new(), Holds::default());
        let slot = holds.new_slot();
        let (old, attachment) = attach(user(1), 5, &inbox, slot);
        holds.put(slot, attachment, Lens::Staff, old.position());
        let (new, attachment) = attach(user(1), 6, &inbox, slot);
        holds.put(slot, attachment, Lens::Staff, new.position());
        assert!(!old.has_subscribers());
        assert!(new.has_subscribers());
    }

    #[test]
    fn what_came_too_late_does_not_take_the_attachment_away() {
        let (inbox, mut holds) = (Inbox::new(), Holds::default());
        let slot = holds.new_slot();
        let (topic, attachment) = attach(user(1), 5, &inbox, slot);
        holds.put(slot, attachment, Lens::Staff, topic.position());
        holds.discard(Attachment::new(Arc::clone(&topic), &inbox, slot));
        assert!(topic.has_subscribers());
        holds.remove(user(1));
        topic.attach(&inbox, slot);
        holds.discard(Attachment::new(Arc::clone(&topic), &inbox, slot));
        assert!(!topic.has_subscribers());
    }

    #[test]
    fn topics_have_their_turn_once() {
        let (inbox, mut holds) = (Inbox::new(), Holds::default());
        for id in 1..=3 {
            let slot = holds.new_slot();
            let (topic, attachment) = attach(user(id), 0, &inbox, slot);
            holds.put(slot, attachment, Lens::Staff, topic.position());
        }
        holds.note(2);
        holds.remove(user(1));
        assert_eq!(holds.next_ready(), Some(2));
        holds.note(2);
        assert_eq!(
            [holds.next_ready(), holds.next_ready(), holds.next_ready()],
            [Some(3), Some(2), None]
        );
    }

    #[test]
    fn only_what_came_while_stuck_counts_as_lag() {
        let (inbox, mut holds) = (Inbox::new(), Holds::default());
        let slot = holds.new_slot();
        let (topic, attachment) = attach(user(1), 10_000, &inbox, slot);
        let epoch = topic.position().epoch;
        holds.put(slot, attachment, Lens::Staff, Position { epoch, offset: 0 });
        assert_eq!(
            holds.lag_bytes(&[slot]),
            0,
            "old messages are caught up on, not lagged behind"
        );
        topic.set_head(10_003);
        assert_eq!(holds.lag_bytes(&[slot]), 3 * LAG_MESSAGE_BYTES);
        holds.unstuck();
        assert_eq!(holds.lag_bytes(&[slot]), 0);
    }
}
