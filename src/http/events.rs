//! Many learning events in one request: each is one write with its own answer, in order.

use super::answer::{self, Answered};
use super::call::Call;
use super::routes::Routes;
use crate::audit;
use crate::commands::{self, Answer, Started, Wish};
use crate::fields::Fields;
use crate::idempotency::{self, Fingerprint, Turn};
use crate::permissions;
use crate::problem::Problem;
use futures_util::future::join_all;
use homeroom_actors::EngineError;
use homeroom_actors::engine::KeyClaim;
use homeroom_schema::limits::{EVENTS_BODY_BYTES_MAX, EVENTS_ITEMS_MAX};
use homeroom_schema::records::{KeyOutcome, KeyRecord};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post("/events", send)
}

async fn send(mut call: Call) -> Answered {
    permissions::may_send_events(&call.caller)?;
    let (content, fingerprint) = call.large_content(EVENTS_BODY_BYTES_MAX).await?;
    let mut fields = Fields::of(&content);
    let items = fields.list("events", EVENTS_ITEMS_MAX);
    if !fields.has("events") {
        fields.wrong("events", "is required");
    }
    let items = fields.finish(items)?;
    let batch_key = call.key()?;
    let (was_before, _guard) = enter(&call, fingerprint).await?;
    let mut started = Vec::with_capacity(items.len());
    let mut over = None;
    for (index, item) in items.iter().enumerate() {
        // The request itself has paid for the first. What comes after a refused one is refused too: a repeat brings it
        // again in its order.
        if over.is_none() && index > 0 {
            over = call.take_write().err();
        }
        // One after another: so each has its place in the order of its learner.
        started.push(match &over {
            None => start(&call, item, batch_key.as_deref(), index).await,
            Some(problem) => Err(problem.clone()),
        });
    }
    let answers = join_all(started.into_iter().map(outcome)).await;
    let nothing_new = answers.iter().flatten().all(|answer| answer.replayed);
    let results = Results {
        results: answers.into_iter().map(ItemResult::of).collect(),
    };
    let response = answer::written(200, &results);
    Ok(if was_before && nothing_new {
        answer::replayed(response)
    } else {
        response
    })
}

/// Comes to the turn of the batch's own key, if it has one, and keeps that key for this batch before any item: from then
/// on its items' keys, made from it, say what has been done, also after a crash half-way.
async fn enter(call: &Call, fingerprint: Fingerprint) -> Result<(bool, Option<idempotency::Guard>), Problem> {
    let Some(claim) = call.claim_as(fingerprint)? else {
        return Ok((false, None));
    };
    let guard = match idempotency::turn(&call.app, Some(&claim)).await? {
        // Items that were kept answer as before; the others were not kept, so they may be tried again.
        Turn::Again(_) => return Ok((true, Some(call.app.keys().enter_or_wait(claim.hash).await?))),
        Turn::First(guard) => guard,
    };
    let record = KeyRecord {
        hash: claim.hash,
        fingerprint: claim.fingerprint,
        created_at: call.app.clock().now(),
        about: None,
        status: 200,
        outcome: KeyOutcome::Body(String::new()),
    };
    match call.app.engine().keep_rows(Vec::new(), Some(record)).await {
        Ok(()) => Ok((false, guard)),
        Err(EngineError::KeyTaken) => {
            idempotency::taken(&call.app, &claim).await?;
            Ok((true, guard))
        }
        Err(error) => Err(error.into()),
    }
}

async fn start(call: &Call, item: &Value, batch_key: Option<&str>, index: usize) -> Result<Started, Problem> {
    let (wish, key) = read(item)?;
    let claim = claim(call, &wish, key, batch_key, index)?;
    let started = commands::start_claimed(&call.app, &call.caller, &wish, claim).await;
    if started.as_ref().is_err_and(|problem| problem.status == 403) {
        audit::refused(&call.app, &call.caller, "POST", "/events").await;
    }
    started
}

fn claim(
    call: &Call,
    wish: &Wish,
    key: Option<&str>,
    batch_key: Option<&str>,
    index: usize,
) -> Result<Option<KeyClaim>, Problem> {
    Ok(match (key, batch_key) {
        (Some(key), _) => Some(idempotency::claim(&call.caller, key, "key", wish.fingerprint())?),
        (None, Some(batch_key)) => {
            let fingerprint = wish.fingerprint();
            Some(idempotency::claim_of_item(&call.caller, batch_key, index, fingerprint))
        }
        (None, None) => None,
    })
}

/// What an item wishes, and its key. What names the item itself is no part of the wish.
fn read(item: &Value) -> Result<(Wish, Option<&str>), Problem> {
    let mut fields = Fields::of(item);
    let wish: Option<fn(Value) -> Wish> = fields.word("kind", "points, progress", |kind| match kind {
        "points" => Some(Wish::Earn as fn(Value) -> Wish),
        "progress" => Some(Wish::Progress),
        _ => None,
    });
    let key = fields.optional_text("key");
    let (wish, key) = fields.finish((wish.unwrap_or(Wish::Earn), key))?;
    let mut content = item.clone();
    if let Some(content) = content.as_object_mut() {
        content.remove("kind");
        content.remove("key");
    }
    Ok((wish(content), key))
}

async fn outcome(started: Result<Started, Problem>) -> Result<Answer, Problem> {
    started?.await
}

/// One answer for each item, in order.
#[derive(Serialize)]
struct Results {
    results: Vec<ItemResult>,
}

#[derive(Serialize)]
struct ItemResult {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

impl ItemResult {
    fn of(answer: Result<Answer, Problem>) -> Self {
        match answer {
            Ok(Answer { status, body, .. }) => Self {
                status,
                data: Some(body),
                error: None,
            },
            Err(problem) => Self {
                status: problem.status,
                data: None,
                error: Some(problem.to_value()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_is_a_wish_of_its_kind_without_what_names_it() {
        let fields = json!({"user_id": 7, "action_type": "read_content", "reference_id": 3});
        let mut item = fields.clone();
        item["kind"] = json!("points");
        item["key"] = json!("k");
        assert_eq!(read(&item), Ok((Wish::Earn(fields), Some("k"))));
        let progress = json!({"kind": "progress", "user_id": 7});
        assert_eq!(read(&progress), Ok((Wish::Progress(json!({"user_id": 7})), None)));
    }

    #[test]
    fn an_item_that_is_none_is_refused_alone() {
        for (item, wrong) in [
            (json!({}), "kind"),
            (json!({"kind": "party"}), "kind"),
            (json!({"kind": "points", "key": 5}), "key"),
            (json!("points"), "body"),
        ] {
            let problem = read(&item).expect_err("refused");
            assert_eq!(
                (problem.status, problem.errors[0].field.as_str()),
                (422, wrong),
                "{item}"
            );
        }
    }
}
