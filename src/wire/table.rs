//! Figures and tables of analytics, whatever they are about: as one JSON object, or one table as CSV. By lens.

use homeroom_actors::Lens;
use homeroom_actors::domain::analytics::may_break_down;
use serde_json::Value;
use std::ops::Range;

/// An answer of analytics.
pub struct Figures {
    /// What is one value each.
    pub head: Value,
    /// What is many.
    pub tables: Vec<Table>,
}

/// Rows that are alike.
pub struct Table {
    /// Its name: the field of the JSON answer.
    pub name: &'static str,
    /// The columns of its CSV: fields of a row, those inside of fields behind a slash.
    pub columns: &'static [&'static str],
    /// The rows, or the page of them that was asked for.
    pub rows: Vec<Value>,
    /// Whether there are rows behind this page.
    pub has_more: bool,
}

impl Figures {
    /// The same as somebody may see it: a small group is not broken down for peers.
    #[must_use]
    pub fn for_lens(mut self, lens: Lens, people: usize) -> Self {
        if !may_break_down(people, lens == Lens::Peer) {
            self.tables.clear();
        }
        self
    }

    /// The JSON answer.
    #[must_use]
    pub fn into_json(self) -> Value {
        let mut body = self.head;
        for table in self.tables {
            body[table.name] = Value::Array(table.rows);
        }
        body
    }
}

impl Table {
    /// All rows.
    pub(super) fn whole(
        name: &'static str,
        columns: &'static [&'static str],
        rows: impl Iterator<Item = Value>,
    ) -> Self {
        Self {
            name,
            columns,
            rows: rows.collect(),
            has_more: false,
        }
    }

    /// A page of the rows.
    pub(super) fn page<T>(
        name: &'static str,
        columns: &'static [&'static str],
        all: &[T],
        page: &Range<usize>,
        row: impl Fn(&T) -> Value,
    ) -> Self {
        let rows = all.iter().skip(page.start).take(page.len()).map(row);
        Self {
            name,
            columns,
            rows: rows.collect(),
            has_more: all.len() > page.end,
        }
    }

    /// The table as CSV (RFC 4180), with a line of names. Text that a spreadsheet would take for a formula begins with an
    /// apostrophe.
    #[must_use]
    pub fn csv(&self) -> String {
        let names = self.columns.iter().map(|column| column.replace('/', "_"));
        let mut text = names.collect::<Vec<_>>().join(",");
        text.push_str("\r\n");
        for row in &self.rows {
            let cells = self
                .columns
                .iter()
                .map(|column| cell(row.pointer(&format!("/{column}"))));
            text.push_str(&cells.collect::<Vec<_>>().join(","));
            text.push_str("\r\n");
        }
        text
    }
}

fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn csv_is_quoted_and_holds_no_formulas() {
        let rows = vec![
            json!({"a": "x,\"y\"", "b": {"c": 1.5}}),
            json!({"a": "=1+1", "b": null}),
            json!({"a": -3, "b": {"c": "line\nbreak"}}),
        ];
        let table = Table::whole("t", &["a", "b/c"], rows.into_iter());
        assert_eq!(
            table.csv(),
            "a,b_c\r\n\"x,\"\"y\"\"\",1.5\r\n'=1+1,\r\n-3,\"line\nbreak\"\r\n"
        );
    }

    #[test]
    fn a_small_group_is_one_group_to_peers() {
        let figures = || Figures {
            head: json!({"active": 4}),
            tables: vec![Table::whole(
                "buckets",
                &["active"],
                std::iter::once(json!({"active": 1})),
            )],
        };
        let shown = |lens, people| figures().for_lens(lens, people).into_json();
        assert_eq!(shown(Lens::Peer, 4), json!({"active": 4}));
        assert_eq!(shown(Lens::Peer, 5)["buckets"][0]["active"], 1);
        assert_eq!(shown(Lens::Staff, 1)["buckets"][0]["active"], 1);
    }
}
