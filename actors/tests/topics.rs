//! Topics and inboxes: whatever is published, forgotten or restarted, a reader misses nothing without being told.
#![allow(clippy::disallowed_methods, reason = "a test awaits the tasks that it spawns")]

use futures_util::FutureExt as _;
use homeroom_actors::engine::TopicSnapshot;
use homeroom_actors::hub::Span;
use homeroom_actors::topics::{
    BoardChanges, BoardName, Entry, Inbox, Message, NameError, Period, Position, Topic, TopicName, TopicRead,
};
use homeroom_actors::views::BoardPage;
use homeroom_schema::limits::{SESSION_TOPICS_MAX, TOPIC_RING_MAX};
use homeroom_schema::{TeamId, UserId};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn entry(offset: u64) -> Arc<Entry> {
    let message = Message::Board {
        board: BoardName::All,
        period: Period::All,
        version: offset,
        window: BoardChanges::default(),
        front: BoardChanges::default(),
    };
    Arc::new(Entry::new(offset, message))
}

/// A snapshot that says at which offset it was made.
fn snapshot(epoch: &Arc<str>, offset: u64) -> TopicSnapshot {
    TopicSnapshot::Board(Arc::new(BoardPage {
        front: Vec::new(),
        span: Span::ALL,
        epoch: Arc::clone(epoch),
        version: offset,
        total: 0,
        from: 0,
        rows: Vec::new(),
    }))
}

fn snapshot_of(name: TopicName, epoch: &Arc<str>) -> Option<TopicSnapshot> {
    (!matches!(name, TopicName::User(_))).then(|| snapshot(epoch, 0))
}

fn user_topic() -> TopicName {
    TopicName::User(UserId::MIN)
}

fn board_topic() -> TopicName {
    TopicName::Board(BoardName::All, Period::All)
}

#[derive(Debug, Clone)]
enum Step {
    Publish,
    /// User topics: the journal moves on untold.
    Skip(u64),
    Restart,
    Attach(usize),
    Detach(usize),
    /// The session looks, if its inbox has something.
    Look(usize, usize),
}

const READERS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => Just(Step::Publish),
        1 => (1..TOPIC_RING_MAX as u64 * 2).prop_map(Step::Skip),
        1 => Just(Step::Restart),
        3 => (0..READERS).prop_map(Step::Attach),
        1 => (0..READERS).prop_map(Step::Detach),
        6 => ((0..READERS), (1_usize..300)).prop_map(|(reader, limit)| Step::Look(reader, limit)),
    ]
}

/// A session's side of one topic, as sessions do it: it reads only when its inbox says so.
struct Reader {
    inbox: Arc<Inbox>,
    at: Option<Position>,
    told: usize,
}

struct World {
    topic: Arc<Topic>,
    epoch: Arc<str>,
    lives: u64,
    head: u64,
    readers: Vec<Reader>,
}

impl World {
    fn new(name: TopicName) -> Self {
        let epoch: Arc<str> = "life 0".into();
        let topic = Topic::new(name, Arc::clone(&epoch), 0);
        let state = snapshot_of(name, &epoch);
        topic.restart(Arc::clone(&epoch), 0, state);
        let reader = || Reader {
            inbox: Inbox::new(),
            at: None,
            told: 0,
        };
        Self {
            topic,
            epoch,
            lives: 0,
            head: 0,
            readers: std::iter::repeat_with(reader).take(READERS).collect(),
        }
    }

