//! What makes two requests the same: method, path, query and JSON content, whatever the order of fields and the spelling
//! of numbers.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of a request, the first 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a request. `content` is null when there is no body.
    #[must_use]
    pub fn of(method: &str, path: &str, query: &[(String, String)], content: &Value) -> Self {
        let mut hasher = Sha256::new();
        text(&mut hasher, method);
        text(&mut hasher, path);
        let mut pairs: Vec<_> = query.iter().collect();
        pairs.sort();
        length(&mut hasher, b'q', pairs.len());
        for (name, value) in pairs {
            text(&mut hasher, name);
            text(&mut hasher, value);
        }
        json(&mut hasher, content);
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize()[..16]);
        Self(short)
    }
}

/// Depth is bounded by the reader of JSON.
fn json(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(value) => hasher.update(if *value { b"t" } else { b"f" }),
        Value::Number(number) => text(hasher, &number_text(number)),
        Value::String(value) => {
            hasher.update(b"s");
            text(hasher, value);
        }
        Value::Array(items) => {
            length(hasher, b'a', items.len());
            items.iter().for_each(|item| json(hasher, item));
        }
        Value::Object(fields) => {
            length(hasher, b'o', fields.len());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                text(hasher, name);
                json(hasher, value);
            }
        }
    }
}

/// `1`, `1.0` and `1e0` are one number.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < 9e15 => (value as i64).to_string(),
        _ => number.to_string(),
    }
}

fn text(hasher: &mut Sha256, value: &str) {
    length(hasher, b'"', value.len());
    hasher.update(value);
}

fn length(hasher: &mut Sha256, mark: u8, length: usize) {
    hasher.update([mark]);
    hasher.update((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str, query: &[(&str, &str)], content: &str) -> Fingerprint {
        let query: Vec<_> = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Fingerprint::of(method, path, &query, &serde_json::from_str(content).expect("JSON"))
    }

    #[test]
    fn the_same_request_in_another_spelling_has_the_same_fingerprint() {
        let one = of(
            "POST",
            "/x",
            &[("a", "1"), ("b", "2")],
            r#"{"p":1,"q":[true,null,{"r":"s","t":0.5}]}"#,
        );
        let same = of(
            "POST",
            "/x",
            &[("b", "2"), ("a", "1")],
            r#" { "q" : [ true, null, {"t":5e-1,"r":"\u0073"} ], "p" : 1.0 } "#,
        );
        assert_eq!(one, same);
    }

    #[test]
    fn any_difference_makes_another_fingerprint() {
        let all = [
            of("POST", "/x", &[], "{}"),
            of("PUT", "/x", &[], "{}"),
            of("POST", "/y", &[], "{}"),
            of("POST", "/x", &[("a", "")], "{}"),
            of("POST", "/x", &[("", "a")], "{}"),
            of("POST", "/x", &[], "null"),
            of("POST", "/x", &[], "[]"),
            of("POST", "/x", &[], "[[]]"),
            of("POST", "/x", &[], r#"{"a":1}"#),
            of("POST", "/x", &[], r#"{"a":"1"}"#),
            of("POST", "/x", &[], r#"{"a":1.5}"#),
            of("POST", "/x", &[], r#"{"a":{"b":1}}"#),
            of("POST", "/x", &[], r#"{"a":{},"b":1}"#),
            of("POST", "/x", &[], r#"{"a":[1,2]}"#),
            of("POST", "/x", &[], r#"{"a":[2,1]}"#),
            of("POST", "/x", &[], r#"{"a":9007199254740993}"#),
            of("POST", "/x", &[], r#"{"a":9007199254740992}"#),
        ];
        for (place, one) in all.iter().enumerate() {
            for other in &all[place + 1..] {
                assert_ne!(one, other);
            }
        }
    }
}
