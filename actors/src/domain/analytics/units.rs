//! How far people were with units at one moment.

use crate::domain::analytics::fact::{Fact, What};
use homeroom_schema::{TimeMs, UnitId, UserId};
use std::collections::HashMap;

/// One person's way through one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The first progress in it.
    pub begun_at: TimeMs,
    /// The latest progress in it.
    pub last_at: TimeMs,
    /// When it was completed, if it was.
    pub completed_at: Option<TimeMs>,
}

/// All ways through all units, by what happened before a moment.
#[derive(Debug, Default)]
pub struct Touches {
    /// By person and unit.
    pub by_person: HashMap<(UserId, UnitId), Touch>,
}

impl Touches {
    /// Takes one fact.
    pub fn take(&mut self, fact: &Fact) {
        let What::Progress(progress) = fact.what else { return };
        let at = fact.occurred_at;
        let touch = Touch {
            begun_at: at,
            last_at: at,
            completed_at: None,
        };
        let touch = self.by_person.entry((fact.user_id, progress.unit)).or_insert(touch);
        touch.begun_at = touch.begun_at.min(at);
        touch.last_at = touch.last_at.max(at);
        touch.completed_at = touch.completed_at.or(progress.completed_at);
    }
}

impl Touch {
    /// Milliseconds from the first progress to completion.
    #[must_use]
    pub fn time_to_completion(&self) -> Option<f64> {
        self.completed_at.map(|at| (at.0 - self.begun_at.0) as f64)
    }
}
