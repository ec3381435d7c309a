//! Who is to be looked at because somebody else's fact may have earned them something. One entry a person at most.

use homeroom_schema::{TimeMs, UserId};
use std::collections::{HashMap, VecDeque};

/// People who are due.
#[derive(Default)]
pub(super) struct Due {
    // When the latest fact behind it happened.
    people: HashMap<UserId, TimeMs>,
    queue: VecDeque<UserId>,
    is_looked_at: bool,
}

impl Due {
    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    pub(super) fn mark(&mut self, user_id: UserId, at: TimeMs) {
        let latest = self.people.entry(user_id).or_insert_with(|| {
            self.queue.push_back(user_id);
            at
        });
        *latest = at.max(*latest);
    }

    /// Whether a look has to begin: there is somebody, and nobody looks.
    pub(super) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.is_looked_at, true)
    }

    pub(super) fn take(&mut self, user_id: UserId) -> Option<TimeMs> {
        self.people.remove(&user_id)
    }

    /// The next one who is still due. After none the next mark begins a new look.
    pub(super) fn next(&mut self) -> Option<UserId> {
        while let Some(user_id) = self.queue.pop_front() {
            if self.people.contains_key(&user_id) {
                return Some(user_id);
            }
        }
        self.is_looked_at = false;
        None
    }
}
