//! A school on disk for benches: learners with ledgers, made through the engine itself, so that everything is as in life.

use homeroom_actors::domain::{Action, Evidence, Rules};
use homeroom_actors::engine::{EarnRequest, EngineSettings};
use homeroom_actors::roster::{Import, RosterCommand};
use homeroom_actors::{Clock, Engine};
use homeroom_schema::{Durability, ReferenceId, SqliteOptions, SqliteStore, Store, TimeMs, UserId, limits};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A clock that stands still: the same school every time.
struct Still;

impl Clock for Still {
    fn now(&self) -> TimeMs {
        TimeMs(1_772_000_000_000)
    }
    fn local_day(&self, at: TimeMs) -> i32 {
        at.0.div_euclid(24 * 60 * 60 * 1_000) as i32
    }
}

/// A number from the environment, so that a bench can be made larger.
pub(crate) fn size(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// The id of the learner number `number`, from 0.
pub(crate) fn learner(number: u64) -> UserId {
    UserId::new(number + 1).expect("a small number is an id")
}

/// Starts an engine on a directory.
pub(crate) async fn start(directory: &Path) -> Engine {
    let store = SqliteStore::open(SqliteOptions {
        directory: directory.into(),
        durability: Durability::Process,
        readers: limits::READERS_MAX,
    });
    let store: Arc<dyn Store> = Arc::new(store.expect("a fresh directory opens"));
    let settings = EngineSettings {
        board_window: limits::BOARD_WINDOW_DEFAULT,
        projector_places: limits::PROJECTOR_PLACES_DEFAULT,
        learner_idle: limits::LEARNER_IDLE,
        rules: Rules::shipped(),
        secret: [7; 32],
    };
    Engine::start(store, Arc::new(Still), settings)
        .await
        .expect("the engine starts")
}

/// Makes a school of `learners` with `events` awards each, and stops it in order.
pub(crate) async fn make(learners: u64, events: u64) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let engine = start(directory.path()).await;
    let people: Vec<u64> = (0..learners).collect();
    for chunk in people.chunks(limits::IMPORT_ROWS_MAX) {
        let users = chunk
            .iter()
            .map(|number| (learner(*number), format!("P{number}"), None, None));
        let import = Import {
            users: users.collect(),
            ..Import::default()
        };
        let import = RosterCommand::Import(Box::new(import));
        engine.change_roster(import, None).await.expect("the import is taken");
    }
    // One learner after the other in groups: each group's awards go into few commits.
    for group in people.chunks(64) {
        for reference in 1..=events {
            let mut pending = Vec::with_capacity(group.len());
            for number in group {
                let request = EarnRequest {
                    user_id: learner(*number),
                    action: Action::ReadContent,
                    reference: ReferenceId::new(reference).expect("a small number is an id"),
                    unit_id: None,
                    occurred_at: None,
                    evidence: Evidence::default(),
                };
                pending.push(engine.earn(request, None).await.expect("the award is taken"));
            }
            for pending in pending {
                pending.outcome().await.expect("the award is kept");
            }
        }
    }
    engine.stop().await;
    directory
}
