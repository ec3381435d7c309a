//! Topics: ordered messages with offsets and an epoch, remembered for a while, read by position. Never sockets or JSON text.
//!
//! A session pulls: a topic tells the session's [`Inbox`] that there is something, and the session reads what follows its
//! own position. So a slow reader holds no queue of its own, and delays nobody.

mod inbox;
mod name;
mod topic;

pub use crate::domain::period::Period;
pub use inbox::Inbox;
pub use name::{BoardName, NameError, TopicName};
pub use topic::Topic;

use crate::domain::event::{EventMeta, LearnerEvent};
use crate::honours::Honour;
use crate::views::{BoardRow, TeamPerformance};
use homeroom_schema::records::AnnouncementRecord;
use homeroom_schema::{TeamId, TimeMs, UserId};
use std::any::Any;
use std::sync::{Arc, OnceLock};

/// Who is looking, as far as it changes what a message shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lens {
    /// Admin, service, a team's own mentor, and everybody on their own user topic: names.
    Staff,
    /// Peers: aliases.
    Peer,
    /// A wall screen: opaque row handles and aliases, and only the first places.
    Projector,
}

impl Lens {
    /// How many lenses there are.
    pub const COUNT: usize = 3;
}

/// How a window of a board differs from the one of the message before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoardChanges {
    /// Rows whose points, name or membership of the window changed, by rank.
    pub changes: Vec<BoardRow>,
    /// Ids that left the window.
    pub removed: Vec<u64>,
}

impl BoardChanges {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.removed.is_empty()
    }
}

/// What a topic says, before any lens.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// One kept fact of a learner. The offset is the version.
    Learner {
        /// Whose.
        user_id: UserId,
        /// The fact.
        event: LearnerEvent,
        /// Where it stands.
        meta: EventMeta,
        /// When the node took it in.
        recorded_at: TimeMs,
        /// The reason given in words, unless erased.
        note: Option<String>,
    },
    /// Rows of a board that changed.
    Board {
        /// Which board.
        board: BoardName,
        /// Which period.
        period: Period,
        /// The board's version after these changes.
        version: u64,
        /// In the whole window.
        window: BoardChanges,
        /// In its first places only, which is all that a projector sees ([`crate::EngineSettings::projector_places`]): rows
        /// enter and leave these without any change of their own, so this is a difference of its own, not a part of `window`.
        front: BoardChanges,
    },
    /// A team's performance changed.
    Team {
        /// As it was at the message before.
        before: Arc<TeamPerformance>,
        /// As it is now.
        now: Arc<TeamPerformance>,
    },
    /// People of a team came or went.
    Presence {
        /// Which team.
        team_id: TeamId,
        /// Who is here now and was not, by id.
        joined: Vec<UserId>,
        /// Who was here and is not any more, by id.
        left: Vec<UserId>,
        /// How many are here after it.
        count: usize,
    },
    /// Something was announced.
    Announcement(Arc<AnnouncementRecord>),
    /// Somebody on boards unlocked something.
    Honour(Arc<Honour>),
}

impl Message {
    /// Whether it shows a row or person with this id.
    fn is_about(&self, id: u64) -> bool {
        match self {
            Self::Learner { user_id, .. } => user_id.get() == id,
            Self::Board { window, front, .. } => {
                let rows = window.changes.iter().chain(&front.changes);
                rows.into_iter().any(|row| row.id == id)
            }
            Self::Team { before, now } => [before, now].iter().any(|performance| performance.names(id)),
            Self::Presence { joined, left, .. } => joined.iter().chain(left).any(|user_id| user_id.get() == id),
            Self::Announcement(record) => record.user_id.is_some_and(|author| author.get() == id),
            Self::Honour(honour) => honour.user_id.get() == id,
        }
    }
}

/// One message at its place, with its encodings: made once per lens, shared by all sessions.
pub struct Entry {
    /// Its place in the topic, from 1.
    pub offset: u64,
    /// What it says.
    pub message: Message,
    encoded: [OnceLock<Box<dyn Any + Send + Sync>>; Lens::COUNT],
}

impl Entry {
    /// A message at a place.
    #[must_use]
    pub fn new(offset: u64, message: Message) -> Self {
        Self {
            offset,
            message,
            encoded: [const { OnceLock::new() }; Lens::COUNT],
        }
    }

    /// The encoding for a lens, made by `encode` when it is first asked for. One type of encoding per process.
    pub fn encoded<T: Clone + Send + Sync + 'static>(&self, lens: Lens, encode: impl FnOnce(&Message) -> T) -> T {
        let kept = self.encoded[lens as usize].get_or_init(|| Box::new(encode(&self.message)));
        kept.downcast_ref::<T>()
            .cloned()
            .expect("all callers of one process ask for the same type of encoding")
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("offset", &self.offset)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// A place in a topic: after the message `offset` of `epoch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Which life of the topic. User topics: the database's; others: the actor's.
    pub epoch: Arc<str>,
    /// The last message seen; 0 before the first.
    pub offset: u64,
}

/// What a topic has for a position.
#[derive(Debug)]
pub enum TopicRead {
    /// What follows, in order; empty when the reader is at the head.
    Entries(Vec<Arc<Entry>>),
    /// What follows is no longer remembered here: user topics page the journal, others take a snapshot.
    Forgotten,
    /// The topic lives anew (other epoch): take a snapshot.
    Restarted,
}
