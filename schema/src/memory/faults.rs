//! The faults that a test asked of the memory store, and a count of those that really happened. No data.

use crate::records::StreamId;
use crate::store::StoreError;
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::watch;

/// Whether a batch whose answer is lost was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostAnswer {
    /// It was kept, though the caller does not hear so.
    Kept,
    /// It was not.
    Lost,
}

/// What becomes of a commit that was let through.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    Keep,
    LoseAnswer(LostAnswer),
}

#[derive(Debug)]
pub(super) struct Faults {
    asked: Mutex<Asked>,
    gate: watch::Sender<Gate>,
}

#[derive(Debug, Default)]
struct Asked {
    fail_commits: u32,
    lose_answer: Option<LostAnswer>,
    conflicts: HashMap<StreamId, u32>,
    fail_reads: u32,
    for_good: bool,
    closed: bool,
    happened: u64,
}

#[derive(Debug, Default)]
struct Gate {
    shut: bool,
    held: usize,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            gate: watch::Sender::new(Gate::default()),
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        cause: "a fault of the test".to_owned(),
    }
}

impl Faults {
    pub(super) fn fail_commits(&self, commits: u32) {
        self.asked.lock().fail_commits = commits;
    }

    pub(super) fn lose_next_answer(&self, answer: LostAnswer) {
        self.asked.lock().lose_answer = Some(answer);
    }

    pub(super) fn conflict_next(&self, stream: StreamId) {
        *self.asked.lock().conflicts.entry(stream).or_default() += 1;
    }

    pub(super) fn fail_reads(&self, reads: u32) {
        self.asked.lock().fail_reads = reads;
    }

    pub(super) fn fail_for_good(&self) {
        self.asked.lock().for_good = true;
    }

    pub(super) fn close(&self) {
        self.asked.lock().closed = true;
    }

    pub(super) fn happened(&self) -> u64 {
        self.asked.lock().happened
    }

    pub(super) fn hold(&self) {
        self.gate.send_modify(|gate| gate.shut = true);
    }

    pub(super) fn release(&self) {
        self.gate.send_modify(|gate| gate.shut = false);
    }

    pub(super) async fn until_held(&self, commits: usize) {
        // The sender is this very struct, so that the wait cannot fail.
        let _ = self.gate.subscribe().wait_for(|gate| gate.held >= commits).await;
    }

    /// Waits at the gate, then says what becomes of the commit.
    pub(super) async fn on_commit(&self) -> Result<Verdict, StoreError> {
        self.pass_gate().await;
        let mut asked = self.asked.lock();
        asked.refuse_all()?;
        if asked.fail_commits > 0 {
            asked.fail_commits -= 1;
            asked.happened += 1;
            return Err(unavailable());
        }
        Ok(match asked.lose_answer.take() {
            None => Verdict::Keep,
            Some(answer) => {
                asked.happened += 1;
                Verdict::LoseAnswer(answer)
            }
        })
    }

    async fn pass_gate(&self) {
        if !self.gate.borrow().shut {
            return;
        }
        let held = Held::new(&self.gate);
        self.asked.lock().happened += 1;
        let _ = held.0.subscribe().wait_for(|gate| !gate.shut).await;
    }

    pub(super) fn on_read(&self) -> Result<(), StoreError> {
        let mut asked = self.asked.lock();
        asked.refuse_all()?;
        if asked.fail_reads > 0 {
            asked.fail_reads -= 1;
            asked.happened += 1;
            return Err(unavailable());
        }
        Ok(())
    }

    /// Snapshots, purges, checks: they fail only when everything does.
    pub(super) fn on_other_write(&self) -> Result<(), StoreError> {
        self.asked.lock().refuse_all()
    }

    /// Whether an append to this stream is to be refused; asked once for each append with a stream.
    pub(super) fn conflicts(&self, stream: StreamId) -> bool {
        let mut asked = self.asked.lock();
        if asked.conflicts.is_empty() {
            return false;
        }
        match asked.conflicts.get_mut(&stream) {
            Some(left) if *left > 0 => {
                *left -= 1;
                asked.happened += 1;
                true
            }
            _ => false,
        }
    }
}

impl Asked {
    fn refuse_all(&mut self) -> Result<(), StoreError> {
        if self.closed {
            return Err(StoreError::Unavailable {
                cause: "the store is closed".to_owned(),
            });
        }
        if self.for_good {
            self.happened += 1;
            return Err(StoreError::Fatal {
                cause: "a fault of the test".to_owned(),
            });
        }
        Ok(())
    }
}

/// One commit at the gate; it is counted out also when its caller gives up.
struct Held<'a>(&'a watch::Sender<Gate>);

impl<'a> Held<'a> {
    fn new(gate: &'a watch::Sender<Gate>) -> Self {
        gate.send_modify(|gate| gate.held += 1);
        Self(gate)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|gate| gate.held -= 1);
    }
}
