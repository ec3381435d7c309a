//! The durable score of every learner, by id: what boards and teams read when they need a total. Only the journal's fan-out writes.

mod tally;

pub(crate) use tally::{Tally, score_of};

use crate::domain::board::Score;
use homeroom_schema::records::LearnerHead;
use homeroom_schema::{UserId, Version};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Shards, so that readers seldom meet a writer.
const SHARDS: usize = 64;

type Shard = BTreeMap<UserId, (Version, Score)>;

/// Durable totals of all learners who have entries. A clone is another handle to the same scores.
///
/// Trees, not hash tables: made at once they are packed full, where a hash table of a million learners is half empty.
#[derive(Debug, Clone)]
pub struct Scores {
    shards: Arc<[RwLock<Shard>; SHARDS]>,
}

impl Scores {
    /// The scores that the heads of all streams say.
    #[must_use]
    pub fn of_heads(heads: Vec<LearnerHead>) -> Self {
        let mut shards: [Vec<_>; SHARDS] = std::array::from_fn(|_| Vec::with_capacity(heads.len() / SHARDS));
        for head in heads {
            shards[place(head.user_id)].push((head.user_id, (head.version, score(&head))));
        }
        let shards = shards.map(|heads| RwLock::new(heads.into_iter().collect()));
        Self {
            shards: Arc::new(shards),
        }
    }

    /// The score of a learner: 0 points without entries.
    #[must_use]
    pub fn get(&self, user_id: UserId) -> Score {
        let shard = self.shards[place(user_id)].read();
        shard.get(&user_id).map(|entry| entry.1).unwrap_or_default()
    }

    /// Puts a score unless a newer one is there: so changes may come twice or late.
    pub fn put(&self, user_id: UserId, version: Version, score: Score) {
        let mut shard = self.shards[place(user_id)].write();
        let entry = shard.entry(user_id).or_insert((Version::ZERO, Score::default()));
        if entry.0 < version {
            *entry = (version, score);
        }
    }

    /// Puts what the head of a stream says.
    pub fn put_head(&self, head: &LearnerHead) {
        self.put(head.user_id, head.version, score(head));
    }
}

impl Default for Scores {
    fn default() -> Self {
        Self::of_heads(Vec::new())
    }
}

fn place(user_id: UserId) -> usize {
    user_id.get() as usize % SHARDS
}

fn score(head: &LearnerHead) -> Score {
    Score {
        points: head.total,
        reached_at: head.reached_at,
    }
}
