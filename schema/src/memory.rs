//! A store in memory that fails on request: for the tests of everything above the store. It keeps nothing on disk.

mod faults;
mod kept;
#[cfg(test)]
mod tests;

pub use faults::LostAnswer;

use crate::backup::{BackupMade, BackupWish};
use crate::ids::{AnnouncementId, EventId, QualificationId, TimeMs, UserId, Version};
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementFilter, AnnouncementRecord, Append, AppendOutcome, AuditEntry,
    AuditFilter, CompletedUnit, EvidenceSums, KeyHash, KeyRecord, LearnerHead, PinRecord, ProgressRecord,
    QualificationStanding, ResultRecord, RosterRecords, SnapshotRecord, Standings, StandingsOf, StoredEvent, StreamId,
    TeamAwardRecord, TimeRange, TokenRecord,
};
use crate::store::{Store, StoreError};
use async_trait::async_trait;
use faults::{Faults, Verdict};
use kept::Kept;
use parking_lot::Mutex;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A store in memory. Clones share the same data and the same faults; [`MemoryStore::fork`] starts anew from what is kept.
///
/// ```
/// # use homeroom_schema::{MemoryStore, Store, StoreError};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = MemoryStore::new();
/// store.fail_commits(1);
/// assert!(matches!(store.commit(vec![]).await, Err(StoreError::Unavailable { .. })));
/// assert!(store.commit(vec![]).await.is_ok());
/// assert_eq!(store.faults_happened(), 1);
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
    faults: Arc<Faults>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a restart finds: the committed data and none of the faults. The two have nothing in common afterwards.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            kept: Arc::new(Mutex::new(self.kept.lock().clone())),
            faults: Arc::default(),
        }
    }

    /// The next `commits` commits fail with [`StoreError::Unavailable`] and keep nothing.
    pub fn fail_commits(&self, commits: u32) {
        self.faults.fail_commits(commits);
    }

    /// The next commit fails with [`StoreError::Unknown`]; `answer` says whether it was kept all the same.
    pub fn lose_next_answer(&self, answer: LostAnswer) {
        self.faults.lose_next_answer(answer);
    }

    /// The next append to `stream` is refused as a conflict, as if another node had been faster and then had taken it back.
    pub fn conflict_next(&self, stream: StreamId) {
        self.faults.conflict_next(stream);
    }

    /// The next `reads` reads fail with [`StoreError::Unavailable`].
    pub fn fail_reads(&self, reads: u32) {
        self.faults.fail_reads(reads);
    }

    /// From now on everything fails with [`StoreError::Fatal`].
    pub fn fail_for_good(&self) {
        self.faults.fail_for_good();
    }

    /// From now on commits wait, before they keep anything, until [`MemoryStore::release_commits`].
    pub fn hold_commits(&self) {
        self.faults.hold();
    }

    /// Lets all held commits go on, and later ones through.
    pub fn release_commits(&self) {
        self.faults.release();
    }

    /// Waits until `commits` commits are held.
    pub async fn until_held(&self, commits: usize) {
        self.faults.until_held(commits).await;
    }

    /// How many faults really happened: a test that meant to meet one and reads zero has proved nothing.
    #[must_use]
    pub fn faults_happened(&self) -> u64 {
        self.faults.happened()
    }

    /// How many batches were kept.
    #[must_use]
    pub fn batches_kept(&self) -> u64 {
        self.kept.lock().batches()
    }

    /// How far a stream is kept, whatever faults were asked for: what a test may believe when nobody else can be.
    #[must_use]
    pub fn version(&self, stream: StreamId) -> Version {
        self.kept.lock().version(stream)
    }

    fn read<T>(&self, read: impl FnOnce(&Kept) -> T) -> Result<T, StoreError> {
        self.faults.on_read()?;
        Ok(read(&self.kept.lock()))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Kept) -> T) -> Result<T, StoreError> {
        self.faults.on_other_write()?;
        Ok(write(&mut self.kept.lock()))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, StoreError> {
        crate::batch::check(&batch)?;
        let verdict = self.faults.on_commit().await?;
        let lost = || StoreError::Unknown {
            cause: "a fault of the test".to_owned(),
        };
        match verdict {
            Verdict::Keep => self.kept.lock().commit(batch, &self.faults),
            Verdict::LoseAnswer(LostAnswer::Kept) => {
                self.kept.lock().commit(batch, &self.faults)?;
                Err(lost())
            }
            Verdict::LoseAnswer(LostAnswer::Lost) => Err(lost()),
        }
    }

    async fn save_snapshots(&self, snapshots: Vec<SnapshotRecord>) -> Result<(), StoreError> {
        self.write(|kept| kept.save_snapshots(snapshots))
    }

    async fn purge_keys(&self, before: TimeMs, limit: usize) -> Result<usize, StoreError> {
        self.write(|kept| kept.purge_keys(before, limit))
    }

    async fn load_roster(&self) -> Result<RosterRecords, StoreError> {
        self.read(Kept::roster)
    }

    async fn load_heads(&self) -> Result<Vec<LearnerHead>, StoreError> {
        self.read(Kept::heads)
    }

    async fn load_tokens(&self, now: TimeMs) -> Result<Vec<TokenRecord>, StoreError> {
        self.read(|kept| kept.tokens(now))
    }

    async fn tokens_of(&self, user_id: UserId) -> Result<Vec<TokenRecord>, StoreError> {
        self.read(|kept| kept.tokens_of(user_id))
    }

    async fn load_snapshot(&self, stream: StreamId) -> Result<Option<SnapshotRecord>, StoreError> {
        self.read(|kept| kept.snapshot(stream))
    }

    async fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(|kept| kept.stream(stream, after, limit))
    }

    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Version>,
        types: &'static [&'static str],
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(|kept| kept.stream_back(stream, before, types, limit))
    }

    async fn read_event(&self, event_id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        self.read(|kept| kept.event(event_id))
    }

    async fn read_journal(&self, after: Option<EventId>, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(|kept| kept.journal(after, limit))
    }

    async fn qualification_standings(
        &self,
        qualification_id: QualificationId,
    ) -> Result<Vec<QualificationStanding>, StoreError> {
        self.read(|kept| kept.qualification_standings(qualification_id))
    }

    async fn standings(&self, of: StandingsOf, range: TimeRange) -> Result<Standings, StoreError> {
        self.read(|kept| kept.standings(of, range))
    }

    async fn manual_points(&self, granted_by: UserId, since: TimeMs) -> Result<u64, StoreError> {
        self.read(|kept| kept.manual_points(granted_by, since))
    }

    async fn completed_units(&self, user_ids: Vec<UserId>) -> Result<Vec<CompletedUnit>, StoreError> {
        self.read(|kept| kept.completed_units(&user_ids))
    }

    async fn evidence_sums(&self) -> Result<EvidenceSums, StoreError> {
        self.read(Kept::evidence_sums)
    }

    async fn results(&self, user_ids: Vec<UserId>) -> Result<Vec<ResultRecord>, StoreError> {
        self.read(|kept| kept.results(&user_ids))
    }

    async fn progress_rows(&self, user_id: UserId) -> Result<Vec<ProgressRecord>, StoreError> {
        self.read(|kept| kept.progress_rows(user_id))
    }

    async fn achievement_rows(&self, user_id: UserId) -> Result<Vec<AchievementRecord>, StoreError> {
        self.read(|kept| kept.achievement_rows(user_id))
    }

    async fn unsettled_team_awards(&self) -> Result<Vec<TeamAwardRecord>, StoreError> {
        self.read(Kept::unsettled_team_awards)
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        self.read(|kept| kept.key(hash))
    }

    async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|kept| kept.audit(&filter, limit))
    }

    async fn announcements(
        &self,
        filter: AnnouncementFilter,
        limit: usize,
    ) -> Result<Vec<AnnouncementRecord>, StoreError> {
        self.read(|kept| kept.announcements(&filter, limit))
    }

    async fn last_announcement(&self) -> Result<Option<AnnouncementId>, StoreError> {
        self.read(Kept::last_announcement)
    }

    async fn save_activity(&self, blocks: Vec<ActivityBlock>) -> Result<(), StoreError> {
        self.write(|kept| kept.save_activity(blocks))
    }

    async fn clear_activity(&self) -> Result<(), StoreError> {
        self.write(Kept::clear_activity)
    }

    async fn activity_head(&self) -> Result<Option<EventId>, StoreError> {
        self.read(Kept::activity_head)
    }

    async fn activity_blocks(
        &self,
        range: Range<TimeMs>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<ActivityBlock>, StoreError> {
        self.read(|kept| kept.activity_blocks(&range, after, limit))
    }

    async fn pin(&self, user_id: UserId) -> Result<Option<PinRecord>, StoreError> {
        self.read(|kept| kept.pin(user_id))
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|kept| kept.setting(name))
    }

    async fn backup(&self, _into: PathBuf, _wish: BackupWish) -> Result<BackupMade, StoreError> {
        Err(StoreError::Unavailable {
            cause: "a store in memory has nothing to copy to a file".to_owned(),
        })
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(|_| ())
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.faults.close();
        Ok(())
    }
}
