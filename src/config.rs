//! Settings of a node: file < environment < flags. Validated here; read everywhere.

use homeroom_schema::limits;
use std::path::PathBuf;

/// All settings of a node.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where SQLite keeps its files.
    pub data: PathBuf,
    /// The database; none means SQLite in `data`.
    pub database_url: Option<String>,
    /// The admin token; none means that the first start makes one and writes it to a file.
    pub admin_token: Option<String>,
    /// The node's time zone (IANA name).
    pub time_zone: String,
    /// Origins besides the node's own that browsers may open sockets from.
    pub allowed_origins: Vec<String>,
    /// Places of a board that its topic shows.
    pub board_window: usize,
    /// Places of a board that a projector sees.
    pub projector_places: usize,
    /// Whether a commit survives power loss (`full`) or the end of the process only (`process`).
    pub durability: Durability,
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Power loss.
    #[default]
    Full,
    /// The end of the process, but not of the machine.
    Process,
}

impl Config {
    /// The defaults, with data in `data`.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database_url: None,
            admin_token: None,
            time_zone: "UTC".into(),
            allowed_origins: Vec::new(),
            board_window: limits::BOARD_WINDOW_DEFAULT,
            projector_places: limits::PROJECTOR_PLACES_DEFAULT,
            durability: Durability::Full,
        }
    }
}
