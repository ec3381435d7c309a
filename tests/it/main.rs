//! The black-box suite: one binary that starts real nodes and knows them only by the contract. Nothing here reaches into
//! a node except through HTTP, WebSocket, its command line and its files.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers outside #[test] functions are tests too"
)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]

mod support;

mod achievements;
mod analytics;
mod announcements;
mod api;
mod api_cli;
mod api_refusals;
mod audit;
mod auth;
mod backup;
mod bad_frames;
mod bench;
mod board_periods;
mod boards;
mod browser;
mod class;
mod classroom;
mod cli_csv;
mod cli_doctor;
mod cli_node;
mod cli_rules;
mod cli_settings;
mod clocks;
mod credentials;
mod document;
mod durability;
mod erase;
mod export;
mod faults;
mod floods;
mod fuzzing;
mod grants;
mod hangups;
mod heads;
mod honours;
mod idempotency;
mod injection;
mod invariants;
mod lan;
mod limits;
mod lists;
mod live_commands;
mod live_document;
mod live_end;
mod live_handshake;
mod live_lenses;
mod live_protocol;
mod live_resume;
mod live_subscribe;
mod matrix;
mod metrics;
mod networks;
mod operate;
mod overload;
mod pages;
mod points;
mod postgres;
mod presence;
mod progress;
mod proxies;
mod purge;
mod rate_limits;
mod replay;
mod replay_commands;
mod restore;
mod roster;
mod rules;
mod sdk;
mod secrets;
mod slow_clients;
mod sse;
mod storage_faults;
mod storage_files;
mod storms;
mod tidy;
mod tls;
mod totals;
mod traversal;
