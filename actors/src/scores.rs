//! The durable score of every learner, by id: what boards and teams read when they need a total. Only the journal's fan-out writes.

use crate::domain::board::Score;
use dashmap::DashMap;
use homeroom_schema::records::LearnerHead;
use homeroom_schema::{UserId, Version};
use std::sync::Arc;

/// Durable totals of all learners who have entries. A clone is another handle to the same scores.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    scores: Arc<DashMap<UserId, (Version, Score)>>,
}

impl Scores {
    /// The score of a learner: 0 points without entries.
    #[must_use]
    pub fn get(&self, user_id: UserId) -> Score {
        self.scores.get(&user_id).map(|entry| entry.1).unwrap_or_default()
    }

    /// Puts a score unless a newer one is there: so changes may come twice or late.
    pub fn put(&self, user_id: UserId, version: Version, score: Score) {
        let mut entry = self.scores.entry(user_id).or_insert((Version::ZERO, Score::default()));
        if entry.0 < version {
            *entry = (version, score);
        }
    }

    /// Puts what the head of a stream says.
    pub fn put_head(&self, head: &LearnerHead) {
        let score = Score {
            points: head.total,
            reached_at: head.reached_at,
        };
        self.put(head.user_id, head.version, score);
    }
}
