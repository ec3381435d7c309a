//! Roster and catalogue in memory: who and what there is, read under a short lock, changed by the roster actor alone.

mod actor;
mod alias;
mod audit;
mod event;
mod import;
mod plan;
mod state;
mod touched;

pub(crate) use actor::{RosterActor, RosterArgs, RosterJob, RosterMsg, RosterQueue};
pub(crate) use alias::AliasSecret;
pub(crate) use event::{EntityKind, RosterEvent};
pub(crate) use state::RosterState;

use crate::domain::course::Course;
use homeroom_schema::records::{PreferenceRecord, QualificationRecord, TeamRecord, UnitRecord, UserRecord, UserRole};
use homeroom_schema::{QualificationId, TeamId, TimeMs, UnitId, UserId};
use parking_lot::{RwLock, RwLockReadGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Roster and catalogue of now. A clone is another handle to the same one. All reads give owned, small answers.
#[derive(Clone, Default)]
pub struct Roster {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    leaderboards: RwLock<Leaderboards>,
    state: RwLock<RosterState>,
    // Rises with every change: what was computed from the roster is good for one revision.
    revision: AtomicU64,
    /// The same, for those who wait for it.
    changes: watch::Sender<u64>,
    // What pseudonyms are made for: another number, other pseudonyms.
    season: AtomicU64,
}

/// Who is on boards of people. The later, the stricter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaderboards {
    /// Everybody but those who said that they do not want to be.
    #[default]
    OptOut,
    /// Nobody but those who said that they want to be.
    OptIn,
    /// There are no boards.
    Off,
}

/// What a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamMember {
    /// Who.
    pub user_id: UserId,
    /// What they do in the team.
    pub role: Option<String>,
    /// Since when.
    pub joined_at: TimeMs,
}

impl Roster {
    /// An empty one.
    #[must_use]
    pub fn new(leaderboards: Leaderboards) -> Self {
        Self {
            inner: Arc::new(Inner {
                leaderboards: RwLock::new(leaderboards),
                ..Inner::default()
            }),
        }
    }

    /// A person, archived and erased ones too.
    #[must_use]
    pub fn user(&self, user_id: UserId) -> Option<UserRecord> {
        self.read().users.get(&user_id).cloned()
    }

    /// A team, archived ones too.
    #[must_use]
    pub fn team(&self, team_id: TeamId) -> Option<TeamRecord> {
        self.read().teams.get(&team_id).cloned()
    }

    /// A unit, archived ones too.
    #[must_use]
    pub fn unit(&self, unit_id: UnitId) -> Option<UnitRecord> {
        self.read().units.get(&unit_id).cloned()
    }

    /// A qualification, archived ones too.
    #[must_use]
    pub fn qualification(&self, qualification_id: QualificationId) -> Option<QualificationRecord> {
        self.read().qualifications.get(&qualification_id).cloned()
    }

    /// People after an id (none: from the first), rising, at most `limit`; archived ones only if asked, erased ones never.
    #[must_use]
    pub fn users_after(&self, after: Option<UserId>, limit: usize, archived: bool) -> Vec<UserRecord> {
        page(&self.read().users, after, limit, |user| {
            user.erased_at.is_none() && (archived || user.archived_at.is_none())
        })
    }

    /// Whether a person was erased.
    #[must_use]
    pub fn is_erased(&self, user_id: UserId) -> bool {
        self.read().refuse_erased(user_id).is_err()
    }

    /// All who were erased, with the moment, rising.
    #[must_use]
    pub fn erased(&self) -> Vec<(UserId, TimeMs)> {
        let state = self.read();
        let users = state.users.values();
        users.filter_map(|user| Some((user.user_id, user.erased_at?))).collect()
    }

    /// Teams likewise.
    #[must_use]
    pub fn teams_after(&self, after: Option<TeamId>, limit: usize, archived: bool) -> Vec<TeamRecord> {
        page(&self.read().teams, after, limit, |team| {
            archived || team.archived_at.is_none()
        })
    }

    /// Units likewise.
    #[must_use]
    pub fn units_after(&self, after: Option<UnitId>, limit: usize, archived: bool) -> Vec<UnitRecord> {
        page(&self.read().units, after, limit, |unit| {
            archived || unit.archived_at.is_none()
        })
    }

    /// Qualifications likewise.
    #[must_use]
    pub fn qualifications_after(
        &self,
        after: Option<QualificationId>,
        limit: usize,
        archived: bool,
    ) -> Vec<QualificationRecord> {
        page(&self.read().qualifications, after, limit, |row| {
            archived || row.archived_at.is_none()
        })
    }

