//! Teams under test: a client's copy of a team, and the naive model of it.

#![allow(clippy::disallowed_methods, reason = "a test awaits the tasks that it spawns")]

mod facts;
mod figures;
mod history;
mod life;
mod timing;

use super::performance::{MemberFigures, TeamFigures, performance};
use crate::domain::board::Score;
use crate::domain::course::{Completion, QualificationCompletion, completion_by};
use crate::domain::skills::{Opportunity, OpportunityKind};
use crate::domain::team::TeamFact;
use crate::engine::{Subscription, TopicSnapshot};
use crate::error::EngineError;
use crate::hub::Hub;
use crate::hub::harness::{
    IDLE, World, enrolment_row, member_row, qualification, team, team_row, unit, unit_row, user, user_row,
};
use crate::topics::{BoardName, Inbox, Message, TopicRead};
use crate::views::TeamPerformance;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use homeroom_schema::limits::{TEAM_FACTS_BATCH_MAX, TEAM_MARKS_MAX, TEAMS_AWAKE_MAX};
use homeroom_schema::memory::LostAnswer;
use homeroom_schema::records::{Row, StreamId, UserRole};
use homeroom_schema::{ReferenceId, Store as _, TeamId, TimeMs, UserId, Version};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PEOPLE: u64 = 9;

async fn read(hub: &Hub, id: u64) -> Arc<TeamPerformance> {
    hub.team_performance(team(id)).await.unwrap()
}

async fn achieve(hub: &Hub, team_id: u64, reference: u64, reported_for: u64) -> Result<TeamFact, EngineError> {
    let reference = ReferenceId::new(reference).unwrap();
    hub.achieve(team(team_id), reference, user(reported_for), TimeMs(5))
        .await
}

/// A team's performance from nothing but the tables; none for one that is not there.
async fn expected(world: &World, team_id: TeamId) -> Option<TeamPerformance> {
    let records = world.store.load_roster().await.unwrap();
    let record = records.teams.iter().find(|team| team.team_id == team_id)?;
    if record.archived_at.is_some() {
        return None;
    }
    let members = records.members.iter().filter(|member| member.team_id == team_id);
    let ids: BTreeSet<UserId> = members.map(|member| member.user_id).collect();
    let people: Vec<_> = records
        .users
        .iter()
        .filter(|user| ids.contains(&user.user_id) && user.archived_at.is_none())
        .collect();
    let names: BTreeMap<UserId, (Arc<str>, Arc<str>)> = people
        .iter()
        .map(|user| {
            let alias = user.alias.clone().unwrap();
            (user.user_id, (user.name.as_str().into(), alias.into()))
        })
        .collect();
    let completions: BTreeMap<UserId, Completion> = names.keys().map(|id| (*id, completion(world, *id))).collect();
    let figures = people.iter().map(|user| MemberFigures {
        user_id: user.user_id,
        name: &names[&user.user_id].0,
        alias: &names[&user.user_id].1,
        is_ranked: user.role == UserRole::Student,
        score: world.standing(user.user_id).score,
        completion: &completions[&user.user_id],
    });
    let board = world.expected(BoardName::Teams).await;
    let own = board.iter().find(|row| row.id == team_id.get())?;
    let above = board.iter().filter(|row| row.score.points > own.score.points).count() as u64;
    let facts = world
        .store
        .read_stream(StreamId::team(team_id), Version::ZERO, 500)
        .await
        .unwrap();
    Some(performance(
        TeamFigures {
            earned: None,
            team_id,
            name: record.name.as_str().into(),
            mentor_id: record.mentor_id,
            team_achievements: facts.len(),
            rank: Some(above + 1),
            version: 0,
        },
        figures.collect(),
    ))
}

fn completion(world: &World, user_id: UserId) -> Completion {
    let course = world.roster.course(user_id);
    let completed = world
        .learners
        .get(&user_id)
        .map(|sums| sums.completed.clone())
        .unwrap_or_default();
    let opportunities = completed.iter().map(|(unit, at)| Opportunity {
        unit: *unit,
        at: *at,
        kind: OpportunityKind::Completed,
    });
    let completed_at = |id| completed.get(&id).copied();
    completion_by(&course, completed_at, opportunities.collect(), &world.hub.rules())
}

fn without_version(performance: &TeamPerformance) -> TeamPerformance {
    TeamPerformance {
        version: 0,
        ..performance.clone()
    }
}

/// A client's copy of a team, kept up by messages alone.
struct Mirror {
    inbox: Arc<Inbox>,
    hold: Subscription,
    now: Arc<TeamPerformance>,
    messages: usize,
}

impl Mirror {
    async fn new(hub: &Hub, id: u64) -> Self {
        let inbox = Inbox::new();
        let mut hold = hub.subscribe_team(team(id), None, &inbox, 0).await.unwrap();
        let Some(TopicSnapshot::Team(now)) = hold.snapshot.take() else {
            unreachable!()
        };
        Self {
            inbox,
            hold,
            now,
            messages: 0,
        }
    }

    fn pump(&mut self) {
        let _ = self.inbox.ready().now_or_never();
        loop {
            match self.hold.topic.read_after(&self.hold.position, 16) {
                TopicRead::Entries(entries) if entries.is_empty() => return,
                TopicRead::Entries(entries) => {
                    for entry in entries {
                        assert_eq!(entry.offset, self.hold.position.offset + 1);
                        self.hold.position.offset = entry.offset;
                        let Message::Team { before, now } = &entry.message else {
                            unreachable!()
                        };
                        assert_eq!(
                            without_version(before),
                            without_version(&self.now),
                            "each builds on the one before"
                        );
                        assert_ne!(without_version(before), without_version(now));
                        assert!(now.version > before.version);
                        self.now = Arc::clone(now);
                        self.messages += 1;
                    }
                }
                TopicRead::Forgotten | TopicRead::Restarted => {
                    let (position, TopicSnapshot::Team(now)) = self.hold.topic.snapshot().unwrap() else {
                        unreachable!()
                    };
                    self.hold.position = position;
                    self.now = now;
                }
            }
        }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.hold.topic.detach(&self.inbox, 0);
    }
}
