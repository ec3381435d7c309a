//! The engine as its callers see it: commands, answers, reads, corrections, the roster, stop and start.

use crate::support::{self, DAY_MS, School, earn, key, progress, unit, user};
use homeroom_actors::EngineError;
use homeroom_actors::domain::{Action, RefusalReason, Rejection};
use homeroom_actors::engine::Correction;
use homeroom_schema::Version;
use homeroom_schema::records::{AuditedBy, KeyOutcome, StreamId};
use std::sync::Arc;

#[tokio::test]
async fn an_award_is_answered_and_shown() {
    let (school, _) = School::in_memory(3).await;
    let outcome = school.earn(1, Action::CompleteQuiz, 5).await.unwrap();
    assert!(outcome.awarded);
    assert_eq!((outcome.points, outcome.total, outcome.level), (50, 50, 1));
    assert_eq!(school.total(1).await, 50);
    assert_eq!(school.total(2).await, 0);
    let ledger = school.engine.ledger(user(1), None, 10).await.unwrap();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].event_id, outcome.event_id);
}

/// I3: a natural key is awarded at most once, and the receipt is kept once a day.
#[tokio::test]
async fn a_repeated_attempt_is_credited_once() {
    let (school, store) = School::in_memory(1).await;
    let first = school.earn(1, Action::ReadContent, 9).await.unwrap();
    let second = school.earn(1, Action::ReadContent, 9).await.unwrap();
    let third = school.earn(1, Action::ReadContent, 9).await.unwrap();
    assert!(first.awarded && !second.awarded);
    assert_eq!(second.reason, Some(RefusalReason::AlreadyAwarded));
    assert_eq!(third, second, "the receipt of the day answers again");
    assert_eq!(support::stream(&store, 1).await.len(), 2);
    school.clock.forward(DAY_MS);
    let next_day = school.earn(1, Action::ReadContent, 9).await.unwrap();
    assert!(next_day.event_id > second.event_id);
    assert_eq!(school.total(1).await, 10);
}