    /// The present members of a team, rising by id; empty for an unknown or archived team. Archived people are left out.
    #[must_use]
    pub fn members(&self, team_id: TeamId) -> Vec<TeamMember> {
        let state = self.read();
        let members = state.present_members(team_id);
        members
            .map(|(user_id, membership)| TeamMember {
                user_id,
                role: membership.role.clone(),
                joined_at: membership.joined_at,
            })
            .collect()
    }

    /// The teams (not archived) that a person is a member of, rising.
    #[must_use]
    pub fn teams_of(&self, user_id: UserId) -> Vec<TeamId> {
        self.read().teams_of(user_id).collect()
    }

    /// The teams (not archived) whose mentor a person is, rising.
    #[must_use]
    pub fn mentored_by(&self, user_id: UserId) -> Vec<TeamId> {
        self.read().mentored_by(user_id).collect()
    }

    /// All memberships of a person by team, those in archived teams too.
    #[must_use]
    pub fn memberships(&self, user_id: UserId) -> Vec<(TeamId, TeamMember)> {
        let state = self.read();
        let memberships = state.memberships_of(user_id);
        memberships
            .map(|(team_id, membership)| {
                let member = TeamMember {
                    user_id,
                    role: membership.role.clone(),
                    joined_at: membership.joined_at,
                };
                (team_id, member)
            })
            .collect()
    }

    /// All enrolments of a person by qualification, with the moment; those in archived qualifications too.
    #[must_use]
    pub fn enrolments(&self, user_id: UserId) -> Vec<(QualificationId, TimeMs)> {
        self.read().enrolments_of(user_id).collect()
    }

    /// All teams whose mentor a person is, archived ones too, rising.
    #[must_use]
    pub fn mentor_links(&self, user_id: UserId) -> Vec<TeamId> {
        self.read().mentor_links(user_id).collect()
    }

    /// Whether a person is a present member of a team.
    #[must_use]
    pub fn is_member(&self, team_id: TeamId, user_id: UserId) -> bool {
        self.read().is_member(team_id, user_id)
    }

    /// Whether a person is a present member of a team whose mentor `mentor_id` is.
    #[must_use]
    pub fn mentors_person(&self, mentor_id: UserId, user_id: UserId) -> bool {
        let state = self.read();
        let mut teams = state.mentored_by(mentor_id);
        teams.any(|team_id| state.is_member(team_id, user_id))
    }

    /// Whether two people are present members of one team.
    #[must_use]
    pub fn share_a_team(&self, one: UserId, other: UserId) -> bool {
        let state = self.read();
        let mut teams = state.teams_of(one);
        state.active_user(one).is_some() && teams.any(|team_id| state.is_member(team_id, other))
    }

    /// The people enrolled in a qualification, rising.
    #[must_use]
    pub fn learners_of(&self, qualification_id: QualificationId) -> Vec<UserId> {
        self.read().learners_of(qualification_id).collect()
    }

    /// The units that count for a person, by enrolments and catalogue of now. Enrolments in archived qualifications count
    /// for nothing.
    #[must_use]
    pub fn course(&self, user_id: UserId) -> Course {
        self.read().course(user_id)
    }

    /// Whether boards rank a person: a student who is not archived, and who wants it as far as the node asks.
    #[must_use]
    pub fn is_ranked(&self, user_id: UserId) -> bool {
        let state = self.read();
        let is_student = |user: &UserRecord| user.role == UserRole::Student;
        let wish = state.preference(user_id).map(|preference| preference.on_boards);
        state.active_user(user_id).is_some_and(is_student) && wish.unwrap_or(self.leaderboards() != Leaderboards::OptIn)
    }

    /// Until when a person cannot change what they said about boards themselves.
    #[must_use]
    pub fn preference_locked_until(&self, user_id: UserId, lock_ms: i64, now: TimeMs) -> Option<TimeMs> {
        let at = self.preference(user_id)?.own_change_at?;
        plan::locked_until(at, lock_ms, now)
    }

    /// Who is on boards by default, or whether there are any.
    #[must_use]
    pub fn leaderboards(&self) -> Leaderboards {
        *self.inner.leaderboards.read()
    }

    /// From now on others are on boards. Boards and teams have to be read anew after it.
    pub(crate) fn set_leaderboards(&self, leaderboards: Leaderboards) {
        *self.inner.leaderboards.write() = leaderboards;
        self.change(|_| ());
    }

    /// What a person has said about boards, if they have. One who was erased has not.
    #[must_use]
    pub fn preference(&self, user_id: UserId) -> Option<PreferenceRecord> {
        self.read().preference(user_id).copied()
    }

