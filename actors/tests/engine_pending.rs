//! What is pending, what is durable, and what becomes of a learner when a batch fails.

use crate::support::{self, School, earn, key, progress, user};
use homeroom_actors::EngineError;
use homeroom_actors::domain::{Action, Rejection};
use homeroom_actors::engine::Correction;
use homeroom_schema::limits::{
    ADMISSION_WINDOW, BATCH_APPENDS_MAX, COMMANDS_IN_FLIGHT_MAX, COMMANDS_IN_FLIGHT_MIN, STOP_DEADLINE,
};
use homeroom_schema::memory::LostAnswer;
use homeroom_schema::records::{AuditedBy, StreamId};

/// I1: commands are decided on what is pending, and nothing pending is seen by anyone.
#[tokio::test]
async fn a_learner_decides_on_pending_state_and_shows_only_durable_state() {
    let (school, store) = School::in_memory(1).await;
    store.hold_commits();
    let engine = &school.engine;
    let quiz = engine.earn(earn(1, Action::CompleteQuiz, 1), None).await.unwrap();
    let read = engine.earn(earn(1, Action::ReadContent, 1), None).await.unwrap();
    let again = engine.earn(earn(1, Action::CompleteQuiz, 1), None).await.unwrap();
    let as_before = engine.earn(earn(1, Action::CompleteQuiz, 1), None).await.unwrap();
    let unit = engine.progress(progress(1, 101, 30), None).await.unwrap();
    let touch = engine.progress(progress(1, 101, 30), None).await.unwrap();
    store.until_held(1).await;
    let view = school.view(1).await;
    assert_eq!((view.total, view.version.0, view.units.len()), (0, 0, 0));
    assert!(engine.ledger(user(1), None, 10).await.unwrap().is_empty());
    store.release_commits();

    assert_eq!(quiz.outcome().await.unwrap().total, 50);
    assert_eq!(read.outcome().await.unwrap().total, 60);
    let again = again.outcome().await.unwrap();
    assert_eq!((again.awarded, again.total), (false, 60));
    assert_eq!(
        as_before.outcome().await.unwrap(),
        again,
        "the pending receipt was waited for"
    );
    let unit = unit.outcome().await.unwrap();
    assert_eq!(touch.outcome().await.unwrap(), unit);
    let view = school.view(1).await;
    assert_eq!((view.total, view.version.0, view.units.len()), (60, 4, 1));
    assert!(store.faults_happened() > 0);
}

/// I1: a failed batch is answered as such, and leaves no trace in what comes after it.
#[tokio::test]
async fn a_failed_batch_drops_what_was_pending() {
    let (school, store) = School::in_memory(2).await;
    store.hold_commits();
    let engine = &school.engine;
    let mut pending = Vec::new();
    for id in 1..=5 {
        pending.push(engine.earn(earn(1, Action::CompleteQuiz, id), None).await.unwrap());
    }
    let neighbour = engine.earn(earn(2, Action::CompleteQuiz, 1), None).await.unwrap();
    store.until_held(1).await;
    store.fail_commits(2);
    store.release_commits();
    for one in pending {
        assert_eq!(one.outcome().await, Err(EngineError::StoreUnavailable));
    }
    assert_eq!(neighbour.outcome().await, Err(EngineError::StoreUnavailable));
    // Whatever the fence met is over when the next command is decided.
    while school.earn(1, Action::ReadContent, 1).await.is_err() {}
    let view = school.view(1).await;
    assert_eq!((view.total, view.version.0), (10, 1));
    assert!(store.faults_happened() >= 2);
}

