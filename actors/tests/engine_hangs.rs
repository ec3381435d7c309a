//! F-X4: an actor that does not come to an end with a message is noticed, ended and started again, within five seconds; its
//! callers get a typed error, the others notice nothing, and what is durable is right afterwards.

use crate::support::{Counts, School, achieve, earn, team, user};
use homeroom_actors::EngineError;
use homeroom_actors::domain::Action;
use homeroom_actors::engine::{BoardPart, PoisonTarget};
use homeroom_actors::roster::RosterCommand;
use homeroom_actors::topics::{BoardName, Period};
use homeroom_schema::records::{AuditedBy, UserRole};
use std::time::Duration;
use tokio::time::Instant;

const FIVE_SECONDS: Duration = Duration::from_secs(5);

fn failures(counts: &Counts, kind: &str) -> u64 {
    let name = format!("homeroom_actor_failures_total {kind}");
    counts.take().get(&name).copied().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_learner_that_hangs() {
    let (school, _) = School::in_memory(2).await;
    let counts = Counts::begin();
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    school.engine.hang(PoisonTarget::User(user(1))).await.unwrap();
    let began = Instant::now();
    let stuck = school
        .engine
        .earn(earn(1, Action::CompleteQuiz, 2), None)
        .await
        .unwrap();
    assert!(
        school.earn(2, Action::CompleteQuiz, 1).await.unwrap().awarded,
        "a neighbour"
    );
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(stuck.outcome().await, Err(EngineError::TimedOut));
    let again = school.earn(1, Action::CompleteQuiz, 2).await.unwrap();
    assert_eq!((again.awarded, again.total), (true, 100));
    assert!(began.elapsed() < FIVE_SECONDS, "{:?}", began.elapsed());
    assert_eq!(failures(&counts, "learner"), 1, "it really hung");
}

#[tokio::test(start_paused = true)]
async fn a_board_that_hangs() {
    let (school, _) = School::in_memory(2).await;
    let counts = Counts::begin();
    let read = || school.engine.board(BoardName::All, Period::All, BoardPart::From(0), 10);
    read().await.unwrap();
    school.engine.hang(PoisonTarget::Board(BoardName::All)).await.unwrap();
    let began = Instant::now();
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO, "awards do not wait for a board");
    assert_eq!(read().await.unwrap().rows[0].points.key(), 50);
    assert!(began.elapsed() < FIVE_SECONDS && began.elapsed() > Duration::from_secs(1));
    assert_eq!(failures(&counts, "board"), 1, "it really hung");
}

#[tokio::test(start_paused = true)]
async fn a_team_that_hangs() {
    let (school, _) = School::in_memory(2).await;
    let counts = Counts::begin();
    school.engine.team_performance(team(1)).await.unwrap();
    school.engine.hang(PoisonTarget::Team(team(1))).await.unwrap();
    let began = Instant::now();
    let achieved = school.engine.earn(achieve(1, 1, 7), None).await.unwrap();
    assert!(
        achieved.outcome().await.unwrap().awarded,
        "asked again by the engine itself"
    );
    assert!(began.elapsed() < FIVE_SECONDS, "{:?}", began.elapsed());
    assert_eq!(failures(&counts, "team"), 1, "it really hung");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_hangs() {
    let (school, _) = School::in_memory(2).await;
    let counts = Counts::begin();
    school.engine.hang(PoisonTarget::Journal).await.unwrap();
    let began = Instant::now();
    assert!(
        school.earn(1, Action::CompleteQuiz, 1).await.unwrap().awarded,
        "it waited in the queue"
    );
    assert!(began.elapsed() < FIVE_SECONDS && began.elapsed() > Duration::from_secs(1));
    assert_eq!(failures(&counts, "journal"), 1, "it really hung");
    school.engine.check().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_roster_that_hangs() {
    let (school, _) = School::in_memory(2).await;
    let counts = Counts::begin();
    school.engine.hang(PoisonTarget::Roster).await.unwrap();
    let began = Instant::now();
    let put = RosterCommand::PutUser {
        create: true,
        user_id: Some(user(10)),
        name: "New".into(),
        alias: None,
        role: UserRole::Student,
    };
    school
        .engine
        .change_roster(put, None, AuditedBy::default())
        .await
        .unwrap();
    assert!(began.elapsed() < FIVE_SECONDS, "{:?}", began.elapsed());
    assert_eq!(failures(&counts, "roster"), 1, "it really hung");
    assert!(school.earn(10, Action::CompleteQuiz, 1).await.unwrap().awarded);
}

/// A slow store is no hanging actor: nobody is ended for it.
#[tokio::test(start_paused = true)]
async fn waiting_for_the_disk_is_not_hanging() {
    let (school, store) = School::in_memory(1).await;
    let counts = Counts::begin();
    store.hold_commits();
    let pending = school
        .engine
        .earn(earn(1, Action::CompleteQuiz, 1), None)
        .await
        .unwrap();
    store.until_held(1).await;
    tokio::time::sleep(FIVE_SECONDS + Duration::from_secs(3)).await;
    store.release_commits();
    assert!(pending.outcome().await.unwrap().awarded);
    let happened = counts.take();
    assert!(
        !happened.keys().any(|name| name.starts_with("homeroom_actor_failures")),
        "{happened:?}"
    );
}
