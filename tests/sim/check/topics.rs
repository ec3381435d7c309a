//! Topics: positions, gaps, repeats, and what the messages of each come to.

use super::{Judged, Truth, require};
use crate::history::{Event, Position};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Codes that the node ends connections with, and those of a client's own close.
const CODES: [u16; 14] = [
    1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 1012, 4001, 4008, 4009, 4010, 4500,
];

/// One topic of one client, as its frames tell it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) position: Position,
    /// The state that the messages come to; none where only a position was recovered that the judge never saw a state for.
    pub(super) state: Option<Value>,
}

/// Topics that are held, by client.
pub(super) type AllHeld = BTreeMap<(usize, String), Held>;

/// A topic that was asked for, and from where on.
type Asked = (String, Option<Position>);

#[derive(Default)]
struct Judge {
    held: AllHeld,
    /// What a client had when its connection ended: what it goes on from if its position is recovered.
    before: AllHeld,
    asked: BTreeMap<(usize, String), Vec<Asked>>,
    /// What is at each place of each person's topic.
    said: BTreeMap<(String, u64), Value>,
}

pub(super) fn check(events: &[(u64, Event)], truth: &Truth, judged: &mut Judged) -> Result<AllHeld, String> {
    let mut judge = Judge::default();
    for (at_ms, event) in events {
        let taken = judge.take(event, truth, judged);
        taken.map_err(|why| format!("at {at_ms} ms: {why}"))?;
    }
    Ok(judge.held)
}

impl Judge {
    fn take(&mut self, event: &Event, truth: &Truth, judged: &mut Judged) -> Result<(), String> {
        match event {
            Event::Asked { client, id, topics } => {
                self.asked.insert((*client, id.clone()), topics.clone());
            }
            Event::Frame { client, frame, kept } => return self.frame(*client, frame, *kept, truth, judged),
            Event::Ended { client, code } => {
                judged.ended += 1;
                require!(
                    code.is_none_or(|code| CODES.contains(&code)),
                    "client {client} was closed with {code:?}, which is no code of the table"
                );
                self.asked.retain(|(of, _), _| of != client);
                let gone: Vec<_> = self.held.keys().filter(|(of, _)| of == client).cloned().collect();
                for key in gone {
                    if let Some(held) = self.held.remove(&key) {
                        self.before.insert(key, held);
                    }
                }
            }
            Event::Gone { kept } => {
                for (user, kept) in kept {
                    let topic = format!("user:{user}");
                    let held = self.held.iter().filter(|((_, of), _)| *of == topic);
                    for ((client, _), held) in held {
                        let shown = held.position.1;
                        require!(
                            shown <= *kept,
                            "client {client} was shown {shown} of {topic}, but {kept} are kept"
                        );
                        judged.unshown += kept - shown;
                    }
                }
            }
            Event::Sent { .. } | Event::Looked { .. } | Event::World(_) => {}
        }
        Ok(())
    }

    fn frame(
        &mut self,
        client: usize,
        frame: &Value,
        kept: Option<u64>,
        truth: &Truth,
        judged: &mut Judged,
    ) -> Result<(), String> {
        match frame["type"].as_str().unwrap_or_default() {
            "subscribed" => self.subscribed(client, frame, truth, judged),
            "unsubscribed" => {
                let topics = frame["topics"].as_array().into_iter().flatten();
                for topic in topics.chain(frame.get("topic")).filter_map(Value::as_str) {
                    self.held.remove(&(client, topic.to_owned()));
                    self.before.remove(&(client, topic.to_owned()));
                }
                if frame.get("topic").is_some() {
                    problem(&frame["reason"])?;
                }
                Ok(())
            }
            "snapshot" => {
                let topic = frame["topic"].as_str().unwrap_or_default().to_owned();
                require!(
                    self.held.contains_key(&(client, topic.clone())),
                    "client {client} gets a snapshot of {topic}, which it does not hold"
                );
                require!(
                    !topic.starts_with("user:"),
                    "client {client} gets {topic} anew, unasked"
                );
                judged.told_anew += 1;
                let held = Held {
                    position: position(frame)?,
                    state: Some(frame["data"].clone()),
                };
                self.held.insert((client, topic), held);
                Ok(())
            }
            "ack" | "error" | "pong" => {
                if frame["type"] == "error" {
                    problem(&frame["error"])?;
                }
                Ok(())
            }
            _ => self.message(client, frame, kept, truth, judged),
        }
    }

