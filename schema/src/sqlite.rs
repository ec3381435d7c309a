//! The SQLite store: one file, one writer thread, a small pool of readers. SQL text lives in `queries` and `migrations`.

mod backup;
mod commit;
mod errors;
mod examine;
mod inspect;
mod log;
mod mark;
mod migrate;
mod open;
mod purge;
mod read;
mod readers;
mod restore;
mod rows;
#[cfg(test)]
mod tests;
mod transfer;
mod writer;

pub use backup::backup_offline;
pub use examine::{Counts, DatabaseFile};
pub use inspect::{Inspection, inspect, is_in_use};
pub use restore::Restore;

use crate::backup::{BackupMade, BackupWish};
use crate::ids::{AnnouncementId, EventId, QualificationId, TimeMs, UserId, Version};
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementFilter, AnnouncementRecord, Append, AppendOutcome, AuditEntry,
    AuditFilter, CarriedHistory, CompletedUnit, EvidenceSums, KeyHash, KeyRecord, LearnerHead, PinRecord,
    ProgressRecord, QualificationStanding, ResultRecord, RosterRecords, SnapshotRecord, Standings, StandingsOf,
    StoredEvent, StreamId, TeamAwardRecord, TimeRange, TokenRecord,
};
use crate::store::{Store, StoreError};
use async_trait::async_trait;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a successful commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Loss of power: every commit waits for the disk.
    #[default]
    Full,
    /// The end of the process (kill -9), not loss of power: the last commits may be missing after it.
    Process,
}

/// Where and how to keep the data.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The data directory; made, for its owner alone, if it is not there.
    pub directory: PathBuf,
    /// What a commit survives.
    pub durability: Durability,
    /// Read connections, 1 to [`READERS_MAX`](crate::limits::READERS_MAX).
    pub readers: u32,
}

/// The SQLite store. Dropping it without [`Store::close`] is a clean crash: nothing is lost, the log stays as it is.
#[derive(Debug)]
pub struct SqliteStore {
    // In the order in which they must go: no connection may outlive the lock.
    writer: writer::Writer,
    readers: readers::Readers,
    copying: backup::Copying,
    file: PathBuf,
    was_changed: bool,
    lock: open::DirectoryLock,
}

