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
pub mod postgres;
pub mod queries;
pub mod records;
pub mod sqlite;
pub mod store;
pub mod transfer;

pub use ids::{
    AnnouncementId, AuditId, BatchNo, EventId, IdError, QualificationId, ReferenceId, TeamId, TimeMs, TokenId, UnitId,
    UserId, Version,
};
pub use memory::MemoryStore;
pub use postgres::{PostgresOptions, PostgresStore};
pub use sqlite::{Durability, SqliteOptions, SqliteStore};
pub use store::{Store, StoreError};
