//! How close awards of one action may come: cool-downs and awards per window, whatever order they are told in. Pure.

use crate::domain::action::RefusalReason;
use crate::domain::rules::ActionRules;
use homeroom_schema::TimeMs;

/// The limits of one action, with the moments of the awards that they look at.
#[derive(Debug, Default)]
pub(super) struct Spacing {
    limits: Vec<Limit>,
    /// Rising.
    moments: Vec<TimeMs>,
}

/// At most so many awards in any half-open window of a length.
#[derive(Debug)]
struct Limit {
    reason: RefusalReason,
    awards: usize,
    within_ms: i64,
}

impl Spacing {
    /// The limits of an action, so far without any award. A cool-down is a window with room for one award.
    pub(super) fn of(action: &ActionRules) -> Self {
        let cooldown = (action.cooldown_ms > 0).then_some(Limit {
            reason: RefusalReason::Cooldown,
            awards: 1,
            within_ms: action.cooldown_ms,
        });
        let windows = action.windows.iter().map(|window| Limit {
            reason: RefusalReason::WindowFull,
            awards: usize::try_from(window.awards).unwrap_or(usize::MAX),
            within_ms: window.within_ms,
        });
        Self {
            limits: cooldown.into_iter().chain(windows).collect(),
            moments: Vec::new(),
        }
    }

    /// The longest time over which any of them looks.
    pub(super) fn widest_ms(&self) -> Option<i64> {
        self.limits.iter().map(|limit| limit.within_ms).max()
    }

    /// Takes the moments of the awards that count.
    pub(super) fn look_at(&mut self, mut moments: Vec<TimeMs>) {
        moments.sort_unstable();
        self.moments = moments;
    }

    /// Why one more award at a moment is refused, if it is: by the first of the limits that does.
    pub(super) fn refuses(&self, at: TimeMs) -> Option<RefusalReason> {
        let mut limits = self.limits.iter();
        let refusing = limits.find(|limit| limit.first_free(&self.moments, at) != at);
        refusing.map(|limit| limit.reason)
    }

    /// The first moment from `at` on that is free of each limit, one after the other: the last one's moment may not be free
    /// of the first again, so callers ask until nothing moves.
    pub(super) fn first_free(&self, at: TimeMs) -> TimeMs {
        let limits = self.limits.iter();
        limits.fold(at, |at, limit| limit.first_free(&self.moments, at))
    }
}

impl Limit {
    /// The first moment from `at` on at which one more award fits. Each run of `awards` moments that fits in one window
    /// forbids whatever would share a window with all of it; what is forbidden rises with the runs, so one pass finds it.
    fn first_free(&self, moments: &[TimeMs], at: TimeMs) -> TimeMs {
        let ends = moments.windows(self.awards.max(1));
        let ends = ends.filter_map(|run| Some((run.first()?.0, run.last()?.0)));
        ends.fold(at, |at, (first, last)| {
            let is_full = last.saturating_sub(first) < self.within_ms;
            let leaves = first.saturating_add(self.within_ms);
            let is_forbidden = is_full && at.0 > last.saturating_sub(self.within_ms) && at.0 < leaves;
            if is_forbidden { TimeMs(leaves) } else { at }
        })
    }
}
