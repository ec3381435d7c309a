//! Who reads: callers over HTTP, of ranks, neighbours, boards and progress, with and without an ETag.

use super::BenchError;
use super::schedule::{Loop, Schedule};
use super::school::School;
use super::tally::Tally;
use super::wire::{Http, Place};
use hyper::header::HeaderValue;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::task::JoinSet;

/// ETags that one caller remembers.
const ETAGS_MAX: usize = 4_096;
/// Steps between people who are read one after the other: prime, so that all are.
const STRIDE: u64 = 7_919;

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// A person's row of the board of everybody
    Rank,
    /// The same with five neighbours on each side
    Around,
    /// The first fifty places of the board of everybody
    Board,
    /// A person's progress
    Progress,
}

impl What {
    fn path(self, user_id: u64) -> String {
        match self {
            Self::Rank => format!("/leaderboards/all?around={user_id}&neighbours=0"),
            Self::Around => format!("/leaderboards/all?around={user_id}&neighbours=5"),
            Self::Board => "/leaderboards/all?limit=50".to_owned(),
            Self::Progress => format!("/progress/{user_id}"),
        }
    }
}

/// The reads of one run.
pub(super) struct Reads {
    school: School,
    pub(super) tally: Rc<Tally>,
    schedule: Schedule,
    what: Vec<What>,
    is_conditional: bool,
}

impl Reads {
    /// Reads of these kinds in turn; `is_conditional` sends the ETag of what was read before.
    pub(super) fn new(school: School, tally: Rc<Tally>, when: Loop, what: Vec<What>, is_conditional: bool) -> Self {
        Self {
            school,
            schedule: Schedule::new(when, tally.window),
            tally,
            what,
            is_conditional,
        }
    }
}

/// Connects so many callers and lets them read until the time is over.
pub(super) async fn read(place: &Place, callers: u64, reads: &Rc<Reads>) -> Result<(), BenchError> {
    let mut reading = JoinSet::new();
    for _ in 0..callers {
        reading.spawn_local(call(place.http().await?, Rc::clone(reads)));
    }
    while let Some(ended) = reading.join_next().await {
        ended.map_err(|error| BenchError::NodeEnded(error.to_string()))??;
    }
    Ok(())
}

async fn call(mut http: Http, reads: Rc<Reads>) -> Result<(), BenchError> {
    let mut etags: HashMap<String, HeaderValue> = HashMap::new();
    while let Some((number, due)) = reads.schedule.next().await {
        let kinds = reads.what.len() as u64;
        let what = reads.what[(number % kinds) as usize];
        let path = what.path(reads.school.student((number / kinds).wrapping_mul(STRIDE)));
        let etag = etags.get(&path).filter(|_| reads.is_conditional);
        let answer = http.get(&path, etag).await?;
        match answer.status {
            200 | 304 => reads.tally.done(due),
            status => reads.tally.refused(&status.to_string()),
        }
        if let Some(etag) = answer.etag.filter(|_| reads.is_conditional && etags.len() < ETAGS_MAX) {
            etags.insert(path, etag);
        }
    }
    Ok(())
}
