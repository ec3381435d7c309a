//! Folds kept facts into a learner's state. The only place that changes a learner.

use crate::domain::event::{EventMeta, LearnerEvent};
use crate::domain::learner::Learner;

/// Applies one kept fact. Cannot fail: whatever was kept once can be applied again. Reads the fact and the state alone.
pub fn evolve(learner: &mut Learner, event: &LearnerEvent, meta: EventMeta) {
    let _ = (learner, event, meta);
    unimplemented!("homeroom domain")
}
