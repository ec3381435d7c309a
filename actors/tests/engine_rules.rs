//! Changed rules and the past: applied beside live awards, finished after a stop, undone without a trace in any figure.
#![allow(clippy::disallowed_methods, reason = "a test awaits the tasks that it spawns")]

use crate::support::{self, School, qualification, settings, user};
use homeroom_actors::domain::{Action, Learner, Rules, evolve, invariants};
use homeroom_actors::domain::{EventMeta, LearnerEvent};
use homeroom_actors::engine::{BoardPart, Correction};
use homeroom_actors::rulebook::{ActState, Origin, Past};
use homeroom_actors::topics::{BoardName, Period};
use homeroom_actors::{EngineError, RuleDocuments};
use homeroom_schema::records::{AuditFilter, AuditedBy, StreamId};
use homeroom_schema::{Durability, MemoryStore, SqliteOptions, SqliteStore, Store, Version};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const API: (Origin, AuditedBy) = (
    Origin::Api,
    AuditedBy {
        token_id: None,
        role: None,
        user_id: None,
    },
);

fn document(points: [u32; 5]) -> String {
    serde_json::to_string(&Rules::with_points(0, points)).unwrap()
}

/// Everything that figures show of these people, as text: equal texts are equal figures.
async fn figures(school: &School, people: u64) -> Vec<String> {
    fn line(what: impl Debug) -> String {
        format!("{what:?}")
    }
    let mut lines = Vec::new();
    for id in 1..=people {
        let view = school.view(id).await;
        let earned: Vec<_> = (view.achievements.iter())
            .filter_map(|one| Some((&one.achievement_type, one.tier, one.earned_at()?)))
            .collect();
        lines.push(line((id, view.total, view.level, earned)));
        let rows = school.store.achievement_rows(user(id)).await.unwrap();
        lines.push(line(rows));
    }
    let boards = [
        BoardName::All,
        BoardName::Teams,
        BoardName::Qualification(qualification(1)),
    ];
    for board in boards {
        for period in [Period::Day, Period::Week, Period::All] {
            let page = school
                .engine
                .board(board, period, BoardPart::From(0), 100)
                .await
                .unwrap();
            let rows = page
                .rows
                .iter()
                .map(|row| line((row.rank, row.id, &row.points, row.reached_at)));
            lines.extend(rows.map(|row| format!("{board:?} {period:?} {row}")));
        }
    }
    let mut standings = school.store.qualification_standings(qualification(1)).await.unwrap();
    standings.sort_by_key(|row| row.user_id);
    lines.extend(
        standings
            .iter()
            .map(|row| line((row.user_id, row.points, row.reached_at))),
    );
    lines
}

/// The streams alone give what is shown; the rows beside them agree.
async fn agrees(school: &School, people: u64) {
    for id in 1..=people {
        let page = school
            .store
            .read_stream(StreamId::learner(user(id)), Version::ZERO, 10_000)
            .await
            .unwrap();
        let mut learner = Learner::new(user(id));
        for stored in page {
            let event: LearnerEvent = serde_json::from_str(&stored.body).unwrap();
            let meta = EventMeta {
                event_id: stored.event_id,
                version: stored.version,
            };
            evolve(&mut learner, &event, meta);
        }
        invariants::sums_equal_the_ledger(&learner).unwrap();
        assert_eq!(school.total(id).await, learner.total);
        let kept = school.store.achievement_rows(user(id)).await.unwrap();
        assert_eq!(kept.len(), learner.achievements.len(), "achievements of {id}");
    }
}

async fn adjustments(store: &dyn Store, id: u64) -> usize {
    let stream = support::stream(store, id).await;
    stream.iter().filter(|(_, _, kind)| kind == "points_adjusted").count()
}

async fn some_history(school: &School, people: u64) {
    for id in 1..=people {
        for place in 0..6 {
            school.clock.forward(61_000);
            let quiz = school.earn(id, Action::CompleteQuiz, 101 + place).await.unwrap();
            if place == 3 {
                let by = AuditedBy::default();
                let taken = school
                    .engine
                    .correct(quiz.event_id, Correction::Reverse, None, None, by)
                    .await;
                taken.unwrap().outcome().await.unwrap();
            }
        }
        school.earn(id, Action::ReadContent, 101).await.unwrap();
    }
}

