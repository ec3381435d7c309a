//! The changes of the rules so far, folded from their stream. Documents stay in the store.

use super::RuleDocuments;
use super::event::{Origin, Past, RulesEvent};
use crate::domain::Rules;
use homeroom_schema::limits::STREAM_PAGE_MAX;
use homeroom_schema::records::{Append, AuditRecord, NewEvent, Row, StoredEvent, StreamAppend, StreamId};
use homeroom_schema::{Store, StoreError, TimeMs, Version};

/// The version that is in force while there was never a change.
const FIRST: u32 = 1;

/// One change of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The version that came in force.
    pub version: u32,
    /// Where it came from.
    pub origin: Origin,
    /// When.
    pub at: TimeMs,
    /// What is done about the past.
    pub past: Option<Past>,
    /// Of a change that does something about the past: learners adjusted, once it is done.
    pub learners: Option<u64>,
    /// Whether this act was undone, or that was begun.
    pub is_undone: bool,
    place: Version,
}

/// How an act stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActState {
    /// It goes on.
    Running {
        /// Learners looked at so far.
        looked_at: u64,
        /// Learners adjusted so far.
        adjusted: u64,
    },
    /// It is done.
    Done {
        /// Learners adjusted.
        adjusted: u64,
    },
}

/// A change that is to come in force.
pub(crate) struct NextChange {
    pub(crate) document: String,
    pub(crate) origin: Origin,
    pub(crate) past: Option<Past>,
    pub(crate) audit: Option<AuditRecord>,
}

/// All changes so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    head: Version,
    changes: Vec<Change>,
    // What was last taken in from a file.
    file: Option<String>,
}

