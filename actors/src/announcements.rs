//! Announcements: what was said to everybody or to one team. All that is kept is in memory, and durable before it is told.
//!
//! Nothing here is an actor: there is nothing to fold, and no announcement rests on the one before. Whoever changes them holds
//! one lock over the commit, so their order is that of the store, and readers look past it.

use crate::engine::{Subscription, TopicSnapshot};
use crate::error::EngineError;
use crate::hub::{Start, fresh_epoch, subscription};
use crate::topics::{Entry, Inbox, Message, Position, Topic, TopicName};
use homeroom_schema::limits::{ANNOUNCEMENTS_KEPT, ANNOUNCEMENTS_SHOWN, TEAMS_AWAKE_MAX};
use homeroom_schema::records::{AnnouncementFilter, AnnouncementRecord};
use homeroom_schema::{AnnouncementId, Store, StoreError, TeamId, UserId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// To whom: everybody, or one team.
pub type Audience = Option<TeamId>;

/// All announcements that are kept, at most [`ANNOUNCEMENTS_KEPT`], and their topics.
#[derive(Default)]
pub(crate) struct Announcements {
    state: Mutex<State>,
    /// Held over a commit and what follows from it.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    kept: BTreeMap<AnnouncementId, Arc<AnnouncementRecord>>,
    last_id: u64,
    /// Topics that somebody holds, or held until others were wanted.
    topics: HashMap<Audience, Arc<Topic>>,
}

impl Announcements {
    /// Takes in what the store has and is not here yet, and tells whoever listens.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged; then nothing was changed.
    pub(crate) async fn load(&self, store: &dyn Store) -> Result<(), StoreError> {
        let limit = usize::try_from(ANNOUNCEMENTS_KEPT).unwrap_or(usize::MAX);
        let kept = store.announcements(AnnouncementFilter::default(), limit).await?;
        let last_id = store.last_announcement().await?.map_or(0, AnnouncementId::get);
        let mut state = self.state.lock();
        for record in kept.into_iter().rev() {
            if record.announcement_id.get() > state.last_id {
                state.put(record);
            }
        }
        state.last_id = state.last_id.max(last_id);
        Ok(())
    }

    /// The id of the next one. To be asked for under `changing`.
    pub(crate) fn next_id(&self) -> Result<AnnouncementId, EngineError> {
        AnnouncementId::new(self.state.lock().last_id + 1).map_err(|_| EngineError::Overloaded)
    }

    /// One that is durable now: whoever listens is told.
    pub(crate) fn put(&self, record: AnnouncementRecord) {
        self.state.lock().put(record);
    }

    /// One was taken back: nobody is shown it again.
    pub(crate) fn remove(&self, announcement_id: AnnouncementId) {
        let mut state = self.state.lock();
        if let Some(removed) = state.kept.remove(&announcement_id) {
            state.begin_anew(removed.team_id);
        }
    }

    /// People were erased: what they said stays, and nobody can tell that it was they.
    pub(crate) fn forget(&self, erased: &[UserId]) {
        let mut state = self.state.lock();
        let mut audiences = Vec::new();
        for record in state.kept.values_mut() {
            if record.user_id.is_some_and(|author| erased.contains(&author)) {
                Arc::make_mut(record).user_id = None;
                audiences.push(record.team_id);
            }
        }
        audiences.sort_unstable();
        audiences.dedup();
        for audience in audiences {
            state.begin_anew(audience);
        }
    }

    /// One that is kept.
    pub(crate) fn get(&self, announcement_id: AnnouncementId) -> Option<Arc<AnnouncementRecord>> {
        self.state.lock().kept.get(&announcement_id).cloned()
    }

    /// Those before an id that `is_wanted`, newest first, at most `limit`.
    pub(crate) fn before(
        &self,
        before: Option<AnnouncementId>,
        limit: usize,
        is_wanted: impl Fn(&AnnouncementRecord) -> bool,
    ) -> Vec<Arc<AnnouncementRecord>> {
        let kept: Vec<_> = {
            let state = self.state.lock();
            let older = state.kept.iter().rev();
            let older = older.skip_while(|(id, _)| before.is_some_and(|before| **id >= before));
            older.map(|(_, record)| Arc::clone(record)).collect()
        };
        kept.into_iter()
            .filter(|record| is_wanted(record))
            .take(limit)
            .collect()
    }

    /// Attaches an inbox to a topic and says where it starts.
    ///
    /// # Errors
    /// Overloaded: too many topics are held.
    pub(crate) fn subscribe(
        &self,
        audience: Audience,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        let mut state = self.state.lock();
        let topic = state.topic(audience).ok_or(EngineError::Overloaded)?;
        topic.attach(inbox, slot);
        let Some(start) = Start::of(&topic, position) else {
            topic.detach(inbox, slot);
            return Err(EngineError::Overloaded);
        };
        Ok(subscription(&topic, start))
    }
}

impl State {
    fn put(&mut self, record: AnnouncementRecord) {
        let record = Arc::new(record);
        self.last_id = self.last_id.max(record.announcement_id.get());
        self.kept.insert(record.announcement_id, Arc::clone(&record));
        // As the store does: those that are so many ids older are gone.
        let last_gone = self.last_id.saturating_sub(ANNOUNCEMENTS_KEPT);
        self.kept.retain(|id, _| id.get() > last_gone);
        if let Some(topic) = self.topics.get(&record.team_id) {
            let position = topic.position();
            let entry = Arc::new(Entry::new(
                position.offset + 1,
                Message::Announcement(Arc::clone(&record)),
            ));
            topic.publish_with(&position.epoch, entry, self.snapshot(record.team_id));
            metrics::counter!("homeroom_topic_messages_total", "kind" => "announcements").increment(1);
        }
    }

    /// The topic of an audience, made if need be; none when too many are held.
    fn topic(&mut self, audience: Audience) -> Option<Arc<Topic>> {
        if let Some(topic) = self.topics.get(&audience) {
            return Some(Arc::clone(topic));
        }
        if self.topics.len() >= TEAMS_AWAKE_MAX {
            self.topics.retain(|_, topic| topic.has_subscribers());
        }
        if self.topics.len() >= TEAMS_AWAKE_MAX {
            return None;
        }
        let topic = Topic::new(TopicName::Announcements(audience), fresh_epoch(), 0);
        topic.set_snapshot(self.snapshot(audience));
        self.topics.insert(audience, Arc::clone(&topic));
        Some(topic)
    }

    /// Readers of a topic get what is left in the place of what they have.
    fn begin_anew(&self, audience: Audience) {
        if let Some(topic) = self.topics.get(&audience) {
            topic.restart(fresh_epoch(), 0, Some(self.snapshot(audience)));
        }
    }

    /// The latest of an audience, oldest first.
    fn snapshot(&self, audience: Audience) -> TopicSnapshot {
        let own = self.kept.values().rev().filter(|record| record.team_id == audience);
        let mut latest: Vec<_> = own.take(ANNOUNCEMENTS_SHOWN).cloned().collect();
        latest.reverse();
        TopicSnapshot::Announcements(latest.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::TopicRead;
    use homeroom_schema::TimeMs;

    fn record(id: u64, team: Option<u64>, author: Option<u64>) -> AnnouncementRecord {
        AnnouncementRecord {
            announcement_id: AnnouncementId::new(id).unwrap(),
            team_id: team.map(|team| TeamId::new(team).unwrap()),
            user_id: author.map(|author| UserId::new(author).unwrap()),
            text: format!("number {id}"),
            at: TimeMs(1),
        }
    }

    fn shown(subscription: &Subscription) -> Vec<(u64, Option<u64>)> {
        let Some(TopicSnapshot::Announcements(shown)) = &subscription.snapshot else {
            panic!("a snapshot of announcements");
        };
        let id_and_author =
            |record: &Arc<AnnouncementRecord>| (record.announcement_id.get(), record.user_id.map(UserId::get));
        shown.iter().map(id_and_author).collect()
    }

    #[test]
    fn a_listener_gets_those_of_its_audience_one_by_one() {
        let announcements = Announcements::default();
        announcements.put(record(1, None, None));
        announcements.put(record(2, Some(7), Some(9)));
        let inbox = Inbox::new();
        let own = announcements.subscribe(TeamId::new(7).ok(), None, &inbox, 0).unwrap();
        assert_eq!(shown(&own), [(2, Some(9))]);
        announcements.put(record(3, None, None));
        announcements.put(record(4, Some(7), None));
        announcements.put(record(5, Some(7), None));
        let TopicRead::Entries(entries) = own.topic.read_after(&own.position, 10) else {
            panic!("they are remembered");
        };
        let ids: Vec<_> = entries
            .iter()
            .map(|entry| match &entry.message {
                Message::Announcement(record) => (entry.offset, record.announcement_id.get()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids, [(1, 4), (2, 5)]);
        let back = announcements
            .subscribe(TeamId::new(7).ok(), Some(own.position), &inbox, 1)
            .unwrap();
        assert!(back.recovered && back.snapshot.is_none());
    }

    #[test]
    fn what_is_taken_back_and_who_is_erased_is_shown_to_nobody_again() {
        let announcements = Announcements::default();
        let inbox = Inbox::new();
        for id in 1..=3 {
            announcements.put(record(id, None, Some(9)));
        }
        let before = announcements.subscribe(None, None, &inbox, 0).unwrap();
        announcements.remove(AnnouncementId::new(2).unwrap());
        assert!(matches!(
            before.topic.read_after(&before.position, 10),
            TopicRead::Restarted
        ));
        announcements.forget(&[UserId::new(9).unwrap()]);
        let after = announcements.subscribe(None, Some(before.position), &inbox, 1).unwrap();
        assert!(!after.recovered);
        assert_eq!(shown(&after), [(1, None), (3, None)]);
        assert_eq!(announcements.next_id().unwrap().get(), 4, "no id is given twice");
    }

    #[test]
    fn only_so_many_are_kept_and_fewer_shown() {
        let announcements = Announcements::default();
        for id in 1..=ANNOUNCEMENTS_KEPT + 10 {
            announcements.put(record(id, None, None));
        }
        let all = announcements.before(None, usize::MAX, |_| true);
        assert_eq!(all.len() as u64, ANNOUNCEMENTS_KEPT);
        assert_eq!(all[0].announcement_id.get(), ANNOUNCEMENTS_KEPT + 10);
        let older = announcements.before(AnnouncementId::new(20).ok(), 5, |record| {
            record.announcement_id.get() % 2 == 0
        });
        let ids: Vec<u64> = older.iter().map(|record| record.announcement_id.get()).collect();
        assert_eq!(ids, [18, 16, 14, 12]);
        let start = announcements.subscribe(None, None, &Inbox::new(), 0).unwrap();
        assert_eq!(shown(&start).len(), ANNOUNCEMENTS_SHOWN);
    }
}
