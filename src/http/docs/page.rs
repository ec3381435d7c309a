//! The page: contents, operations by tag, problems, schemas.

use super::html::{escape, sentence};
use super::schema::{fields, kind, table};
use crate::http::openapi::METHODS;
use serde_json::{Map, Value};

/// The whole page of a complete document.
pub(super) fn render(document: &Value, style: &str) -> String {
    let info = &document["info"];
    let tags: String = tags(document).iter().map(|tag| section(document, tag)).collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} {version}: the API</title><style>{style}</style></head><body>\
         <nav aria-label=\"Contents\">{contents}</nav><main>\
         <h1>{title} <small>{version}</small></h1><p>{about}</p>\
         <p>The same for programs: <a href=\"/openapi.json\">/openapi.json</a> (OpenAPI 3.1), and of the \
         live messages <a href=\"/asyncapi.json\">/asyncapi.json</a> (AsyncAPI 3.0).</p>\
         {access}{tags}{problems}{schemas}</main></body></html>",
        title = text(&info["title"]),
        version = text(&info["version"]),
        about = sentence(info["description"].as_str().unwrap_or_default()),
        contents = contents(document),
        access = access(document),
        problems = problems(document),
        schemas = schemas(document),
    )
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn tags(document: &Value) -> &[Value] {
    document["tags"].as_array().map_or(&[], Vec::as_slice)
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Method, path and operation of everything under a tag.
fn operations<'a>(document: &'a Value, tag: &Value) -> Vec<(&'static str, &'a str, &'a Value)> {
    let all = object(&document["paths"]).flat_map(|(path, item)| {
        let operations = METHODS.iter().filter_map(|method| Some((*method, item.get(method)?)));
        operations.map(move |(method, operation)| (method, path.as_str(), operation))
    });
    all.filter(|(_, _, operation)| operation["tags"][0] == tag["name"])
        .collect()
}

fn contents(document: &Value) -> String {
    let tags = tags(document).iter().map(|tag| {
        let operations = operations(document, tag);
        let links = operations.iter().map(|(method, path, operation)| {
            let (id, method) = (text(&operation["operationId"]), method.to_uppercase());
            format!("<li><a href=\"#{id}\"><b>{method}</b> {}</a></li>", escape(path))
        });
        let links: String = links.collect();
        format!("<h2>{}</h2><ul>{links}</ul>", text(&tag["name"]))
    });
    let tags: String = tags.collect();
    format!(
        "{tags}<h2>more</h2><ul><li><a href=\"#problems\">problems</a></li><li><a href=\"#schemas\">schemas</a></li></ul>"
    )
}

fn access(document: &Value) -> String {
    let rows = object(&document["components"]["securitySchemes"]).map(|(name, scheme)| {
        let said = sentence(scheme["description"].as_str().unwrap_or_default());
        format!("<tr><td><code>{}</code></td><td>{said}</td></tr>", escape(name))
    });
    format!("<h2>Access</h2>{}", table("<th>by</th><th></th>", rows))
}

fn section(document: &Value, tag: &Value) -> String {
    let operations = operations(document, tag);
    let shown: String = operations
        .into_iter()
        .map(|(method, path, operation)| article(document, method, path, operation))
        .collect();
    let said = sentence(tag["description"].as_str().unwrap_or_default());
    format!("<section><h2>{}</h2><p>{said}</p>{shown}</section>", text(&tag["name"]))
}

fn article(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let id = text(&operation["operationId"]);
    let public = match operation["security"].as_array() {
        Some(schemes) if schemes.is_empty() => "<p class=\"note\">Needs no token.</p>",
        _ => "",
    };
    format!(
        "<article id=\"{id}\"><h3><b>{method}</b> <code>{path}</code></h3><p><strong>{summary}.</strong> {said}</p>\
         {public}{parameters}{body}{responses}</article>",
        method = method.to_uppercase(),
        path = escape(path),
        summary = text(&operation["summary"]),
        said = sentence(operation["description"].as_str().unwrap_or_default()),
        parameters = parameters(document, operation),
        body = body(operation),
        responses = responses(document, operation),
    )
}

