//! A few threads that read for async callers, with connections from a pool. What is read is in `read`.

use super::errors::{Stage, sort};
use super::open::Place;
use crate::limits::{READERS_MAX, READS_WAITING_MAX};
use crate::store::StoreError;
use parking_lot::Mutex;
use r2d2::{ManageConnection, Pool};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// How long a read waits for a connection that must be opened anew.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

/// The callers' side of the read threads.
#[derive(Debug)]
pub(super) struct Readers {
    jobs: Mutex<Option<Sender<Job>>>,
    places: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Opens the connections and starts a thread for each.
    pub(super) fn start(place: Place, readers: u32) -> Result<Self, StoreError> {
        let readers = readers.clamp(1, READERS_MAX);
        let fatal = |cause: String| StoreError::Fatal { cause };
        let pool = Pool::builder()
            .max_size(readers)
            .min_idle(Some(readers))
            // A check costs more than most reads, and a new connection its prepared statements.
            .test_on_check_out(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connection_timeout(CONNECTION_TIMEOUT)
            .build(Manager { place })
            .map_err(|error| fatal(format!("cannot open the database for reading: {error}")))?;
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let threads = (0..readers)
            .map(|number| {
                let (pool, queue) = (pool.clone(), Arc::clone(&queue));
                std::thread::Builder::new()
                    .name(format!("homeroom-reader-{number}"))
                    .spawn(move || work(&pool, &queue))
                    .map_err(|error| fatal(format!("cannot start a reader: {error}")))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            places: Arc::new(Semaphore::new(READS_WAITING_MAX)),
            threads: Mutex::new(threads),
        })
    }

    /// Runs `read` on one of the threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
        let job: Job = Box::new(move |connection| {
            // A caller who has given up needs no answer. The place is kept until here, which bounds the queue.
            if !reply.is_closed() {
                let value =
                    connection.and_then(|connection| read(connection).map_err(|error| sort(&error, Stage::Read)));
                let _ = reply.send(value);
            }
            drop(place);
        });
        self.jobs
            .lock()
            .as_ref()
            .ok_or_else(gone)?
            .send(job)
            .map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable {
                cause: "a read failed".to_owned(),
            })
        })
    }

    /// Lets the reads under way finish, refuses new ones, and closes the connections.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().take());
        let threads = std::mem::take(&mut *self.threads.lock());
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        // Joining blocks; a failure to run it means that the runtime ends, and drop joins then.
        let _ = tokio::task::spawn_blocking(join).await;
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.jobs.get_mut().take());
        for thread in self.threads.get_mut().drain(..) {
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable {
        cause: "the store is closed".to_owned(),
    }
}

fn work(pool: &Pool<Manager>, queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().recv();
        let Ok(job) = job else { return };
        let run = || match pool.get() {
            Ok(connection) => job(Ok(&connection)),
            Err(error) => job(Err(StoreError::Unavailable {
                cause: error.to_string(),
            })),
        };
        // A panic would cost the node one of its few readers for ever; its caller hears of it by the lost answer.
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            tracing::error!("a read panicked");
        }
    }
}

/// Opens read connections for the pool.
#[derive(Debug)]
struct Manager {
    place: Place,
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        self.place.open_reader()
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch("SELECT 1")
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        // A read that failed half-way may have left its transaction open, which would hold the log for ever.
        !connection.is_autocommit()
    }
}