    /// The name that peers see: the alias, else a pseudonym that stays the same for this person for a season.
    #[must_use]
    pub fn alias(&self, user_id: UserId) -> Option<Arc<str>> {
        let state = self.read();
        let user = state.users.get(&user_id)?;
        Some(match &user.alias {
            Some(alias) => Arc::from(alias.as_str()),
            None => Arc::from(
                state
                    .secret
                    .pseudonym(user_id, self.inner.season.load(Ordering::Acquire)),
            ),
        })
    }

    /// From now on pseudonyms are those of the season that begins on this local day, or of the time between seasons.
    pub(crate) fn set_season(&self, first_day: Option<i32>) {
        // Next to one another and never 0, which is no season.
        let season = first_day.map_or(0, |day| (i64::from(day) - i64::from(i32::MIN) + 1).cast_unsigned());
        self.inner.season.store(season, Ordering::Release);
    }

    /// An order of ids that says nothing of them, and that nobody outside can know.
    pub(crate) fn tie_key(&self, id: u64) -> u64 {
        self.read().secret.hash(alias::TIES, id)
    }

    /// Rises with every change of the roster.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.inner.revision.load(Ordering::Acquire)
    }

    /// Tells the revision whenever it has risen.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Looks at several things under one lock.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, RosterState> {
        self.inner.state.read()
    }

    /// Changes the state under one lock, so that readers see all of a change or nothing of it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut RosterState)) {
        let mut state = self.inner.state.write();
        change(&mut state);
        let revision = self.inner.revision.fetch_add(1, Ordering::AcqRel) + 1;
        drop(state);
        self.inner.changes.send_modify(|told| *told = revision.max(*told));
    }
}

fn page<K: Ord + Copy, R: Clone>(
    rows: &BTreeMap<K, R>,
    after: Option<K>,
    limit: usize,
    is_wanted: impl Fn(&R) -> bool,
) -> Vec<R> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let rows = rows.range((from, Bound::Unbounded)).map(|(_, row)| row);
    rows.filter(|row| is_wanted(row)).take(limit).cloned().collect()
}

/// A field of a `PATCH`: left alone, or set (to null: none).
pub type Change<T> = Option<T>;

/// A wish to change roster or catalogue. Ids that are `None` are given by the roster (the lowest never used).
#[derive(Debug, Clone, PartialEq)]
pub enum RosterCommand {
    /// Creates (`create`: an existing id is refused) or upserts a person. An upsert brings an archived one back.
    PutUser {
        /// Whether an existing id is an error.
        create: bool,
        /// The id, if the caller chose it.
        user_id: Option<UserId>,
        /// The name.
        name: String,
        /// The alias.
        alias: Option<String>,
        /// The role.
        role: UserRole,
    },
    /// Changes some fields of a person.
    PatchUser {
        /// Who.
        user_id: UserId,
        /// The name.
        name: Change<String>,
        /// The alias.
        alias: Change<Option<String>>,
        /// The role.
        role: Change<UserRole>,
        /// Whether the person is archived: gone from boards and lists, with everything kept. An archived person can be
        /// changed only together with this.
        archived: Change<bool>,
    },
    /// Says whether a person wants to be on boards.
    SetPreference {
        /// Who.
        user_id: UserId,
        /// Whether they want to be on boards.
        on_boards: bool,
        /// Whether they say so themselves.
        own: bool,
        /// How long they wait after that until they may say something else, milliseconds.
        lock_ms: i64,
    },
    /// Forgets a person for good: see [`Row::Erased`](homeroom_schema::records::Row::Erased).
    EraseUser {
        /// Whom.
        user_id: UserId,
        /// When that was done before (a restored database does not know): then an id that nobody has is taken too. None:
        /// now.
        erased_at: Option<TimeMs>,
    },
    /// Creates or upserts a qualification.
    PutQualification {
        /// Whether an existing id is an error.
        create: bool,
        /// The id.
        qualification_id: Option<QualificationId>,
        /// The name.
        name: String,
    },
    /// Changes some fields of a qualification.
    PatchQualification {
        /// Which.
        qualification_id: QualificationId,
        /// The name.
        name: Change<String>,
    },
    /// Creates or upserts a unit.
    PutUnit {
        /// Whether an existing id is an error.
        create: bool,
        /// The id.
        unit_id: Option<UnitId>,
        /// The title.
        title: String,
        /// Its qualification.
        qualification_id: Option<QualificationId>,
        /// Its skills.
        skills: Vec<String>,
    },
    /// Changes some fields of a unit.
    PatchUnit {
        /// Which.
        unit_id: UnitId,
        /// The title.
        title: Change<String>,
        /// Its qualification.
        qualification_id: Change<Option<QualificationId>>,
        /// Its skills.
        skills: Change<Vec<String>>,
    },
    /// Creates or upserts a team.
    PutTeam {
        /// Whether an existing id is an error.
        create: bool,
        /// The id.
        team_id: Option<TeamId>,
        /// The name.
        name: String,
        /// Its mentor.
        mentor_id: Option<UserId>,
    },
    /// Changes some fields of a team.
    PatchTeam {
        /// Which.
        team_id: TeamId,
        /// The name.
        name: Change<String>,
        /// Its mentor.
        mentor_id: Change<Option<UserId>>,
    },
    /// Archives something: it leaves boards and lists, its history stays.
    Archive(Entity),
    /// Adds a member, or changes their role.
    PutMember {
        /// The team.
        team_id: TeamId,
        /// Who.
        user_id: UserId,
        /// What they do in the team.
        role: Option<String>,
    },
    /// Removes a member; removing somebody who is none changes nothing.
    RemoveMember {
        /// The team.
        team_id: TeamId,
        /// Who.
        user_id: UserId,
    },
    /// Enrols a learner.
    Enrol {
        /// In which qualification.
        qualification_id: QualificationId,
        /// Who.
        user_id: UserId,
    },
    /// Ends an enrolment; ending none changes nothing.
    Unenrol {
        /// From which qualification.
        qualification_id: QualificationId,
        /// Who.
        user_id: UserId,
    },
    /// Upserts many at once, all or nothing. References are checked by the roster actor: see [`ImportError`].
    Import(Box<Import>),
}

