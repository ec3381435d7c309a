//! Who is on a board, and with which score: by the roster, the scores and the store of now. Absolute, so that looking twice,
//! or too late, changes nothing.

use crate::domain::board::{Scale, Score, Standing, scored, sum};
use crate::domain::rules::{TeamRules, TeamScoring, Transfer};
use crate::hub::{Hub, Span};
use crate::scores::Tally;
use crate::topics::{BoardName, Period};
use homeroom_schema::records::StandingsOf;
use homeroom_schema::{StoreError, TeamId, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// People of one page of the roster.
const PAGE: usize = 1_000;

/// Where the rows of one board come from.
pub(super) struct Source {
    board: BoardName,
    span: Span,
    points: Points,
    /// Board of teams: how they score.
    teams: TeamRules,
    /// Qualification boards: who is enrolled, and points inside the qualification. Nobody else keeps the latter.
    enrolled: HashSet<u64>,
    entries: HashMap<u64, (u64, Score)>,
}

/// Where points come from.
enum Points {
    /// The total of each learner.
    Totals,
    /// The total of each learner inside the qualification.
    Inside,
    /// Sums of a period, or by team.
    Counted(Arc<Tally>),
}

impl Source {
    /// By the calendar of now.
    pub(super) fn new(hub: &Hub, (board, period): (BoardName, Period)) -> Self {
        let calendar = hub.calendar();
        let of = standings_of(board, calendar.teams);
        let points = match (period, of) {
            (Period::All, StandingsOf::Learners) => Points::Totals,
            (Period::All, StandingsOf::LearnersIn(_)) => Points::Inside,
            _ => Points::Counted(hub.tally(of, period)),
        };
        Self {
            board,
            span: calendar.span(period).clone(),
            points,
            teams: calendar.teams,
            enrolled: HashSet::new(),
            entries: HashMap::new(),
        }
    }

    /// What is counted.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// What kind of numbers.
    pub(super) fn scale(&self) -> Scale {
        scale_of(self.board, self.teams)
    }

    /// Whether what is counted is this board's period, with nothing missing.
    pub(super) fn is_whole(&self) -> bool {
        match &self.points {
            Points::Counted(tally) => tally.counts(self.span.range),
            Points::Totals | Points::Inside => true,
        }
    }

    /// Reads what only the store knows.
    pub(super) async fn load(&mut self, hub: &Hub) -> Result<(), StoreError> {
        if let Points::Counted(tally) = &self.points {
            return tally.load(&**hub.store(), self.span.range).await;
        }
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
            BoardName::Qualification(_) => {
                let mut ids: Vec<u64> = self.enrolled.iter().chain(self.entries.keys()).copied().collect();
                if let Points::Counted(tally) = &self.points {
                    ids.extend(tally.ids());
                }
                ids
            }
        }
    }

    /// The score of a row of now; none if it is not on the board.
    pub(super) fn score(&self, hub: &Hub, id: u64) -> Option<Score> {
        if self.board == BoardName::Teams {
            return self.team_score(hub, TeamId::new(id).ok()?);
        }
        let user_id = UserId::new(id).ok()?;
        if !hub.roster().is_ranked(user_id) {
            return None;
        }
        match self.board {
            BoardName::All | BoardName::Teams => Some(self.points_of(hub, user_id)),
            BoardName::Team(team_id) => {
                let is_member = hub.roster().is_member(team_id, user_id);
                is_member.then(|| self.points_of(hub, user_id))
            }
            BoardName::Qualification(_) => {
                let known = match &self.points {
                    Points::Counted(tally) => tally.known(id),
                    Points::Totals | Points::Inside => self.entries.get(&id).map(|(_, score)| *score),
                };
                known.or_else(|| self.enrolled.contains(&id).then(Score::default))
            }
        }
    }

    fn points_of(&self, hub: &Hub, user_id: UserId) -> Score {
        match &self.points {
            Points::Counted(tally) => tally.score(user_id.get()),
            Points::Totals | Points::Inside => hub.scores().get(user_id),
        }
    }

    /// By the members' points, whatever they are, or by what was earned in the team; reached when the last of them was.
    fn team_score(&self, hub: &Hub, team_id: TeamId) -> Option<Score> {
        let team = hub.roster().team(team_id)?;
        if team.archived_at.is_some() {
            return None;
        }
        let members = hub.roster().members(team_id);
        let sum = match (&self.points, self.teams.transfer) {
            (Points::Counted(tally), Transfer::Stay) => tally.score(team_id.get()),
            _ => sum(members.iter().map(|member| self.points_of(hub, member.user_id))),
        };
        Some(scored(sum, self.teams.scoring, members.len()))
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

/// Whose points make the rows of a board.
pub(super) fn standings_of(board: BoardName, teams: TeamRules) -> StandingsOf {
    match board {
        BoardName::Teams if teams.transfer == Transfer::Stay => StandingsOf::Teams,
        BoardName::Qualification(inside) => StandingsOf::LearnersIn(inside),
        BoardName::All | BoardName::Teams | BoardName::Team(_) => StandingsOf::Learners,
    }
}

/// What kind of numbers a board has.
pub(super) fn scale_of(board: BoardName, teams: TeamRules) -> Scale {
    match (board, teams.scoring) {
        (BoardName::Teams, TeamScoring::Mean | TeamScoring::Adjusted) => Scale::Fraction,
        _ => Scale::Whole,
    }
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
