//! Boards and their rows, by lens.

use super::optional_time;
use crate::secret::NodeSecret;
use homeroom_actors::Lens;
use homeroom_actors::topics::{BoardName, Period};
use homeroom_actors::views::{BoardPage, BoardRow};
use serde_json::{Value, json};

/// A row of a board: staff see names and ids, peers aliases and ids, a projector aliases and opaque handles. Teams are no
/// persons: everybody sees their name and id.
#[must_use]
pub fn board_row(board: BoardName, row: &BoardRow, lens: Lens, secret: &NodeSecret) -> Value {
    let mut shown = json!({
        "rank": row.rank,
        "name": &*row.alias,
        "points": row.points,
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

/// How many rows of a page a projector sees: those among the first `places` places of the board.
#[must_use]
pub fn projector_rows(page: &BoardPage, places: usize) -> usize {
    places.saturating_sub(page.from).min(page.rows.len())
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
    let (shown, total) = match lens {
        Lens::Projector => (projector_rows(page, places), page.total.min(places)),
        Lens::Staff | Lens::Peer => (page.rows.len(), page.total),
    };
    let rows = page.rows.iter().take(shown);
    json!({
        "board": board.to_string(),
        "period": period.to_string(),
        "epoch": &*page.epoch,
        "version": page.version,
        "total": total,
        "entries": rows.map(|row| board_row(board, row, lens, secret)).collect::<Vec<_>>(),
        "next_cursor": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_schema::{TeamId, TimeMs};
    use std::sync::Arc;

    fn page(rows: u64) -> BoardPage {
        let row = |id| BoardRow {
            rank: id,
            id,
            name: Arc::from("Real Name"),
            alias: Arc::from("Comet"),
            points: 100 - id,
            reached_at: Some(TimeMs(0)),
        };
        BoardPage {
            epoch: Arc::from("e"),
            version: 9,
            total: rows as usize,
            from: 0,
            rows: (1..=rows).map(row).collect(),
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
        let mut five = page(5);
        assert_eq!(seen(&five, Lens::Peer), (Some(5), json!(5)));
        assert_eq!(seen(&five, Lens::Projector), (Some(3), json!(3)));
        assert_eq!(seen(&page(2), Lens::Projector), (Some(2), json!(2)));
        five.from = 2;
        assert_eq!(seen(&five, Lens::Projector), (Some(1), json!(3)));
        five.from = 3;
        assert_eq!(seen(&five, Lens::Projector), (Some(0), json!(3)));
        let text = board(BoardName::All, Period::All, &page(3), Lens::Projector, &secret, 3).to_string();
        assert!(!text.contains("Real") && !text.contains("user_id"), "{text}");
    }
}
