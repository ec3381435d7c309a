//! What commands that talk to a node have in common: its flags, and how answers are shown.

use super::table::Table;
use crate::client::{Client, ClientError, NodeArgs};
use serde_json::Value;

/// Tries of one call before a person is told: a restart is bridged by replay and demo, not by a command at a prompt.
const TRIES: u32 = 4;

/// Flags of every command that talks to a node.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) node: NodeArgs,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
    /// Print nothing but what was asked for, and no progress
    #[arg(long, short, help_heading = "Output")]
    pub(super) quiet: bool,
}

impl Common {
    pub(super) fn client(&self) -> Result<Client, ClientError> {
        Ok(self.node.client()?.with_tries(TRIES))
    }

    /// Shows one thing: as JSON, or a line for each field.
    pub(super) fn show(&self, thing: &Value) {
        if self.json {
            return super::print_json(thing);
        }
        let fields = thing.as_object().into_iter().flatten();
        let plain = fields.filter(|(_, value)| !is_table(value)).collect::<Vec<_>>();
        let width = plain.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in plain {
            println!("{name:width$}  {}", cell(value));
        }
    }

    /// Shows a list: as JSON, or a table of these fields.
    pub(super) fn list(&self, items: &[Value], columns: &[&str]) {
        if self.json {
            return super::print_json(&serde_json::json!({ "items": items }));
        }
        let mut table = Table::new(columns);
        for item in items {
            let cells: Vec<String> = columns.iter().map(|column| cell(&item[*column])).collect();
            table.row(&cells);
        }
        table.print();
    }

    /// What was done: for programs, or in a sentence.
    pub(super) fn done(&self, done: &Value, sentence: &str) {
        if self.json {
            super::print_json(done);
        }
        self.say(sentence);
    }

    /// Says something about what was done, unless a program reads or silence is wanted.
    pub(super) fn say(&self, text: &str) {
        if !self.json && !self.quiet {
            println!("{text}");
        }
    }

    /// The same beside the answer, for what must not end up in a variable of a script.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

fn is_table(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(Value::is_object))
}

/// A value for people.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
