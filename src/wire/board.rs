//! Boards and their rows, by lens.

use super::{optional_time, time};
use crate::secret::NodeSecret;
use homeroom_actors::Lens;
use homeroom_actors::domain::board::Figure;
use homeroom_actors::topics::{BoardName, Period};
use homeroom_actors::views::{BoardPage, BoardRow};
use homeroom_schema::TimeMs;
use homeroom_schema::records::TimeRange;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::cmp::Reverse;

/// Whole where teams score by sum, otherwise the unrounded number.
fn points(figure: Figure) -> Value {
    figure
        .as_whole()
        .map_or_else(|| json!(figure.as_f64()), |points| json!(points))
}

/// A row of a board: staff see names and ids, peers aliases and ids, a projector aliases and opaque handles. Teams are no
/// persons: everybody sees their name and id.
#[must_use]
pub fn board_row(board: BoardName, row: &BoardRow, lens: Lens, secret: &NodeSecret) -> Value {
    let mut shown = json!({
        "rank": row.rank,
        "name": &*row.alias,
        "points": points(row.points),
        "reached_at": optional_time(row.reached_at),
    });
    match (board, lens) {
        (BoardName::Teams, _) => {
            shown["team_id"] = json!(row.id);
            shown["name"] = json!(&*row.name);
        }
        (_, Lens::Staff) => {
            shown["user_id"] = json!(row.id);
            shown["name"] = json!(&*row.name);
        }
        (_, Lens::Peer) => shown["user_id"] = json!(row.id),
        (_, Lens::Projector) => shown["row"] = json!(secret.row_handle(&board.to_string(), row.id)),
    }
    shown
}

/// What a projector sees of a board: of people the rows that are its, equal ones in the order of their handles, so that
/// nothing follows from their ids; of teams those of a page that are among its `places`.
#[must_use]
pub fn projector_rows(board: BoardName, page: &BoardPage, secret: &NodeSecret, places: usize) -> Vec<BoardRow> {
    if board == BoardName::Teams {
        let shown = places.saturating_sub(page.from).min(page.rows.len());
        return page.rows[..shown].to_vec();
    }
    projector_order(board, page.front.clone(), secret)
}

/// Rows in the order in which a projector gets them.
#[must_use]
pub fn projector_order(board: BoardName, mut rows: Vec<BoardRow>, secret: &NodeSecret) -> Vec<BoardRow> {
    let name = board.to_string();
    rows.sort_by_cached_key(|row| {
        let order = (Reverse(row.points.key()), row.reached_at.is_none(), row.reached_at);
        (order, secret.row_handle(&name, row.id))
    });
    rows
}

/// `GET /leaderboards/{board}` and the snapshot of a board's topic. `places` is what a projector sees at most.
#[must_use]
pub fn board(
    board: BoardName,
    period: Period,
    page: &BoardPage,
    lens: Lens,
    secret: &NodeSecret,
    places: usize,
) -> Value {
    let (rows, total) = match lens {
        Lens::Projector => (
            projector_rows(board, page, secret, places).into(),
            page.total.min(places),
        ),
        Lens::Staff | Lens::Peer => (Cow::Borrowed(page.rows.as_slice()), page.total),
    };
    board_of_rows(board, period, page, lens, secret, &rows, total)
}

