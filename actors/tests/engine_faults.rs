//! I8: one failing actor takes down nobody else, and comes back with its durable state. Each kind of actor is poisoned.

use crate::support::{Counts, School, achieve, earn, stream, team, user};
use homeroom_actors::domain::Action;
use homeroom_actors::engine::{BoardPart, PoisonTarget};
use homeroom_actors::roster::{RosterCommand, RosterOutcome};
use homeroom_actors::topics::{BoardName, Inbox, Period, Position, TopicName};
use homeroom_actors::{Engine, EngineError};
use homeroom_schema::Store as _;
use homeroom_schema::limits::{RESTART_WINDOW, RESTARTS_MAX};
use homeroom_schema::memory::LostAnswer;
use homeroom_schema::records::{AuditedBy, StreamId, UserRole};
use std::time::Duration;

async fn points_on_board(engine: &Engine, board: BoardName, id: u64) -> u64 {
    let page = engine.board(board, Period::All, BoardPart::From(0), 100).await.unwrap();
    page.rows.iter().find(|row| row.id == id).unwrap().points.key()
}

/// Repeats until the part of the tree that failed is back; the clock is paused, so this takes no time.
async fn until_ok<T, F: Future<Output = Result<T, EngineError>>>(attempt: impl Fn() -> F) -> T {
    for _ in 0..1_000 {
        if let Ok(done) = attempt().await {
            return done;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not come back");
}

#[tokio::test(start_paused = true)]
async fn a_failed_learner_comes_back_and_neighbours_notice_nothing() {
    let (school, store) = School::in_memory(3).await;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    store.hold_commits();
    let pending = school
        .engine
        .earn(earn(1, Action::CompleteQuiz, 2), None)
        .await
        .unwrap();
    store.until_held(1).await;
    let neighbour = school
        .engine
        .earn(earn(2, Action::CompleteQuiz, 1), None)
        .await
        .unwrap();
    school.engine.poison(PoisonTarget::User(user(1))).await.unwrap();
    assert_eq!(
        pending.outcome().await,
        Err(EngineError::TimedOut),
        "told at once, not after the deadline"
    );
    // The one that comes back waits behind what is still on its way, and finds it.
    let next = school.engine.earn(earn(1, Action::CompleteQuiz, 2), None);
    let (next, ()) = tokio::join!(next, async {
        tokio::task::yield_now().await;
        store.release_commits();
    });
    let next = next.unwrap().outcome().await.unwrap();
    assert_eq!(
        (next.awarded, next.total),
        (false, 100),
        "kept once, before the failure"
    );
    assert!(neighbour.outcome().await.unwrap().awarded);
    assert_eq!(points_on_board(&school.engine, BoardName::All, 1).await, 100);
}

/// What was kept while the actor failed is shown to listeners, in order and without a gap (I5).
#[tokio::test(start_paused = true)]
async fn listeners_of_a_failed_learner_miss_nothing() {
    let (school, store) = School::in_memory(1).await;
    let engine = &school.engine;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    let inbox = Inbox::new();
    let held = engine
        .subscribe(TopicName::User(user(1)), None, &inbox, 0)
        .await
        .unwrap();
    assert_eq!(held.position.offset, 1);
    store.hold_commits();
    let pending = engine.earn(earn(1, Action::CompleteQuiz, 2), None).await.unwrap();
    store.until_held(1).await;
    engine.poison(PoisonTarget::User(user(1))).await.unwrap();
    store.release_commits();
    assert!(pending.outcome().await.is_err());
    // Nobody sends anything more: the learner wakes because somebody listens.
    let woken = tokio::time::timeout(Duration::from_secs(60), inbox.ready())
        .await
        .unwrap();
    assert_eq!(woken, [0]);
    assert_eq!(held.topic.position().offset, 2);
    let missed = engine.user_topic_page(user(1), 1, 10).await.unwrap();
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].offset, 2);
}

/// A shard takes its learners with it, and nobody else; all of them come back.
#[tokio::test(start_paused = true)]
async fn a_failed_shard_of_learners_comes_back() {
    let (school, _) = School::in_memory(2).await;
    let engine = &school.engine;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    school.earn(2, Action::CompleteQuiz, 1).await.unwrap();
    engine.poison(PoisonTarget::LearnerShard(user(1))).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(school.total(2).await, 50, "another shard");
    let view = until_ok(|| engine.learner(user(1))).await;
    assert_eq!(view.total, 50);
    let outcome = school.earn(1, Action::CompleteQuiz, 2).await.unwrap();
    assert_eq!((outcome.awarded, outcome.total), (true, 100));
}

