//! The actor of one board: looks at marked rows again, and publishes what changed in the window, at most once a tick.

use super::read::{front_of, names};
use super::rows::Source;
use super::window::{diff, rows_of};
use super::{BoardData, BoardHandle, BoardMarks};
use crate::domain::board::Board;
use crate::engine::TopicSnapshot;
use crate::hub::{Hub, Start, fresh_epoch, restart_me};
#[cfg(feature = "faults")]
use crate::supervision::Fault;
use crate::supervision::monotonic;
use crate::topics::{BoardName, Entry, Message, Position};
use crate::views::{BoardPage, BoardRow};
use homeroom_schema::limits::TOPIC_TICK;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Rows changed under one lock: readers wait for no more than that.
const CHUNK: usize = 256;
/// Ranks of teams are told at most this often, so that with the tick of the team itself nothing waits longer than 100 ms.
const RANKS_TICK: Duration = Duration::from_millis(20);

/// How often in a row the sums may be read for another period while a board begins.
const BEGINNINGS_MAX: usize = 8;

/// The actor of one board. Configuration: none.
pub(crate) struct BoardActor;

/// What a board's actor is told.
pub(crate) enum BoardMsg {
    /// From the hub: something is marked. Safe to repeat.
    Look,
    /// From itself: the pause since the last message is over.
    PublishTick,
    /// From itself, board of teams only: tell teams their ranks.
    RanksTick,
    /// From the hub, with the inbox already attached: where does it start? Answered with everything marked before, at the
    /// next tick if a message is due then.
    Subscribe {
        /// The position asked for.
        position: Option<Position>,
        /// Where it starts.
        reply: RpcReplyPort<Start>,
    },
    /// From tests: fail.
    #[cfg(feature = "faults")]
    Poison(Fault),
}

/// A board's state: all of it can be read again.
pub(crate) struct BoardState {
    hub: Hub,
    handle: Arc<BoardHandle>,
    life: u64,
    source: Source,
    epoch: Arc<str>,
    /// The window as last published.
    window: Vec<BoardRow>,
    /// What a projector sees of it, as last published.
    front: Vec<BoardRow>,
    /// Rows whose names are to be read again.
    renamed: Renamed,
    /// Whether anything changed since the window was last published.
    is_stale: bool,
    published_at: Option<Instant>,
    has_tick: bool,
    waiting: Vec<(Option<Position>, RpcReplyPort<Start>)>,
    /// Board of teams: whether ranks may have moved since teams were told.
    ranks: Ranks,
}

#[derive(Default)]
struct Ranks {
    are_stale: bool,
    told_at: Option<Instant>,
    has_tick: bool,
}

#[derive(Default)]
struct Renamed {
    all: bool,
    ids: HashSet<u64>,
}

impl Actor for BoardActor {
    type Msg = BoardMsg;
    type State = BoardState;
    type Arguments = (Hub, Arc<BoardHandle>);

    async fn pre_start(
        &self,
        _: ActorRef<BoardMsg>,
        (hub, handle): (Hub, Arc<BoardHandle>),
    ) -> Result<BoardState, ActorProcessingErr> {
        Ok(BoardState::new(hub, handle))
    }

    async fn post_start(&self, _: ActorRef<BoardMsg>, state: &mut BoardState) -> Result<(), ActorProcessingErr> {
        state.load().await
    }

    async fn handle(
        &self,
        myself: ActorRef<BoardMsg>,
        message: BoardMsg,
        state: &mut BoardState,
    ) -> Result<(), ActorProcessingErr> {
        state.look().await?;
        state.handle.pulse.begin();
        match message {
            BoardMsg::Look => {}
            BoardMsg::PublishTick => state.has_tick = false,
            BoardMsg::RanksTick => state.ranks.has_tick = false,
            BoardMsg::Subscribe { position, reply } => state.waiting.push((position, reply)),
            #[cfg(feature = "faults")]
            BoardMsg::Poison(fault) => fault.strike().await,
        }
        state.handle.pulse.end();
        state.publish_when_due(&myself);
        Ok(())
    }
}

impl BoardState {
    fn new(hub: Hub, handle: Arc<BoardHandle>) -> Self {
        Self {
            life: handle.gate.begin(),
            source: Source::new(&hub, handle.key),
            epoch: fresh_epoch(),
            window: Vec::new(),
            front: Vec::new(),
            renamed: Renamed::default(),
            is_stale: false,
            published_at: None,
            has_tick: false,
            waiting: Vec::new(),
            ranks: Ranks::default(),
            hub,
            handle,
        }
    }

