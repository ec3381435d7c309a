//! The OpenAPI document of these routes. `openapi.json` is kept by hand beside them and checked against them;
//! `openapi/problems.json` says once what each problem looks like. What is served is both, put together at first use.

mod complete;
#[cfg(test)]
mod tests;

pub(super) use complete::METHODS;

use serde_json::Value;
use std::sync::LazyLock;

/// Paths and schemas, as kept by hand.
const SOURCE: &str = include_str!("openapi.json");
/// Title and example of every problem, by code.
const PROBLEMS: &str = include_str!("openapi/problems.json");

static COMPLETE: LazyLock<Value> = LazyLock::new(|| complete::document(&parse(SOURCE), &parse(PROBLEMS)));
static TEXT: LazyLock<String> = LazyLock::new(|| COMPLETE.to_string());

/// The whole document (OpenAPI 3.1) as JSON text.
#[must_use]
pub fn document() -> &'static str {
    &TEXT
}

/// The same, to be walked through.
pub(super) fn value() -> &'static Value {
    &COMPLETE
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("what is built in is JSON: tests read it")
}
