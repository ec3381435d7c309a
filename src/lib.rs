#![doc = include_str!("README.md")]

pub mod app;
pub mod audit;
pub mod auth;
pub mod backups;
pub mod bench;
pub mod cli;
pub mod client;
pub mod clock;
pub mod commands;
pub mod config;
pub mod demo;
pub mod erasure;
pub mod exit;
pub mod fields;
pub mod http;
pub mod idempotency;
pub mod import;
pub mod metrics;
pub mod operate;
pub mod peer;
pub mod permissions;
pub mod problem;
pub mod rates;
pub mod replay;
pub mod restore;
pub mod rules;
pub mod secret;
pub mod tickets;
pub mod wire;
pub mod ws;

mod monitor;
mod open;
mod open_files;
mod run;
mod serve;
mod tls;

pub use config::Config;
pub use run::{RunError, assemble, run};
pub use serve::speak as serve_connection;
