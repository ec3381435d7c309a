#![doc = include_str!("../README.md")]

mod batch;
pub mod ids;
pub mod limits;
pub mod migrations;
pub mod queries;
pub mod records;
pub mod sqlite;
pub mod store;

pub use ids::{
    BatchNo, EventId, IdError, QualificationId, ReferenceId, TeamId, TimeMs, TokenId, UnitId, UserId, Version,
};
pub use sqlite::{Durability, SqliteOptions, SqliteStore};
pub use store::{Store, StoreError};
