//! The file form of the rules: TOML in, [`Rules`] out, or every fault with its line and field. What rules mean is the domain's.

mod document;
mod duration;
mod preset;
mod read;
mod sections;
mod value;

use homeroom_actors::domain::Rules;
use homeroom_schema::limits::{RULES_BYTES_MAX, RULES_FAULTS_MAX};
pub use preset::Preset;
use read::Reader;
use std::fmt;
use toml::de::DeTable;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its line, from 1.
    pub line: usize,
    /// The field as a path, places in lists from 0: `caps[0].points`; empty where no field is meant.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.message),
            field => write!(f, "line {}: {field}: {}", self.line, self.message),
        }
    }
}

/// The rules that a document says. What it leaves out is as shipped; what a qualification leaves out is as everywhere. The
/// version is 0: who puts them in force sets it.
///
/// # Errors
///
/// All faults of the document, in the order of its lines; the first [`RULES_FAULTS_MAX`].
pub fn parse(document: &str) -> Result<Rules, Vec<Fault>> {
    if document.len() > RULES_BYTES_MAX {
        return Err(vec![Fault {
            line: 1,
            field: String::new(),
            message: format!("the document has more than {RULES_BYTES_MAX} bytes"),
        }]);
    }
    let (table, broken) = DeTable::parse_recoverable(document);
    let mut reader = Reader::new(document);
    for error in &broken {
        let at = error.span().map_or(0, |span| span.start);
        reader.broken(at, error.message());
    }
    // What a broken line holds is a guess of the parser: its meaning is not judged.
    if broken.is_empty() {
        let rules = document::rules(&mut reader, table.get_ref());
        if reader.is_sound() {
            for fault in rules.faults() {
                reader.judged(fault);
            }
        }
        if reader.is_sound() {
            return Ok(rules);
        }
    }
    let mut faults = reader.into_faults();
    faults.sort_by_key(|fault| fault.line);
    if faults.len() > RULES_FAULTS_MAX {
        let more = faults.len() - RULES_FAULTS_MAX;
        faults.truncate(RULES_FAULTS_MAX);
        let line = faults.last().map_or(1, |last| last.line);
        faults.push(Fault {
            line,
            field: String::new(),
            message: format!("{more} more faults"),
        });
    }
    Err(faults)
}

/// The document of the shipped rules.
#[must_use]
pub const fn shipped_document() -> &'static str {
    include_str!("rules/shipped.toml")
}

#[cfg(test)]
mod tests;
