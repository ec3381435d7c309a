//! The rules in force: shown, checked, previewed, applied to the past, undone. For admins.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use super::page::Page;
use super::routes::Routes;
use crate::audit;
use crate::fields::Fields;
use crate::idempotency::{self, Turn};
use crate::permissions;
use crate::problem::{FieldError, Problem};
use crate::rules::{self, Fault};
use crate::wire;
use homeroom_actors::EngineError;
use homeroom_actors::engine::KeyClaim;
use homeroom_actors::rulebook::{ActState, Change, Origin};
use homeroom_schema::UserId;
use homeroom_schema::records::{KeyOutcome, KeyRecord};
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/rules", show)
        .get("/rules/history", history)
        .post("/rules/check", check)
        .post("/rules/preview", preview)
        .post("/rules/apply", apply)
        .post("/rules/undo", undo)
}

async fn show(call: Call) -> Answered {
    permissions::may_rule(&call.caller)?;
    let engine = call.app.engine();
    let in_force = engine.rules_in_force().await?;
    let name = engine.rules().name.clone();
    Ok(answer::json(200, &wire::rules_in_force(&in_force, &name)))
}

async fn history(call: Call) -> Answered {
    permissions::may_rule(&call.caller)?;
    let page = call.read_query(Page::read)?;
    let (secret, scope) = (call.app.secret(), format!("rules {}", call.viewer()));
    let before = match &page.cursor {
        Some(text) => Some(cursor::decode::<u32>(secret, &scope, text)?),
        None => None,
    };
    let mut changes = call.app.engine().rules_history(before, page.limit + 1);
    let has_more = changes.len() > page.limit;
    changes.truncate(page.limit);
    let last = changes.last().filter(|_| has_more);
    let next = last.and_then(|(change, _)| cursor::encode(secret, &scope, &change.version));
    let items: Vec<Value> = changes
        .iter()
        .map(|(change, state)| wire::rules_change(change, *state))
        .collect();
    Ok(answer::json(200, &json!({"items": items, "next_cursor": next})))
}

async fn check(mut call: Call) -> Answered {
    permissions::may_rule(&call.caller)?;
    let content = call.content().await?;
    let document = document(&content, |_| ())?.0;
    let checked = rules::parse(&document);
    let fault = |fault: &Fault| json!({"line": fault.line, "field": fault.field, "message": fault.message});
    let faults: Vec<Value> = checked.as_ref().err().into_iter().flatten().map(fault).collect();
    Ok(answer::json(200, &json!({"sound": checked.is_ok(), "faults": faults})))
}

async fn preview(mut call: Call) -> Answered {
    permissions::may_rule(&call.caller)?;
    let content = call.content().await?;
    let (document, page) = document(&content, Page::read)?;
    let rules = rules::parse(&document).map_err(|faults| faulty(&faults))?;
    let secret = call.app.secret();
    let engine = call.app.engine();
    // A page belongs to its document and to the rules in force.
    let scope = format!("preview {} {document} {}", engine.rules().version, call.viewer());
    let after = match &page.cursor {
        Some(text) => Some(cursor::decode::<UserId>(secret, &scope, text)?),
        None => None,
    };
    let found = engine.preview_rules(rules, after, page.limit).await?;
    let last = found.people.last().filter(|_| found.has_more);
    let next = last.and_then(|person| cursor::encode(secret, &scope, &person.user_id));
    let people = found.people.iter();
    let items: Vec<Value> = people
        .map(|person| wire::person_change(person, engine.roster()))
        .collect();
    let body = json!({
        "version": engine.rules().version,
        "totals": found.totals.as_ref().map(wire::preview_totals),
        "items": items,
        "next_cursor": next,
    });
    Ok(answer::json(200, &body))
}

async fn apply(mut call: Call) -> Answered {
    permissions::may_rule(&call.caller)?;
    let content = call.content().await?;
    let (document, (revoke, origin)) = document(&content, |fields| {
        let revoke = fields.optional_truth("revoke").unwrap_or_default();
        (revoke, origin(fields))
    })?;
    rules::parse(&document).map_err(|faults| faulty(&faults))?;
    let claim = call.claim(&content)?;
    let _guard = match idempotency::turn(&call.app, claim.as_ref()).await? {
        Turn::Again(record) => return again(record),
        Turn::First(guard) => guard,
    };
    let by = audit::by(&call.caller);
    let app = call.app.clone();
    // Whoever hangs up meanwhile finds the act in the history.
    let applied = tokio::spawn(async move { app.engine().apply_rules(document, revoke, (origin, by)).await });
    let applied = applied.await.map_err(|_| Problem::internal())??;
    acted(&call, claim, &applied).await
}

async fn undo(mut call: Call) -> Answered {
    permissions::may_rule(&call.caller)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let act = fields.whole("act", 1..=u64::from(u32::MAX));
    let origin = origin(&mut fields);
    let (act, origin) = fields.finish((u32::try_from(act).unwrap_or(u32::MAX), origin))?;
    let claim = call.claim(&content)?;
    let _guard = match idempotency::turn(&call.app, claim.as_ref()).await? {
        Turn::Again(record) => return again(record),
        Turn::First(guard) => guard,
    };
    let by = audit::by(&call.caller);
    let app = call.app.clone();
    let undone = tokio::spawn(async move { app.engine().undo_rules(act, (origin, by)).await });
    let undone = undone.await.map_err(|_| Problem::internal())??;
    acted(&call, claim, &undone).await
}

/// 200 when the act is done, 202 while it goes on.
async fn acted(call: &Call, claim: Option<KeyClaim>, change: &Change) -> Answered {
    let state = call.app.engine().act_state(change.version);
    let status = match state {
        Some(ActState::Done { .. }) => 200,
        Some(ActState::Running { .. }) | None => 202,
    };
    let body = wire::rules_change(change, state).to_string();
    if let Some(claim) = claim {
        let record = KeyRecord {
            hash: claim.hash,
            fingerprint: claim.fingerprint,
            created_at: call.app.clock().now(),
            status,
            outcome: KeyOutcome::Body(body.clone()),
            about: None,
        };
        match call.app.engine().keep_rows(Vec::new(), Some(record)).await {
            Ok(()) | Err(EngineError::KeyTaken) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answer::text(status, body))
}

fn again(record: KeyRecord) -> Answered {
    match record.outcome {
        KeyOutcome::Body(body) => Ok(answer::replayed(answer::text(record.status, body))),
        KeyOutcome::Event { .. } => Err(Problem::internal()),
    }
}

/// Reads `document` and what else a body has.
fn document<T>(content: &Value, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<(String, T), Problem> {
    let mut fields = Fields::of(content);
    let document = fields.text("document");
    if document == Some("") {
        fields.wrong("document", "must not be empty");
    }
    let document = document.unwrap_or_default().to_owned();
    let rest = read(&mut fields);
    fields.finish((document, rest))
}

/// Where a document comes from, as far as its sender says.
fn origin(fields: &mut Fields<'_>) -> Origin {
    let parse = |word: &str| {
        [Origin::Api, Origin::Cli]
            .into_iter()
            .find(|origin| origin.as_str() == word)
    };
    fields.optional_word("origin", "api, cli", parse).unwrap_or(Origin::Api)
}

/// A document with faults: each by its line and field.
fn faulty(faults: &[Fault]) -> Problem {
    let errors = faults.iter().map(|fault| {
        let field = match fault.field.as_str() {
            "" => "document".to_owned(),
            field => format!("document.{field}"),
        };
        FieldError::new(field, format!("line {}: {}", fault.line, fault.message))
    });
    Problem::validation(errors.collect())
}
