//! I2 and I4 over random histories on both stores: replay, snapshot and tail, projection rows and boards say the same.

use crate::support::{self, School, earn, progress, settings, unit, user};
use homeroom_actors::domain::{Action, Evidence, Learner, evolve, invariants};
use homeroom_actors::domain::{EventMeta, LearnerEvent};
use homeroom_actors::engine::{BoardPart, Correction};
use homeroom_actors::topics::{BoardName, Period};
use homeroom_schema::records::{AuditedBy, StreamId};
use homeroom_schema::{MemoryStore, Store, Version};
use std::sync::Arc;

const PEOPLE: u64 = 6;
const STEPS: u64 = 400;

/// A small generator, so that a seed replays a history (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

async fn random_history(school: &School, seed: u64) {
    let mut random = Random(seed);
    let mut awards = Vec::new();
    let mut pending = Vec::new();
    for _ in 0..STEPS {
        let id = random.next(PEOPLE) + 1;
        match random.next(10) {
            0..=5 => {
                let action = Action::ALL[usize::try_from(random.next(4)).unwrap()];
                let mut request = earn(id, action, 95 + random.next(20));
                request.evidence = Evidence {
                    score: Some(random.next(11) as f64 / 10.0),
                    quality: Some(random.next(7) as f64 / 7.0),
                    ..Evidence::default()
                };
                pending.push(school.engine.earn(request, None).await.unwrap());
            }
            6..=8 => {
                let percentage = u8::try_from(random.next(101)).unwrap();
                let request = progress(id, 101 + random.next(4), percentage);
                drop(school.engine.progress(request, None).await.unwrap());
            }
            _ => {
                for one in pending.drain(..) {
                    awards.push(one.outcome().await.unwrap().event_id);
                }
                if awards.is_empty() {
                    continue;
                }
                let index = usize::try_from(random.next(awards.len() as u64)).unwrap();
                let correction = [Correction::Reverse, Correction::Reinstate][usize::try_from(random.next(2)).unwrap()];
                let corrected = school
                    .engine
                    .correct(awards[index], correction, None, None, AuditedBy::default())
                    .await;
                if let Ok(corrected) = corrected {
                    drop(corrected.outcome().await);
                }
            }
        }
        school.clock.forward(20_000);
    }
    for one in pending {
        one.outcome().await.unwrap();
    }
    // A command without effect comes after everything before it.
    for id in 1..=PEOPLE {
        let last = school.engine.progress(progress(id, 101, 0), None).await.unwrap();
        last.outcome().await.unwrap();
    }
}

async fn replayed(store: &dyn Store, id: u64) -> Learner {
    let stored = store
        .read_stream(StreamId::learner(user(id)), Version::ZERO, 10_000)
        .await
        .unwrap();
    let facts: Vec<(LearnerEvent, EventMeta)> = stored
        .iter()
        .map(|stored| {
            let meta = EventMeta {
                event_id: stored.event_id,
                version: stored.version,
            };
            (serde_json::from_str(&stored.body).unwrap(), meta)
        })
        .collect();
    let mut learner = Learner::new(user(id));
    for (event, meta) in &facts {
        evolve(&mut learner, event, *meta);
    }
    invariants::natural_keys_are_awarded_once(facts.iter().map(|(event, _)| event)).unwrap();
    invariants::sums_equal_the_ledger(&learner).unwrap();
    learner
}

/// Everything that is stored or shown of everybody agrees with the stream folded from nothing.
async fn check(school: &School, store: &dyn Store) {
    let board = school
        .engine
        .board(BoardName::All, Period::All, BoardPart::From(0), 100)
        .await
        .unwrap();
    let heads = store.load_heads().await.unwrap();
    for id in 1..=PEOPLE {
        let learner = replayed(store, id).await;
        let view = school.view(id).await;
        assert_eq!(
            (view.version, view.total, view.level),
            (learner.version, learner.total, learner.level)
        );
        let units: Vec<_> = learner
            .units
            .iter()
            .map(|(unit, progress)| (*unit, *progress))
            .collect();
        assert_eq!(view.units, units);
        let head = heads.iter().find(|head| head.user_id == user(id)).unwrap();
        assert_eq!(
            (head.version, head.total, head.reached_at),
            (learner.version, learner.total, learner.reached_at)
        );
        let rows = store.progress_rows(user(id)).await.unwrap();
        assert_eq!(rows.len(), learner.units.len());
        for row in rows {
            let progress = &learner.units[&row.unit_id];
            assert_eq!(row.progress_percentage, progress.progress_percentage);
            assert_eq!(row.last_accessed, progress.last_accessed);
            assert_eq!(row.completed_at, progress.completed_at);
        }
        let row = board.rows.iter().find(|row| row.id == id).unwrap();
        assert_eq!((row.points.key(), row.reached_at), (learner.total, learner.reached_at));
    }
    for (id, of) in [(1, [101, 102]), (2, [103, 104])] {
        let standings = store.qualification_standings(support::qualification(id)).await.unwrap();
        assert!(!standings.is_empty());
        for standing in standings {
            let learner = replayed(store, standing.user_id.get()).await;
            assert_eq!(
                standing.points,
                learner.qualification_points(support::qualification(id))
            );
            assert!(of.iter().all(|unit_id| unit(*unit_id).get() > 100));
        }
    }
}

#[tokio::test]
async fn replay_projection_rows_and_boards_agree_in_memory() {
    for seed in 1..=5 {
        let (school, store) = School::in_memory(PEOPLE).await;
        random_history(&school, seed).await;
        check(&school, &store).await;
        let views = futures_util::future::join_all((1..=PEOPLE).map(|id| school.view(id))).await;
        // A crash: what is kept, and nothing else.
        let after: MemoryStore = store.fork();
        let restarted = School::open(Arc::new(after.clone()), settings()).await;
        check(&restarted, &after).await;
        let again = futures_util::future::join_all((1..=PEOPLE).map(|id| restarted.view(id))).await;
        assert_eq!(again, views, "seed {seed}");
    }
}

#[tokio::test]
async fn replay_projection_rows_and_boards_agree_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let school = School::on_disk(directory.path()).await;
    school.import(PEOPLE).await;
    random_history(&school, 42).await;
    check(&school, &*Arc::clone(&school.store)).await;
    let views = futures_util::future::join_all((1..=PEOPLE).map(|id| school.view(id))).await;
    school.engine.stop().await;
    drop(school);
    let school = School::on_disk(directory.path()).await;
    check(&school, &*Arc::clone(&school.store)).await;
    let again = futures_util::future::join_all((1..=PEOPLE).map(|id| school.view(id))).await;
    assert_eq!(again, views);
    school.engine.stop().await;
}
