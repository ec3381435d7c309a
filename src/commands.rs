//! Learning events from outside, whichever way they come (one request, a batch, a socket): read, allowed, keyed, handed over.

use crate::app::App;
use crate::auth::Principal;
use crate::problem::Problem;
use futures_util::future::BoxFuture;
use serde_json::Value;

/// What a caller wishes, as JSON fields of the contract (without `type`, `id`, `kind` and `key`).
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Fields of `POST /points/earn`.
    Earn(Value),
    /// Fields of `POST /progress/{user_id}`, with `user_id` among them.
    Progress(Value),
}

/// An answer as HTTP gives it; the socket sends its body as `data` of the `ack`.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// 200 or 201.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// Whether an earlier answer to the same key is given again.
    pub replayed: bool,
}

/// A command that has been handed over in order; resolves when it is durable.
pub type Started = BoxFuture<'static, Result<Answer, Problem>>;

/// Reads, checks and hands a wish over. When this returns, the command has its place in the order of its learner; the
/// future it gives resolves to the answer. Commands of one caller are handed over one after another to keep their order.
///
/// # Errors
/// Every problem that needs no decision of the learner's actor: validation, rights, unknown things, a re-used key.
pub async fn start(app: &App, caller: &Principal, wish: Wish, key: Option<&str>) -> Result<Started, Problem> {
    let _ = (app, caller, wish, key);
    unimplemented!("commands")
}