/// I3: an answer that is lost after the commit is settled by the same key: one effect, whatever happened.
#[tokio::test]
async fn an_award_whose_answer_was_lost_is_there_once() {
    for answer in [LostAnswer::Kept, LostAnswer::Lost] {
        let (school, store) = School::in_memory(2).await;
        store.lose_next_answer(answer);
        let request = || school.engine.earn(earn(1, Action::CompleteQuiz, 1), Some(key(1)));
        let first = request().await.unwrap().outcome().await;
        assert_eq!(first, Err(EngineError::StoreUnavailable));
        assert_eq!(store.faults_happened(), 1);
        let kept = school.engine.find_key(key(1).hash).await.unwrap();
        assert_eq!(kept.is_some(), answer == LostAnswer::Kept);
        let second = request().await.unwrap().outcome().await;
        match answer {
            LostAnswer::Kept => assert_eq!(second, Err(EngineError::KeyTaken), "the edge answers from the key"),
            LostAnswer::Lost => assert!(second.unwrap().awarded),
        }
        assert!(!school.earn(1, Action::CompleteQuiz, 1).await.unwrap().awarded);
        assert_eq!(school.total(1).await, 50);
        let board = school.engine.board(
            homeroom_actors::topics::BoardName::All,
            homeroom_actors::topics::Period::All,
            homeroom_actors::engine::BoardPart::From(0),
            10,
        );
        assert_eq!(board.await.unwrap().rows[0].points.key(), 50, "boards show it too");
    }
}

/// Whoever loses against another node is decided anew, with all that rested on it, and in order.
#[tokio::test]
async fn a_conflict_is_decided_anew() {
    let (school, store) = School::in_memory(1).await;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    store.conflict_next(StreamId::learner(user(1)));
    let outcome = school.earn(1, Action::CompleteQuiz, 2).await.unwrap();
    assert_eq!(store.faults_happened(), 1);
    assert_eq!((outcome.awarded, outcome.total), (true, 100));

    let mut pending = Vec::new();
    store.hold_commits();
    store.conflict_next(StreamId::learner(user(1)));
    for reference in [3, 4, 3, 5] {
        let request = earn(1, Action::CompleteQuiz, reference);
        pending.push(school.engine.earn(request, None).await.unwrap());
    }
    store.release_commits();
    let mut told = Vec::new();
    for one in pending {
        let outcome = one.outcome().await.unwrap();
        told.push((outcome.awarded, outcome.total));
    }
    assert_eq!(told, [(true, 150), (true, 200), (false, 200), (true, 250)]);
    assert_eq!(school.total(1).await, 250);
}

/// A second node's award is found, shown and built upon.
#[tokio::test]
async fn what_another_node_kept_is_read_after_the_conflict() {
    let (here, store) = School::in_memory(1).await;
    here.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    let there = School::open(std::sync::Arc::new(store.clone()), support::settings()).await;
    there.earn(1, Action::CompleteQuiz, 2).await.unwrap();
    let outcome = here.earn(1, Action::CompleteQuiz, 3).await.unwrap();
    assert_eq!((outcome.awarded, outcome.total), (true, 150));
    assert!(!here.earn(1, Action::CompleteQuiz, 2).await.unwrap().awarded);
}

/// A refusal that rests on something pending waits for it: if that fails, the refusal would have been wrong.
#[tokio::test]
async fn a_rejection_that_rests_on_something_pending_is_decided_again() {
    for fails in [false, true] {
        let (school, store) = School::in_memory(1).await;
        let award = school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
        let engine = &school.engine;
        let reverse = || engine.correct(award.event_id, Correction::Reverse, None, None, AuditedBy::default());
        store.hold_commits();
        let first = reverse().await.unwrap();
        store.until_held(1).await;
        let second = reverse().await.unwrap();
        store.fail_commits(u32::from(fails));
        store.release_commits();
        let (first, second) = (first.outcome().await, second.outcome().await);
        if fails {
            assert_eq!(first, Err(EngineError::StoreUnavailable));
            assert_eq!(second, Err(EngineError::StoreUnavailable));
            assert_eq!(school.total(1).await, 50);
        } else {
            assert_eq!(first.unwrap().total, 0);
            assert_eq!(second, Err(Rejection::AlreadyReversed.into()));
        }
    }
}

