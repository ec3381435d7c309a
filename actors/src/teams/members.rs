//! A team's present members as its actor knows them: names and how far each is. Scores are read when they are needed.

use super::performance::MemberFigures;
use crate::domain::course::{Completion, completion_by};
use crate::domain::skills::{Opportunity, OpportunityKind};
use crate::hub::Hub;
use homeroom_schema::{StoreError, TeamId, TimeMs, UnitId, UserId};
use std::collections::BTreeMap;
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
    completed: BTreeMap<UnitId, TimeMs>,
    completion: Completion,
}

impl Members {
    /// Reads from the roster who is a member now, and from the store what new members, or all, have completed.
    pub(super) async fn refresh(&mut self, hub: &Hub, team_id: TeamId, all: bool) -> Result<(), StoreError> {
        let present: Vec<UserId> = hub
            .roster()
            .members(team_id)
            .iter()
            .map(|member| member.user_id)
            .collect();
        let known = |user_id: &UserId| !all && self.members.contains_key(user_id);
        let unknown: Vec<UserId> = present.iter().copied().filter(|user_id| !known(user_id)).collect();
        let mut completed: BTreeMap<UserId, BTreeMap<UnitId, TimeMs>> = BTreeMap::new();
        if !unknown.is_empty() {
            for unit in hub.store().completed_units(unknown).await? {
                completed
                    .entry(unit.user_id)
                    .or_default()
                    .insert(unit.unit_id, unit.completed_at);
            }
        }
        let mut before = std::mem::take(&mut self.members);
        for user_id in present {
            // Completed units only ever gather: what a change told before the store was read counts too.
            let mut units = before
                .remove(&user_id)
                .map(|member| member.completed)
                .unwrap_or_default();
            units.extend(completed.remove(&user_id).unwrap_or_default());
            self.members.insert(user_id, Member::read(hub, user_id, units));
        }
        Ok(())
    }

    /// Members completed units.
    pub(super) fn completed(&mut self, hub: &Hub, units: &BTreeMap<(UserId, UnitId), TimeMs>) {
        for ((user_id, unit_id), at) in units {
            if let Some(member) = self.members.get_mut(user_id)
                && member.completed.insert(*unit_id, *at).is_none()
            {
                member.completion = completion_of(hub, *user_id, &member.completed);
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
    fn read(hub: &Hub, user_id: UserId, completed: BTreeMap<UnitId, TimeMs>) -> Self {
        let roster = hub.roster();
        Self {
            name: roster.user(user_id).map(|user| user.name).unwrap_or_default().into(),
            alias: roster.alias(user_id).unwrap_or_default(),
            is_ranked: roster.is_ranked(user_id),
            completion: completion_of(hub, user_id, &completed),
            completed,
        }
    }
}

fn completion_of(hub: &Hub, user_id: UserId, completed: &BTreeMap<UnitId, TimeMs>) -> Completion {
    let course = hub.roster().course(user_id);
    let opportunities = completed.iter().map(|(unit, at)| Opportunity {
        unit: *unit,
        at: *at,
        kind: OpportunityKind::Completed,
    });
    let completed_at = |unit_id| completed.get(&unit_id).copied();
    completion_by(&course, completed_at, opportunities.collect(), &hub.rules())
}
