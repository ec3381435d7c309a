//! The simulation: seeds drive clients, faults and commands on a paused clock against the whole node, from its sockets down to its
//! store, and a judge reads what was seen from outside. See `README.md` beside this file.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers outside #[test] functions are tests too"
)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]

mod check;
mod client;
mod faults;
mod history;
mod i5;
mod pipe;
mod plan;
#[path = "../it/support/random.rs"]
#[allow(dead_code, reason = "a harness offers more than each suite uses")]
mod random;
#[path = "../it/support/report.rs"]
#[allow(dead_code, reason = "a harness offers more than each suite uses")]
mod report;
mod seeds;
mod shrink;
mod simulate;
mod text;
mod world;