    /// Reads everything. What is marked meanwhile is looked at afterwards, and finds itself applied already or not.
    async fn load(&mut self) -> Result<(), ActorProcessingErr> {
        let Some((marks, sent)) = self.handle.gate.take(self.life) else {
            return Err(restart_me("replaced while starting"));
        };
        self.begin(&marks).await?;
        self.handle.gate.apply(sent);
        Ok(())
    }

    /// Begins a life of the board and its topic, with what the calendar of now says.
    async fn begin(&mut self, marks: &BoardMarks) -> Result<(), ActorProcessingErr> {
        let mut board = None;
        for _ in 0..BEGINNINGS_MAX {
            self.source = Source::new(&self.hub, self.handle.key);
            for (id, event_id, score) in marks.scores() {
                self.source.note(id, event_id, score);
            }
            self.source.load(&self.hub).await.map_err(restart_me)?;
            let rows = self.source.rows(&self.hub);
            if self.source.is_whole() {
                board = Some(Board::from_rows(rows));
                break;
            }
        }
        let board = board.ok_or_else(|| restart_me("its sums are read again and again"))?;
        let (epoch, span, scale) = (Arc::clone(&self.epoch), self.source.span(), self.source.scale());
        let last = self.hub.last_event_id();
        self.handle.shared.write(|data| {
            let version = if data.epoch.is_empty() {
                last
            } else {
                last.max(data.version + 1)
            };
            *data = BoardData {
                epoch,
                version,
                span,
                scale,
                board,
            };
        });
        self.show_anew();
        Ok(())
    }

    /// The topic starts anew with what is there: whoever listens gets a snapshot.
    fn show_anew(&mut self) {
        self.renamed.all = true;
        (self.window, self.front) = self.read_window();
        self.renamed = Renamed::default();
        self.is_stale = false;
        self.ranks.are_stale = true;
        let snapshot = TopicSnapshot::Board(Arc::new(self.page()));
        self.handle.topic.restart(Arc::clone(&self.epoch), 0, Some(snapshot));
    }

    /// Looks at everything marked, and lets it be read.
    async fn look(&mut self) -> Result<(), ActorProcessingErr> {
        let Some((marks, sent)) = self.handle.gate.take(self.life) else {
            return Err(restart_me("replaced"));
        };
        if marks.wants_turn() {
            self.epoch = fresh_epoch();
            self.begin(&marks).await?;
        } else if !marks.is_empty() {
            self.apply(marks).await?;
        }
        self.handle.gate.apply(sent);
        Ok(())
    }

    async fn apply(&mut self, mut marks: BoardMarks) -> Result<(), ActorProcessingErr> {
        let erased = marks.take_erased();
        for (id, event_id, score) in marks.scores() {
            self.source.note(id, event_id, score);
        }
        if marks.wants_reload() {
            self.source.load(&self.hub).await.map_err(restart_me)?;
            self.renamed.all = true;
        }
        if marks.concern_roster() {
            self.source.refresh(&self.hub);
        }
        let mut all = Vec::new();
        if marks.wants_members() {
            all = self.source.candidates(&self.hub);
            let known = self.handle.shared.read(|data| data.board.page(0, usize::MAX));
            all.extend(known.iter().map(|row| row.standing.id));
        }
        let rows = marks.into_rows(all);
        for chunk in rows.chunks(CHUNK) {
            let scores: Vec<_> = chunk.iter().map(|(id, _)| self.source.score(&self.hub, *id)).collect();
            if !self.source.is_whole() {
                // The sums were read for another period meanwhile, or may have lost something: the mark that says so is on
                // its way, and nothing in between is shown.
                self.epoch = fresh_epoch();
                return self.begin(&BoardMarks::default()).await;
            }
            let changed = self.handle.shared.write(|data| {
                let rows = chunk.iter().zip(scores);
                rows.fold(false, |changed, ((id, mark), score)| {
                    data.put(*id, *mark, score) || changed
                })
            });
            self.is_stale |= changed;
            self.ranks.are_stale |= changed;
            let named = chunk.iter().filter(|(_, mark)| mark.named);
            self.renamed.ids.extend(named.map(|(id, _)| *id));
        }
        self.forget(&erased);
        Ok(())
    }

