//! Who is here, as the engine tells it: grace time, a session that panics, an actor that fails.

use crate::support::{School, team, user};
use homeroom_actors::Engine;
use homeroom_actors::engine::{PoisonTarget, TopicSnapshot};
use homeroom_actors::sessions::SessionInfo;
use homeroom_actors::topics::{Inbox, TopicName, TopicRead};
use homeroom_schema::TokenId;
use homeroom_schema::limits::PRESENCE_GRACE_MS;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A live session of a person, until what it gives is dropped; with a value in it the session panics.
fn session(engine: &Engine, user_id: u64) -> oneshot::Sender<()> {
    let (ends, ended) = oneshot::channel();
    let info = SessionInfo {
        token_id: TokenId::new(user_id).unwrap(),
        user_id: Some(user(user_id)),
        expires_at: None,
    };
    let run = |_| async move { assert!(ended.await.is_err(), "a session that panics") };
    engine.sessions().open(info, run).unwrap();
    ends
}

/// Waits until these people are here, and says how long that took.
async fn until(engine: &Engine, people: &[u64]) -> Duration {
    let began = Instant::now();
    loop {
        if let Ok(page) = engine.presence(team(1), None, 100).await {
            let here: Vec<u64> = page.people.iter().map(|user_id| user_id.get()).collect();
            if here == people {
                return began.elapsed();
            }
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "not within a minute: {people:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const GRACE: Duration = Duration::from_millis(PRESENCE_GRACE_MS);

#[tokio::test(start_paused = true)]
async fn whoever_leaves_is_here_for_the_grace_time_and_no_longer() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    let (one, two) = (session(engine, 1), session(engine, 2));
    assert!(until(engine, &[1, 2]).await < Duration::from_secs(1));
    drop(one);
    let left = until(engine, &[2]).await;
    assert!(left >= GRACE && left < GRACE + Duration::from_secs(1), "{left:?}");
    // A panic ends a session like any other end.
    two.send(()).unwrap();
    let left = until(engine, &[]).await;
    assert!(left >= GRACE && left < GRACE + Duration::from_secs(1), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_presence_comes_back_with_who_is_here() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    let one = session(engine, 1);
    until(engine, &[1]).await;
    let (inbox, topic) = (Inbox::new(), TopicName::Presence(team(1)));
    let hold = engine.subscribe(topic, None, &inbox, 0).await.unwrap();
    let Some(TopicSnapshot::Presence(_, page)) = &hold.snapshot else {
        panic!("a snapshot of who is here");
    };
    assert_eq!((page.people.as_slice(), page.count), (&[user(1)][..], 1));
    engine.poison(PoisonTarget::Presence(team(1))).await.unwrap();
    let _two = session(engine, 2);
    until(engine, &[1, 2]).await;
    assert!(matches!(
        hold.topic.read_after(&hold.position, 10),
        TopicRead::Restarted
    ));
    drop(one);
    until(engine, &[2]).await;
}
