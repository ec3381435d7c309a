//! A client, as a careful one is written: it remembers where it is in each topic, comes back when its connection ends, goes on from
//! there, and sends what was not answered again under the same key. It judges nothing; what it sees goes into the history.

use super::history::{Event, History, Position};
use super::pipe::Weather;
use super::plan::{Deed, Wish};
use super::world::World;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

type Socket = WebSocketStream<DuplexStream>;

/// The server pings every 25 seconds: after so long without a byte the connection is given up.
const SILENCE: Duration = Duration::from_secs(70);
/// How long a handshake or a write may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long until a refused command is sent again, and until the node is tried again.
const AGAIN: Duration = Duration::from_millis(700);

/// What is known of a client from outside.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Whether it has a connection, and all that it asked for was answered.
    pub is_settled: bool,
    /// What it waits for, for people.
    pub waits_for: String,
}

/// The driver's side of a client.
pub struct Client {
    deeds: mpsc::UnboundedSender<Deed>,
    weather: Arc<watch::Sender<Weather>>,
    state: Arc<Mutex<State>>,
    /// The secret of its token.
    pub token: String,
}

impl Client {
    /// A client that connects at once.
    pub fn start(number: usize, token: String, world: World, history: History) -> Self {
        let (deeds, told) = mpsc::unbounded_channel();
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let state = Arc::new(Mutex::new(State::default()));
        let task = Task {
            number,
            token: token.clone(),
            world,
            history,
            deeds: told,
            weather: Arc::clone(&weather),
            state: Arc::clone(&state),
            held: BTreeMap::new(),
            asked: BTreeMap::new(),
            commands: BTreeMap::new(),
            requests: 0,
            stays_away: None,
        };
        tokio::spawn(task.live());
        Self {
            deeds,
            weather,
            state,
            token,
        }
    }

    /// Has the client do something, or does something to its connection.
    pub fn tell(&self, deed: &Deed) {
        let for_a_while = |weather: Weather, ms: u64| {
            let sender = Arc::clone(&self.weather);
            sender.send_replace(weather);
            tokio::spawn(async move {
                sleep(Duration::from_millis(ms)).await;
                sender.send_replace(Weather::Fair);
            });
        };
        match deed {
            Deed::HalfOpen(ms) => for_a_while(Weather::HalfOpen, *ms),
            Deed::Deaf(ms) => for_a_while(Weather::Deaf, *ms),
            Deed::Trickle(ms) => for_a_while(Weather::Trickle, *ms),
            other => drop(self.deeds.send(other.clone())),
        }
    }

    /// The weather clears.
    pub fn clear_up(&self) {
        self.weather.send_replace(Weather::Fair);
    }

    /// What is known of it.
    pub fn state(&self) -> State {
        self.state.lock().clone()
    }
}

/// A command that was sent.
#[derive(Debug, Clone)]
struct Command {
    wish: Wish,
    is_answered: bool,
    /// When to send it again, after it was refused for now.
    again_at: Option<Instant>,
}

struct Task {
    number: usize,
    token: String,
    world: World,
    history: History,
    deeds: mpsc::UnboundedReceiver<Deed>,
    weather: Arc<watch::Sender<Weather>>,
    state: Arc<Mutex<State>>,
    /// Topics that it wants, with the last position known.
    held: BTreeMap<String, Option<Position>>,
    /// Subscriptions under way.
    asked: BTreeMap<String, Vec<String>>,
    commands: BTreeMap<u64, Command>,
    requests: u64,
    stays_away: Option<Duration>,
}

impl Task {
    async fn live(mut self) {
        loop {
            self.show(false);
            if let Some(pause) = self.stays_away.take() {
                sleep(pause).await;
            }
            let cut = CancellationToken::new();
            let opened = open(&self.world, &self.token, self.weather.subscribe(), &cut);
            if let Ok(Some(socket)) = timeout(PATIENCE, opened).await {
                let code = self.talk(socket, &cut).await;
                self.history.note(Event::Ended {
                    client: self.number,
                    code,
                });
            }
            cut.cancel();
            self.asked.clear();
            // Not all at once, and not in step.
            sleep(AGAIN + Duration::from_millis(37 * self.number as u64)).await;
        }
    }

