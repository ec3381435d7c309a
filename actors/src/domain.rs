//! The pure learning domain: facts in, facts out. No `async`, no clock, no zone, no made ids: all of them are arguments.

pub mod achievements;
pub mod action;
pub mod analytics;
pub mod board;
pub mod carried;
pub mod course;
pub mod decide;
pub mod event;
pub mod evolve;
pub mod invariants;
pub mod learner;
pub mod level;
pub mod period;
pub mod presence;
pub mod rules;
pub mod skills;
pub mod team;

pub use action::{Action, Evidence, RefusalReason, ResourceRef};
pub use decide::{Adjust, AwardRef, Command, Decision, Earn, Grant, Progress, Rejection, decide};
pub use event::{EventMeta, LearnerEvent};
pub use evolve::evolve;
pub use learner::Learner;
pub use rules::Rules;
