//! The sums of teams' points, as far as somebody has asked for them since the roster last changed.

use super::crosses;
use crate::domain::rules::{Measure, Rules};
use crate::hub::Hub;
use crate::journal::LearnerChange;
use homeroom_schema::{TeamId, TimeMs, UserId};
use std::collections::HashMap;

/// The sums of teams. Whoever puts a score holds its lock, so that no sum misses one.
#[derive(Default)]
pub(super) struct TeamSums {
    revision: u64,
    sums: HashMap<TeamId, Sum>,
}

#[derive(Clone, Copy)]
struct Sum {
    points: u64,
    members: u64,
}

impl TeamSums {
    /// Puts the scores. Who is in a team that reaches a level by it, at which a tier begins, may have earned something.
    pub(super) fn apply(
        &mut self,
        hub: &Hub,
        changes: &[LearnerChange],
        rules: &Rules,
        due: &mut Vec<(UserId, TimeMs)>,
    ) {
        self.look_at_roster(hub);
        for change in changes {
            let Some(score) = change.score else { continue };
            let before = hub.scores().get(change.user_id).points;
            hub.scores().put(change.user_id, change.version, score);
            let after = hub.scores().get(change.user_id).points;
            if before == after {
                continue;
            }
            let at = change.entries.last().map(|entry| entry.occurred_at);
            for team_id in hub.roster().teams_of(change.user_id) {
                let sum = match self.sums.get_mut(&team_id) {
                    Some(sum) => {
                        sum.points = (sum.points + after).saturating_sub(before);
                        *sum
                    }
                    None => self.sum(hub, team_id),
                };
                let was = Sum {
                    points: (sum.points + before).saturating_sub(after),
                    ..sum
                };
                let levels = [was, sum].map(|sum| f64::from(sum.level(rules)));
                if crosses(rules, Measure::TeamSuccess, levels[0], levels[1]) {
                    let state = hub.roster().read();
                    let at = at.unwrap_or_else(|| hub.clock().now());
                    due.extend(state.present_members(team_id).map(|(user_id, _)| (user_id, at)));
                }
            }
        }
    }

    /// The highest level at which the mean points of a present team of this person stand; 0 without a team.
    pub(super) fn level(&mut self, hub: &Hub, user_id: UserId) -> u32 {
        self.look_at_roster(hub);
        let rules = hub.rules();
        let teams = hub.roster().teams_of(user_id).into_iter();
        let levels = teams.map(|team_id| self.sum(hub, team_id).level(&rules));
        levels.max().unwrap_or(0)
    }

    /// Scores were put by somebody else.
    pub(super) fn forget(&mut self) {
        self.sums.clear();
    }

    fn look_at_roster(&mut self, hub: &Hub) {
        // Read before the members: a change in between makes the sums look older than they are, and they are made again.
        let revision = hub.roster().revision();
        if self.revision != revision {
            self.revision = revision;
            self.sums.clear();
        }
    }

    fn sum(&mut self, hub: &Hub, team_id: TeamId) -> Sum {
        *self.sums.entry(team_id).or_insert_with(|| {
            let state = hub.roster().read();
            let members = state.present_members(team_id);
            let none = Sum { points: 0, members: 0 };
            members.fold(none, |sum, (user_id, _)| Sum {
                points: sum.points + hub.scores().get(user_id).points,
                members: sum.members + 1,
            })
        })
    }
}

impl Sum {
    /// The level of the mean. Levels begin at whole points, so its fraction decides nothing.
    fn level(self, rules: &Rules) -> u32 {
        match self.points.checked_div(self.members) {
            Some(mean) => rules.levels.level_of(mean),
            None => 0,
        }
    }
}