#[tokio::test]
async fn undoing_an_act_leaves_every_figure_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(MemoryStore::new()),
        Arc::new(
            SqliteStore::open(SqliteOptions {
                directory: directory.path().to_owned(),
                durability: Durability::Process,
                readers: 2,
            })
            .unwrap(),
        ),
    ];
    for store in stores {
        let school = School::open(store, settings()).await;
        school.import(3).await;
        some_history(&school, 3).await;
        let before = figures(&school, 3).await;
        assert_eq!(school.engine.rules_in_force().await.unwrap().version, 1);

        // 100 for a quiz and 20 for reading in place of 50 and 10, and another curve of achievements by points alone.
        let wanted = document([20, 100, 25, 15, 100]);
        let rules = (RuleDocuments::json(&Rules::shipped()).read)(&wanted).unwrap();
        let preview = school.engine.preview_rules(rules, None, 2).await.unwrap();
        let totals = preview.totals.unwrap();
        assert_eq!(
            (totals.people, totals.gaining, totals.losing),
            (3, (3, 3 * 260), (0, 0))
        );
        assert_eq!((preview.people.len(), preview.has_more), (2, true));
        assert_eq!(figures(&school, 3).await, before, "a preview changes nothing");

        let change = school.engine.apply_rules(wanted, true, API).await.unwrap();
        assert_eq!((change.version, change.learners), (2, Some(3)));
        assert_eq!(change.past, Some(Past::Apply { from: 1, revoke: true }));
        for id in 1..=3 {
            assert_eq!(school.total(id).await, 520);
            assert_eq!(adjustments(&*school.store, id).await, 1);
        }
        agrees(&school, 3).await;
        let applied = figures(&school, 3).await;
        assert_ne!(applied, before);
        assert_eq!(school.engine.rules().points(Action::CompleteQuiz), 100);

        let undone = school.engine.undo_rules(2, API).await.unwrap();
        assert_eq!((undone.version, undone.learners), (3, Some(3)));
        assert_eq!(figures(&school, 3).await, before);
        assert_eq!(school.engine.rules().points(Action::CompleteQuiz), 50);
        agrees(&school, 3).await;

        let twice = school.engine.undo_rules(2, API).await;
        assert_eq!(twice.unwrap_err(), EngineError::UndoneAlready(2));
        for unknown in [1, 3, 99] {
            let refused = school.engine.undo_rules(unknown, API).await;
            assert_eq!(refused.unwrap_err(), EngineError::UnknownAct(unknown));
        }
        let history = school.engine.rules_history(None, 10);
        let versions: Vec<_> = history.iter().map(|(change, _)| change.version).collect();
        assert_eq!(versions, [3, 2, 1]);

        // After a restart it is all the same.
        let store = Arc::clone(&school.store);
        let again = figures(&School::open(store, settings()).await, 3).await;
        assert_eq!(again, before);
    }
}

#[tokio::test]
async fn acts_are_undone_from_the_latest_on() {
    let (school, _) = School::in_memory(1).await;
    school.earn(1, Action::CompleteQuiz, 1).await.unwrap();
    let first = school
        .engine
        .apply_rules(document([10, 60, 25, 15, 100]), false, API)
        .await
        .unwrap();
    let second = school
        .engine
        .apply_rules(document([10, 70, 25, 15, 100]), false, API)
        .await
        .unwrap();
    assert_eq!((first.version, second.version, school.total(1).await), (2, 3, 70));
    let refused = school.engine.undo_rules(2, API).await;
    assert_eq!(refused.unwrap_err(), EngineError::NotTheLatestAct(3));
    school.engine.undo_rules(3, API).await.unwrap();
    assert_eq!((school.total(1).await, school.engine.rules().version), (60, 4));
    // What is awarded meanwhile keeps its points.
    school.earn(1, Action::CompleteQuiz, 2).await.unwrap();
    school.engine.undo_rules(2, API).await.unwrap();
    assert_eq!((school.total(1).await, school.engine.rules().version), (50 + 60, 5));
    assert!(matches!(
        school.engine.apply_rules("no rules".into(), false, API).await,
        Err(EngineError::WrongRules(_))
    ));
    let acts = school.engine.audit(AuditFilter::default(), 10).await.unwrap();
    let acts: Vec<_> = acts.iter().map(|entry| entry.act.as_str()).take(4).collect();
    assert_eq!(acts, ["rules_undone", "rules_undone", "rules_applied", "rules_applied"]);
}

