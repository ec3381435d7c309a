//! Announcing: durable first, then told. Whoever hangs up meanwhile has announced all the same.

use super::Engine;
use crate::announcements::Audience;
use crate::error::EngineError;
use homeroom_schema::records::{AnnouncementRecord, KeyRecord, Row};
use homeroom_schema::{AnnouncementId, UserId};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What is to be announced, as the edge has validated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnnouncement {
    /// To whom.
    pub audience: Audience,
    /// Who says so; nobody where a token without a person does.
    pub author: Option<UserId>,
    /// 1 to 1,000 characters.
    pub text: String,
}

impl Engine {
    /// Keeps an announcement, with the rows and the key's record that `with` makes for it, and tells whoever listens.
    ///
    /// # Errors
    /// Unknown team; the key is taken; the store is unavailable; overloaded; timed out: it may be kept then, and is told
    /// with the next one.
    pub async fn announce(
        &self,
        new: NewAnnouncement,
        with: impl FnOnce(&AnnouncementRecord) -> (Vec<Row>, Option<KeyRecord>) + Send + 'static,
    ) -> Result<AnnouncementRecord, EngineError> {
        if let Some(team_id) = new.audience {
            self.inner.tree.hub.check_team(team_id)?;
        }
        let engine = self.clone();
        self.apart(async move {
            let announcements = engine.inner.tree.hub.announcements();
            let _alone = announcements.changing.lock().await;
            let record = AnnouncementRecord {
                announcement_id: announcements.next_id()?,
                team_id: new.audience,
                user_id: new.author,
                text: new.text,
                at: engine.inner.tree.context.clock.now(),
            };
            let (mut rows, key) = with(&record);
            rows.push(Row::Announcement(record.clone()));
            match engine.keep_rows(rows, key).await {
                Ok(()) => announcements.put(record.clone()),
                Err(EngineError::KeyTaken) => return Err(EngineError::KeyTaken),
                Err(error) => {
                    // What became of it is only known to the store.
                    let looked = announcements.load(engine.store()).await;
                    looked.unwrap_or_else(|cause| tracing::warn!(%cause, "announcements could not be read"));
                    return Err(error);
                }
            }
            Ok(record)
        })
        .await
    }

    /// Takes an announcement back, with these rows. Safe to repeat.
    ///
    /// # Errors
    /// The store is unavailable; overloaded; timed out.
    pub async fn unannounce(&self, announcement_id: AnnouncementId, mut rows: Vec<Row>) -> Result<(), EngineError> {
        rows.push(Row::AnnouncementRemoved { announcement_id });
        let engine = self.clone();
        self.apart(async move {
            let announcements = engine.inner.tree.hub.announcements();
            let _alone = announcements.changing.lock().await;
            engine.keep_rows(rows, None).await?;
            announcements.remove(announcement_id);
            Ok(())
        })
        .await
    }

    /// An announcement that is kept.
    #[must_use]
    pub fn announcement(&self, announcement_id: AnnouncementId) -> Option<Arc<AnnouncementRecord>> {
        self.inner.tree.hub.announcements().get(announcement_id)
    }

    /// Announcements before an id that `is_wanted`, newest first, at most `limit`.
    #[must_use]
    pub fn announcements(
        &self,
        before: Option<AnnouncementId>,
        limit: usize,
        is_wanted: impl Fn(&AnnouncementRecord) -> bool,
    ) -> Vec<Arc<AnnouncementRecord>> {
        self.inner.tree.hub.announcements().before(before, limit, is_wanted)
    }

    /// Runs to its end, whether or not anybody waits for it.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (done, outcome) = oneshot::channel();
        self.inner.tree.tasks.spawn(async move {
            // Whoever hung up is not told.
            let _ = done.send(work.await);
        });
        // Without an answer the engine has stopped, or the task has panicked.
        outcome.await.unwrap_or(Err(EngineError::Overloaded))
    }
}
