//! Putting learners away and waking them: equal state, with and without a snapshot, and who stays awake.
#![allow(clippy::unwrap_used, reason = "helpers of tests; a panic is the report")]

mod support;

use homeroom_actors::domain::Action;
use homeroom_actors::topics::{Inbox, TopicName};
use homeroom_schema::limits::{
    KEY_RETENTION_MS, LEARNER_SHARDS, LEARNERS_AWAKE_MAX, SNAPSHOT_EVERY_EVENTS, STREAM_PAGE_MAX,
};
use homeroom_schema::records::{SnapshotRecord, StreamId, UserRole};
use homeroom_schema::{Store, Version};
use std::time::Duration;
use support::{School, progress, user};

/// Waits, by the paused clock, until so many learners are awake.
async fn until_awake(school: &School, awake: usize) {
    tokio::time::timeout(Duration::from_secs(3_600), async {
        while school.engine.learners_awake() != awake {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await
    .unwrap();
}

async fn busy_learner(school: &School, id: u64, awards: u64) {
    let mut pending = Vec::new();
    for number in 0..awards {
        let action = Action::ALL[usize::try_from(number % 4).unwrap()];
        let request = support::earn(id, action, 100 + number);
        pending.push(school.engine.earn(request, None).await.unwrap());
    }
    for one in pending {
        one.outcome().await.unwrap();
    }
    for unit in 101..=103 {
        let pending = school.engine.progress(progress(id, unit, 100), None).await.unwrap();
        pending.outcome().await.unwrap();
    }
}

/// I2: snapshot and tail give the state that was put away.
#[tokio::test(start_paused = true)]
async fn a_learner_wakes_as_it_was_put_away() {
    let (school, store) = School::in_memory(2).await;
    busy_learner(&school, 1, STREAM_PAGE_MAX as u64 + 50).await;
    busy_learner(&school, 2, 10).await;
    let before = (school.view(1).await, school.view(2).await);
    until_awake(&school, 0).await;
    let snapshot = store.load_snapshot(StreamId::learner(user(1))).await.unwrap().unwrap();
    assert_eq!(snapshot.version, before.0.version);
    assert!(snapshot.version.0 >= SNAPSHOT_EVERY_EVENTS);
    let none = store.load_snapshot(StreamId::learner(user(2))).await.unwrap();
    assert_eq!(none, None, "a short stream is read faster than a snapshot is kept");
    assert_eq!((school.view(1).await, school.view(2).await), before);
    // And it goes on from there, with a tail after the snapshot.
    busy_learner(&school, 1, STREAM_PAGE_MAX as u64 + 90).await;
    let later = school.view(1).await;
    until_awake(&school, 0).await;
    assert_eq!(school.view(1).await, later);
}

/// I2: an unreadable snapshot, or one from elsewhere, means replay, never failure.
#[tokio::test(start_paused = true)]
async fn a_damaged_snapshot_is_replaced_by_the_stream() {
    let (school, store) = School::in_memory(2).await;
    busy_learner(&school, 1, STREAM_PAGE_MAX as u64 + 50).await;
    let before = school.view(1).await;
    until_awake(&school, 0).await;
    let stream = StreamId::learner(user(1));
    let good = store.load_snapshot(stream).await.unwrap().unwrap();
    let mut flipped = good.bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (bytes, version) in [
        (flipped, good.version),
        (good.bytes[..20].to_vec(), good.version),
        (Vec::new(), good.version),
        (good.bytes.clone(), Version(good.version.0 - 1)),
    ] {
        let damaged = SnapshotRecord { stream, version, bytes };
        store.save_snapshots(vec![damaged]).await.unwrap();
        assert_eq!(school.view(1).await, before);
        until_awake(&school, 0).await;
    }
    let other = SnapshotRecord {
        stream: StreamId::learner(user(2)),
        ..good
    };
    store.save_snapshots(vec![other]).await.unwrap();
    assert_eq!(school.view(2).await.total, 0, "a snapshot of somebody else is none");
}

#[tokio::test(start_paused = true)]
async fn a_learner_to_whom_somebody_listens_stays_awake() {
    let (school, _) = School::in_memory(3).await;
    for id in 1..=3 {
        school.total(id).await;
    }
    let inbox = Inbox::new();
    let held = school
        .engine
        .subscribe(TopicName::User(user(2)), None, &inbox, 0)
        .await
        .unwrap();
    until_awake(&school, 1).await;
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(school.engine.learners_awake(), 1);
    held.topic.detach(&inbox, 0);
    until_awake(&school, 0).await;
}

/// I9: the number of awake learners has a bound, kept by each shard; the longest idle go first.
#[tokio::test(start_paused = true)]
async fn learners_beyond_the_bound_are_put_away_longest_idle_first() {
    let (school, _) = School::in_memory(1).await;
    let of_one_shard = (LEARNERS_AWAKE_MAX / LEARNER_SHARDS) as u64;
    let id = |number: u64| (number + 1) * LEARNER_SHARDS as u64;
    let users = (0..of_one_shard + 50).map(|number| (user(id(number)), "A".into(), None, Some(UserRole::Student)));
    let import = homeroom_actors::roster::Import {
        users: users.collect(),
        ..Default::default()
    };
    let command = homeroom_actors::roster::RosterCommand::Import(Box::new(import));
    school.engine.change_roster(command, None).await.unwrap();
    for number in 0..of_one_shard + 50 {
        if number == 50 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        school.total(id(number)).await;
    }
    until_awake(&school, of_one_shard as usize).await;
    let before = school.engine.learners_awake();
    school.total(id(of_one_shard)).await;
    assert_eq!(school.engine.learners_awake(), before, "the last used is awake");
    school.total(id(0)).await;
    assert_eq!(school.engine.learners_awake(), before + 1, "the longest idle was not");
}

#[tokio::test(start_paused = true)]
async fn expired_keys_are_removed_and_younger_ones_stay() {
    let (school, _) = School::in_memory(1).await;
    let engine = &school.engine;
    let keyed =
        |quiz: u64, number| engine.earn(support::earn(1, Action::CompleteQuiz, quiz), Some(support::key(number)));
    keyed(1, 1).await.unwrap().outcome().await.unwrap();
    school.clock.forward(KEY_RETENTION_MS - 1_000);
    keyed(2, 2).await.unwrap().outcome().await.unwrap();
    school.clock.forward(2_000);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(engine.find_key(support::key(1).hash).await.unwrap(), None);
    assert!(engine.find_key(support::key(2).hash).await.unwrap().is_some());
}