    fn subscribed(&mut self, client: usize, frame: &Value, truth: &Truth, judged: &mut Judged) -> Result<(), String> {
        let id = frame["id"].as_str().unwrap_or_default().to_owned();
        let asked = self.asked.remove(&(client, id.clone()));
        let asked = asked.ok_or_else(|| format!("client {client} gets an answer to {id}, which it never asked"))?;
        let replies = frame["topics"].as_array().map(Vec::as_slice).unwrap_or_default();
        require!(
            asked.len() == replies.len(),
            "client {client} asked for {} topics and is told of {}",
            asked.len(),
            replies.len()
        );
        for ((topic, wanted), reply) in asked.iter().zip(replies) {
            require!(
                reply["topic"] == topic.as_str(),
                "the answers are not in the order asked: {frame}"
            );
            let key = (client, topic.clone());
            if reply.get("error").is_some() {
                problem(&reply["error"])?;
                if let Some(held) = self.held.remove(&key) {
                    // It may be asked for again with the next connection.
                    self.before.insert(key, held);
                }
                continue;
            }
            let given = position(reply)?;
            let is_recovered = reply["recovered"] == true;
            let state = if is_recovered {
                judged.recovered += 1;
                require!(
                    Some(&given) == wanted.as_ref(),
                    "client {client} goes on with {topic} at {given:?} but asked for {wanted:?}"
                );
                require!(
                    reply.get("snapshot").is_none(),
                    "a recovered position comes with a snapshot: {reply}"
                );
                self.before.get(&key).and_then(|before| before.state.clone())
            } else {
                judged.told_anew += 1;
                require!(
                    reply["snapshot"].is_object(),
                    "client {client} gets no snapshot of {topic}: {reply}"
                );
                require!(
                    !topic.starts_with("user:") || wanted.as_ref().is_none_or(|(epoch, _)| *epoch != truth.epoch),
                    "client {client} asked to go on with {topic} at {wanted:?}, and was told to start anew at {given:?}"
                );
                Some(reply["snapshot"].clone())
            };
            self.before.remove(&key);
            self.held.insert(key, Held { position: given, state });
        }
        Ok(())
    }

    fn message(
        &mut self,
        client: usize,
        frame: &Value,
        kept: Option<u64>,
        truth: &Truth,
        judged: &mut Judged,
    ) -> Result<(), String> {
        judged.messages += 1;
        let topic = frame["topic"]
            .as_str()
            .ok_or_else(|| format!("a frame of no known kind: {frame}"))?;
        let offset = frame["offset"]
            .as_u64()
            .ok_or_else(|| format!("a message without an offset: {frame}"))?;
        let held = self.held.get_mut(&(client, topic.to_owned()));
        let held =
            held.ok_or_else(|| format!("client {client} gets a message of {topic}, which it does not hold: {frame}"))?;
        require!(
            offset == held.position.1 + 1,
            "client {client} is at {} of {topic} and gets {offset}: {frame}",
            held.position.1
        );
        held.position.1 = offset;
        if let Some(state) = &mut held.state {
            super::boards::apply(topic, state, &frame["data"]);
        }
        let Some(user) = topic.strip_prefix("user:") else {
            return Ok(());
        };
        if let Some(kept) = kept {
            require!(
                offset <= kept,
                "client {client} is shown {offset} of {topic} while {kept} are kept: {frame}"
            );
        }
        let said = self
            .said
            .entry((topic.to_owned(), offset))
            .or_insert_with(|| frame.clone());
        require!(
            said == frame,
            "at {offset} of {topic} stands {frame}, but somebody was told {said}"
        );
        let journal = user.parse().ok().and_then(|user: u64| truth.journal.get(&user));
        let written = journal.and_then(|journal| journal.get(usize::try_from(offset).ok()?.checked_sub(1)?));
        require!(
            written.is_some(),
            "{topic} shows {offset}, which the journal does not have"
        );
        if let (Some(written), Some(shown)) = (written, frame["data"]["event_id"].as_u64()) {
            require!(
                *written == shown,
                "{offset} of {topic} is event {written}, but {shown} was shown: {frame}"
            );
        }
        Ok(())
    }
}

fn position(value: &Value) -> Result<Position, String> {
    let epoch = value["epoch"].as_str();
    let offset = value["offset"].as_u64();
    let both = epoch.zip(offset).map(|(epoch, offset)| (epoch.to_owned(), offset));
    both.ok_or_else(|| format!("no position: {value}"))
}

/// H6: a failure has a code and a status.
fn problem(value: &Value) -> Result<(), String> {
    let code = value["code"].as_str().unwrap_or_default();
    let is_code = !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
    require!(
        is_code && value["status"].is_u64(),
        "a failure that is no problem: {value}"
    );
    require!(code != "internal", "something went wrong inside: {value}");
    Ok(())
}

/// The topics of a client, for asking afresh.
pub fn held_by(events: &[(u64, Event)], client: usize) -> Vec<String> {
    let mut topics = BTreeSet::new();
    for (_, event) in events {
        match event {
            Event::Ended { client: of, .. } if *of == client => topics.clear(),
            Event::Frame { client: of, frame, .. } if *of == client => match frame["type"].as_str() {
                Some("subscribed") => {
                    for reply in frame["topics"].as_array().into_iter().flatten() {
                        let topic = reply["topic"].as_str().unwrap_or_default().to_owned();
                        if reply.get("error").is_none() {
                            topics.insert(topic);
                        } else {
                            topics.remove(&topic);
                        }
                    }
                }
                Some("unsubscribed") => {
                    let gone = frame["topics"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .chain(frame.get("topic"));
                    for topic in gone.filter_map(Value::as_str) {
                        topics.remove(topic);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    topics.into_iter().collect()
}
