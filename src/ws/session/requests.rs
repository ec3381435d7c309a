//! What a session does with requests: commands are handed over in order, topics are taken up and let go.

use super::{Session, Taken};
use crate::audit;
use crate::commands;
use crate::permissions;
use crate::problem::Problem;
use crate::rates::Work;
use crate::ws::holds::Stage;
use crate::ws::message;
use crate::ws::reply::{self, TopicReply};
use crate::ws::request::{Misunderstood, Request, RequestId, TopicWish, parse};
use crate::ws::subscribe::{self, Given, Start};
use crate::ws::transport::Transport;
use futures_util::FutureExt;
use homeroom_schema::limits::REPLY_BYTES_MAX;
use std::sync::Arc;

impl<T: Transport> Session<T> {
    /// A text frame came.
    pub(super) fn requested(&mut self, text: &str) {
        match parse(text) {
            Ok(Request::Ping { id }) => {
                let pong = reply::pong(id.as_ref(), self.app.clock().now());
                self.line.push(pong);
            }
            Ok(Request::Command { id, wish, key }) => {
                if !self.may(&id, Work::Write) {
                    return;
                }
                let (app, caller) = (self.app.clone(), self.caller);
                let taking = async move {
                    let started = commands::start(&app, &caller, wish, key.as_deref()).await;
                    if started.as_ref().is_err_and(|problem| problem.status == 403) {
                        audit::refused(&app, &caller, "WS", "/ws").await;
                    }
                    Taken::Command { id, started }
                };
                self.taking = Some(taking.boxed());
            }
            Ok(Request::Subscribe { id, topics }) => {
                if self.may(&id, Work::Read) {
                    self.subscribe(Some(id), topics);
                }
            }
            Ok(Request::Unsubscribe { id, topics }) => self.unsubscribe(&id, &topics),
            Err(Misunderstood { id, problem }) => self.line.push(reply::error(id.as_ref(), &problem)),
        }
    }

    /// Takes a request out of the caller's budget, or says that it holds no more.
    fn may(&mut self, id: &RequestId, work: Work) -> bool {
        let taken = self.app.rates().take(&self.caller, work);
        if let Err(over) = &taken {
            self.line.push(reply::error(Some(id), &over.problem));
        }
        taken.is_ok()
    }

    /// A request has been taken.
    pub(super) fn taken(&mut self, taken: Taken) {
        match taken {
            Taken::Command {
                id,
                started: Ok(started),
            } => {
                self.commands.push(started.map(|answer| (id, answer)).boxed());
            }
            Taken::Command {
                id,
                started: Err(problem),
            } => self.line.push(reply::error(Some(&id), &problem)),
            Taken::Subscribe { id, given } => self.subscribed(id.as_ref(), given),
        }
    }

    pub(super) fn subscribe(&mut self, id: Option<RequestId>, wishes: Vec<TopicWish>) {
        let asks = subscribe::plan(&self.app, &self.caller, &mut self.holds, wishes);
        // Whoever asks for a topic again gets nothing more on the old position: the reply says where it goes on.
        for ask in &asks {
            if let Ok(plan) = &ask.plan
                && let Some(hold) = self.holds.get_mut(plan.slot)
            {
                hold.stage = Stage::Paused;
            }
        }
        let subscribing = subscribe::subscribe(self.app.clone(), Arc::clone(&self.inbox), asks);
        self.taking = Some(subscribing.map(|given| Taken::Subscribe { id, given }).boxed());
    }

    /// Holds what was given, and says so in the order asked. A topic that is answered with an error is not held, also if
    /// it was before.
    fn subscribed(&mut self, id: Option<&RequestId>, given: Vec<Given>) {
        let mut bytes = 0;
        let mut replies = Vec::with_capacity(given.len());
        for Given { topic, name, outcome } in given {
            let taken_up = outcome.and_then(|start| self.take_up(topic.clone(), start, &mut bytes));
            replies.push(taken_up.unwrap_or_else(|error| {
                match name {
                    // A stream that comes back may still find its place.
                    Some(name) if error.status >= 500 => drop(self.holds.remove(name)),
                    Some(name) => self.let_go(name),
                    None => {}
                }
                TopicReply::Refused { topic, error }
            }));
        }
        self.line.push(reply::subscribed(id, &replies));
    }

    fn take_up(&mut self, topic: String, start: Start, bytes: &mut usize) -> Result<TopicReply, Problem> {
        let Start {
            slot,
            attachment,
            position,
            recovered,
            snapshot,
            ..
        } = start;
        let name = attachment.topic().name();
        // Asked a second time, because the roster may have changed while the engine answered.
        let lens = permissions::topic_lens(&self.caller, name, self.app.engine().roster())?;
        let snapshot = snapshot.map(|snapshot| message::snapshot(&self.app, name, &snapshot, lens));
        let size = snapshot.as_ref().map_or(0, |snapshot| snapshot.get().len());
        if *bytes > 0 && *bytes + size > REPLY_BYTES_MAX {
            return Err(subscribe::reply_too_large());
        }
        *bytes += size;
        if snapshot.is_some() {
            metrics::counter!("homeroom_snapshots_sent_total", "why" => "subscribe").increment(1);
        }
        let reply = TopicReply::Held {
            topic,
            epoch: position.epoch.to_string(),
            offset: position.offset,
            recovered,
            snapshot,
        };
        self.line.moved(name, &position);
        self.holds.put(slot, attachment, lens, position);
        Ok(reply)
    }

    fn unsubscribe(&mut self, id: &RequestId, topics: &[String]) {
        for name in topics.iter().filter_map(|topic| topic.parse().ok()) {
            self.let_go(name);
        }
        self.line.push(reply::unsubscribed(id, topics));
    }
}
