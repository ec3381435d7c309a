//! The shapes that stores keep and give back: events, heads, rows of the tables, keys. Plain data, no rules.

use crate::ids::{
    AnnouncementId, AuditId, EventId, QualificationId, ReferenceId, TeamId, TimeMs, TokenId, UnitId, UserId, Version,
};
use serde::{Deserialize, Serialize};

/// What a stream belongs to. The numbers are stored: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StreamKind {
    /// One learner's facts.
    Learner = 1,
    /// One team's facts.
    Team = 2,
    /// The roster and catalogue: one stream, id 1.
    Roster = 3,
    /// The rules in force: one stream, id 1.
    Rules = 4,
}

impl StreamKind {
    /// Reads the stored number.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Learner),
            2 => Some(Self::Team),
            3 => Some(Self::Roster),
            4 => Some(Self::Rules),
            _ => None,
        }
    }
}

/// One stream of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// What it belongs to.
    pub kind: StreamKind,
    /// Whose it is: 1 to 2^53 - 1.
    pub id: u64,
}

impl StreamId {
    /// The roster's only stream.
    pub const ROSTER: Self = Self {
        kind: StreamKind::Roster,
        id: 1,
    };

    /// The only stream of the rules.
    pub const RULES: Self = Self {
        kind: StreamKind::Rules,
        id: 1,
    };

    /// The stream of one learner.
    #[must_use]
    pub const fn learner(user_id: UserId) -> Self {
        Self {
            kind: StreamKind::Learner,
            id: user_id.get(),
        }
    }

    /// The stream of one team.
    #[must_use]
    pub const fn team(team_id: TeamId) -> Self {
        Self {
            kind: StreamKind::Team,
            id: team_id.get(),
        }
    }
}

/// An event on its way into the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its type, snake_case, stable for ever.
    pub event_type: &'static str,
    /// When it happened, by the caller's claim or the node's clock.
    pub occurred_at: TimeMs,
    /// When the node took it in.
    pub recorded_at: TimeMs,
    /// JSON object with everything that replay needs; no name and no free text of a person.
    pub body: String,
    /// Free text that belongs to it (a reason): kept beside the journal, so that it can be erased.
    pub note: Option<String>,
}

/// An event read from the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the journal.
    pub event_id: EventId,
    /// Whose it is.
    pub stream: StreamId,
    /// Its place in its stream, from 1.
    pub version: Version,
    /// Its type, as in [`NewEvent::event_type`].
    pub event_type: String,
    /// When it happened.
    pub occurred_at: TimeMs,
    /// When the node took it in.
    pub recorded_at: TimeMs,
    /// JSON object, as in [`NewEvent::body`].
    pub body: String,
    /// Free text kept beside it, unless erased.
    pub note: Option<String>,
}

/// The head of one learner's stream, with what boards need at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LearnerHead {
    /// Whose.
    pub user_id: UserId,
    /// The number of events of the stream.
    pub version: Version,
    /// The sum of the ledger, never negative.
    pub total: u64,
    /// `occurred_at` of the entry that made the present total; none without entries.
    pub reached_at: Option<TimeMs>,
}

/// Events for one stream, on condition that it is at `expected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// The version before these events. Anything else refuses the whole append.
    pub expected: Version,
    /// The events, in order; may be empty (then only rows and the key are kept).
    pub events: Vec<NewEvent>,
    /// Learners only: total and `reached_at` after these events (`version` is `expected` + the number of events).
    pub head: Option<LearnerHead>,
}

/// One unit of all-or-nothing work inside a batch: events, table rows and an idempotency key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Append {
    /// Events, if any.
    pub stream: Option<StreamAppend>,
    /// Rows of the tables, applied in order.
    pub rows: Vec<Row>,
    /// The caller's key with its outcome.
    pub key: Option<KeyRecord>,
}

/// What became of one append of a committed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendOutcome {
    /// Kept. Event `i` of the append has id `first_event_id + i`; none if it had no events.
    Kept {
        /// The id of the first event.
        first_event_id: Option<EventId>,
    },
    /// Refused, nothing kept: the stream was not at the expected version.
    Conflict {
        /// Where the stream really is.
        actual: Version,
    },
    /// Refused, nothing kept: the idempotency key is taken. Read it to learn by what.
    KeyTaken,
}

