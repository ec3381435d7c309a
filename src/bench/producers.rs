//! Who sends awards: callers over HTTP or over live sockets, and what has become of each award.

use super::BenchError;
use super::schedule::{Loop, Schedule};
use super::school::{School, UNITS};
use super::tally::Tally;
use super::wire::{Http, Place, Socket};
use futures_util::{FutureExt, SinkExt, Stream, StreamExt};
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

/// How long answers may take that are still under way when the time is over.
const LAST_ANSWERS: Duration = Duration::from_secs(30);
/// Awards under way of which the moment they were due is remembered, for their messages.
const UNDER_WAY_MAX: usize = 1 << 20;

/// How callers come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// Keep-alive connections with one request under way each; perhaps with an idempotency key on each.
    Http {
        /// How many connections.
        callers: u64,
        /// Whether each award has a key.
        keyed: bool,
    },
    /// Live sockets with awards under way on each.
    Socket {
        /// How many sockets.
        sessions: u64,
        /// How many awards under way on each, in a closed loop.
        in_flight: u64,
    },
}

/// The awards of one run: which comes next, and what has become of them.
pub(super) struct Awards {
    pub(super) school: School,
    pub(super) tally: Rc<Tally>,
    /// Awards that live sessions will hear of: when they were due, by reference. None if nobody asks.
    heard: Option<RefCell<HashMap<u64, Instant>>>,
    schedule: Schedule,
    first_reference: u64,
}

/// The fields of an answer that are looked at.
#[derive(Debug, Deserialize)]
struct Earned {
    awarded: bool,
    points: u64,
}

/// A reply on a socket; other messages have no `id` that was asked for.
#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(rename = "type")]
    kind: String,
    id: Option<u64>,
    data: Option<Earned>,
    error: Option<Refusal>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    code: String,
}

/// One award that is to be sent.
struct Next {
    number: u64,
    due: Instant,
    fields: String,
}

impl Awards {
    pub(super) fn new(school: School, tally: Rc<Tally>, when: Loop, is_heard: bool) -> Self {
        // New things in every run, also on a node that has seen others: microseconds since 1970 stay below 2^53 until 2255.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            school,
            heard: is_heard.then(RefCell::default),
            schedule: Schedule::new(when, tally.window),
            tally,
            first_reference: now.as_micros() as u64,
        }
    }

    /// How many were given out so far.
    pub(super) fn sent(&self) -> u64 {
        self.schedule.given()
    }

    /// When the award of this reference was due, asked once.
    pub(super) fn was_due(&self, reference: u64) -> Option<Instant> {
        self.heard.as_ref()?.borrow_mut().remove(&reference)
    }

    /// The next award that nobody has been given yet; none when the time is over. Neighbours in time go to different
    /// students, and a student is given each thing once.
    async fn next(&self) -> Option<Next> {
        let (number, due) = self.schedule.next().await?;
        let (user_id, round) = (self.school.student(number), number / self.school.students);
        // Awards that are heard of have a reference of their own.
        let reference_id = self.first_reference + if self.heard.is_some() { number } else { round };
        if let Some(heard) = &self.heard {
            let mut heard = heard.borrow_mut();
            if heard.len() < UNDER_WAY_MAX {
                heard.insert(reference_id, due);
            }
        }
        let unit_id = self.school.unit(round % UNITS);
        let fields = format!(
            r#""user_id":{user_id},"action_type":"complete_quiz","reference_id":{reference_id},"unit_id":{unit_id}"#
        );
        Some(Next { number, due, fields })
    }

    fn answered(&self, earned: &Earned, due: Instant) {
        if earned.awarded && earned.points > 0 {
            self.tally.points.set(self.tally.points.get() + earned.points);
            self.tally.done(due);
        } else {
            self.tally.refused("no points");
        }
    }
}

/// Connects all callers and lets them send until the time is over.
///
/// # Errors
/// When a caller cannot connect or loses its connection. Refusals are counted, not errors.
pub(super) async fn produce(place: &Place, way: Way, awards: &Rc<Awards>) -> Result<(), BenchError> {
    let mut callers = JoinSet::new();
    match way {
        Way::Http { callers: count, keyed } => {
            for _ in 0..count {
                let http = place.http().await?;
                callers.spawn_local(call(http, Rc::clone(awards), keyed));
            }
        }
        Way::Socket { sessions, in_flight } => {
            for _ in 0..sessions {
                let socket = place.socket().await?;
                let awards = Rc::clone(awards);
                match awards.schedule.when() {
                    Loop::Closed => callers.spawn_local(talk(socket, awards, in_flight)),
                    Loop::Open(_) => callers.spawn_local(tell(socket, awards)),
                };
            }
        }
    }
    while let Some(ended) = callers.join_next().await {
        ended.map_err(|error| BenchError::NodeEnded(error.to_string()))??;
    }
    Ok(())
}

