//! The rules in force as facts: each change is an event of their own stream, and so is each act on the past.

mod acts;
mod book;
mod event;
mod preview;
mod walk;

pub(crate) use acts::Acts;
pub use book::{ActState, Change};
pub(crate) use book::{Book, NextChange};
pub use event::{Origin, Past};
pub(crate) use preview::preview;
pub use preview::{PersonChange, Preview, PreviewTotals};

use crate::domain::Rules;

/// How rules are read from documents. The engine knows no document format.
#[derive(Debug, Clone)]
pub struct RuleDocuments {
    /// Reads a document; the version does not matter. What is wrong, in words.
    pub read: fn(&str) -> Result<Rules, String>,
    /// The document of the rules that are in force while there were never any others.
    pub first: String,
    /// The document of the file that the node was started with, if any.
    pub file: Option<String>,
}

impl RuleDocuments {
    /// Rules written as JSON, for whoever embeds the engine without a format of their own.
    #[must_use]
    pub fn json(first: &Rules) -> Self {
        Self {
            read: |document| serde_json::from_str(document).map_err(|error| error.to_string()),
            first: serde_json::to_string(first).unwrap_or_default(),
            file: None,
        }
    }
}
