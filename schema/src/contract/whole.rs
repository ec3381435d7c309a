//! The store as a whole: transactions, restarts, closing, many callers.

use super::sample::{award, key, key_hash, progress, qualification_id, rows, student, team_id, tick, user_id};
use super::{Engine, must, school, some};
use crate::ids::{EventId, TimeMs, Version};
use crate::limits::{READS_WAITING_MAX, WRITER_JOBS_MAX};
use crate::records::{Append, AppendOutcome, Row, SnapshotRecord, StreamId};
use crate::store::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// While batches are written, a reader finds whole batches and nothing between.
pub async fn reads_see_whole_batches_only(engine: &dyn Engine) {
    const BATCH: u64 = 40;
    const BATCHES: u64 = 50;
    let store = engine.fresh().await;
    let done = Arc::new(AtomicBool::new(false));
    let (read, mut pages_read) = tokio::sync::watch::channel(0_u64);
    let reader = tokio::spawn({
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        async move {
            loop {
                // Looked at before reading, so that the last round sees everything.
                let last = done.load(Ordering::Acquire);
                let journal = must(store.read_journal(None, usize::MAX).await);
                assert_eq!(journal.len() as u64 % BATCH, 0, "part of a batch is visible");
                let heads = must(store.load_heads().await);
                assert!(heads.len() as u64 == BATCH || heads.is_empty());
                assert!(
                    heads.windows(2).all(|pair| pair[0].version == pair[1].version),
                    "part of a batch is visible"
                );
                read.send_modify(|pages| *pages += 1);
                if last {
                    return journal.len() as u64;
                }
            }
        }
    });
    for round in 0..BATCHES {
        let batch = (1..=BATCH)
            .map(|user| tick(StreamId::learner(user_id(user)), round, 1))
            .collect();
        must(store.commit(batch).await);
        // Now and then the writer waits for the reader, so that they really run beside each other.
        if round % 10 == 0 {
            let seen = *pages_read.borrow_and_update();
            must(pages_read.wait_for(|pages| *pages > seen).await);
        }
    }
    done.store(true, Ordering::Release);
    assert_eq!(must(reader.await), BATCH * BATCHES);
}

/// All that was acknowledged, letter by letter.
pub async fn everything_survives_a_restart(engine: &dyn Engine) {
    let store = school(engine).await;
    let mut keyed = award(1, 0, 50, 50, Some(1));
    keyed.key = Some(key(1, TimeMs(1)));
    let mut noted = tick(StreamId::team(team_id(1)), 0, 1);
    noted
        .stream
        .iter_mut()
        .for_each(|stream| stream.events[0].note = Some("by mistake".to_owned()));
    let list = vec![
        Row::User(student(1)),
        Row::Progress(progress(1, 1, 100, Some(3))),
        Row::Setting {
            name: "zone".to_owned(),
            value: "UTC".to_owned(),
        },
    ];
    must(store.commit(vec![keyed, noted, rows(list)]).await);
    let snapshot = SnapshotRecord {
        stream: StreamId::learner(user_id(1)),
        version: Version(1),
        bytes: vec![1, 2, 3],
    };
    must(store.save_snapshots(vec![snapshot.clone()]).await);

    let (journal, heads) = (must(store.read_journal(None, 10).await), must(store.load_heads().await));
    let (roster, epoch) = (must(store.load_roster().await), must(store.setting("epoch").await));
    let standings = must(store.qualification_standings(qualification_id(1)).await);
    let store = engine.reopen(store).await;
    assert_eq!(must(store.read_journal(None, 10).await), journal);
    assert_eq!(must(store.load_heads().await), heads);
    assert_eq!(must(store.load_roster().await), roster);
    assert_eq!(
        must(store.setting("epoch").await),
        epoch,
        "positions of clients stay good"
    );
    assert_eq!(must(store.setting("zone").await).as_deref(), Some("UTC"));
    assert_eq!(
        must(store.qualification_standings(qualification_id(1)).await),
        standings
    );
    assert_eq!(
        must(store.progress_rows(user_id(1)).await),
        [progress(1, 1, 100, Some(3))]
    );
    assert_eq!(some(must(store.find_key(key_hash(1)).await)), key(1, TimeMs(1)));
    assert_eq!(must(store.load_snapshot(snapshot.stream).await), Some(snapshot));
}

/// No id and no version is given twice.
pub async fn ids_go_on_after_a_restart(engine: &dyn Engine) {
    let mut store = engine.fresh().await;
    let stream = StreamId::learner(user_id(1));
    let mut last = None;
    for round in 0..3_u64 {
        let refused = must(store.commit(vec![tick(stream, round * 2 + 1, 1)]).await);
        assert_eq!(
            refused,
            [AppendOutcome::Conflict {
                actual: Version(round * 2)
            }]
        );
        let outcomes = must(store.commit(vec![tick(stream, round * 2, 2)]).await);
        let AppendOutcome::Kept { first_event_id } = outcomes[0] else {
            panic!("{outcomes:?}")
        };
        assert!(first_event_id > last);
        last = first_event_id.map(|first| must(EventId::new(first.get() + 1)));
        store = engine.reopen(store).await;
    }
    assert_eq!(must(store.read_journal(None, 100).await).len(), 6);
}

/// Reads and writes fail, they do not hang; closing twice is fine.
pub async fn a_closed_store_refuses_everything(engine: &dyn Engine) {
    let store = engine.fresh().await;
    must(store.check().await);
    must(store.close().await);
    let closed =
        |error: Option<StoreError>| assert!(matches!(error, Some(StoreError::Unavailable { .. })), "{error:?}");
    closed(store.commit(vec![Append::default()]).await.err());
    closed(store.check().await.err());
    closed(store.load_heads().await.err());
    closed(store.save_snapshots(vec![]).await.err());
    closed(store.purge_keys(TimeMs(0), 1).await.err());
    must(store.close().await);
}

/// Callers beyond every queue's bound wait and are served; none is lost, none is mixed up.
pub async fn many_callers_may_write_at_once(engine: &dyn Engine) {
    const CALLERS: u64 = WRITER_JOBS_MAX as u64 + 50;
    let store = engine.fresh().await;
    let mut tasks = tokio::task::JoinSet::new();
    for user in 1..=CALLERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let stream = StreamId::learner(user_id(user));
            let outcomes = must(store.commit(vec![tick(stream, 0, 1)]).await);
            assert!(matches!(outcomes[0], AppendOutcome::Kept { .. }));
            // Read your own write.
            assert_eq!(must(store.read_stream(stream, Version::ZERO, 10).await).len(), 1);
        });
    }
    while let Some(task) = tasks.join_next().await {
        must(task);
    }
    assert_eq!(must(store.load_heads().await).len() as u64, CALLERS);
}

/// Reads beyond the queue's bound wait and are served.
pub async fn many_callers_may_read_at_once(engine: &dyn Engine) {
    const CALLERS: usize = READS_WAITING_MAX + 50;
    let store = engine.fresh().await;
    must(store.commit(vec![tick(StreamId::ROSTER, 0, 3)]).await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move { must(store.read_stream(StreamId::ROSTER, Version::ZERO, 10).await).len() });
    }
    while let Some(task) = tasks.join_next().await {
        assert_eq!(must(task), 3);
    }
}
