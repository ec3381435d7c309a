//! Who is here, what was announced and who is honoured, as readers and listeners find it at the hub.

use super::{Hub, subscription};
use crate::announcements::{Announcements, Audience};
use crate::domain::presence::PresencePage;
use crate::engine::Subscription;
use crate::error::EngineError;
use crate::honours::Honours;
use crate::presence::{PresenceHandle, PresenceMsg};
use crate::sessions::Attendance;
use crate::topics::{Inbox, Position};
use homeroom_schema::{StoreError, TeamId, UserId};
use std::sync::Arc;

impl Hub {
    /// Takes in who attends, once: presence rests on it.
    pub fn watch(&self, attendance: Arc<Attendance>) {
        let hub = Arc::downgrade(&self.inner);
        attendance.connect(move |user_id| {
            if let Some(inner) = hub.upgrade() {
                Self { inner }.attended(user_id);
            }
        });
        let first = self.inner.attendance.set(attendance).is_ok();
        debug_assert!(first, "a hub has one attendance");
    }

    /// Reads the announcements that are kept.
    ///
    /// # Errors
    /// When they cannot be read; then nothing was changed.
    pub async fn load_announcements(&self) -> Result<(), StoreError> {
        self.inner.announcements.load(&**self.store()).await
    }

    /// A part of those who are here in a team, with everything told to the hub before the call, except who left within the
    /// grace time.
    ///
    /// # Errors
    /// Unknown team; overloaded; timed out.
    pub async fn presence(
        &self,
        team_id: TeamId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<PresencePage, EngineError> {
        let handle = self.wake_presence(team_id)?;
        handle.read().await?;
        let presence = Arc::clone(&handle.shared.read());
        Ok(presence.page(after, limit))
    }

    /// Attaches an inbox to the topic of a team's presence.
    ///
    /// # Errors
    /// Unknown team; overloaded; timed out.
    pub async fn subscribe_presence(
        &self,
        team_id: TeamId,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        let handle = self.wake_presence(team_id)?;
        let start = handle
            .subscribe(inbox, slot, |reply| PresenceMsg::Subscribe {
                position: position.clone(),
                reply,
            })
            .await?;
        Ok(subscription(&handle.topic, start))
    }

    /// Attaches an inbox to the topic of announcements to an audience.
    ///
    /// # Errors
    /// Unknown team; overloaded.
    pub fn subscribe_announcements(
        &self,
        audience: Audience,
        position: Option<Position>,
        inbox: &Arc<Inbox>,
        slot: u32,
    ) -> Result<Subscription, EngineError> {
        if let Some(team_id) = audience {
            self.check_team(team_id)?;
        }
        self.inner.announcements.subscribe(audience, position, inbox, slot)
    }

    /// Who attends; nobody before it is known.
    pub(crate) fn attendance(&self) -> &Attendance {
        self.inner.attendance.get_or_init(Arc::default)
    }

    pub(crate) fn announcements(&self) -> &Announcements {
        &self.inner.announcements
    }

    pub(crate) fn honours(&self) -> &Honours {
        &self.inner.honours
    }

    /// A person came or went: the presence of their teams is looked at again where somebody watches it.
    fn attended(&self, user_id: UserId) {
        for team_id in self.roster().teams_of(user_id) {
            if let Some(handle) = self.presences().get(team_id) {
                handle.mark(|marks| marks.attended(user_id));
            }
        }
    }

    fn wake_presence(&self, team_id: TeamId) -> Result<Arc<PresenceHandle>, EngineError> {
        self.check_team(team_id)?;
        self.presences().wake(team_id)
    }
}
