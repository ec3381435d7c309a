//! Puts the document together: each operation gets its own problems, with their codes and examples, in place of the shared
//! answers that it refers to. Problems that follow from what an operation has (a body, a key, a page) are known here;
//! its own stand in its `x-problems`, as "404 unknown_user".

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Methods that a path can have here.
pub(in crate::http) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

const SHARED: &str = "#/components/responses/";

/// The document to be served, of the source and the problems by code.
pub(super) fn document(source: &Value, problems: &Value) -> Value {
    let mut document = source.clone();
    let shared = take(&mut document, "/components", "responses");
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths.values_mut().flat_map(operations_mut) {
            let codes = codes(operation);
            for (status, response) in responses_mut(operation) {
                if let Some(name) = shared_name(response) {
                    let nothing = BTreeSet::new();
                    let codes = codes.get(&status).unwrap_or(&nothing);
                    *response = problem_response(status, codes, &shared[name.as_str()], problems);
                }
            }
            take(operation, "", "x-problems");
        }
    }
    document["components"]["examples"] = examples(&document, problems);
    document
}

fn operations_mut(item: &mut Value) -> Vec<&mut Value> {
    let Some(item) = item.as_object_mut() else {
        return Vec::new();
    };
    let operations = item.iter_mut().filter(|(method, _)| METHODS.contains(&method.as_str()));
    operations.map(|(_, operation)| operation).collect()
}

fn responses_mut(operation: &mut Value) -> Vec<(u16, &mut Value)> {
    let Some(responses) = operation["responses"].as_object_mut() else {
        return Vec::new();
    };
    let responses = responses.iter_mut();
    responses
        .filter_map(|(status, response)| Some((status.parse().ok()?, response)))
        .collect()
}

fn shared_name(response: &Value) -> Option<String> {
    response["$ref"].as_str()?.strip_prefix(SHARED).map(str::to_owned)
}

fn take(value: &mut Value, pointer: &str, name: &str) -> Value {
    let object = value.pointer_mut(pointer).and_then(Value::as_object_mut);
    object.and_then(|object| object.remove(name)).unwrap_or_default()
}

/// The codes that an operation can fail with, by status.
pub(super) fn codes(operation: &Value) -> BTreeMap<u16, BTreeSet<String>> {
    let mut codes: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    let own = operation["x-problems"].as_array().into_iter().flatten();
    for (status, code) in own.filter_map(Value::as_str).filter_map(|text| text.split_once(' ')) {
        codes
            .entry(status.parse().unwrap_or(0))
            .or_default()
            .insert(code.to_owned());
    }
    for (status, code) in by_rule(operation) {
        codes.entry(status).or_default().insert(code.to_owned());
    }
    codes
}

/// What an operation can fail with because of what it has. Only statuses that it names are taken.
fn by_rule(operation: &Value) -> Vec<(u16, &'static str)> {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let refers_to = |name: &str| {
        let reference = format!("#/components/parameters/{name}");
        parameters
            .iter()
            .any(|parameter| parameter["$ref"] == reference.as_str())
    };
    let mut rules = vec![
        (401, "unauthenticated"),
        (403, "forbidden"),
        (410, "erased"),
        (421, "unknown_host"),
        (422, "validation"),
        (426, "upgrade_required"),
        (429, "rate_limited"),
        (500, "internal"),
        (503, "overloaded"),
        (503, "stopping"),
        (503, "store_unavailable"),
        (503, "timed_out"),
        (503, "too_many_connections"),
    ];
    if operation.get("requestBody").is_some() {
        rules.extend([
            (400, "incomplete_body"),
            (400, "invalid_json"),
            (408, "request_timeout"),
            (413, "body_too_large"),
            (415, "unsupported_media_type"),
        ]);
    }
    if refers_to("key") {
        rules.extend([(409, "request_in_progress"), (422, "idempotency_key_reused")]);
    }
    if refers_to("cursor") {
        rules.push((400, "invalid_cursor"));
    }
    let responses = &operation["responses"];
    rules.retain(|(status, _)| {
        responses
            .get(status.to_string())
            .is_some_and(|it| it.get("$ref").is_some())
    });
    rules
}

fn problem_response(status: u16, codes: &BTreeSet<String>, shared: &Value, problems: &Value) -> Value {
    let said: Vec<String> = codes
        .iter()
        .map(|code| {
            format!(
                "`{code}`: {}.",
                problems[code.as_str()]["title"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            (
                code.clone(),
                json!({"$ref": format!("#/components/examples/{status}_{code}")}),
            )
        })
        .collect();
    let exactly = json!({"properties": {"status": {"const": status}, "code": {"enum": codes}}});
    let mut response = json!({
        "description": said.join(" "),
        "content": {"application/problem+json": {
            "schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, exactly]},
            "examples": examples,
        }},
    });
    if let Some(headers) = shared.get("headers") {
        response["headers"] = headers.clone();
    }
    response
}

/// One example of each problem that is referred to, shared by all operations that can fail so.
fn examples(document: &Value, problems: &Value) -> Value {
    let mut names = BTreeSet::new();
    referred("#/components/examples/", document, &mut names);
    let examples = names.into_iter().map(|name| {
        let (status, code) = name.split_once('_').unwrap_or_default();
        let mut value = problems[code].clone();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("type".into(), format!("/problems/{code}").into());
            fields.insert("status".into(), status.parse::<u16>().unwrap_or(0).into());
            fields.insert("code".into(), code.into());
        }
        let summary = value["title"].clone();
        (name.clone(), json!({"summary": summary, "value": value}))
    });
    Value::Object(examples.collect())
}

/// The names under `prefix` that are referred to anywhere inside.
pub(super) fn referred(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            found.extend(reference.and_then(|text| text.strip_prefix(prefix)).map(str::to_owned));
            fields.values().for_each(|inner| referred(prefix, inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| referred(prefix, inner, found)),
        _ => {}
    }
}
