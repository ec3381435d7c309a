//! One learner: progress and achievements.

use super::answer::{self, Answered};
use super::call::Call;
use super::points::{answered, carry_out};
use super::routes::Routes;
use crate::commands::Wish;
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use homeroom_actors::views::LearnerView;
use homeroom_schema::UserId;
use serde_json::json;
use std::sync::Arc;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/progress/{user_id}", progress)
        .post("/progress/{user_id}", record)
        .get("/achievements/{user_id}", achievements)
}

async fn progress(call: Call) -> Answered {
    let view = view(&call).await?;
    let body = wire::progress(&view);
    Ok(answer::tagged(call.headers(), &body))
}

async fn achievements(call: Call) -> Answered {
    let view = view(&call).await?;
    Ok(answer::tagged(call.headers(), &wire::achievements(&view)))
}

async fn view(call: &Call) -> Result<Arc<LearnerView>, Problem> {
    permissions::may_read_roster(&call.caller)?;
    let user_id = call.path_id("user_id", Unknown::User)?;
    let engine = call.app.engine();
    permissions::may_read_person(&call.caller, user_id, engine.roster())?;
    let view = engine.learner(user_id).await;
    view.map_err(|error| Problem::from(error).with_path(&[Unknown::User]))
}

async fn record(mut call: Call) -> Answered {
    permissions::may_send_events(&call.caller)?;
    let user_id: UserId = call.path_id("user_id", Unknown::User)?;
    let mut content = call.content().await?;
    // The path says whose progress it is; the same wish in a batch says it in its fields.
    if let Some(fields) = content.as_object_mut() {
        fields.remove("user_id");
    }
    let claim = call.claim(&content)?;
    if let Some(fields) = content.as_object_mut() {
        fields.insert("user_id".into(), json!(user_id));
    }
    let answer = carry_out(&call, &Wish::Progress(content), claim).await;
    let answer = answer.map_err(|problem| problem.with_path(&[Unknown::User]))?;
    Ok(answered(answer))
}