#[tokio::test]
async fn a_reference_that_is_a_unit_counts_for_its_qualification() {
    let (school, _) = School::in_memory(1).await;
    school.earn(1, Action::ReadContent, 103).await.unwrap();
    let ledger = school.engine.ledger(user(1), None, 1).await.unwrap();
    assert!(ledger[0].body.contains(r#""qualification":2"#), "{}", ledger[0].body);
    assert!(ledger[0].body.contains(r#""teams":[1]"#), "{}", ledger[0].body);
}

#[tokio::test]
async fn what_is_unknown_is_named_and_nothing_is_kept() {
    let (school, store) = School::in_memory(1).await;
    let batches = store.batches_kept();
    let unknown = school.earn(9, Action::ReadContent, 1).await.unwrap_err();
    assert_eq!(unknown, EngineError::UnknownUser(user(9)));
    let mut request = earn(1, Action::ReadContent, 1);
    request.unit_id = Some(unit(999));
    let refused = school.engine.earn(request, None).await.err();
    assert_eq!(refused, Some(EngineError::UnknownUnit(unit(999))));
    let refused = school.engine.progress(progress(1, 999, 5), None).await.err();
    assert_eq!(refused, Some(EngineError::UnknownUnit(unit(999))));
    assert_eq!(
        school.engine.learner(user(9)).await.unwrap_err(),
        EngineError::UnknownUser(user(9))
    );
    assert_eq!(store.batches_kept(), batches);
}

/// I6: progress never falls, and completion is set once.
#[tokio::test]
async fn progress_rises_and_completes_once() {
    let (school, _) = School::in_memory(1).await;
    let mut states = Vec::new();
    for percentage in [40, 20, 100, 30] {
        let pending = school
            .engine
            .progress(progress(1, 101, percentage), None)
            .await
            .unwrap();
        states.push(pending.outcome().await.unwrap().progress);
        school.clock.forward(1_000);
    }
    let percentages: Vec<_> = states.iter().map(|state| state.progress_percentage).collect();
    assert_eq!(percentages, [40, 40, 100, 100]);
    assert_eq!(states[3].completed_at, states[2].completed_at);
    let view = school.view(1).await;
    assert_eq!(view.completion.units_completed, 1);
    assert_eq!(view.completion.units_total, 4);
}

#[tokio::test]
async fn an_award_is_taken_back_and_given_again_once() {
    let (school, _) = School::in_memory(1).await;
    let award = school.earn(1, Action::CompleteQuiz, 5).await.unwrap();
    let correct = |correction| {
        school.engine.correct(
            award.event_id,
            correction,
            Some("a mistake".into()),
            None,
            AuditedBy::default(),
        )
    };
    let reversed = correct(Correction::Reverse).await.unwrap().outcome().await.unwrap();
    assert_eq!((reversed.points, reversed.total, reversed.of), (-50, 0, award.event_id));
    let again = correct(Correction::Reverse).await.unwrap().outcome().await;
    assert_eq!(again, Err(EngineError::Rejected(Rejection::AlreadyReversed)));
    let reinstated = school.engine.correct(
        reversed.event_id,
        Correction::Reinstate,
        None,
        None,
        AuditedBy::default(),
    );
    let reinstated = reinstated.await.unwrap().outcome().await.unwrap();
    assert_eq!((reinstated.points, reinstated.total), (50, 50));
    let ledger = school.engine.ledger(user(1), None, 10).await.unwrap();
    let kinds: Vec<_> = ledger.iter().map(|entry| entry.event_type.as_str()).collect();
    assert_eq!(kinds, ["points_reinstated", "points_reversed", "points_awarded"]);
    assert_eq!(ledger[1].note.as_deref(), Some("a mistake"));
}

/// I3: a key has one outcome, which points at the event that answers it.
#[tokio::test]
async fn a_key_is_kept_with_where_its_answer_is() {
    let (school, _) = School::in_memory(1).await;
    let engine = &school.engine;
    let first = engine
        .earn(earn(1, Action::CompleteQuiz, 5), Some(key(1)))
        .await
        .unwrap();
    first.outcome().await.unwrap();
    let refused = engine
        .earn(earn(1, Action::CompleteQuiz, 5), Some(key(2)))
        .await
        .unwrap();
    refused.outcome().await.unwrap();
    // The receipt of the day is there already: only the key is kept.
    let as_before = engine
        .earn(earn(1, Action::CompleteQuiz, 5), Some(key(3)))
        .await
        .unwrap();
    as_before.outcome().await.unwrap();
    for (number, status, version) in [(1, 201, 1), (2, 200, 2), (3, 200, 2)] {
        let kept = engine.find_key(key(number).hash).await.unwrap().unwrap();
        assert_eq!(kept.status, status);
        let outcome = KeyOutcome::Event {
            stream: StreamId::learner(user(1)),
            version: Version(version),
            total: 50,
            level: 1,
        };
        assert_eq!(kept.outcome, outcome, "key {number}");
    }
    let taken = engine
        .earn(earn(1, Action::CompleteQuiz, 6), Some(key(1)))
        .await
        .unwrap();
    assert_eq!(taken.outcome().await, Err(EngineError::KeyTaken));
    assert_eq!(school.total(1).await, 50, "the award under a taken key is not kept");
    assert!(school.earn(1, Action::CompleteQuiz, 6).await.unwrap().awarded);
}

/// I1: a stop loses nothing; what was answered is there at the next start.
#[tokio::test]
async fn a_stop_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let school = School::on_disk(directory.path()).await;
    school.import(50).await;
    let mut pending = Vec::new();
    for id in 1..=50 {
        for quiz in 0..10 {
            let request = earn(id, Action::CompleteQuiz, 1_000 + quiz);
            pending.push(school.engine.earn(request, None).await.unwrap());
        }
    }
    school.engine.stop().await;
    for one in pending {
        assert!(
            one.outcome().await.unwrap().awarded,
            "the stop waits for what is under way"
        );
    }
    let late = school.earn(1, Action::ReadContent, 1).await;
    assert_eq!(late, Err(EngineError::Stopping));
    drop(school);
    let school = School::on_disk(directory.path()).await;
    for id in 1..=50 {
        assert_eq!(school.total(id).await, 500);
    }
    school.engine.stop().await;
}

/// What has started is ready: nobody has to wait for a supervisor that is still on its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_reads_after_a_start_are_answered() {
    let (school, store) = School::in_memory(64).await;
    school.engine.stop().await;
    for _ in 0..20 {
        let again = School::open(Arc::new(store.fork()), support::settings()).await;
        for id in 1..=64 {
            again.engine.learner(user(id)).await.unwrap();
        }
        again.engine.stop().await;
    }
}
