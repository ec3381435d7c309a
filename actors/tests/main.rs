//! The suite of the domain and the engine: one binary, so that one link builds it. It knows them by their public API.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers outside #[test] functions are tests too"
)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]

mod support;

mod domain_analytics;
mod domain_board;
mod domain_course;
mod domain_decide;
mod domain_figures;
mod domain_history;
mod domain_invariants;
mod domain_limits;
mod domain_period;
mod domain_presence;
mod domain_replay;
mod domain_skills;
mod domain_unlocks;
mod engine;
mod engine_boards;
mod engine_faults;
mod engine_hangs;
mod engine_pending;
mod engine_presence;
mod engine_replay;
mod engine_roster;
mod engine_rules;
mod engine_sleep;
mod engine_team;
mod power;
mod sessions;
mod tidy;
mod topics;
mod two_engines;
