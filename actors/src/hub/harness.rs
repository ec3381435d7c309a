//! A small school for the tests of boards and teams: a real hub over a store in memory, and a naive model of what it should
//! say. What was kept is delivered by hand, so that tests choose when, how often and in which order.

#![allow(
    clippy::disallowed_methods,
    reason = "a commit under way ends with its test's runtime"
)]

use super::{Hub, HubArgs, RosterChange};
use crate::boards::{BoardMsg, BoardsSupervisor};
use crate::clock::Clock;
use crate::domain::Rules;
use crate::domain::board::{Score, Standing};
use crate::journal::{LearnerChange, LedgerChange};
use crate::roster::Roster;
use crate::scores::Scores;
use crate::supervision::Fault;
use crate::teams::{TeamMsg, TeamsSupervisor};
use crate::topics::{BoardName, Period};
use arc_swap::ArcSwap;
use homeroom_schema::records::{
    Append, AppendOutcome, EnrolmentRecord, LearnerHead, MemberRecord, NewEvent, PointsRecord, ProgressRecord,
    QualificationRecord, Row, StreamAppend, StreamId, TeamRecord, UnitRecord, UserRecord, UserRole,
};
use homeroom_schema::{
    EventId, MemoryStore, QualificationId, ReferenceId, Store as _, TeamId, TimeMs, UnitId, UserId, Version,
};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
pub(crate) const WINDOW: usize = 4;
pub(crate) const PLACES: usize = 2;
pub(crate) const IDLE: Duration = Duration::from_secs(300);

/// A clock that stands where the test puts it, in UTC.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn put(&self, at: TimeMs) {
        self.0.store(at.0, Ordering::Release);
    }
}

impl Clock for TestClock {
    fn now(&self) -> TimeMs {
        TimeMs(self.0.load(Ordering::Acquire))
    }

    fn local_day(&self, at: TimeMs) -> i32 {
        at.0.div_euclid(DAY_MS) as i32
    }
}

/// Stands above the supervisors and lets them come and go.
struct Root;

impl Actor for Root {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// What a learner's own events add up to.
#[derive(Default, Clone)]
pub(crate) struct Sums {
    pub(crate) version: Version,
    pub(crate) score: Score,
    pub(crate) qualifications: BTreeMap<QualificationId, Score>,
    pub(crate) completed: BTreeMap<UnitId, TimeMs>,
}

/// The school.
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) rules: Arc<ArcSwap<Rules>>,
    pub(crate) hub: Hub,
    pub(crate) store: MemoryStore,
    pub(crate) roster: Roster,
    pub(crate) learners: HashMap<UserId, Sums>,
    pub(crate) root: ActorRef<()>,
    pub(crate) last_event_id: u64,
    /// Everything that was earned, in the order of the journal.
    pub(crate) entries: Vec<(UserId, LedgerChange)>,
    roster_version: Version,
    pub(crate) now: i64,
}

pub(crate) fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn team(id: u64) -> TeamId {
    TeamId::new(id).unwrap()
}

pub(crate) fn unit(id: u64) -> UnitId {
    UnitId::new(id).unwrap()
}

pub(crate) fn qualification(id: u64) -> QualificationId {
    QualificationId::new(id).unwrap()
}

pub(crate) fn user_row(id: u64, name: &str, role: UserRole, archived: bool) -> Row {
    Row::User(UserRecord {
        user_id: user(id),
        name: name.into(),
        alias: Some(format!("{name} the alias")),
        role,
        created_at: TimeMs(0),
        archived_at: archived.then_some(TimeMs(1)),
        erased_at: None,
    })
}

pub(crate) fn team_row(id: u64, name: &str, archived: bool) -> Row {
    Row::Team(TeamRecord {
        team_id: team(id),
        name: name.into(),
        mentor_id: None,
        created_at: TimeMs(0),
        archived_at: archived.then_some(TimeMs(1)),
    })
}

pub(crate) fn unit_row(id: u64, qualification_id: Option<u64>) -> Row {
    Row::Unit(UnitRecord {
        unit_id: unit(id),
        title: format!("unit {id}"),
        qualification_id: qualification_id.map(qualification),
        skills: Vec::new(),
        created_at: TimeMs(0),
        archived_at: None,
    })
}

pub(crate) fn qualification_row(id: u64) -> Row {
    Row::Qualification(QualificationRecord {
        qualification_id: qualification(id),
        name: format!("qualification {id}"),
        created_at: TimeMs(0),
        archived_at: None,
    })
}