/// A row of a table. Upserts by primary key unless it says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A person.
    User(UserRecord),
    /// A qualification.
    Qualification(QualificationRecord),
    /// A unit.
    Unit(UnitRecord),
    /// A team.
    Team(TeamRecord),
    /// A membership.
    Member(MemberRecord),
    /// Removes a membership.
    MemberRemoved {
        /// The team.
        team_id: TeamId,
        /// The member.
        user_id: UserId,
    },
    /// An enrolment.
    Enrolment(EnrolmentRecord),
    /// Whether a person wants to be on boards.
    Preference(PreferenceRecord),
    /// Removes an enrolment.
    EnrolmentRemoved {
        /// The qualification.
        qualification_id: QualificationId,
        /// The learner.
        user_id: UserId,
    },
    /// Progress of one learner in one unit.
    Progress(ProgressRecord),
    /// An achievement of one learner.
    Achievement(AchievementRecord),
    /// Takes an achievement back.
    AchievementRevoked {
        /// The learner.
        user_id: UserId,
        /// Its type.
        achievement_type: String,
        /// Its tier.
        tier: String,
    },
    /// Adds to what is known of a resource.
    Resource(ResourceRecord),
    /// Adds to the completions of a quiz that took so long.
    QuizTime(QuizTimeRecord),
    /// The result of a scored quiz that counts and is tied to a unit.
    Result(ResultRecord),
    /// Takes a result back.
    ResultRemoved {
        /// Whose.
        user_id: UserId,
        /// Of which quiz.
        reference_id: ReferenceId,
    },
    /// One entry of the ledger; belongs to event `event_index` of the same append.
    Points {
        /// Which event of the append, from 0.
        event_index: usize,
        /// The entry.
        points: PointsRecord,
    },
    /// One part of an adjusted entry of the ledger; belongs to event `event_index` of the same append.
    PointPart {
        /// Which event of the append, from 0.
        event_index: usize,
        /// Its number within the entry, from 0.
        part: usize,
        /// The part.
        record: PointPartRecord,
    },
    /// A team achievement whose members' awards may not all be durable yet.
    TeamAward(TeamAwardRecord),
    /// All members' awards of that team achievement are durable.
    TeamAwardSettled {
        /// The team.
        team_id: TeamId,
        /// The version of the fact on the team's stream.
        version: Version,
    },
    /// A token.
    Token(TokenRecord),
    /// A person's PIN, in place of the one before.
    Pin(PinRecord),
    /// Forgets a person for good. The id stays, so that it is never given again; everything that names the person goes:
    /// name, alias, memberships, enrolments, preferences, mentor links, tokens, PIN, notes of their events, kept answers about them,
    /// their part in announcements.
    /// Ledger, progress and events stay, by id. An id that nobody has had is taken all the same. Safe to repeat.
    Erased {
        /// Whom.
        user_id: UserId,
        /// When; the first time counts.
        erased_at: TimeMs,
    },
    /// An entry of the audit log; the store gives its id.
    Audit(AuditRecord),
    /// An announcement under a new id. Those that are [`ANNOUNCEMENTS_KEPT`](crate::limits::ANNOUNCEMENTS_KEPT) ids older
    /// go.
    Announcement(AnnouncementRecord),
    /// Takes an announcement back: its text, its team and who made it go, its id stays taken. Safe to repeat.
    AnnouncementRemoved {
        /// Which one.
        announcement_id: AnnouncementId,
    },
    /// A setting of the node, by name.
    Setting {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// A person of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The id.
    pub user_id: UserId,
    /// The real name.
    pub name: String,
    /// The name that peers see; none means a pseudonym.
    pub alias: Option<String>,
    /// `student`, `mentor` or `staff`.
    pub role: UserRole,
    /// When the person was added.
    pub created_at: TimeMs,
    /// When the person was archived, if so.
    pub archived_at: Option<TimeMs>,
    /// When the person was erased, if so: name and alias are empty then. Kept by [`Row::Erased`] alone, never by
    /// [`Row::User`].
    pub erased_at: Option<TimeMs>,
}