#[tokio::test]
async fn an_act_beside_live_awards_adjusts_everybody_once() {
    const PEOPLE: u64 = 40;
    let (school, store) = School::in_memory(PEOPLE).await;
    for id in 1..=PEOPLE {
        school.earn(id, Action::CompleteQuiz, 1).await.unwrap();
    }
    let engine = school.engine.clone();
    let act = tokio::spawn(async move { engine.apply_rules(document([10, 80, 25, 15, 100]), false, API).await });
    for round in 2..6 {
        for id in 1..=PEOPLE {
            school.earn(id, Action::CompleteQuiz, round).await.unwrap();
        }
    }
    let change = act.await.unwrap().unwrap();
    assert!(change.learners.is_some(), "{change:?}");
    for id in 1..=PEOPLE {
        assert_eq!(school.total(id).await, 5 * 80, "person {id}");
        assert_eq!(adjustments(&store, id).await, 1, "person {id}");
    }
    agrees(&school, PEOPLE).await;
}

#[tokio::test]
async fn an_act_that_a_stop_cuts_short_is_finished_at_the_next_start() {
    const PEOPLE: u64 = 300;
    let (school, store) = School::in_memory(PEOPLE).await;
    for id in 1..=PEOPLE {
        school.earn(id, Action::CompleteQuiz, 1).await.unwrap();
    }
    let engine = school.engine.clone();
    let act = tokio::spawn(async move { engine.apply_rules(document([10, 80, 25, 15, 100]), false, API).await });
    let mut adjusted = 0;
    while adjusted == 0 {
        tokio::task::yield_now().await;
        if let Some(ActState::Running { adjusted: now, .. }) = school.engine.act_state(2) {
            adjusted = now;
        }
        assert!(
            !matches!(school.engine.act_state(2), Some(ActState::Done { .. })),
            "too fast for this test"
        );
    }
    let refused = school.engine.apply_rules(document([1; 5]), false, API).await;
    assert_eq!(refused.unwrap_err(), EngineError::ActUnderWay);
    act.abort();
    school.engine.stop().await;
    let store = store.fork();
    let mut by_count: BTreeMap<usize, u64> = BTreeMap::new();
    for id in 1..=PEOPLE {
        *by_count.entry(adjustments(&store, id).await).or_default() += 1;
    }
    assert!(by_count.get(&0).is_some_and(|open| *open > 0), "{by_count:?}");

    // Another program's file waits until the act is done.
    let mut with_file = settings();
    with_file.documents.file = Some(document([1; 5]));
    let school = School::open(Arc::new(store.clone()), with_file).await;
    assert_eq!(
        school.engine.rules().points(Action::CompleteQuiz),
        80,
        "in force at once"
    );
    tokio::time::timeout(Duration::from_secs(30), async {
        while !matches!(school.engine.act_state(2), Some(ActState::Done { .. })) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(school.engine.act_state(2), Some(ActState::Done { adjusted: PEOPLE }));
    for id in 1..=PEOPLE {
        assert_eq!(adjustments(&store, id).await, 1, "person {id}");
        assert_eq!(school.total(id).await, 80);
    }
    school.engine.stop().await;
}

#[tokio::test]
async fn a_file_comes_in_force_when_it_says_something_new() {
    let kept = Arc::new(Mutex::new(MemoryStore::new()));
    let version_with = |file: Option<String>| {
        let kept = Arc::clone(&kept);
        async move {
            let mut settings = settings();
            settings.documents.file = file;
            let store = kept.lock().unwrap().fork();
            let school = School::open(Arc::new(store.clone()), settings).await;
            let rules = school.engine.rules();
            let in_force = school.engine.rules_in_force().await.unwrap();
            assert_eq!(in_force.version, rules.version);
            school.engine.stop().await;
            *kept.lock().unwrap() = store;
            (rules.version, rules.points(Action::CompleteQuiz))
        }
    };
    let (one, other) = (document([1; 5]), document([2; 5]));
    assert_eq!(version_with(None).await, (1, 50));
    assert_eq!(version_with(Some(one.clone())).await, (2, 1));
    assert_eq!(version_with(Some(one.clone())).await, (2, 1), "it says nothing new");
    assert_eq!(version_with(None).await, (2, 1), "what was last in force stays");
    assert_eq!(version_with(Some(other)).await, (3, 2));
    assert_eq!(version_with(Some(one)).await, (4, 1));
}
