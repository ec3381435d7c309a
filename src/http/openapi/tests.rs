//! The document is about these routes, all of them, and says how each can fail.

use super::complete::{METHODS, codes, referred};
use super::*;
use std::collections::BTreeSet;

fn source() -> Value {
    parse(SOURCE)
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, item)| {
        let methods = METHODS
            .into_iter()
            .filter_map(move |method| Some((method, item.get(method)?)));
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    all.collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<String> = operations(value()).into_iter().map(|(name, _)| name).collect();
    let routes = crate::http::routes().listed.into_iter();
    let served: BTreeSet<String> = routes.map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(described, served);
}

#[test]
fn every_operation_says_who_may_and_how_it_fails() {
    let document = source();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().expect("an id")), "{name}");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(
            responses.keys().any(|status| status < &"400".to_owned()),
            "{name} never succeeds"
        );
        let is_public = operation["security"] == Value::Array(Vec::new());
        // Where somebody signs in, a public route refuses credentials of its own.
        let own = operation["x-problems"].as_array().into_iter().flatten();
        let signs_in = own.filter_map(Value::as_str).any(|problem| problem.starts_with("401 "));
        assert_eq!(responses.contains_key("401"), !is_public || signs_in, "{name}");
        if operation.get("requestBody").is_some() {
            for status in ["400", "413", "415", "422"] {
                assert!(responses.contains_key(status), "{name} has a body and no {status}");
            }
        }
        let in_path = name.matches('{').count();
        let parameters = operation["parameters"].as_array().map_or(0, Vec::len);
        assert!(parameters >= in_path, "{name} lacks parameters");
    }
}

#[test]
fn every_failure_has_codes_and_every_code_an_example() {
    let (document, problems) = (source(), parse(PROBLEMS));
    let mut used = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let codes = codes(operation);
        let responses = operation["responses"].as_object().expect("responses");
        let shared = responses.iter().filter(|(_, response)| response.get("$ref").is_some());
        let named: BTreeSet<u16> = shared.map(|(status, _)| status.parse().expect("a status")).collect();
        assert_eq!(
            codes.keys().copied().collect::<BTreeSet<_>>(),
            named,
            "{name}: its statuses (right) and those of its codes (left), which follow from what it has and `x-problems`"
        );
        for code in codes.into_values().flatten() {
            assert!(problems[&code]["title"].is_string(), "{code} is not in problems.json");
            used.insert(code);
        }
    }
    let known: BTreeSet<String> = problems.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(known, used, "problems.json (left) and the codes of the routes (right)");
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_left_over() {
    for document in [&source(), value()] {
        let mut found = BTreeSet::new();
        referred("#", document, &mut found);
        for reference in &found {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        for (kind, components) in document["components"].as_object().expect("components") {
            let names = components.as_object().expect("components").keys();
            for name in names.filter(|_| kind != "securitySchemes") {
                let reference = format!("/components/{kind}/{name}");
                assert!(found.contains(&reference), "{reference} is not used");
            }
        }
    }
}

#[test]
fn its_version_is_the_programs() {
    assert_eq!(value()["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(value()["openapi"], "3.1.0");
}
