//! Analytics against the figures of the script, for each question that these answer.

use super::compare::{object, same};
use crate::support::Client;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Map, Value};

/// The four answers of one question: all that the script says of them.
pub async fn everything(admin: &Client, scope: &str, first_day: &str, wanted: &Value) {
    let first: Date = first_day.parse().unwrap();
    let day = |number: i64| format!("{}T00:00:00.000Z", first.checked_add(number.days()).unwrap());
    let (from, of) = match scope.split_once(':') {
        Some((kind, id)) => (0, format!("&{kind}_id={id}")),
        None if scope == "later" => (7, String::new()),
        None => (0, String::new()),
    };
    for (kind, wanted) in object(wanted) {
        let (from, to) = (day(from), day(17));
        let path = format!("/analytics/{kind}?from={from}&to={to}&bucket=day&limit=1000{of}");
        let shown = admin.get(&path).await.expect(200);
        let what = format!("{scope} {kind}");
        for (field, wanted) in object(wanted) {
            part(&shown[field], wanted, &format!("{what} {field}"));
        }
    }
}

/// Rows by their id stand in a list; a distribution is a list of counts.
fn part(shown: &Value, wanted: &Value, what: &str) {
    match (shown, wanted) {
        (Value::Array(rows), Value::Object(by_id)) => by_id_rows(rows, by_id, what),
        (Value::Array(rows), Value::Array(wanted)) => {
            assert_eq!(rows.len(), wanted.len(), "{what}");
            for (place, (row, wanted)) in rows.iter().zip(wanted).enumerate() {
                let row = if wanted.is_number() { &row["quizzes"] } else { row };
                part(row, wanted, &format!("{what} {place}"));
            }
        }
        (Value::Object(_), Value::Object(fields)) => {
            for (field, wanted) in fields {
                part(&shown[field], wanted, &format!("{what} {field}"));
            }
        }
        _ => same(shown, wanted, what),
    }
}

fn by_id_rows(rows: &[Value], wanted: &Map<String, Value>, what: &str) {
    assert_eq!(rows.len(), wanted.len(), "{what}");
    for row in rows {
        let id = ["unit_id", "qualification_id", "reference_id"]
            .into_iter()
            .find_map(|name| row[name].as_u64())
            .unwrap();
        part(row, &wanted[&id.to_string()], &format!("{what} {id}"));
    }
}