    fn is_user_topic(&self) -> bool {
        matches!(self.topic.name(), TopicName::User(_))
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Publish => {
                self.head += 1;
                if self.is_user_topic() {
                    self.topic.publish(entry(self.head));
                } else {
                    let snapshot = snapshot(&self.epoch, self.head);
                    self.topic.publish_with(&self.epoch, entry(self.head), snapshot);
                }
            }
            Step::Skip(by) if self.is_user_topic() => {
                self.head += by;
                self.topic.set_head(self.head);
            }
            Step::Skip(_) => {}
            Step::Restart => {
                self.lives += 1;
                self.epoch = format!("life {}", self.lives).into();
                self.head = 0;
                let state = snapshot_of(self.topic.name(), &self.epoch);
                self.topic.restart(Arc::clone(&self.epoch), 0, state);
            }
            Step::Attach(reader) => self.attach(reader),
            Step::Detach(reader) => {
                let reader = &mut self.readers[reader];
                self.topic.detach(&reader.inbox, 0);
                reader.at = None;
                assert!(reader.inbox.ready().now_or_never().is_none(), "nothing stays noted");
            }
            Step::Look(reader, limit) => {
                self.look(reader, limit);
            }
        }
    }

    /// Attaches first, then takes the position, as the engine does.
    fn attach(&mut self, reader: usize) {
        let reader = &mut self.readers[reader];
        self.topic.attach(&reader.inbox, 0);
        reader.at = Some(self.topic.position());
    }

    /// Returns whether there was anything to look at.
    fn look(&mut self, reader: usize, limit: usize) -> bool {
        let is_user_topic = self.is_user_topic();
        let reader = &mut self.readers[reader];
        if reader.inbox.ready().now_or_never().is_none() {
            return false;
        }
        let at = reader.at.as_mut().unwrap();
        match self.topic.read_after(at, limit) {
            TopicRead::Entries(entries) => {
                assert!(entries.len() <= limit);
                for entry in &entries {
                    assert_eq!(entry.offset, at.offset + 1, "no gap and no repeat");
                    at.offset = entry.offset;
                }
                if entries.len() == limit {
                    reader.inbox.note(0);
                }
            }
            TopicRead::Forgotten if is_user_topic => {
                assert_eq!(at.epoch, self.epoch);
                assert!(at.offset < self.head, "the journal has more");
                at.offset = self.head;
                reader.inbox.note(0);
            }
            // The state of a user topic is its learner's.
            TopicRead::Restarted if is_user_topic => {
                assert!(self.topic.snapshot().is_none());
                *at = self.topic.position();
                reader.told += 1;
            }
            TopicRead::Forgotten | TopicRead::Restarted => {
                let (position, snapshot) = self.topic.snapshot().unwrap();
                let TopicSnapshot::Board(page) = snapshot else {
                    unreachable!()
                };
                assert_eq!((&page.epoch, page.version), (&position.epoch, position.offset));
                *at = position;
                reader.told += 1;
            }
        }
        true
    }
}