impl SqliteStore {
    /// Opens the data directory, and brings its tables up to date. Blocks: a node calls it once, before it serves.
    ///
    /// # Errors
    /// [`StoreError::InUse`] at once when another node has it, [`StoreError::NewerSchema`] (with the file untouched) when it
    /// belongs to a newer program, [`StoreError::Fatal`] when it is damaged or cannot be used.
    pub fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        Self::open_as(options, false)
    }

    /// The same; `is_restore` says that the file is a backup on purpose.
    fn open_as(options: SqliteOptions, is_restore: bool) -> Result<Self, StoreError> {
        let SqliteOptions {
            directory,
            durability,
            readers,
        } = options;
        let lock = open::lock(&directory)?;
        restore::finish(&directory)?;
        let before = mark::Before::read(&directory);
        let was_changed = before.was_changed();
        if was_changed {
            open::check_changed(&directory)?;
        }
        let place = open::Place::new(&directory, durability);
        let opened = place.open_writer()?;
        let mark = before.settle(&opened.connection, was_changed, is_restore)?;
        let readers = readers::Readers::start(place.clone(), readers)?;
        let writer = writer::Writer::start(place, opened, mark)?;
        Ok(Self {
            writer,
            readers,
            copying: backup::Copying::default(),
            file: directory.join(open::DATABASE_FILE),
            was_changed,
            lock,
        })
    }

    /// Whether the file was changed by somebody else since it was closed. Its structure was found sound; whether what it
    /// says agrees with itself is for the caller to find out, before anything is written.
    #[must_use]
    pub fn was_changed(&self) -> bool {
        self.was_changed
    }

    /// Replaces the beginnings of learners' streams, in one transaction. For a store that no node works on: nobody may hold
    /// their states.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn carry(&self, histories: Vec<CarriedHistory>) -> Result<(), StoreError> {
        self.writer.ask(|reply| writer::Job::Carry { histories, reply }).await
    }

    /// Forgets what was derived from single facts and can be derived again, and answers to keys used before a moment.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn forget(&self, keys_before: TimeMs) -> Result<(), StoreError> {
        self.writer
            .ask(|reply| writer::Job::Forget { keys_before, reply })
            .await
    }

    /// Moves the file together and empties its log, so that nothing of what was deleted is left in either.
    ///
    /// # Errors
    /// When there is no room for it, or the store is unavailable.
    pub async fn compact(&self) -> Result<(), StoreError> {
        self.writer.ask(|reply| writer::Job::Compact { reply }).await
    }

    /// The database file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, StoreError> {
        crate::batch::check(&batch)?;
        self.writer.ask(|reply| writer::Job::Commit { batch, reply }).await
    }

    async fn save_snapshots(&self, snapshots: Vec<SnapshotRecord>) -> Result<(), StoreError> {
        self.writer
            .ask(|reply| writer::Job::SaveSnapshots { snapshots, reply })
            .await
    }

    async fn purge_keys(&self, before: TimeMs, limit: usize) -> Result<usize, StoreError> {
        self.writer
            .ask(|reply| writer::Job::PurgeKeys { before, limit, reply })
            .await
    }

    async fn load_roster(&self) -> Result<RosterRecords, StoreError> {
        self.readers.read(read::roster).await
    }

    async fn load_heads(&self) -> Result<Vec<LearnerHead>, StoreError> {
        self.readers.read(read::heads).await
    }

    async fn load_tokens(&self, now: TimeMs) -> Result<Vec<TokenRecord>, StoreError> {
        self.readers.read(move |connection| read::tokens(connection, now)).await
    }

    async fn tokens_of(&self, user_id: UserId) -> Result<Vec<TokenRecord>, StoreError> {
        self.readers
            .read(move |connection| read::tokens_of(connection, user_id))
            .await
    }

    async fn load_snapshot(&self, stream: StreamId) -> Result<Option<SnapshotRecord>, StoreError> {
        self.readers
            .read(move |connection| read::snapshot(connection, stream))
            .await
    }

    async fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.readers
            .read(move |connection| read::stream(connection, stream, after, limit))
            .await
    }

    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Version>,
        types: &'static [&'static str],
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.readers
            .read(move |connection| read::stream_back(connection, stream, before, types, limit))
            .await
    }

    async fn read_event(&self, event_id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        self.readers
            .read(move |connection| read::event(connection, event_id))
            .await
    }

    async fn read_journal(&self, after: Option<EventId>, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.readers
            .read(move |connection| read::journal(connection, after, limit))
            .await
    }

    async fn qualification_standings(
        &self,
        qualification_id: QualificationId,
    ) -> Result<Vec<QualificationStanding>, StoreError> {
        self.readers
            .read(move |connection| read::qualification_standings(connection, qualification_id))
            .await
    }

    async fn standings(&self, of: StandingsOf, range: TimeRange) -> Result<Standings, StoreError> {
        self.readers
            .read(move |connection| read::standings(connection, of, range))
            .await
    }

    async fn manual_points(&self, granted_by: UserId, since: TimeMs) -> Result<u64, StoreError> {
        self.readers
            .read(move |connection| read::manual_points(connection, granted_by, since))
            .await
    }

    async fn completed_units(&self, user_ids: Vec<UserId>) -> Result<Vec<CompletedUnit>, StoreError> {
        self.readers
            .read(move |connection| read::completed_units(connection, &user_ids))
            .await
    }

    async fn evidence_sums(&self) -> Result<EvidenceSums, StoreError> {
        self.readers.read(read::evidence_sums).await
    }

    async fn results(&self, user_ids: Vec<UserId>) -> Result<Vec<ResultRecord>, StoreError> {
        self.readers
            .read(move |connection| read::results(connection, &user_ids))
            .await
    }

    async fn progress_rows(&self, user_id: UserId) -> Result<Vec<ProgressRecord>, StoreError> {
        self.readers
            .read(move |connection| read::progress_rows(connection, user_id))
            .await
    }

    async fn achievement_rows(&self, user_id: UserId) -> Result<Vec<AchievementRecord>, StoreError> {
        self.readers
            .read(move |connection| read::achievement_rows(connection, user_id))
            .await
    }

    async fn unsettled_team_awards(&self) -> Result<Vec<TeamAwardRecord>, StoreError> {
        self.readers.read(read::unsettled_team_awards).await
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        self.readers.read(move |connection| read::key(connection, hash)).await
    }

    async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.readers
            .read(move |connection| read::audit(connection, &filter, limit))
            .await
    }

    async fn announcements(
        &self,
        filter: AnnouncementFilter,
        limit: usize,
    ) -> Result<Vec<AnnouncementRecord>, StoreError> {
        self.readers
            .read(move |connection| read::announcements(connection, &filter, limit))
            .await
    }

    async fn last_announcement(&self) -> Result<Option<AnnouncementId>, StoreError> {
        self.readers.read(read::last_announcement).await
    }

    async fn save_activity(&self, blocks: Vec<ActivityBlock>) -> Result<(), StoreError> {
        self.writer
            .ask(|reply| writer::Job::SaveActivity { blocks, reply })
            .await
    }

    async fn clear_activity(&self) -> Result<(), StoreError> {
        self.writer.ask(|reply| writer::Job::ClearActivity { reply }).await
    }

    async fn activity_head(&self) -> Result<Option<EventId>, StoreError> {
        self.readers.read(read::activity_head).await
    }

    async fn activity_blocks(
        &self,
        range: Range<TimeMs>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<ActivityBlock>, StoreError> {
        self.readers
            .read(move |connection| read::activity_blocks(connection, &range, after, limit))
            .await
    }

    async fn pin(&self, user_id: UserId) -> Result<Option<PinRecord>, StoreError> {
        self.readers
            .read(move |connection| read::pin(connection, user_id))
            .await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.readers
            .read(move |connection| read::setting(connection, &name))
            .await
    }

    async fn backup(&self, into: PathBuf, wish: BackupWish) -> Result<BackupMade, StoreError> {
        self.copying.start(self.file.clone(), into, wish).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.writer.ask(|reply| writer::Job::Check { reply }).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.copying.interrupt();
        // Readers first: a checkpoint that truncates the log waits for every read that is under way.
        self.readers.close().await;
        self.writer.ask(|reply| writer::Job::Close { reply }).await?;
        // Nothing touches the file any more, whoever still holds this store.
        self.lock.release();
        Ok(())
    }
}