pub(crate) fn member_row(team_id: u64, user_id: u64) -> Row {
    Row::Member(MemberRecord {
        team_id: team(team_id),
        user_id: user(user_id),
        role: None,
        joined_at: TimeMs(0),
    })
}

pub(crate) fn enrolment_row(qualification_id: u64, user_id: u64) -> Row {
    Row::Enrolment(EnrolmentRecord {
        qualification_id: qualification(qualification_id),
        user_id: user(user_id),
        enrolled_at: TimeMs(0),
    })
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = MemoryStore::new();
        let roster = Roster::default();
        let clock = Arc::new(TestClock(AtomicI64::new(1_000)));
        let rules = Arc::new(ArcSwap::from_pointee(Rules::shipped()));
        let hub = Hub::new(HubArgs {
            store: Arc::new(store.clone()),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            roster: roster.clone(),
            scores: Scores::default(),
            rules: Arc::clone(&rules),
            board_window: WINDOW,
            projector_places: PLACES,
            idle: IDLE,
            last_event_id: 0,
        });
        let journal = store.clone();
        hub.connect(move |submission| {
            let store = journal.clone();
            tokio::spawn(async move {
                let outcome = store.commit(vec![submission.append]).await;
                submission.done.tell(outcome.map(|outcomes| outcomes[0]));
            });
        });
        let (root, _) = Actor::spawn(None, Root, ()).await.unwrap();
        let world = Self {
            clock,
            rules,
            hub,
            store,
            roster,
            learners: HashMap::new(),
            root,
            last_event_id: 0,
            entries: Vec::new(),
            roster_version: Version::ZERO,
            now: 0,
        };
        world.start().await;
        world
    }

    /// Starts the supervisors.
    pub(crate) async fn start(&self) {
        let (hub, root) = (&self.hub, &self.root);
        let boards = Actor::spawn_linked(None, BoardsSupervisor, hub.clone(), root.get_cell());
        boards.await.unwrap();
        let teams = Actor::spawn_linked(None, TeamsSupervisor, hub.clone(), root.get_cell());
        teams.await.unwrap();
    }

    /// Three teams, two qualifications with two units each, and `people`: every fifth is staff.
    pub(crate) async fn school(people: u64) -> Self {
        let mut world = Self::new().await;
        let mut rows = vec![qualification_row(1), qualification_row(2)];
        rows.extend((1..=4).map(|id| unit_row(id, Some(1 + id % 2))));
        rows.extend((1..=3).map(|id| team_row(id, &format!("team {id}"), false)));
        for id in 1..=people {
            let role = if id % 5 == 0 {
                UserRole::Staff
            } else {
                UserRole::Student
            };
            rows.push(user_row(id, &format!("person {id}"), role, false));
        }
        rows.extend((1..=people).map(|id| member_row(1 + id % 3, id)));
        let change = world.keep_roster(rows).await;
        world.hub.roster_changed(change);
        world
    }

    async fn commit(&mut self, append: Append) -> EventId {
        let outcome = self.store.commit(vec![append]).await.unwrap()[0];
        let AppendOutcome::Kept {
            first_event_id: Some(id),
        } = outcome
        else {
            panic!("{outcome:?}")
        };
        self.last_event_id = id.get();
        id
    }

    /// Keeps rows of the roster and shows them in memory; delivering the change is left to the test.
    pub(crate) async fn keep_roster(&mut self, rows: Vec<Row>) -> RosterChange {
        let event = new_event("roster_changed", TimeMs(0));
        let event_id = self
            .commit(Append {
                stream: Some(StreamAppend {
                    stream: StreamId::ROSTER,
                    expected: self.roster_version,
                    events: vec![event],
                    head: None,
                }),
                rows: rows.clone(),
                key: None,
            })
            .await;
        self.roster_version = self.roster_version.plus(1);
        let change = self.touched(&rows, event_id);
        self.roster.change(|state| state.apply(rows));
        change
    }

    fn touched(&self, rows: &[Row], event_id: EventId) -> RosterChange {
        let mut change = RosterChange {
            event_id,
            users: Vec::new(),
            teams: Vec::new(),
            qualifications: Vec::new(),
            units: Vec::new(),
            erased: Vec::new(),
        };
        for row in rows {
            match row {
                Row::User(user) => {
                    change.users.push(user.user_id);
                    change.teams.extend(self.roster.teams_of(user.user_id));
                }
                Row::Team(team) => change.teams.push(team.team_id),
                Row::Member(MemberRecord { team_id, .. }) | Row::MemberRemoved { team_id, .. } => {
                    change.teams.push(*team_id);
                }
                Row::Unit(unit) => change.units.push(unit.unit_id),
                Row::Qualification(row) => change.qualifications.push(row.qualification_id),
                Row::Enrolment(EnrolmentRecord {
                    qualification_id,
                    user_id,
                    ..
                })
                | Row::EnrolmentRemoved {
                    qualification_id,
                    user_id,
                } => {
                    change.qualifications.push(*qualification_id);
                    change.users.push(*user_id);
                }
                _ => {}
            }
        }
        change
    }

    /// Keeps one entry of a ledger; delivering it is left to the test. Totals do not fall below 0.
    pub(crate) async fn keep_points(&mut self, user_id: UserId, points: i64, inside: Option<u64>) -> LearnerChange {
        self.now += 1;
        let at = TimeMs(self.now);
        let mut sums = self.learners.get(&user_id).cloned().unwrap_or_default();
        let qualification_id = inside.map(qualification);
        // A reversal takes back what was given there: no sum falls below 0.
        let there = qualification_id.map(|id| sums.qualifications.get(&id).copied().unwrap_or_default());
        let least = there.map_or(sums.score.points, |score| score.points.min(sums.score.points));
        let points = points.max(-i64::try_from(least).unwrap());
        let points = if points == 0 { 1 } else { points };
        sums.score = add(sums.score, points, at);
        let mut qualifications = Vec::new();
        if let Some(id) = qualification_id {
            let score = add(sums.qualifications.get(&id).copied().unwrap_or_default(), points, at);
            sums.qualifications.insert(id, score);
            qualifications.push((id, score));
        }
        let row = |event_index| Row::Points {
            event_index,
            points: PointsRecord {
                user_id,
                kind: if points < 0 { "reversed" } else { "awarded" },
                action_type: "complete_quiz",
                reference_id: ReferenceId::MIN,
                unit_id: None,
                qualification_id,
                points,
                total: sums.score.points,
                reason: None,
                occurred_at: at,
            },
        };
        let teams = self.roster.teams_of(user_id);
        let body = serde_json::json!({ "teams": teams }).to_string();
        let event_id = self.commit_learner(user_id, &sums, row(0), at, body).await;
        let entry = LedgerChange {
            occurred_at: at,
            points,
            qualification: qualification_id,
            teams,
            moves_reached_at: true,
        };
        self.entries.push((user_id, entry.clone()));
        let change = LearnerChange {
            user_id,
            version: sums.version.plus(1),
            event_id,
            score: Some(sums.score),
            qualifications,
            completed: Vec::new(),
            evidence: Vec::new(),
            entries: vec![entry],
            unlocked: Vec::new(),
        };
        sums.version = change.version;
        self.learners.insert(user_id, sums);
        change
    }

    /// Keeps that a unit is completed; delivering it is left to the test.
    pub(crate) async fn keep_completed(&mut self, user_id: UserId, unit_id: UnitId) -> LearnerChange {
        self.now += 1;
        let at = TimeMs(self.now);
        let mut sums = self.learners.get(&user_id).cloned().unwrap_or_default();
        let completed_at = *sums.completed.entry(unit_id).or_insert(at);
        let row = Row::Progress(ProgressRecord {
            user_id,
            unit_id,
            progress_percentage: 100,
            last_accessed: at,
            completed_at: Some(completed_at),
        });
        let event_id = self.commit_learner(user_id, &sums, row, at, "{}".into()).await;
        let change = LearnerChange {
            user_id,
            version: sums.version.plus(1),
            event_id,
            score: None,
            qualifications: Vec::new(),
            completed: vec![(unit_id, completed_at)],
            evidence: Vec::new(),
            entries: Vec::new(),
            unlocked: Vec::new(),
        };
        sums.version = change.version;
        self.learners.insert(user_id, sums);
        change
    }

    async fn commit_learner(&mut self, user_id: UserId, sums: &Sums, row: Row, at: TimeMs, body: String) -> EventId {
        self.commit(Append {
            stream: Some(StreamAppend {
                stream: StreamId::learner(user_id),
                expected: sums.version,
                events: vec![NewEvent {
                    body,
                    ..new_event("points_awarded", at)
                }],
                head: Some(LearnerHead {
                    user_id,
                    version: sums.version.plus(1),
                    total: sums.score.points,
                    reached_at: sums.score.reached_at,
                }),
            }),
            rows: vec![row],
            key: None,
        })
        .await
    }

    /// Makes a board that is awake fail.
    pub(crate) fn fail_board(&self, board: BoardName) {
        self.fail_board_of(board, Period::All);
    }

    /// Makes a board of a period that is awake fail.
    pub(crate) fn fail_board_of(&self, board: BoardName, period: Period) {
        let handle = self.hub.boards().get((board, period));
        if let Some(actor) = handle.and_then(|handle| handle.actor()) {
            let _ = actor.cast(BoardMsg::Poison(Fault::Panic));
        }
    }

    /// Makes a team that is awake fail.
    pub(crate) fn fail_team(&self, team_id: TeamId) {
        let handle = self.hub.teams().get(team_id);
        if let Some(actor) = handle.and_then(|handle| handle.actor()) {
            let _ = actor.cast(TeamMsg::Poison(Fault::Panic));
        }
    }

    /// Awards points and delivers that at once.
    pub(crate) async fn award(&mut self, id: u64, points: i64) -> LearnerChange {
        let change = self.keep_points(user(id), points, None).await;
        self.hub.learners_changed(vec![change.clone()]);
        change
    }

    /// What a board has to show, from nothing but the tables.
    pub(crate) async fn expected(&self, board: BoardName) -> Vec<Standing> {
        let records = self.store.load_roster().await.unwrap();
        let present = |user: &&UserRecord| user.archived_at.is_none();
        let ranked = |user: &&UserRecord| present(user) && user.role == UserRole::Student;
        let people = || records.users.iter().filter(ranked).map(|user| user.user_id);
        let is_member = |team_id: TeamId, user_id: UserId| {
            let mut members = records.members.iter();
            members.any(|member| member.team_id == team_id && member.user_id == user_id)
        };
        let mut rows: Vec<Standing> = match board {
            BoardName::All => people().map(|id| self.standing(id)).collect(),
            BoardName::Team(team_id) => {
                let open = records
                    .teams
                    .iter()
                    .any(|team| team.team_id == team_id && team.archived_at.is_none());
                people()
                    .filter(|id| open && is_member(team_id, *id))
                    .map(|id| self.standing(id))
                    .collect()
            }
            BoardName::Teams => {
                let teams = records.teams.iter().filter(|team| team.archived_at.is_none());
                teams
                    .map(|team| {
                        let members = records.users.iter().filter(present);
                        let members = members.filter(|user| is_member(team.team_id, user.user_id));
                        let scores = members.map(|user| self.standing(user.user_id).score);
                        let with_points: Vec<Score> = scores.filter(|score| score.points > 0).collect();
                        Standing {
                            id: team.team_id.get(),
                            score: Score {
                                points: with_points.iter().map(|score| score.points).sum(),
                                reached_at: with_points.iter().filter_map(|score| score.reached_at).max(),
                            },
                        }
                    })
                    .collect()
            }
            BoardName::Qualification(id) => {
                let is_enrolled = |user_id| {
                    let mut enrolments = records.enrolments.iter();
                    enrolments.any(|row| row.qualification_id == id && row.user_id == user_id)
                };
                let score = |user_id| {
                    let sums = self.learners.get(&user_id);
                    let inside = sums.and_then(|sums| sums.qualifications.get(&id)).copied();
                    inside.or_else(|| is_enrolled(user_id).then(Score::default))
                };
                people()
                    .filter_map(|user_id| {
                        Some(Standing {
                            id: user_id.get(),
                            score: score(user_id)?,
                        })
                    })
                    .collect()
            }
        };
        rows.sort_unstable();
        rows
    }

    pub(crate) fn standing(&self, user_id: UserId) -> Standing {
        Standing {
            id: user_id.get(),
            score: self.learners.get(&user_id).map(|sums| sums.score).unwrap_or_default(),
        }
    }
}

fn add(score: Score, points: i64, at: TimeMs) -> Score {
    Score {
        points: score.points.saturating_add_signed(points),
        reached_at: Some(at),
    }
}

fn new_event(event_type: &'static str, at: TimeMs) -> NewEvent {
    NewEvent {
        event_type,
        occurred_at: at,
        recorded_at: at,
        body: "{}".into(),
        note: None,
    }
}