impl Book {
    /// Reads the stream.
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let mut book = Self::default();
        loop {
            let page = store.read_stream(StreamId::RULES, book.head, STREAM_PAGE_MAX).await?;
            for stored in &page {
                book.fold(&read(stored)?, stored.version, stored.recorded_at);
            }
            if page.len() < STREAM_PAGE_MAX {
                return Ok(book);
            }
        }
    }

    fn fold(&mut self, event: &RulesEvent, place: Version, at: TimeMs) {
        self.head = place;
        match event {
            RulesEvent::Changed {
                version,
                document,
                origin,
                past,
            } => {
                if *origin == Origin::File {
                    self.file = Some(document.clone());
                }
                if let Some(Past::Undo { act }) = past
                    && let Some(undone) = self.changes.iter_mut().find(|change| change.version == *act)
                {
                    undone.is_undone = true;
                }
                self.changes.push(Change {
                    version: *version,
                    origin: *origin,
                    at,
                    past: *past,
                    learners: None,
                    is_undone: false,
                    place,
                });
            }
            RulesEvent::Applied { learners, .. } | RulesEvent::Undone { learners, .. } => {
                if let Some(open) = self.changes.iter_mut().rev().find(|change| change.past.is_some()) {
                    open.learners = Some(*learners);
                }
            }
        }
    }

    /// The version in force.
    pub(crate) fn in_force(&self) -> u32 {
        self.changes.last().map_or(FIRST, |change| change.version)
    }

    /// The changes before a version, newest first; the first rules of all are none.
    pub(crate) fn before(&self, version: Option<u32>, limit: usize) -> Vec<Change> {
        let changes = self.changes.iter().rev();
        let earlier = changes.filter(|change| version.is_none_or(|version| change.version < version));
        earlier.take(limit).copied().collect()
    }

    /// A change.
    pub(crate) fn change(&self, version: u32) -> Option<Change> {
        self.changes.iter().find(|change| change.version == version).copied()
    }

    /// The act that is begun and not done.
    pub(crate) fn open(&self) -> Option<Change> {
        let is_open = |change: &&Change| change.past.is_some() && change.learners.is_none();
        self.changes.iter().rev().find(is_open).copied()
    }

    /// The latest application that is not undone.
    pub(crate) fn latest_act(&self) -> Option<Change> {
        let stands = |change: &&Change| matches!(change.past, Some(Past::Apply { .. })) && !change.is_undone;
        self.changes.iter().rev().find(stands).copied()
    }

    /// Whether a file's content is new.
    pub(crate) fn is_new_file(&self, document: &str) -> bool {
        self.file.as_deref() != Some(document)
    }

    /// The document of a version; none for one that never was.
    pub(crate) async fn document(
        &self,
        store: &dyn Store,
        documents: &RuleDocuments,
        version: u32,
    ) -> Result<Option<String>, StoreError> {
        let Some(change) = self.change(version) else {
            return Ok((version == FIRST).then(|| documents.first.clone()));
        };
        let before = Version(change.place.0.saturating_sub(1));
        let page = store.read_stream(StreamId::RULES, before, 1).await?;
        let event = page.first().map(read).transpose()?;
        Ok(event.and_then(|event| match event {
            RulesEvent::Changed { document, .. } => Some(document),
            RulesEvent::Applied { .. } | RulesEvent::Undone { .. } => None,
        }))
    }

    /// The rules of a version.
    pub(crate) async fn rules(
        &self,
        store: &dyn Store,
        documents: &RuleDocuments,
        version: u32,
    ) -> Result<Rules, StoreError> {
        let damaged = |cause: String| StoreError::Damaged {
            cause: format!("the rules of version {version} cannot be read: {cause}"),
        };
        let document = self.document(store, documents, version).await?;
        let document = document.ok_or_else(|| damaged("they are not there".into()))?;
        let mut rules = (documents.read)(&document).map_err(damaged)?;
        rules.version = version;
        Ok(rules)
    }

    /// The append that brings a change in force, and the book after it. The first change keeps the first rules, too: a later
    /// program may come with others.
    pub(crate) fn changed(&self, next: NextChange, documents: &RuleDocuments, now: TimeMs) -> (Append, Self) {
        let mut events = Vec::new();
        if self.changes.is_empty() {
            events.push(RulesEvent::Changed {
                version: FIRST,
                document: documents.first.clone(),
                origin: Origin::Shipped,
                past: None,
            });
        }
        events.push(RulesEvent::Changed {
            version: self.in_force().saturating_add(1),
            document: next.document,
            origin: next.origin,
            past: next.past,
        });
        self.append(&events, next.audit, now)
    }

    /// The append that says that an act is done, and the book after it.
    pub(crate) fn done(&self, change: &Change, learners: u64, now: TimeMs) -> Option<(Append, Self)> {
        let event = match change.past? {
            Past::Apply { from, revoke } => RulesEvent::Applied {
                act: change.version,
                from,
                to: change.version,
                learners,
                revoke,
            },
            Past::Undo { act } => RulesEvent::Undone { act, learners },
        };
        Some(self.append(&[event], None, now))
    }

    fn append(&self, events: &[RulesEvent], audit: Option<AuditRecord>, now: TimeMs) -> (Append, Self) {
        let mut after = self.clone();
        let mut new_events = Vec::with_capacity(events.len());
        for event in events {
            after.fold(event, after.head.plus(1), now);
            new_events.push(NewEvent {
                event_type: event.event_type(),
                occurred_at: now,
                recorded_at: now,
                body: serde_json::to_string(event).expect("texts and whole numbers are JSON"),
                note: None,
            });
        }
        let append = Append {
            stream: Some(StreamAppend {
                stream: StreamId::RULES,
                expected: self.head,
                events: new_events,
                head: None,
            }),
            rows: audit.map(Row::Audit).into_iter().collect(),
            key: None,
        };
        (append, after)
    }
}

fn read(stored: &StoredEvent) -> Result<RulesEvent, StoreError> {
    serde_json::from_str(&stored.body).map_err(|error| StoreError::Damaged {
        cause: format!("event {} is no fact of the rules: {error}", stored.event_id),
    })
}
