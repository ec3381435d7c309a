//! Who is on a board, and with which score: by the roster, the scores and the store of now. Absolute, so that looking twice,
//! or too late, changes nothing.

use crate::domain::board::{Score, Standing};
use crate::hub::Hub;
use crate::topics::BoardName;
use homeroom_schema::{StoreError, TeamId, UserId};
use std::collections::{HashMap, HashSet};

/// People of one page of the roster.
const PAGE: usize = 1_000;

/// Where the rows of one board come from.
pub(super) struct Source {
    board: BoardName,
    /// Qualification boards: who is enrolled, and points inside the qualification. Nobody else keeps the latter.
    enrolled: HashSet<u64>,
    entries: HashMap<u64, (u64, Score)>,
}

impl Source {
    pub(super) fn new(board: BoardName) -> Self {
        Self {
            board,
            enrolled: HashSet::new(),
            entries: HashMap::new(),
        }
    }

    /// Reads what only the store knows.
    pub(super) async fn load(&mut self, hub: &Hub) -> Result<(), StoreError> {
        let BoardName::Qualification(qualification_id) = self.board else {
            return Ok(());
        };
        for standing in hub.store().qualification_standings(qualification_id).await? {
            let score = Score {
                points: standing.points,
                reached_at: Some(standing.reached_at),
            };
            self.note(standing.user_id.get(), standing.event_id.get(), score);
        }
        Ok(())
    }

    /// Takes a score that came with a mark, unless a newer one is known.
    pub(super) fn note(&mut self, id: u64, event_id: u64, score: Score) {
        let entry = self.entries.entry(id).or_insert((event_id, score));
        if entry.0 <= event_id {
            *entry = (event_id, score);
        }
    }

    /// Reads anew who is enrolled. Whoever comes back from the archive comes back to enrolments, too.
    pub(super) fn refresh(&mut self, hub: &Hub) {
        if let BoardName::Qualification(qualification_id) = self.board {
            let learners = hub.roster().learners_of(qualification_id);
            self.enrolled = learners.into_iter().map(UserId::get).collect();
        }
    }

    /// Everybody who may be on the board now.
    pub(super) fn candidates(&self, hub: &Hub) -> Vec<u64> {
        match self.board {
            BoardName::All => all_users(hub),
            BoardName::Teams => all_teams(hub),
            BoardName::Team(team_id) => {
                let members = hub.roster().members(team_id);
                members.iter().map(|member| member.user_id.get()).collect()
            }
            BoardName::Qualification(_) => self.enrolled.iter().chain(self.entries.keys()).copied().collect(),
        }
    }

    /// The score of a row of now; none if it is not on the board.
    pub(super) fn score(&self, hub: &Hub, id: u64) -> Option<Score> {
        if self.board == BoardName::Teams {
            return team_score(hub, TeamId::new(id).ok()?);
        }
        let user_id = UserId::new(id).ok()?;
        if !hub.roster().is_ranked(user_id) {
            return None;
        }
        match self.board {
            BoardName::All | BoardName::Teams => Some(hub.scores().get(user_id)),
            BoardName::Team(team_id) => {
                let is_member = hub.roster().is_member(team_id, user_id);
                is_member.then(|| hub.scores().get(user_id))
            }
            BoardName::Qualification(_) => match self.entries.get(&id) {
                Some((_, score)) => Some(*score),
                None => self.enrolled.contains(&id).then(Score::default),
            },
        }
    }

    /// All rows of now.
    pub(super) fn rows(&mut self, hub: &Hub) -> Vec<Standing> {
        self.refresh(hub);
        let ids = self.candidates(hub);
        let row = |id| {
            Some(Standing {
                id,
                score: self.score(hub, id)?,
            })
        };
        ids.into_iter().filter_map(row).collect()
    }
}

/// The sum of the totals of all present members, whatever they are; reached when the last of them reached theirs.
fn team_score(hub: &Hub, team_id: TeamId) -> Option<Score> {
    let team = hub.roster().team(team_id)?;
    if team.archived_at.is_some() {
        return None;
    }
    let members = hub.roster().members(team_id);
    let scores = members.iter().map(|member| hub.scores().get(member.user_id));
    Some(scores.fold(Score::default(), |sum, score| Score {
        points: sum.points + score.points,
        reached_at: if score.points > 0 {
            sum.reached_at.max(score.reached_at)
        } else {
            sum.reached_at
        },
    }))
}

fn all_users(hub: &Hub) -> Vec<u64> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = hub.roster().users_after(after, PAGE, false);
        ids.extend(page.iter().map(|user| user.user_id.get()));
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.user_id),
            _ => return ids,
        }
    }
}

fn all_teams(hub: &Hub) -> Vec<u64> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = hub.roster().teams_after(after, PAGE, false);
        ids.extend(page.iter().map(|team| team.team_id.get()));
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.team_id),
            _ => return ids,
        }
    }
}
