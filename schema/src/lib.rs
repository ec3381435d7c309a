#![doc = include_str!("../README.md")]

pub mod backup;
mod batch;
pub mod codec;
pub mod contract;
pub mod erasures;
pub mod files;
pub mod ids;
pub mod limits;
pub mod memory;
pub mod migrations;
pub mod queries;
pub mod records;
pub mod sqlite;
pub mod store;

pub use ids::{
    AnnouncementId, AuditId, BatchNo, EventId, IdError, QualificationId, ReferenceId, TeamId, TimeMs, TokenId, UnitId,
    UserId, Version,
};
pub use memory::MemoryStore;
pub use sqlite::{Durability, SqliteOptions, SqliteStore};
pub use store::{Store, StoreError};
