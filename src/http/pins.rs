//! What a teacher does about people at the door: a new PIN, and two entries that are one person.

use super::answer::{self, Answered};
use super::call::Call;
use super::routes::Routes;
use crate::audit;
use crate::fields::Fields;
use crate::join;
use crate::merge;
use crate::permissions;
use crate::pins;
use crate::problem::{Problem, Unknown};
use homeroom_schema::UserId;
use homeroom_schema::records::{AuditSubject, UserRecord, UserRole};
use serde_json::json;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/users/{user_id}/pin", set)
        .post("/users/{user_id}/merge", unite)
}

/// A new PIN, shown once. The one before ends; sessions that are open stay.
async fn set(mut call: Call) -> Answered {
    call.refuse_key()?;
    permissions::may_read_roster(&call.caller)?;
    let user_id: UserId = call.path_id("user_id", Unknown::User)?;
    permissions::may_set_pin(&call.caller, user_id, call.app.engine().roster())?;
    let content = call.optional_content().await?.unwrap_or_else(|| json!({}));
    let mut fields = Fields::of(&content);
    let chosen = fields.optional_text("pin").map(str::to_owned);
    if chosen.as_deref().is_some_and(|pin| !pins::is_pin(pin)) {
        fields.wrong("pin", "must be 4 to 12 digits");
    }
    let chosen = fields.finish(chosen)?;
    present_learner(&call, user_id).map_err(|problem| problem.with_path(&[Unknown::User]))?;
    let app = &call.app;
    let pin = chosen.map_or_else(pins::new_pin, Ok)?;
    let hash = app.pins().hash(&pin).await?;
    let subject = AuditSubject {
        kind: "user",
        id: user_id.get(),
    };
    let audited = audit::row(
        app.clock().now(),
        audit::by(&call.caller),
        "pin_set",
        Some(subject),
        &json!({}),
    );
    join::keep_pin(app, user_id, hash, vec![audited]).await?;
    Ok(answer::secret(answer::json(
        201,
        &json!({"user_id": user_id, "pin": pin}),
    )))
}

async fn unite(mut call: Call) -> Answered {
    permissions::may_host(&call.caller)?;
    call.refuse_key()?;
    let double: UserId = call.path_id("user_id", Unknown::User)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let into = fields.id::<UserId>("into_user_id");
    if into == double {
        fields.wrong("into_user_id", "must be somebody else");
    }
    let into = fields.finish(into)?;
    present_learner(&call, double).map_err(|problem| problem.with_path(&[Unknown::User]))?;
    present_learner(&call, into).map_err(|problem| problem.with_path(&[]))?;
    let (app, caller) = (call.app.clone(), call.caller);
    // Whoever hangs up meanwhile finds it done.
    let merged = tokio::spawn(async move { merge::merge(&app, &caller, double, into).await });
    let merged = merged.await.map_err(|_| Problem::internal())??;
    let body = json!({
        "user_id": double,
        "into_user_id": into,
        "awards": merged.awards,
        "refused": merged.refused,
        "units": merged.units,
    });
    Ok(answer::json(200, &body))
}

/// A student who is in the class.
fn present_learner(call: &Call, user_id: UserId) -> Result<UserRecord, Problem> {
    let user = call.app.engine().roster().user(user_id);
    let user = user.ok_or_else(|| Problem::unknown(Unknown::User))?;
    if user.erased_at.is_some() {
        return Err(Problem::erased());
    }
    if user.archived_at.is_some() {
        return Err(Problem::unknown(Unknown::User));
    }
    if user.role != UserRole::Student {
        return Err(homeroom_actors::EngineError::NotALearner(user_id).into());
    }
    Ok(user)
}
