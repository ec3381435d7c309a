//! A small school on an engine, a clock that tests own, and shorthand for requests.

/// The rows of the report of `make soak`, as the black-box suite writes them.
#[path = "../../../tests/it/support/report.rs"]
#[allow(dead_code, reason = "two suites share it, and each uses its part")]
pub mod report;

use homeroom_actors::domain::{Action, Evidence, Rules};
use homeroom_actors::engine::{EarnRequest, KeyClaim, ProgressRequest};
use homeroom_actors::roster::{Import, RosterCommand, RosterOutcome};
use homeroom_actors::views::{EarnOutcome, LearnerView};
use homeroom_actors::{Clock, Engine, EngineError, EngineSettings, RuleDocuments};
use homeroom_schema::records::{AuditedBy, KeyHash, StreamId, UserRole};
use homeroom_schema::{
    EventId, MemoryStore, QualificationId, ReferenceId, SqliteOptions, SqliteStore, Store, TeamId, TimeMs, UnitId,
    UserId, Version,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// 2026-03-02T09:00:00Z, a Monday.
pub const START_MS: i64 = 1_772_442_000_000;
pub const DAY_MS: i64 = 86_400_000;

/// A clock that moves only when told, in UTC.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START_MS)))
    }

    pub fn forward(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> TimeMs {
        TimeMs(self.0.load(Ordering::SeqCst))
    }

    fn local_day(&self, at: TimeMs) -> i32 {
        i32::try_from(at.0.div_euclid(DAY_MS)).unwrap()
    }
}

pub fn settings() -> EngineSettings {
    EngineSettings {
        leaderboards: homeroom_actors::roster::Leaderboards::default(),
        board_window: 200,
        projector_places: 50,
        learner_idle: Duration::from_secs(300),
        sessions_max: 1_000,
        rules: Rules::shipped(),
        documents: RuleDocuments::json(&Rules::shipped()),
        secret: [7; 32],
    }
}

pub fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub fn team(id: u64) -> TeamId {
    TeamId::new(id).unwrap()
}

pub fn unit(id: u64) -> UnitId {
    UnitId::new(id).unwrap()
}

pub fn qualification(id: u64) -> QualificationId {
    QualificationId::new(id).unwrap()
}

pub fn reference(id: u64) -> ReferenceId {
    ReferenceId::new(id).unwrap()
}

/// A school of `people` students in one team, with two qualifications of two units each.
pub fn school(people: u64) -> Import {
    Import {
        qualifications: vec![(qualification(1), "Maths".into()), (qualification(2), "History".into())],
        units: (101..=104)
            .map(|id| {
                let of = qualification(if id < 103 { 1 } else { 2 });
                (unit(id), format!("Unit {id}"), Some(of), vec!["thinking".into()])
            })
            .collect(),
        users: (1..=people)
            .map(|id| (user(id), format!("Student {id}"), None, Some(UserRole::Student)))
            .collect(),
        teams: vec![(team(1), "Owls".into(), None)],
        team_members: (1..=people).map(|id| (team(1), user(id), None)).collect(),
        ..Import::default()
    }
}

/// Counts of this thread's metrics, from now until it is dropped.
pub struct Counts {
    snapshotter: metrics_util::debugging::Snapshotter,
    _local: metrics::LocalRecorderGuard<'static>,
}

impl Counts {
    pub fn begin() -> Self {
        let recorder: &'static DebuggingRecorder = Box::leak(Box::default());
        Self {
            snapshotter: recorder.snapshotter(),
            _local: metrics::set_default_local_recorder(recorder),
        }
    }

    /// All counters by name and label values, as in `homeroom_actor_failures_total learner`. They begin anew.
    pub fn take(&self) -> BTreeMap<String, u64> {
        let all = self.snapshotter.snapshot().into_vec().into_iter();
        let counters = all.filter_map(|(key, _, _, value)| match value {
            DebugValue::Counter(count) => {
                let labels: String = key.key().labels().map(|label| format!(" {}", label.value())).collect();
                Some((format!("{}{labels}", key.key().name()), count))
            }
            _ => None,
        });
        counters.filter(|(_, count)| *count > 0).collect()
    }
}

/// A running engine with its store and clock.
pub struct School {
    pub engine: Engine,
    pub clock: Arc<TestClock>,
    pub store: Arc<dyn Store>,
}

impl School {
    pub async fn open(store: Arc<dyn Store>, settings: EngineSettings) -> Self {
        let clock = TestClock::new();
        let engine = Engine::start(Arc::clone(&store), Arc::clone(&clock) as Arc<dyn Clock>, settings)
            .await
            .unwrap();
        Self { engine, clock, store }
    }

    /// A school in memory, with the handle to its faults.
    pub async fn in_memory(people: u64) -> (Self, MemoryStore) {
        Self::in_memory_with(people, settings()).await
    }

    pub async fn in_memory_with(people: u64, settings: EngineSettings) -> (Self, MemoryStore) {
        let store = MemoryStore::new();
        let school = Self::open(Arc::new(store.clone()), settings).await;
        school.import(people).await;
        (school, store)
    }

    pub async fn on_disk(directory: &std::path::Path) -> Self {
        let options = SqliteOptions {
            directory: directory.to_owned(),
            durability: homeroom_schema::Durability::Process,
            readers: 2,
        };
        Self::open(Arc::new(SqliteStore::open(options).unwrap()), settings()).await
    }

    pub async fn import(&self, people: u64) {
        let import = RosterCommand::Import(Box::new(school(people)));
        let outcome = self
            .engine
            .change_roster(import, None, AuditedBy::default())
            .await
            .unwrap();
        assert!(matches!(outcome, RosterOutcome::Imported { .. }), "{outcome:?}");
    }

    pub async fn earn(&self, user_id: u64, action: Action, id: u64) -> Result<EarnOutcome, EngineError> {
        let pending = self.engine.earn(earn(user_id, action, id), None).await?;
        pending.outcome().await
    }

    pub async fn view(&self, user_id: u64) -> Arc<LearnerView> {
        self.engine.learner(user(user_id)).await.unwrap()
    }

    pub async fn total(&self, user_id: u64) -> u64 {
        self.view(user_id).await.total
    }
}

pub fn earn(user_id: u64, action: Action, id: u64) -> EarnRequest {
    EarnRequest {
        user_id: user(user_id),
        action,
        reference: reference(id),
        unit_id: None,
        occurred_at: None,
        evidence: Evidence::default(),
    }
}

pub fn achieve(user_id: u64, team_id: u64, id: u64) -> EarnRequest {
    EarnRequest {
        evidence: Evidence {
            team_id: Some(team(team_id)),
            ..Evidence::default()
        },
        ..earn(user_id, Action::TeamAchievement, id)
    }
}

pub fn progress(user_id: u64, unit_id: u64, progress_percentage: u8) -> ProgressRequest {
    ProgressRequest {
        user_id: user(user_id),
        unit_id: unit(unit_id),
        progress_percentage,
        occurred_at: None,
    }
}

pub fn key(number: u8) -> KeyClaim {
    KeyClaim {
        hash: KeyHash([number; 16]),
        fingerprint: [number; 16],
    }
}

/// The whole journal of a learner, as (version, event id, type).
pub async fn stream(store: &dyn Store, user_id: u64) -> Vec<(Version, EventId, String)> {
    let page = store
        .read_stream(StreamId::learner(user(user_id)), Version::ZERO, 10_000)
        .await
        .unwrap();
    page.into_iter()
        .map(|event| (event.version, event.event_id, event.event_type))
        .collect()
}
