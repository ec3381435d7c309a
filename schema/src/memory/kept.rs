//! The data of the memory store and the meaning of a batch on it. No faults of its own, no waiting.

mod reads;

use super::faults::Faults;
use crate::ids::{
    AnnouncementId, AuditId, EventId, QualificationId, ReferenceId, TeamId, TimeMs, TokenId, UnitId, UserId, Version,
};
use crate::limits::ANNOUNCEMENTS_KEPT;
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementRecord, Append, AppendOutcome, AuditEntry, AuditRecord,
    EnrolmentRecord, KeyHash, KeyRecord, LearnerHead, MemberRecord, PinRecord, PointPartRecord, PointsRecord,
    PreferenceRecord, ProgressRecord, QualificationRecord, ResourceRecord, ResultRecord, Row, SnapshotRecord,
    StoredEvent, StreamAppend, StreamId, StreamKind, TeamRecord, TokenRecord, UnitRecord, UserRecord, UserRole,
};
use crate::store::StoreError;
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// The journal: the event with id `n` is at `n - 1`.
    events: Vec<StoredEvent>,
    /// Places in `events`, by version.
    streams: HashMap<StreamId, Vec<usize>>,
    heads: BTreeMap<UserId, LearnerHead>,
    users: BTreeMap<UserId, UserRecord>,
    qualifications: BTreeMap<QualificationId, QualificationRecord>,
    units: BTreeMap<UnitId, UnitRecord>,
    teams: BTreeMap<TeamId, TeamRecord>,
    members: BTreeMap<(TeamId, UserId), MemberRecord>,
    enrolments: BTreeMap<(QualificationId, UserId), EnrolmentRecord>,
    preferences: BTreeMap<UserId, PreferenceRecord>,
    pins: BTreeMap<UserId, PinRecord>,
    progress: BTreeMap<(UserId, UnitId), ProgressRecord>,
    achievements: BTreeMap<(UserId, String, String), AchievementRecord>,
    resources: BTreeMap<(UserId, ReferenceId), ResourceRecord>,
    /// By reference and time.
    quiz_times: BTreeMap<(ReferenceId, u64), i64>,
    results: BTreeMap<(UserId, ReferenceId), ResultRecord>,
    points: BTreeMap<EventId, PointsRecord>,
    /// By event and number.
    parts: BTreeMap<(EventId, usize), PointPartRecord>,
    /// By team and version: what for, and whether it is settled.
    awards: BTreeMap<(TeamId, Version), (ReferenceId, bool)>,
    tokens: BTreeMap<TokenId, TokenRecord>,
    keys: HashMap<KeyHash, KeyRecord>,
    snapshots: HashMap<StreamId, SnapshotRecord>,
    settings: BTreeMap<String, String>,
    activity: BTreeMap<EventId, ActivityBlock>,
    /// None for those that were taken back.
    announcements: BTreeMap<AnnouncementId, Option<AnnouncementRecord>>,
    audit: Vec<AuditEntry>,
    batches: u64,
}

impl Default for Kept {
    fn default() -> Self {
        // One epoch for all memory stores: simulations must come out the same each time.
        let settings = [("epoch", "0000000000000001"), ("writer", "1")];
        Self {
            settings: settings
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            events: Vec::new(),
            streams: HashMap::new(),
            heads: BTreeMap::new(),
            users: BTreeMap::new(),
            qualifications: BTreeMap::new(),
            units: BTreeMap::new(),
            teams: BTreeMap::new(),
            members: BTreeMap::new(),
            enrolments: BTreeMap::new(),
            preferences: BTreeMap::new(),
            pins: BTreeMap::new(),
            progress: BTreeMap::new(),
            achievements: BTreeMap::new(),
            resources: BTreeMap::new(),
            quiz_times: BTreeMap::new(),
            results: BTreeMap::new(),
            points: BTreeMap::new(),
            parts: BTreeMap::new(),
            awards: BTreeMap::new(),
            tokens: BTreeMap::new(),
            keys: HashMap::new(),
            snapshots: HashMap::new(),
            activity: BTreeMap::new(),
            announcements: BTreeMap::new(),
            audit: Vec::new(),
            batches: 0,
        }
    }
}

