//! Learning events from outside, whichever way they come (one request, a batch, a socket): read, allowed, keyed, handed over.

mod read;

use crate::app::App;
use crate::auth::Principal;
use crate::idempotency::{self, Entered, Fingerprint, Guard};
use crate::problem::Problem;
use crate::wire;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use homeroom_actors::EngineError;
use homeroom_actors::engine::{EarnRequest, KeyClaim, Pending, ProgressRequest};
use homeroom_actors::views::{EarnOutcome, ProgressOutcome};
use homeroom_schema::records::{KeyOutcome, KeyRecord};
use serde_json::Value;
use serde_json::value::RawValue;

/// What a caller wishes, as JSON fields of the contract (without `type`, `id`, `kind` and `key`).
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Fields of `POST /points/earn`.
    Earn(Value),
    /// Fields of `POST /progress/{user_id}`, with `user_id` among them.
    Progress(Value),
}

/// An answer as HTTP gives it; the socket sends its body as `data` of the `ack`.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 200 or 201.
    pub status: u16,
    /// The body, as text.
    pub body: Box<RawValue>,
    /// Whether an earlier answer to the same key is given again.
    pub replayed: bool,
}

/// A command that has been handed over in order; resolves when it is durable.
pub type Started = BoxFuture<'static, Result<Answer, Problem>>;

/// A command that has been read and may be given.
#[derive(Debug, Clone, PartialEq)]
enum Command {
    Earn(EarnRequest),
    Progress(ProgressRequest),
}

/// A command in the hands of the engine.
enum Handed {
    Earn(Pending<EarnOutcome>),
    Progress(Pending<ProgressOutcome>),
}

/// Reads, checks and hands a wish over. When this returns, the command has its place in the order of its learner; the
/// future it gives resolves to the answer. Commands of one caller are handed over one after another to keep their order.
///
/// # Errors
/// Every problem that needs no decision of the learner's actor: validation, rights, unknown things, a re-used key.
pub async fn start(app: &App, caller: &Principal, wish: Wish, key: Option<&str>) -> Result<Started, Problem> {
    let claim = |key| idempotency::claim(caller, key, "key", wish.fingerprint());
    let claim = key.map(claim).transpose()?;
    start_claimed(app, caller, &wish, claim).await
}

/// The same for a claim that has been made already.
///
/// # Errors
/// As [`start`].
pub(crate) async fn start_claimed(
    app: &App,
    caller: &Principal,
    wish: &Wish,
    claim: Option<KeyClaim>,
) -> Result<Started, Problem> {
    let command = read::command(app, caller, wish)?;
    let Some(claim) = claim else {
        let handed = hand_over(app, command, None).await?;
        return Ok(async move { Ok(handed.outcome().await?) }.boxed());
    };
    match app.keys().enter(claim.hash)? {
        Entered::First(guard) => start_keyed(app.clone(), command, claim, guard).await,
        // A repeat while the first is under way: it changes nothing once the first is done, so it need not hold up what
        // comes after it.
        Entered::Behind(waiter) => {
            let app = app.clone();
            Ok(async move {
                let guard = waiter.turn().await?;
                start_keyed(app, command, claim, guard).await?.await
            }
            .boxed())
        }
    }
}

impl Wish {
    /// What makes it the same wish, whichever way it comes: it counts as the single request of its kind.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Earn(fields) => Fingerprint::of("POST", "/points/earn", &[], fields),
            Self::Progress(fields) => {
                let mut fields = fields.clone();
                let user_id = fields.as_object_mut().and_then(|map| map.remove("user_id"));
                let path = format!("/progress/{}", user_id.unwrap_or_default());
                Fingerprint::of("POST", &path, &[], &fields)
            }
        }
    }
}

async fn start_keyed(app: App, command: Command, claim: KeyClaim, guard: Guard) -> Result<Started, Problem> {
    if let Some(record) = idempotency::earlier(&app, &claim).await? {
        let answer = given_before(&app, record).await?;
        return Ok(futures_util::future::ready(Ok(answer)).boxed());
    }
    let handed = match hand_over(&app, command, Some(claim)).await {
        Err(EngineError::KeyTaken) => None,
        handed => Some(handed?),
    };
    Ok(async move {
        // Ends with this future: whoever waits for the key goes on then.
        let _guard = guard;
        let outcome = match handed {
            Some(handed) => handed.outcome().await,
            None => Err(EngineError::KeyTaken),
        };
        match outcome {
            Err(EngineError::KeyTaken) => given_before(&app, idempotency::taken(&app, &claim).await?).await,
            outcome => Ok(outcome?),
        }
    }
    .boxed())
}

/// Called in the order of the commands: the engine gives each its place before it returns.
async fn hand_over(app: &App, command: Command, claim: Option<KeyClaim>) -> Result<Handed, EngineError> {
    match command {
        Command::Earn(request) => app.engine().earn(request, claim).await.map(Handed::Earn),
        Command::Progress(request) => app.engine().progress(request, claim).await.map(Handed::Progress),
    }
}

impl Handed {
    async fn outcome(self) -> Result<Answer, EngineError> {
        let (status, body) = match self {
            Self::Earn(pending) => {
                let outcome = pending.outcome().await?;
                let status = if outcome.awarded { 201 } else { 200 };
                (status, wire::earn_answer(&outcome))
            }
            Self::Progress(pending) => (200, wire::progress_answer(&pending.outcome().await?)),
        };
        Ok(Answer {
            status,
            body,
            replayed: false,
        })
    }
}

/// The first answer to a key, exactly: found by what was kept with it.
///
/// # Errors
/// 503 when the store cannot say; 500 when what the key points at is not there.
pub(crate) async fn given_before(app: &App, record: KeyRecord) -> Result<Answer, Problem> {
    let status = record.status;
    let body = match record.outcome {
        KeyOutcome::Body(body) => RawValue::from_string(body).ok(),
        KeyOutcome::Event {
            stream,
            version,
            total,
            level,
        } => {
            let kept = app.engine().kept_together(stream, version).await?;
            let (first, after) = kept.split_first().unzip();
            first.and_then(|stored| wire::first_answer(stored, after.unwrap_or_default(), total, level))
        }
    };
    let body = body.ok_or_else(|| {
        tracing::error!(status, "a key points at no answer");
        Problem::internal()
    })?;
    Ok(Answer {
        status,
        body,
        replayed: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wish_is_the_same_whichever_way_it_comes() {
        let earn = json!({"user_id": 7, "action_type": "read_content", "reference_id": 3});
        let single = Fingerprint::of("POST", "/points/earn", &[], &earn);
        assert_eq!(Wish::Earn(earn).fingerprint(), single);
        let single = Fingerprint::of(
            "POST",
            "/progress/7",
            &[],
            &json!({"unit_id": 3, "progress_percentage": 5}),
        );
        let wish = json!({"user_id": 7, "progress_percentage": 5, "unit_id": 3});
        assert_eq!(Wish::Progress(wish).fingerprint(), single);
        let other = json!({"user_id": 8, "progress_percentage": 5, "unit_id": 3});
        assert_ne!(Wish::Progress(other).fingerprint(), single);
    }
}
