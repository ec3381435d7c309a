//! The meeting point: what the journal, the roster and the sessions say goes on from here to the actors that are awake,
//! and readers find them here. No state of its own beyond the directory.

mod calendar;
mod family;
mod fanout;
mod gate;
#[cfg(test)]
pub(crate) mod harness;
mod keeper;
mod people;

pub(crate) use calendar::Calendar;
pub use calendar::{SeasonSpan, Span};
pub(crate) use family::{Family, Handle, Kind, Start};
pub(crate) use keeper::{Keeper, KeeperMsg, restart_me};

use crate::announcements::Announcements;
use crate::boards::{BoardHandle, Boards, page_at, page_of};
use crate::clock::Clock;
use crate::domain::Rules;
use crate::domain::achievements::Outside;
use crate::domain::team::TeamFact;
use crate::engine::{BoardPart, Subscription};
use crate::error::EngineError;
use crate::honours::Honours;
use crate::journal::{LearnerChange, Submission};
use crate::library::Library;
use crate::presence::Presences;
use crate::roster::Roster;
use crate::scores::{Scores, Tally};
use crate::sessions::Attendance;
use crate::teams::{TeamHandle, TeamMsg, Teams};
use crate::topics::{BoardName, Inbox, Period, Position, Topic};
use crate::views::{BoardPage, TeamPerformance};
use arc_swap::ArcSwap;
use homeroom_schema::limits::{BOARD_WINDOW_MAX, COMMAND_DEADLINE, PAST_BOARDS_MAX, READ_DEADLINE, STOP_DEADLINE};
use homeroom_schema::records::StandingsOf;
use homeroom_schema::{EventId, QualificationId, ReferenceId, Store, StoreError, TeamId, TimeMs, UnitId, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;

/// What a hub is made of.
pub struct HubArgs {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// The node's clock.
    pub clock: Arc<dyn Clock>,
    /// Roster and catalogue.
    pub roster: Roster,
    /// Durable totals; all heads are put before the hub is asked for anything.
    pub scores: Scores,
    /// The rules in force, also after they are changed: seasons, and how teams score.
    pub rules: Arc<ArcSwap<Rules>>,
    /// Places of a board that its topic shows.
    pub board_window: usize,
    /// Places of a board that a projector sees.
    pub projector_places: usize,
    /// A board or team without subscribers and reads for this long is put away.
    pub idle: Duration,
    /// The largest event id known at the start, 0 without any: versions of boards and teams begin there.
    pub last_event_id: u64,
}

/// What a kept roster command changed: who and what is to be looked at again. Absolute, so that it may come twice or late;
/// the roster has changed before this is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterChange {
    /// The event that kept it.
    pub event_id: EventId,
    /// People who are new or whose name, alias, role or archiving changed.
    pub users: Vec<UserId>,
    /// Teams that are new or whose name, mentor, archiving or membership changed, also by a person's archiving or return.
    pub teams: Vec<TeamId>,
    /// Qualifications that are new or whose name, archiving, units or enrolments changed.
    pub qualifications: Vec<QualificationId>,
    /// Units that are new or changed.
    pub units: Vec<UnitId>,
    /// People who were erased: nothing may remember their names.
    pub erased: Vec<UserId>,
}

/// Boards and teams. A clone is another handle to the same ones.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    roster: Roster,
    scores: Scores,
    rules: Arc<ArcSwap<Rules>>,
    library: Library,
    calendar: ArcSwap<Calendar>,
    /// The rules that the calendar was made by, once everybody concerned is told.
    calendar_rules: ArcSwap<Rules>,
    turning: Mutex<()>,
    /// Boards of the past that are made at once.
    past: Semaphore,
    tallies: Mutex<HashMap<(StandingsOf, Period), Weak<Tally>>>,
    board_window: usize,
    projector_places: usize,
    idle: Duration,
    last_event_id: AtomicU64,
    submit: OnceLock<Box<dyn Fn(Submission) + Send + Sync>>,
    boards: Family<Boards>,
    teams: Family<Teams>,
    presences: Family<Presences>,
    attendance: OnceLock<Arc<Attendance>>,
    announcements: Announcements,
    honours: Honours,
}

