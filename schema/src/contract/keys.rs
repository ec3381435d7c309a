//! Idempotency keys: one outcome each, kept for a while.

use super::sample::{key, key_hash, student, tick, user_id};
use super::{Engine, must, some};
use crate::ids::{TimeMs, Version};
use crate::records::{Append, AppendOutcome, KeyOutcome, KeyRecord, Row, StreamId};

fn keyed(mut append: Append, number: u64) -> Append {
    append.key = Some(key(number, TimeMs(number.cast_signed())));
    append
}

/// In an earlier batch or in the same one; before its version is looked at, and without harm to others.
pub async fn a_used_key_refuses_the_append(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let (one, two) = (StreamId::learner(user_id(1)), StreamId::learner(user_id(2)));
    must(store.commit(vec![keyed(tick(one, 0, 1), 1)]).await);
    let mut with_row = keyed(tick(one, 1, 1), 1);
    with_row.rows.push(Row::User(student(1)));
    let batch = vec![
        with_row,
        keyed(tick(two, 0, 1), 2),
        keyed(tick(two, 1, 1), 2),
        // A taken key is told first, whatever the version is.
        keyed(tick(one, 99, 1), 1),
        tick(two, 1, 1),
        tick(one, 1, 1),
    ];
    let outcomes = must(store.commit(batch).await);
    let taken: Vec<_> = outcomes
        .iter()
        .map(|outcome| *outcome == AppendOutcome::KeyTaken)
        .collect();
    assert_eq!(taken, [true, false, true, true, false, false]);
    assert!(
        outcomes
            .iter()
            .all(|outcome| !matches!(outcome, AppendOutcome::Conflict { .. }))
    );
    assert!(must(store.load_roster().await).users.is_empty());
    assert_eq!(must(store.read_stream(one, Version::ZERO, 10).await).len(), 2);
    assert_eq!(must(store.read_stream(two, Version::ZERO, 10).await).len(), 2);
}

/// What was decided on top of events whose key was taken is refused, also where somebody else's event makes its version fit.
pub async fn what_rests_on_a_taken_key_is_refused(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let (one, two) = (StreamId::learner(user_id(1)), StreamId::learner(user_id(2)));
    must(store.commit(vec![keyed(tick(one, 0, 1), 1)]).await);
    let batch = vec![
        keyed(tick(one, 0, 1), 1),
        tick(one, 1, 1),
        tick(two, 0, 1),
        tick(one, 2, 1),
    ];
    let outcomes = must(store.commit(batch).await);
    let conflict = AppendOutcome::Conflict { actual: Version(1) };
    assert_eq!(outcomes[0], AppendOutcome::KeyTaken);
    assert_eq!((outcomes[1], outcomes[3]), (conflict, conflict));
    assert!(matches!(outcomes[2], AppendOutcome::Kept { .. }));
    let next = must(store.commit(vec![tick(one, 1, 1)]).await);
    assert!(
        matches!(next[0], AppendOutcome::Kept { .. }),
        "the next batch starts afresh"
    );
}

/// A conflict keeps nothing, not even the key: the caller may try again with it.
pub async fn a_key_of_a_refused_append_stays_free(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let one = StreamId::learner(user_id(1));
    let batch = vec![
        keyed(tick(one, 5, 1), 1),
        keyed(tick(StreamId::learner(user_id(2)), 0, 1), 1),
    ];
    let outcomes = must(store.commit(batch).await);
    assert!(matches!(outcomes[0], AppendOutcome::Conflict { .. }));
    assert!(
        matches!(outcomes[1], AppendOutcome::Kept { .. }),
        "also within the same batch"
    );
    let outcomes = must(store.commit(vec![keyed(tick(one, 5, 1), 2)]).await);
    assert!(matches!(outcomes[0], AppendOutcome::Conflict { .. }));
    assert_eq!(must(store.find_key(key_hash(2)).await), None);
}

/// With a place in the journal, or with a body.
pub async fn keys_come_back_with_their_outcome(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let event = KeyRecord {
        status: 200,
        outcome: KeyOutcome::Event {
            stream: StreamId::learner(user_id(77)),
            version: Version(3),
            total: 9_007_199_254_740_991,
            level: u32::MAX,
        },
        ..key(1, TimeMs(1_700_000_000_123))
    };
    let body = KeyRecord {
        status: 422,
        outcome: KeyOutcome::Body(r#"{"b":1,"a":[1.50,"日本"]}"#.to_owned()),
        ..key(2, TimeMs(5))
    };
    let append = |key: &KeyRecord| Append {
        key: Some(key.clone()),
        ..Append::default()
    };
    let outcomes = must(store.commit(vec![append(&event), append(&body)]).await);
    assert_eq!(outcomes, [AppendOutcome::Kept { first_event_id: None }; 2]);
    assert_eq!(some(must(store.find_key(event.hash).await)), event);
    assert_eq!(
        some(must(store.find_key(body.hash).await)),
        body,
        "an answer comes back letter by letter"
    );
    assert_eq!(must(store.find_key(key_hash(3)).await), None);
}

/// Older than the bound, no more than asked; purged keys are free again.
pub async fn old_keys_are_purged_the_oldest_first(engine: &dyn Engine) {
    let store = engine.fresh().await;
    for number in [5, 3, 9, 1, 7] {
        must(store.commit(vec![keyed(Append::default(), number)]).await);
    }
    assert_eq!(must(store.purge_keys(TimeMs(7), 2).await), 2);
    let mut left = Vec::new();
    for number in [1, 3, 5, 7, 9] {
        left.extend(must(store.find_key(key_hash(number)).await).map(|_| number));
    }
    assert_eq!(left, [5, 7, 9]);
    assert_eq!(must(store.purge_keys(TimeMs(7), 2).await), 1);
    assert_eq!(must(store.purge_keys(TimeMs(7), 2).await), 0);
    let again = must(store.commit(vec![keyed(Append::default(), 3)]).await);
    assert!(matches!(again[0], AppendOutcome::Kept { .. }));
}