/// One caller over HTTP.
async fn call(mut http: Http, awards: Rc<Awards>, keyed: bool) -> Result<(), BenchError> {
    while let Some(next) = awards.next().await {
        let key = keyed.then(|| format!("bench-{}-{}", awards.first_reference, next.number));
        let answer = http.post("/points/earn", format!("{{{}}}", next.fields), key).await?;
        match serde_json::from_slice(&answer.body) {
            Ok(earned) if (200..300).contains(&answer.status) => awards.answered(&earned, next.due),
            _ => awards.tally.refused(&answer.status.to_string()),
        }
    }
    Ok(())
}

/// One session in a closed loop, with many awards under way.
async fn talk(mut socket: Socket, awards: Rc<Awards>, in_flight: u64) -> Result<(), BenchError> {
    let mut under_way = HashMap::new();
    for _ in 0..in_flight {
        feed(&mut socket, &awards, &mut under_way).await?;
    }
    socket.flush().await?;
    while !under_way.is_empty() {
        let mut message = Some(heard(&mut socket).await?);
        // All that has come by now is answered with one write.
        while let Some(text) = message.take() {
            if settle(&awards, &mut under_way, &text) {
                feed(&mut socket, &awards, &mut under_way).await?;
            }
            message = heard(&mut socket).now_or_never().transpose()?;
        }
        socket.flush().await?;
    }
    Ok(())
}

async fn feed(socket: &mut Socket, awards: &Awards, under_way: &mut HashMap<u64, Instant>) -> Result<(), BenchError> {
    if let Some(next) = awards.next().await {
        under_way.insert(next.number, next.due);
        socket.feed(earn_frame(&next)).await?;
    }
    Ok(())
}

/// The next text that comes.
async fn heard(
    answers: &mut (impl Stream<Item = Result<Message, tungstenite::Error>> + Unpin),
) -> Result<Utf8Bytes, BenchError> {
    loop {
        match timeout(LAST_ANSWERS, answers.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => return Ok(text),
            Ok(Some(Ok(Message::Close(frame)))) => {
                let why = frame.map_or_else(String::new, |frame| frame.to_string());
                return Err(BenchError::Closed(why));
            }
            Ok(Some(message)) => drop(message?),
            Ok(None) => return Err(BenchError::Closed("no reason given".into())),
            Err(_) => return Err(BenchError::Silent("an award on a socket")),
        }
    }
}

/// One session in an open loop: sends what is due, and reads beside it.
async fn tell(socket: Socket, awards: Rc<Awards>) -> Result<(), BenchError> {
    let (mut requests, mut answers) = socket.split();
    let under_way = Rc::new(RefCell::new(HashMap::new()));
    let is_over = Rc::new(Cell::new(false));
    let reading = {
        let (awards, under_way, is_over) = (Rc::clone(&awards), Rc::clone(&under_way), Rc::clone(&is_over));
        async move {
            while !is_over.get() || !under_way.borrow().is_empty() {
                let text = heard(&mut answers).await?;
                settle(&awards, &mut under_way.borrow_mut(), &text);
            }
            Ok(())
        }
    };
    let sending = async {
        while let Some(next) = awards.next().await {
            under_way.borrow_mut().insert(next.number, next.due);
            requests.send(earn_frame(&next)).await?;
        }
        is_over.set(true);
        // Something comes back in any case, so that the reader looks up.
        requests.send(Message::text(r#"{"type":"ping","id":"over"}"#)).await?;
        Ok::<_, BenchError>(())
    };
    tokio::try_join!(sending, reading).map(|_| ())
}

/// Notes an answer. Whether it was one to an award.
fn settle(awards: &Awards, under_way: &mut HashMap<u64, Instant>, text: &str) -> bool {
    let Ok(reply) = serde_json::from_str::<Reply>(text) else {
        return false;
    };
    let Some(due) = reply.id.and_then(|id| under_way.remove(&id)) else {
        return false;
    };
    match (reply.kind.as_str(), reply.data, reply.error) {
        ("ack", Some(earned), _) => awards.answered(&earned, due),
        (_, _, Some(refusal)) => awards.tally.refused(&refusal.code),
        (kind, ..) => awards.tally.refused(kind),
    }
    true
}

fn earn_frame(next: &Next) -> Message {
    Message::text(format!(r#"{{"type":"earn","id":{},{}}}"#, next.number, next.fields))
}
