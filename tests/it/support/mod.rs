//! The harness: nodes in this process and as real processes, an HTTP client, a socket, and rosters. No assertions about
//! behaviour; those belong to the suites.

#![allow(dead_code, unused_imports, reason = "a harness offers more than each suite uses")]

mod certificates;
mod client;
mod command;
pub mod document;
mod events;
mod files;
pub mod frames;
mod history;
mod listener;
pub mod live_document;
mod node;
mod process;
pub mod proxy;
mod random;
mod raw;
mod report;
mod roster;
mod shape;
mod socket;
pub mod store;
mod strace;
mod wall_clock;

pub use certificates::Certificate;
pub use client::{Answer, Client, check_problem};
pub use command::{Homeroom, Said};
pub use events::{EventParser, Events};
pub use files::{
    copy_of, database, database_to_read, homeroom, log_of, must_resync, position, printed, said, sound_backup,
};
pub use history::{Call, History, Progress, whole_ledger, write_until_gone};
pub use listener::Listener;
pub use node::{Node, new_token};
pub use process::NodeProcess;
pub use random::Random;
pub use raw::{Raw, raw_request, statuses};
pub use report::{left_out, report_row};
pub use roster::{Class, earn};
pub use shape::shape;
pub use socket::{Closed, Frame, Refused, Socket};
pub use strace::Strace;
pub use wall_clock::WallClock;

use std::future::Future;
use std::time::{Duration, Instant};

/// The admin token of every node that the suite starts.
pub const ADMIN_TOKEN: &str = "admin-token-of-the-suite-6f1c0d4e9b";

/// How long anything may take before a test gives up. Generous: a full suite shares two cores.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Whether the long versions were asked for (`make soak`).
pub fn soak() -> bool {
    std::env::var_os("HOMEROOM_SOAK").is_some_and(|value| value != "0")
}

/// Asks again and again until there is an answer: waiting by observable state, never by a guessed pause.
pub async fn eventually<T, F>(what: &str, ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    eventually_within(DEADLINE, what, ask).await
}

/// The same for what may take longer.
pub async fn eventually_within<T, F>(deadline: Duration, what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(started.elapsed() < deadline, "not within {deadline:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Gives up on something that must come by itself.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {DEADLINE:?}: {what}"),
    }
}
