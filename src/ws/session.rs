//! One session: a task that selects over the way to its reader, its topics, its commands and its clock until one of them ends it.
//!
//! Requests are taken one after another: while a `subscribe` or the handing over of a command is under way the socket is not
//! read, which keeps effects in the order sent. Answers are awaited side by side, and writing never waits for either.

mod requests;
mod topics;

use super::close::Close;
use super::fetch::{Fetch, Fetched};
use super::holds::Holds;
use super::pace::{Pace, PingStep};
use super::reply;
use super::request::{RequestId, TopicWish};
use super::subscribe::Given;
use super::transport::{LineEvent, Transport};
use crate::app::App;
use crate::auth::Principal;
use crate::commands::{Answer, Started};
use crate::problem::Problem;
use axum::extract::ws::Message;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use homeroom_actors::sessions::{EndReason, SessionControl};
use homeroom_actors::topics::Inbox;
use homeroom_schema::limits::{
    CLOSE_GRACE, OUTBOX_BYTES_MAX, READ_DEADLINE, RIGHTS_RECHECK, SESSION_COMMANDS_MAX, SESSION_GATHER_BYTES,
};
use homeroom_schema::records::TokenRole;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// One session's state.
struct Session<T> {
    app: App,
    caller: Principal,
    line: T,
    inbox: Arc<Inbox>,
    holds: Holds,
    /// The request that is being taken: no other is read meanwhile.
    taking: Option<BoxFuture<'static, Taken>>,
    /// Commands that were handed over and are not yet durable.
    commands: FuturesUnordered<BoxFuture<'static, (RequestId, Result<Answer, Problem>)>>,
    /// Topics that are being fetched, and those that wait for their turn.
    fetches: FuturesUnordered<BoxFuture<'static, Fetched>>,
    fetches_waiting: VecDeque<Fetch>,
    pace: Pace,
    roster: RosterWatch,
    /// Whether the last thing that woke the session came from its reader: then others have their turn before the next.
    has_read: bool,
    /// Wakes the session when something may be due. It is only ever moved earlier, or set again after it rang: ringing too
    /// early costs a look at the clock, moving a timer costs more with each message.
    alarm: Pin<Box<Sleep>>,
}

/// A request that has been taken.
enum Taken {
    /// The command has its place in the order of its learner, or was refused.
    Command {
        id: RequestId,
        started: Result<Started, Problem>,
    },
    /// The topics asked for.
    Subscribe { id: Option<RequestId>, given: Vec<Given> },
}

/// What woke the session.
enum Wake {
    End(EndReason),
    Line(LineEvent),
    Topics(Vec<u32>),
    Answered(RequestId, Result<Answer, Problem>),
    Taken(Taken),
    Fetched(Fetched),
    Roster,
    Clock,
}

/// Runs a session until it ends, and lets go of everything it held. It begins with the topics that are wished for, if any.
pub(super) async fn run<T: Transport>(
    app: App,
    caller: Principal,
    line: T,
    wishes: Vec<TopicWish>,
    mut control: SessionControl,
) {
    let now = app.clock().now();
    let token_life = caller.expires_at.map(|at| {
        let milliseconds = u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0);
        Duration::from_millis(milliseconds)
    });
    let mut session = Session {
        roster: RosterWatch::new(app.engine().roster().changes()),
        has_read: false,
        app,
        caller,
        line,
        inbox: Inbox::new(),
        holds: Holds::default(),
        taking: None,
        commands: FuturesUnordered::new(),
        fetches: FuturesUnordered::new(),
        fetches_waiting: VecDeque::new(),
        pace: Pace::new(token_life),
        alarm: Box::pin(sleep_until(Instant::now())),
    };
    if !wishes.is_empty() {
        session.subscribe(None, wishes);
    }
    let close = session.serve(&mut control).await;
    session.finish(close).await;
}