/// F-X2: who fails again and again is left alone for a while; the others work, and later so does this one.
#[tokio::test(start_paused = true)]
async fn a_learner_that_fails_again_and_again_is_left_alone_for_a_while() {
    let (school, _) = School::in_memory(2).await;
    let counts = Counts::begin();
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    for _ in 0..=RESTARTS_MAX {
        school.engine.poison(PoisonTarget::User(user(1))).await.unwrap();
        // In hand when it fails: refused with a typed error, never acknowledged, so that its caller repeats it.
        let in_hand = school.engine.earn(earn(1, Action::ReadContent, 1), None).await;
        let told = match in_hand {
            Ok(pending) => pending.outcome().await,
            Err(error) => Err(error),
        };
        assert_eq!(told, Err(EngineError::TimedOut));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let happened = counts.take();
    assert_eq!(
        happened["homeroom_actor_failures_total learner"],
        RESTARTS_MAX as u64 + 1
    );
    assert_eq!(
        happened["homeroom_actor_quarantines_total learner"], 1,
        "one alarm: {happened:?}"
    );
    assert_eq!(
        school.engine.learner(user(1)).await.unwrap_err(),
        EngineError::Overloaded
    );
    assert_eq!(
        school.earn(1, Action::ReadContent, 1).await,
        Err(EngineError::Overloaded)
    );
    assert!(school.earn(2, Action::ReadContent, 1).await.unwrap().awarded);
    for _ in 0..100 {
        assert!(school.earn(1, Action::ReadContent, 1).await.is_err());
    }
    tokio::time::sleep(RESTART_WINDOW).await;
    assert_eq!(school.total(1).await, 50);
    assert!(
        school.earn(1, Action::ReadContent, 1).await.unwrap().awarded,
        "set aside, not lost"
    );
    let calm = counts.take();
    assert!(
        !calm.contains_key("homeroom_actor_quarantines_total learner"),
        "no flood: {calm:?}"
    );
}

/// F-X2: a fact in the journal that cannot be read keeps its learner from waking. It stays where it is, one alarm is given for
/// each quarantine, and nobody else notices.
#[tokio::test(start_paused = true)]
async fn a_fact_that_cannot_be_read_is_set_aside_with_its_learner() {
    let (school, store) = School::in_memory(3).await;
    let mut poison = homeroom_schema::contract::sample::tick(StreamId::learner(user(3)), 0, 1);
    poison.stream.as_mut().unwrap().events[0].event_type = "points_awarded";
    poison.stream.as_mut().unwrap().events[0].body = "{\"no\": \"award\"}".into();
    store.commit(vec![poison]).await.unwrap();
    let counts = Counts::begin();
    for _ in 0..50 {
        assert!(school.engine.learner(user(3)).await.is_err());
    }
    assert_eq!(
        school.engine.learner(user(3)).await.unwrap_err(),
        EngineError::Overloaded
    );
    assert_eq!(counts.take()["homeroom_actor_quarantines_total learner"], 1);
    assert!(school.earn(1, Action::CompleteQuiz, 1).await.unwrap().awarded);
    assert_eq!(points_on_board(&school.engine, BoardName::All, 1).await, 50);
    assert_eq!(stream(&store, 3).await.len(), 1, "it is still there");
}

/// F-X8: without the root nobody watches over the tree, so the process has to end. Readiness is gone at once.
#[tokio::test(start_paused = true)]
async fn a_root_that_fails_ends_the_node() {
    let (school, _) = School::in_memory(1).await;
    assert_eq!(school.engine.parts_down().await, []);
    school.engine.poison(PoisonTarget::Root).await.unwrap();
    let failed = tokio::time::Instant::now();
    let cause = school.engine.fatal().await;
    assert!(cause.contains("root"), "{cause}");
    let down = school.engine.parts_down().await;
    assert_eq!(down[0].part, "engine", "{down:?}");
    assert!(failed.elapsed() < Duration::from_secs(2));
}

/// F-X8: while a part is down, readiness says which one; and it is true again when the part is back.
#[tokio::test(start_paused = true)]
async fn readiness_names_the_part_that_is_down() {
    let (school, store) = School::in_memory(1).await;
    store.fail_commits(0);
    school.engine.poison(PoisonTarget::Roster).await.unwrap();
    let mut seen = Vec::new();
    let failed = tokio::time::Instant::now();
    for _ in 0..100 {
        seen.extend(school.engine.parts_down().await.into_iter().map(|down| down.part));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(seen.contains(&"roster"), "{seen:?}");
    assert!(failed.elapsed() < Duration::from_secs(2));
    until_ok(|| school.engine.check()).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_journal_comes_back_and_boards_are_right() {
    let (school, store) = School::in_memory(2).await;
    let engine = &school.engine;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    assert_eq!(points_on_board(engine, BoardName::All, 1).await, 50);
    store.lose_next_answer(LostAnswer::Kept);
    engine.poison(PoisonTarget::Journal).await.unwrap();
    let waiting = engine.earn(earn(1, Action::CompleteQuiz, 2), None).await.unwrap();
    // What waits in the queue outlives the actor. This one's answer is lost after its commit.
    assert_eq!(waiting.outcome().await, Err(EngineError::StoreUnavailable));
    assert_eq!(school.total(1).await, 100);
    assert_eq!(points_on_board(engine, BoardName::All, 1).await, 100);
    assert!(school.earn(2, Action::CompleteQuiz, 1).await.unwrap().awarded);
    assert_eq!(store.faults_happened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_again_and_again_ends_the_node() {
    let (school, _) = School::in_memory(1).await;
    for _ in 0..=RESTARTS_MAX {
        school.engine.poison(PoisonTarget::Journal).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let cause = school.engine.fatal().await;
    assert!(cause.contains("journal"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_roster_comes_back_with_what_was_kept() {
    let (school, store) = School::in_memory(2).await;
    let engine = &school.engine;
    let put = |id| RosterCommand::PutUser {
        create: true,
        user_id: Some(user(id)),
        name: "New".into(),
        alias: None,
        role: UserRole::Student,
    };
    store.lose_next_answer(LostAnswer::Kept);
    assert_eq!(
        engine.change_roster(put(10), None, AuditedBy::default()).await,
        Err(EngineError::StoreUnavailable)
    );
    engine.poison(PoisonTarget::Roster).await.unwrap();
    assert!(
        school.earn(1, Action::ReadContent, 1).await.unwrap().awarded,
        "learners go on"
    );
    assert!(engine.roster().user(user(1)).is_some(), "reads go on");
    let created = until_ok(|| engine.change_roster(put(11), None, AuditedBy::default())).await;
    assert!(matches!(created, RosterOutcome::User { created: true, .. }));
    assert!(
        engine.roster().user(user(10)).is_some(),
        "what was kept unseen is there"
    );
    assert!(school.earn(11, Action::ReadContent, 1).await.unwrap().awarded);
}

#[tokio::test(start_paused = true)]
async fn a_failed_board_comes_back_with_all_points() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    assert_eq!(points_on_board(engine, BoardName::All, 1).await, 50);
    engine.poison(PoisonTarget::Board(BoardName::All)).await.unwrap();
    assert!(school.earn(1, Action::CompleteQuiz, 2).await.unwrap().awarded);
    assert_eq!(
        points_on_board(engine, BoardName::Team(team(1)), 1).await,
        100,
        "the other boards answer"
    );
    let read = || engine.board(BoardName::All, Period::All, BoardPart::From(0), 10);
    let page = until_ok(read).await;
    assert_eq!(page.rows[0].points.key(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_failed_team_comes_back_with_its_facts() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    let first = engine
        .earn(achieve(1, 1, 7), None)
        .await
        .unwrap()
        .outcome()
        .await
        .unwrap();
    assert!(first.awarded);
    engine.poison(PoisonTarget::Team(team(1))).await.unwrap();
    assert!(school.earn(2, Action::CompleteQuiz, 1).await.unwrap().awarded);
    let performance = until_ok(|| engine.team_performance(team(1))).await;
    assert_eq!((performance.team_achievements, performance.points_sum), (1, 350));
    let again = until_ok(|| async { engine.earn(achieve(2, 1, 7), None).await?.outcome().await }).await;
    assert!(!again.awarded, "its fact is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_failed_shard_of_sessions_ends_its_own_sessions_alone() {
    let (school, _) = School::in_memory(1).await;
    school.engine.poison(PoisonTarget::SessionShard(0)).await.unwrap();
    assert!(school.earn(1, Action::CompleteQuiz, 1).await.unwrap().awarded);
    assert_eq!(school.engine.sessions().count(), 0);
}

/// Positions on user topics survive a restart of the node (I5).
#[tokio::test]
async fn a_position_on_a_user_topic_outlives_the_node() {
    let directory = tempfile::tempdir().unwrap();
    let school = School::on_disk(directory.path()).await;
    school.import(1).await;
    for quiz in 1..=5 {
        school.earn(1, Action::CompleteQuiz, quiz).await.unwrap();
    }
    let epoch = school.engine.epoch();
    school.engine.stop().await;
    drop(school);
    let school = School::on_disk(directory.path()).await;
    let inbox = Inbox::new();
    let topic = TopicName::User(user(1));
    let asked = |offset| {
        Some(Position {
            epoch: std::sync::Arc::clone(&epoch),
            offset,
        })
    };
    let held = school.engine.subscribe(topic, asked(2), &inbox, 0).await.unwrap();
    assert!(held.recovered && held.snapshot.is_none());
    assert_eq!(held.position.offset, 2);
    let page = school.engine.user_topic_page(user(1), 2, 2).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [3, 4]);
    let ahead = school.engine.subscribe(topic, asked(6), &inbox, 1).await.unwrap();
    assert!(!ahead.recovered && ahead.snapshot.is_some());
    assert_eq!(ahead.position.offset, 5);
    school.engine.stop().await;
}