    /// One connection, until it ends. Gives the code that was told.
    async fn talk(&mut self, mut socket: Socket, cut: &CancellationToken) -> Option<u16> {
        let topics: Vec<_> = self.held.clone().into_iter().collect();
        if !topics.is_empty() && !self.ask(&mut socket, topics).await {
            return None;
        }
        let open: Vec<u64> = self.open_commands();
        for number in open {
            if !self.send(&mut socket, number).await {
                return None;
            }
        }
        let mut heard = Instant::now();
        loop {
            self.show(true);
            let again_at = self.commands.values().filter_map(|command| command.again_at).min();
            tokio::select! {
                biased;
                deed = self.deeds.recv() => match deed {
                    None => return None,
                    Some(Deed::Cut) => {
                        cut.cancel();
                    }
                    Some(Deed::Away(ms)) => {
                        self.stays_away = Some(Duration::from_millis(ms));
                        let _ = timeout(PATIENCE, socket.close(None)).await;
                        return Some(1000);
                    }
                    Some(deed) => if !self.does(&mut socket, deed).await {
                        return None;
                    },
                },
                read = socket.next() => {
                    heard = Instant::now();
                    match read {
                        Some(Ok(Message::Text(text))) => {
                            let frame = serde_json::from_str(text.as_str()).unwrap_or(Value::Null);
                            self.take(&frame);
                        }
                        Some(Ok(Message::Close(frame))) => return Some(frame.map_or(1005, |frame| frame.code.into())),
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return None,
                    }
                }
                () = sleep_until(heard + SILENCE) => return None,
                () = sleep_until(again_at.unwrap_or(heard + SILENCE)), if again_at.is_some() => {
                    let now = Instant::now();
                    let due = self.commands.iter().filter(|(_, command)| command.again_at.is_some_and(|at| at <= now));
                    let due: Vec<u64> = due.map(|(number, _)| *number).collect();
                    for number in due {
                        if !self.send(&mut socket, number).await {
                            return None;
                        }
                    }
                }
            }
        }
    }

    fn open_commands(&self) -> Vec<u64> {
        let open = self.commands.iter().filter(|(_, command)| !command.is_answered);
        open.map(|(number, _)| *number).collect()
    }

    async fn does(&mut self, socket: &mut Socket, deed: Deed) -> bool {
        match deed {
            Deed::Subscribe(topics) => {
                for topic in &topics {
                    self.held.entry(topic.clone()).or_default();
                }
                self.ask(socket, topics.into_iter().map(|topic| (topic, None)).collect())
                    .await
            }
            Deed::Unsubscribe(topics) => {
                for topic in &topics {
                    self.held.remove(topic);
                }
                self.requests += 1;
                let id = format!("u{}", self.requests);
                let frame = json!({"type": "unsubscribe", "id": id, "topics": topics});
                put(socket, &frame).await
            }
            Deed::Send(number, wish) => {
                self.commands.entry(number).or_insert(Command {
                    wish,
                    is_answered: false,
                    again_at: None,
                });
                self.send(socket, number).await
            }
            Deed::Again(number) if self.commands.contains_key(&number) => self.send(socket, number).await,
            _ => true,
        }
    }

    async fn ask(&mut self, socket: &mut Socket, topics: Vec<(String, Option<Position>)>) -> bool {
        self.requests += 1;
        let id = format!("s{}", self.requests);
        let wishes: Vec<Value> = topics
            .iter()
            .map(|(topic, position)| match position {
                Some((epoch, offset)) => json!({"topic": topic, "epoch": epoch, "offset": offset}),
                None => json!({ "topic": topic }),
            })
            .collect();
        let frame = json!({"type": "subscribe", "id": id, "topics": wishes});
        self.asked
            .insert(id.clone(), topics.iter().map(|(topic, _)| topic.clone()).collect());
        self.history.note(Event::Asked {
            client: self.number,
            id,
            topics,
        });
        put(socket, &frame).await
    }

    async fn send(&mut self, socket: &mut Socket, number: u64) -> bool {
        let Some(command) = self.commands.get_mut(&number) else {
            return true;
        };
        command.again_at = None;
        let mut frame = match &command.wish {
            Wish::Earn {
                user,
                action,
                reference,
            } => json!({"type": "earn", "user_id": user, "action_type": action, "reference_id": reference}),
            Wish::Progress { user, unit, percentage } => {
                json!({"type": "progress", "user_id": user, "unit_id": unit, "progress_percentage": percentage})
            }
        };
        frame["id"] = json!(number);
        frame["key"] = json!(format!("command-{number}"));
        self.history.note(Event::Sent {
            client: self.number,
            number,
        });
        put(socket, &frame).await
    }

