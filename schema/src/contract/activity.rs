//! Blocks of facts: kept whole, found by time and place, and cleared at once.

use super::sample::user_id;
use super::{Engine, must, school};
use crate::ids::{EventId, TimeMs};
use crate::records::ActivityBlock;

fn event_id(number: u64) -> EventId {
    must(EventId::new(number))
}

fn block(last: u64, from_at: i64, to_at: i64) -> ActivityBlock {
    ActivityBlock {
        last_event_id: event_id(last),
        from_at: TimeMs(from_at),
        to_at: TimeMs(to_at),
        facts: 3,
        bytes: vec![last as u8; 90_000],
    }
}

/// In the order of the journal; the start of a range is part of it, its end is not. A block takes the place of its older self.
pub async fn blocks_of_facts_are_found_by_time_and_place(engine: &dyn Engine) {
    let store = engine.fresh().await;
    assert_eq!(must(store.activity_head().await), None);
    let blocks = [block(40, 100, 200), block(7, -5, 100), block(90, 150, 900)];
    must(store.save_activity(blocks.to_vec()).await);
    let found = async |from, to, after: Option<u64>, limit| {
        let range = TimeMs(from)..TimeMs(to);
        let page = must(store.activity_blocks(range, after.map(event_id), limit).await);
        page.iter().map(|block| block.last_event_id.get()).collect::<Vec<_>>()
    };
    assert_eq!(found(i64::MIN, i64::MAX, None, 9).await, [7, 40, 90]);
    assert_eq!(found(i64::MIN, i64::MAX, None, 2).await, [7, 40]);
    assert_eq!(found(i64::MIN, i64::MAX, Some(7), 9).await, [40, 90]);
    assert_eq!(found(i64::MIN, 100, None, 9).await, [7], "the end is not part of it");
    assert_eq!(found(200, 201, None, 9).await, [40, 90], "the start is");
    assert_eq!(found(901, i64::MAX, None, 9).await, [0_u64; 0]);
    assert_eq!(must(store.activity_head().await), Some(event_id(90)));

    let changed = ActivityBlock {
        bytes: vec![1, 2, 3],
        ..block(40, 100, 200)
    };
    must(store.save_activity(vec![changed.clone()]).await);
    let all = must(
        store
            .activity_blocks(TimeMs(0)..TimeMs(1_000), Some(event_id(7)), 1)
            .await,
    );
    assert_eq!(all, [changed]);
    let store = engine.reopen(store).await;
    assert_eq!(must(store.activity_head().await), Some(event_id(90)));
}

/// All of them, and nothing else.
pub async fn blocks_of_facts_can_be_cleared(engine: &dyn Engine) {
    let store = school(engine).await;
    must(store.commit(vec![super::sample::award(1, 0, 50, 50, None)]).await);
    must(store.save_activity(vec![block(1, 0, 9), block(2, 0, 9)]).await);
    must(store.clear_activity().await);
    assert_eq!(must(store.activity_head().await), None);
    assert_eq!(must(store.load_heads().await)[0].user_id, user_id(1));
}
