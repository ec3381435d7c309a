//! Putting learners away and waking them: equal state, with and without a snapshot, and who stays awake.

use crate::support::{self, School, progress, user};
use homeroom_actors::domain::Action;
use homeroom_actors::roster::{Import, RosterCommand};
use homeroom_actors::topics::{Inbox, TopicName};
use homeroom_actors::views::LearnerView;
use homeroom_schema::limits::{
    KEY_RETENTION_MS, LEARNER_SHARDS, LEARNERS_AWAKE_MAX, SNAPSHOT_EVERY_EVENTS, STREAM_PAGE_MAX,
};
use homeroom_schema::records::{AuditedBy, SnapshotRecord, StreamId, UserRole};
use homeroom_schema::{Store, Version};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

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

/// F-X5: most people of a large school are put away, whoever comes finds what they had, and no more are awake than came.
#[tokio::test(start_paused = true)]
async fn a_large_school_sleeps_but_for_those_who_come() {
    let is_soak = std::env::var_os("HOMEROOM_SOAK").is_some();
    let (people, active) = if is_soak { (100_000, 1_000) } else { (3_000, 30) };
    let (school, _) = School::in_memory(1).await;
    let users = (2..=people).map(|id| (user(id), format!("Student {id}"), None, None));
    let import = Import {
        users: users.collect(),
        ..Default::default()
    };
    let command = RosterCommand::Import(Box::new(import));
    school
        .engine
        .change_roster(command, None, AuditedBy::default())
        .await
        .unwrap();
    for id in 1..=people {
        let request = support::earn(id, Action::CompleteQuiz, id);
        let pending = school.engine.earn(request, None).await.unwrap();
        pending.outcome().await.unwrap();
    }
    let mut left: HashMap<u64, Arc<LearnerView>> = HashMap::new();
    let mut loads = 0;
    for round in 0..5 {
        until_awake(&school, 0).await;
        for id in (1..=active).map(|came| came * (people / active)) {
            let found = school.view(id).await;
            loads += 1;
            assert_eq!(found.total, 50, "learner {id}");
            assert!(left.get(&id).is_none_or(|left| *left == found), "learner {id}");
            let step = progress(id, 101, 10 + round);
            school
                .engine
                .progress(step, None)
                .await
                .unwrap()
                .outcome()
                .await
                .unwrap();
            left.insert(id, school.view(id).await);
        }
        assert_eq!(
            school.engine.learners_awake() as u64,
            active,
            "as many are awake as came"
        );
    }
    let outcome = format!("{people} people, {active} active at a time; all as they were left; nobody else awake");
    support::report::report_row("F-X5", "learners put away and woken", loads, &outcome);
}

/// I9: the number of awake learners has a bound, kept by each shard; the longest idle go first.
#[tokio::test(start_paused = true)]
async fn learners_beyond_the_bound_are_put_away_longest_idle_first() {
    let (school, _) = School::in_memory(1).await;
    let of_one_shard = (LEARNERS_AWAKE_MAX / LEARNER_SHARDS) as u64;
    let id = |number: u64| (number + 1) * LEARNER_SHARDS as u64;
    let users = (0..of_one_shard + 50).map(|number| (user(id(number)), "A".into(), None, Some(UserRole::Student)));
    let import = Import {
        users: users.collect(),
        ..Default::default()
    };
    let command = RosterCommand::Import(Box::new(import));
    school
        .engine
        .change_roster(command, None, AuditedBy::default())
        .await
        .unwrap();
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
