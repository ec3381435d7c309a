//! A school on disk for benches: learners with ledgers, made through the engine itself, so that everything is as in life.

use homeroom_actors::domain::{Action, Evidence, Rules};
use homeroom_actors::engine::{EarnRequest, EngineSettings};
use homeroom_actors::roster::{Import, Leaderboards, RosterCommand};
use homeroom_actors::{Clock, Engine, RuleDocuments};
use homeroom_schema::records::AuditedBy;
use homeroom_schema::{
    Durability, QualificationId, ReferenceId, SqliteOptions, SqliteStore, Store, TeamId, TimeMs, UnitId, UserId, limits,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const UNITS: u64 = 20;
const TEAM_SIZE: u64 = 25;
/// Learners whose awards are under way together.
const AT_ONCE: usize = 1_024;
/// With its teams, memberships and enrolments below the rows that one import may have.
const PEOPLE_AN_IMPORT: usize = limits::IMPORT_ROWS_MAX / 4;

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
        leaderboards: Leaderboards::default(),
        board_window: limits::BOARD_WINDOW_DEFAULT,
        projector_places: limits::PROJECTOR_PLACES_DEFAULT,
        learner_idle: limits::LEARNER_IDLE,
        sessions_max: limits::SESSIONS_MAX,
        rules: Rules::shipped(),
        documents: RuleDocuments::json(&Rules::shipped()),
        secret: [7; 32],
    };
    Engine::start(store, Arc::new(Still), settings)
        .await
        .expect("the engine starts")
}

/// One qualification with all units.
fn catalogue() -> Import {
    let qualification = QualificationId::new(1).expect("1 is an id");
    let units = (1..=UNITS).map(|number| {
        let unit_id = UnitId::new(number).expect("a small number is an id");
        (
            unit_id,
            format!("Unit {number}"),
            Some(qualification),
            vec![format!("skill-{}", number % 5)],
        )
    });
    Import {
        qualifications: vec![(qualification, "Mathematics".into())],
        units: units.collect(),
        ..Import::default()
    }
}

/// Learners with their teams, each enrolled.
fn class(people: &[u64]) -> Import {
    let qualification = QualificationId::new(1).expect("1 is an id");
    let team = |number: u64| TeamId::new(1 + number / TEAM_SIZE).expect("a small number is an id");
    let teams: BTreeSet<TeamId> = people.iter().map(|number| team(*number)).collect();
    Import {
        users: people
            .iter()
            .map(|number| (learner(*number), format!("Student {number}"), None, None))
            .collect(),
        teams: teams
            .iter()
            .map(|team_id| (*team_id, format!("Team {team_id}"), None))
            .collect(),
        team_members: people
            .iter()
            .map(|number| (team(*number), learner(*number), None))
            .collect(),
        enrolments: people.iter().map(|number| (qualification, learner(*number))).collect(),
        ..Import::default()
    }
}

async fn import(engine: &Engine, rows: Import) {
    let import = RosterCommand::Import(Box::new(rows));
    engine
        .change_roster(import, None, AuditedBy::default())
        .await
        .expect("the import is taken");
}

/// Makes a school of `learners` with `events` awards each in an empty directory, and stops it in order.
pub(crate) async fn make(directory: &Path, learners: u64, events: u64) {
    let engine = start(directory).await;
    let people: Vec<u64> = (0..learners).collect();
    import(&engine, catalogue()).await;
    for chunk in people.chunks(PEOPLE_AN_IMPORT) {
        import(&engine, class(chunk)).await;
    }
    // One learner after the other in groups: each group's awards go into few commits.
    for group in people.chunks(AT_ONCE) {
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
}
