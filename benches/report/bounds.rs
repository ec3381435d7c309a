//! What bounds a node here, measured in the same minutes: the disk, the journal without an engine, a `send` for each delivery.

use super::awards::{self, Awards};
use homeroom_schema::Store;
use homeroom_schema::records::AppendOutcome;
use rustix::time::{ClockId, clock_gettime};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;

/// As the writer's largest usual batch.
const BATCH: usize = 1_024;
const READ_BYTES: usize = 4_096;

/// How often this disk makes 4 KiB durable, one caller, nothing else: the floor under every commit.
pub(crate) fn fsyncs_a_second(directory: &Path, how_long: Duration) -> f64 {
    let path = directory.join("fsyncs");
    let timed = || -> io::Result<f64> {
        let mut file = File::create(&path)?;
        let (start, mut count) = (Instant::now(), 0.0);
        while start.elapsed() < how_long {
            file.write_all(&[0x5a; 4096])?;
            file.sync_data()?;
            count += 1.0;
        }
        Ok(count / start.elapsed().as_secs_f64())
    };
    let rate = timed().expect("the disk can be written");
    fs::remove_file(&path).expect("what was written can be removed");
    rate
}

/// Waits until all files of a directory are on the disk: gigabytes that were just written would be in the way of every fsync.
pub(crate) fn settle(directory: &Path) {
    for entry in fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        if path.is_file() {
            let file = File::open(&path).expect("a readable file");
            file.sync_all().expect("a file can be made durable");
        }
    }
}

/// Appends a second of the store alone, in batches of 1,024, with FULL: one writer that does nothing else.
pub(crate) fn journal_alone(directory: &Path, how_long: Duration) -> f64 {
    let directory = tempfile::tempdir_in(directory).expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let store = awards::store(directory.path());
    let mut awards = Awards::new(false);
    let (start, mut spent, mut kept) = (Instant::now(), Duration::ZERO, 0.0);
    while start.elapsed() < how_long {
        let batch = awards.batch(BATCH);
        let began = Instant::now();
        let outcomes = runtime.block_on(store.commit(batch)).expect("the batch is kept");
        spent += began.elapsed();
        let is_kept = |outcome: &&AppendOutcome| matches!(outcome, AppendOutcome::Kept { .. });
        kept += outcomes.iter().filter(is_kept).count() as f64;
    }
    runtime.block_on(store.close()).expect("the store closes");
    kept / spent.as_secs_f64()
}

/// Microseconds of processor time of one `send` of so many bytes to each of so many sockets of this machine, whose readers
/// wait as clients do: what delivering costs before a node does anything.
pub(crate) fn send_us(sockets: usize, bytes: usize, how_long: Duration) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let readers = std::thread::spawn(move || read_all(address, sockets));
    let mut writers: Vec<TcpStream> = (0..sockets)
        .map(|_| listener.accept().expect("a connection").0)
        .collect();
    for writer in &writers {
        writer.set_nodelay(true).expect("a socket option");
    }
    let frame = vec![0x5a; bytes];
    let (start, mut sent, mut spent) = (Instant::now(), 0.0, Duration::ZERO);
    while start.elapsed() < how_long {
        let before = thread_time();
        for writer in &mut writers {
            writer.write_all(&frame).expect("readers take it");
        }
        spent += thread_time() - before;
        sent += sockets as f64;
        // As messages come in a class: not faster than they are read.
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(writers);
    readers.join().expect("the readers end with their sockets");
    spent.as_secs_f64() * 1e6 / sent
}

/// Reads from so many connections until they end.
fn read_all(address: SocketAddr, sockets: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..sockets {
            let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
            readers.spawn(async move {
                let mut room = [0; READ_BYTES];
                while stream.read(&mut room).await.is_ok_and(|read| read > 0) {}
            });
        }
        while readers.join_next().await.is_some() {}
    });
}

/// Processor time of this thread so far.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
