//! The actor of one team: keeps its facts, and folds what changed into its performance, published at most once a tick.

use super::facts::{FactReply, Facts};
use super::members::Members;
use super::performance::{TeamFigures, performance};
use super::{TeamHandle, TeamMarks};
use crate::boards::BoardHandle;
use crate::domain::rules::Transfer;
use crate::domain::team::TeamFact;
use crate::engine::TopicSnapshot;
use crate::hub::{Hub, Start, fresh_epoch, restart_me};
use crate::journal::{Completion, Submission};
use crate::scores::Tally;
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::monotonic;
use crate::topics::{Entry, Message, Period, Position};
use crate::views::TeamPerformance;
use homeroom_schema::limits::TOPIC_TICK;
use homeroom_schema::records::{AppendOutcome, StandingsOf, TimeRange};
use homeroom_schema::{ReferenceId, StoreError, TimeMs, UserId};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::sync::Arc;
use tokio::time::Instant;

/// The actor of one team. Configuration: none.
pub(crate) struct TeamActor;

/// What a team's actor is told.
pub(crate) enum TeamMsg {
    /// From the hub: something is marked. Safe to repeat.
    Look,
    /// From itself: the pause since the last message is over.
    PublishTick,
    /// From the hub, with the inbox already attached: where does it start? Answered with everything marked before, at the
    /// next tick if a message is due then.
    Subscribe {
        /// The position asked for.
        position: Option<Position>,
        /// Where it starts.
        reply: RpcReplyPort<Start>,
    },
    /// From the hub: the team achieved something. Safe to repeat: a reference has one fact. Answered when durable.
    Achieve {
        /// What.
        reference: ReferenceId,
        /// Who is named in the command.
        reported_for: UserId,
        /// When it happened.
        occurred_at: TimeMs,
        /// The fact, the first one if there was one.
        reply: FactReply,
    },
    /// From the journal: what became of the append under way.
    Settled {
        /// What became of it.
        outcome: Result<AppendOutcome, StoreError>,
    },
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

/// A team's state: all of it can be read again.
pub(crate) struct TeamState {
    hub: Hub,
    handle: Arc<TeamHandle>,
    /// Held, so that the board that ranks this team stays awake with it.
    board: Arc<BoardHandle>,
    life: u64,
    facts: Facts,
    members: Members,
    /// What was earned in each team, where that counts instead of what the members have.
    earned: Option<Arc<Tally>>,
    epoch: Arc<str>,
    /// As of now.
    performance: Arc<TeamPerformance>,
    /// As last published.
    published: Arc<TeamPerformance>,
    published_at: Option<Instant>,
    has_tick: bool,
    waiting: Vec<(Option<Position>, RpcReplyPort<Start>)>,
}

impl Actor for TeamActor {
    type Msg = TeamMsg;
    type State = TeamState;
    type Arguments = (Hub, Arc<TeamHandle>);

    async fn pre_start(
        &self,
        _: ActorRef<TeamMsg>,
        (hub, handle): (Hub, Arc<TeamHandle>),
    ) -> Result<TeamState, ActorProcessingErr> {
        TeamState::new(hub, handle)
    }

    async fn post_start(&self, _: ActorRef<TeamMsg>, state: &mut TeamState) -> Result<(), ActorProcessingErr> {
        state.load().await
    }

    async fn handle(
        &self,
        myself: ActorRef<TeamMsg>,
        message: TeamMsg,
        state: &mut TeamState,
    ) -> Result<(), ActorProcessingErr> {
        state.look().await?;
        state.handle.pulse.begin();
        match message {
            TeamMsg::Look => {}
            TeamMsg::PublishTick => state.has_tick = false,
            TeamMsg::Subscribe { position, reply } => state.waiting.push((position, reply)),
            TeamMsg::Achieve {
                reference,
                reported_for,
                occurred_at,
                reply,
            } => {
                let facts = &mut state.facts;
                facts.wish(&state.hub, reference, reported_for, occurred_at, reply);
                state.submit_next(&myself);
            }
            TeamMsg::Settled { outcome } => {
                state.settled(outcome).await?;
                state.submit_next(&myself);
            }
            #[cfg(feature = "faults")]
            TeamMsg::Poison(fault) => fault.strike().await,
        }
        state.handle.pulse.end();
        state.publish_when_due(&myself);
        Ok(())
    }
}

impl TeamState {
    fn new(hub: Hub, handle: Arc<TeamHandle>) -> Result<Self, ActorProcessingErr> {
        let nothing = Arc::new(performance(
            TeamFigures {
                team_id: handle.key,
                name: Arc::default(),
                mentor_id: None,
                earned: None,
                team_achievements: 0,
                rank: None,
                version: 0,
            },
            Vec::new(),
        ));
        Ok(Self {
            board: hub.wake_teams_board().map_err(restart_me)?,
            life: handle.gate.begin(),
            facts: Facts::new(handle.key),
            members: Members::default(),
            earned: None,
            epoch: fresh_epoch(),
            performance: Arc::clone(&nothing),
            published: nothing,
            published_at: None,
            has_tick: false,
            waiting: Vec::new(),
            hub,
            handle,
        })
    }

