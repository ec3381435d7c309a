//! The one table from the engine's causes to statuses and codes. Things named in a body are 422 here; see `with_path`.

use super::{FieldError, Problem, Unknown};
use crate::wire::time;
use homeroom_actors::EngineError;
use homeroom_actors::domain::Rejection;

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let unknown = |kind: Unknown| Self::unknown(kind).with_path(&[]);
        match error {
            EngineError::UnknownUser(_) => unknown(Unknown::User),
            EngineError::Erased(_) => Self::erased(),
            EngineError::UnknownUnit(_) => unknown(Unknown::Unit),
            EngineError::UnknownTeam(_) => unknown(Unknown::Team),
            EngineError::UnknownQualification(_) => unknown(Unknown::Qualification),
            EngineError::UnknownEvent(_) => unknown(Unknown::Event),
            EngineError::NotAMember { .. } => {
                let detail = "The person is not a member of that team.";
                Self::new(422, "not_a_member", "Not a member", detail)
            }
            EngineError::AlreadyExists { kind, id } => {
                let detail = format!("There is a {kind} with id {id} already; PUT changes it.");
                Self::new(409, "already_exists", "Exists already", detail)
            }
            EngineError::TeamFull(_) => {
                let detail = "The team has as many members as a team may have.";
                Self::new(422, "team_full", "The team is full", detail)
            }
            EngineError::PreferenceLocked { retry_at } => {
                let detail = format!(
                    "This was changed lately; it can be changed again at {}.",
                    time(retry_at)
                );
                let mut problem = Self::new(409, "preference_locked", "Changed lately", detail);
                problem.retry_at = Some(time(retry_at));
                problem
            }
            EngineError::NotALearner(_) => {
                let detail = "Points are for learners; this person is a mentor or of the staff.";
                Self::new(422, "not_a_learner", "Not a learner", detail)
            }
            EngineError::TooManyPoints { most } => Self::invalid(
                "points",
                format!("must be at most {most}: the rules allow no more at once"),
            ),
            EngineError::BudgetExhausted { left, renews_at } => {
                let renews_at = time(renews_at);
                let detail = format!("{left} points are left of this week's budget; it renews at {renews_at}.");
                let mut problem = Self::new(422, "budget_exhausted", "The budget is used up", detail);
                problem.errors = vec![FieldError::new(
                    "points",
                    format!("must be at most {left} until {renews_at}"),
                )];
                problem
            }
            EngineError::Rejected(rejection) => rejected(rejection),
            EngineError::ActUnderWay => {
                let detail = "Rules are being applied to the past, or that is being undone; wait until it is done.";
                Self::new(409, "act_under_way", "An act goes on", detail).retry_after(5)
            }
            EngineError::UnknownAct(act) => {
                let detail = format!("No rules of version {act} were applied to the past.");
                Self::new(422, "unknown_act", "Unknown act", detail)
            }
            EngineError::UndoneAlready(act) => {
                let detail = format!("Act {act} is undone already.");
                Self::new(409, "undone_already", "Undone already", detail)
            }
            EngineError::NotTheLatestAct(latest) => {
                let detail = format!("Act {latest} came later; it has to be undone first.");
                Self::new(409, "not_the_latest_act", "Not the latest act", detail)
            }
            EngineError::WrongRules(cause) => Self::invalid("document", cause),
            EngineError::KeyTaken => Self::request_in_progress(),
            EngineError::Overloaded => {
                let detail = "Too much is under way; try again in a moment.";
                Self::new(503, "overloaded", "Overloaded", detail).retry_after(1)
            }
            EngineError::TooManySessions => {
                let detail = "The node has as many live sessions as it takes.";
                Self::new(503, "too_many_sessions", "Too many sessions", detail).retry_after(5)
            }
            EngineError::StoreUnavailable => {
                let detail = "Nothing can be kept at the moment; repeat with the same Idempotency-Key.";
                Self::new(503, "store_unavailable", "The store is unavailable", detail).retry_after(1)
            }
            EngineError::TimedOut => {
                let detail =
                    "No answer in time, so the outcome is unknown; repeat with the same Idempotency-Key to settle it.";
                Self::new(503, "timed_out", "No answer in time", detail).retry_after(1)
            }
            EngineError::NotFolded => {
                let detail = "The node still reads its journal for analytics; come back in a moment.";
                Self::new(503, "analytics_not_ready", "Analytics are not ready yet", detail).retry_after(5)
            }
            EngineError::Stopping => {
                let detail = "The node is stopping; come back in a moment.";
                Self::new(503, "stopping", "Stopping", detail).retry_after(2)
            }
        }
    }
}

impl Problem {
    /// Another request with the same key is still under way.
    #[must_use]
    pub fn request_in_progress() -> Self {
        let detail = "A request with the same Idempotency-Key is still under way; repeat this one later.";
        Self::new(409, "request_in_progress", "Still under way", detail).retry_after(1)
    }
}

fn rejected(rejection: Rejection) -> Problem {
    let (status, code, title) = match rejection {
        Rejection::NotReversible => (422, "not_reversible", "Not reversible"),
        Rejection::AlreadyReversed => (409, "already_reversed", "Reversed already"),
        Rejection::NotReversed => (409, "not_reversed", "Not reversed"),
        Rejection::Moved => (503, "overloaded", "Overloaded"),
        Rejection::AlreadyReinstated => (409, "already_reinstated", "Reinstated already"),
    };
    Problem::new(status, code, title, rejection.to_string())
}