fn parameters(document: &Value, operation: &Value) -> String {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let rows = all.map(|parameter| {
        let parameter = resolved(document, parameter);
        let said = sentence(parameter["description"].as_str().unwrap_or_default());
        let (name, place, kind) = (
            text(&parameter["name"]),
            text(&parameter["in"]),
            kind(&parameter["schema"]),
        );
        format!("<tr><td><code>{name}</code></td><td>{place}</td><td>{kind}</td><td>{said}</td></tr>")
    });
    table("<th>parameter</th><th>in</th><th>is</th><th></th>", rows)
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn body(operation: &Value) -> String {
    let bodies = object(&operation["requestBody"]["content"]);
    let shown = bodies.map(|(media_type, content)| {
        let kind = kind(&content["schema"]);
        format!(
            "<p>Body: {kind} <small>{}</small></p>{}",
            escape(media_type),
            example_blocks(&content["examples"])
        )
    });
    shown.collect()
}

fn example_blocks(examples: &Value) -> String {
    let values = object(examples).filter_map(|(_, example)| example.get("value"));
    values.map(block).collect()
}

fn block(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    format!("<pre tabindex=\"0\">{}</pre>", escape(&text))
}

fn responses(document: &Value, operation: &Value) -> String {
    let rows = object(&operation["responses"]).map(|(status, response)| {
        let contents = response["content"].as_object();
        let shown = match contents.and_then(|contents| contents.get("application/problem+json")) {
            Some(problem) => problem_links(document, &problem["examples"]),
            None => contents.map(answers).unwrap_or_default(),
        };
        let headers: Vec<String> = object(&response["headers"])
            .map(|(name, _)| format!("<code>{}</code>", escape(name)))
            .collect();
        let headers = match headers.is_empty() {
            true => String::new(),
            false => format!("<p>Headers: {}</p>", headers.join(", ")),
        };
        format!("<tr><td><b>{}</b></td><td>{shown}{headers}</td></tr>", escape(status))
    });
    let said = object(&operation["responses"]).filter(|(status, _)| status.as_str() < "400");
    let said: Vec<String> = said
        .map(|(status, response)| {
            format!(
                "{}: {}",
                escape(status),
                sentence(response["description"].as_str().unwrap_or_default())
            )
        })
        .collect();
    format!(
        "<p>{}</p>{}",
        said.join(" "),
        table("<th>status</th><th>answer</th>", rows)
    )
}

fn answers(contents: &Map<String, Value>) -> String {
    let shown = contents.iter().map(|(media_type, content)| {
        format!(
            "{} <small>{}</small>{}",
            kind(&content["schema"]),
            escape(media_type),
            example_blocks(&content["examples"])
        )
    });
    shown.collect()
}

fn problem_links(document: &Value, examples: &Value) -> String {
    let links = object(examples).map(|(code, example)| {
        let title = text(&resolved(document, example)["summary"]);
        let code = escape(code);
        format!("<a href=\"#problem-{code}\" title=\"{title}\"><code>{code}</code></a>")
    });
    links.collect::<Vec<_>>().join(" ")
}

/// Every problem once, whatever statuses it comes with.
fn problems(document: &Value) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for (_, example) in object(&document["components"]["examples"]) {
        let (problem, code) = (&example["value"], text(&example["value"]["code"]));
        let status = problem["status"].to_string();
        match rows.iter_mut().find(|(known, _)| *known == code) {
            Some((_, row)) => *row = row.replacen("</td>", &format!(", {status}</td>"), 1),
            None => rows.push((code.clone(), problem_row(&code, &status, problem))),
        }
    }
    rows.sort();
    let shown = table(
        "<th>status</th><th>code</th><th>title</th><th>example of the detail</th>",
        rows.into_iter().map(|(_, row)| row),
    );
    format!(
        "<section id=\"problems\"><h2>Problems</h2><p>Every failure is a problem (RFC 9457) of this shape: \
         <a href=\"#schema-Problem\">Problem</a>. Its <code>code</code> is stable.</p>{shown}</section>"
    )
}

fn problem_row(code: &str, status: &str, problem: &Value) -> String {
    let (title, detail) = (text(&problem["title"]), text(&problem["detail"]));
    format!(
        "<tr id=\"problem-{code}\"><td>{status}</td><td><code>{code}</code></td><td>{title}</td><td>{detail}</td></tr>"
    )
}

fn schemas(document: &Value) -> String {
    let shown = object(&document["components"]["schemas"]).map(|(name, schema)| {
        let said = sentence(schema["description"].as_str().unwrap_or_default());
        let name = escape(name);
        let about = match fields(schema) {
            fields if fields.is_empty() => format!("<p>{}</p>", kind(schema)),
            fields => fields,
        };
        format!("<article id=\"schema-{name}\"><h3>{name}</h3><p>{said}</p>{about}</article>")
    });
    let shown: String = shown.collect();
    format!("<section id=\"schemas\"><h2>Schemas</h2>{shown}</section>")
}
