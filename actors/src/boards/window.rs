//! The rows that a board's topic shows, and what changed between two of them. Pure but for names, which are given.

use crate::domain::board::{Figure, Ranked, Scale};
use crate::topics::BoardChanges;
use crate::views::BoardRow;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows of a window with names; `named` gives name and alias of a row.
pub(super) fn rows_of(
    ranked: Vec<Ranked>,
    scale: Scale,
    mut named: impl FnMut(u64) -> (Arc<str>, Arc<str>),
) -> Vec<BoardRow> {
    let rows = ranked.into_iter().map(|Ranked { rank, standing }| {
        let (name, alias) = named(standing.id);
        BoardRow {
            rank,
            id: standing.id,
            name,
            alias,
            points: Figure::of_key(scale, standing.score.points),
            reached_at: standing.score.reached_at,
        }
    });
    rows.collect()
}

/// Rows of `new` that were not in `old` or look different but for their rank, in order; and the ids that left, rising.
pub(super) fn diff(old: &[BoardRow], new: &[BoardRow]) -> BoardChanges {
    let mut before: HashMap<u64, &BoardRow> = old.iter().map(|row| (row.id, row)).collect();
    let mut changes = Vec::new();
    for row in new {
        match before.remove(&row.id) {
            Some(known) if looks_alike(known, row) => {}
            _ => changes.push(row.clone()),
        }
    }
    let mut removed: Vec<u64> = before.into_keys().collect();
    removed.sort_unstable();
    BoardChanges { changes, removed }
}

/// Ranks follow from the order, so that a row that only shifts says nothing.
fn looks_alike(one: &BoardRow, other: &BoardRow) -> bool {
    one.points == other.points
        && one.reached_at == other.reached_at
        && one.name == other.name
        && one.alias == other.alias
}
