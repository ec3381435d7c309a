//! The engine of Homeroom: the pure learning domain and the actor tree around it. Never axum, rusqlite or SQL.

pub mod domain;
