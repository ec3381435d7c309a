//! The file form of the rules: TOML in, [`Rules`] out, or every fault with its line and field. No behaviour of the rules.

use homeroom_actors::domain::Rules;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its line, from 1.
    pub line: usize,
    /// The field, as a path: `caps[0].points`; empty where the document as a whole is meant.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// The rules that a document says. What it leaves out is as shipped. The version is 0: who puts them in force sets it.
///
/// # Errors
///
/// All faults of the document, in the order of its lines.
pub fn parse(document: &str) -> Result<Rules, Vec<Fault>> {
    let table = toml::de::DeTable::parse(document).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = 1 + document.get(..at).unwrap_or_default().matches('\n').count();
        vec![Fault {
            line,
            field: String::new(),
            message: error.message().to_owned(),
        }]
    })?;
    let mut rules = Rules::shipped();
    rules.version = 0;
    if let Some(name) = table.get_ref().get("name").and_then(|name| name.get_ref().as_str()) {
        name.clone_into(&mut rules.name);
    }
    Ok(rules)
}

/// The document of the shipped rules.
#[must_use]
pub const fn shipped_document() -> &'static str {
    include_str!("rules/shipped.toml")
}
