//! Facts of the rules' stream.

use serde::{Deserialize, Serialize};

/// One kept fact. Stored as a JSON object tagged by `type`; fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum RulesEvent {
    /// Rules came in force.
    #[serde(rename = "rules_changed")]
    Changed {
        /// Their version, one more than that of those before.
        version: u32,
        /// All of them, as text.
        document: String,
        /// Where they came from.
        origin: Origin,
        /// What is done about the past; none where they hold for new awards alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        past: Option<Past>,
    },
    /// An act is done: the past is as the rules of version `to` would have it.
    #[serde(rename = "rules_applied")]
    Applied {
        /// The act: the version that it applied.
        act: u32,
        /// The version that was in force before.
        from: u32,
        /// The version that is in force since.
        to: u32,
        /// Learners whose ledger was adjusted.
        learners: u64,
        /// Whether achievements were taken back.
        revoke: bool,
    },
    /// An act is undone.
    #[serde(rename = "rules_undone")]
    Undone {
        /// The act.
        act: u32,
        /// Learners whose ledger was adjusted.
        learners: u64,
    },
}

impl RulesEvent {
    /// The stored type, equal to the JSON tag.
    pub(crate) const fn event_type(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "rules_changed",
            Self::Applied { .. } => "rules_applied",
            Self::Undone { .. } => "rules_undone",
        }
    }
}

/// Where rules came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// They came with the program.
    Shipped,
    /// From the file that the node was started with.
    File,
    /// Somebody sent them.
    Api,
    /// Somebody sent them from the command line.
    Cli,
}

impl Origin {
    /// The stored and wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::File => "file",
            Self::Api => "api",
            Self::Cli => "cli",
        }
    }
}

/// What a change of the rules does about the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Past {
    /// They are applied to it.
    Apply {
        /// The version in force before.
        from: u32,
        /// Whether achievements that would not have been earned are taken back.
        revoke: bool,
    },
    /// An act is undone, and the rules from before it are in force again.
    Undo {
        /// The act.
        act: u32,
    },
}