/// The same with these rows of it.
#[must_use]
pub fn board_of_rows(
    board: BoardName,
    period: Period,
    page: &BoardPage,
    lens: Lens,
    secret: &NodeSecret,
    rows: &[BoardRow],
    total: usize,
) -> Value {
    let rows = rows.iter().map(|row| board_row(board, row, lens, secret));
    let mut shown = json!({
        "board": board.to_string(),
        "period": period.to_string(),
        "epoch": &*page.epoch,
        "version": page.version,
        "total": total,
        "entries": rows.collect::<Vec<_>>(),
        "next_cursor": null,
    });
    let TimeRange { from, to } = page.span.range;
    let bounded = |at: TimeMs, open: TimeMs| optional_time(Some(at).filter(|at| *at != open));
    shown["from"] = bounded(from, TimeRange::ALL.from).into();
    shown["to"] = bounded(to, TimeRange::ALL.to).into();
    if period == Period::Season {
        shown["season"] = json!(page.span.season.as_ref().map(|season| json!({
            "name": season.name, "from": time(season.range.from), "to": time(season.range.to),
        })));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_actors::hub::Span;
    use homeroom_schema::TeamId;
    use std::sync::Arc;

    fn page(rows: u64) -> BoardPage {
        let row = |id| BoardRow {
            rank: id,
            id,
            name: Arc::from("Real Name"),
            alias: Arc::from("Comet"),
            points: Figure::whole(100 - id),
            reached_at: Some(TimeMs(0)),
        };
        BoardPage {
            epoch: Arc::from("e"),
            version: 9,
            total: rows as usize,
            from: 0,
            rows: (1..=rows).map(row).collect(),
            front: (1..=rows.min(3)).map(row).collect(),
            span: Span::ALL,
        }
    }

    #[test]
    fn each_lens_sees_what_it_may() {
        let secret = NodeSecret::new([3; 32]);
        let row = &page(1).rows[0];
        for (name, lens, expected) in [
            (BoardName::All, Lens::Staff, json!({"name": "Real Name", "user_id": 1})),
            (BoardName::All, Lens::Peer, json!({"name": "Comet", "user_id": 1})),
            (
                BoardName::All,
                Lens::Projector,
                json!({"name": "Comet", "row": secret.row_handle("all", 1)}),
            ),
            (
                BoardName::Team(TeamId::MIN),
                Lens::Staff,
                json!({"name": "Real Name", "user_id": 1}),
            ),
            (
                BoardName::Teams,
                Lens::Staff,
                json!({"name": "Real Name", "team_id": 1}),
            ),
            (BoardName::Teams, Lens::Peer, json!({"name": "Real Name", "team_id": 1})),
            (
                BoardName::Teams,
                Lens::Projector,
                json!({"name": "Real Name", "team_id": 1}),
            ),
        ] {
            let mut shown = board_row(name, row, lens, &secret);
            let fields = shown.as_object_mut().expect("an object");
            for common in ["rank", "points", "reached_at"] {
                assert!(fields.remove(common).is_some(), "{common}");
            }
            assert_eq!(shown, expected, "{name} {lens:?}");
        }
    }

    #[test]
    fn a_projector_sees_the_first_places_only() {
        let secret = NodeSecret::new([3; 32]);
        let seen = |page: &BoardPage, lens| {
            let shown = board(BoardName::All, Period::All, page, lens, &secret, 3);
            (shown["entries"].as_array().map(Vec::len), shown["total"].clone())
        };
        let five = page(5);
        assert_eq!(seen(&five, Lens::Peer), (Some(5), json!(5)));
        assert_eq!(seen(&five, Lens::Projector), (Some(3), json!(3)));
        assert_eq!(seen(&page(2), Lens::Projector), (Some(2), json!(2)));
        let text = board(BoardName::All, Period::All, &page(3), Lens::Projector, &secret, 3).to_string();
        assert!(!text.contains("Real") && !text.contains("user_id"), "{text}");
    }

    #[test]
    fn equal_rows_of_a_projector_are_in_the_order_of_their_handles() {
        let secret = NodeSecret::new([3; 32]);
        let mut page = page(30);
        page.front.clone_from(&page.rows);
        for row in &mut page.front[1..29] {
            row.points = Figure::whole(80);
        }
        let rows = projector_rows(BoardName::All, &page, &secret, 30);
        assert_eq!((rows[0].id, rows[29].id), (1, 30), "points come first");
        let handles: Vec<String> = rows[1..29].iter().map(|row| secret.row_handle("all", row.id)).collect();
        assert!(
            handles.is_sorted() && rows[1..29].iter().any(|row| row.id > 15) && !rows.is_sorted_by_key(|row| row.id)
        );
    }

    #[test]
    fn quotients_are_shown_unrounded() {
        assert_eq!(points(Figure::whole(7)).to_string(), "7");
        assert_eq!(points(Figure::fraction(100.0 / 3.0)), json!(100.0 / 3.0));
    }
}
