//! Team achievements: one fact on the team's stream, then every member's award by natural key, then the answer.
//!
//! The fact comes first and says who was a member. Whatever comes in between (a failed batch, a crash), the awards that are
//! missing are given later, and none twice: each member has the natural key (user, team achievement, reference) once.

use super::admission::Permit;
use super::answer::Place;
use super::commands::known_user;
use super::{EarnRequest, Engine, KeyClaim, Pending};
use crate::domain::Evidence;
use crate::domain::team::{TeamEvent, TeamFact};
use crate::error::EngineError;
use crate::views::EarnOutcome;
use homeroom_schema::records::{Append, Row, StreamId, TeamAwardRecord};
use homeroom_schema::{ReferenceId, StoreError, TeamId, TimeMs, UserId, Version};
use std::time::Duration;

/// Members' awards under way, over all achievements. At the bound the next ones wait.
pub(super) const PASSING_ON_MAX: usize = 256;
/// Tries to finish an achievement, each after twice the pause of the one before. Then the next start finishes it.
const TRIES_MAX: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// A fact on its way to the members.
#[derive(Clone)]
struct Achievement {
    team_id: TeamId,
    reference: ReferenceId,
    evidence: Evidence,
    fact: TeamFact,
}

impl Engine {
    /// Checks, then goes on by itself, so that the caller can hand over more commands meanwhile.
    pub(super) fn earn_together(
        &self,
        request: &EarnRequest,
        occurred_at: TimeMs,
        key: Option<KeyClaim>,
        permit: Permit,
    ) -> Result<Pending<EarnOutcome>, EngineError> {
        let (user_id, reference, evidence) = (request.user_id, request.reference, request.evidence);
        let team_id = {
            let roster = self.roster().read();
            known_user(&roster, user_id)?;
            // Without a team the person is a member of none; the edge asks for the field before.
            let team_id = evidence.team_id.unwrap_or(TeamId::MAX);
            if roster.active_team(team_id).is_none() {
                return Err(EngineError::UnknownTeam(team_id));
            }
            if !roster.is_member(team_id, user_id) {
                return Err(EngineError::NotAMember { team_id, user_id });
            }
            team_id
        };
        let (answer, pending) = Pending::new(Some(Place::Command(permit)));
        let engine = self.clone();
        self.inner.tree.tasks.spawn(async move {
            let achieved = engine
                .inner
                .tree
                .hub
                .achieve(team_id, reference, user_id, occurred_at)
                .await;
            let fact = match achieved {
                Ok(fact) => fact,
                Err(error) => return answer.give(Err(error)),
            };
            let achievement = Achievement {
                team_id,
                reference,
                evidence,
                fact,
            };
            let outcome = engine.award_all(&achievement, user_id, key).await;
            let is_done = matches!(outcome, Ok(_) | Err(EngineError::NotAMember { .. }));
            answer.give(outcome);
            if !is_done {
                engine.settle_later(achievement);
            }
        });
        Ok(pending)
    }

    /// Awards everybody, the person named in the command with the caller's key; answers with that person's outcome.
    async fn award_all(
        &self,
        achievement: &Achievement,
        named: UserId,
        key: Option<KeyClaim>,
    ) -> Result<EarnOutcome, EngineError> {
        let Achievement { team_id, fact, .. } = achievement;
        // Whoever joined after the fact has no part in it.
        if fact.members.binary_search(&named).is_err() {
            return Err(EngineError::NotAMember {
                team_id: *team_id,
                user_id: named,
            });
        }
        let own = self.award(achievement, named, false, key).await?;
        self.award_others(achievement, Some(named)).await?;
        // Their awards are asked for before the own one is waited for, so that all share a commit or two.
        let outcome = own.outcome().await?;
        self.settled(*team_id, fact.version).await?;
        Ok(outcome)
    }

    /// Awards all members but one, and waits until all of them are durable.
    async fn award_others(&self, achievement: &Achievement, but: Option<UserId>) -> Result<(), EngineError> {
        let others = achievement.fact.members.iter().filter(|member| Some(**member) != but);
        let mut result = Ok(());
        let mut waiting = Vec::new();
        for member in others {
            waiting.push(self.award(achievement, *member, true, None).await);
            if waiting.len() == PASSING_ON_MAX / 2 {
                result = result.and(all(waiting.drain(..)).await);
            }
        }
        result.and(all(waiting.drain(..)).await)
    }

