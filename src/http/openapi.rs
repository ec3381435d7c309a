//! The OpenAPI document of these routes, kept by hand beside them and checked against them.

/// OpenAPI 3.1.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");
