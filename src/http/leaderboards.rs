//! Boards, page by page or around somebody.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use super::page::Page;
use super::routes::Routes;
use crate::fields::Fields;
use crate::permissions::board_lens;
use crate::problem::{Problem, Unknown};
use crate::wire;
use homeroom_actors::Lens;
use homeroom_actors::domain::board::{Score, Standing};
use homeroom_actors::engine::BoardPart;
use homeroom_actors::topics::{BoardName, Period};
use homeroom_actors::views::BoardPage;
use homeroom_schema::TimeMs;
use homeroom_schema::ids::ID_MAX;
use serde::{Deserialize, Serialize};
use serde_json::json;

const NEIGHBOURS_DEFAULT: usize = 5;
const NEIGHBOURS_MAX: u64 = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/leaderboards/{board}", leaderboard)
}

/// What is asked of a board.
struct Wanted {
    period: Period,
    page: Page,
    around: Option<u64>,
    neighbours: usize,
    at: Option<TimeMs>,
}

/// Where the next page of a board begins.
#[derive(Serialize, Deserialize)]
enum Place {
    /// After this row, wherever it is by then: for those who see ids anyway.
    After(u64, Option<TimeMs>, u64),
    /// At this place: for projectors, whose cursors name nobody.
    At(usize),
}

async fn leaderboard(call: Call) -> Answered {
    let board: Result<BoardName, _> = call.path_text("board").parse();
    let board = board.map_err(|_| Problem::unknown(Unknown::Board))?;
    let lens = board_lens(&call.caller, board, call.app.engine().roster())?;
    let wanted = call.read_query(read)?;
    let is_of_people = board != BoardName::Teams;
    if wanted.around.is_some() && lens == Lens::Projector && is_of_people {
        // Around a known person, the row in the middle would tell whose handle it is.
        return Err(Problem::forbidden_field(
            "around",
            "is not for projectors on boards of people",
        ));
    }
    let (secret, places) = (call.app.secret(), call.app.config().projector_places);
    let at = wanted.at.map_or_else(String::new, |at| at.0.to_string());
    let scope = format!("board {board} {} {at} {lens:?}", wanted.period);
    let part = part(&call, &wanted, &scope)?;
    let limit = match wanted.around {
        Some(_) => 2 * wanted.neighbours + 1,
        None => wanted.page.limit,
    };
    // A projector's few rows are ordered whole before they are cut into pages: nothing in their order comes from ids.
    let is_front = lens == Lens::Projector && is_of_people;
    let from_engine = if is_front { BoardPart::Front } else { part };
    let engine = call.app.engine();
    let page = match wanted.at {
        None => engine.board(board, wanted.period, from_engine, limit).await,
        Some(at) if at > call.app.clock().now() => return Err(Problem::invalid("at", "must not be in the future")),
        Some(at) => engine.board_at(board, wanted.period, at, from_engine, limit).await,
    };
    let in_path = [Unknown::Team, Unknown::Qualification];
    let page = page.map_err(|error| Problem::from(error).with_path(&in_path))?;
    let (body, next) = if let (true, BoardPart::From(from)) = (is_front, part) {
        let rows = wire::projector_rows(board, &page, secret, places);
        let from = from.min(rows.len());
        let shown = &rows[from..(from + limit).min(rows.len())];
        let end = from + shown.len();
        let next = (end < rows.len()).then_some(Place::At(end));
        let body = wire::board_of_rows(board, wanted.period, &page, lens, secret, shown, rows.len());
        (body, next)
    } else {
        let body = wire::board(board, wanted.period, &page, lens, secret, places);
        (body, next_place(&page, lens, places))
    };
    let mut body = body;
    if let Some(at) = wanted.at {
        body["at"] = json!(wire::time(at));
    }
    body["next_cursor"] = json!(next.and_then(|place| cursor::encode(secret, &scope, &place)));
    Ok(answer::tagged(call.headers(), &body))
}

fn read(fields: &mut Fields<'_>) -> Wanted {
    let period = fields
        .optional_text("period")
        .map_or(Some(Period::All), |text| text.parse().ok());
    if period.is_none() {
        fields.wrong("period", "must be one of all, day, week, season");
    }
    let page = Page::read(fields);
    let around = fields.optional_whole("around", 1..=ID_MAX);
    if around.is_some() && page.cursor.is_some() {
        fields.wrong("around", "cannot be combined with cursor");
    }
    let at = fields.optional_time("at");
    let neighbours = fields.optional_whole("neighbours", 0..=NEIGHBOURS_MAX);
    Wanted {
        period: period.unwrap_or(Period::All),
        page,
        around,
        neighbours: neighbours.map_or(NEIGHBOURS_DEFAULT, |count| count as usize),
        at,
    }
}

fn part(call: &Call, wanted: &Wanted, scope: &str) -> Result<BoardPart, Problem> {
    if let Some(id) = wanted.around {
        let neighbours = wanted.neighbours;
        return Ok(BoardPart::Around { id, neighbours });
    }
    let Some(text) = &wanted.page.cursor else {
        return Ok(BoardPart::From(0));
    };
    Ok(match cursor::decode(call.app.secret(), scope, text)? {
        Place::After(points, reached_at, id) => BoardPart::After(Standing {
            id,
            score: Score { points, reached_at },
        }),
        Place::At(place) => BoardPart::From(place),
    })
}

fn next_place(page: &BoardPage, lens: Lens, places: usize) -> Option<Place> {
    let end = page.from + page.rows.len();
    if lens == Lens::Projector {
        let last = page.total.min(places);
        return (end < last && !page.rows.is_empty()).then_some(Place::At(end));
    }
    let last = page.rows.last().filter(|_| end < page.total)?;
    Some(Place::After(last.points.key(), last.reached_at, last.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn said(query: &Value) -> String {
        let mut fields = Fields::of_query(query);
        let wanted = read(&mut fields);
        fields
            .finish(wanted)
            .err()
            .map_or(String::new(), |p| p.errors[0].field.clone())
    }

    #[test]
    fn the_query_is_checked() {
        for (query, wrong) in [
            (json!({}), ""),
            (
                json!({"period": "all", "limit": "1000", "around": "7", "neighbours": "100"}),
                "",
            ),
            (json!({"period": "week"}), ""),
            (json!({"period": "never"}), "period"),
            (json!({"at": "2026-03-01T09:30:00Z"}), ""),
            (json!({"at": "yesterday"}), "at"),
            (json!({"limit": "0"}), "limit"),
            (json!({"limit": "1001"}), "limit"),
            (json!({"limit": "-1"}), "limit"),
            (json!({"limit": "1e3"}), "limit"),
            (json!({"limit": ""}), "limit"),
            (json!({"around": "0"}), "around"),
            (json!({"around": "x"}), "around"),
            (json!({"around": "7", "cursor": "x"}), "around"),
            (json!({"neighbours": "101"}), "neighbours"),
        ] {
            assert_eq!(said(&query), wrong, "{query}");
        }
    }
}