fn check(name: TopicName, steps: &[Step]) {
    let mut world = World::new(name);
    for step in steps {
        world.run(step);
    }
    for reader in 0..READERS {
        while world.look(reader, 64) {}
        if let Some(at) = &world.readers[reader].at {
            assert_eq!(*at, world.topic.position(), "whoever sleeps has everything");
            assert_eq!(at.offset, world.head);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_reader_of_a_folding_topic_gets_every_message_once_or_is_told(steps in prop::collection::vec(step(), 1..400)) {
        check(board_topic(), &steps);
    }

    #[test]
    fn a_reader_of_a_user_topic_gets_every_message_once_or_pages_the_journal(
        steps in prop::collection::vec(step(), 1..400)
    ) {
        check(user_topic(), &steps);
    }

    #[test]
    fn a_position_is_recovered_exactly_while_its_messages_are_remembered(
        head in 0_u64..400, offset in 0_u64..500
    ) {
        let epoch: Arc<str> = "life".into();
        let topic = Topic::new(board_topic(), Arc::clone(&epoch), 0);
        for offset in 1..=head {
            topic.publish_with(&epoch, entry(offset), snapshot(&epoch, offset));
        }
        let position = Position { epoch, offset };
        let remembered = offset <= head && head - offset <= TOPIC_RING_MAX as u64;
        prop_assert_eq!(topic.recovers(&position), remembered);
        let other = Position { epoch: "other".into(), offset };
        prop_assert!(!topic.recovers(&other));
    }
}

#[test]
fn a_user_topic_without_listeners_remembers_nothing() {
    let topic = Topic::new(user_topic(), "life".into(), 0);
    topic.publish(entry(1));
    let start = Position {
        epoch: "life".into(),
        offset: 0,
    };
    assert!(matches!(topic.read_after(&start, 10), TopicRead::Forgotten));
    assert_eq!(topic.position().offset, 1);
    let inbox = Inbox::new();
    topic.attach(&inbox, 0);
    topic.publish(entry(2));
    let second = Position { offset: 1, ..start };
    assert!(matches!(topic.read_after(&second, 10), TopicRead::Entries(entries) if entries.len() == 1));
}

#[test]
fn a_topic_remembers_as_many_messages_as_its_ring_holds() {
    let epoch: Arc<str> = "life".into();
    let topic = Topic::new(board_topic(), Arc::clone(&epoch), 0);
    let head = TOPIC_RING_MAX as u64 + 7;
    for offset in 1..=head {
        topic.publish_with(&epoch, entry(offset), snapshot(&epoch, offset));
    }
    let at = |offset| Position {
        epoch: Arc::clone(&epoch),
        offset,
    };
    assert!(matches!(topic.read_after(&at(6), 1_000), TopicRead::Forgotten));
    assert!(matches!(topic.read_after(&at(7), 1_000), TopicRead::Entries(entries) if entries.len() == TOPIC_RING_MAX));
}

#[test]
fn an_actor_whose_life_is_over_publishes_nothing() {
    let (old, new): (Arc<str>, Arc<str>) = ("old".into(), "new".into());
    let topic = Topic::new(board_topic(), Arc::clone(&old), 0);
    topic.restart(Arc::clone(&new), 0, Some(snapshot(&new, 0)));
    topic.publish_with(&old, entry(1), snapshot(&old, 1));
    assert_eq!(topic.position(), Position { epoch: new, offset: 0 });
}

#[test]
fn a_hole_makes_a_topic_forget_rather_than_skip() {
    let topic = Topic::new(user_topic(), "life".into(), 0);
    let inbox = Inbox::new();
    topic.attach(&inbox, 0);
    topic.publish(entry(1));
    topic.publish(entry(5));
    topic.publish(entry(4));
    let at = |offset| Position {
        epoch: "life".into(),
        offset,
    };
    assert_eq!(topic.position().offset, 5);
    assert!(matches!(topic.read_after(&at(1), 10), TopicRead::Forgotten));
    assert!(matches!(topic.read_after(&at(4), 10), TopicRead::Entries(entries) if entries.len() == 1));
}

#[test]
fn an_inbox_never_holds_more_than_the_topics_of_its_session() {
    let inbox = Inbox::new();
    let topics: Vec<_> = (0..SESSION_TOPICS_MAX as u32)
        .map(|slot| {
            let topic = Topic::new(user_topic(), "life".into(), 0);
            topic.attach(&inbox, slot);
            topic
        })
        .collect();
    for _ in 0..3 {
        for topic in &topics {
            topic.publish(entry(topic.position().offset + 1));
        }
    }
    let slots = inbox.ready().now_or_never().unwrap();
    assert_eq!(slots, (0..SESSION_TOPICS_MAX as u32).collect::<Vec<_>>());
    assert!(inbox.ready().now_or_never().is_none(), "each was noted once");
    topics[0].publish(entry(4));
    topics[0].detach(&inbox, 0);
    assert!(inbox.ready().now_or_never().is_none(), "a detached topic is forgotten");
    assert!(!topics[0].has_subscribers());
}

#[test]
fn the_state_at_the_head_can_be_renewed_without_a_message() {
    let epoch: Arc<str> = "life".into();
    let topic = Topic::new(board_topic(), Arc::clone(&epoch), 3);
    topic.set_snapshot(snapshot(&epoch, 9));
    let (position, TopicSnapshot::Board(page)) = topic.snapshot().unwrap() else {
        unreachable!()
    };
    assert_eq!((position.offset, page.version), (3, 9));
}

/// Writers publish while sessions wait, read, go away and come back, on several threads. A lost wake-up would leave a
/// session asleep behind the head, and the test with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_the_look_and_the_wait() {
    const MESSAGES: u64 = 5_000;
    const SESSIONS: usize = 8;
    const TOPICS: usize = 4;
    let epoch: Arc<str> = "life".into();
    let topics: Arc<Vec<_>> = Arc::new(
        std::iter::repeat_with(|| Topic::new(board_topic(), "life".into(), 0))
            .take(TOPICS)
            .collect(),
    );
    for topic in topics.iter() {
        topic.set_snapshot(snapshot(&epoch, 0));
    }
    let told = Arc::new(AtomicUsize::new(0));
    let cut = Arc::new(AtomicUsize::new(0));
    let sessions = (0..SESSIONS).map(|session| {
        let (topics, told, cut) = (topics.clone(), told.clone(), cut.clone());
        tokio::spawn(async move { follow(session, &topics, MESSAGES, &told, &cut).await })
    });
    let sessions: Vec<_> = sessions.collect();
    let writers: Vec<_> = topics
        .iter()
        .cloned()
        .map(|topic| {
            let epoch = Arc::clone(&epoch);
            tokio::spawn(async move {
                for offset in 1..=MESSAGES {
                    topic.publish_with(&epoch, entry(offset), snapshot(&epoch, offset));
                    if offset % 64 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for session in sessions {
        session.await.unwrap();
    }
    assert!(cut.load(Ordering::Relaxed) > 0, "waits were cut off, too");
}

async fn follow(session: usize, topics: &[Arc<Topic>], messages: u64, told: &AtomicUsize, cut: &AtomicUsize) {
    let inbox = Inbox::new();
    let mut at = Vec::new();
    for (slot, topic) in topics.iter().enumerate() {
        topic.attach(&inbox, slot as u32);
        at.push(topic.position());
    }
    let mut turn = session;
    while at.iter().any(|at| at.offset < messages) {
        turn += 1;
        // Now and then the wait is cut off, as a `select!` does.
        let slots = if turn.is_multiple_of(3) {
            match inbox.ready().now_or_never() {
                Some(slots) => slots,
                None => {
                    cut.fetch_add(1, Ordering::Relaxed);
                    continue_later().await;
                    continue;
                }
            }
        } else {
            inbox.ready().await
        };
        for slot in slots {
            let place = slot as usize;
            match topics[place].read_after(&at[place], 50) {
                TopicRead::Entries(entries) => {
                    for entry in &entries {
                        assert_eq!(entry.offset, at[place].offset + 1);
                        at[place].offset = entry.offset;
                    }
                    if entries.len() == 50 {
                        inbox.note(slot);
                    }
                }
                TopicRead::Forgotten | TopicRead::Restarted => {
                    at[place] = topics[place].snapshot().unwrap().0;
                    told.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        if turn.is_multiple_of(17) {
            let place = turn % topics.len();
            topics[place].detach(&inbox, place as u32);
            topics[place].attach(&inbox, place as u32);
            inbox.note(place as u32);
        }
    }
}

async fn continue_later() {
    tokio::task::yield_now().await;
}

#[test]
fn names_of_topics_have_one_spelling() {
    let team = TeamId::new(3).unwrap();
    for (text, name) in [
        ("user:7", TopicName::User(UserId::new(7).unwrap())),
        ("team:3", TopicName::Team(team)),
        ("board:all", TopicName::Board(BoardName::All, Period::All)),
        ("board:teams", TopicName::Board(BoardName::Teams, Period::All)),
        ("board:team:3", TopicName::Board(BoardName::Team(team), Period::All)),
        (
            "board:qualification:2",
            TopicName::Board(BoardName::Qualification(2.try_into().unwrap()), Period::All),
        ),
    ] {
        assert_eq!(text.parse(), Ok(name));
        assert_eq!(name.to_string(), text);
    }
    for text in [
        "",
        "user",
        "user:",
        "user:0",
        "user:07",
        "user:+7",
        "user: 7",
        "user:7 ",
        "user:9007199254740992",
        "team:x",
        "board",
        "board:",
        "board:all:",
        "board:team",
        "board:team:",
        "board:everything",
        "board:nobody:week",
        "Board:all",
        "presence:3:4",
    ] {
        assert_eq!(text.parse::<TopicName>(), Err(NameError::Unknown), "{text}");
    }
    for text in ["board:all:month", "board:team:3:year", "board:qualification:2:term"] {
        assert_eq!(text.parse::<TopicName>(), Err(NameError::Unknown), "{text}");
    }
    assert_eq!("all".parse(), Ok(Period::All));
    assert_eq!("week".parse(), Ok(Period::Week));
    assert_eq!("month".parse::<Period>(), Err(NameError::UnknownPeriod));
    assert_eq!("team:3".parse(), Ok(BoardName::Team(team)));
}
