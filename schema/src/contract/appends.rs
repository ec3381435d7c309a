//! Which appends are kept, at which versions, with which ids.

use super::sample::{append, award, event, rows, student, team_id, tick, user_id};
use super::{Engine, must, school, some};
use crate::ids::{EventId, Version};
use crate::limits::BATCH_APPENDS_MAX;
use crate::records::{AppendOutcome, LearnerHead, Row, StreamId};
use crate::store::StoreError;

fn kept(first: u64) -> AppendOutcome {
    AppendOutcome::Kept {
        first_event_id: EventId::new(first).ok(),
    }
}

fn conflict(actual: u64) -> AppendOutcome {
    AppendOutcome::Conflict {
        actual: Version(actual),
    }
}

/// Versions rise from the expected one.
pub async fn an_append_is_kept_at_the_expected_version(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let learner = StreamId::learner(user_id(7));
    assert_eq!(must(store.commit(vec![tick(learner, 0, 2)]).await), [kept(1)]);
    assert_eq!(must(store.commit(vec![tick(learner, 2, 1)]).await), [kept(3)]);
    let events = must(store.read_stream(learner, Version::ZERO, 10).await);
    assert_eq!(
        events.iter().map(|event| event.version.0).collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

/// Behind or ahead of the real version: nothing of the append is left, neither events nor rows; others in the batch stay.
pub async fn an_append_at_another_version_is_refused_whole(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let (one, two) = (StreamId::learner(user_id(1)), StreamId::learner(user_id(2)));
    must(store.commit(vec![tick(one, 0, 3)]).await);
    for wrong in [0, 1, 2, 4, 9] {
        let mut refused = tick(one, wrong, 1);
        refused.rows.push(Row::User(student(wrong + 10)));
        assert_eq!(
            must(store.commit(vec![refused]).await),
            [conflict(3)],
            "expected {wrong}"
        );
    }
    let batch = vec![award(1, 0, 50, 50, Some(1)), tick(two, 0, 1), tick(two, 5, 1)];
    assert_eq!(must(store.commit(batch).await), [conflict(3), kept(4), conflict(1)]);
    assert!(must(store.load_roster().await).users.is_empty());
    assert_eq!(must(store.read_journal(None, 10).await).len(), 4);
    let totals = must(store.load_heads().await);
    assert_eq!(
        totals
            .iter()
            .map(|head| (head.user_id.get(), head.version.0))
            .collect::<Vec<_>>(),
        [(1, 3), (2, 1)]
    );
}

/// What follows a conflict was decided on top of it, even when its version happens to fit.
pub async fn the_rest_of_a_stream_is_refused_after_a_conflict(engine: &dyn Engine) {
    let store = engine.fresh().await;
    for stream in [StreamId::learner(user_id(1)), StreamId::team(team_id(1))] {
        let other = StreamId::learner(user_id(2 + stream.kind as u64));
        must(store.commit(vec![tick(stream, 0, 2)]).await);
        let batch = vec![
            tick(stream, 1, 1),
            tick(stream, 2, 1),
            tick(other, 0, 1),
            tick(stream, 3, 1),
        ];
        let outcomes = must(store.commit(batch).await);
        assert_eq!(
            (outcomes[0], outcomes[1], outcomes[3]),
            (conflict(2), conflict(2), conflict(2))
        );
        assert!(matches!(outcomes[2], AppendOutcome::Kept { .. }));
        let next = must(store.commit(vec![tick(stream, 2, 1)]).await);
        assert!(
            matches!(next[0], AppendOutcome::Kept { .. }),
            "the next batch starts afresh"
        );
    }
}

/// A learner, a team and the roster with the same id are three streams.
pub async fn every_kind_of_stream_has_its_own_versions(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let streams = [
        StreamId::learner(user_id(1)),
        StreamId::team(team_id(1)),
        StreamId::ROSTER,
        StreamId::RULES,
    ];
    for (place, stream) in streams.into_iter().enumerate() {
        assert_eq!(
            must(store.commit(vec![tick(stream, 0, place as u64 + 1)]).await).len(),
            1
        );
    }
    for (place, stream) in streams.into_iter().enumerate() {
        let events = must(store.read_stream(stream, Version::ZERO, 10).await);
        assert_eq!(events.len(), place + 1);
        assert!(events.iter().all(|event| event.stream == stream));
    }
    assert_eq!(must(store.load_heads().await).len(), 1, "only learners have heads");
}

/// Rows and a key can depend on a version without adding to it.
pub async fn an_append_without_events_still_checks_its_stream(engine: &dyn Engine) {
    let store = engine.fresh().await;
    for stream in [StreamId::learner(user_id(1)), StreamId::team(team_id(1))] {
        let nothing = AppendOutcome::Kept { first_event_id: None };
        assert_eq!(must(store.commit(vec![append(stream, 0, vec![])]).await), [nothing]);
        assert_eq!(must(store.commit(vec![append(stream, 1, vec![])]).await), [conflict(0)]);
        must(store.commit(vec![tick(stream, 0, 2)]).await);
        assert_eq!(must(store.commit(vec![append(stream, 1, vec![])]).await), [conflict(2)]);
        assert_eq!(must(store.commit(vec![append(stream, 2, vec![])]).await), [nothing]);
    }
    assert_eq!(
        must(store.load_heads().await).len(),
        1,
        "a learner without events has no head"
    );
}

/// The head shows total and `reached_at` as given; without one the total stays.
pub async fn a_head_moves_with_its_stream(engine: &dyn Engine) {
    let store = school(engine).await;
    let user = user_id(5);
    must(
        store
            .commit(vec![award(5, 0, 50, 50, None), award(5, 1, 10, 60, None)])
            .await,
    );
    let before = must(store.load_heads().await)[0];
    assert_eq!((before.version, before.total), (Version(2), 60));
    assert!(before.reached_at.is_some());
    let mut without = tick(StreamId::learner(user), 2, 1);
    without.stream.iter_mut().for_each(|stream| stream.head = None);
    must(store.commit(vec![without]).await);
    let after = LearnerHead {
        version: Version(3),
        ..before
    };
    assert_eq!(must(store.load_heads().await), [after]);
}

/// Later events have larger ids; those of one append follow each other; refused appends use none up in between.
pub async fn event_ids_rise_and_are_contiguous_within_an_append(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let mut last = 0;
    for round in 0..5_u64 {
        let batch: Vec<_> = (1..=20_u64)
            .map(|user| {
                let expected = if user % 7 == 3 {
                    round + 1_000
                } else {
                    round * (user % 3 + 1)
                };
                tick(StreamId::learner(user_id(user)), expected, user % 3 + 1)
            })
            .collect();
        let lengths: Vec<_> = batch
            .iter()
            .map(|append| append.stream.as_ref().map_or(0, |s| s.events.len()))
            .collect();
        let streams: Vec<_> = batch
            .iter()
            .filter_map(|append| append.stream.as_ref().map(|s| s.stream))
            .collect();
        for ((outcome, length), stream) in must(store.commit(batch).await).into_iter().zip(lengths).zip(streams) {
            let AppendOutcome::Kept { first_event_id } = outcome else {
                continue;
            };
            let first = some(first_event_id);
            assert!(first.get() > last);
            last = first.get() + length as u64 - 1;
            for id in first.get()..=last {
                let event = some(must(store.read_event(must(EventId::new(id))).await));
                assert_eq!(event.stream, stream);
            }
        }
    }
    let journal = must(store.read_journal(None, 10_000).await);
    assert!(journal.windows(2).all(|pair| pair[0].event_id < pair[1].event_id));
    assert_eq!(journal.last().map(|event| event.event_id.get()), Some(last));
}

/// A head of somebody else, an entry without its event: the batch is refused whole.
pub async fn a_batch_that_is_a_mistake_keeps_nothing(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let fine = || tick(StreamId::learner(user_id(1)), 0, 1);
    let mut elsewhere = award(2, 0, 50, 50, None);
    elsewhere.rows.iter_mut().for_each(|row| {
        if let Row::Points { event_index, .. } = row {
            *event_index = 1;
        }
    });
    let mut twice = award(2, 0, 50, 50, None);
    twice.rows.extend(twice.rows.clone());
    let mut somebody = tick(StreamId::learner(user_id(2)), 0, 1);
    let mut version = somebody.clone();
    somebody
        .stream
        .iter_mut()
        .for_each(|s| s.head.iter_mut().for_each(|head| head.user_id = user_id(3)));
    version
        .stream
        .iter_mut()
        .for_each(|s| s.head.iter_mut().for_each(|head| head.version = Version(9)));
    let beyond = rows(vec![Row::Progress(super::sample::progress(1, 1, 101, None))]);
    for mistake in [elsewhere, twice, somebody, version, beyond] {
        let answer = store.commit(vec![fine(), mistake]).await;
        assert!(matches!(answer, Err(StoreError::Damaged { .. })), "{answer:?}");
        assert!(must(store.read_journal(None, 1).await).is_empty());
    }
    let largest = vec![rows(vec![]); BATCH_APPENDS_MAX];
    let beyond = vec![rows(vec![]); BATCH_APPENDS_MAX + 1];
    assert!(matches!(store.commit(beyond).await, Err(StoreError::Damaged { .. })));
    assert_eq!(must(store.commit(largest).await).len(), BATCH_APPENDS_MAX);
    assert_eq!(must(store.commit(vec![fine()]).await).len(), 1, "the store goes on");
}

/// No appends, no outcomes.
pub async fn an_empty_batch_is_fine(engine: &dyn Engine) {
    let store = engine.fresh().await;
    assert!(must(store.commit(vec![]).await).is_empty());
    let nothing = AppendOutcome::Kept { first_event_id: None };
    assert_eq!(must(store.commit(vec![rows(vec![])]).await), [nothing]);
    let one = append(StreamId::ROSTER, 0, vec![event("renamed", 1)]);
    assert_eq!(must(store.commit(vec![one]).await), [kept(1)]);
}
