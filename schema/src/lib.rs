//! What Homeroom keeps: ids, limits, records, and the stores behind one async [`Store`] trait.
//!
//! Nothing here knows the learning domain, actors, HTTP or JSON of the wire.

pub mod ids;
pub mod limits;
pub mod records;
pub mod store;

pub use ids::{
    BatchNo, EventId, IdError, QualificationId, ReferenceId, TeamId, TimeMs, TokenId, UnitId, UserId, Version,
};
pub use store::{Store, StoreError};