/// What a person is in the school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// A learner, ranked on boards.
    Student,
    /// A mentor of teams, not ranked.
    Mentor,
    /// Other staff, not ranked.
    Staff,
}

impl UserRole {
    /// The stored and wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Mentor => "mentor",
            Self::Staff => "staff",
        }
    }

    /// Reads the stored and wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Student, Self::Mentor, Self::Staff]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// How a person comes back on another device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRecord {
    /// Whose.
    pub user_id: UserId,
    /// A slow, salted hash (a PHC string), at most [`PIN_HASH_CHARS_MAX`](crate::limits::PIN_HASH_CHARS_MAX) characters.
    pub hash: String,
    /// Since when.
    pub set_at: TimeMs,
}

/// A qualification of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualificationRecord {
    /// The id.
    pub qualification_id: QualificationId,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub created_at: TimeMs,
    /// When it was archived, if so.
    pub archived_at: Option<TimeMs>,
}

/// A unit of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRecord {
    /// The id.
    pub unit_id: UnitId,
    /// Its title.
    pub title: String,
    /// The qualification that it is part of.
    pub qualification_id: Option<QualificationId>,
    /// The skills that it trains.
    pub skills: Vec<String>,
    /// When it was added.
    pub created_at: TimeMs,
    /// When it was archived, if so.
    pub archived_at: Option<TimeMs>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRecord {
    /// The id.
    pub team_id: TeamId,
    /// Its name.
    pub name: String,
    /// Its mentor.
    pub mentor_id: Option<UserId>,
    /// When it was added.
    pub created_at: TimeMs,
    /// When it was archived, if so.
    pub archived_at: Option<TimeMs>,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRecord {
    /// The team.
    pub team_id: TeamId,
    /// The member.
    pub user_id: UserId,
    /// What they do in the team, in words.
    pub role: Option<String>,
    /// Since when.
    pub joined_at: TimeMs,
}

/// An enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentRecord {
    /// The qualification.
    pub qualification_id: QualificationId,
    /// The learner.
    pub user_id: UserId,
    /// Since when.
    pub enrolled_at: TimeMs,
}

/// Progress of one learner in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressRecord {
    /// The learner.
    pub user_id: UserId,
    /// The unit.
    pub unit_id: UnitId,
    /// 0 to 100.
    pub progress_percentage: u8,
    /// When it was last touched.
    pub last_accessed: TimeMs,
    /// When it first arrived at 100.
    pub completed_at: Option<TimeMs>,
}

/// An achievement of one learner (the projection; replay reads the events).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AchievementRecord {
    /// The learner.
    pub user_id: UserId,
    /// Its type, snake_case.
    pub achievement_type: String,
    /// `bronze`, `silver` or `gold`.
    pub tier: String,
    /// When it was earned.
    pub earned_at: TimeMs,
    /// JSON object with what it was earned by.
    pub achievement_data: String,
}

/// A resource, which is a contributor and a reference: sums over awards that count, or what is added to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceRecord {
    /// Whose.
    pub contributor_id: UserId,
    /// Under which reference.
    pub reference_id: ReferenceId,
    /// 1 once the contributor has contributed it.
    pub contributed: i64,
    /// Times that others read it.
    pub uses: i64,
    /// Ratings that others gave.
    pub ratings: i64,
    /// Their sum.
    pub rating_sum: i64,
}

impl ResourceRecord {
    /// Nothing is known of it.
    #[must_use]
    pub const fn none(contributor_id: UserId, reference_id: ReferenceId) -> Self {
        Self {
            contributor_id,
            reference_id,
            contributed: 0,
            uses: 0,
            ratings: 0,
            rating_sum: 0,
        }
    }

    /// Adds what another one of the same resource says.
    pub const fn add(&mut self, other: &Self) {
        self.contributed += other.contributed;
        self.uses += other.uses;
        self.ratings += other.ratings;
        self.rating_sum += other.rating_sum;
    }
}

/// How many completions of a quiz took so long, or how many more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuizTimeRecord {
    /// Which quiz.
    pub reference_id: ReferenceId,
    /// How long, in milliseconds, rounded down as [`QuizTimeRecord::bucket`] does.
    pub bucket_ms: u64,
    /// How many.
    pub n: i64,
}

