//! Honours: what those on boards unlock, as others may hear of it, while it is news. In memory alone: what was unlocked is kept
//! on the learner's own stream, and nothing here is asked for later.
//!
//! No actor, for there is nothing to fold: the journal tells after each commit, under one lock, and readers look past it.

use crate::engine::{Subscription, TopicSnapshot};
use crate::hub::{Start, fresh_epoch, subscription};
use crate::journal::Unlocked;
use crate::topics::{Entry, Inbox, Message, Position, Topic, TopicName};
use homeroom_schema::limits::{HONOUR_AGE_MAX_MS, HONOURS_PER_SECOND_MAX, HONOURS_SHOWN, TOPIC_RING_MAX};
use homeroom_schema::{TimeMs, UserId};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// One tier that somebody on boards unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Honour {
    /// Who.
    pub user_id: UserId,
    /// What.
    pub unlocked: Unlocked,
}

/// The latest honours and their topic.
pub(crate) struct Honours {
    topic: Arc<Topic>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// All that the topic may remember, oldest first, at most [`TOPIC_RING_MAX`].
    latest: VecDeque<Arc<Honour>>,
    /// The second of the node's clock that is counted, and how many were told in it.
    second: (i64, u32),
}

impl Default for Honours {
    fn default() -> Self {
        let topic = Topic::new(TopicName::Honours, fresh_epoch(), 0);
        topic.set_snapshot(State::default().snapshot());
        Self {
            topic,
            state: Mutex::default(),
        }
    }
}

impl Honours {
    /// Something durable that was unlocked by somebody who is on boards: whoever listens is told, if it is news and there is
    /// room in this second.
    pub(crate) fn put(&self, honour: Honour, now: TimeMs) {
        let is_news = now.0.saturating_sub(honour.unlocked.earned_at.0) <= HONOUR_AGE_MAX_MS;
        let mut state = self.state.lock();
        if !is_news || !state.has_room(now) {
            return;
        }
        let honour = Arc::new(honour);
        if state.latest.len() == TOPIC_RING_MAX {
            state.latest.pop_front();
        }
        state.latest.push_back(Arc::clone(&honour));
        let position = self.topic.position();
        let entry = Arc::new(Entry::new(position.offset + 1, Message::Honour(honour)));
        self.topic.publish_with(&position.epoch, entry, state.snapshot());
        metrics::counter!("homeroom_topic_messages_total", "kind" => "honours").increment(1);
    }

    /// Names, or who is on boards, changed for those who are concerned: if one of them is remembered, readers get what is
    /// left, under the names of now, in the place of what they have.
    pub(crate) fn look_again(&self, is_concerned: impl Fn(UserId) -> bool, is_shown: impl Fn(UserId) -> bool) {
        let mut state = self.state.lock();
        if !state.latest.iter().any(|honour| is_concerned(honour.user_id)) {
            return;
        }
        state.latest.retain(|honour| is_shown(honour.user_id));
        self.topic.restart(fresh_epoch(), 0, Some(state.snapshot()));
    }

    /// Attaches an inbox to the topic and says where it starts.
    pub(crate) fn subscribe(&self, position: Option<Position>, inbox: &Arc<Inbox>, slot: u32) -> Subscription {
        self.topic.attach(inbox, slot);
        let start = Start::of(&self.topic, position).expect("the topic has a state from its beginning");
        subscription(&self.topic, start)
    }
}

impl State {
    fn has_room(&mut self, now: TimeMs) -> bool {
        let second = now.0.div_euclid(1_000);
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        self.second.1 <= HONOURS_PER_SECOND_MAX
    }

    fn snapshot(&self) -> TopicSnapshot {
        let first = self.latest.len().saturating_sub(HONOURS_SHOWN);
        TopicSnapshot::Honours(self.latest.iter().skip(first).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::achievements::Tier;
    use crate::topics::TopicRead;

    const NOW: TimeMs = TimeMs(1_800_000_000_000);

    fn honour(user_id: u64, earned_at: TimeMs) -> Honour {
        Honour {
            user_id: UserId::new(user_id).unwrap(),
            unlocked: Unlocked {
                achievement: "quiz_champion".into(),
                tier: Tier::Bronze,
                earned_at,
            },
        }
    }

    fn after(now: TimeMs, ms: i64) -> TimeMs {
        TimeMs(now.0 + ms)
    }

    fn shown(honours: &Honours) -> Vec<u64> {
        let start = honours.subscribe(None, &Inbox::new(), 0);
        let Some(TopicSnapshot::Honours(shown)) = start.snapshot else {
            panic!("a snapshot of honours");
        };
        shown.iter().map(|honour| honour.user_id.get()).collect()
    }

    #[test]
    fn what_is_unlocked_now_is_told_and_what_was_long_ago_is_not() {
        let honours = Honours::default();
        let start = honours.subscribe(None, &Inbox::new(), 0);
        honours.put(honour(1, NOW), NOW);
        honours.put(honour(2, after(NOW, -HONOUR_AGE_MAX_MS)), NOW);
        honours.put(honour(3, after(NOW, -HONOUR_AGE_MAX_MS - 1)), NOW);
        let TopicRead::Entries(entries) = start.topic.read_after(&start.position, 10) else {
            panic!("they are remembered");
        };
        assert_eq!(entries.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(shown(&honours), [1, 2]);
    }

    #[test]
    fn so_many_are_told_in_a_second_and_so_many_are_shown() {
        let honours = Honours::default();
        for id in 1..=u64::from(HONOURS_PER_SECOND_MAX) + 5 {
            honours.put(honour(id, NOW), NOW);
        }
        assert_eq!(honours.topic.position().offset, u64::from(HONOURS_PER_SECOND_MAX));
        // The next second has room again, also when the clock was set back.
        honours.put(honour(90, NOW), after(NOW, 1_000));
        honours.put(honour(91, NOW), after(NOW, -60_000));
        let ids = shown(&honours);
        assert_eq!((ids.len(), ids.last()), (HONOURS_SHOWN, Some(&91)));
        for second in 2..200 {
            honours.put(honour(7, after(NOW, 1_000 * second)), after(NOW, 1_000 * second));
        }
        assert_eq!(honours.state.lock().latest.len(), TOPIC_RING_MAX);
    }

    #[test]
    fn who_is_not_on_boards_any_more_is_shown_to_nobody_again() {
        let honours = Honours::default();
        honours.put(honour(1, NOW), NOW);
        honours.put(honour(2, NOW), NOW);
        let before = honours.subscribe(None, &Inbox::new(), 0);
        honours.look_again(|user_id| user_id.get() == 3, |_| false);
        assert_eq!(shown(&honours), [1, 2], "somebody else is no concern");
        honours.look_again(|user_id| user_id.get() == 1, |user_id| user_id.get() != 1);
        assert!(matches!(
            before.topic.read_after(&before.position, 10),
            TopicRead::Restarted
        ));
        assert_eq!(shown(&honours), [2]);
    }
}
