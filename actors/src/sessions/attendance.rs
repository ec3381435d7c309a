//! Who has live sessions, on however many devices. Told on when somebody's first one begins and when the last one ends.

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use homeroom_schema::UserId;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Sessions by person; people without any are not in it, so it is bounded by the sessions of the node.
#[derive(Default)]
pub struct Attendance {
    counts: DashMap<UserId, usize>,
    told: OnceLock<Box<dyn Fn(UserId) + Send + Sync>>,
}

/// One session of a person, until it is dropped.
pub(super) struct Attending {
    attendance: Arc<Attendance>,
    user_id: UserId,
}

impl Attendance {
    /// Says who is told of beginnings and ends, once. Called with nothing held; what it is told may be over again by then.
    pub(crate) fn connect(&self, told: impl Fn(UserId) + Send + Sync + 'static) {
        let first = self.told.set(Box::new(told)).is_ok();
        debug_assert!(first, "attendance is told to one");
    }

    /// Whether a person has a live session.
    #[must_use]
    pub fn is_here(&self, user_id: UserId) -> bool {
        self.counts.contains_key(&user_id)
    }

    /// Counts one more session of a person.
    pub(super) fn attend(self: &Arc<Self>, user_id: UserId) -> Attending {
        let is_first = {
            let mut count = self.counts.entry(user_id).or_default();
            *count += 1;
            *count == 1
        };
        if is_first {
            self.tell(user_id);
        }
        Attending {
            attendance: Arc::clone(self),
            user_id,
        }
    }

    fn tell(&self, user_id: UserId) {
        if let Some(told) = self.told.get() {
            told(user_id);
        }
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        let is_last = {
            let Entry::Occupied(mut count) = self.attendance.counts.entry(self.user_id) else {
                return;
            };
            *count.get_mut() -= 1;
            let is_last = *count.get() == 0;
            if is_last {
                count.remove();
            }
            is_last
        };
        if is_last {
            self.attendance.tell(self.user_id);
        }
    }
}

impl fmt::Debug for Attendance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendance")
            .field("people", &self.counts.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[test]
    fn only_the_first_and_the_last_session_of_a_person_are_told() {
        let attendance = Arc::new(Attendance::default());
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&told);
        attendance.connect(move |user_id| seen.lock().push(user_id.get()));
        let user_id = UserId::new(7).unwrap();
        let (one, two) = (attendance.attend(user_id), attendance.attend(user_id));
        drop(one);
        assert!(attendance.is_here(user_id));
        assert_eq!(*told.lock(), [7]);
        drop(two);
        assert!(!attendance.is_here(user_id));
        assert_eq!(*told.lock(), [7, 7]);
        assert!(attendance.counts.is_empty());
    }
}
