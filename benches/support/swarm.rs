//! Many live sessions in one thread, as cheap as they can be, and awards at a steady rate beside them.

use crate::node::ADMIN_TOKEN;
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

/// Sessions that connect together: fewer than a listener's queue holds.
const CONNECTING: usize = 128;
/// Nothing here takes longer, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// The topics that a session asks for, by its number; its own person's first.
pub(crate) type Wish = fn(u64) -> Vec<String>;

/// What all sessions share.
#[derive(Default)]
struct Shared {
    frames: Cell<u64>,
    heard: Cell<u64>,
    /// Awards under way, by reference: when they were sent.
    sent: RefCell<HashMap<u64, Instant>>,
    latencies: RefCell<Option<Histogram<u64>>>,
}

/// Live sessions.
pub(crate) struct Swarm {
    shared: Rc<Shared>,
    sessions: RefCell<JoinSet<()>>,
    stalled: RefCell<Vec<Socket>>,
    places: Vec<Rc<RefCell<Place>>>,
}

/// Where a session stands on its topics.
struct Place {
    topics: Vec<Value>,
}

impl Swarm {
    /// So many sessions, all subscribed.
    pub(crate) async fn gather(address: SocketAddr, sessions: u64, wish: Wish) -> Self {
        Self::gather_between(address, 0, sessions, wish).await
    }

    /// Sessions of these numbers, all subscribed.
    pub(crate) async fn gather_between(address: SocketAddr, from: u64, until: u64, wish: Wish) -> Self {
        let places = (from..until).map(|number| {
            let topics = wish(number).into_iter().map(|topic| json!({"topic": topic}));
            Rc::new(RefCell::new(Place {
                topics: topics.collect(),
            }))
        });
        let swarm = Self {
            shared: Rc::default(),
            sessions: RefCell::default(),
            stalled: RefCell::default(),
            places: places.collect(),
        };
        swarm.come_back(address).await;
        swarm
    }

    /// All connect, anew or again: seconds until half, 99 % and all were subscribed.
    pub(crate) async fn come_back(&self, address: SocketAddr) -> [f64; 3] {
        let began = Instant::now();
        let mut connecting = JoinSet::new();
        let mut back = Vec::new();
        let mut waiting = self.places.iter();
        let mut sessions = std::mem::take(&mut *self.sessions.borrow_mut());
        sessions.abort_all();
        loop {
            while connecting.len() < CONNECTING
                && let Some(place) = waiting.next()
            {
                connecting.spawn_local(open(address, Rc::clone(place)));
            }
            let Some(opened) = connecting.join_next().await else {
                break;
            };
            let (socket, place) = opened.expect("a session does not panic");
            back.push(began.elapsed().as_secs_f64());
            let listening = listen(socket, place, Rc::clone(&self.shared));
            self.sessions.borrow_mut().spawn_local(listening);
        }
        let at = |share: f64| back[((back.len() - 1) as f64 * share) as usize];
        [at(0.5), at(0.99), at(1.0)]
    }

    /// Further sessions on everything that is said, which read it, or nothing.
    pub(crate) async fn crowd(&self, address: SocketAddr, sessions: u64, are_stalled: bool) {
        for number in 0..sessions {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
            let stream = socket.connect(address).await.expect("a connection");
            let mut socket = upgrade(stream).await.expect("an upgrade");
            let users = (0..100).map(|user| json!({"topic": format!("user:{}", 1 + number * 100 + user)}));
            let topics: Vec<Value> = users.chain([json!({"topic": "board:all"})]).collect();
            let wish = json!({"type": "subscribe", "id": 1, "topics": topics});
            socket
                .send(Message::text(wish.to_string()))
                .await
                .expect("an open socket");
            if are_stalled {
                self.stalled.borrow_mut().push(socket);
            } else {
                let reading = async move { while let Some(Ok(_)) = socket.next().await {} };
                self.sessions.borrow_mut().spawn_local(reading);
            }
        }
    }

    /// Text frames received so far.
    pub(crate) fn frames(&self) -> u64 {
        self.shared.frames.get()
    }

    /// Begins to measure anew.
    pub(crate) fn forget(&self) {
        self.shared.heard.set(0);
        *self.shared.latencies.borrow_mut() = None;
    }

