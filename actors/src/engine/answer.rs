//! One command's way back to its caller: the answer, the permit that it holds until then, and the wait for it.

use super::admission::Permit;
use super::budget::Reservation;
use crate::error::EngineError;
use homeroom_schema::limits::COMMAND_DEADLINE;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A command that has been handed to its actor, in order; its answer comes when it is durable.
pub struct Pending<T>(oneshot::Receiver<Result<T, EngineError>>);

/// The answering end, held by whoever has the command. Dropped unanswered (its actor failed), the caller sees
/// [`EngineError::TimedOut`]. The place of the command is given back with it.
pub(crate) struct Answer<T> {
    reply: oneshot::Sender<Result<T, EngineError>>,
    place: Option<Place>,
}

/// What an unanswered command takes up.
pub(crate) enum Place {
    /// A place among the commands of callers.
    Command(#[expect(dead_code, reason = "it counts by being held")] Permit),
    /// The same, and a part of a mentor's budget.
    Granted(Permit, Reservation),
    /// A place among the awards that team achievements pass on.
    PassedOn(#[expect(dead_code, reason = "it counts by being held")] OwnedSemaphorePermit),
}

impl<T> Pending<T> {
    /// A pair of ends.
    pub(crate) fn new(place: Option<Place>) -> (Answer<T>, Self) {
        let (reply, answered) = oneshot::channel();
        let answer = Answer { reply, place };
        (answer, Self(answered))
    }

    /// Waits until the command is durable or refused.
    ///
    /// # Errors
    /// As the command says; [`EngineError::TimedOut`] when no answer comes in time or its actor failed.
    pub async fn outcome(self) -> Result<T, EngineError> {
        match tokio::time::timeout(COMMAND_DEADLINE, self.0).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(EngineError::TimedOut),
        }
    }
}

impl<T> Answer<T> {
    /// Answers. A caller who went away misses nothing that is not kept.
    pub(crate) fn give(self, outcome: Result<T, EngineError>) {
        if let Some(Place::Granted(_permit, reserved)) = self.place {
            reserved.settle(outcome.as_ref().err());
        }
        let _ = self.reply.send(outcome);
    }
}
