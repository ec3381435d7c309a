//! A lane over the live socket: commands pipelined in order, a bounded number under way. After a lost connection whatever
//! has no answer is sent again, in order and with the same keys.

use super::lanes::{LaneEnd, Shared, fatal, wait_until};
use super::tally::{Tally, Way};
use crate::client::{Backoff, ClientError, Incoming, LiveSocket, Problem};
use futures_util::FutureExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Commands under way on one socket: what a node reads ahead.
const IN_FLIGHT_MAX: usize = 64;
/// A socket that answers nothing for this long counts as lost.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Plays a lane to its end, or until the replay is stopped and what is under way has been answered.
pub(super) async fn run(shared: Arc<Shared>, lane: Vec<u32>) -> LaneEnd {
    let mut player = Player {
        shared: &shared,
        lane: &lane,
        next: 0,
        in_flight: BTreeMap::new(),
        again: BTreeSet::new(),
        again_at: None,
        backoff: Backoff::default(),
        tally: Tally::default(),
    };
    let error = player.play().await.err();
    LaneEnd {
        tally: player.tally,
        error: error.map(fatal),
    }
}

struct Player<'l> {
    shared: &'l Shared,
    lane: &'l [u32],
    /// The place in the lane of the first command never sent.
    next: usize,
    /// Places in the lane that wait for an answer, and since when. The place is the request's id.
    in_flight: BTreeMap<usize, Instant>,
    /// Places in the lane that are to be sent again.
    again: BTreeSet<usize>,
    /// Not before this moment.
    again_at: Option<Instant>,
    backoff: Backoff,
    tally: Tally,
}