/// Something that can be archived by itself. (People are archived by [`RosterCommand::PatchUser`].)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A qualification.
    Qualification(QualificationId),
    /// A unit.
    Unit(UnitId),
    /// A team.
    Team(TeamId),
}

/// `(id, title, qualification, skills)`
pub type ImportUnit = (UnitId, String, Option<QualificationId>, Vec<String>);
/// `(id, name, alias, role)`
pub type ImportUser = (UserId, String, Option<String>, Option<UserRole>);

/// Rows of an import in the contract's shape. Later rows of one id win.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    /// `(id, name)`
    pub qualifications: Vec<(QualificationId, String)>,
    /// The qualification may be one of this import.
    pub units: Vec<ImportUnit>,
    /// A role that is not given stays as it is, or is student; an alias that is not given stays as it is.
    pub users: Vec<ImportUser>,
    /// `(id, name, mentor)`
    pub teams: Vec<(TeamId, String, Option<UserId>)>,
    /// `(team, user, role)`
    pub team_members: Vec<(TeamId, UserId, Option<String>)>,
    /// `(qualification, user)`
    pub enrolments: Vec<(QualificationId, UserId)>,
    /// Ids of rows that make something: one that is taken already refuses its row.
    pub must_be_new: MustBeNew,
}

/// Ids that nothing may have had before, not even something archived.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MustBeNew {
    /// Of people.
    pub users: BTreeSet<UserId>,
    /// Of teams.
    pub teams: BTreeSet<TeamId>,
    /// Of units.
    pub units: BTreeSet<UnitId>,
    /// Of qualifications.
    pub qualifications: BTreeSet<QualificationId>,
}

/// A row of an import that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// The list, as on the wire: `team_members`.
    pub list: &'static str,
    /// The row's place in it, from 0.
    pub index: usize,
    /// The field.
    pub field: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

/// What became of a roster command.
#[derive(Debug, Clone, PartialEq)]
pub enum RosterOutcome {
    /// A person, as kept; `created` says whether it is new.
    User {
        /// As kept.
        user: UserRecord,
        /// Whether it is new.
        created: bool,
    },
    /// What a person said about boards.
    Preference {
        /// As kept.
        preference: PreferenceRecord,
        /// Until when they cannot say something else.
        locked_until: Option<TimeMs>,
    },
    /// A qualification.
    Qualification {
        /// As kept.
        qualification: QualificationRecord,
        /// Whether it is new.
        created: bool,
    },
    /// A unit.
    Unit {
        /// As kept.
        unit: UnitRecord,
        /// Whether it is new.
        created: bool,
    },
    /// A team.
    Team {
        /// As kept.
        team: TeamRecord,
        /// Whether it is new.
        created: bool,
    },
    /// A membership or enrolment is as wished, or something was archived; `changed` says whether it was not so before.
    Done {
        /// Whether anything changed.
        changed: bool,
    },
    /// Rows upserted, by list.
    Imported {
        /// Qualifications.
        qualifications: usize,
        /// Units.
        units: usize,
        /// People.
        users: usize,
        /// Teams.
        teams: usize,
        /// Memberships.
        team_members: usize,
        /// Enrolments.
        enrolments: usize,
        /// Erased people whom the import named: they and their memberships and enrolments were left out, and no team has
        /// one of them as its mentor. Rising.
        skipped_erased: Vec<UserId>,
    },
    /// Nothing was kept: the first bad rows.
    ImportRefused(Vec<ImportError>),
}