    async fn award(
        &self,
        achievement: &Achievement,
        member: UserId,
        is_passed_on: bool,
        key: Option<KeyClaim>,
    ) -> Result<Pending<EarnOutcome>, EngineError> {
        let place = match is_passed_on {
            false => None,
            true => {
                let permit = std::sync::Arc::clone(&self.inner.passing_on).acquire_owned().await;
                Some(Place::PassedOn(permit.map_err(|_| EngineError::Stopping)?))
            }
        };
        let (answer, pending) = Pending::new(place);
        let Achievement {
            reference,
            evidence,
            fact,
            ..
        } = achievement;
        let command = self.as_member(member, *reference, *evidence, fact.occurred_at);
        self.hand_over(member, command, is_passed_on, key, answer).await?;
        Ok(pending)
    }

    async fn settled(&self, team_id: TeamId, version: Version) -> Result<(), EngineError> {
        let append = Append {
            rows: vec![Row::TeamAwardSettled { team_id, version }],
            ..Append::default()
        };
        let kept = self.inner.tree.context.journal.keep(append).await;
        kept.map(|_| ()).map_err(|error| self.unavailable(&error))
    }

    /// Tries again and again, ever more slowly, to award who is missing.
    fn settle_later(&self, achievement: Achievement) {
        let engine = self.clone();
        self.inner.tree.tasks.spawn_upkeep(async move {
            let mut pause = FIRST_PAUSE;
            for _ in 0..TRIES_MAX {
                tokio::time::sleep(pause).await;
                pause *= 2;
                if engine.settle(&achievement).await.is_ok() {
                    return;
                }
            }
            tracing::error!(team_id = %achievement.team_id, "a team achievement is not settled: the next start does it");
        });
    }

    async fn settle(&self, achievement: &Achievement) -> Result<(), EngineError> {
        self.award_others(achievement, None).await?;
        self.settled(achievement.team_id, achievement.fact.version).await
    }

    /// Finishes what a crash cut short: called at the start, before anybody is served.
    pub(super) async fn settle_team_awards(&self) -> Result<(), StoreError> {
        for unsettled in self.store().unsettled_team_awards().await? {
            let achievement = self.achievement_of(unsettled).await?;
            if let Err(error) = self.settle(&achievement).await {
                tracing::warn!(%error, "a team achievement cannot be settled yet");
                self.settle_later(achievement);
            }
        }
        Ok(())
    }

    async fn achievement_of(&self, unsettled: TeamAwardRecord) -> Result<Achievement, StoreError> {
        let TeamAwardRecord { team_id, version, .. } = unsettled;
        let damaged = |cause: String| StoreError::Damaged { cause };
        let before = Version(version.0.saturating_sub(1));
        let page = self.store().read_stream(StreamId::team(team_id), before, 1).await?;
        let stored = page.into_iter().next().filter(|event| event.version == version);
        let stored = stored.ok_or_else(|| damaged(format!("team {team_id} has no event {version}")))?;
        let event: TeamEvent = serde_json::from_str(&stored.body)
            .map_err(|error| damaged(format!("event {} is no fact of a team: {error}", stored.event_id)))?;
        let TeamEvent::TeamAchieved {
            reference,
            members,
            occurred_at,
            ..
        } = event;
        Ok(Achievement {
            team_id,
            reference,
            evidence: Evidence {
                team_id: Some(team_id),
                ..Evidence::default()
            },
            fact: TeamFact {
                version,
                members,
                occurred_at,
            },
        })
    }
}

/// Waits for all of them, also after one has failed: so many are under way at most.
async fn all(waiting: impl Iterator<Item = Result<Pending<EarnOutcome>, EngineError>>) -> Result<(), EngineError> {
    let mut result = Ok(());
    for pending in waiting {
        let outcome = match pending {
            Ok(pending) => pending.outcome().await.map(|_| ()),
            Err(error) => Err(error),
        };
        result = result.and(outcome);
    }
    result
}
