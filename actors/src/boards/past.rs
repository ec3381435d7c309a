//! A board as it was at a moment: the ledger up to then, with the members, teams and enrolments of then. Made for one reader
//! and kept for nobody. Names, and who is on boards at all, are those of now: nobody is shown again who no longer wants it.

use super::BoardData;
use super::read::page;
use super::rows::{scale_of, standings_of};
use crate::domain::board::{Board, Score, Standing, scored, sum};
use crate::domain::rules::Transfer;
use crate::engine::BoardPart;
use crate::error::EngineError;
use crate::hub::{Hub, Span};
use crate::roster::{EntityKind, RosterEvent};
use crate::scores::score_of;
use crate::topics::{BoardName, Period};
use crate::views::BoardPage;
use homeroom_schema::limits::{COMMAND_DEADLINE, STREAM_PAGE_MAX};
use homeroom_schema::records::StreamId;
use homeroom_schema::{EventId, QualificationId, StoreError, TeamId, TimeMs, UserId, Version};
use std::collections::{BTreeSet, HashMap, HashSet};

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
    let people = people_at(hub, at).await?;
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
            let enrolled = people.enrolments.range((inside, UserId::MIN)..=(inside, UserId::MAX));
            let enrolled = enrolled.map(|(_, user_id)| *user_id);
            let earned = points.keys().filter_map(|id| UserId::new(*id).ok());
            let all: HashSet<UserId> = enrolled.chain(earned).filter(is_ranked).collect();
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

/// Who and what there was at a moment, archived ones left out.
#[derive(Default)]
struct People {
    users: BTreeSet<UserId>,
    teams: BTreeSet<TeamId>,
    members: BTreeSet<(TeamId, UserId)>,
    enrolments: BTreeSet<(QualificationId, UserId)>,
}

/// From the facts of the roster up to a moment. Events are in the order in which they were kept.
async fn people_at(hub: &Hub, at: TimeMs) -> Result<People, StoreError> {
    let mut people = People::default();
    let mut after = Version::ZERO;
    loop {
        let page = hub
            .store()
            .read_stream(StreamId::ROSTER, after, STREAM_PAGE_MAX)
            .await?;
        let is_last = page.len() < STREAM_PAGE_MAX;
        for stored in page {
            after = stored.version;
            // Clocks may have gone back: then later facts can be of an earlier moment, and count.
            if stored.recorded_at <= at {
                let event = serde_json::from_str(&stored.body).map_err(|error| StoreError::Damaged {
                    cause: format!("event {}: {error}", stored.event_id),
                })?;
                people.fold(event);
            }
        }
        if is_last {
            return Ok(people);
        }
    }
}

impl People {
    fn fold(&mut self, event: RosterEvent) {
        match event {
            RosterEvent::UsersPut { users } => self.users.extend(users.iter().map(|user| user.id)),
            RosterEvent::TeamsPut { teams } => self.teams.extend(teams.iter().map(|team| team.id)),
            RosterEvent::MembersPut { members } => {
                let members = members.iter().map(|member| (member.team_id, member.user_id));
                self.members.extend(members);
            }
            RosterEvent::MembersRemoved { members } => {
                for member in members {
                    self.members.remove(&(member.team_id, member.user_id));
                }
            }
            RosterEvent::Enrolled { enrolments } => {
                let enrolments = enrolments.iter().map(|row| (row.qualification_id, row.user_id));
                self.enrolments.extend(enrolments);
            }
            RosterEvent::Unenrolled { enrolments } => {
                for row in enrolments {
                    self.enrolments.remove(&(row.qualification_id, row.user_id));
                }
            }
            RosterEvent::Archived { entity, id } => self.archive(entity, id),
            RosterEvent::UserErased { id } => {
                self.users.remove(&id);
                self.members.retain(|(_, user_id)| *user_id != id);
                self.enrolments.retain(|(_, user_id)| *user_id != id);
            }
            RosterEvent::QualificationsPut { .. }
            | RosterEvent::UnitsPut { .. }
            | RosterEvent::PreferencePut { .. } => {}
        }
    }

    fn archive(&mut self, entity: EntityKind, id: u64) {
        match entity {
            EntityKind::User => drop(UserId::new(id).map(|id| self.users.remove(&id))),
            EntityKind::Team => drop(TeamId::new(id).map(|id| self.teams.remove(&id))),
            EntityKind::Qualification | EntityKind::Unit => {}
        }
    }

    fn members_of(&self, team_id: TeamId) -> impl Iterator<Item = UserId> {
        let members = self.members.range((team_id, UserId::MIN)..=(team_id, UserId::MAX));
        let members = members.map(|(_, user_id)| *user_id);
        members.filter(|user_id| self.users.contains(user_id))
    }
}
