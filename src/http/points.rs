//! Points: earning them, giving them by hand, the ledger, taking them back and giving them again.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use super::page::Page;
use super::routes::Routes;
use crate::audit;
use crate::commands::{self, Answer, Wish};
use crate::fields::Fields;
use crate::idempotency::{self, Turn};
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use axum::response::Response;
use homeroom_actors::EngineError;
use homeroom_actors::engine::{Correction, GrantRequest, KeyClaim};
use homeroom_schema::limits::{MANUAL_POINTS_MAX, REASON_CHARS_MAX};
use homeroom_schema::records::{StreamKind, TokenRole};
use homeroom_schema::{EventId, ReferenceId, UserId, Version};
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/points/earn", earn)
        .post("/points/award", award)
        .get("/points/{user_id}", ledger)
        .post("/points/{event_id}/reverse", reverse)
        .post("/points/{event_id}/reinstate", reinstate)
}

/// An answer to a learning event as HTTP.
pub(super) fn answered(answer: Answer) -> Response {
    let response = answer::raw(answer.status, answer.body);
    if answer.replayed {
        answer::replayed(response)
    } else {
        response
    }
}

/// Hands a single wish over under the caller's key and waits for its answer.
pub(super) async fn carry_out(call: &Call, wish: &Wish, claim: Option<KeyClaim>) -> Result<Answer, Problem> {
    commands::start_claimed(&call.app, &call.caller, wish, claim)
        .await?
        .await
}

async fn earn(mut call: Call) -> Answered {
    permissions::may_send_events(&call.caller)?;
    let (wish, claim) = match call.optional_content().await? {
        Some(content) => {
            let claim = call.claim(&content)?;
            (Wish::Earn(content), claim)
        }
        None if call.query().is_empty() => return Err(Problem::invalid_json("The body is empty.")),
        None => {
            let wish = Wish::Earn(fields_of_query(&call)?);
            let claim = call.claim_as(wish.fingerprint())?;
            (wish, claim)
        }
    };
    let answer = carry_out(&call, &wish, claim).await?;
    Ok(answered(answer))
}

/// The three required fields as query parameters: the same wish as with a body.
fn fields_of_query(call: &Call) -> Result<Value, Problem> {
    call.read_query(|fields| {
        let user_id: UserId = fields.id("user_id");
        let action_type = fields.text("action_type");
        let reference_id: ReferenceId = fields.id("reference_id");
        json!({"user_id": user_id, "action_type": action_type, "reference_id": reference_id})
    })
}

async fn award(mut call: Call) -> Answered {
    permissions::may_correct(&call.caller)?;
    let content = call.content().await?;
    let (caller, app) = (&call.caller, &call.app);
    let mut fields = Fields::of(&content);
    let request = GrantRequest {
        user_id: fields.id("user_id"),
        points: fields.whole("points", 1..=u64::from(MANUAL_POINTS_MAX)) as u32,
        reason: fields.line("reason", REASON_CHARS_MAX),
        granted_by: caller.user_id,
        is_budgeted: caller.role == TokenRole::Mentor,
    };
    let request = fields.finish(request)?;
    permissions::may_grant(caller, request.user_id, app.engine().roster())?;
    let claim = call.claim(&content)?;
    let _guard = match idempotency::turn(app, claim.as_ref()).await? {
        Turn::Again(record) => return Ok(answered(commands::given_before(app, record).await?)),
        Turn::First(guard) => guard,
    };
    let reason = request.reason.clone();
    let outcome = match app.engine().grant(request, claim, audit::by(caller)).await {
        Ok(pending) => pending.outcome().await,
        Err(error) => Err(error),
    };
    match (outcome, claim) {
        (Ok(outcome), _) => Ok(answer::raw(201, wire::grant_answer(&outcome, Some(&reason)))),
        (Err(EngineError::KeyTaken), Some(claim)) => {
            let record = idempotency::taken(app, &claim).await?;
            Ok(answered(commands::given_before(app, record).await?))
        }
        (Err(error), _) => Err(error.into()),
    }
}

async fn ledger(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let user_id: UserId = call.path_id("user_id", Unknown::User)?;
    let engine = call.app.engine();
    permissions::may_read_person(&call.caller, user_id, engine.roster())?;
    let page = call.read_query(Page::read)?;
    let (secret, scope) = (call.app.secret(), format!("points {user_id} {}", call.viewer()));
    let before = match &page.cursor {
        Some(text) => Some(Version(cursor::decode(secret, &scope, text)?)),
        None => None,
    };
    let entries = engine.ledger(user_id, before, page.limit + 1).await;
    let entries = entries.map_err(|error| Problem::from(error).with_path(&[Unknown::User]))?;
    let more = entries.len() > page.limit;
    let shown = &entries[..page.limit.min(entries.len())];
    let last = shown.last().filter(|_| more);
    let entry = |stored| wire::ledger_entry(stored, call.caller.role != TokenRole::Student);
    let body = json!({
        "items": shown.iter().filter_map(entry).collect::<Vec<_>>(),
        "next_cursor": last.and_then(|last| cursor::encode(secret, &scope, &last.version.0)),
    });
    Ok(answer::json(200, &body))
}

async fn reverse(call: Call) -> Answered {
    correct(call, Correction::Reverse).await
}

async fn reinstate(call: Call) -> Answered {
    correct(call, Correction::Reinstate).await
}

async fn correct(mut call: Call, correction: Correction) -> Answered {
    permissions::may_correct(&call.caller)?;
    let event_id = call.path_id("event_id", Unknown::Event)?;
    let content = call.optional_content().await?;
    let reason = reason(content.as_ref(), correction)?;
    let owner = owner(&call, event_id).await?;
    permissions::may_correct_of(&call.caller, owner, call.app.engine().roster())?;
    let claim = call.claim(&content.unwrap_or_default())?;
    let app = &call.app;
    let _guard = match idempotency::turn(app, claim.as_ref()).await? {
        Turn::Again(record) => return Ok(answered(commands::given_before(app, record).await?)),
        Turn::First(guard) => guard,
    };
    let by = audit::by(&call.caller);
    let outcome = match app.engine().correct(event_id, correction, reason, claim, by).await {
        Ok(pending) => pending.outcome().await,
        Err(error) => Err(error),
    };
    match (outcome, claim) {
        (Ok(outcome), _) => Ok(answer::raw(201, wire::correction_answer(correction, &outcome))),
        (Err(EngineError::KeyTaken), Some(claim)) => {
            let record = idempotency::taken(app, &claim).await?;
            Ok(answered(commands::given_before(app, record).await?))
        }
        (Err(error), _) => Err(Problem::from(error).with_path(&[Unknown::Event])),
    }
}

/// A reversal has to say why; giving back may.
fn reason(content: Option<&Value>, correction: Correction) -> Result<Option<String>, Problem> {
    let nothing = json!({});
    let mut fields = Fields::of(content.unwrap_or(&nothing));
    let reason = match correction {
        Correction::Reverse => Some(fields.line("reason", REASON_CHARS_MAX)),
        Correction::Reinstate => fields.optional_line("reason", REASON_CHARS_MAX),
    };
    fields.finish(reason)
}

/// Whose ledger an entry stands in.
async fn owner(call: &Call, event_id: EventId) -> Result<UserId, Problem> {
    let entry = call.app.engine().ledger_entry(event_id).await?;
    let stream = entry
        .map(|entry| entry.stream)
        .filter(|stream| stream.kind == StreamKind::Learner);
    let owner = stream.and_then(|stream| UserId::new(stream.id).ok());
    owner.ok_or_else(|| Problem::unknown(Unknown::Event))
}
