#![doc = include_str!("../README.md")]

mod announcements;
pub mod boards;
pub mod clock;
pub mod domain;
pub mod engine;
pub mod error;
mod honours;
pub mod hub;
pub mod insights;
pub mod journal;
pub mod learners;
mod library;
pub mod presence;
pub mod purge;
pub mod roster;
pub mod rulebook;
pub mod scores;
pub mod sessions;
pub mod supervision;
pub mod teams;
pub mod topics;
pub mod verify;
pub mod views;

pub use clock::Clock;
pub use engine::{Engine, EngineSettings};
pub use error::EngineError;
pub use rulebook::RuleDocuments;
pub use topics::{Entry, Lens, Message, Topic, TopicName};
