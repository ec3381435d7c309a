//! What a session does with its topics: it reads them in turn while there is room, fetches what memory has forgotten, and
//! looks at rights again before it shows anything.

use super::Session;
use crate::permissions;
use crate::problem::Problem;
use crate::ws::close::Close;
use crate::ws::fetch::{Fetch, Fetched, Found};
use crate::ws::holds::Stage;
use crate::ws::subscribe::Start;
use crate::ws::transport::Transport;
use crate::ws::{message, reply};
use futures_util::FutureExt;
use homeroom_actors::Entry;
use homeroom_actors::topics::{TopicName, TopicRead};
use homeroom_schema::limits::{SESSION_FETCHES_MAX, TOPIC_PAGE};
use std::sync::Arc;

impl<T: Transport> Session<T> {
    /// Reads topics in turn, a page each, while the socket has room.
    pub(super) fn gather(&mut self) {
        while self.line.outbox().has_room()
            && let Some(slot) = self.holds.next_ready()
        {
            if let Err(problem) = self.check_right(slot) {
                self.end_topic(slot, &problem);
            } else {
                self.read_on(slot);
            }
        }
        while self.fetches.len() < SESSION_FETCHES_MAX
            && let Some(fetch) = self.fetches_waiting.pop_front()
        {
            let fetching = fetch.run(self.app.clone(), Arc::clone(&self.inbox));
            self.fetches.push(fetching.boxed());
        }
    }

    fn read_on(&mut self, slot: u32) {
        let Some(hold) = self.holds.get_mut(slot) else { return };
        if hold.stage != Stage::Following {
            return;
        }
        let fetch = match (
            hold.attachment.topic().read_after(&hold.position, TOPIC_PAGE),
            hold.name,
        ) {
            (TopicRead::Entries(entries), _) => {
                let is_full = entries.len() == TOPIC_PAGE;
                self.send_entries(slot, &entries);
                if is_full {
                    self.holds.note(slot);
                }
                return;
            }
            (TopicRead::Forgotten, TopicName::User(user_id)) => Fetch::page(slot, hold, user_id),
            (TopicRead::Forgotten | TopicRead::Restarted, _) => Fetch::start(slot, hold),
        };
        hold.stage = Stage::Fetching;
        self.fetches_waiting.push_back(fetch);
    }

    /// Sends messages that follow the hold's position. One that doesn't follow would be a gap or a repeat: then the topic
    /// starts anew from a snapshot, which is always right.
    fn send_entries(&mut self, slot: u32, entries: &[Arc<Entry>]) {
        let Some(hold) = self.holds.get_mut(slot) else { return };
        for entry in entries {
            if entry.offset != hold.position.offset + 1 {
                tracing::error!(topic = %hold.name, at = hold.position.offset, next = entry.offset, "a topic is not in order");
                hold.stage = Stage::Fetching;
                let fetch = Fetch::start(slot, hold);
                self.fetches_waiting.push_back(fetch);
                return;
            }
            hold.position.offset = entry.offset;
            self.line.moved(hold.name, &hold.position);
            self.line.push(message::frame(&self.app, entry, hold.lens));
        }
    }

    /// A page or a new start has come; it counts only if the hold is still where it was.
    pub(super) fn fetched(&mut self, fetched: Fetched) -> Result<(), Close> {
        let Fetched { slot, serial, result } = fetched;
        let hold = self.holds.get_mut(slot);
        let Some(hold) = hold.filter(|hold| hold.serial == serial && hold.stage == Stage::Fetching) else {
            if let Ok(Found::Start(start)) = result {
                self.holds.discard(start.attachment);
            }
            return Ok(());
        };
        match result {
            Ok(Found::Page(entries)) => {
                hold.stage = Stage::Following;
                if entries.is_empty() {
                    // The topic has moved on, but the journal shows nothing: reading on would turn in circles.
                    tracing::error!(topic = %hold.name, at = hold.position.offset, "the journal has no messages after a position");
                    return Err(Close::Unavailable);
                }
                if let Err(problem) = self.check_right(slot) {
                    self.end_topic(slot, &problem);
                } else {
                    self.send_entries(slot, &entries);
                    self.holds.note(slot);
                }
            }
            Ok(Found::Start(start)) => self.start_anew(*start),
            // A user topic is never given up silently: the client comes back with its position.
            Err(problem) if matches!(hold.name, TopicName::User(_)) && problem.status >= 500 => {
                return Err(Close::Unavailable);
            }
            Err(problem) => self.end_topic(slot, &problem),
        }
        Ok(())
    }

    /// Unasked: the position of a topic starts anew at a snapshot.
    fn start_anew(&mut self, start: Start) {
        let Start {
            slot,
            attachment,
            lens,
            position,
            snapshot,
            ..
        } = start;
        let name = attachment.topic().name();
        self.line.moved(name, &position);
        if let Some(snapshot) = snapshot {
            let data = message::snapshot(&self.app, name, &snapshot, lens);
            self.line.push(reply::snapshot(name, &position, &data));
            metrics::counter!("homeroom_snapshots_sent_total", "why" => "restart").increment(1);
        }
        self.holds.put(slot, attachment, lens, position);
    }

    /// Looks at the rights of all topics again, also of silent ones: the roster has changed.
    pub(super) fn recheck_rights(&mut self) {
        self.roster.looked();
        for slot in self.holds.slots() {
            if let Err(problem) = self.check_right(slot) {
                self.end_topic(slot, &problem);
            }
        }
    }

    /// Whether a topic may still be shown. Whoever sees it through another lens now starts anew: the rows held so far are
    /// under other names.
    fn check_right(&mut self, slot: u32) -> Result<(), Problem> {
        let Some(hold) = self.holds.get_mut(slot) else {
            return Ok(());
        };
        let roster = self.app.engine().roster();
        if let TopicName::User(user_id) = hold.name
            && roster.is_erased(user_id)
        {
            // Whoever holds the topic knew the person.
            return Err(Problem::erased());
        }
        let lens = permissions::topic_lens(&self.caller, hold.name, roster)?;
        if lens != hold.lens {
            hold.lens = lens;
            hold.serial += 1;
            if hold.stage != Stage::Paused {
                hold.stage = Stage::Fetching;
                let fetch = Fetch::start(slot, hold);
                self.fetches_waiting.push_back(fetch);
            }
        }
        Ok(())
    }

    /// Unasked: a topic is no longer held.
    fn end_topic(&mut self, slot: u32, problem: &Problem) {
        let Some(name) = self.holds.get_mut(slot).map(|hold| hold.name) else {
            return;
        };
        self.let_go(name);
        self.line.push(reply::ended(name, problem));
    }

    /// A topic is no longer held.
    pub(super) fn let_go(&mut self, name: TopicName) {
        self.holds.remove(name);
        self.line.left(name);
    }
}
