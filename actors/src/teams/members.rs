//! A team's present members as its actor knows them: names and how far each is. Scores are read when they are needed.

use super::TeamMarks;
use super::performance::MemberFigures;
use crate::domain::course::{Completion, completion_by};
use crate::domain::skills::{Opportunity, OpportunityKind};
use crate::hub::Hub;
use homeroom_schema::{ReferenceId, StoreError, TeamId, TimeMs, UnitId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The members of one team.
#[derive(Default)]
pub(super) struct Members {
    members: BTreeMap<UserId, Member>,
}

struct Member {
    name: Arc<str>,
    alias: Arc<str>,
    is_ranked: bool,
    learned: Learned,
    completion: Completion,
}

/// What a member has completed, and their results that count.
#[derive(Default)]
struct Learned {
    completed: BTreeMap<UnitId, TimeMs>,
    results: BTreeMap<ReferenceId, Opportunity>,
}

impl Members {
    /// Reads from the roster who is a member now, and from the store what new members, or all, have learned.
    pub(super) async fn refresh(&mut self, hub: &Hub, team_id: TeamId, all: bool) -> Result<(), StoreError> {
        let present: Vec<UserId> = hub
            .roster()
            .members(team_id)
            .iter()
            .map(|member| member.user_id)
            .collect();
        let known = |user_id: &UserId| !all && self.members.contains_key(user_id);
        let unknown: Vec<UserId> = present.iter().copied().filter(|user_id| !known(user_id)).collect();
        let mut learned: BTreeMap<UserId, Learned> = BTreeMap::new();
        if !unknown.is_empty() {
            for user_id in &unknown {
                learned.insert(*user_id, Learned::default());
            }
            for unit in hub.store().completed_units(unknown.clone()).await? {
                let member = learned.entry(unit.user_id).or_default();
                member.completed.insert(unit.unit_id, unit.completed_at);
            }
            for result in hub.store().results(unknown).await? {
                let opportunity = Opportunity {
                    unit: result.unit_id,
                    at: result.occurred_at,
                    kind: OpportunityKind::Quiz {
                        reference: result.reference_id,
                        score: result.score,
                    },
                };
                let member = learned.entry(result.user_id).or_default();
                member.results.insert(result.reference_id, opportunity);
            }
        }
        let mut before = std::mem::take(&mut self.members);
        for user_id in present {
            let mut known = before.remove(&user_id).map(|member| member.learned).unwrap_or_default();
            if let Some(read) = learned.remove(&user_id) {
                // Completed units only ever gather: what a change told before the store was read counts too.
                known.completed.extend(read.completed);
                known.results = read.results;
            }
            self.members.insert(user_id, Member::read(hub, user_id, known));
        }
        Ok(())
    }

    /// Members completed units, or had results in quizzes.
    pub(super) fn learned(&mut self, hub: &Hub, marks: &TeamMarks) {
        let mut changed = BTreeSet::new();
        for ((user_id, unit_id), at) in &marks.completed {
            if let Some(member) = self.members.get_mut(user_id)
                && member.learned.completed.insert(*unit_id, *at).is_none()
            {
                changed.insert(*user_id);
            }
        }
        for ((user_id, reference), result) in &marks.results {
            if let Some(member) = self.members.get_mut(user_id) {
                let results = &mut member.learned.results;
                match result {
                    Some(opportunity) => drop(results.insert(*reference, *opportunity)),
                    None => drop(results.remove(reference)),
                }
                changed.insert(*user_id);
            }
        }
        for user_id in changed {
            if let Some(member) = self.members.get_mut(&user_id) {
                member.completion = member.learned.completion(hub, user_id);
            }
        }
    }

    /// Everybody's figures of now.
    pub(super) fn figures(&self, hub: &Hub) -> Vec<MemberFigures<'_>> {
        let members = self.members.iter().map(|(user_id, member)| MemberFigures {
            user_id: *user_id,
            name: &member.name,
            alias: &member.alias,
            is_ranked: member.is_ranked,
            score: hub.scores().get(*user_id),
            completion: &member.completion,
        });
        members.collect()
    }
}

impl Member {
    fn read(hub: &Hub, user_id: UserId, learned: Learned) -> Self {
        let roster = hub.roster();
        Self {
            name: roster.user(user_id).map(|user| user.name).unwrap_or_default().into(),
            alias: roster.alias(user_id).unwrap_or_default(),
            is_ranked: roster.is_ranked(user_id),
            completion: learned.completion(hub, user_id),
            learned,
        }
    }
}

impl Learned {
    fn completion(&self, hub: &Hub, user_id: UserId) -> Completion {
        let course = hub.roster().course(user_id);
        let units = self.completed.iter().map(|(unit, at)| Opportunity {
            unit: *unit,
            at: *at,
            kind: OpportunityKind::Completed,
        });
        let opportunities = self.results.values().copied().chain(units);
        let completed_at = |unit_id| self.completed.get(&unit_id).copied();
        completion_by(&course, completed_at, opportunities.collect(), &hub.rules())
    }
}
