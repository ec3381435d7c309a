//! Parts of a board for readers: rows under a short lock, names from the roster of now.

use super::window::rows_of;
use super::{BoardData, BoardHandle};
use crate::domain::board::{Board, Ranked, Scale, Standing};
use crate::engine::BoardPart;
use crate::hub::Hub;
use crate::topics::BoardName;
use crate::views::BoardPage;
use homeroom_schema::limits::PAGE_MAX;
use homeroom_schema::{TeamId, UserId};
use std::sync::Arc;

/// Equal rows that are looked at for a projector's last places.
const TIES_MAX: usize = 4_096;

/// A part of a board as it is now.
pub(crate) fn page_of(hub: &Hub, handle: &BoardHandle, part: BoardPart, limit: usize) -> BoardPage {
    let board = handle.key.0;
    let cut = handle.shared.read(|data| cut(hub, board, data, part, limit));
    named(hub, board, cut)
}

/// A part of these rows.
pub(super) fn page(hub: &Hub, board: BoardName, data: &BoardData, part: BoardPart, limit: usize) -> BoardPage {
    named(hub, board, cut(hub, board, data, part, limit))
}

/// A part without names: what is done while the rows are held.
struct Cut {
    page: BoardPage,
    rows: Vec<Ranked>,
    front: Vec<Ranked>,
    scale: Scale,
}

fn cut(hub: &Hub, board: BoardName, data: &BoardData, part: BoardPart, limit: usize) -> Cut {
    let (from, rows) = part_of(&data.board, part, limit.min(PAGE_MAX));
    let front = match part {
        BoardPart::Front => front_of(hub, board, &data.board),
        _ => Vec::new(),
    };
    let page = BoardPage {
        epoch: Arc::clone(&data.epoch),
        version: data.version,
        total: data.board.len(),
        from,
        rows: Vec::new(),
        front: Vec::new(),
        span: data.span.clone(),
    };
    Cut {
        page,
        rows,
        front,
        scale: data.scale,
    }
}

fn named(hub: &Hub, board: BoardName, cut: Cut) -> BoardPage {
    let Cut {
        page,
        rows,
        front,
        scale,
    } = cut;
    BoardPage {
        rows: rows_of(rows, scale, |id| names(hub, board, id)),
        front: rows_of(front, scale, |id| names(hub, board, id)),
        ..page
    }
}

/// The rows that a projector sees. Of equal rows at its last place those are taken that come first in an order of their own,
/// which nobody outside knows; of very many equal ones the first [`TIES_MAX`].
pub(super) fn front_of(hub: &Hub, board_name: BoardName, board: &Board) -> Vec<Ranked> {
    let places = hub.projector_places();
    let mut front = board.page(0, places.saturating_add(1));
    if front.len() <= places || board_name == BoardName::Teams {
        front.truncate(places);
        return front;
    }
    let Some(beyond) = front.pop().map(|row| row.standing.score) else {
        return front;
    };
    let above = front.iter().filter(|row| row.standing.score != beyond).count();
    if above == front.len() {
        return front;
    }
    front.truncate(above);
    let mut equal = board.page(above, TIES_MAX);
    equal.retain(|row| row.standing.score == beyond);
    equal.sort_by_cached_key(|row| hub.roster().tie_key(row.standing.id));
    front.extend(equal.into_iter().take(places - above));
    front
}

/// The place of the first row, and the rows.
fn part_of(board: &Board, part: BoardPart, limit: usize) -> (usize, Vec<Ranked>) {
    match part {
        // Not by place.
        BoardPart::Front => (0, Vec::new()),
        BoardPart::From(from) => (from.min(board.len()), board.page(from, limit)),
        BoardPart::After(standing) => {
            let from = places_up_to(board, &standing);
            (from, board.page(from, limit))
        }
        BoardPart::Around { id, neighbours } => {
            let neighbours = neighbours.min(PAGE_MAX / 2);
            match (board.place(id), board.around(id, neighbours)) {
                (Some(place), Some(rows)) => (place.saturating_sub(neighbours), rows),
                _ => (0, Vec::new()),
            }
        }
    }
}

/// How many rows come before or at a place in the order, whether or not a row is there.
fn places_up_to(board: &Board, standing: &Standing) -> usize {
    let (mut low, mut high) = (0, board.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let is_up_to = board
            .page(middle, 1)
            .first()
            .is_some_and(|row| row.standing <= *standing);
        if is_up_to {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Name and alias of a row, by the roster of now.
pub(super) fn names(hub: &Hub, board: BoardName, id: u64) -> (Arc<str>, Arc<str>) {
    if board == BoardName::Teams {
        let team = TeamId::new(id).ok().and_then(|team_id| hub.roster().team(team_id));
        let name: Arc<str> = team.map(|team| team.name).unwrap_or_default().into();
        return (Arc::clone(&name), name);
    }
    let Ok(user_id) = UserId::new(id) else {
        return (Arc::default(), Arc::default());
    };
    let name = hub.roster().user(user_id).map(|user| user.name).unwrap_or_default();
    (name.into(), hub.roster().alias(user_id).unwrap_or_default())
}