impl Kept {
    /// Keeps a batch: first what becomes of each append, then whether all rows may stand, then the change itself, which
    /// cannot fail. So an error leaves nothing.
    pub(super) fn commit(&mut self, batch: Vec<Append>, faults: &Faults) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut outcomes = crate::batch::decide(
            &batch,
            |append| self.version(append.stream),
            |key| self.keys.contains_key(key),
            |stream| faults.conflicts(stream),
        );
        let kept = || {
            batch
                .iter()
                .zip(&outcomes)
                .filter(|(_, outcome)| is_kept(outcome))
                .map(|(append, _)| append)
        };
        self.check_references(kept)?;
        for (append, outcome) in batch.into_iter().zip(&mut outcomes) {
            if is_kept(outcome) {
                *outcome = AppendOutcome::Kept {
                    first_event_id: self.apply(append),
                };
            }
        }
        self.batches += 1;
        Ok(outcomes)
    }

    pub(super) fn batches(&self) -> u64 {
        self.batches
    }

    /// The roster's references, as the tables of an engine check them when a batch ends.
    fn check_references<'a, I: Iterator<Item = &'a Append>>(&self, kept: impl Fn() -> I) -> Result<(), StoreError> {
        let rows = || kept().flat_map(|append| &append.rows);
        let (mut users, mut teams, mut qualifications) = (HashSet::new(), HashSet::new(), HashSet::new());
        for row in rows() {
            match row {
                Row::User(UserRecord { user_id, .. }) | Row::Erased { user_id, .. } => drop(users.insert(*user_id)),
                Row::Team(team) => drop(teams.insert(team.team_id)),
                Row::Qualification(row) => drop(qualifications.insert(row.qualification_id)),
                _ => {}
            }
        }
        let has_user = |id: UserId| self.users.contains_key(&id) || users.contains(&id);
        let has_team = |id: TeamId| self.teams.contains_key(&id) || teams.contains(&id);
        let has_qualification =
            |id: QualificationId| self.qualifications.contains_key(&id) || qualifications.contains(&id);
        let stands = |row: &Row| match row {
            Row::Unit(unit) => unit.qualification_id.is_none_or(has_qualification),
            Row::Team(team) => team.mentor_id.is_none_or(has_user),
            Row::Member(member) => has_team(member.team_id) && has_user(member.user_id),
            Row::Enrolment(row) => has_qualification(row.qualification_id) && has_user(row.user_id),
            Row::Preference(row) => has_user(row.user_id),
            Row::Pin(row) => has_user(row.user_id),
            Row::Token(token) => token.user_id.is_none_or(has_user),
            _ => true,
        };
        if rows().all(stands) {
            return Ok(());
        }
        Err(StoreError::Damaged {
            cause: "a row refers to something that is not there".to_owned(),
        })
    }

    pub(super) fn version(&self, stream: StreamId) -> Version {
        Version(self.streams.get(&stream).map_or(0, |places| places.len() as u64))
    }

    fn apply(&mut self, append: Append) -> Option<EventId> {
        let first = self.events.len();
        if let Some(stream) = append.stream {
            self.apply_events(stream);
        }
        for row in append.rows {
            self.apply_row(row, first);
        }
        self.keys.extend(append.key.map(|key| (key.hash, key)));
        (self.events.len() > first).then(|| event_id(first))
    }

    fn apply_events(&mut self, append: StreamAppend) {
        let StreamAppend {
            stream,
            expected,
            events,
            head,
        } = append;
        let is_erased = |user: &UserRecord| user.erased_at.is_some() && StreamId::learner(user.user_id) == stream;
        let has_notes = !UserId::new(stream.id).is_ok_and(|id| self.users.get(&id).is_some_and(is_erased));
        let (places, mut version) = (self.streams.entry(stream).or_default(), expected);
        for event in events {
            version = version.plus(1);
            let place = self.events.len();
            places.push(place);
            self.events.push(StoredEvent {
                event_id: event_id(place),
                stream,
                version,
                event_type: event.event_type.to_owned(),
                occurred_at: event.occurred_at,
                recorded_at: event.recorded_at,
                body: event.body,
                note: event.note.filter(|_| has_notes),
            });
        }
        if stream.kind == StreamKind::Learner
            && version > Version::ZERO
            && let Ok(user_id) = UserId::new(stream.id)
        {
            let before = LearnerHead {
                user_id,
                version,
                total: 0,
                reached_at: None,
            };
            let kept = self.heads.entry(user_id).or_insert(before);
            *kept = head.unwrap_or(LearnerHead { version, ..*kept });
        }
    }

    fn apply_row(&mut self, row: Row, first: usize) {
        match row {
            Row::User(row) => self.put_user(row),
            Row::Qualification(row) => drop(self.qualifications.insert(row.qualification_id, row)),
            Row::Unit(row) => drop(self.units.insert(row.unit_id, row)),
            Row::Team(row) => drop(self.teams.insert(row.team_id, row)),
            Row::Member(row) => drop(self.members.insert((row.team_id, row.user_id), row)),
            Row::MemberRemoved { team_id, user_id } => drop(self.members.remove(&(team_id, user_id))),
            Row::Enrolment(row) => drop(self.enrolments.insert((row.qualification_id, row.user_id), row)),
            Row::EnrolmentRemoved {
                qualification_id,
                user_id,
            } => {
                self.enrolments.remove(&(qualification_id, user_id));
            }
            Row::Preference(row) => drop(self.preferences.insert(row.user_id, row)),
            Row::Pin(row) => drop(self.pins.insert(row.user_id, row)),
            Row::Progress(row) => drop(self.progress.insert((row.user_id, row.unit_id), row)),
            Row::Achievement(row) => {
                let key = (row.user_id, row.achievement_type.clone(), row.tier.clone());
                self.achievements.insert(key, row);
            }
            Row::AchievementRevoked {
                user_id,
                achievement_type,
                tier,
            } => {
                self.achievements.remove(&(user_id, achievement_type, tier));
            }
            Row::Resource(row) => {
                let key = (row.contributor_id, row.reference_id);
                let none = ResourceRecord::none(key.0, key.1);
                self.resources.entry(key).or_insert(none).add(&row);
            }
            Row::QuizTime(row) => *self.quiz_times.entry((row.reference_id, row.bucket_ms)).or_default() += row.n,
            Row::Result(row) => drop(self.results.insert((row.user_id, row.reference_id), row)),
            Row::ResultRemoved { user_id, reference_id } => drop(self.results.remove(&(user_id, reference_id))),
            Row::Points { event_index, points } => drop(self.points.insert(event_id(first + event_index), points)),
            Row::PointPart {
                event_index,
                part,
                record,
            } => drop(self.parts.insert((event_id(first + event_index), part), record)),
            Row::TeamAward(row) => drop(
                self.awards
                    .insert((row.team_id, row.version), (row.reference_id, false)),
            ),
            Row::TeamAwardSettled { team_id, version } => {
                if let Some((_, settled)) = self.awards.get_mut(&(team_id, version)) {
                    *settled = true;
                }
            }
            Row::Token(row) => drop(self.tokens.insert(row.token_id, row)),
            Row::Erased { user_id, erased_at } => self.erase(user_id, erased_at),
            Row::Audit(record) => self.add_audit(record),
            Row::Announcement(record) => self.add_announcement(record),
            Row::AnnouncementRemoved { announcement_id } => {
                if let Some(announcement) = self.announcements.get_mut(&announcement_id) {
                    *announcement = None;
                }
            }
            Row::Setting { name, value } => drop(self.settings.insert(name, value)),
        }
    }

    fn put_user(&mut self, row: UserRecord) {
        let erased_at = self.users.get(&row.user_id).and_then(|user| user.erased_at);
        self.users.insert(row.user_id, UserRecord { erased_at, ..row });
    }

    fn erase(&mut self, user_id: UserId, erased_at: TimeMs) {
        let user = self.users.entry(user_id).or_insert_with(|| UserRecord {
            user_id,
            name: String::new(),
            alias: None,
            role: UserRole::Student,
            created_at: erased_at,
            archived_at: None,
            erased_at: None,
        });
        user.name.clear();
        user.alias = None;
        user.archived_at.get_or_insert(erased_at);
        user.erased_at.get_or_insert(erased_at);
        self.members.retain(|(_, member), _| *member != user_id);
        self.enrolments.retain(|(_, learner), _| *learner != user_id);
        self.preferences.remove(&user_id);
        self.pins.remove(&user_id);
        for team in self.teams.values_mut() {
            team.mentor_id = team.mentor_id.filter(|mentor| *mentor != user_id);
        }
        self.tokens.retain(|_, token| token.user_id != Some(user_id));
        let stream = StreamId::learner(user_id);
        for event in self.events.iter_mut().filter(|event| event.stream == stream) {
            event.note = None;
        }
        self.keys.retain(|_, key| key.about != Some(user_id));
        for announcement in self.announcements.values_mut().flatten() {
            announcement.user_id = announcement.user_id.filter(|author| *author != user_id);
        }
    }

    fn add_announcement(&mut self, record: AnnouncementRecord) {
        let id = record.announcement_id;
        self.announcements.insert(id, Some(record));
        let is_kept = |other: &AnnouncementId| other.get() + ANNOUNCEMENTS_KEPT > id.get();
        self.announcements.retain(|other, _| is_kept(other));
    }

    fn add_audit(&mut self, record: AuditRecord) {
        self.audit.push(AuditEntry {
            audit_id: AuditId::new(self.audit.len() as u64 + 1).unwrap_or(AuditId::MAX),
            at: record.at,
            by: record.by,
            act: record.act.to_owned(),
            subject: record.subject.map(|subject| (subject.kind.to_owned(), subject.id)),
            detail: record.detail,
        });
    }

    pub(super) fn save_snapshots(&mut self, snapshots: Vec<SnapshotRecord>) {
        for snapshot in snapshots {
            let newer = |old: &SnapshotRecord| old.version > snapshot.version;
            if !self.snapshots.get(&snapshot.stream).is_some_and(newer) {
                self.snapshots.insert(snapshot.stream, snapshot);
            }
        }
    }

    pub(super) fn save_activity(&mut self, blocks: Vec<ActivityBlock>) {
        let blocks = blocks.into_iter().map(|block| (block.last_event_id, block));
        self.activity.extend(blocks);
    }

    pub(super) fn clear_activity(&mut self) {
        self.activity.clear();
    }

    pub(super) fn purge_keys(&mut self, before: TimeMs, limit: usize) -> usize {
        let old = self.keys.values().filter(|key| key.created_at < before);
        let mut old: Vec<_> = old.map(|key| (key.created_at, key.hash)).collect();
        old.sort_unstable();
        old.truncate(limit);
        old.iter().for_each(|(_, hash)| drop(self.keys.remove(hash)));
        old.len()
    }
}

fn is_kept(outcome: &AppendOutcome) -> bool {
    matches!(outcome, AppendOutcome::Kept { .. })
}

fn event_id(place: usize) -> EventId {
    // A journal in memory ends long before the largest id.
    EventId::new(place as u64 + 1).unwrap_or(EventId::MAX)
}
