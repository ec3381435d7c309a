//! Folding in pages and blocks, with restarts at any moment and reversals of any award, gives what the journal says.

use super::{Insights, InsightsActor};
use crate::domain::Evidence;
use crate::domain::action::Action;
use crate::domain::analytics::{Fact, Scope, What};
use crate::domain::event::LearnerEvent;
use crate::error::EngineError;
use crate::journal::Journal;
use homeroom_schema::contract::sample::{append, reference_id, user_id};
use homeroom_schema::records::{Append, NewEvent, StreamId};
use homeroom_schema::{EventId, MemoryStore, Store, TimeMs};
use proptest::prelude::*;
use ractor::{Actor, ActorRef};
use std::sync::Arc;

const ALWAYS: std::ops::Range<TimeMs> = TimeMs(i64::MIN)..TimeMs(i64::MAX);

/// What happens: awards, and corrections of the award that had this place.
#[derive(Debug, Clone, Copy)]
enum Step {
    Award { user: u64, at: i64 },
    Correct { award: usize, is_reversal: bool },
    Read,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..4_u64, 0..1_000_000_i64).prop_map(|(user, at)| Step::Award { user, at }),
        4 => (0..30_usize, any::<bool>()).prop_map(|(award, is_reversal)| Step::Correct { award, is_reversal }),
        2 => Just(Step::Read),
        1 => Just(Step::Restart),
    ]
}

fn awarded(reference: u64, at: TimeMs) -> LearnerEvent {
    LearnerEvent::PointsAwarded {
        action: Action::CompleteQuiz,
        reference: reference_id(reference),
        unit: None,
        qualification: None,
        teams: Vec::new(),
        evidence: Evidence {
            score: Some(0.5),
            ..Evidence::default()
        },
        points: 50,
        total: 50,
        level: 1,
        qualification_total: None,
        rules: 1,
        bonus_percent: None,
        par_ms: None,
        granted_by: None,
        occurred_at: at,
        day: None,
    }
}

/// A reversal or reinstatement, as it is stored.
fn corrected(of: EventId, is_reversal: bool) -> (&'static str, String) {
    let event_type = if is_reversal {
        "points_reversed"
    } else {
        "points_reinstated"
    };
    let body = serde_json::json!({
        "type": event_type, "of": of, "action": "complete_quiz", "reference": 1, "points": 50, "total": 0, "level": 1,
        "occurred_at": 0,
    });
    (event_type, body.to_string())
}

struct Bench {
    store: MemoryStore,
    journal: Journal,
    insights: Insights,
    actor: ActorRef<super::InsightsMsg>,
    versions: [u64; 4],
    block_facts: usize,
}

impl Bench {
    async fn new(block_facts: usize) -> Self {
        let (store, journal) = (MemoryStore::new(), Journal::new());
        let (insights, actor) = start(&store, &journal, block_facts).await;
        Self {
            store,
            journal,
            insights,
            actor,
            versions: [0; 4],
            block_facts,
        }
    }

    async fn restart(&mut self) {
        self.actor.get_cell().drain_and_wait(None).await.unwrap();
        (self.insights, self.actor) = start(&self.store, &self.journal, self.block_facts).await;
    }

    async fn keep(&mut self, user: u64, event_type: &'static str, body: String, at: TimeMs) -> EventId {
        let event = NewEvent {
            event_type,
            occurred_at: at,
            recorded_at: at,
            body,
            note: None,
        };
        let version = &mut self.versions[user as usize];
        let append: Append = append(StreamId::learner(user_id(user)), *version, vec![event]);
        *version += 1;
        self.store.commit(vec![append]).await.unwrap();
        let last = self.store.read_journal(None, 10_000).await.unwrap().pop().unwrap();
        self.journal.advance(last.event_id);
        last.event_id
    }

    async fn facts(&self) -> Result<Vec<Fact>, EngineError> {
        let scope = Arc::new(Scope {
            range: ALWAYS,
            people: None,
            qualification: None,
            catalogue: Arc::default(),
        });
        let take = |facts: &mut Vec<Fact>, fact: &Fact| facts.push(*fact);
        self.insights.count(&scope, ALWAYS, Vec::new(), take).await
    }
}

async fn start(store: &MemoryStore, journal: &Journal, block_facts: usize) -> (Insights, ActorRef<super::InsightsMsg>) {
    let insights = Insights::new(Arc::new(store.clone()), journal.clone(), block_facts);
    let (actor, _) = Actor::spawn(None, InsightsActor, insights.clone()).await.unwrap();
    (insights, actor)
}

async fn play(steps: Vec<Step>, block_facts: usize) {
    let mut bench = Bench::new(block_facts).await;
    // By award: event, person, moment, whether it is taken back.
    let mut awards: Vec<(EventId, u64, TimeMs, bool)> = Vec::new();
    for step in steps.into_iter().chain([Step::Read, Step::Restart, Step::Read]) {
        match step {
            Step::Award { user, at } => {
                let body = serde_json::to_string(&awarded(awards.len() as u64 + 1, TimeMs(at))).unwrap();
                let event_id = bench.keep(user, "points_awarded", body, TimeMs(at)).await;
                awards.push((event_id, user, TimeMs(at), false));
            }
            Step::Correct { award, is_reversal } => {
                if let Some((of, user, at, is_reversed)) = awards.get_mut(award) {
                    *is_reversed = is_reversal;
                    let (event_type, body) = corrected(*of, is_reversal);
                    bench.keep(*user, event_type, body, *at).await;
                }
            }
            Step::Read => {
                let found = bench.facts().await.unwrap();
                let found: Vec<_> = found
                    .iter()
                    .map(|fact| (fact.event_id, fact.user_id, fact.occurred_at))
                    .collect();
                let wanted = awards.iter().filter(|(.., is_reversed)| !is_reversed);
                let wanted: Vec<_> = wanted.map(|(id, user, at, _)| (*id, user_id(*user), *at)).collect();
                assert_eq!(found, wanted);
            }
            Step::Restart => bench.restart().await,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn facts_are_what_the_journal_says(steps in prop::collection::vec(step(), 0..60), block_facts in 1..9_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps, block_facts));
    }
}

#[tokio::test]
async fn a_block_that_cannot_be_read_is_folded_again() {
    let mut bench = Bench::new(2).await;
    for reference in 1..=5 {
        let body = serde_json::to_string(&awarded(reference, TimeMs(7))).unwrap();
        bench.keep(1, "points_awarded", body, TimeMs(7)).await;
    }
    let before = bench.facts().await.unwrap();
    assert_eq!(before.len(), 5);
    let mut block = bench.store.activity_blocks(ALWAYS, None, 1).await.unwrap().remove(0);
    block.bytes[0] ^= 0xff;
    bench.store.save_activity(vec![block]).await.unwrap();
    assert_eq!(bench.facts().await, Err(EngineError::NotFolded));
    assert_eq!(bench.facts().await, Ok(before));
}

#[tokio::test]
async fn a_store_that_fails_is_asked_again() {
    let mut bench = Bench::new(2).await;
    let body = serde_json::to_string(&awarded(1, TimeMs(7))).unwrap();
    bench.keep(1, "points_awarded", body, TimeMs(7)).await;
    assert_eq!(bench.facts().await.unwrap().len(), 1);
    bench.store.fail_reads(1);
    assert_eq!(bench.facts().await, Err(EngineError::StoreUnavailable));
    let facts = bench.facts().await.unwrap();
    assert!(matches!(facts[0].what, What::Award(award) if award.score == Some(0.5)));
}