    /// Waits until this many awards were heard of.
    pub(crate) async fn settled(&self, sent: u64) {
        let began = Instant::now();
        while self.shared.heard.get() < sent {
            assert!(
                began.elapsed() < PATIENCE,
                "{} of {sent} awards were heard of",
                self.shared.heard.get()
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Latency in milliseconds: half, 99 and 99.9 percent were at most so late.
    pub(crate) fn percentiles_ms(&self) -> [f64; 3] {
        let latencies = self.shared.latencies.borrow();
        let latencies = latencies.as_ref().expect("something was heard");
        [50.0, 99.0, 99.9].map(|percent| latencies.value_at_percentile(percent) as f64 / 1e3)
    }
}

/// Connects and subscribes, again until it is let in.
async fn open(address: SocketAddr, place: Rc<RefCell<Place>>) -> (Socket, Rc<RefCell<Place>>) {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "a session was refused for good");
        let Ok(stream) = TcpStream::connect(address).await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let Some(mut socket) = upgrade(stream).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let topics = place.borrow().topics.clone();
        if topics.is_empty() {
            return (socket, place);
        }
        let wish = json!({"type": "subscribe", "id": 1, "topics": topics});
        if socket.send(Message::text(wish.to_string())).await.is_err() {
            continue;
        }
        let Some(Ok(Message::Text(text))) = socket.next().await else {
            continue;
        };
        let reply: Value = serde_json::from_str(&text).expect("JSON");
        let held = reply["topics"].as_array().unwrap_or_else(|| panic!("{reply}"));
        let position = |topic: &Value| {
            assert!(topic["error"].is_null(), "{topic}");
            json!({"topic": topic["topic"], "epoch": topic["epoch"], "offset": topic["offset"]})
        };
        let topics = held.iter().map(position).collect();
        place.borrow_mut().topics = topics;
        return (socket, place);
    }
}

async fn upgrade(stream: TcpStream) -> Option<Socket> {
    let address = stream.peer_addr().ok()?;
    let mut request = format!("ws://{address}/ws").into_client_request().ok()?;
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = request.headers_mut();
    headers.insert("authorization", HeaderValue::from_str(&bearer).ok()?);
    headers.insert("sec-websocket-protocol", HeaderValue::from_static("homeroom.v1"));
    client_async(request, stream).await.ok().map(|(socket, _)| socket)
}

async fn listen(mut socket: Socket, place: Rc<RefCell<Place>>, shared: Rc<Shared>) {
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        shared.frames.set(shared.frames.get() + 1);
        if !text.starts_with(r#"{"type":"points_update""#) {
            continue;
        }
        if let Some(offset) = number(&text, "\"offset\":") {
            place.borrow_mut().topics[0]["offset"] = offset.into();
        }
        let sent = number(&text, "\"reference_id\":").and_then(|reference| shared.sent.borrow_mut().remove(&reference));
        if let Some(sent) = sent {
            shared.heard.set(shared.heard.get() + 1);
            let mut latencies = shared.latencies.borrow_mut();
            let latencies = latencies.get_or_insert_with(|| Histogram::new(3).expect("three digits"));
            latencies
                .record(sent.elapsed().as_micros() as u64)
                .expect("it grows as it must");
        }
    }
}

/// The number behind a name in a text.
fn number(text: &str, name: &str) -> Option<u64> {
    let (_, rest) = text.split_once(name)?;
    let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    rest[..digits].parse().ok()
}

thread_local! {
    /// References are used once.
    static NEXT_REFERENCE: Cell<u64> = const { Cell::new(1_000_000) };
}

/// Sends awards over one socket at a steady rate, to the people of the sessions in turn: how many.
pub(crate) async fn awards(address: SocketAddr, swarm: &Swarm, people: u64, rate: u64, lasting: Duration) -> u64 {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let _ = stream.set_nodelay(true);
    let socket = upgrade(stream).await.expect("an upgrade");
    let (mut requests, mut answers) = socket.split();
    let answered = tokio::task::spawn_local(async move {
        let mut answered = 0;
        while let Some(Ok(message)) = answers.next().await {
            if let Message::Text(text) = message {
                assert!(text.contains(r#""ack""#), "{text}");
                answered += 1;
            }
        }
        answered
    });
    let count = rate * lasting.as_millis() as u64 / 1_000;
    let began = Instant::now();
    for step in 0..count {
        sleep_until(began + Duration::from_secs_f64(step as f64 / rate as f64)).await;
        let reference = NEXT_REFERENCE.replace(NEXT_REFERENCE.get() + 1);
        let wish = json!({"type": "earn", "id": step, "user_id": 1 + reference % people, "action_type": "read_content",
            "reference_id": reference});
        swarm.shared.sent.borrow_mut().insert(reference, Instant::now());
        requests
            .send(Message::text(wish.to_string()))
            .await
            .expect("an open socket");
    }
    requests.close().await.expect("an open socket");
    drop(answered);
    count
}

/// A school of so many students in teams.
pub(crate) async fn import(address: SocketAddr, students: u64, team_size: u64) {
    let rows = |count: u64, row: &dyn Fn(u64) -> Value| (1..=count).map(row).collect::<Value>();
    let school = json!({
        "units": rows(20, &|id| json!({"id": id, "title": format!("Unit {id}")})),
        "users": rows(students, &|id| json!({"id": id, "name": format!("Student {id}"), "alias": format!("Otter {id}")})),
        "teams": rows(students.div_ceil(team_size), &|id| json!({"id": id, "name": format!("Team {id}")})),
        "team_members": rows(students, &|id| json!({"team_id": 1 + (id - 1) / team_size, "user_id": id})),
    });
    let (mut stream, body) = (
        TcpStream::connect(address).await.expect("a connection"),
        school.to_string(),
    );
    let head = format!(
        "POST /import HTTP/1.1\r\nHost: node\r\nConnection: close\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .expect("an open connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Lets this process have as many sockets as it may.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit may rise to the hard one");
}
