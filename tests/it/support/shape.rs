//! Shapes of answers in one line: `shape(&body, "event_id:id total:count reached_at:time?")`. More fields are allowed.

use serde_json::Value;

/// Requires fields of certain kinds. A `?` after the kind also allows null.
#[track_caller]
pub fn shape(value: &Value, fields: &str) {
    assert!(value.is_object(), "not an object: {value}");
    for field in fields.split_whitespace() {
        let (name, kind) = field.split_once(':').expect("name:kind");
        let (kind, nullable) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
        let found = value.get(name).unwrap_or_else(|| panic!("no `{name}` in {value}"));
        if nullable && found.is_null() {
            continue;
        }
        assert!(is_kind(found, kind), "`{name}` is no {kind}: {found} in {value}");
    }
}

fn is_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "id" => value.as_u64().is_some_and(|id| (1..1 << 53).contains(&id)),
        "count" => value.is_u64(),
        "int" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "share" => value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)),
        "percentage" => value
            .as_f64()
            .is_some_and(|percentage| (0.0..=100.0).contains(&percentage)),
        "text" => value.as_str().is_some_and(|text| !text.is_empty()),
        "bool" => value.is_boolean(),
        "time" => value.as_str().is_some_and(is_time),
        "list" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("no kind `{kind}`"),
    }
}

/// RFC 3339 in UTC with milliseconds, exactly: `2026-03-01T09:30:00.000Z`.
pub fn is_time(text: &str) -> bool {
    let pattern = b"dddd-dd-ddTdd:dd:dd.dddZ";
    text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *wanted,
        })
}
