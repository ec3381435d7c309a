//! The server of Homeroom: HTTP, WebSocket, the JSON of the wire, settings, signals and the command line.

pub mod app;
pub mod auth;
pub mod commands;
pub mod config;
pub mod problem;
pub mod ws;

mod run;

pub use config::Config;
pub use run::{RunError, run};