impl Hub {
    /// A hub that knows nobody yet. Its actors start with [`crate::boards::BoardsSupervisor`] and
    /// [`crate::teams::TeamsSupervisor`], whose arguments are a clone of the hub.
    #[must_use]
    pub fn new(args: HubArgs) -> Self {
        let rules = args.rules.load_full();
        let day = args.clock.local_day(args.clock.now());
        let calendar = Calendar::of(day, &rules, &*args.clock);
        args.roster.set_season(calendar.season);
        Self {
            inner: Arc::new(Inner {
                store: args.store,
                clock: args.clock,
                roster: args.roster,
                scores: args.scores,
                rules: args.rules,
                library: Library::default(),
                calendar: ArcSwap::from_pointee(calendar),
                calendar_rules: ArcSwap::new(rules),
                turning: Mutex::default(),
                past: Semaphore::new(PAST_BOARDS_MAX),
                tallies: Mutex::default(),
                board_window: args.board_window.clamp(1, BOARD_WINDOW_MAX),
                projector_places: args.projector_places,
                idle: args.idle,
                last_event_id: AtomicU64::new(args.last_event_id),
                submit: OnceLock::new(),
                boards: Family::new(),
                teams: Family::new(),
                presences: Family::new(),
                attendance: OnceLock::new(),
                announcements: Announcements::default(),
                honours: Honours::default(),
            }),
        }
    }

    /// Gives the way into the journal, once: teams keep their facts through it.
    pub fn connect(&self, submit: impl Fn(Submission) + Send + Sync + 'static) {
        let first = self.inner.submit.set(Box::new(submit)).is_ok();
        debug_assert!(first, "a hub has one journal");
    }

    /// From the journal, after a commit and before anybody is answered: puts the scores and marks the rows concerned of all
    /// awake boards and teams. Never waits. Safe to repeat, and in any order.
    #[expect(clippy::needless_pass_by_value, reason = "the journal has no further use for them")]
    pub fn learners_changed(&self, changes: Vec<LearnerChange>) {
        fanout::learners_changed(self, &changes);
    }

    /// From the roster actor, after the roster has changed and before the caller is answered. Never waits. Safe to repeat,
    /// and in any order.
    #[expect(clippy::needless_pass_by_value, reason = "the roster has no further use for it")]
    pub fn roster_changed(&self, change: RosterChange) {
        fanout::roster_changed(self, &change);
    }

    /// Waits until everything told before is applied by all that are awake, for as long as a read may take: whoever cannot
    /// apply it by then shows nothing before it has.
    pub async fn settled(&self) {
        let all = async {
            for handle in self.inner.boards.awake() {
                let _ = handle.fresh().await;
            }
            for handle in self.inner.teams.awake() {
                let _ = handle.fresh().await;
            }
            for handle in self.inner.presences.awake() {
                let _ = handle.fresh().await;
            }
        };
        if tokio::time::timeout(READ_DEADLINE, all).await.is_err() {
            tracing::warn!("boards or teams are slow to apply what they were told");
        }
    }

    /// After a journal failure: reads the heads of all learners again, and has all boards and teams load anew.
    ///
    /// # Errors
    /// When the heads cannot be read; then nothing was changed.
    pub async fn reload(&self) -> Result<(), StoreError> {
        for head in self.inner.store.load_heads().await? {
            self.inner.scores.put_head(&head);
        }
        self.load_evidence().await?;
        self.tallies().iter().for_each(|(_, tally)| tally.lose());
        fanout::reload(self);
        Ok(())
    }

    /// Reads what evidence comes to: at the start, and after a journal failure.
    ///
    /// # Errors
    /// When it cannot be read; then nothing was changed.
    pub async fn load_evidence(&self) -> Result<(), StoreError> {
        let kept = self.inner.store.evidence_sums().await?;
        self.inner.library.put(&kept);
        Ok(())
    }

    /// A part of a board, with everything told to the hub before the call.
    ///
    /// # Errors
    /// Unknown team or qualification; overloaded; timed out.
    pub async fn board(
        &self,
        board: BoardName,
        period: Period,
        part: BoardPart,
        limit: usize,
    ) -> Result<BoardPage, EngineError> {
        self.look_at_calendar();
        let handle = self.wake_board(board, period)?;
        handle.read().await?;
        Ok(page_of(self, &handle, part, limit))
    }

    /// A part of a board as it was at a moment that has been. Few are made at once; the others wait.
    ///
    /// # Errors
    /// Unknown team or qualification; overloaded; the store is unavailable; timed out.
    pub async fn board_at(
        &self,
        board: BoardName,
        period: Period,
        at: TimeMs,
        part: BoardPart,
        limit: usize,
    ) -> Result<BoardPage, EngineError> {
        self.check_board(board)?;
        let turn = tokio::time::timeout(READ_DEADLINE, self.inner.past.acquire());
        let Ok(Ok(_turn)) = turn.await else {
            return Err(EngineError::Overloaded);
        };
        page_at(self, (board, period), at, part, limit).await
    }

