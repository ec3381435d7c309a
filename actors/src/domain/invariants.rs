//! The invariants of the domain as pure functions: called by tests, by simulations, and by `debug_assert!` after changes.

use crate::domain::board::Board;
use crate::domain::event::{EventMeta, LearnerEvent};
use crate::domain::evolve::evolve;
use crate::domain::learner::{Counters, Learner, UnitProgress};
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// I2: folding the stream gives another state.
    #[error("replaying the stream gives another state")]
    ReplayDiffers,
    /// I3: a natural key was awarded twice.
    #[error("a natural key was awarded twice")]
    NaturalKeyTwice,
    /// I4: a total is not the sum of the awards that count.
    #[error("a total is not the sum of the awards that count")]
    TotalDiffers,
    /// I4: the points inside a qualification are not the sum of its awards that count.
    #[error("the points of a qualification are not the sum of its awards that count")]
    QualificationDiffers,
    /// The counters are not those of the awards that count.
    #[error("the counters are not those of the awards that count")]
    CountersDiffer,
    /// I4: two rows of a board stand in the wrong order, or one is missing.
    #[error("the rows of a board are out of order")]
    BoardOutOfOrder,
    /// I4: a rank is not one more than the number of rows with more points.
    #[error("a rank is not one more than the number of rows with more points")]
    RankDiffers,
    /// I6: progress fell, or left 0 to 100.
    #[error("progress fell")]
    ProgressFell,
    /// I6: a completion was changed, is missing at 100, or came before 100.
    #[error("a completion was changed, is missing or came too early")]
    CompletionChanged,
    /// A tier of an achievement was earned while it was held.
    #[error("a tier of an achievement was earned twice")]
    EarnedTwice,
    /// A refusal or progress changed points.
    #[error("an entry that is no award changed points")]
    PointsChanged,
}

/// I2: a stream folded from nothing gives this state.
///
/// # Errors
/// [`Violation::ReplayDiffers`].
pub fn replay_gives(learner: &Learner, stream: &[(LearnerEvent, EventMeta)]) -> Result<(), Violation> {
    let mut replayed = Learner::new(learner.user_id);
    for (event, meta) in stream {
        evolve(&mut replayed, event, *meta);
    }
    require(replayed == *learner, Violation::ReplayDiffers)
}

/// I3: a stream awards each natural key at most once.
///
/// # Errors
/// [`Violation::NaturalKeyTwice`].
pub fn natural_keys_are_awarded_once<'a>(stream: impl IntoIterator<Item = &'a LearnerEvent>) -> Result<(), Violation> {
    let mut used = BTreeSet::new();
    let is_once = stream.into_iter().all(|event| match event {
        LearnerEvent::PointsAwarded { action, reference, .. } => used.insert((*action, *reference)),
        _ => true,
    });
    require(is_once, Violation::NaturalKeyTwice)
}

/// I4: the total, the points of each qualification and the counters are those of the awards that count. O(awards).
///
/// # Errors
/// The first sum that differs.
pub fn sums_equal_the_ledger(learner: &Learner) -> Result<(), Violation> {
    let mut total = 0;
    let mut qualifications = BTreeMap::new();
    for award in learner.awards.values() {
        let points = u64::from(award.points_counted());
        total += points;
        if let Some(id) = award.qualification {
            *qualifications.entry(id).or_insert(0) += points;
        }
    }
    require(total == learner.total, Violation::TotalDiffers)?;
    let kept: BTreeMap<_, _> = learner
        .qualifications
        .iter()
        .map(|(id, kept)| (*id, kept.points))
        .collect();
    require(kept == qualifications, Violation::QualificationDiffers)?;
    require(
        are_equal(&learner.counters, &Counters::of(&learner.awards)),
        Violation::CountersDiffer,
    )
}

/// I4: all rows of a board are in the contract's order, found by their ids, and have the ranks 1, 2, 2, 4. O(n log n).
///
/// # Errors
/// [`Violation::BoardOutOfOrder`] or [`Violation::RankDiffers`].
pub fn board_is_ordered_and_ranked(board: &Board) -> Result<(), Violation> {
    let rows = board.page(0, usize::MAX);
    require(rows.len() == board.len(), Violation::BoardOutOfOrder)?;
    require(
        rows.is_sorted_by(|one, next| one.standing < next.standing),
        Violation::BoardOutOfOrder,
    )?;
    let mut above = 0;
    for (place, row) in rows.iter().enumerate() {
        let is_tie = place > 0 && rows[place - 1].standing.score.points == row.standing.score.points;
        above = if is_tie { above } else { place as u64 };
        require(
            row.rank == above + 1 && board.rank(row.standing.id) == Some(row.rank),
            Violation::RankDiffers,
        )?;
        require(board.place(row.standing.id) == Some(place), Violation::BoardOutOfOrder)?;
    }
    Ok(())
}