    /// Begins a new life of the topic if what it remembers or shows is about somebody who was erased.
    fn forget(&mut self, erased: &[u64]) {
        let is_shown = |id: &u64| {
            let mut rows = self.window.iter().chain(&self.front);
            rows.any(|row| row.id == *id) || self.handle.topic.remembers(*id)
        };
        if !erased.iter().any(is_shown) {
            return;
        }
        self.epoch = fresh_epoch();
        let epoch = Arc::clone(&self.epoch);
        self.handle.shared.write(|data| data.epoch = epoch);
        self.show_anew();
    }

    /// Publishes and answers now if a message is due, or sees to it that it happens at the next tick.
    fn publish_when_due(&mut self, myself: &ActorRef<BoardMsg>) {
        if self.handle.key.0 == BoardName::Teams {
            self.tell_ranks_when_due(myself);
        }
        if !self.is_stale {
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
            myself.send_after(due - now, || BoardMsg::PublishTick);
        }
    }

    fn publish(&mut self, now: Instant) {
        let (window, first) = self.read_window();
        let (changes, front) = (diff(&self.window, &window), diff(&self.front, &first));
        (self.window, self.front) = (window, first);
        self.is_stale = false;
        self.renamed = Renamed::default();
        let page = self.page();
        let (board, period) = self.handle.key;
        let version = page.version;
        let snapshot = TopicSnapshot::Board(Arc::new(page));
        if changes.is_empty() && front.is_empty() {
            return self.handle.topic.set_snapshot(snapshot);
        }
        let message = Message::Board {
            board,
            period,
            version,
            window: changes,
            front,
        };
        let offset = self.handle.topic.position().offset + 1;
        self.handle
            .topic
            .publish_with(&self.epoch, Arc::new(Entry::new(offset, message)), snapshot);
        self.published_at = Some(now);
        metrics::counter!("homeroom_topic_messages_total", "kind" => "board").increment(1);
    }

    fn answer(&mut self) {
        for (position, reply) in self.waiting.drain(..) {
            if let Some(start) = Start::of(&self.handle.topic, position) {
                // Whoever no longer waits has detached.
                let _ = reply.send(start);
            }
        }
    }

    /// The window of now and a projector's part of the board, with the names that are known but for those that may have changed.
    fn read_window(&self) -> (Vec<BoardRow>, Vec<BoardRow>) {
        let window = self.hub.board_window();
        let board = self.handle.key.0;
        let (ranked, front, scale) = self.handle.shared.read(|data| {
            let front = front_of(&self.hub, board, &data.board);
            (data.board.page(0, window), front, data.scale)
        });
        let known: HashMap<u64, &BoardRow> = if self.renamed.all {
            HashMap::new()
        } else {
            let rows = self.window.iter().chain(&self.front);
            let kept = rows.filter(|row| !self.renamed.ids.contains(&row.id));
            kept.map(|row| (row.id, row)).collect()
        };
        let named = |id| match known.get(&id) {
            Some(row) => (Arc::clone(&row.name), Arc::clone(&row.alias)),
            None => names(&self.hub, board, id),
        };
        (rows_of(ranked, scale, named), rows_of(front, scale, named))
    }

    fn page(&self) -> BoardPage {
        let shared = &self.handle.shared;
        let (version, total, span) = shared.read(|data| (data.version, data.board.len(), data.span.clone()));
        BoardPage {
            epoch: Arc::clone(&self.epoch),
            version,
            total,
            from: 0,
            rows: self.window.clone(),
            front: self.front.clone(),
            span,
        }
    }

    /// Marks the teams that somebody listens to and whose rank is another than they know.
    fn tell_ranks_when_due(&mut self, myself: &ActorRef<BoardMsg>) {
        if !self.ranks.are_stale {
            return;
        }
        let now = monotonic();
        let due = self.ranks.told_at.map_or(now, |at| at + RANKS_TICK);
        if due > now {
            if !self.ranks.has_tick {
                self.ranks.has_tick = true;
                myself.send_after(due - now, || BoardMsg::RanksTick);
            }
            return;
        }
        self.ranks.told_at = Some(now);
        self.ranks.are_stale = false;
        let shared = &self.handle.shared;
        self.hub.teams().for_each(|team| {
            if !team.topic.has_subscribers() {
                return;
            }
            let (rank, version) = shared.rank(team.key.get());
            if team.shared.rank_seen() != rank {
                team.mark_lazily(|marks| marks.rank(version));
            }
        });
    }
}
