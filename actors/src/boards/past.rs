//! A board as it was at a moment: the ledger up to then, with the members, teams and enrolments of then. Made for one reader
//! and kept for nobody. Names, and who is on boards at all, are those of now: nobody is shown again who no longer wants it.

mod people;

use self::people::People;
use super::BoardData;
use super::read::page;
use super::rows::{scale_of, standings_of};
use crate::domain::board::{Board, Score, Standing, scored, sum};
use crate::domain::rules::Transfer;
use crate::engine::BoardPart;
use crate::error::EngineError;
use crate::hub::{Hub, Span};
use crate::scores::score_of;
use crate::topics::{BoardName, Period};
use crate::views::BoardPage;
use homeroom_schema::limits::COMMAND_DEADLINE;
use homeroom_schema::records::StandingsOf;
use homeroom_schema::{EventId, StoreError, TeamId, TimeMs, UserId};
use std::collections::{HashMap, HashSet};

/// A part of a board as it was at a moment that has been.
///
/// # Errors
/// The store is unavailable; it takes too long.
pub(crate) async fn page_at(
    hub: &Hub,
    (board, period): (BoardName, Period),
    at: TimeMs,
    part: BoardPart,
    limit: usize,
) -> Result<BoardPage, EngineError> {
    let made = tokio::time::timeout(COMMAND_DEADLINE, data_at(hub, board, period, at));
    let data = made.await.map_err(|_| EngineError::TimedOut)?;
    let data = data.map_err(|error| {
        tracing::warn!(%error, "a board of the past could not be read");
        EngineError::StoreUnavailable
    })?;
    Ok(page(hub, board, &data, part, limit))
}

async fn data_at(hub: &Hub, board: BoardName, period: Period, at: TimeMs) -> Result<BoardData, StoreError> {
    let rules = hub.rules();
    let span = Span::of(period, hub.clock().local_day(at), &rules, hub.clock());
    let mut people = People::at(hub, at).await?;
    if people.are_some_late() {
        let ever = Span::of(Period::All, hub.clock().local_day(at), &rules, hub.clock());
        let earned = hub.store().standings(StandingsOf::Learners, ever.until(at)).await?;
        people.admit(earned.rows.iter().filter_map(|row| UserId::new(row.id).ok()));
    }
    let standings = standings_of(board, rules.teams);
    let standings = hub.store().standings(standings, span.until(at)).await?;
    let version = standings.last_event_id.map_or(0, EventId::get);
    let points: HashMap<u64, Score> = standings.rows.iter().map(|row| (row.id, score_of(row))).collect();
    let points_of = |id: u64| points.get(&id).copied().unwrap_or_default();
    let is_ranked = |user_id: &UserId| people.users.contains(user_id) && hub.roster().is_ranked(*user_id);
    let row = |id: UserId| Standing {
        id: id.get(),
        score: points_of(id.get()),
    };
    let rows: Vec<Standing> = match board {
        BoardName::All => people.users.iter().copied().filter(is_ranked).map(row).collect(),
        BoardName::Team(team_id) => people.members_of(team_id).filter(is_ranked).map(row).collect(),
        BoardName::Qualification(inside) => {
            let earned = points.keys().filter_map(|id| UserId::new(*id).ok());
            let all: HashSet<UserId> = people.learners_of(inside).chain(earned).filter(is_ranked).collect();
            all.into_iter().map(row).collect()
        }
        BoardName::Teams => {
            let team = |team_id: &TeamId| {
                let members: Vec<UserId> = people.members_of(*team_id).collect();
                let whole = match rules.teams.transfer {
                    Transfer::Follow => sum(members.iter().map(|user_id| points_of(user_id.get()))),
                    Transfer::Stay => points_of(team_id.get()),
                };
                Standing {
                    id: team_id.get(),
                    score: scored(whole, rules.teams.scoring, members.len()),
                }
            };
            people.teams.iter().map(team).collect()
        }
    };
    Ok(BoardData {
        epoch: "past".into(),
        version,
        span,
        scale: scale_of(board, rules.teams),
        board: Board::from_rows(rows),
    })
}