    /// A team's performance, with everything told to the hub before the call.
    ///
    /// # Errors
    /// Unknown team; overloaded; timed out.
    pub async fn team_performance(&self, team_id: TeamId) -> Result<Arc<TeamPerformance>, EngineError> {
        self.look_at_calendar();
        let handle = self.wake_team(team_id)?;
        self.rank_fresh(&handle).await?;
        handle.read().await?;
        // Applied means loaded, and loaded means that there is one.
        handle.shared.performance().ok_or(EngineError::TimedOut)
    }

    /// Attaches an inbox to a board's topic.
    ///
    /// # Errors
    /// Unknown team or qualification; overloaded; timed out.
    pub async fn subscribe_board(
        &self,
        board: BoardName,
        period: Period,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        self.look_at_calendar();
        let handle = self.wake_board(board, period)?;
        let start = handle
            .subscribe(inbox, slot, |reply| crate::boards::BoardMsg::Subscribe {
                position: position.clone(),
                reply,
            })
            .await?;
        Ok(subscription(&handle.topic, start))
    }

    /// Attaches an inbox to a team's topic.
    ///
    /// # Errors
    /// Unknown team; overloaded; timed out.
    pub async fn subscribe_team(
        &self,
        team_id: TeamId,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        self.look_at_calendar();
        let handle = self.wake_team(team_id)?;
        self.rank_fresh(&handle).await?;
        let start = handle
            .subscribe(inbox, slot, |reply| TeamMsg::Subscribe {
                position: position.clone(),
                reply,
            })
            .await?;
        Ok(subscription(&handle.topic, start))
    }

    /// Keeps that a team achieved something, with its present members; answered when durable. A reference has one fact:
    /// whoever asks again gets that one, with the members of its moment. Awarding them is the caller's affair.
    ///
    /// # Errors
    /// Unknown team; `reported_for` is not a member (of a new fact); the store is unavailable; overloaded; timed out.
    pub async fn achieve(
        &self,
        team_id: TeamId,
        reference: ReferenceId,
        reported_for: UserId,
        occurred_at: TimeMs,
    ) -> Result<TeamFact, EngineError> {
        let handle = self.wake_team(team_id)?;
        handle
            .ask(COMMAND_DEADLINE, |reply| TeamMsg::Achieve {
                reference,
                reported_for,
                occurred_at,
                reply,
            })
            .await?
    }

    /// Lets all boards and teams finish what they have, then ends them and their supervisors. Later calls are answered
    /// with [`EngineError::Stopping`].
    pub async fn stop(&self) {
        self.inner.presences.stop(STOP_DEADLINE / 8).await;
        self.inner.teams.stop(STOP_DEADLINE / 4).await;
        self.inner.boards.stop(STOP_DEADLINE / 4).await;
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.inner.roster
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.inner.rules.load_full()
    }

    pub(crate) fn library(&self) -> &Library {
        &self.inner.library
    }

    /// What other people's facts come to for a person.
    pub(crate) fn outside(&self, user_id: UserId) -> Outside {
        self.inner.library.outside(self, user_id)
    }

    pub(crate) fn scores(&self) -> &Scores {
        &self.inner.scores
    }

    /// What today means for boards, as everybody was told last.
    pub(crate) fn calendar(&self) -> Arc<Calendar> {
        self.inner.calendar.load_full()
    }

    /// Looks at the clock and at the rules in force: boards of a period that is over, or that began again because the clock
    /// went back, begin anew, also where nobody earns. When this returns, everybody concerned has been told.
    pub(crate) fn look_at_calendar(&self) {
        let inner = &self.inner;
        let day = || inner.clock.local_day(inner.clock.now());
        let is_seen = |rules: &Arc<Rules>| {
            inner.calendar.load().is_of(day()) && Arc::ptr_eq(&inner.calendar_rules.load_full(), rules)
        };
        let rules = inner.rules.load_full();
        if is_seen(&rules) && !inner.turning.is_locked() {
            return;
        }
        let _alone = inner.turning.lock();
        if is_seen(&rules) {
            return;
        }
        let now = Calendar::of(day(), &rules, &*inner.clock);
        let before = inner.calendar.swap(Arc::new(now.clone()));
        inner.roster.set_season(now.season);
        fanout::calendar_changed(self, &before, &now);
        inner.calendar_rules.store(rules);
    }

