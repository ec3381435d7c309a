//! The API document as a document: its examples are what it says, linters find nothing, and the page for people shows it.
//! That answers are as it says is checked by the suite's client, on every answer of every test.

use crate::support::{Node, document, left_out};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A tool that `make tools` installs, if it has been.
pub fn tool(path: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    Some(tools.join(path)).filter(|path| path.exists())
}

/// Says that a tool is missing; under `make test` that is a failure.
pub fn without_tool(row_id: &str, what: &str) {
    let is_required = std::env::var_os("HOMEROOM_TOOLS").is_some_and(|value| value == "required");
    assert!(!is_required, "{what} is missing: make tools");
    left_out(row_id, what, "not installed; `make tools` does it");
}

/// Every example with the schema that it is an example of, wherever they stand side by side.
fn examples(value: &'static Value, at: &str, found: &mut Vec<(String, &'static Value, &'static Value)>) {
    match value {
        Value::Object(fields) => {
            if let (Some(schema), Some(examples)) =
                (fields.get("schema"), fields.get("examples").and_then(Value::as_object))
            {
                let values = examples.values().map(|example| &document::resolved(example)["value"]);
                found.extend(values.map(|example| (at.to_owned(), schema, example)));
            }
            if let (Some(schema), Some(example)) = (fields.get("schema"), fields.get("example")) {
                found.push((at.to_owned(), schema, example));
            }
            // A schema with examples of its own.
            if let Some(examples) = fields.get("examples").and_then(Value::as_array) {
                found.extend(examples.iter().map(|example| (at.to_owned(), value, example)));
            }
            for (name, inner) in fields.iter().filter(|(name, _)| *name != "value") {
                examples(inner, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                examples(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    let mut found = Vec::new();
    examples(document::document(), "", &mut found);
    let mut wrong = Vec::new();
    for (at, schema, example) in &found {
        let faults = document::faults_of(schema, example);
        if !faults.is_empty() {
            wrong.push(format!("{at}: {faults:?} in {example}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found.len() > 500, "only {} examples", found.len());
}

#[test]
fn every_body_and_every_json_answer_has_an_example() {
    let mut bare = Vec::new();
    for (method, path, operation) in document::operations() {
        let contents = |value: &'static Value| value["content"].as_object().into_iter().flatten();
        let responses = operation["responses"].as_object().unwrap().iter();
        let answers = responses.flat_map(|(status, response)| contents(response).map(move |it| (status.clone(), it)));
        let bodies = contents(&operation["requestBody"]).map(|it| ("body".to_owned(), it));
        for (what, (media_type, content)) in answers.chain(bodies) {
            let has_one = content["examples"]
                .as_object()
                .is_some_and(|examples| !examples.is_empty());
            if media_type.ends_with("json") && !has_one && !["/openapi.json", "/asyncapi.json"].contains(&path) {
                bare.push(format!("{method} {path} {what}"));
            }
        }
    }
    assert!(bare.is_empty(), "without an example: {bare:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_and_its_page_are_served_to_anybody() {
    let node = Node::start().await;
    let served = node.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(&served, document::document());
    let page = node.anonymous().get("/docs").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(page.text.contains(env!("CARGO_PKG_VERSION")) && page.text.contains("href=\"/openapi.json\""));
    // What a browser on a slow tablet has to read.
    assert!(page.text.len() < 1024 * 1024, "{} bytes", page.text.len());
}

#[tokio::test]
async fn spectral_finds_nothing() {
    let (Some(node), Some(spectral)) = (
        tool("node"),
        tool("lint/node_modules/@stoplight/spectral-cli/dist/index.js"),
    ) else {
        return without_tool("document", "spectral");
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("openapi.json");
    std::fs::write(&file, homeroom::http::openapi_document()).unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/lint/spectral.yaml");
    let mut lint = Command::new(node);
    lint.arg(spectral).args(["lint", "--fail-severity=hint", "--ruleset"]);
    let run = lint.arg(rules).arg(&file).output().await.unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("No results with a severity"), "it has not looked: {said}");
}
