//! The rules in force, their history, and acts on the past.

use super::Engine;
use crate::domain::Rules;
use crate::error::EngineError;
use crate::rulebook::{ActState, Change, Origin, Past, Preview, preview};
use homeroom_schema::UserId;
use homeroom_schema::limits::{PAGE_MAX, READ_DEADLINE};
use homeroom_schema::records::{AuditRecord, AuditedBy};
use std::sync::Arc;

/// Rules as they came in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesInForce {
    /// Their version.
    pub version: u32,
    /// All of them, as text.
    pub document: String,
    /// How they came in force; none for those that came with the program and were never changed.
    pub change: Option<Change>,
    /// The act on the past that goes on, with how far it is.
    pub running: Option<(Change, ActState)>,
}

impl Engine {
    /// The rules in force as text, and how they came in force.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn rules_in_force(&self) -> Result<RulesInForce, EngineError> {
        let acts = &self.inner.tree.acts;
        let book = acts.book();
        let version = book.in_force();
        let document = self
            .reading(book.document(self.store(), &acts.documents, version))
            .await?;
        let running = book
            .open()
            .and_then(|change| Some((change, acts.state(change.version)?)));
        Ok(RulesInForce {
            version,
            document: document.unwrap_or_default(),
            change: book.change(version),
            running,
        })
    }

    /// The changes of the rules before a version (none: from the newest), newest first, each with how its act stands.
    #[must_use]
    pub fn rules_history(&self, before: Option<u32>, limit: usize) -> Vec<(Change, Option<ActState>)> {
        let acts = &self.inner.tree.acts;
        let changes = acts.book().before(before, limit.min(PAGE_MAX + 1));
        let with_state = |change: Change| (change, acts.state(change.version));
        changes.into_iter().map(with_state).collect()
    }

    /// What rules would mean for everybody; after a person, only the next people.
    ///
    /// # Errors
    /// Another preview goes on; the store is unavailable.
    pub async fn preview_rules(
        &self,
        rules: Rules,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Preview, EngineError> {
        self.refuse_when_stopping()?;
        let alone = Arc::clone(&self.inner.previewing).try_acquire_owned();
        let _alone = alone.map_err(|_| EngineError::Overloaded)?;
        let previewed = preview(&self.inner.tree.context, Arc::new(rules), after, limit.min(PAGE_MAX)).await;
        previewed.map_err(|error| self.unavailable(&error))
    }

    /// Puts rules in force and applies them to what was awarded before. Returns when that is done, or after a while: then it
    /// goes on by itself.
    ///
    /// # Errors
    /// Another act goes on; no rules; the store is unavailable.
    pub async fn apply_rules(
        &self,
        document: String,
        revoke: bool,
        (origin, by): (Origin, AuditedBy),
    ) -> Result<Change, EngineError> {
        self.refuse_when_stopping()?;
        let at = self.inner.tree.context.clock.now();
        let audit = |act: u32| AuditRecord {
            at,
            by,
            act: "rules_applied",
            subject: None,
            detail: format!("{{\"act\":{act},\"revoke\":{revoke}}}"),
        };
        let tree = &self.inner.tree;
        let parts = (&tree.context, &tree.learners, &tree.tasks);
        let change = tree.acts.apply(parts, (document, revoke), origin, audit).await?;
        Ok(self.after_a_while(change).await)
    }

    /// Undoes the latest act that is not undone: the rules from before it are in force again, and so are points and
    /// achievements. Returns as [`Self::apply_rules`] does.
    ///
    /// # Errors
    /// Another act goes on; no such act, undone already, or not the latest; the store is unavailable.
    pub async fn undo_rules(&self, act: u32, (origin, by): (Origin, AuditedBy)) -> Result<Change, EngineError> {
        self.refuse_when_stopping()?;
        let audit = AuditRecord {
            at: self.inner.tree.context.clock.now(),
            by,
            act: "rules_undone",
            subject: None,
            detail: format!("{{\"act\":{act}}}"),
        };
        let tree = &self.inner.tree;
        let parts = (&tree.context, &tree.learners, &tree.tasks);
        let change = tree.acts.undo(parts, act, origin, audit).await?;
        Ok(self.after_a_while(change).await)
    }

    /// How the act of a version stands; none where a version is no act.
    #[must_use]
    pub fn act_state(&self, version: u32) -> Option<ActState> {
        self.inner.tree.acts.state(version)
    }

    /// The act of a version, undone or not, if that is one that can be undone.
    #[must_use]
    pub fn act(&self, version: u32) -> Option<Change> {
        let change = self.inner.tree.acts.book().change(version);
        change.filter(|change| matches!(change.past, Some(Past::Apply { .. })))
    }

    async fn after_a_while(&self, change: Change) -> Change {
        let acts = &self.inner.tree.acts;
        let _ = tokio::time::timeout(READ_DEADLINE, acts.done(change.version)).await;
        acts.book().change(change.version).unwrap_or(change)
    }
}