    /// Reads everything. What is marked meanwhile is looked at afterwards, and finds itself applied already or not.
    async fn load(&mut self) -> Result<(), ActorProcessingErr> {
        let Some((marks, sent)) = self.handle.gate.take(self.life) else {
            return Err(restart_me("replaced while starting"));
        };
        let version = self.hub.last_event_id().max(marks.event_id);
        self.count().await?;
        self.facts.load(&self.hub).await?;
        let members = self.members.refresh(&self.hub, self.handle.key, true);
        members.await.map_err(restart_me)?;
        self.performance = Arc::new(self.read(version));
        self.published = Arc::clone(&self.performance);
        self.handle.shared.set_performance(Arc::clone(&self.performance));
        let snapshot = TopicSnapshot::Team(Arc::clone(&self.performance));
        self.handle.topic.restart(Arc::clone(&self.epoch), 0, Some(snapshot));
        self.handle.gate.apply(sent);
        Ok(())
    }

    /// Where points stay with the team in which they were earned: has them counted.
    async fn count(&mut self) -> Result<(), ActorProcessingErr> {
        self.earned = match self.hub.calendar().teams.transfer {
            Transfer::Follow => None,
            Transfer::Stay => {
                let tally = self.hub.tally(StandingsOf::Teams, Period::All);
                let range = TimeRange::ALL;
                tally.load(&**self.hub.store(), range).await.map_err(restart_me)?;
                Some(tally)
            }
        };
        Ok(())
    }

    /// Looks at everything marked, and lets it be read.
    async fn look(&mut self) -> Result<(), ActorProcessingErr> {
        let sent = self.handle.gate.sent();
        if self.handle.gate.is_applied(sent) {
            return Ok(());
        }
        let Some((marks, sent)) = self.handle.gate.take(self.life) else {
            return Err(restart_me("replaced"));
        };
        if marks.reload {
            self.facts.load(&self.hub).await?;
        }
        if marks.roster {
            self.count().await?;
            let members = self.members.refresh(&self.hub, self.handle.key, marks.members);
            members.await.map_err(restart_me)?;
        }
        self.members.learned(&self.hub, &marks);
        self.fold(&marks);
        self.forget(&marks.erased);
        self.handle.gate.apply(sent);
        Ok(())
    }

    /// Begins a new life of the topic if what it remembers or shows is about somebody who was erased.
    fn forget(&mut self, erased: &[UserId]) {
        let is_shown = |id: &UserId| self.published.names(id.get()) || self.handle.topic.remembers(id.get());
        if !erased.iter().any(is_shown) {
            return;
        }
        self.epoch = fresh_epoch();
        self.published = Arc::clone(&self.performance);
        let snapshot = TopicSnapshot::Team(Arc::clone(&self.performance));
        self.handle.topic.restart(Arc::clone(&self.epoch), 0, Some(snapshot));
    }

    /// Makes the performance of now the one that is read.
    fn fold(&mut self, marks: &TeamMarks) {
        let version = self.performance.version;
        let mut now = self.read(version);
        if now == *self.performance {
            // A score may have been read here before its mark came.
            now.version = version.max(marks.scored);
        } else {
            // Marks can come late; still nobody may see two states under one version.
            now.version = marks.event_id.max(version + 1);
        }
        if now.version != version {
            self.performance = Arc::new(now);
            self.handle.shared.set_performance(Arc::clone(&self.performance));
        }
    }