impl QuizTimeRecord {
    /// The longest time told apart, milliseconds: longer ones count as this.
    pub const LONGEST_MS: u64 = 1_000_000_000;

    /// A time rounded down to three significant digits: a quiz has at most some 7,000 different ones.
    #[must_use]
    pub const fn bucket(duration_ms: u64) -> u64 {
        let duration_ms = if duration_ms < Self::LONGEST_MS {
            duration_ms
        } else {
            Self::LONGEST_MS
        };
        let mut step = 1;
        while duration_ms / step >= 1_000 {
            step *= 10;
        }
        duration_ms / step * step
    }
}

/// The result of a scored quiz that counts and is tied to a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResultRecord {
    /// Whose.
    pub user_id: UserId,
    /// Of which quiz.
    pub reference_id: ReferenceId,
    /// The unit.
    pub unit_id: UnitId,
    /// 0 to 1.
    pub score: f64,
    /// When.
    pub occurred_at: TimeMs,
}

/// What evidence comes to, of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceSums {
    /// All resources, by contributor and reference.
    pub resources: Vec<ResourceRecord>,
    /// Times of all quizzes, by reference and time.
    pub quiz_times: Vec<QuizTimeRecord>,
    /// The last event that is in them.
    pub last_event_id: Option<EventId>,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsRecord {
    /// Whose.
    pub user_id: UserId,
    /// `awarded`, `refused`, `reversed`, `reinstated` or `adjusted`.
    pub kind: &'static str,
    /// The action's wire name.
    pub action_type: &'static str,
    /// What it was for.
    pub reference_id: ReferenceId,
    /// The unit that it is tied to.
    pub unit_id: Option<UnitId>,
    /// The qualification of that unit at that moment.
    pub qualification_id: Option<QualificationId>,
    /// Points of this entry; negative for a reversal, 0 for a refusal.
    pub points: i64,
    /// The total after this entry.
    pub total: u64,
    /// Why it was refused, as a code; none otherwise.
    pub reason: Option<&'static str>,
    /// When it happened.
    pub occurred_at: TimeMs,
}

/// What an adjusted entry of the ledger moved for one local day in one qualification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointPartRecord {
    /// A moment of that day.
    pub occurred_at: TimeMs,
    /// The qualification; none for points outside of any.
    pub qualification_id: Option<QualificationId>,
    /// The change.
    pub points: i64,
}

/// Facts of learners, packed by whoever folds the journal; what the bytes mean is their affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityBlock {
    /// The event of the last fact in it; the facts follow those of the block before it.
    pub last_event_id: EventId,
    /// When the earliest of its facts happened.
    pub from_at: TimeMs,
    /// When the latest of its facts happened.
    pub to_at: TimeMs,
    /// How many there are, at least one.
    pub facts: u32,
    /// The facts.
    pub bytes: Vec<u8>,
}

/// One entry of the ledger as it is stored, with the event that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its event.
    pub event_id: EventId,
    /// As in [`PointsRecord`], like all that follow.
    pub user_id: UserId,
    /// What happened.
    pub kind: String,
    /// The action's wire name.
    pub action_type: String,
    /// What it was for.
    pub reference_id: ReferenceId,
    /// The unit that it is tied to.
    pub unit_id: Option<UnitId>,
    /// The qualification of that unit at that moment.
    pub qualification_id: Option<QualificationId>,
    /// Points of this entry.
    pub points: i64,
    /// The total after this entry.
    pub total: u64,
    /// Why it was refused.
    pub reason: Option<String>,
    /// When it happened.
    pub occurred_at: TimeMs,
}

impl LedgerRow {
    /// The row that an entry makes.
    #[must_use]
    pub fn of(event_id: EventId, points: &PointsRecord) -> Self {
        Self {
            event_id,
            user_id: points.user_id,
            kind: points.kind.to_owned(),
            action_type: points.action_type.to_owned(),
            reference_id: points.reference_id,
            unit_id: points.unit_id,
            qualification_id: points.qualification_id,
            points: points.points,
            total: points.total,
            reason: points.reason.map(str::to_owned),
            occurred_at: points.occurred_at,
        }
    }
}

