//! The AsyncAPI document as a check on every message that the suite gets: one of its messages must be like it.

use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(homeroom::http::asyncapi_document()).expect("the document is JSON"));

type Kinds = HashMap<String, Vec<(String, jsonschema::Validator)>>;
/// Messages with their schemas, by `type`.
static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    let mut kinds = Kinds::new();
    for (name, message) in DOCUMENT["components"]["messages"].as_object().expect("messages") {
        let kind = message["name"].as_str().expect("a name").to_owned();
        kinds
            .entry(kind)
            .or_default()
            .push((name.clone(), validator(&message["payload"])));
    }
    kinds
});

static SEEN: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);

/// The whole document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// What a schema of the document says against a value.
pub fn faults_of(schema: &Value, value: &Value) -> Vec<String> {
    faults(&validator(schema), value)
}

fn faults(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    let root = json!({"components": {"schemas": DOCUMENT["components"]["schemas"]}, "allOf": [schema]});
    jsonschema::validator_for(&root).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

/// Requires that a message of the node is as described, and remembers which one it was.
#[track_caller]
pub fn check_message(message: &Value) {
    let kind = message["type"].as_str().unwrap_or_default();
    let known = KINDS
        .get(kind)
        .unwrap_or_else(|| panic!("the document does not know this message: {message}"));
    let all: Vec<_> = known
        .iter()
        .map(|(name, validator)| (name, faults(validator, message)))
        .collect();
    let fitting = all.iter().find(|(_, faults)| faults.is_empty());
    let (name, _) = fitting.unwrap_or_else(|| panic!("{all:#?}\nagainst the document: {message}"));
    SEEN.lock().expect("no panic under it").insert(name);
}

/// Names of the messages that were seen in this process.
pub fn seen() -> BTreeSet<&'static str> {
    SEEN.lock().expect("no panic under it").clone()
}
