//! People.

use super::answer::{self, Answered};
use super::call::Call;
use super::page::{self, Page};
use super::roster;
use super::routes::Routes;
use crate::erasure;
use crate::fields::Fields;
use crate::permissions::{self, person_lens};
use crate::problem::{Problem, Unknown};
use crate::wire;
use homeroom_actors::roster::{Leaderboards, Roster, RosterCommand};
use homeroom_actors::{EngineError, Lens};
use homeroom_schema::UserId;
use homeroom_schema::limits::NAME_CHARS_MAX;
use homeroom_schema::records::{TokenRole, UserRecord, UserRole};
use serde_json::Value;
use std::collections::BTreeSet;

const ROLES: &str = "student, mentor, staff";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/users", create)
        .get("/users", list)
        .get("/users/{user_id}", show)
        .put("/users/{user_id}", upsert)
        .patch("/users/{user_id}", patch)
        .delete("/users/{user_id}", erase)
        .get("/users/{user_id}/preferences", preferences)
        .patch("/users/{user_id}/preferences", prefer)
}

async fn create(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let user_id = fields.optional_id("id");
    let command = put_command(fields, true, user_id, UserRole::Student)?;
    roster::put(&call, &content, command, &[]).await
}

async fn upsert(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let user_id = call.path_id("user_id", Unknown::User)?;
    let content = call.content().await?;
    // A role that is not given stays as it is, as in an import.
    let known = call.app.engine().roster().user(user_id);
    let role = known.map_or(UserRole::Student, |user| user.role);
    let mut fields = Fields::of(&content);
    fields.same_id(user_id);
    let command = put_command(fields, false, Some(user_id), role)?;
    roster::put(&call, &content, command, &[]).await
}

fn put_command(
    mut fields: Fields<'_>,
    create: bool,
    user_id: Option<UserId>,
    role: UserRole,
) -> Result<RosterCommand, Problem> {
    let command = RosterCommand::PutUser {
        create,
        user_id,
        name: fields.line("name", NAME_CHARS_MAX),
        alias: fields.optional_line("alias", NAME_CHARS_MAX),
        role: fields.optional_word("role", ROLES, UserRole::parse).unwrap_or(role),
    };
    fields.finish(command)
}

async fn patch(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let user_id = call.path_id("user_id", Unknown::User)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let archived = fields.change_to("archived", Fields::optional_truth);
    let command = RosterCommand::PatchUser {
        user_id,
        name: fields.change_to("name", |f, name| f.optional_line(name, NAME_CHARS_MAX)),
        alias: fields.change("alias", |f, name| f.optional_line(name, NAME_CHARS_MAX)),
        role: fields.change_to("role", |f, name| f.optional_word(name, ROLES, UserRole::parse)),
        archived,
    };
    let command = fields.finish(command)?;
    let answer = roster::put(&call, &content, command, &[Unknown::User]).await?;
    if let Some(is_archived) = archived {
        // Their tokens are void until they come back; their sessions end now.
        let sessions = call.app.engine().sessions();
        for token_id in call.app.tokens().of_person(user_id) {
            if is_archived {
                sessions.end_token(token_id);
            } else {
                sessions.revive_token(token_id);
            }
        }
    }
    Ok(answer)
}

/// Answered when nothing names the person any more, and the list outside the database has the id.
async fn erase(call: Call) -> Answered {
    permissions::may_erase(&call.caller)?;
    let user_id = call.path_id("user_id", Unknown::User)?;
    let app = &call.app;
    // No token of the person is made meanwhile.
    let _changing = app.tokens().changing.lock().await;
    let own: Vec<_> = app.tokens().of_person(user_id);
    if !app.tokens().has_admin_outside(&own) {
        let detail = "The last admin token is this person's; make another one first.";
        return Err(Problem::new(409, "last_admin_token", "The last admin token", detail));
    }
    let command = RosterCommand::EraseUser {
        user_id,
        erased_at: None,
    };
    let answer = roster::remove(&call, command, &[Unknown::User]).await;
    if app.engine().roster().is_erased(user_id) {
        for token_id in own {
            app.tokens().remove(token_id);
            app.engine().sessions().end_token(token_id);
        }
        // Also when it was erased before: the answer then may have been that it could not be listed.
        let listed = erasure::list(app.engine(), &app.config().data, user_id).await;
        listed.map_err(|cause| {
            tracing::error!(%cause, %user_id, "the list of erased people cannot be written");
            Problem::from(EngineError::StoreUnavailable)
        })?;
    }
    answer
}

