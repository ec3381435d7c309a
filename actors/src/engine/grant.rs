//! Awards by hand: who may be given points, and from which budget.

use super::answer::Place;
use super::budget::Budget;
use super::commands::known_user;
use super::{Engine, KeyClaim, Pending};
use crate::domain::{Command, Grant};
use crate::error::EngineError;
use crate::learners::Beside;
use crate::views::EarnOutcome;
use homeroom_schema::UserId;
use homeroom_schema::records::{AuditRecord, AuditSubject, AuditedBy, UserRole};

/// A wish to award points by hand, as the edge has validated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRequest {
    /// To whom.
    pub user_id: UserId,
    /// How many; at most what the rules allow for one award.
    pub points: u32,
    /// Why, in words.
    pub reason: String,
    /// Who gives them, if a person does.
    pub granted_by: Option<UserId>,
    /// Whether they come out of that person's weekly budget.
    pub is_budgeted: bool,
}

impl Engine {
    /// Hands a manual award to its learner. The reason is kept beside the journal, where an erasure finds it.
    ///
    /// # Errors
    /// Unknown or erased person; not a learner; too many points for one award, or more than is left of the budget;
    /// overloaded; stopping.
    pub async fn grant(
        &self,
        request: GrantRequest,
        key: Option<KeyClaim>,
        by: AuditedBy,
    ) -> Result<Pending<EarnOutcome>, EngineError> {
        let permit = self.admit()?;
        let context = &self.inner.tree.context;
        let (user_id, now) = (request.user_id, context.clock.now());
        let teams = {
            let roster = self.roster().read();
            known_user(&roster, user_id)?;
            if roster
                .active_user(user_id)
                .is_some_and(|user| user.role != UserRole::Student)
            {
                return Err(EngineError::NotALearner(user_id));
            }
            roster.teams_of(user_id).collect()
        };
        let most = context.rules.load().manual.per_award;
        if request.points > most {
            return Err(EngineError::TooManyPoints { most });
        }
        let mentor = request.granted_by.filter(|_| request.is_budgeted);
        let place = match mentor {
            Some(mentor) => {
                let reserved = self.inner.budgets.reserve(context, mentor, request.points, now).await?;
                Place::Granted(permit, reserved)
            }
            None => Place::Command(permit),
        };
        let command = Command::Grant(Grant {
            points: request.points,
            granted_by: request.granted_by,
            teams,
            occurred_at: now,
            day: context.clock.local_day(now),
        });
        let beside = Beside {
            note: Some(request.reason),
            audit: Some(AuditRecord {
                at: now,
                by,
                act: "points_awarded_by_hand",
                subject: Some(AuditSubject {
                    kind: "user",
                    id: user_id.get(),
                }),
                detail: format!("{{\"points\":{}}}", request.points),
            }),
        };
        let (answer, pending) = Pending::new(Some(place));
        let learners = &self.inner.tree.learners;
        learners.grant(user_id, command, beside, key, answer).await?;
        Ok(pending)
    }

    /// What a mentor may still give by hand this week.
    ///
    /// # Errors
    /// When the store cannot say what was given before.
    pub async fn budget(&self, mentor: UserId) -> Result<Budget, EngineError> {
        let context = &self.inner.tree.context;
        self.inner.budgets.left(context, mentor, context.clock.now()).await
    }
}
