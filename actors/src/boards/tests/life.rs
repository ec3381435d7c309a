//! Boards that fail, idle, are too many, and stop; parts of boards.

#![allow(clippy::disallowed_methods, reason = "a test awaits the tasks that it spawns")]

use super::*;
use homeroom_schema::{EventId, TimeMs, Version};
use std::sync::atomic::{AtomicU64, Ordering};

#[tokio::test(start_paused = true)]
async fn a_failed_board_comes_back_from_what_is_durable_and_its_readers_are_told() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    let other = Mirror::new(&world.hub, BoardName::Teams).await;
    world.award(1, 10).await;
    let before = read(&world.hub, BoardName::All).await.unwrap();
    world.fail_board(BoardName::All);
    world.award(2, 20).await;
    sleep(Duration::from_millis(50)).await;
    let page = read(&world.hub, BoardName::All).await.unwrap();
    assert_eq!(standings(&page), world.expected(BoardName::All).await);
    assert_ne!(page.epoch, before.epoch);
    mirror.pump();
    assert_eq!(mirror.told, 1);
    mirror.check(&page);
    assert_eq!(
        other.hold.topic.position().epoch,
        other.hold.position.epoch,
        "nobody else noticed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_board_that_fails_again_and_again_is_left_alone_for_a_while() {
    let world = World::school(PEOPLE).await;
    read(&world.hub, BoardName::All).await.unwrap();
    for _ in 0..20 {
        world.fail_board(BoardName::All);
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(read(&world.hub, BoardName::All).await, Err(EngineError::Overloaded));
    assert!(read(&world.hub, BoardName::Teams).await.is_ok());
    sleep(Duration::from_secs(61)).await;
    assert!(read(&world.hub, BoardName::All).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_costs_time_but_no_board() {
    let mut world = World::school(PEOPLE).await;
    let change = world.keep_points(user(1), 5, Some(1)).await;
    world.hub.learners_changed(vec![change]);
    world.store.fail_reads(2);
    let board = BoardName::Qualification(qualification(1));
    let page = read(&world.hub, board).await.unwrap();
    assert_eq!(standings(&page), world.expected(board).await);
    assert_eq!(world.store.faults_happened(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_board_is_put_away_unless_somebody_listens() {
    let mut world = World::school(PEOPLE).await;
    let before = read(&world.hub, BoardName::All).await.unwrap();
    let watched = Mirror::new(&world.hub, BoardName::Team(team(1))).await;
    sleep(IDLE * 2).await;
    assert!(world.hub.boards().get((BoardName::All, Period::All)).is_none());
    assert!(
        world
            .hub
            .boards()
            .get((BoardName::Team(team(1)), Period::All))
            .is_some()
    );
    world.award(1, 10).await;
    let page = read(&world.hub, BoardName::All).await.unwrap();
    assert_ne!(page.epoch, before.epoch);
    assert_eq!(standings(&page), world.expected(BoardName::All).await);
    drop(watched);
    sleep(IDLE * 2).await;
    assert!(
        world
            .hub
            .boards()
            .get((BoardName::Team(team(1)), Period::All))
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_boards_than_the_bound_are_awake() {
    let mut world = World::school(PEOPLE).await;
    let teams = 4..=BOARDS_MAX as u64 + 4;
    let rows = teams.clone().map(|id| team_row(id, "a team", false)).collect();
    let change = world.keep_roster(rows).await;
    world.hub.roster_changed(change);
    for id in teams {
        let outcome = read(&world.hub, BoardName::Team(team(id))).await;
        let is_within = id < BOARDS_MAX as u64 + 4;
        assert_eq!(outcome.is_ok(), is_within, "{id}");
        if !is_within {
            assert_eq!(outcome, Err(EngineError::Overloaded));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pages_do_not_overlap_while_rows_move() {
    let mut world = World::school(40).await;
    for id in 1..=40 {
        world.award(id, i64::try_from(id).unwrap()).await;
    }
    let first = world
        .hub
        .board(BoardName::All, Period::All, BoardPart::From(0), 10)
        .await
        .unwrap();
    let last = standings(&first)[9];
    // The last row of the page moves up: what follows its old place is what the next page shows.
    world.award(last.id, 1_000).await;
    let next = world
        .hub
        .board(BoardName::All, Period::All, BoardPart::After(last), 100)
        .await
        .unwrap();
    assert_eq!(first.rows.len() + next.rows.len(), first.total);
    assert!(
        next.rows
            .iter()
            .all(|row| first.rows.iter().all(|shown| shown.id != row.id))
    );
    assert_eq!(next.from, 10);
}

#[tokio::test(start_paused = true)]
async fn around_somebody_are_their_neighbours() {
    let mut world = World::school(PEOPLE).await;
    for id in [1, 2, 3, 4, 6, 7, 8, 9] {
        world.award(id, 100 - i64::try_from(id).unwrap()).await;
    }
    let around = |id, neighbours| {
        world
            .hub
            .board(BoardName::All, Period::All, BoardPart::Around { id, neighbours }, 50)
    };
    let ids = |page: BoardPage| page.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(around(4, 1).await.unwrap()), [3, 4, 6]);
    assert_eq!(around(4, 1).await.unwrap().from, 2);
    assert_eq!(ids(around(1, 2).await.unwrap()), [1, 2, 3]);
    assert_eq!(ids(around(5, 2).await.unwrap()), [0; 0], "staff are not on it");
}

#[tokio::test(start_paused = true)]
async fn unknown_teams_and_qualifications_have_no_board() {
    let mut world = World::school(PEOPLE).await;
    let unknown = read(&world.hub, BoardName::Team(team(9))).await;
    assert_eq!(unknown, Err(EngineError::UnknownTeam(team(9))));
    let unknown = read(&world.hub, BoardName::Qualification(qualification(9))).await;
    assert_eq!(unknown, Err(EngineError::UnknownQualification(qualification(9))));
    let change = world.keep_roster(vec![team_row(1, "gone", true)]).await;
    world.hub.roster_changed(change);
    assert_eq!(
        read(&world.hub, BoardName::Team(team(1))).await,
        Err(EngineError::UnknownTeam(team(1)))
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_stop_nothing_runs_and_nothing_is_answered() {
    let world = World::school(PEOPLE).await;
    for board in boards() {
        read(&world.hub, board).await.unwrap();
    }
    world.hub.stop().await;
    assert_eq!(read(&world.hub, BoardName::All).await, Err(EngineError::Stopping));
    sleep(Duration::from_millis(10)).await;
    assert!(world.root.get_children().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_given_up_leaves_nothing_behind() {
    let world = World::school(PEOPLE).await;
    let inbox = Inbox::new();
    let asked = world.hub.subscribe_board(BoardName::All, Period::All, None, &inbox, 0);
    assert!(asked.now_or_never().is_none(), "it was not answered at once");
    let handle = world.hub.boards().get((BoardName::All, Period::All)).unwrap();
    assert!(!handle.topic.has_subscribers());
    assert_eq!(Arc::strong_count(&inbox), 1);
}

#[tokio::test(start_paused = true)]
async fn boards_come_back_with_a_new_supervisor() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    for supervisor in world.root.get_children() {
        supervisor.kill_and_wait(None).await.unwrap();
    }
    world.award(1, 10).await;
    world.start().await;
    let page = read(&world.hub, BoardName::All).await.unwrap();
    assert_eq!(standings(&page), world.expected(BoardName::All).await);
    mirror.pump();
    assert_eq!(mirror.told, 1);
    mirror.check(&page);
    world.award(2, 20).await;
    sleep(Duration::from_millis(100)).await;
    mirror.pump();
    mirror.check(&read(&world.hub, BoardName::All).await.unwrap());
}

/// Several threads award and read at once while the board fails now and then: whoever was told something reads it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_was_told_reads_it_on_every_thread() {
    const WRITERS: u64 = 8;
    const AWARDS: u64 = 300;
    let world = World::school(40).await;
    let event_ids = Arc::new(AtomicU64::new(1_000));
    let writers = (1..=WRITERS).map(|writer| {
        // Nobody of them is staff, and all are members of some team.
        let (hub, event_ids, id) = (world.hub.clone(), Arc::clone(&event_ids), writer * 5 - 1);
        tokio::spawn(async move {
            for version in 1..=AWARDS {
                hub.learners_changed(vec![LearnerChange {
                    user_id: user(id),
                    version: Version(version),
                    event_id: EventId::new(event_ids.fetch_add(1, Ordering::Relaxed)).unwrap(),
                    score: Some(Score {
                        points: version,
                        reached_at: Some(TimeMs(1)),
                    }),
                    qualifications: Vec::new(),
                    completed: Vec::new(),
                    entries: Vec::new(),
                    unlocked: Vec::new(),
                    evidence: Vec::new(),
                }]);
                for board in [BoardName::All, BoardName::Team(team(1 + id % 3))] {
                    let part = BoardPart::Around { id, neighbours: 0 };
                    let page = hub.board(board, Period::All, part, 1).await.unwrap();
                    assert_eq!(page.rows[0].points.key(), version, "{board}");
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..4 {
        sleep(Duration::from_millis(20)).await;
        world.fail_board(BoardName::All);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let teams = read(&world.hub, BoardName::Teams).await.unwrap();
    assert_eq!(
        teams.rows.iter().map(|row| row.points.key()).sum::<u64>(),
        WRITERS * AWARDS
    );
}
