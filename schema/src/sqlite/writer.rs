//! The thread that owns the write connection: takes jobs one by one, answers after the disk. What a batch does is in `commit`.

use super::commit::{self, Counters};
use super::errors::{Failure, Stage, failure};
use super::log::Log;
use super::mark::Mark;
use super::open::{Opened, Place};
use super::purge;
use super::transfer;
use crate::ids::TimeMs;
use crate::limits::WRITER_JOBS_MAX;
use crate::queries as q;
use crate::records::{ActivityBlock, Append, AppendOutcome, CarriedHistory, Row, SnapshotRecord};
use crate::store::StoreError;
use crate::transfer::{Record, Table};
use rusqlite::{Connection, params};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};

/// How long the queue must be empty before the writer uses the pause to write its log back.
const PAUSE: Duration = Duration::from_millis(20);

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer can be asked. Each job is one transaction.
pub(super) enum Job {
    Commit {
        batch: Vec<Append>,
        reply: Reply<Vec<AppendOutcome>>,
    },
    SaveSnapshots {
        snapshots: Vec<SnapshotRecord>,
        reply: Reply<()>,
    },
    PurgeKeys {
        before: TimeMs,
        limit: usize,
        reply: Reply<usize>,
    },
    SaveActivity {
        blocks: Vec<ActivityBlock>,
        reply: Reply<()>,
    },
    ClearActivity {
        reply: Reply<()>,
    },
    /// Of the offline purge alone.
    Carry {
        histories: Vec<CarriedHistory>,
        reply: Reply<()>,
    },
    /// Of the offline purge alone.
    Forget {
        keys_before: TimeMs,
        reply: Reply<()>,
    },
    /// Of a move between stores alone.
    Put {
        table: &'static Table,
        records: Vec<Record>,
        unfinished: Option<String>,
        reply: Reply<()>,
    },
    /// Moves the file together; nobody may be reading.
    Compact {
        reply: Reply<()>,
    },
    Check {
        reply: Reply<()>,
    },
    Close {
        reply: Reply<()>,
    },
    /// Lets a test do something to the connection.
    #[cfg(test)]
    Run {
        work: Box<dyn FnOnce(&Connection) + Send>,
        reply: Reply<()>,
    },
    /// Lets a test lose the handle, as an error of the disk does.
    #[cfg(test)]
    Lose {
        reply: Reply<()>,
    },
}

/// The callers' side of the thread.
#[derive(Debug)]
pub(super) struct Writer {
    // None only while dropping: the thread ends when the last sender is gone.
    jobs: Option<SyncSender<Job>>,
    places: Semaphore,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread that writes to a file just opened.
    pub(super) fn start(place: Place, opened: Opened, mark: Mark) -> Result<Self, StoreError> {
        let Opened {
            connection,
            is_log_left,
        } = opened;
        let (jobs, queue) = sync_channel(WRITER_JOBS_MAX);
        let counters = Counters::load(&connection).map_err(|error| super::errors::sort(&error, Stage::Open))?;
        let thread = std::thread::Builder::new()
            .name("homeroom-writer".to_owned())
            .spawn(move || {
                // The pages are counted on this thread, not on the one that opened the file.
                place.count_log(&connection);
                let mut log = Log::default();
                if is_log_left {
                    // It may hold what has been erased since.
                    log.must_be_emptied();
                }
                let state = State {
                    place,
                    open: Ok(Open { connection, counters }),
                    log,
                    mark,
                    failing: false,
                };
                state.work(&queue);
            })
            .map_err(|error| StoreError::Fatal {
                cause: format!("cannot start the writer: {error}"),
            })?;
        Ok(Self {
            jobs: Some(jobs),
            places: Semaphore::new(WRITER_JOBS_MAX),
            thread: Some(thread),
        })
    }

    /// Puts a job into the queue, waiting for a place in it, and waits for its answer.
    pub(super) async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        // The place is held until the answer: no more than the queue's length can be under way, so sending never waits.
        let _place = self.places.acquire().await.map_err(|_| gone())?;
        metrics::gauge!("homeroom_writer_queue").set((WRITER_JOBS_MAX - self.places.available_permits()) as f64);
        self.jobs
            .as_ref()
            .ok_or_else(gone)?
            .try_send(job(reply))
            .map_err(|_| self.ended())?;
        // A lost answer says nothing about the batch: the thread may have ended before or after the commit.
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::Unknown {
                cause: "the writer has ended".to_owned(),
            })
        })
    }
}