    fn take(&mut self, frame: &Value) {
        let kept = frame["topic"].as_str().and_then(|topic| topic.strip_prefix("user:"));
        let kept = kept.and_then(|id| self.world.kept(id.parse().ok()?));
        self.history.note(Event::Frame {
            client: self.number,
            frame: frame.clone(),
            kept,
        });
        let position = |value: &Value| Some((value["epoch"].as_str()?.to_owned(), value["offset"].as_u64()?));
        let topic = frame["topic"].as_str().map(str::to_owned);
        match frame["type"].as_str().unwrap_or_default() {
            "subscribed" => {
                let id = frame["id"].as_str().unwrap_or_default();
                self.asked.remove(id);
                for reply in frame["topics"].as_array().into_iter().flatten() {
                    let Some(topic) = reply["topic"].as_str() else { continue };
                    match position(reply) {
                        Some(position) if self.held.contains_key(topic) => {
                            self.held.insert(topic.to_owned(), Some(position));
                        }
                        Some(_) => {}
                        // A refusal that passes is asked about again with the next connection.
                        None if reply["error"]["status"].as_u64().is_some_and(|status| status < 500) => {
                            self.held.remove(topic);
                        }
                        None => {}
                    }
                }
            }
            "snapshot" => {
                if let Some(held) = topic.and_then(|topic| self.held.get_mut(&topic)) {
                    *held = position(frame);
                }
            }
            "unsubscribed" => {
                if let Some(topic) = topic {
                    self.held.remove(&topic);
                }
            }
            "ack" | "error" => self.answered(frame),
            _ => {
                if let Some(Some((_, offset))) = topic.and_then(|topic| self.held.get_mut(&topic)) {
                    *offset = frame["offset"].as_u64().unwrap_or_default();
                }
            }
        }
    }

    fn answered(&mut self, frame: &Value) {
        let number = frame["id"].as_u64();
        let Some(command) = number.and_then(|number| self.commands.get_mut(&number)) else {
            if let Some(id) = frame["id"].as_str() {
                self.asked.remove(id);
            }
            return;
        };
        let status = frame["error"]["status"].as_u64().unwrap_or_default();
        if status >= 500 || matches!(status, 409 | 429) {
            if !command.is_answered {
                command.again_at = Some(Instant::now() + AGAIN);
            }
        } else {
            command.is_answered = true;
        }
    }

    fn show(&self, is_connected: bool) {
        let open = self.open_commands();
        let is_settled = is_connected && open.is_empty() && self.asked.is_empty();
        let waits_for = format!(
            "connected: {is_connected}, commands {open:?}, subscriptions {:?}",
            self.asked
        );
        *self.state.lock() = State { is_settled, waits_for };
    }
}

async fn put(socket: &mut Socket, frame: &Value) -> bool {
    let sent = timeout(PATIENCE, socket.send(Message::text(frame.to_string()))).await;
    matches!(sent, Ok(Ok(())))
}

/// Opens a socket; none when the node does not have it.
pub async fn open(
    world: &World,
    token: &str,
    weather: watch::Receiver<Weather>,
    cut: &CancellationToken,
) -> Option<Socket> {
    let stream = world.connect(weather, cut)?;
    let mut request = "ws://localhost/ws".into_client_request().ok()?;
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", HeaderValue::from_static("homeroom.v1"));
    headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).ok()?);
    client_async(request, stream).await.ok().map(|(socket, _)| socket)
}

/// What somebody with this token sees who asks now for topics, without any position: one reply a topic.
pub async fn look_afresh(world: &World, token: &str, topics: &[String]) -> Option<Vec<Value>> {
    let (weather, cut) = (watch::Sender::new(Weather::Fair), CancellationToken::new());
    let mut socket = timeout(PATIENCE, open(world, token, weather.subscribe(), &cut))
        .await
        .ok()??;
    let wishes: Vec<Value> = topics.iter().map(|topic| json!({ "topic": topic })).collect();
    put(&mut socket, &json!({"type": "subscribe", "id": 1, "topics": wishes})).await;
    let reply = async {
        while let Some(Ok(read)) = socket.next().await {
            if let Message::Text(text) = read {
                let frame: Value = serde_json::from_str(text.as_str()).ok()?;
                if frame["type"] == "subscribed" {
                    return frame["topics"].as_array().cloned();
                }
            }
        }
        None
    };
    let reply = timeout(PATIENCE, reply).await.ok()?;
    cut.cancel();
    reply
}
