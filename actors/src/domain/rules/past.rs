//! The awards that limits look at: those of a learner, or those that other rules would have given. Pure.

use crate::domain::action::Action;
use crate::domain::learner::{Award, Learner};
use homeroom_schema::ReferenceId;
use std::ops::RangeInclusive;

/// Awards of one learner.
pub trait Past {
    /// Those of some actions: all that happened on these local days, and maybe others.
    fn awards<'a, 'b>(
        &'a self,
        actions: &'b [Action],
        days: RangeInclusive<i32>,
    ) -> impl Iterator<Item = &'a Award> + use<'a, 'b, Self>;
}

/// Looks at all of them: an order by days would cost every learner memory, and few limits are met at a time.
impl Past for Learner {
    fn awards<'a, 'b>(
        &'a self,
        actions: &'b [Action],
        days: RangeInclusive<i32>,
    ) -> impl Iterator<Item = &'a Award> + use<'a, 'b> {
        let of_actions = actions.iter().flat_map(|action| {
            self.awards
                .range((*action, ReferenceId::MIN)..=(*action, ReferenceId::MAX))
        });
        of_actions
            .map(|(_, award)| award)
            .filter(move |award| days.contains(&award.day))
    }
}

/// The most local days that may lie between two moments so far apart: days have 22 hours or more where clocks change, and a
/// zone that crosses the date line leaves one out.
#[must_use]
pub(super) fn days_within(milliseconds: i64) -> i32 {
    const SHORTEST_DAY_MS: i64 = 22 * 60 * 60 * 1_000;
    i32::try_from(milliseconds / SHORTEST_DAY_MS + 2).unwrap_or(i32::MAX)
}
