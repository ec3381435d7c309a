//! The one door to what is kept: the [`Store`] trait, and its errors sorted into retry, refuse and fatal.

use crate::backup::{BackupMade, BackupWish};
use crate::ids::{AnnouncementId, EventId, QualificationId, TimeMs, UserId, Version};
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementFilter, AnnouncementRecord, Append, AppendOutcome, AuditEntry,
    AuditFilter, CompletedUnit, EvidenceSums, KeyHash, KeyRecord, LearnerHead, PinRecord, ProgressRecord,
    QualificationStanding, ResultRecord, RosterRecords, SnapshotRecord, Standings, StandingsOf, StoredEvent, StreamId,
    TeamAwardRecord, TimeRange, TokenRecord,
};
use async_trait::async_trait;
use std::ops::Range;
use std::path::PathBuf;

/// Why a store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing of this batch was kept, and the next one may succeed: busy, disk full, connection lost.
    #[error("the store is unavailable: {cause}")]
    Unavailable {
        /// For the log only; never shown to clients.
        cause: String,
    },
    /// The batch may or may not have been kept (the answer to the commit was lost, or the disk failed while syncing).
    /// Callers reload before they go on.
    #[error("the outcome of the batch is unknown: {cause}")]
    Unknown {
        /// For the log only.
        cause: String,
    },
    /// The store cannot go on: the node stops in order.
    #[error("the store has failed: {cause}")]
    Fatal {
        /// For the log only.
        cause: String,
    },
    /// What is stored cannot be read as what it should be.
    #[error("damaged record: {cause}")]
    Damaged {
        /// For the log only.
        cause: String,
    },
    /// The data was written by a newer version of Homeroom.
    #[error("the data has schema version {found}, this program knows up to {known}; use a newer homeroom")]
    NewerSchema {
        /// The version found.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// Another node holds the data directory.
    #[error("another node is running on {directory}; stop it, or choose another directory with --data")]
    InUse {
        /// The directory.
        directory: String,
    },
}

