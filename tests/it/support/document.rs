//! The API document as a check on every answer that the suite gets: its status, media type, shape and code must be
//! described for the route that gave it.

use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(homeroom::http::openapi_document()).expect("the document is JSON"));

type Validators = HashMap<(String, u16), Arc<jsonschema::Validator>>;
static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// What any path can answer, whether there is a route or not; the document describes routes.
const NO_ROUTE: [&str; 4] = ["not_found", "method_not_allowed", "invalid_host", "unknown_host"];

/// The whole document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Method (lower case), path template and operation of every route.
pub fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().expect("a path item").iter();
        operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    all.filter(|(_, _, operation)| operation.get("operationId").is_some())
        .collect()
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

/// Requires that an answer is as described. What is about no route is left alone.
#[track_caller]
pub fn check_answer(method: &str, path: &str, status: u16, media_type: Option<&str>, body: &Value, text: &str) {
    let Some((template, operation)) = operation_at(&method.to_ascii_lowercase(), path) else {
        return;
    };
    if body["code"].as_str().is_some_and(|code| NO_ROUTE.contains(&code)) {
        return;
    }
    let about = || {
        format!(
            "{method} {template} answered {status}: {}",
            &text[..text.len().min(2_000)]
        )
    };
    let response = &operation["responses"][status.to_string()];
    assert!(
        response.is_object(),
        "the document does not know this status: {}",
        about()
    );
    let Some(contents) = response["content"].as_object() else {
        assert!(text.is_empty(), "the document knows no body here: {}", about());
        return;
    };
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let content = contents.get(essence);
    let content = content.unwrap_or_else(|| panic!("the document does not know `{essence}`: {}", about()));
    if essence.ends_with("json") {
        let key = (format!("{method} {template}"), status);
        let known = VALIDATORS.lock().expect("no panic under it").get(&key).cloned();
        let validator = known.unwrap_or_else(|| {
            let made = Arc::new(validator(&content["schema"]));
            VALIDATORS
                .lock()
                .expect("no panic under it")
                .insert(key, Arc::clone(&made));
            made
        });
        let faults = faults(&validator, body);
        assert!(faults.is_empty(), "{faults:#?}\nagainst the document: {}", about());
    }
}

/// The route that a path leads to: the template with the most fixed parts, as in the router.
fn operation_at(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let parts: Vec<&str> = path.split('/').collect();
    let fitting = DOCUMENT["paths"].as_object()?.iter().filter(|(template, _)| {
        let wanted: Vec<&str> = template.split('/').collect();
        let fits = |(wanted, part): (&&str, &&str)| wanted == part || wanted.starts_with('{') && !part.is_empty();
        wanted.len() == parts.len() && wanted.iter().zip(&parts).all(fits)
    });
    let (template, item) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    Some((template, item.get(method)?))
}

/// A value of the document, or what it refers to.
pub fn resolved(value: &'static Value) -> &'static Value {
    let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| DOCUMENT.pointer(pointer)).unwrap_or(value)
}

/// Parameters of an operation in one place ("query", "path", "header"), by name.
pub fn parameters(operation: &'static Value, place: &str) -> Vec<(&'static str, &'static Value)> {
    let all = operation["parameters"].as_array().into_iter().flatten().map(resolved);
    let wanted = all.filter(|parameter| parameter["in"] == place);
    wanted
        .map(|parameter| (parameter["name"].as_str().expect("a name"), &parameter["schema"]))
        .collect()
}

/// An example of an operation's body, if it takes one.
pub fn example_body(operation: &'static Value) -> Option<Value> {
    let examples = operation
        .pointer("/requestBody/content/application~1json/examples")?
        .as_object()?;
    examples
        .values()
        .next()
        .map(|example| resolved(example)["value"].clone())
}

/// Fields of a value in which any text may stand, as JSON pointers: those that are text in an example.
pub fn text_places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::String(_) => {
                found.insert(at.to_owned());
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{at}/{index}"), found);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields as &Map<String, Value> {
                    walk(field, &format!("{at}/{name}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found.into_iter().collect()
}
