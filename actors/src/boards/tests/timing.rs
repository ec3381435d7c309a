//! When boards tell and what a subscriber starts from, under a paused clock.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_read_shows_everything_told_before_it_without_waiting_for_a_tick() {
    let mut world = World::school(PEOPLE).await;
    read(&world.hub, BoardName::All).await.unwrap();
    let begin = Instant::now();
    for round in 1..=100 {
        let id = 1 + round % 4;
        world.award(id, 10).await;
        for board in [BoardName::All, BoardName::Teams, BoardName::Team(team(1 + id % 3))] {
            let page = read(&world.hub, board).await.unwrap();
            assert_eq!(standings(&page), world.expected(board).await);
        }
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn people_without_points_are_ranked_and_staff_are_not() {
    let world = World::school(PEOPLE).await;
    let page = read(&world.hub, BoardName::All).await.unwrap();
    let ids: Vec<u64> = page.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [1, 2, 3, 4, 6, 7, 8, 9]);
    assert!(
        page.rows
            .iter()
            .all(|row| row.rank == 1 && row.points.key() == 0 && row.reached_at.is_none())
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_change_is_published_at_once_and_then_one_message_a_tick() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    sleep(Duration::from_secs(1)).await;
    mirror.pump();
    world.award(1, 1).await;
    let begin = Instant::now();
    mirror.inbox.ready().await;
    assert_eq!(begin.elapsed(), Duration::ZERO, "after a quiet spell nothing waits");
    mirror.pump();
    assert_eq!(mirror.messages, 1);
    // One second of an award every millisecond: at most 20 messages more, and nothing waits longer than 100 ms.
    let mut told_at = Instant::now();
    let mut longest = Duration::ZERO;
    for turn in 0..1_000 {
        world.award(1 + turn % 4, 1).await;
        advance(Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
        let before = mirror.messages;
        mirror.pump();
        if mirror.messages > before {
            longest = longest.max(told_at.elapsed());
            told_at = Instant::now();
        }
    }
    assert!(mirror.messages <= 22, "{} messages in a second", mirror.messages);
    assert!(mirror.messages >= 15, "{} messages in a second", mirror.messages);
    assert!(longest <= Duration::from_millis(100), "{longest:?} without a message");
    sleep(Duration::from_millis(100)).await;
    mirror.pump();
    let page = read(&world.hub, BoardName::All).await.unwrap();
    mirror.check(&page);
}

#[tokio::test(start_paused = true)]
async fn a_change_below_the_window_says_nothing() {
    let mut world = World::school(PEOPLE).await;
    for id in [1, 2, 3, 4] {
        world.award(id, 100).await;
    }
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    world.award(6, 1).await;
    sleep(Duration::from_millis(200)).await;
    mirror.pump();
    assert_eq!(mirror.messages, 0);
    let (_, TopicSnapshot::Board(page)) = mirror.hold.topic.snapshot().unwrap() else {
        unreachable!()
    };
    assert_eq!(
        page.version, world.last_event_id,
        "whoever comes later gets the version of now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_starts_with_everything_told_before() {
    let mut world = World::school(PEOPLE).await;
    let watching = Mirror::new(&world.hub, BoardName::All).await;
    for id in 1..=4 {
        world.award(id, 10).await;
        let mirror = Mirror::new(&world.hub, BoardName::All).await;
        let page = read(&world.hub, BoardName::All).await.unwrap();
        mirror.check(&page);
        assert_eq!(mirror.version, world.last_event_id);
    }
    drop(watching);
}

#[tokio::test(start_paused = true)]
async fn a_class_that_subscribes_while_points_flow_gets_no_more_than_a_message_a_tick() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    let begin = Instant::now();
    let mut others = Vec::new();
    for turn in 0..100 {
        world.award(1 + turn % 4, 1).await;
        let asked = Instant::now();
        others.push(Mirror::new(&world.hub, BoardName::All).await);
        assert!(
            asked.elapsed() <= TOPIC_TICK,
            "an answer waits for no more than the tick"
        );
    }
    mirror.pump();
    let ticks = begin.elapsed().as_millis() / TOPIC_TICK.as_millis() + 1;
    assert!(
        mirror.messages as u128 <= ticks,
        "{} messages in {ticks} ticks",
        mirror.messages
    );
}

#[tokio::test(start_paused = true)]
async fn a_remembered_position_is_recovered_and_an_old_one_gets_a_snapshot() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    let start = mirror.hold.position.clone();
    for turn in 0..10 {
        world.award(1 + turn % 4, 1).await;
        sleep(TOPIC_TICK).await;
    }
    let inbox = Inbox::new();
    let hub = world.hub.clone();
    let again = async |position: Position| {
        hub.subscribe_board(BoardName::All, Period::All, Some(position), &inbox, 1)
            .await
            .unwrap()
    };
    let back = again(start.clone()).await;
    assert!(back.recovered && back.snapshot.is_none());
    assert_eq!(back.position, start);
    mirror.pump();
    mirror.hold.position = start.clone();
    let TopicRead::Entries(missed) = back.topic.read_after(&back.position, 100) else {
        unreachable!()
    };
    assert_eq!(missed.len(), mirror.messages);
    let ahead = Position {
        offset: 1_000,
        ..start.clone()
    };
    let elsewhere = Position {
        epoch: "elsewhere".into(),
        offset: 1,
    };
    for position in [ahead, elsewhere] {
        let back = again(position).await;
        assert!(!back.recovered && back.snapshot.is_some());
    }
    for turn in 0..=TOPIC_RING_MAX as u64 {
        world.award(1 + turn % 4, 1).await;
        sleep(TOPIC_TICK).await;
    }
    assert!(!again(start).await.recovered, "too old");
}
