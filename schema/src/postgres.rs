//! The store on a Postgres-compatible database: one connection that writes, a few that read. Nothing here depends on
//! advisory locks, notifications, triggers, enum types or the order of sequences, so that relatives can serve too.

/// Reads with one of the connections that read.
macro_rules! read {
    ($store:expr, $module:ident :: $function:ident $(, $argument:expr)*) => {{
        let mut tries = crate::postgres::connect::Tries::default();
        loop {
            let mut connection = $store.connections.reading().await?;
            match $module::$function(&mut connection $(, $argument)*).await {
                Ok(value) => break Ok(value),
                Err(trouble) => tries.again(connection, &trouble)?,
            }
        }
    }};
}

mod bulk;
mod connect;
mod errors;
mod journal;
mod migrate;
mod read;
mod rows;
mod transfer;
mod types;

pub use connect::PostgresOptions;

use crate::backup::{BackupMade, BackupWish};
use crate::ids::{AnnouncementId, EventId, QualificationId, TimeMs, UserId, Version};
use crate::migrations::POSTGRES;
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementFilter, AnnouncementRecord, Append, AppendOutcome, AuditEntry,
    AuditFilter, CompletedUnit, EvidenceSums, KeyHash, KeyRecord, LearnerHead, PinRecord, ProgressRecord,
    QualificationStanding, ResultRecord, RosterRecords, SnapshotRecord, Standings, StandingsOf, StoredEvent, StreamId,
    TeamAwardRecord, TimeRange, TokenRecord,
};
use crate::store::{Store, StoreError};
use async_trait::async_trait;
use connect::Connections;
use journal::Journal;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The store on a Postgres-compatible database. Several may share one; whoever is second to write to a stream is told of a
/// conflict. Dropping it without [`Store::close`] loses nothing.
#[derive(Debug)]
pub struct PostgresStore {
    connections: Arc<Connections>,
    journal: Journal,
}

impl PostgresStore {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server cannot be reached (now; it may be later), [`StoreError::NewerSchema`] when
    /// the database belongs to a newer program, [`StoreError::Fatal`] with one line for people when the URL, the password,
    /// the rights or the certificate cannot be used, or the database belongs to another program. Nothing is changed then.
    pub async fn connect(options: PostgresOptions) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::new(&options)?);
        let mut connection = connections
            .writing()
            .await
            .map_err(|trouble| connect::for_people(&trouble))?;
        migrate::run(&mut connection, POSTGRES).await?;
        drop(connection);
        let journal = Journal::new(Arc::clone(&connections));
        journal.open().await?;
        Ok(Self { connections, journal })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, StoreError> {
        crate::batch::check(&batch)?;
        self.journal.commit(batch).await
    }

    async fn save_snapshots(&self, snapshots: Vec<SnapshotRecord>) -> Result<(), StoreError> {
        self.journal.save_snapshots(snapshots).await
    }

    async fn purge_keys(&self, before: TimeMs, limit: usize) -> Result<usize, StoreError> {
        self.journal.purge_keys(before, limit).await
    }

    async fn load_roster(&self) -> Result<RosterRecords, StoreError> {
        read!(self, read::roster)
    }

    async fn load_heads(&self) -> Result<Vec<LearnerHead>, StoreError> {
        read!(self, read::heads)
    }

    async fn load_tokens(&self, now: TimeMs) -> Result<Vec<TokenRecord>, StoreError> {
        read!(self, read::tokens, now)
    }

    async fn tokens_of(&self, user_id: UserId) -> Result<Vec<TokenRecord>, StoreError> {
        read!(self, read::tokens_of, user_id)
    }

    async fn load_snapshot(&self, stream: StreamId) -> Result<Option<SnapshotRecord>, StoreError> {
        read!(self, read::snapshot, stream)
    }

    async fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        read!(self, read::stream, stream, after, limit)
    }

    async fn read_stream_back(
        &self,
        stream: StreamId,
        before: Option<Version>,
        types: &'static [&'static str],
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        read!(self, read::stream_back, stream, before, types, limit)
    }

    async fn read_event(&self, event_id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        read!(self, read::event, event_id)
    }

    async fn read_journal(&self, after: Option<EventId>, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        read!(self, read::journal, after, limit)
    }

    async fn qualification_standings(
        &self,
        qualification_id: QualificationId,
    ) -> Result<Vec<QualificationStanding>, StoreError> {
        read!(self, read::qualification_standings, qualification_id)
    }

    async fn standings(&self, of: StandingsOf, range: TimeRange) -> Result<Standings, StoreError> {
        read!(self, read::standings, of, range)
    }

    async fn manual_points(&self, granted_by: UserId, since: TimeMs) -> Result<u64, StoreError> {
        read!(self, read::manual_points, granted_by, since)
    }

    async fn completed_units(&self, user_ids: Vec<UserId>) -> Result<Vec<CompletedUnit>, StoreError> {
        read!(self, read::completed_units, &user_ids)
    }

    async fn evidence_sums(&self) -> Result<EvidenceSums, StoreError> {
        read!(self, read::evidence_sums)
    }

    async fn results(&self, user_ids: Vec<UserId>) -> Result<Vec<ResultRecord>, StoreError> {
        read!(self, read::results, &user_ids)
    }

    async fn progress_rows(&self, user_id: UserId) -> Result<Vec<ProgressRecord>, StoreError> {
        read!(self, read::progress_rows, user_id)
    }

    async fn achievement_rows(&self, user_id: UserId) -> Result<Vec<AchievementRecord>, StoreError> {
        read!(self, read::achievement_rows, user_id)
    }

    async fn unsettled_team_awards(&self) -> Result<Vec<TeamAwardRecord>, StoreError> {
        read!(self, read::unsettled_team_awards)
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        read!(self, read::key, hash)
    }

    async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        read!(self, read::audit, &filter, limit)
    }

    async fn announcements(
        &self,
        filter: AnnouncementFilter,
        limit: usize,
    ) -> Result<Vec<AnnouncementRecord>, StoreError> {
        read!(self, read::announcements, &filter, limit)
    }

    async fn last_announcement(&self) -> Result<Option<AnnouncementId>, StoreError> {
        read!(self, read::last_announcement)
    }

    async fn save_activity(&self, blocks: Vec<ActivityBlock>) -> Result<(), StoreError> {
        self.journal.save_activity(blocks).await
    }

    async fn clear_activity(&self) -> Result<(), StoreError> {
        self.journal.clear_activity().await
    }

    async fn activity_head(&self) -> Result<Option<EventId>, StoreError> {
        read!(self, read::activity_head)
    }

    async fn activity_blocks(
        &self,
        range: Range<TimeMs>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<ActivityBlock>, StoreError> {
        read!(self, read::activity_blocks, &range, after, limit)
    }

    async fn pin(&self, user_id: UserId) -> Result<Option<PinRecord>, StoreError> {
        read!(self, read::pin, user_id)
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        read!(self, read::setting, name)
    }

    async fn backup(&self, _into: PathBuf, _wish: BackupWish) -> Result<BackupMade, StoreError> {
        Err(StoreError::Unavailable {
            cause: "a database server is backed up with its own tools, such as pg_dump".to_owned(),
        })
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.journal.check().await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.journal.close().await;
        self.connections.close();
        Ok(())
    }
}