/// What is kept, whichever engine keeps it. Every implementation passes the same contract suite (`schema::contract`).
///
/// Writes go through [`Store::commit`] alone: one call is one transaction, durable when it returns. Calls of `commit` are
/// made one after another by one journal; reads may run beside them and see only whole transactions.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Keeps a batch in one transaction and returns one outcome for each append, in order.
    ///
    /// For each append its key is looked at first, then its stream's version. An append whose key is taken or that conflicts
    /// is left out whole, and after a conflict so is the rest of that stream's appends in the batch, since they were decided
    /// on top of it; the others are kept. So is what comes at a higher version behind events whose key was taken.
    ///
    /// # Errors
    /// Nothing is kept on any error but [`StoreError::Unknown`]. [`StoreError::Damaged`] means that the batch itself is
    /// wrong (a head of somebody else, a row that names nobody): sending it again fails again.
    async fn commit(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, StoreError>;

    /// Stores snapshots: a cache, so losing them is harmless; not part of any batch.
    ///
    /// # Errors
    /// Any; callers log and go on.
    async fn save_snapshots(&self, snapshots: Vec<SnapshotRecord>) -> Result<(), StoreError>;

    /// Removes idempotency keys made before `before`; at most `limit` of them. Returns how many.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn purge_keys(&self, before: TimeMs, limit: usize) -> Result<usize, StoreError>;

    /// The roster and catalogue, archived rows included.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn load_roster(&self) -> Result<RosterRecords, StoreError>;

    /// The heads of all learners who have events.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn load_heads(&self) -> Result<Vec<LearnerHead>, StoreError>;

    /// All tokens that are neither revoked nor ended before `now`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn load_tokens(&self, now: TimeMs) -> Result<Vec<TokenRecord>, StoreError>;

    /// All tokens of one person, revoked and ended ones too, by id.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn tokens_of(&self, user_id: UserId) -> Result<Vec<TokenRecord>, StoreError>;

    /// The latest snapshot of a stream.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn load_snapshot(&self, stream: StreamId) -> Result<Option<SnapshotRecord>, StoreError>;

    /// Events of a stream after `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn read_stream(&self, stream: StreamId, after: Version, limit: usize)
    -> Result<Vec<StoredEvent>, StoreError>;

    /// Events of a stream with one of `types`, before `before` (none: from the end), newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Version>,
        types: &'static [&'static str],
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// One event by its place in the journal.
    ///
    /// # Errors
    /// When the store is unavailable or the row is damaged.
    async fn read_event(&self, event_id: EventId) -> Result<Option<StoredEvent>, StoreError>;

    /// Events of all streams after `after` in the order of the journal, at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn read_journal(&self, after: Option<EventId>, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// Points inside one qualification, one row a learner who has entries with points there (refusals alone make no row),
    /// in no order.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn qualification_standings(
        &self,
        qualification_id: QualificationId,
    ) -> Result<Vec<QualificationStanding>, StoreError>;

    /// Sums of the ledger over a range of moments, and the place in the journal that they are of.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn standings(&self, of: StandingsOf, range: TimeRange) -> Result<Standings, StoreError>;
    /// The points of manual awards that this person gave from `since` on, reversed ones included.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn manual_points(&self, granted_by: UserId, since: TimeMs) -> Result<u64, StoreError>;

    /// Completed units of these learners, in no order.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn completed_units(&self, user_ids: Vec<UserId>) -> Result<Vec<CompletedUnit>, StoreError>;

    /// What evidence comes to: all resources and times of quizzes, of one moment.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn evidence_sums(&self) -> Result<EvidenceSums, StoreError>;

    /// Results of scored quizzes of these learners, each learner's by reference.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn results(&self, user_ids: Vec<UserId>) -> Result<Vec<ResultRecord>, StoreError>;

    /// The progress rows of one learner (the projection), by unit id.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn progress_rows(&self, user_id: UserId) -> Result<Vec<ProgressRecord>, StoreError>;

    /// The achievement rows of one learner (the projection), by type and tier.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn achievement_rows(&self, user_id: UserId) -> Result<Vec<AchievementRecord>, StoreError>;

    /// Team achievements whose members' awards are not all durable, oldest first.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn unsettled_team_awards(&self) -> Result<Vec<TeamAwardRecord>, StoreError>;

    /// A used idempotency key.
    ///
    /// # Errors
    /// When the store is unavailable or the row is damaged.
    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, StoreError>;

    /// Entries of the audit log, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditEntry>, StoreError>;

    /// Announcements that were not taken back, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn announcements(
        &self,
        filter: AnnouncementFilter,
        limit: usize,
    ) -> Result<Vec<AnnouncementRecord>, StoreError>;

    /// The largest id that an announcement has had, also of one taken back.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn last_announcement(&self) -> Result<Option<AnnouncementId>, StoreError>;

    /// Stores blocks of facts, each in place of the one with the same last event: all of them or none. Not part of any
    /// batch: they can be computed from the journal again.
    ///
    /// # Errors
    /// When the store is unavailable; nothing is kept then.
    async fn save_activity(&self, blocks: Vec<ActivityBlock>) -> Result<(), StoreError>;

    /// Removes all blocks of facts.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn clear_activity(&self) -> Result<(), StoreError>;

    /// The last event of the last block.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn activity_head(&self) -> Result<Option<EventId>, StoreError>;

    /// Blocks whose last event comes after `after` and which may hold facts that happened in `range` (its end is not part of
    /// it), in the order of the journal, at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable or a row is damaged.
    async fn activity_blocks(
        &self,
        range: Range<TimeMs>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<ActivityBlock>, StoreError>;

    /// The PIN of a person, if they have one.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn pin(&self, user_id: UserId) -> Result<Option<PinRecord>, StoreError>;

    /// A setting of the node.
    ///
    /// # Errors
    /// When the store is unavailable.
    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Copies everything, of one moment, into the file `into`, while reads and writes go on. The file is there whole, with
    /// its checksum beside it (`into` with `.sha256`), or not at all. One at a time; the caller sees to that.
    ///
    /// # Errors
    /// When it cannot be made, or this store makes none; nothing else is the worse for it.
    async fn backup(&self, into: PathBuf, wish: BackupWish) -> Result<BackupMade, StoreError>;

    /// Whether the writer can write now (for readiness).
    ///
    /// # Errors
    /// When it cannot.
    async fn check(&self) -> Result<(), StoreError>;

    /// Finishes what is queued, checkpoints and closes. Later calls fail.
    ///
    /// # Errors
    /// When closing fails; everything committed is safe all the same.
    async fn close(&self) -> Result<(), StoreError>;
}
