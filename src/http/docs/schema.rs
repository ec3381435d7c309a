//! Schemas as HTML: their kind in words, their fields as a table, links to the schemas that they refer to.

use super::html::{escape, sentence};
use serde_json::Value;

const SCHEMAS: &str = "#/components/schemas/";

/// What a value of this schema is, in a few words.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix(SCHEMAS))
    {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escape(name));
    }
    for (word, joint) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(schemas) = schema[word].as_array() {
            let kinds: Vec<String> = schemas.iter().map(kind).collect();
            return kinds.join(joint);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(literal).collect();
        return words.join(" · ");
    }
    if let Some(value) = schema.get("const") {
        return literal(value);
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        Value::String(one) => one.clone(),
        _ => "any".to_owned(),
    };
    match schema.get("items") {
        Some(items) => format!("{} of {}", escape(&types), kind(items)),
        None => format!("{}{}", escape(&types), escape(&bounds(schema))),
    }
}

/// The bounds of a number, a text or a list.
fn bounds(schema: &Value) -> String {
    let number = |name: &str| schema.get(name).map(ToString::to_string);
    let range = |least: Option<String>, most: Option<String>, unit: &str| match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}{unit}"),
        (Some(least), None) => format!(", at least {least}{unit}"),
        (None, Some(most)) => format!(", at most {most}{unit}"),
        (None, None) => String::new(),
    };
    let values = range(number("minimum"), number("maximum"), "");
    let lengths = range(number("minLength"), number("maxLength"), " characters");
    let default = schema.get("default").map(|value| format!(", default {value}"));
    let format = schema["format"].as_str().map(|format| format!(", {format}"));
    [Some(values), Some(lengths), format, default]
        .into_iter()
        .flatten()
        .collect()
}

fn literal(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("<code>{}</code>", escape(&text))
}

/// The fields of an object as a table, required ones first; nothing for what is no object.
pub(super) fn fields(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        return String::new();
    };
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let mut names: Vec<&String> = properties.keys().collect();
    names.sort_by_key(|name| !required(name));
    let rows = names.into_iter().map(|name| {
        let field = &properties[name];
        let mark = if required(name) { "required" } else { "" };
        let said = sentence(field["description"].as_str().unwrap_or_default());
        let (name, kind) = (escape(name), kind(field));
        format!("<tr><td><code>{name}</code></td><td>{kind}</td><td>{mark}</td><td>{said}</td></tr>")
    });
    table("<th>field</th><th>is</th><th></th><th></th>", rows)
}

/// A table, or nothing without rows.
pub(super) fn table(head: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.collect();
    if rows.is_empty() {
        return rows;
    }
    format!("<div class=\"wide\"><table><tr>{head}</tr>{rows}</table></div>")
}