impl<T: Transport> Session<T> {
    async fn serve(&mut self, control: &mut SessionControl) -> Close {
        let mut ended = pin!(control.ended());
        loop {
            self.gather();
            self.set_alarm();
            let wake = poll_fn(|context| self.poll_wake(ended.as_mut(), context)).await;
            self.has_read = matches!(wake, Wake::Line(_));
            let step = match wake {
                Wake::End(reason) => Err(Close::from(reason)),
                Wake::Line(LineEvent::Ended(close)) => Err(close),
                Wake::Line(LineEvent::Received(frame)) => self.received(frame),
                // There is room again for what could not be gathered.
                Wake::Line(LineEvent::Flushed) => Ok(()),
                Wake::Topics(slots) => self.noted(&slots),
                Wake::Answered(id, answer) => {
                    self.answered(&id, answer);
                    Ok(())
                }
                Wake::Taken(taken) => {
                    self.taken(taken);
                    Ok(())
                }
                Wake::Fetched(fetched) => self.fetched(fetched),
                Wake::Roster => {
                    self.pace.rights_at = Some(Instant::now() + RIGHTS_RECHECK);
                    Ok(())
                }
                Wake::Clock => self.clock(),
            };
            if let Err(close) = step {
                return close;
            }
        }
    }

    /// What comes first. What is not taken is there next time; whoever has nothing is asked again only when it has.
    ///
    /// What waits for the reader leaves before more is put on top. Otherwise the reader comes last, and also when it came
    /// last time: one that never stops sending keeps nobody else from their turn.
    fn poll_wake<E>(&mut self, ended: Pin<&mut E>, context: &mut Context<'_>) -> Poll<Wake>
    where
        E: Future<Output = EndReason>,
    {
        if let Poll::Ready(reason) = ended.poll(context) {
            return Poll::Ready(Wake::End(reason));
        }
        if self.alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Wake::Clock);
        }
        let line_first = !self.line.outbox().is_clear() && !self.has_read;
        if line_first && let Poll::Ready(event) = self.poll_line(context) {
            return Poll::Ready(Wake::Line(event));
        }
        if let Poll::Ready(slots) = self.inbox.poll_ready(context) {
            return Poll::Ready(Wake::Topics(slots));
        }
        if let Poll::Ready(Some((id, answer))) = self.commands.poll_next_unpin(context) {
            return Poll::Ready(Wake::Answered(id, answer));
        }
        if let Some(taking) = &mut self.taking
            && let Poll::Ready(taken) = taking.as_mut().poll(context)
        {
            self.taking = None;
            return Poll::Ready(Wake::Taken(taken));
        }
        if let Poll::Ready(Some(fetched)) = self.fetches.poll_next_unpin(context) {
            return Poll::Ready(Wake::Fetched(fetched));
        }
        if self.roster.poll_changed(context).is_ready() {
            return Poll::Ready(Wake::Roster);
        }
        if !line_first && let Poll::Ready(event) = self.poll_line(context) {
            return Poll::Ready(Wake::Line(event));
        }
        Poll::Pending
    }

    /// What the reader sent, or that there is room for what could not be gathered.
    fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<LineEvent> {
        let reading = self.is_reading();
        let event = ready!(self.line.poll(reading, context));
        let LineEvent::Flushed = event else {
            return Poll::Ready(event);
        };
        self.holds.unstuck();
        if self.holds.has_ready() {
            return Poll::Ready(event);
        }
        let reading = self.is_reading();
        self.line.poll(reading, context)
    }

    fn set_alarm(&mut self) {
        let due = self.pace.next(self.line.outbox().stalls_at());
        if due < self.alarm.deadline() || self.alarm.is_elapsed() {
            self.alarm.as_mut().reset(due);
        }
    }

    /// Whether another request may be read: only when there is room for what it may cause.
    fn is_reading(&mut self) -> bool {
        self.taking.is_none()
            && self.commands.len() < SESSION_COMMANDS_MAX
            && self.line.outbox().has_room()
            && self.pace.frames.allows(Instant::now())
    }

    fn received(&mut self, frame: Message) -> Result<(), Close> {
        let now = Instant::now();
        self.pace.pings.heard(now);
        // Programs that feed the node are trusted with its speed: their bound is the commands under way.
        let is_program = matches!(self.caller.role, TokenRole::Admin | TokenRole::Service);
        if !is_program && !self.pace.frames.count(now) {
            return Err(Close::Flood);
        }
        match frame {
            Message::Text(text) => self.requested(&text),
            Message::Binary(_) => return Err(Close::TextOnly),
            Message::Ping(_) | Message::Pong(_) => {
                if !self.pace.control(now) {
                    return Err(Close::Flood);
                }
            }
            Message::Close(_) => return Err(Close::Gone),
        }
        Ok(())
    }

    /// Topics have something. While the socket is stuck that is only counted.
    fn noted(&mut self, slots: &[u32]) -> Result<(), Close> {
        for slot in slots {
            self.holds.note(*slot);
        }
        if self.line.outbox().is_clear() {
            return Ok(());
        }
        // What is gathered counts with its bound. Replies do not: they have their own, and their own deadline to be taken.
        let behind = self.holds.lag_bytes(slots).saturating_add(SESSION_GATHER_BYTES);
        if behind > OUTBOX_BYTES_MAX {
            Err(Close::SlowConsumer)
        } else {
            Ok(())
        }
    }

    fn clock(&mut self) -> Result<(), Close> {
        let now = Instant::now();
        if self.line.outbox().stalls_at().is_some_and(|at| at <= now) {
            return Err(Close::SlowConsumer);
        }
        if self.pace.token_ends_at.is_some_and(|at| at <= now) {
            return Err(Close::TokenEnded);
        }
        // Also clears the throttle that may have set this alarm.
        let listening = self.pace.frames.allows(now) && self.is_reading() && self.line.outbox().is_clear();
        match self.pace.pings.step(now, listening) {
            PingStep::Wait => {}
            PingStep::Ping => {
                self.line.push_ping();
                if !T::ANSWERS_PINGS {
                    // That it is taken is all that can be known.
                    self.pace.pings.heard(now);
                }
            }
            PingStep::Gone => return Err(Close::Silent),
        }
        if self.pace.rights_at.is_some_and(|at| at <= now) {
            self.pace.rights_at = None;
            self.recheck_rights();
        }
        Ok(())
    }

    /// Ends the session. What it still waits for in the engine is waited for, so that no topic keeps an ear of it.
    async fn finish(mut self, close: Close) {
        if close == Close::Stopping {
            let _ = timeout(CLOSE_GRACE, self.await_answers()).await;
        }
        let Self {
            line,
            taking,
            mut fetches,
            holds,
            ..
        } = self;
        drop(holds);
        line.close(close).await;
        let leftovers = async {
            if let Some(taking) = taking {
                drop(taking.await);
            }
            while fetches.next().await.is_some() {}
        };
        if close != Close::Stopping {
            let _ = timeout(READ_DEADLINE, leftovers).await;
        }
    }

    /// What was sent before the node stopped is acknowledged if it becomes durable in time.
    async fn await_answers(&mut self) {
        if let Some(taking) = self.taking.take() {
            let taken = taking.await;
            self.taken(taken);
        }
        while let Some((id, answer)) = self.commands.next().await {
            self.answered(&id, answer);
        }
    }

    fn answered(&mut self, id: &RequestId, answer: Result<Answer, Problem>) {
        self.answer(id, answer);
        // Whatever else became durable with the same commit leaves in the same flush.
        while let Some(Some((id, answer))) = self.commands.next().now_or_never() {
            self.answer(&id, answer);
        }
    }

    fn answer(&mut self, id: &RequestId, answer: Result<Answer, Problem>) {
        self.line.push(match answer {
            Ok(answer) => reply::ack(id, &answer),
            Err(problem) => reply::error(Some(id), &problem),
        });
    }
}

/// Tells when rights may have changed: once, until they have been looked at.
enum RosterWatch {
    /// Kept from one look to the next: a wait that is given up and begun anew would cost more with each message.
    Waiting(BoxFuture<'static, watch::Receiver<u64>>),
    /// Changed, and nobody has looked yet.
    Changed(watch::Receiver<u64>),
}

impl RosterWatch {
    /// From the last look of the receiver on.
    fn new(mut receiver: watch::Receiver<u64>) -> Self {
        Self::Waiting(
            async move {
                if receiver.changed().await.is_err() {
                    // The engine is gone, and the session will be told so.
                    std::future::pending::<()>().await;
                }
                receiver
            }
            .boxed(),
        )
    }

    fn poll_changed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self::Waiting(wait) = self else {
            return Poll::Pending;
        };
        *self = Self::Changed(ready!(wait.as_mut().poll(context)));
        Poll::Ready(())
    }

    /// Whatever has changed by now is looked at now.
    fn looked(&mut self) {
        if let Self::Changed(receiver) = self {
            let mut receiver = receiver.clone();
            receiver.mark_unchanged();
            *self = Self::new(receiver);
        }
    }
}