/// What takes the place of the beginning of a learner's stream: one fact at its last version, and entries of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedHistory {
    /// Whose.
    pub user_id: UserId,
    /// The last version that is replaced: the new fact takes its place, with its event id and its times.
    pub version: Version,
    /// The type of the new fact.
    pub event_type: &'static str,
    /// Its body.
    pub body: String,
    /// Entries of the ledger, in places of entries that are replaced.
    pub rows: Vec<LedgerRow>,
    /// Entries of the ledger that an earlier fact of this kind had, without events of their own.
    pub replaced: Vec<EventId>,
}

/// A team achievement: one fact with the members of that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamAwardRecord {
    /// The team.
    pub team_id: TeamId,
    /// The version of the fact on the team's stream.
    pub version: Version,
    /// What it was for.
    pub reference_id: ReferenceId,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRole {
    /// Everything.
    Admin,
    /// A program that feeds and reads the node.
    Service,
    /// A mentor.
    Mentor,
    /// A student.
    Student,
    /// A wall screen.
    Projector,
}

impl TokenRole {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::Admin, Self::Service, Self::Mentor, Self::Student, Self::Projector];

    /// The stored and wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Service => "service",
            Self::Mentor => "mentor",
            Self::Student => "student",
            Self::Projector => "projector",
        }
    }

    /// Reads the stored and wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// A token: only the hash of its secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its public number.
    pub token_id: TokenId,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// What it may be used for.
    pub role: TokenRole,
    /// Whose it is; students and mentors always have one.
    pub user_id: Option<UserId>,
    /// A name for people.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: TimeMs,
    /// When it ends by itself.
    pub expires_at: Option<TimeMs>,
    /// When it was revoked.
    pub revoked_at: Option<TimeMs>,
}

/// Who did something that is audited. Nothing is known of somebody at the machine itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditedBy {
    /// The token used.
    pub token_id: Option<TokenId>,
    /// The token's role.
    pub role: Option<TokenRole>,
    /// The person whose token it is.
    pub user_id: Option<UserId>,
}

/// Whom or what an audited act was about: `user`, `team`, `unit`, `qualification`, `token`, `event`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSubject {
    /// What the id is of, snake_case, stable.
    pub kind: &'static str,
    /// The id.
    pub id: u64,
}

/// An administrative act on its way into the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: TimeMs,
    /// Who.
    pub by: AuditedBy,
    /// What, snake_case, stable, at most 64 bytes: `user_erased`.
    pub act: &'static str,
    /// To whom or what.
    pub subject: Option<AuditSubject>,
    /// JSON object with the rest, by ids and numbers: no names and no free text of people.
    pub detail: String,
}

/// An entry read from the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the log.
    pub audit_id: AuditId,
    /// When.
    pub at: TimeMs,
    /// Who.
    pub by: AuditedBy,
    /// What, as in [`AuditRecord::act`].
    pub act: String,
    /// To whom or what: kind and id.
    pub subject: Option<(String, u64)>,
    /// JSON object, as in [`AuditRecord::detail`].
    pub detail: String,
}

/// An announcement: to everybody, or to one team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncementRecord {
    /// The id.
    pub announcement_id: AnnouncementId,
    /// To which team; to everybody without one.
    pub team_id: Option<TeamId>,
    /// Who made it: nobody's where a token without a person did, and after the person was erased.
    pub user_id: Option<UserId>,
    /// What it says, 1 to 1,000 characters.
    pub text: String,
    /// When.
    pub at: TimeMs,
}

/// Which announcements are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnouncementFilter {
    /// Older than this one.
    pub before: Option<AnnouncementId>,
    /// To this team alone.
    pub team_id: Option<TeamId>,
    /// Made by this person alone.
    pub user_id: Option<UserId>,
}

/// Which entries of the audit log are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Entries before this one.
    pub before: Option<AuditId>,
    /// With this act alone.
    pub act: Option<String>,
    /// From this moment on.
    pub since: Option<TimeMs>,
    /// Done by this person or about them.
    pub person: Option<UserId>,
}

/// The hash of an idempotency key together with the scope of its caller (SHA-256, first 16 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 16]);

