//! The JSON of the wire, made from the engine's plain views: one place for HTTP and the socket. Lenses are applied here;
//! who has which lens is decided in `permissions`.

mod analytics;
mod backup;
mod board;
mod commands;
mod learner;
mod ledger;
mod people;
mod performance;
mod privacy;
mod roster;
mod rules;
mod table;
mod time;

pub use analytics::{engagement, outcomes, resources, signal, success};
pub use backup::backup;
pub use board::{board, board_of_rows, board_row, projector_order, projector_rows};
pub use commands::{correction_answer, earn_answer, first_answer, grant_answer, progress_answer};
pub use learner::{achievement_data, achievements, progress};
pub use ledger::{adjustment_reason, ledger_entry};
pub use people::{announcement, honour, people, presence};
pub use performance::{performance, performance_changes};
pub use privacy::{audit_entry, event, token_kept};
pub use roster::{person, person_by_lens, preference, qualification, roster_answer, team, team_members, token, unit};
pub use rules::{person_change, preview_totals, rules_change, rules_in_force};
pub use table::{Figures, Table};
pub use time::{optional_time, parse_time, time};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// JSON, written straight into text.
pub(crate) fn raw(data: &impl Serialize) -> Box<RawValue> {
    // Only maps with keys that are not text could fail here, and there are none.
    to_raw_value(data).unwrap_or_default()
}
