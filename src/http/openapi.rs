//! The OpenAPI document of these routes, kept by hand beside them and checked against them.

/// OpenAPI 3.1.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).expect("the document is JSON")
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
        let document = document();
        let described: BTreeSet<String> = operations(&document).into_iter().map(|(name, _)| name).collect();
        let routes = crate::http::routes().listed.into_iter();
        let served: BTreeSet<String> = routes.map(|(method, path)| format!("{method} {path}")).collect();
        assert_eq!(described, served);
    }

    #[test]
    fn every_operation_says_who_may_and_how_it_fails() {
        let document = document();
        let mut ids = BTreeSet::new();
        for (name, operation) in operations(&document) {
            assert!(ids.insert(operation["operationId"].as_str().expect("an id")), "{name}");
            let responses = operation["responses"].as_object().expect("responses");
            assert!(
                responses.keys().any(|status| status < &"400".to_owned()),
                "{name} never succeeds"
            );
            let is_public = operation["security"] == Value::Array(Vec::new());
            assert_eq!(responses.contains_key("401"), !is_public, "{name}");
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
    fn every_reference_leads_somewhere_and_nothing_is_left_over() {
        fn walk(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                        found.insert(reference.trim_start_matches('#').to_owned());
                    }
                    fields.values().for_each(|inner| walk(inner, found));
                }
                Value::Array(items) => items.iter().for_each(|inner| walk(inner, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = BTreeSet::new();
        walk(&document, &mut found);
        for reference in &found {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        for kind in ["schemas", "responses", "parameters"] {
            for name in document["components"][kind].as_object().expect("components").keys() {
                let reference = format!("/components/{kind}/{name}");
                assert!(found.contains(&reference), "{reference} is not used");
            }
        }
    }

    #[test]
    fn its_version_is_the_programs() {
        assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(document()["openapi"], "3.1.0");
    }
}