/// A used idempotency key with its one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Caller and key.
    pub hash: KeyHash,
    /// The request it was used for (method, path, query, JSON content; SHA-256, first 16 bytes).
    pub fingerprint: [u8; 16],
    /// When it was used.
    pub created_at: TimeMs,
    /// Whose name the answer holds, if it holds one: erasing that person forgets the key.
    pub about: Option<UserId>,
    /// HTTP status of the first answer.
    pub status: u16,
    /// Where the first answer can be found again.
    pub outcome: KeyOutcome,
}

/// Where the first answer to a keyed request can be found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOutcome {
    /// Rendered again from this event of the journal, with the totals of that moment.
    Event {
        /// The stream.
        stream: StreamId,
        /// The event in it.
        version: Version,
        /// The learner's total when answered.
        total: u64,
        /// The learner's level when answered.
        level: u32,
    },
    /// The body of the answer itself, JSON.
    Body(String),
}

/// A stored snapshot of one stream's state: an envelope of bytes that may be unreadable, and then means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// The stream.
    pub stream: StreamId,
    /// The version that it shows.
    pub version: Version,
    /// The envelope, see the `codec` module.
    pub bytes: Vec<u8>,
}

/// All of the roster and catalogue, as loaded at start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterRecords {
    /// The version of the roster's stream.
    pub version: Version,
    /// The id of its last event.
    pub last_event_id: Option<EventId>,
    /// People.
    pub users: Vec<UserRecord>,
    /// Qualifications.
    pub qualifications: Vec<QualificationRecord>,
    /// Units.
    pub units: Vec<UnitRecord>,
    /// Teams.
    pub teams: Vec<TeamRecord>,
    /// Memberships.
    pub members: Vec<MemberRecord>,
    /// Enrolments.
    pub enrolments: Vec<EnrolmentRecord>,
    /// Of those who have any.
    pub preferences: Vec<PreferenceRecord>,
}

/// Whether a person wants to be on boards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreferenceRecord {
    /// Who.
    pub user_id: UserId,
    /// Whether they want to be on boards.
    pub on_boards: bool,
    /// When they last said so themselves; none if others did.
    pub own_change_at: Option<TimeMs>,
}

/// Whose points are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StandingsOf {
    /// Each learner's, all of them.
    Learners,
    /// Each learner's inside one qualification.
    LearnersIn(QualificationId),
    /// Each team's: entries of people who were its members when they earned them, whoever is one now.
    Teams,
}

/// Moments from `from` on, before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// The first moment.
    pub from: TimeMs,
    /// The moment after the last one.
    pub to: TimeMs,
}

impl TimeRange {
    /// All moments that are ever kept.
    pub const ALL: Self = Self {
        from: TimeMs(i64::MIN),
        to: TimeMs(i64::MAX),
    };

    /// Whether a moment is one of them.
    #[must_use]
    pub fn contains(&self, at: TimeMs) -> bool {
        self.from <= at && at < self.to
    }
}

/// Sums of the ledger's entries with points whose `occurred_at` is in a range, and the place in the journal up to which
/// they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standings {
    /// One row for each learner or team that has such entries, in no order.
    pub rows: Vec<StandingRow>,
    /// The newest event of the journal at that moment, whatever it is about.
    pub last_event_id: Option<EventId>,
}

/// A sum of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingRow {
    /// The learner's or the team's id.
    pub id: u64,
    /// The sum; below 0 where more was taken back in the range than given.
    pub points: i64,
    /// `occurred_at` of the entry that was kept last; adjustments by changed rules are none.
    pub reached_at: Option<TimeMs>,
}

/// Points of one learner inside one qualification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QualificationStanding {
    /// The learner.
    pub user_id: UserId,
    /// The sum of their ledger inside the qualification.
    pub points: u64,
    /// `occurred_at` of the latest entry that changed it.
    pub reached_at: TimeMs,
    /// The id of that entry: a standing with a larger one is newer.
    pub event_id: EventId,
}

/// A completed unit of one learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompletedUnit {
    /// The learner.
    pub user_id: UserId,
    /// The unit.
    pub unit_id: UnitId,
    /// When.
    pub completed_at: TimeMs,
}