/// I9: commands in flight have a bound; at it callers are told, and nobody else is delayed.
#[tokio::test(start_paused = true)]
async fn commands_beyond_the_bound_are_shed_until_others_are_answered() {
    let (school, store) = School::in_memory(100).await;
    store.hold_commits();
    let mut pending = Vec::new();
    for number in 0..COMMANDS_IN_FLIGHT_MAX as u64 {
        let request = earn(number % 100 + 1, Action::ReadContent, 1_000 + number);
        pending.push(school.engine.earn(request, None).await.unwrap());
    }
    let shed = school.engine.earn(earn(1, Action::ReadContent, 1), None).await.err();
    assert_eq!(shed, Some(EngineError::Overloaded));
    assert_eq!(school.total(1).await, 0, "reads go on");
    let batches = store.batches_kept();
    store.release_commits();
    for one in pending {
        assert!(one.outcome().await.unwrap().awarded);
    }
    let batches = store.batches_kept() - batches;
    let least = COMMANDS_IN_FLIGHT_MAX.div_ceil(BATCH_APPENDS_MAX) as u64;
    assert!(
        (least..=least + 1).contains(&batches),
        "{batches} batches, each full but the first and the last"
    );
    assert!(school.earn(1, Action::ReadContent, 1).await.unwrap().awarded);
}

/// F-X3: a store that stands still. What is taken stays bounded, the rest is pushed back at once, and all that was taken is
/// there when the store goes on.
#[tokio::test(start_paused = true)]
async fn fx3_a_store_that_stands_still_pushes_callers_back() {
    let (school, store) = School::in_memory(100).await;
    store.hold_commits();
    let (mut taken, mut refused) = (Vec::new(), 0);
    for round in 0..40_u64 {
        for number in 0..500_u64 {
            let reference = 1_000 + round * 500 + number;
            match school
                .engine
                .earn(earn(number % 100 + 1, Action::ReadContent, reference), None)
                .await
            {
                Ok(pending) => taken.push(pending),
                Err(error) => {
                    assert_eq!(error, EngineError::Overloaded);
                    refused += 1;
                }
            }
        }
        tokio::time::advance(ADMISSION_WINDOW / 4).await;
    }
    println!(
        "20,000 commands while nothing could be kept: {} taken, {refused} pushed back",
        taken.len()
    );
    assert!(store.faults_happened() > 0 && refused > 0);
    assert_eq!(
        school.engine.commands_in_flight(),
        taken.len(),
        "memory grows with what is taken alone"
    );
    assert!(
        (COMMANDS_IN_FLIGHT_MIN..=2 * COMMANDS_IN_FLIGHT_MIN).contains(&taken.len()),
        "the bound fell when nothing was answered for a while: {}",
        taken.len()
    );
    assert_eq!(school.engine.has_room(), Err(EngineError::Overloaded));
    assert_eq!(school.total(1).await, 0, "reads go on");
    store.release_commits();
    for one in taken {
        assert!(one.outcome().await.unwrap().awarded);
    }
    assert_eq!(
        (school.engine.commands_in_flight(), school.engine.has_room()),
        (0, Ok(()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stuck_store_is_told_after_the_deadline_and_settled_by_repeating() {
    let (school, store) = School::in_memory(1).await;
    store.hold_commits();
    assert_eq!(
        school.earn(1, Action::CompleteQuiz, 1).await,
        Err(EngineError::TimedOut)
    );
    store.release_commits();
    let outcome = school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    assert_eq!(
        (outcome.awarded, outcome.total),
        (false, 50),
        "it was kept after all, once"
    );
}

/// A stop is over in time, whatever is stuck; what was not acknowledged may be missing, nothing else.
#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_stuck_store_for_ever() {
    let (school, store) = School::in_memory(1).await;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    store.hold_commits();
    let stuck = school
        .engine
        .earn(earn(1, Action::CompleteQuiz, 2), None)
        .await
        .unwrap();
    store.until_held(1).await;
    let started = tokio::time::Instant::now();
    school.engine.stop().await;
    assert!(started.elapsed() <= STOP_DEADLINE);
    assert!(stuck.outcome().await.is_err());
    let after = School::open(std::sync::Arc::new(store.fork()), support::settings()).await;
    assert_eq!(after.total(1).await, 50);
}

/// F-X8: a store that is lost for good is told, so that the process ends instead of looking healthy.
#[tokio::test]
async fn a_store_that_cannot_go_on_ends_the_node() {
    let (school, store) = School::in_memory(1).await;
    school.engine.check().await.unwrap();
    store.fail_for_good();
    let refused = school.earn(1, Action::CompleteQuiz, 1).await;
    assert_eq!(refused, Err(EngineError::StoreUnavailable));
    assert!(!school.engine.fatal().await.is_empty());
    assert!(school.engine.check().await.is_err());
    school.engine.stop().await;
}
