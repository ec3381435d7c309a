//! Reads and subscriptions: durable state alone, with everything acknowledged before the call.

use super::{BoardPart, Engine, Subscription};
use crate::domain::event::{LEDGER_TYPES, UNLOCKED_TYPE};
use crate::domain::presence::PresencePage;
use crate::error::EngineError;
use crate::learners::parse;
use crate::topics::{BoardName, Entry, Inbox, Message, Period, Position, TopicName};
use crate::views::{BoardPage, LearnerView, TeamPerformance};
use homeroom_schema::limits::{ACHIEVEMENTS_MAX, PAGE_MAX, READ_DEADLINE, STREAM_PAGE_MAX};
use homeroom_schema::records::{
    AuditEntry, AuditFilter, KeyHash, KeyRecord, PinRecord, StoredEvent, StreamId, TokenRecord,
};
use homeroom_schema::{Store, StoreError, TeamId, TimeMs, UserId, Version};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Events read at once to find what was kept together: seldom is more than one tier unlocked.
const TOGETHER_PAGE: usize = 4;
/// Achievements that one fact can unlock: all tiers of all.
const UNLOCKS_MAX: usize = ACHIEVEMENTS_MAX * 3;

impl Engine {
    /// A used idempotency key.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, EngineError> {
        self.reading(self.store().find_key(hash)).await
    }

    /// One event of a stream and the achievements unlocked right behind it, to render an answer again. Empty if there is
    /// no such event.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn kept_together(&self, stream: StreamId, version: Version) -> Result<Vec<StoredEvent>, EngineError> {
        let mut kept: Vec<StoredEvent> = Vec::new();
        let mut before = Version(version.0.saturating_sub(1));
        loop {
            let page = self.reading(self.store().read_stream(stream, before, TOGETHER_PAGE));
            let page = page.await?;
            let is_last = page.len() < TOGETHER_PAGE;
            for event in page {
                let belongs = if kept.is_empty() {
                    event.version == version
                } else {
                    event.event_type == UNLOCKED_TYPE
                };
                if !belongs {
                    return Ok(kept);
                }
                before = event.version;
                kept.push(event);
            }
            if is_last || kept.len() > UNLOCKS_MAX {
                return Ok(kept);
            }
        }
    }

    /// A learner's progress and achievements: everything acknowledged before the call, nothing that is not durable.
    /// Archived people have theirs still.
    ///
    /// # Errors
    /// Unknown or erased user; overloaded; timed out.
    pub async fn learner(&self, user_id: UserId) -> Result<Arc<LearnerView>, EngineError> {
        self.ever_known(user_id)?;
        let _permit = self.admit_read()?;
        self.inner.tree.learners.view(user_id).await
    }

    /// Ledger entries before a version (none: from the newest), newest first. Archived people have theirs still.
    ///
    /// # Errors
    /// Unknown or erased user; the store is unavailable.
    pub async fn ledger(
        &self,
        user_id: UserId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, EngineError> {
        self.ever_known(user_id)?;
        let (stream, limit) = (StreamId::learner(user_id), limit.min(PAGE_MAX + 1));
        self.reading(self.store().read_stream_back(stream, before, LEDGER_TYPES, limit))
            .await
    }

    /// A team's performance, with everything acknowledged before the call.
    ///
    /// # Errors
    /// Unknown team; timed out.
    pub async fn team_performance(&self, team_id: TeamId) -> Result<Arc<TeamPerformance>, EngineError> {
        let _permit = self.admit_read()?;
        self.inner.tree.hub.team_performance(team_id).await
    }

    /// A part of a board, with everything acknowledged before the call. Around somebody who is not on it: no rows.
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
        let _permit = self.admit_read()?;
        self.inner.tree.hub.board(board, period, part, limit).await
    }

    /// A part of a board as it was at a moment that has been: by the ledger and the roster's facts of until then; names, and
    /// who is on boards at all, are those of now.
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
        let _permit = self.admit_read()?;
        self.inner.tree.hub.board_at(board, period, at, part, limit).await
    }

    /// Attaches an inbox to a topic under `slot` (the session's own number for it), and says where it starts. With a
    /// position that can be recovered there is no snapshot: the session reads on from there.
    ///
    /// # Errors
    /// Unknown user, team or qualification; overloaded; timed out.
    pub async fn subscribe(
        &self,
        topic: TopicName,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        let _permit = self.admit_read()?;
        let tree = &self.inner.tree;
        match topic {
            TopicName::User(user_id) => {
                self.ever_known(user_id)?;
                tree.learners.subscribe(user_id, position, inbox, slot).await
            }
            TopicName::Team(team_id) => tree.hub.subscribe_team(team_id, position, inbox, slot).await,
            TopicName::Board(board, period) => tree.hub.subscribe_board(board, period, position, inbox, slot).await,
            TopicName::Presence(team_id) => tree.hub.subscribe_presence(team_id, position, inbox, slot).await,
            TopicName::Announcements(audience) => tree.hub.subscribe_announcements(audience, position, inbox, slot),
            TopicName::Honours => Ok(tree.hub.honours().subscribe(position, inbox, slot)),
        }
    }

    /// A part of those who are here in a team, behind `after`, by id.
    ///
    /// # Errors
    /// Unknown team; overloaded; timed out.
    pub async fn presence(
        &self,
        team_id: TeamId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<PresencePage, EngineError> {
        let _permit = self.admit_read()?;
        self.inner.tree.hub.presence(team_id, after, limit).await
    }

    /// Messages of a user topic after `offset` from the journal, at most `limit`: for readers whose place the topic forgot.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn user_topic_page(
        &self,
        user_id: UserId,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Entry>>, EngineError> {
        metrics::counter!("homeroom_catch_up_pages_total").increment(1);
        let (stream, limit) = (StreamId::learner(user_id), limit.min(STREAM_PAGE_MAX));
        let page = self
            .reading(self.store().read_stream(stream, Version(offset), limit))
            .await?;
        let entries = page.into_iter().map(|stored| {
            let (event, meta) = parse(&stored)?;
            let message = Message::Learner {
                user_id,
                event,
                meta,
                recorded_at: stored.recorded_at,
                note: stored.note,
            };
            Ok(Arc::new(Entry::new(stored.version.0, message)))
        });
        let entries: Result<_, StoreError> = entries.collect();
        entries.map_err(|error| self.unavailable(&error))
    }

    /// All events of a learner after a version, oldest first, at most a page of them: for an export.
    ///
    /// # Errors
    /// Unknown or erased user; the store is unavailable.
    pub async fn events_of(&self, user_id: UserId, after: Version) -> Result<Vec<StoredEvent>, EngineError> {
        self.ever_known(user_id)?;
        let stream = StreamId::learner(user_id);
        self.reading(self.store().read_stream(stream, after, STREAM_PAGE_MAX))
            .await
    }

    /// The PIN of a person, if they have one.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn pin(&self, user_id: UserId) -> Result<Option<PinRecord>, EngineError> {
        self.reading(self.store().pin(user_id)).await
    }

    /// All tokens of a person, revoked and ended ones too.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn tokens_of(&self, user_id: UserId) -> Result<Vec<TokenRecord>, EngineError> {
        self.reading(self.store().tokens_of(user_id)).await
    }

    /// Entries of the audit log, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn audit(&self, filter: AuditFilter, limit: usize) -> Result<Vec<AuditEntry>, EngineError> {
        self.reading(self.store().audit(filter, limit.min(PAGE_MAX + 1))).await
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.inner.tree.context.store
    }

    /// A read of the store with its deadline.
    pub(super) async fn reading<T>(
        &self,
        read: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, EngineError> {
        let read = tokio::time::timeout(READ_DEADLINE, read).await;
        read.map_err(|_| EngineError::TimedOut)?
            .map_err(|error| self.unavailable(&error))
    }

    fn admit_read(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        self.refuse_when_stopping()?;
        let permit = Arc::clone(&self.inner.reads).try_acquire_owned();
        permit.map_err(|_| EngineError::Overloaded)
    }

    fn ever_known(&self, user_id: UserId) -> Result<(), EngineError> {
        let roster = self.roster().read();
        roster.refuse_erased(user_id)?;
        let is_known = roster.users.contains_key(&user_id);
        is_known.then_some(()).ok_or(EngineError::UnknownUser(user_id))
    }
}