    fn read(&self, version: u64) -> TeamPerformance {
        let team = self.hub.roster().team(self.handle.key);
        let (name, mentor_id) = team.map(|team| (team.name, team.mentor_id)).unwrap_or_default();
        let (rank, _) = self.board.shared.rank(self.handle.key.get());
        self.handle.shared.see_rank(rank);
        performance(
            TeamFigures {
                team_id: self.handle.key,
                name: name.into(),
                mentor_id,
                earned: self
                    .earned
                    .as_ref()
                    .map(|tally| tally.score(self.handle.key.get()).points),
                team_achievements: self.facts.count(),
                rank,
                version,
            },
            self.members.figures(&self.hub),
        )
    }

    fn submit_next(&mut self, myself: &ActorRef<TeamMsg>) {
        let Some(append) = self.facts.next(self.hub.clock().now()) else {
            return;
        };
        let myself = myself.clone();
        self.hub.submit(Submission {
            append,
            change: None,
            // Without an actor to tell, its next life finds in the stream what became of it.
            done: Completion::new(move |outcome| drop(myself.cast(TeamMsg::Settled { outcome }))),
        });
    }

    /// Facts are shown before those who wait for them are answered.
    async fn settled(&mut self, outcome: Result<AppendOutcome, StoreError>) -> Result<(), ActorProcessingErr> {
        let mut answers = Vec::new();
        match outcome {
            Ok(AppendOutcome::Kept { first_event_id }) => {
                answers = self.facts.kept();
                let first = first_event_id.map_or(0, homeroom_schema::EventId::get);
                // At least so many: waiting callers of one fact are counted each, and versions only have to rise.
                self.kept(first);
            }
            Ok(AppendOutcome::Conflict { .. } | AppendOutcome::KeyTaken) => {
                self.facts.load(&self.hub).await?;
                answers = self.facts.reloaded(true);
                self.kept(0);
            }
            Err(error) => {
                if matches!(error, StoreError::Unknown { .. }) {
                    self.facts.load(&self.hub).await?;
                }
                answers.extend(self.facts.reloaded(false));
                self.kept(0);
            }
        }
        for (reply, fact) in answers {
            let fact: TeamFact = fact;
            let _ = reply.send(Ok(fact));
        }
        Ok(())
    }

    fn kept(&mut self, event_id: u64) {
        self.hub.saw_event(event_id);
        let mut marks = TeamMarks::default();
        marks.rank(event_id);
        self.fold(&marks);
    }

    /// Publishes and answers now if a message is due, or sees to it that it happens at the next tick.
    fn publish_when_due(&mut self, myself: &ActorRef<TeamMsg>) {
        if Arc::ptr_eq(&self.performance, &self.published) {
            return self.answer();
        }
        if !self.handle.topic.has_subscribers() {
            // Nobody is behind what waits: a subscriber attaches before it asks.
            return self.waiting.clear();
        }
        let now = monotonic();
        let due = self.published_at.map_or(now, |at| at + TOPIC_TICK);
        if due <= now {
            self.publish(now);
            self.answer();
        } else if !self.has_tick {
            self.has_tick = true;
            myself.send_after(due - now, || TeamMsg::PublishTick);
        }
    }

    fn publish(&mut self, at: Instant) {
        let now = Arc::clone(&self.performance);
        let before = std::mem::replace(&mut self.published, Arc::clone(&now));
        let snapshot = TopicSnapshot::Team(Arc::clone(&now));
        if is_same_but_version(&before, &now) {
            return self.handle.topic.set_snapshot(snapshot);
        }
        let offset = self.handle.topic.position().offset + 1;
        let entry = Arc::new(Entry::new(offset, Message::Team { before, now }));
        self.handle.topic.publish_with(&self.epoch, entry, snapshot);
        self.published_at = Some(at);
        metrics::counter!("homeroom_topic_messages_total", "kind" => "team").increment(1);
    }

    fn answer(&mut self) {
        for (position, reply) in self.waiting.drain(..) {
            if let Some(start) = Start::of(&self.handle.topic, position) {
                // Whoever no longer waits has detached.
                let _ = reply.send(start);
            }
        }
    }
}

fn is_same_but_version(one: &TeamPerformance, other: &TeamPerformance) -> bool {
    let mut one = one.clone();
    one.version = other.version;
    one == *other
}
