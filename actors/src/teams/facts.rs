//! A team's facts on their way into the journal: one append at a time, so that the team's stream has one order.

use crate::domain::team::{TeamEvent, TeamFact, TeamLog};
use crate::error::EngineError;
use crate::hub::{Hub, restart_me};
use homeroom_schema::limits::{STREAM_PAGE_MAX, TEAM_FACTS_BATCH_MAX};
use homeroom_schema::records::{Append, NewEvent, Row, StreamAppend, StreamId, TeamAwardRecord};
use homeroom_schema::{ReferenceId, TeamId, TimeMs, UserId};
use ractor::{ActorProcessingErr, RpcReplyPort};
use std::collections::BTreeMap;

/// Who waits for a fact.
pub(super) type FactReply = RpcReplyPort<Result<TeamFact, EngineError>>;

/// Times that a fact is tried again after somebody else wrote to the stream first.
const CONFLICTS_MAX: u32 = 3;

/// A team's facts: kept ones, and those on their way. What waits is bounded by the callers' permits.
pub(super) struct Facts {
    team_id: TeamId,
    log: TeamLog,
    waiting: BTreeMap<ReferenceId, Wish>,
    under_way: BTreeMap<ReferenceId, Wish>,
}

/// A fact that somebody wants to be kept.
struct Wish {
    members: Vec<UserId>,
    reported_for: UserId,
    occurred_at: TimeMs,
    conflicts: u32,
    replies: Vec<FactReply>,
}

impl Facts {
    pub(super) fn new(team_id: TeamId) -> Self {
        Self {
            team_id,
            log: TeamLog::default(),
            waiting: BTreeMap::new(),
            under_way: BTreeMap::new(),
        }
    }

    /// How many are kept.
    pub(super) fn count(&self) -> usize {
        self.log.achieved.len()
    }

    /// Reads the team's stream from where it is known.
    pub(super) async fn load(&mut self, hub: &Hub) -> Result<(), ActorProcessingErr> {
        let stream = StreamId::team(self.team_id);
        loop {
            let read = hub.store().read_stream(stream, self.log.version, STREAM_PAGE_MAX);
            let page = read.await.map_err(restart_me)?;
            for stored in &page {
                let event: TeamEvent = serde_json::from_str(&stored.body).map_err(restart_me)?;
                self.log.evolve(&event, stored.version);
            }
            if page.len() < STREAM_PAGE_MAX {
                return Ok(());
            }
        }
    }

    /// A wish: answered if the fact is there, else it joins those who wait for it.
    pub(super) fn wish(
        &mut self,
        hub: &Hub,
        reference: ReferenceId,
        reported_for: UserId,
        occurred_at: TimeMs,
        reply: FactReply,
    ) {
        if let Some(fact) = self.log.achieved.get(&reference) {
            let _ = reply.send(Ok(fact.clone()));
            return;
        }
        let under_way = self.under_way.get_mut(&reference);
        if let Some(wish) = under_way.or_else(|| self.waiting.get_mut(&reference)) {
            wish.replies.push(reply);
            return;
        }
        let members: Vec<UserId> = hub
            .roster()
            .members(self.team_id)
            .iter()
            .map(|member| member.user_id)
            .collect();
        if !members.contains(&reported_for) {
            let _ = reply.send(Err(EngineError::NotAMember {
                team_id: self.team_id,
                user_id: reported_for,
            }));
            return;
        }
        let wish = Wish {
            members,
            reported_for,
            occurred_at,
            conflicts: 0,
            replies: vec![reply],
        };
        self.waiting.insert(reference, wish);
    }

    /// The next append, unless one is under way or nothing waits.
    pub(super) fn next(&mut self, recorded_at: TimeMs) -> Option<Append> {
        if !self.under_way.is_empty() || self.waiting.is_empty() {
            return None;
        }
        let mut events = Vec::new();
        let mut rows = Vec::new();
        let mut version = self.log.version;
        while events.len() < TEAM_FACTS_BATCH_MAX
            && let Some((reference, wish)) = self.waiting.pop_first()
        {
            let event = wish.event(reference);
            version = version.plus(1);
            rows.push(Row::TeamAward(TeamAwardRecord {
                team_id: self.team_id,
                version,
                reference_id: reference,
            }));
            events.push(NewEvent {
                event_type: event.event_type(),
                occurred_at: wish.occurred_at,
                recorded_at,
                body: serde_json::to_string(&event).expect("ids and times are always JSON"),
                note: None,
            });
            self.under_way.insert(reference, wish);
        }
        Some(Append {
            stream: Some(StreamAppend {
                stream: StreamId::team(self.team_id),
                expected: self.log.version,
                events,
                head: None,
            }),
            rows,
            key: None,
        })
    }

    /// The append under way was kept.
    pub(super) fn kept(&mut self) -> Vec<(FactReply, TeamFact)> {
        let mut answers = Vec::new();
        for (reference, wish) in std::mem::take(&mut self.under_way) {
            let version = self.log.version.plus(1);
            self.log.evolve(&wish.event(reference), version);
            answers.extend(self.answers(reference, wish));
        }
        answers
    }

    /// What became of the append under way is to be found in the stream, which has been loaded again: what is there is
    /// answered; the rest waits again after a conflict, and is given up otherwise.
    pub(super) fn reloaded(&mut self, again: bool) -> Vec<(FactReply, TeamFact)> {
        let mut answers = Vec::new();
        for (reference, mut wish) in std::mem::take(&mut self.under_way) {
            if self.log.achieved.contains_key(&reference) {
                answers.extend(self.answers(reference, wish));
            } else if again && wish.conflicts < CONFLICTS_MAX {
                wish.conflicts += 1;
                self.waiting.insert(reference, wish);
            } else {
                for reply in wish.replies {
                    let _ = reply.send(Err(EngineError::StoreUnavailable));
                }
            }
        }
        answers
    }

    fn answers(&self, reference: ReferenceId, wish: Wish) -> Vec<(FactReply, TeamFact)> {
        let Some(fact) = self.log.achieved.get(&reference) else {
            return Vec::new();
        };
        wish.replies.into_iter().map(|reply| (reply, fact.clone())).collect()
    }
}

impl Wish {
    fn event(&self, reference: ReferenceId) -> TeamEvent {
        TeamEvent::TeamAchieved {
            reference,
            members: self.members.clone(),
            reported_for: self.reported_for,
            occurred_at: self.occurred_at,
        }
    }
}