/// I6: between two consecutive states no progress fell and no completion changed; a unit is complete exactly at 100.
///
/// # Errors
/// [`Violation::ProgressFell`] or [`Violation::CompletionChanged`].
pub fn progress_only_rises(before: &Learner, after: &Learner) -> Result<(), Violation> {
    for (unit, old) in &before.units {
        let new = after.units.get(unit).ok_or(Violation::ProgressFell)?;
        require(
            new.progress_percentage >= old.progress_percentage,
            Violation::ProgressFell,
        )?;
        require(new.last_accessed >= old.last_accessed, Violation::ProgressFell)?;
        require(
            old.completed_at.is_none() || new.completed_at == old.completed_at,
            Violation::CompletionChanged,
        )?;
    }
    after.units.values().try_for_each(unit_is_sound)
}

/// I3, I4 and I6 for one step, from the state before it alone: cheap enough for every `evolve` of a debug build.
///
/// # Errors
/// What the event would break.
pub fn event_follows(before: &Learner, event: &LearnerEvent) -> Result<(), Violation> {
    match event {
        LearnerEvent::PointsAwarded {
            action,
            reference,
            points,
            total,
            ..
        } => {
            require(
                !before.awards.contains_key(&(*action, *reference)),
                Violation::NaturalKeyTwice,
            )?;
            require(
                before.total.saturating_add(u64::from(*points)) == *total,
                Violation::TotalDiffers,
            )
        }
        LearnerEvent::PointsReinstated { points, total, .. } => require(
            before.total.saturating_add(u64::from(*points)) == *total,
            Violation::TotalDiffers,
        ),
        LearnerEvent::PointsReversed { points, total, .. } => require(
            before.total.checked_sub(u64::from(*points)) == Some(*total),
            Violation::TotalDiffers,
        ),
        LearnerEvent::PointsAdjusted {
            points, total, parts, ..
        } => {
            require(
                before.total.checked_add_signed(*points) == Some(*total),
                Violation::TotalDiffers,
            )?;
            let sum: i64 = parts.iter().map(|part| part.points).sum();
            require(sum == *points, Violation::TotalDiffers)
        }
        LearnerEvent::AchievementUnlocked { achievement, tier, .. } => {
            let key = (achievement.clone(), *tier);
            require(!before.achievements.contains_key(&key), Violation::EarnedTwice)
        }
        LearnerEvent::StateCarried { state, entries, .. } => {
            let sum: i64 = entries.iter().map(|entry| entry.points).sum();
            require(u64::try_from(sum) == Ok(state.total), Violation::TotalDiffers)
        }
        LearnerEvent::PointsRefused { total, .. } => require(before.total == *total, Violation::PointsChanged),
        LearnerEvent::ProgressMade {
            unit,
            progress_percentage,
            completed_at,
            ..
        } => {
            let Some(old) = before.units.get(unit) else {
                return Ok(());
            };
            require(*progress_percentage >= old.progress_percentage, Violation::ProgressFell)?;
            require(
                old.completed_at.is_none() || *completed_at == old.completed_at,
                Violation::CompletionChanged,
            )
        }
    }
}

fn unit_is_sound(unit: &UnitProgress) -> Result<(), Violation> {
    require(unit.progress_percentage <= 100, Violation::ProgressFell)?;
    require(
        (unit.progress_percentage == 100) == unit.completed_at.is_some(),
        Violation::CompletionChanged,
    )
}

/// The sum of qualities is compared with room for rounding, because it depends on the order of adding.
fn are_equal(one: &Counters, other: &Counters) -> bool {
    let sums_are_close = (one.resource_quality_sum - other.resource_quality_sum).abs() < 1e-6;
    sums_are_close
        && *one
            == Counters {
                resource_quality_sum: one.resource_quality_sum,
                ..other.clone()
            }
}

fn require(holds: bool, otherwise: Violation) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(otherwise) }
}