    /// Sums over a period, shared by all who hold them. They are read from the store by whoever needs them first.
    pub(crate) fn tally(&self, of: StandingsOf, period: Period) -> Arc<Tally> {
        let mut tallies = self.inner.tallies.lock();
        if let Some(tally) = tallies.get(&(of, period)).and_then(Weak::upgrade) {
            return tally;
        }
        // Those that no board holds any more go: there are never more than boards.
        tallies.retain(|_, tally| tally.strong_count() > 0);
        let tally = Arc::new(Tally::new(of));
        tallies.insert((of, period), Arc::downgrade(&tally));
        tally
    }

    /// All sums that are held.
    pub(crate) fn tallies(&self) -> Vec<((StandingsOf, Period), Arc<Tally>)> {
        let tallies = self.inner.tallies.lock();
        let held = tallies.iter().filter_map(|(key, tally)| Some((*key, tally.upgrade()?)));
        held.collect()
    }

    pub(crate) fn boards(&self) -> &Family<Boards> {
        &self.inner.boards
    }

    pub(crate) fn teams(&self) -> &Family<Teams> {
        &self.inner.teams
    }

    pub(crate) fn presences(&self) -> &Family<Presences> {
        &self.inner.presences
    }

    pub(crate) fn board_window(&self) -> usize {
        self.inner.board_window
    }

    pub(crate) fn projector_places(&self) -> usize {
        self.inner.projector_places
    }

    pub(crate) fn idle(&self) -> Duration {
        self.inner.idle
    }

    /// The largest event id that anybody was told of.
    pub(crate) fn last_event_id(&self) -> u64 {
        self.inner.last_event_id.load(Ordering::Acquire)
    }

    pub(crate) fn saw_event(&self, event_id: u64) {
        self.inner.last_event_id.fetch_max(event_id, Ordering::AcqRel);
    }

    /// Hands an append to the journal. Without a journal it is dropped, which tells its owner that it failed.
    pub(crate) fn submit(&self, submission: Submission) {
        if let Some(submit) = self.inner.submit.get() {
            submit(submission);
        }
    }

    /// The board that ranks teams.
    pub(crate) fn wake_teams_board(&self) -> Result<Arc<BoardHandle>, EngineError> {
        self.inner.boards.wake((BoardName::Teams, Period::All))
    }

    fn wake_board(&self, board: BoardName, period: Period) -> Result<Arc<BoardHandle>, EngineError> {
        self.check_board(board)?;
        self.inner.boards.wake((board, period))
    }

    fn check_board(&self, board: BoardName) -> Result<(), EngineError> {
        match board {
            BoardName::All | BoardName::Teams => {}
            BoardName::Team(team_id) => self.check_team(team_id)?,
            BoardName::Qualification(qualification_id) => {
                let present = self.inner.roster.qualification(qualification_id);
                if present.is_none_or(|record| record.archived_at.is_some()) {
                    return Err(EngineError::UnknownQualification(qualification_id));
                }
            }
        }
        Ok(())
    }

    fn wake_team(&self, team_id: TeamId) -> Result<Arc<TeamHandle>, EngineError> {
        self.check_team(team_id)?;
        self.inner.teams.wake(team_id)
    }

    pub(crate) fn check_team(&self, team_id: TeamId) -> Result<(), EngineError> {
        let present = self.inner.roster.team(team_id);
        if present.is_none_or(|record| record.archived_at.is_some()) {
            return Err(EngineError::UnknownTeam(team_id));
        }
        Ok(())
    }

    /// Has the team take its rank from a board of teams that shows everything told before the call.
    async fn rank_fresh(&self, handle: &TeamHandle) -> Result<(), EngineError> {
        let board = self.wake_teams_board()?;
        board.fresh().await?;
        let (rank, version) = board.shared.rank(handle.key.get());
        if handle.shared.rank_seen() != rank {
            handle.mark_lazily(|marks| marks.rank(version));
        }
        Ok(())
    }
}

/// A session's hold on a topic that starts there.
pub(crate) fn subscription(topic: &Arc<Topic>, start: Start) -> Subscription {
    Subscription {
        topic: Arc::clone(topic),
        position: start.position,
        recovered: start.recovered,
        snapshot: start.snapshot,
    }
}

/// A name for one life of a topic, different each time.
pub(crate) fn fresh_epoch() -> Arc<str> {
    // The standard library's randomly keyed hasher: enough to tell lives apart, and nothing that needs to be secret.
    let number = std::hash::RandomState::new().build_hasher().finish();
    format!("{number:016x}").into()
}
