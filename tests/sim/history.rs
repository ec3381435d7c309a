//! What was seen from outside, in order: what clients sent, every frame that reached them, every end of a connection. Nothing in
//! it is from inside, except how far a person's stream was kept when a message of it arrived.

use parking_lot::Mutex;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::time::Instant;

/// An epoch and an offset.
pub type Position = (String, u64);

/// One thing that was seen.
#[derive(Debug, Clone)]
pub enum Event {
    /// A client asks for topics.
    Asked {
        client: usize,
        id: String,
        topics: Vec<(String, Option<Position>)>,
    },
    /// A client sends a command: the first time, or again.
    Sent { client: usize, number: u64 },
    /// A frame reached a client. For a message about a person: how far their stream is kept at this moment.
    Frame {
        client: usize,
        frame: Value,
        kept: Option<u64>,
    },
    /// A client's connection ended, with the code that it was told, if it was.
    Ended { client: usize, code: Option<u16> },
    /// Somebody who began to read at a place of the history saw this total of a person, and this on the board of all.
    Looked {
        user: u64,
        began: usize,
        total: u64,
        on_board: Option<u64>,
    },
    /// The node is gone without a word; how far each person's stream is kept by then.
    Gone { kept: Vec<(u64, u64)> },
    /// Something was done to the node.
    #[expect(dead_code, reason = "for people: HOMEROOM_SIM_SHOW prints it")]
    World(String),
}

/// The history of one simulation. A clone is another handle to the same one.
#[derive(Debug, Clone)]
pub struct History {
    events: Arc<Mutex<Vec<(u64, Event)>>>,
    began: Instant,
}

impl History {
    /// An empty one; time begins now.
    pub fn new() -> Self {
        Self {
            events: Arc::default(),
            began: Instant::now(),
        }
    }

    /// Adds what was seen now.
    pub fn note(&self, event: Event) {
        let at_ms = self.began.elapsed().as_millis() as u64;
        self.events.lock().push((at_ms, event));
    }

    /// How much was seen so far.
    pub fn len(&self) -> usize {
        self.events.lock().len()
    }

    /// Everything, with the milliseconds since the beginning.
    pub fn events(&self) -> Vec<(u64, Event)> {
        self.events.lock().clone()
    }

    /// One number for all of it: two simulations with the same one went the same way.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for event in &*self.events.lock() {
            format!("{event:?}").hash(&mut hasher);
        }
        hasher.finish()
    }
}