impl Writer {
    /// Nothing takes jobs any more. A thread that has ended by itself has panicked: only a new process has another one.
    fn ended(&self) -> StoreError {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return StoreError::Fatal {
                cause: "the writer's thread has ended".to_owned(),
            };
        }
        gone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It has a queue of a known length to finish. The lock of the directory must not be free before.
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable {
        cause: "the store is closed".to_owned(),
    }
}

struct Open {
    connection: Connection,
    counters: Counters,
}

struct State {
    place: Place,
    /// Without a connection the error that every later job is answered with.
    open: Result<Open, StoreError>,
    log: Log,
    mark: Mark,
    /// The last write failed: the next check writes something in earnest.
    failing: bool,
}

impl State {
    fn work(mut self, queue: &Receiver<Job>) {
        while let Some(job) = self.next(queue) {
            self.run(job);
            self.tend(Log::after_batch);
        }
    }

    /// The next job; a pause in the queue is used for the log.
    fn next(&mut self, queue: &Receiver<Job>) -> Option<Job> {
        while self.open.is_ok() && self.log.wants_pause() {
            match queue.recv_timeout(PAUSE.max(self.log.emptying_in())) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.tend(Log::in_pause),
            }
        }
        queue.recv().ok()
    }

    fn run(&mut self, job: Job) {
        // A caller who has gone away gets no answer; what was asked is done all the same.
        match job {
            Job::Commit { batch, reply } => drop(reply.send(self.commit(&batch))),
            Job::SaveSnapshots { snapshots, reply } => drop(reply.send(self.save_snapshots(&snapshots))),
            Job::PurgeKeys { before, limit, reply } => drop(reply.send(self.purge_keys(before, limit))),
            Job::SaveActivity { blocks, reply } => drop(reply.send(self.save_activity(&blocks))),
            Job::ClearActivity { reply } => drop(reply.send(self.clear_activity())),
            Job::Carry { histories, reply } => {
                let carried = |connection: &Connection| purge::carry(connection, &histories);
                drop(reply.send(self.in_transaction(carried)));
            }
            Job::Forget { keys_before, reply } => {
                let forgotten = |connection: &Connection| purge::forget(connection, keys_before);
                drop(reply.send(self.in_transaction(forgotten)));
            }
            Job::Put {
                table,
                records,
                unfinished,
                reply,
            } => {
                drop(reply.send(self.put(table, &records, unfinished.as_deref())));
            }
            Job::Compact { reply } => drop(reply.send(self.compact())),
            Job::Check { reply } => drop(reply.send(self.check())),
            Job::Close { reply } => drop(reply.send(self.close())),
            #[cfg(test)]
            Job::Run { work, reply } => drop(reply.send(self.attempt(|open| {
                work(&open.connection);
                Ok(())
            }))),
            #[cfg(test)]
            Job::Lose { reply } => {
                let error = StoreError::Unknown {
                    cause: "the disk failed".to_owned(),
                };
                drop(reply.send(self.attempt(|_| Err(Failure { error, lost: true }))));
            }
        }
    }

    fn commit(&mut self, batch: &[Append]) -> Result<Vec<AppendOutcome>, StoreError> {
        let started = Instant::now();
        let outcomes = self.attempt(|open| commit::commit(&open.connection, &mut open.counters, batch))?;
        if let Ok(open) = &self.open {
            self.mark.advance(open.counters.last_event_id());
        }
        metrics::histogram!("homeroom_commit_seconds").record(started.elapsed());
        let erases = |append: &Append| append.rows.iter().any(|row| matches!(row, Row::Erased { .. }));
        if batch.iter().any(erases) {
            // Before the answer, unless a reader is in the way: then it is tried again until it is done.
            self.log.must_be_emptied();
            self.tend(Log::empty_if_due);
        }
        Ok(outcomes)
    }

    fn save_snapshots(&mut self, snapshots: &[SnapshotRecord]) -> Result<(), StoreError> {
        self.attempt(|open| {
            commit::transaction(&open.connection, |connection| {
                let mut save = connection.prepare_cached(q::UPSERT_SNAPSHOT)?;
                for SnapshotRecord { stream, version, bytes } in snapshots {
                    save.execute(params![
                        stream.kind as u8,
                        commit::sql(stream.id),
                        commit::sql(version.0),
                        bytes
                    ])?;
                }
                Ok(())
            })
        })
    }

    fn purge_keys(&mut self, before: TimeMs, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.attempt(|open| {
            commit::transaction(&open.connection, |connection| {
                connection
                    .prepare_cached(q::PURGE_KEYS)?
                    .execute(params![before.0, limit])
            })
        })
    }

    fn save_activity(&mut self, blocks: &[ActivityBlock]) -> Result<(), StoreError> {
        self.attempt(|open| {
            commit::transaction(&open.connection, |connection| {
                let mut save = connection.prepare_cached(q::UPSERT_ACTIVITY)?;
                for block in blocks {
                    save.execute(params![
                        block.last_event_id.as_i64(),
                        block.from_at.0,
                        block.to_at.0,
                        block.facts,
                        block.bytes
                    ])?;
                }
                Ok(())
            })
        })
    }

    fn clear_activity(&mut self) -> Result<(), StoreError> {
        self.attempt(|open| {
            commit::transaction(&open.connection, |connection| {
                connection.execute(q::CLEAR_ACTIVITY, []).map(drop)
            })
        })
    }

    fn in_transaction(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<(), StoreError> {
        self.attempt(|open| commit::transaction(&open.connection, work))
    }

    fn put(&mut self, table: &Table, records: &[Record], unfinished: Option<&str>) -> Result<(), StoreError> {
        self.in_transaction(|connection| transfer::put(connection, table, records, unfinished))?;
        let Some(open) = self.open.as_ref().ok().filter(|_| unfinished.is_none()) else {
            return Ok(());
        };
        let adopted = self.mark.adopt(&open.connection);
        adopted.map_err(|error| super::errors::sort(&error, Stage::Read))
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        self.attempt(|open| {
            let moved = open.connection.execute_batch("VACUUM");
            moved.map_err(|error| failure(&error, Stage::Write))
        })?;
        self.log.must_be_emptied();
        self.tend(Log::empty_if_due);
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let closed = match &self.open {
            Ok(open) => self
                .log
                .at_close(&open.connection)
                .map_err(|error| super::errors::sort(&error, Stage::Write)),
            Err(_) => return Ok(()),
        };
        self.open = Err(gone());
        if closed.is_ok() {
            self.mark.seal();
        }
        closed
    }

    /// Does `work`, and opens the file anew when the handle is lost by it.
    fn attempt<T>(&mut self, work: impl FnOnce(&mut Open) -> Result<T, Failure>) -> Result<T, StoreError> {
        let open = self.open.as_mut().map_err(|error| error.clone())?;
        let answer = work(open);
        let was_failing = std::mem::replace(&mut self.failing, answer.is_err());
        answer.map_err(|failure| {
            // Once: whoever asks whether it works again, every second, learns nothing new.
            if !was_failing || failure.lost {
                tracing::warn!(error = %failure.error, lost = failure.lost, "a write failed");
            }
            if failure.lost {
                self.reopen();
            } else if matches!(failure.error, StoreError::Unavailable { .. }) {
                self.tend(Log::after_failure);
            }
            failure.error
        })
    }

    /// Whether a write would succeed. While all is well the write lock says so and costs nothing; after a failure only the
    /// disk can, so that a full one is not called ready.
    fn check(&mut self) -> Result<(), StoreError> {
        let failing = self.failing;
        self.attempt(|open| {
            commit::transaction(&open.connection, |connection| {
                if failing {
                    connection.execute(q::TOUCH_SETTINGS, [])?;
                }
                Ok(())
            })
        })
    }

    fn tend(&mut self, work: impl FnOnce(&mut Log, &Connection) -> rusqlite::Result<()>) {
        let Ok(open) = &self.open else { return };
        if let Err(error) = work(&mut self.log, &open.connection) {
            tracing::warn!(%error, "the log could not be written back");
            self.failing = true;
            if failure(&error, Stage::Write).lost {
                self.reopen();
            }
        }
    }

    fn reopen(&mut self) {
        // The lost handle goes first, so that nothing of it is shared with the new one.
        self.open = Err(gone());
        let is_to_be_emptied = self.log.is_to_be_emptied();
        self.log = Log::default();
        if is_to_be_emptied {
            self.log.must_be_emptied();
        }
        self.open = self
            .place
            .reopen_writer()
            .and_then(|connection| {
                let counters = Counters::load(&connection).map_err(|error| super::errors::sort(&error, Stage::Open))?;
                Ok(Open { connection, counters })
            })
            .map_err(|error| StoreError::Fatal {
                cause: format!("the database cannot be opened again: {error}"),
            });
        match &self.open {
            Ok(_) => tracing::warn!("the database was opened again after its handle was lost"),
            Err(error) => tracing::error!(%error, "the database is lost"),
        }
    }
}
