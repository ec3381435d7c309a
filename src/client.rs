//! A small typed client of a node, over HTTP and over the live socket: for `replay`, `demo`, `import` and tests. It knows
//! the contract only, nothing of the engine.

mod args;
mod error;
mod http;
mod retry;
mod socket;

pub use args::NodeArgs;
pub use error::{ClientError, FieldProblem, Problem};
pub use http::{Board, BoardRow, Client, EarnAnswer, ItemAnswer, Me, random_key};
pub use retry::Backoff;
pub use socket::{Incoming, LiveSocket};