impl Player<'_> {
    async fn play(&mut self) -> Result<(), ClientError> {
        let mut stop = self.shared.stop.clone();
        while !self.is_over() {
            // No session is held open while nothing is due for long.
            wait_until(self.next_moment(), &mut stop).await;
            if self.shared.is_stopped() && self.in_flight.is_empty() {
                break;
            }
            let error = match LiveSocket::open(&self.shared.client).await {
                Ok(socket) => match self.converse(socket).await {
                    Ok(()) => break,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !error.is_worth_retrying() {
                return Err(error);
            }
            self.send_again_later();
            let Some(wait) = self.backoff.next_wait(error.retry_after()) else {
                return Err(ClientError::GaveUp {
                    tries: self.backoff.tries(),
                    last: Box::new(error),
                });
            };
            wait_until(Some(Instant::now() + wait), &mut stop).await;
            if self.shared.is_stopped() {
                break;
            }
        }
        Ok(())
    }

    /// Sends and reads on one socket until there is nothing left to do.
    async fn converse(&mut self, mut socket: LiveSocket) -> Result<(), ClientError> {
        let mut stop = self.shared.stop.clone();
        loop {
            self.fill(&mut socket).await?;
            if self.in_flight.is_empty() && (self.is_over() || self.shared.is_stopped()) {
                socket.close().await;
                return Ok(());
            }
            let may_send = self.in_flight.len() < IN_FLIGHT_MAX && !self.shared.is_stopped() && !self.is_sent();
            let (next_moment, answer_by) = (self.next_moment(), self.answer_by());
            tokio::select! {
                message = socket.next() => self.take(message?)?,
                () = wait_until(next_moment, &mut stop), if may_send => {}
                () = tokio::time::sleep_until(answer_by) => return Err(self.silent()),
            }
            // Everything that has come meanwhile, so that filling up and flushing happen once for many answers.
            while let Some(message) = socket.next().now_or_never() {
                self.take(message?)?;
            }
        }
    }

    async fn fill(&mut self, socket: &mut LiveSocket) -> Result<(), ClientError> {
        if self.shared.is_stopped() {
            return Ok(());
        }
        let now = Instant::now();
        let mut is_fed = false;
        while self.in_flight.len() < IN_FLIGHT_MAX {
            let Some(place) = self.pop(now) else { break };
            // Before anything is awaited: what is fed into a connection that breaks has to be known as under way.
            self.in_flight.insert(place, now);
            socket.feed(self.message(place)).await?;
            is_fed = true;
        }
        if is_fed {
            socket.flush().await?;
        }
        Ok(())
    }

    /// The next place to send, if it may be sent now. What is sent again goes first: it is older.
    fn pop(&mut self, now: Instant) -> Option<usize> {
        if !self.again.is_empty() {
            if self.again_at.is_some_and(|moment| moment > now) {
                return None;
            }
            return self.again.pop_first();
        }
        let place = *self.lane.get(self.next)?;
        if !self.shared.is_due(place, now) {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    fn take(&mut self, message: Incoming) -> Result<(), ClientError> {
        match message {
            Incoming::Ack { id, answer } => {
                if let Some(place) = self.answered(id) {
                    self.backoff.reset();
                    self.tally.answered(self.shared.command(self.lane[place]), &answer);
                    self.shared.settle(1);
                }
            }
            Incoming::Error { id: Some(id), problem } => {
                if let Some(place) = self.answered(id) {
                    self.refused(place, &problem)?;
                }
            }
            Incoming::Error { id: None, problem } => return Err(ClientError::Refused(Box::new(problem))),
            Incoming::Other { .. } => {}
        }
        Ok(())
    }

    fn refused(&mut self, place: usize, problem: &Problem) -> Result<(), ClientError> {
        if !problem.is_worth_retrying() {
            self.tally
                .failed(&self.shared.plan, self.shared.command(self.lane[place]), problem);
            self.shared.settle(1);
            return Ok(());
        }
        self.again.insert(place);
        self.tally.retries += 1;
        // Many refusals of one moment are one occasion to wait.
        let now = Instant::now();
        if self.again_at.is_none_or(|moment| moment <= now) {
            let Some(wait) = self.backoff.next_wait(problem.retry_after()) else {
                return Err(ClientError::Refused(Box::new(problem.clone())));
            };
            self.again_at = Some(now + wait);
        }
        Ok(())
    }

    fn answered(&mut self, id: u64) -> Option<usize> {
        let place = usize::try_from(id).ok()?.checked_sub(1)?;
        let sent_at = self.in_flight.remove(&place)?;
        self.tally.took(Way::Socket, sent_at.elapsed());
        Some(place)
    }

    fn message(&self, place: usize) -> String {
        use std::fmt::Write as _;
        let command = self.shared.command(self.lane[place]);
        let kind = if command.is_progress() { "progress" } else { "earn" };
        let mut text = String::with_capacity(256);
        let _ = write!(text, r#"{{"type":"{kind}","id":{},"#, place + 1);
        command.write_fields(true, &mut text);
        text.push_str(r#","key":""#);
        command.write_key(&self.shared.plan.digest, &mut text);
        text.push_str(r#""}"#);
        text
    }

    fn send_again_later(&mut self) {
        self.tally.retries += self.in_flight.len() as u64;
        self.again.extend(std::mem::take(&mut self.in_flight).into_keys());
    }

    fn is_sent(&self) -> bool {
        self.again.is_empty() && self.next == self.lane.len()
    }

    fn is_over(&self) -> bool {
        self.is_sent() && self.in_flight.is_empty()
    }

    /// When the next command may be sent; none means now.
    fn next_moment(&self) -> Option<Instant> {
        if self.again.is_empty() {
            self.shared.due(*self.lane.get(self.next)?)
        } else {
            self.again_at
        }
    }

    fn answer_by(&self) -> Instant {
        let oldest = self.in_flight.values().min().copied();
        // With nothing under way there is no answer to miss.
        oldest.map_or_else(
            || Instant::now() + ANSWER_DEADLINE * 10_000,
            |sent| sent + ANSWER_DEADLINE,
        )
    }

    fn silent(&self) -> ClientError {
        ClientError::Connection {
            url: self.shared.client.url().to_owned(),
            cause: "no answer in time on the live socket".into(),
        }
    }
}

const _: () = assert!(IN_FLIGHT_MAX <= homeroom_schema::limits::SESSION_COMMANDS_MAX);
