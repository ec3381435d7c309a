//! Many live sessions in one thread, as cheap as a library makes them: they subscribe, listen, and come back by position.

use super::BenchError;
use super::producers::Awards;
use super::tally::{Latencies, Window};
use super::wire::{Place, Socket};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;

/// Sessions that connect together: fewer than a listener's queue holds.
const CONNECTING: usize = 128;
/// Nobody is kept out for longer, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a session that was turned away waits.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Live sessions.
pub(super) struct Swarm {
    shared: Rc<Shared>,
    sessions: JoinSet<()>,
    positions: Vec<Positions>,
}

/// Where a session stands on its topics: what it subscribes with.
type Positions = Rc<RefCell<Vec<Value>>>;

/// What all sessions share.
pub(super) struct Shared {
    window: Cell<Window>,
    frames: Cell<u64>,
    bytes: Cell<u64>,
    ended: Cell<u64>,
    /// Whose messages are listened for.
    awards: RefCell<Option<Rc<Awards>>>,
    heard: Cell<u64>,
    pub(super) latencies: RefCell<Latencies>,
}

impl Swarm {
    /// So many sessions, all subscribed to what `wish` says by number; the own person's topic first, if any.
    pub(super) async fn gather(
        place: &Place,
        sessions: u64,
        wish: impl Fn(u64) -> Vec<String>,
    ) -> Result<Self, BenchError> {
        let positions = (0..sessions).map(|number| {
            let topics = wish(number).into_iter().map(|topic| json!({"topic": topic}));
            Rc::new(RefCell::new(topics.collect()))
        });
        let mut swarm = Self {
            shared: Rc::new(Shared {
                window: Cell::new(Window::after(Duration::ZERO, Duration::ZERO)),
                frames: Cell::new(0),
                bytes: Cell::new(0),
                ended: Cell::new(0),
                awards: RefCell::new(None),
                heard: Cell::new(0),
                latencies: RefCell::new(Latencies::new()),
            }),
            sessions: JoinSet::new(),
            positions: positions.collect(),
        };
        swarm.come_back(place).await?;
        Ok(swarm)
    }

    /// All connect, anew or again: seconds until each was subscribed, ascending.
    pub(super) async fn come_back(&mut self, place: &Place) -> Result<Vec<f64>, BenchError> {
        let began = Instant::now();
        let (mut connecting, mut back) = (JoinSet::new(), Vec::with_capacity(self.positions.len()));
        let mut waiting = self.positions.iter();
        self.sessions.abort_all();
        self.sessions = JoinSet::new();
        loop {
            while connecting.len() < CONNECTING
                && let Some(positions) = waiting.next()
            {
                connecting.spawn_local(open(place.clone(), Rc::clone(positions)));
            }
            let Some(opened) = connecting.join_next().await else {
                break;
            };
            let (socket, positions) = opened.map_err(|error| BenchError::NodeEnded(error.to_string()))??;
            back.push(began.elapsed().as_secs_f64());
            self.sessions
                .spawn_local(listen(socket, positions, Rc::clone(&self.shared)));
        }
        Ok(back)
    }

    /// Begins to measure: frames inside the window count, and messages of these awards are timed.
    pub(super) fn measure(&self, window: Window, awards: &Rc<Awards>) {
        self.shared.window.set(window);
        self.shared.frames.set(0);
        self.shared.bytes.set(0);
        self.shared.heard.set(0);
        *self.shared.awards.borrow_mut() = Some(Rc::clone(awards));
        *self.shared.latencies.borrow_mut() = Latencies::new();
    }

    /// What was received inside the window: frames and their bytes.
    pub(super) fn received(&self) -> (u64, u64) {
        (self.shared.frames.get(), self.shared.bytes.get())
    }

    /// Awards whose message came to their own person.
    pub(super) fn heard(&self) -> u64 {
        self.shared.heard.get()
    }

    /// What all sessions have seen together.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sessions that were closed although nobody asked for it.
    pub(super) fn ended(&self) -> u64 {
        self.shared.ended.get()
    }
}

