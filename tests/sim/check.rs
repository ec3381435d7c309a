//! The judge: reads a history and what the node has in the end, and says what does not agree. It knows the contract and nothing of
//! the clients or the node.
//!
//! - H1: every acknowledged award is in the ledger, under the event that was named. H2: a key has one outcome. I3: a reference is
//!   awarded once. H3: totals, boards and the team are sums over the ledgers, progress is the furthest acknowledged.
//! - H4 and I5: on each topic of each connection offsets rise by one from the position told; a position on a person's topic is
//!   always recovered; a message at a place says the same to everybody, whenever; in the end everybody is at the head, and what
//!   their messages come to is what somebody sees who asks afresh.
//! - I1: no message about a person is ahead of what is kept; whatever was answered is in every later read.
//! - H6: failures are problems with a code, and connections end with a code of the table or by the weather.

mod boards;
mod ledger;
mod topics;

pub use topics::held_by;

use super::history::Event;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the node has in the end.
#[derive(Debug, Default)]
pub struct Truth {
    /// Ledgers by person, newest first, as HTTP reads them.
    pub ledgers: BTreeMap<u64, Vec<Value>>,
    /// Progress by person, as HTTP reads it.
    pub progress: BTreeMap<u64, Value>,
    /// The journal of each person: event ids by version, from 1.
    pub journal: BTreeMap<u64, Vec<u64>>,
    /// The board of all and the board of teams, as HTTP reads them for the admin.
    pub boards: BTreeMap<&'static str, Value>,
    /// Present members of team 1.
    pub members: Vec<u64>,
    /// By client: what somebody with its token sees who asks afresh for the topics that it holds.
    pub afresh: BTreeMap<usize, Vec<Value>>,
    /// The epoch of people's topics.
    pub epoch: String,
}

/// What was judged: a history in which nothing happened proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Messages of topics.
    pub messages: u64,
    /// Positions that were recovered.
    pub recovered: u64,
    /// Snapshots in the place of a position, asked for or not.
    pub told_anew: u64,
    /// Topics compared in the end.
    pub compared: u64,
    /// Acknowledged commands.
    pub acknowledged: u64,
    /// Commands refused for now, and sent again.
    pub refused_for_now: u64,
    /// Messages that were kept, but had not reached a client that held their topic when the node was gone without a word.
    pub unshown: u64,
    /// Connections that ended before the end.
    pub ended: u64,
}

/// Judges a history. An error is the first thing that does not agree.
pub fn check(events: &[(u64, Event)], truth: &Truth) -> Result<Judged, String> {
    let mut judged = Judged::default();
    let held = topics::check(events, truth, &mut judged)?;
    ledger::check(events, truth, &mut judged)?;
    boards::compare(&held, truth, &mut judged)?;
    Ok(judged)
}

/// Fails with a sentence unless something holds.
macro_rules! require {
    ($holds:expr, $($why:tt)*) => {
        if !$holds {
            return Err(format!($($why)*));
        }
    };
}
use require;
