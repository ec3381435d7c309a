//! The AsyncAPI document of the live protocol. `asyncapi.json` is kept by hand and checked against the code and every frame
//! that the suite sees; what it shares with the routes (a person's progress, a board, a problem) is the OpenAPI document's,
//! put in at first use.

#[cfg(test)]
mod tests;

use super::openapi;
use serde_json::Value;
use std::sync::LazyLock;

/// Channels, messages, and the shapes that only they have.
const SOURCE: &str = include_str!("asyncapi.json");

const SCHEMAS: &str = "#/components/schemas/";

static TEXT: LazyLock<String> = LazyLock::new(|| complete().to_string());

/// The whole document (AsyncAPI 3.0) as JSON text.
#[must_use]
pub fn document() -> &'static str {
    &TEXT
}

/// With every shape that is referred to.
fn complete() -> Value {
    let mut document: Value = serde_json::from_str(SOURCE).expect("what is built in is JSON: tests read it");
    let mut wanted = Vec::new();
    schemas_in(&document, &mut wanted);
    while let Some(name) = wanted.pop() {
        let known = &mut document["components"]["schemas"];
        if known.get(&name).is_none() {
            let shared = &openapi::value()["components"]["schemas"][&name];
            schemas_in(shared, &mut wanted);
            known[name] = shared.clone();
        }
    }
    document
}

/// Names of the schemas that a value refers to.
fn schemas_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            found.extend(
                reference
                    .and_then(|reference| reference.strip_prefix(SCHEMAS))
                    .map(str::to_owned),
            );
            fields.values().for_each(|inner| schemas_in(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| schemas_in(inner, found)),
        _ => {}
    }
}
