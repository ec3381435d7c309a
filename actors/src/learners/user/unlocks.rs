//! Achievements of one learner: looked at with every fact of their own, and when something else can have moved them.

use super::User;
use crate::domain::Rules;
use crate::domain::achievements::{Measures, Occasion, Outside, newly_earned};
use crate::domain::event::LearnerEvent;
use crate::learners::UserMsg;
use crate::learners::append::{Changes, Recording, append};
use crate::learners::pending::{Basis, PendingItem, ViewReply};
use homeroom_schema::{TimeMs, Version};
use ractor::ActorRef;
use std::sync::Arc;

/// What all achievements were looked at against: with the same, a fact can only unlock what it has itself moved.
pub(super) struct Looked {
    revision: u64,
    rules: Arc<Rules>,
}

impl User {
    /// What the first fact of a command unlocks, folded into `decided` already. Receipts unlock nothing: a repeated answer is
    /// found again by its receipt, and says so.
    pub(super) fn unlocked_by(&mut self, first: Option<&LearnerEvent>, version: Version) -> Vec<LearnerEvent> {
        let Some(first) = first.filter(|fact| !matches!(fact, LearnerEvent::PointsRefused { .. })) else {
            return Vec::new();
        };
        let moved = if self.is_looked_at() {
            Measures::moved_by(first)
        } else {
            Measures::ALL
        };
        let occasion = Occasion {
            moved,
            cause: Some(version),
            occurred_at: first.occurred_at(),
        };
        self.unlocked(occasion)
    }

    /// Shows the durable state, with every achievement that is earned by now.
    pub(in crate::learners) fn read(&mut self, myself: &ActorRef<UserMsg>, reply: ViewReply) {
        self.look_at_achievements(myself);
        if self.pending.iter().any(PendingItem::is_unlock) {
            self.pending.push_back(PendingItem::View(reply));
        } else {
            let _ = reply.send(Ok(self.view()));
        }
    }

    /// Keeps what courses, rules or other people's facts have unlocked since all was looked at last.
    pub(in crate::learners) fn look_at_achievements(&mut self, myself: &ActorRef<UserMsg>) {
        let due = self.context.hub.library().take_due(self.durable.user_id);
        // After a failure what is durable is not known: then with the next command, which reads it.
        if self.is_stale || (due.is_none() && self.is_looked_at()) {
            return;
        }
        let recorded_at = self.context.clock.now();
        let occasion = Occasion {
            moved: Measures::ALL,
            cause: None,
            occurred_at: due.unwrap_or(recorded_at),
        };
        let events = self.unlocked(occasion);
        if !events.is_empty() {
            self.keep_unlocked(myself, events, recorded_at);
        }
    }

    fn keep_unlocked(&mut self, myself: &ActorRef<UserMsg>, events: Vec<LearnerEvent>, recorded_at: TimeMs) {
        let decided = self.decided.get_or_insert_with(|| Box::new(self.durable.clone()));
        let expected = decided.version;
        let mut changes = Changes::default();
        for event in &events {
            super::fold_pending(decided, &mut changes, event);
        }
        let recording = Recording {
            recorded_at,
            note: None,
            audit: None,
            key: None,
        };
        let append = append(decided, expected, &events, recording);
        self.pending.push_back(PendingItem::Append {
            events,
            recorded_at,
            basis: Basis::FirstEvent,
            request: None,
        });
        self.submit(myself, append, None);
    }

    fn unlocked(&mut self, occasion: Occasion) -> Vec<LearnerEvent> {
        let (revision, rules) = (self.context.roster.revision(), self.context.rules.load_full());
        let learner = self.decided.as_deref().unwrap_or(&self.durable);
        let user_id = learner.user_id;
        let course = || self.context.roster.course(user_id);
        let unlocked = newly_earned(learner, course, || self.outside(), &rules, occasion);
        if occasion.moved == Measures::ALL {
            self.looked_at = Some(Looked { revision, rules });
        }
        unlocked
    }

    fn is_looked_at(&self) -> bool {
        let Some(looked) = &self.looked_at else { return false };
        looked.revision == self.context.roster.revision() && Arc::ptr_eq(&looked.rules, &self.context.rules.load())
    }

    /// What other people's facts come to, as far as they are durable.
    pub(super) fn outside(&self) -> Outside {
        self.context.hub.outside(self.durable.user_id)
    }
}