/// Further sessions that follow much: they read it and throw it away, or take nothing at all.
pub(super) struct Crowd {
    // Open until this is dropped.
    _stalled: Vec<Socket>,
    _reading: JoinSet<()>,
}

impl Crowd {
    /// So many sessions with the topics that `wish` says by number.
    pub(super) async fn gather(
        place: &Place,
        sessions: u64,
        are_stalled: bool,
        wish: impl Fn(u64) -> Vec<String>,
    ) -> Result<Self, BenchError> {
        let (mut stalled, mut reading) = (Vec::new(), JoinSet::new());
        for number in 0..sessions {
            let mut socket = place.narrow_socket().await?;
            let topics: Vec<Value> = wish(number).into_iter().map(|topic| json!({"topic": topic})).collect();
            let wish = json!({"type": "subscribe", "id": 1, "topics": topics});
            socket.send(Message::text(wish.to_string())).await?;
            if are_stalled {
                stalled.push(socket);
            } else {
                reading.spawn_local(async move { while let Some(Ok(_)) = socket.next().await {} });
            }
        }
        Ok(Self {
            _stalled: stalled,
            _reading: reading,
        })
    }
}

/// Connects and subscribes, again until it is let in.
async fn open(place: Place, positions: Positions) -> Result<(Socket, Positions), BenchError> {
    let began = Instant::now();
    loop {
        match subscribe(&place, &positions).await {
            Ok(socket) => return Ok((socket, positions)),
            Err(error @ BenchError::Topic(_)) => return Err(error),
            Err(error) if began.elapsed() > PATIENCE => return Err(error),
            Err(_) => sleep(AGAIN_AFTER).await,
        }
    }
}

async fn subscribe(place: &Place, positions: &Positions) -> Result<Socket, BenchError> {
    let mut socket = place.socket().await?;
    let topics = positions.borrow().clone();
    if topics.is_empty() {
        return Ok(socket);
    }
    let wish = json!({"type": "subscribe", "id": 1, "topics": topics});
    socket.send(Message::text(wish.to_string())).await?;
    let text = loop {
        match socket.next().await.transpose()? {
            Some(Message::Text(text)) => break text,
            Some(_) => {}
            None => return Err(BenchError::Closed("no reason given".into())),
        }
    };
    let reply: Value = serde_json::from_str(&text).unwrap_or_default();
    let Some(held) = reply["topics"].as_array() else {
        return Err(BenchError::Topic(text.to_string()));
    };
    if let Some(refused) = held.iter().find(|topic| !topic["error"].is_null()) {
        return Err(BenchError::Topic(refused.to_string()));
    }
    let position = |topic: &Value| json!({"topic": topic["topic"], "epoch": topic["epoch"], "offset": topic["offset"]});
    *positions.borrow_mut() = held.iter().map(position).collect();
    Ok(socket)
}

async fn listen(mut socket: Socket, positions: Positions, shared: Rc<Shared>) {
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let now = Instant::now();
        let window = shared.window.get();
        let is_inside = (window.from..window.until).contains(&now);
        if is_inside {
            shared.frames.set(shared.frames.get() + 1);
            shared.bytes.set(shared.bytes.get() + text.len() as u64);
        }
        if !text.starts_with(r#"{"type":"points_update""#) {
            continue;
        }
        if let Some(offset) = number(&text, "\"offset\":")
            && let Some(own) = positions.borrow_mut().first_mut()
        {
            own["offset"] = offset.into();
        }
        let awards = shared.awards.borrow();
        let reference = number(&text, "\"reference_id\":");
        let due = awards
            .as_ref()
            .zip(reference)
            .and_then(|(awards, reference)| awards.was_due(reference));
        if let Some(due) = due {
            shared.heard.set(shared.heard.get() + 1);
            if is_inside {
                shared.latencies.borrow().record(now.duration_since(due));
            }
        }
    }
    shared.ended.set(shared.ended.get() + 1);
}

/// The number behind a name in a text.
fn number(text: &str, name: &str) -> Option<u64> {
    let (_, rest) = text.split_once(name)?;
    let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    rest[..digits].parse().ok()
}
