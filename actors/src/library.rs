//! What facts of other people come to for a person: who used and rated their resources, how long quizzes take, and where
//! their teams stand. Kept in memory beside the store's own sums, and changed by the journal's fan-out before anybody is
//! answered; so an award that has been answered is in every figure that is read after it.
//!
//! Bounds: one entry for each resource that was contributed, read or rated by evidence (some 150 bytes), at most some 7,000
//! times for a quiz, one sum for each team that was asked for since the roster last changed, and one mark for each person.

mod due;
mod evidence;
mod sums;
mod teams;

use crate::domain::achievements::Outside;
use crate::domain::action::ResourceRef;
use crate::domain::rules::{Measure, Rules};
use crate::hub::Hub;
use crate::journal::LearnerChange;
use due::Due;
use homeroom_schema::records::EvidenceSums;
use homeroom_schema::{ReferenceId, TimeMs, UserId};
use parking_lot::{Mutex, RwLock};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use sums::Sums;
use teams::TeamSums;

/// The figures of all people.
#[derive(Default)]
pub(crate) struct Library {
    sums: RwLock<Sums>,
    teams: Mutex<TeamSums>,
    due: Mutex<Due>,
    // People in `due`, so that asking costs no lock while there is nobody.
    due_count: AtomicUsize,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Library {
    /// Gives, once, what starts a look at everybody who is due. Never waits.
    pub(crate) fn connect(&self, wake: impl Fn() + Send + Sync + 'static) {
        let first = self.wake.set(Box::new(wake)).is_ok();
        debug_assert!(first, "a library has one directory of learners");
    }

    /// Takes over what the store has kept, in place of everything.
    pub(crate) fn put(&self, kept: &EvidenceSums) {
        *self.sums.write() = Sums::of(kept);
        self.teams.lock().forget();
    }

    /// From the fan-out: puts the scores, and everything that rests on what was kept. Marks people who may have earned
    /// something by it.
    pub(crate) fn apply(&self, hub: &Hub, changes: &[LearnerChange]) {
        let rules = hub.rules();
        let mut due = Vec::new();
        self.teams.lock().apply(hub, changes, &rules, &mut due);
        if changes.iter().any(|change| !change.evidence.is_empty()) {
            self.sums.write().apply(changes, &rules, &mut due);
        }
        if !due.is_empty() {
            self.mark(due);
        }
    }

    fn mark(&self, people: Vec<(UserId, TimeMs)>) {
        let must_wake = {
            let mut due = self.due.lock();
            for (user_id, at) in people {
                due.mark(user_id, at);
            }
            self.due_count.store(due.len(), Ordering::Release);
            due.begin()
        };
        if let Some(wake) = self.wake.get().filter(|_| must_wake) {
            wake();
        }
    }

    /// Whether somebody else's fact may have earned this person something, and when that happened. Asked once for each.
    pub(crate) fn take_due(&self, user_id: UserId) -> Option<TimeMs> {
        if self.due_count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut due = self.due.lock();
        let at = due.take(user_id);
        self.due_count.store(due.len(), Ordering::Release);
        at
    }

    /// The next person who is due; none ends the look.
    pub(crate) fn next_due(&self) -> Option<UserId> {
        self.due.lock().next()
    }

    /// What other people's facts come to for a person, as far as they are durable.
    pub(crate) fn outside(&self, hub: &Hub, user_id: UserId) -> Outside {
        let team_level = self.teams.lock().level(hub, user_id);
        Outside {
            team_level,
            ..self.sums.read().figures(user_id)
        }
    }

    /// The one resource under a reference that somebody else than this reader has contributed; none if there are several,
    /// or if it is the reader's.
    pub(crate) fn only_resource(&self, reference: ReferenceId, reader: UserId) -> Option<ResourceRef> {
        let contributor = self.sums.read().only_contributor(reference)?;
        (contributor != reader).then_some(ResourceRef {
            user_id: contributor,
            reference_id: reference,
        })
    }

    /// A quiz's par time: set by the rules, else the median of its completions, from enough of them on. Milliseconds.
    pub(crate) fn par_ms(&self, reference: ReferenceId, rules: &Rules) -> Option<u64> {
        let set = rules.quizzes.par_ms.get(&reference).copied();
        set.or_else(|| self.sums.read().median(reference, rules.quizzes.par_from_completions))
    }
}

/// Whether a tier of an achievement begins between two values, so that somebody may earn it by the step.
fn crosses(rules: &Rules, measure: Measure, before: f64, after: f64) -> bool {
    let criteria = rules.achievements.iter().flat_map(|rule| &rule.criteria);
    after > before
        && criteria
            .filter(|one| one.measure == measure)
            .any(|one| one.targets.iter().any(|target| before < *target && *target <= after))
}
