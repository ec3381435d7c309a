//! Events come back as they went in, page by page.

use super::sample::{append, award, event, team_id, tick, user_id};
use super::{Engine, must, school, some};
use crate::ids::{EventId, TimeMs, Version};
use crate::records::{NewEvent, StreamId};

/// Type, times, body and note, also odd ones. Bodies are compared as JSON, since an engine may order and space them anew.
pub async fn events_come_back_as_they_went_in(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let odd = r#"{"text":"naïve \" \\ 日本 \u0001 🎓","big":9007199254740991,"nested":{"list":[1,2.5,null,true]}}"#;
    let mut first = event("imported", 1);
    first.body = odd.to_owned();
    first.occurred_at = TimeMs(0);
    let mut second = event("reversed", 2);
    second.note = Some("Entered twice; see the list of March – 日本".to_owned());
    second.recorded_at = TimeMs(4_102_444_800_000);
    let sent = [first, second, event("ticked", 3)];
    let stream = StreamId::team(team_id(9));
    must(store.commit(vec![append(stream, 0, sent.to_vec())]).await);

    let found = must(store.read_stream(stream, Version::ZERO, 10).await);
    assert_eq!(found.len(), sent.len());
    for (
        place,
        (
            NewEvent {
                event_type,
                occurred_at,
                recorded_at,
                body,
                note,
            },
            found,
        ),
    ) in sent.iter().zip(&found).enumerate()
    {
        assert_eq!(
            (&found.event_type[..], found.occurred_at, found.recorded_at),
            (*event_type, *occurred_at, *recorded_at)
        );
        assert_eq!(json(&found.body), json(body));
        assert_eq!(found.note, *note);
        assert_eq!((found.stream, found.version), (stream, Version(place as u64 + 1)));
        assert_eq!(
            some(must(store.read_event(found.event_id).await)),
            *found,
            "all reads show the same"
        );
    }
    assert_eq!(must(store.read_journal(None, 10).await), found);
    assert_eq!(must(store.read_event(EventId::MAX).await), None);
}

/// Text as JSON: an engine may order and space it anew.
pub(super) fn json(text: &str) -> serde_json::Value {
    must(serde_json::from_str(text))
}

fn versions(events: &[crate::records::StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.0).collect()
}

/// Pages follow each other without gap or repeat, and end.
pub async fn a_stream_is_paged_forwards(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let (stream, other) = (StreamId::learner(user_id(3)), StreamId::learner(user_id(4)));
    for round in 0..5 {
        must(
            store
                .commit(vec![tick(stream, round * 3, 3), tick(other, round, 1)])
                .await,
        );
    }
    let mut seen = Vec::new();
    let mut after = Version::ZERO;
    loop {
        let page = must(store.read_stream(stream, after, 4).await);
        let Some(last) = page.last() else { break };
        after = last.version;
        seen.extend(versions(&page));
    }
    assert_eq!(seen, (1..=15).collect::<Vec<_>>());
    assert!(must(store.read_stream(stream, Version(15), 4).await).is_empty());
    assert!(must(store.read_stream(stream, Version(u64::MAX), 4).await).is_empty());
    assert!(must(store.read_stream(stream, Version::ZERO, 0).await).is_empty());
    assert_eq!(must(store.read_stream(stream, Version(13), usize::MAX).await).len(), 2);
    assert!(must(store.read_stream(StreamId::team(team_id(3)), Version::ZERO, 4).await).is_empty());
}

/// Newest first, of the wanted types alone, before a version.
pub async fn a_stream_is_paged_backwards_by_type(engine: &dyn Engine) {
    const BOTH: &[&str] = &["points_awarded", "refused"];
    let store = school(engine).await;
    let stream = StreamId::learner(user_id(3));
    for round in 0..6 {
        let page = vec![
            award(3, round * 3, 10, 10, None),
            append(stream, round * 3 + 1, vec![event("moved", 1), event("refused", 2)]),
            tick(StreamId::learner(user_id(4)), round, 1),
        ];
        must(store.commit(page).await);
    }
    let newest = must(store.read_stream_back(stream, None, BOTH, 3).await);
    assert_eq!(versions(&newest), [18, 16, 15]);
    let next = must(store.read_stream_back(stream, Some(Version(15)), BOTH, 3).await);
    assert_eq!(versions(&next), [13, 12, 10]);
    assert_eq!(
        versions(&must(store.read_stream_back(stream, None, &["moved"], 100).await)),
        [17, 14, 11, 8, 5, 2]
    );
    assert_eq!(
        versions(&must(store.read_stream_back(stream, Some(Version(3)), BOTH, 9).await)),
        [1]
    );
    assert!(must(store.read_stream_back(stream, Some(Version(1)), BOTH, 9).await).is_empty());
    assert!(must(store.read_stream_back(stream, None, &["unheard_of"], 9).await).is_empty());
    assert!(must(store.read_stream_back(stream, None, &[], 9).await).is_empty());
}

/// All streams, in the order in which they were kept.
pub async fn the_journal_is_paged_in_the_order_of_its_ids(engine: &dyn Engine) {
    let store = engine.fresh().await;
    for round in 0..4 {
        let batch = (1..=5)
            .rev()
            .map(|user| tick(StreamId::learner(user_id(user)), round, 1))
            .collect();
        must(store.commit(batch).await);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = must(store.read_journal(after, 3).await);
        let Some(last) = page.last() else { break };
        after = Some(last.event_id);
        seen.extend(page);
    }
    assert_eq!(seen.len(), 20);
    assert!(seen.windows(2).all(|pair| pair[0].event_id < pair[1].event_id));
    let users: Vec<_> = seen.iter().take(6).map(|event| event.stream.id).collect();
    assert_eq!(users, [5, 4, 3, 2, 1, 5]);
}