async fn preferences(call: Call) -> Answered {
    let user_id = call.path_id("user_id", Unknown::User)?;
    let engine = call.app.engine();
    let roster = engine.roster();
    permissions::may_prefer(&call.caller, user_id, roster)?;
    let user = roster.user(user_id).ok_or_else(|| Problem::unknown(Unknown::User))?;
    if user.erased_at.is_some() {
        return Err(Problem::erased());
    }
    let said = roster.preference(user_id).map(|preference| preference.on_boards);
    let on_boards = said.unwrap_or(roster.leaderboards() != Leaderboards::OptIn);
    let lock_ms = engine.rules().preferences.locked_for_ms;
    let locked_until = roster.preference_locked_until(user_id, lock_ms, call.app.clock().now());
    Ok(answer::json(200, &wire::preference(user_id, on_boards, locked_until)))
}

async fn prefer(mut call: Call) -> Answered {
    let user_id = call.path_id("user_id", Unknown::User)?;
    permissions::may_prefer(&call.caller, user_id, call.app.engine().roster())?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let wish = fields.word("leaderboard", "in, out", |word| match word {
        "in" => Some(true),
        "out" => Some(false),
        _ => None,
    });
    let command = RosterCommand::SetPreference {
        user_id,
        on_boards: wish.unwrap_or_default(),
        own: call.caller.user_id == Some(user_id),
        lock_ms: call.app.engine().rules().preferences.locked_for_ms,
    };
    let command = fields.finish(command)?;
    roster::put(&call, &content, command, &[Unknown::User]).await
}

async fn show(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let user_id = call.path_id("user_id", Unknown::User)?;
    let roster = call.app.engine().roster();
    let lens = person_lens(&call.caller, user_id, roster)?;
    let user = roster.user(user_id).ok_or_else(|| Problem::unknown(Unknown::User))?;
    if user.erased_at.is_some() {
        return Err(Problem::erased());
    }
    Ok(answer::json(200, &wire::person_by_lens(&user, lens, roster)))
}

async fn list(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let (page, archived) = call.read_query(|fields| (Page::read(fields), roster::archived_too(fields)))?;
    let roster = call.app.engine().roster();
    page::by_id(&call, &format!("users {archived}"), &page, |after, limit| {
        let users = match acquaintances(&call, roster) {
            None => roster.users_after(after, limit, archived),
            Some(known) => known_after(&known, after, limit, roster),
        };
        let shown = users
            .into_iter()
            .filter_map(|user| Some((user.user_id, seen(&call, &user, roster)?)));
        shown.collect()
    })
}

fn seen(call: &Call, user: &UserRecord, roster: &Roster) -> Option<Value> {
    let lens: Lens = person_lens(&call.caller, user.user_id, roster).ok()?;
    Some(wire::person_by_lens(user, lens, roster))
}

/// The people whom a caller may know about; none means everybody.
fn acquaintances(call: &Call, roster: &Roster) -> Option<BTreeSet<UserId>> {
    let own = call.caller.user_id;
    let teams = match (call.caller.role, own) {
        (TokenRole::Admin | TokenRole::Service, _) => return None,
        (TokenRole::Mentor, Some(own)) => roster.mentored_by(own),
        (_, Some(own)) => roster.teams_of(own),
        (_, None) => Vec::new(),
    };
    let members = teams.into_iter().flat_map(|team_id| roster.members(team_id));
    Some(members.map(|member| member.user_id).chain(own).collect())
}

fn known_after(known: &BTreeSet<UserId>, after: Option<UserId>, limit: usize, roster: &Roster) -> Vec<UserRecord> {
    let rest = known
        .iter()
        .filter(|user_id| after.is_none_or(|after| **user_id > after));
    rest.filter_map(|user_id| roster.user(*user_id)).take(limit).collect()
}
