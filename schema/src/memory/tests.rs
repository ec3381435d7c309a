//! The faults of the memory store happen when asked for, and are counted.

use super::*;
use crate::contract::sample::{award, team_id, tick, user_id};

fn learner() -> StreamId {
    StreamId::learner(user_id(1))
}

#[tokio::test]
async fn commits_fail_as_often_as_asked_and_keep_nothing() {
    let store = MemoryStore::new();
    store.fail_commits(2);
    for _ in 0..2 {
        let answer = store.commit(vec![tick(learner(), 0, 1)]).await;
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })));
        assert!(store.read_journal(None, 9).await.unwrap().is_empty());
    }
    store.commit(vec![tick(learner(), 0, 1)]).await.unwrap();
    assert_eq!((store.faults_happened(), store.batches_kept()), (2, 1));
}

#[tokio::test]
async fn a_lost_answer_is_kept_or_not_as_asked() {
    let store = MemoryStore::new();
    for (answer, version) in [(LostAnswer::Kept, 1), (LostAnswer::Lost, 1), (LostAnswer::Kept, 2)] {
        store.lose_next_answer(answer);
        let before = store.read_journal(None, 9).await.unwrap().len() as u64;
        let lost = store.commit(vec![tick(learner(), before, 1)]).await;
        assert!(matches!(lost, Err(StoreError::Unknown { .. })));
        assert_eq!(store.load_heads().await.unwrap()[0].version, Version(version));
    }
    assert_eq!(store.faults_happened(), 3);
}

#[tokio::test]
async fn held_commits_show_nothing_until_they_are_released() {
    let store = MemoryStore::new();
    store.hold_commits();
    let commits: Vec<_> = (1..=3)
        .map(|user| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(vec![award(user, 0, 10, 10, None)]).await })
        })
        .collect();
    store.until_held(3).await;
    assert!(store.read_journal(None, 9).await.unwrap().is_empty());
    store.release_commits();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    assert_eq!(store.read_journal(None, 9).await.unwrap().len(), 3);
    assert_eq!(store.faults_happened(), 3);
    store.commit(vec![tick(learner(), 1, 1)]).await.unwrap();
}

#[tokio::test]
async fn a_held_commit_whose_caller_gives_up_is_not_kept() {
    let store = MemoryStore::new();
    store.hold_commits();
    let commit = tokio::spawn({
        let store = store.clone();
        async move { store.commit(vec![tick(learner(), 0, 1)]).await }
    });
    store.until_held(1).await;
    commit.abort();
    assert!(commit.await.unwrap_err().is_cancelled());
    store.release_commits();
    store.commit(vec![tick(learner(), 0, 1)]).await.unwrap();
    assert_eq!(store.read_journal(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_conflict_on_request_hits_one_stream_once() {
    let store = MemoryStore::new();
    store.commit(vec![tick(learner(), 0, 3)]).await.unwrap();
    store.conflict_next(learner());
    let team = StreamId::team(team_id(1));
    let outcomes = store
        .commit(vec![tick(team, 0, 1), tick(learner(), 3, 1), tick(learner(), 4, 1)])
        .await
        .unwrap();
    let conflict = AppendOutcome::Conflict { actual: Version(3) };
    assert!(matches!(outcomes[0], AppendOutcome::Kept { .. }));
    assert_eq!(outcomes[1..], [conflict, conflict]);
    let again = store.commit(vec![tick(learner(), 3, 1)]).await.unwrap();
    assert!(matches!(again[0], AppendOutcome::Kept { .. }));
    assert_eq!(store.faults_happened(), 1);
}

#[tokio::test]
async fn reads_fail_as_often_as_asked_and_everything_fails_for_good() {
    let store = MemoryStore::new();
    store.fail_reads(1);
    assert!(matches!(store.load_heads().await, Err(StoreError::Unavailable { .. })));
    store.load_heads().await.unwrap();
    store.fail_for_good();
    for _ in 0..2 {
        assert!(matches!(store.commit(vec![]).await, Err(StoreError::Fatal { .. })));
        assert!(matches!(store.load_heads().await, Err(StoreError::Fatal { .. })));
        assert!(matches!(store.check().await, Err(StoreError::Fatal { .. })));
    }
    assert_eq!(store.faults_happened(), 7);
}

#[tokio::test]
async fn a_fork_has_the_committed_data_and_a_life_of_its_own() {
    let store = MemoryStore::new();
    store.commit(vec![award(1, 0, 10, 10, Some(1))]).await.unwrap();
    store.fail_for_good();
    let after = store.fork();
    assert_eq!(after.load_heads().await.unwrap()[0].total, 10);
    after.commit(vec![award(1, 1, 10, 20, Some(1))]).await.unwrap();
    assert_eq!(store.fork().load_heads().await.unwrap()[0].total, 10);
}
