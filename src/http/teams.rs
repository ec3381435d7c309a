//! Teams, their members, and how they do.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use super::page::{self, Page};
use super::roster;
use super::routes::Routes;
use crate::fields::Fields;
use crate::permissions::{self, team_lens};
use crate::problem::{Problem, Unknown};
use crate::wire;
use homeroom_actors::roster::{Entity, RosterCommand};
use homeroom_schema::TeamId;
use homeroom_schema::limits::{MEMBER_ROLE_CHARS_MAX, TEAM_NAME_CHARS_MAX};
use homeroom_schema::records::{TeamRecord, TokenRole};
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/teams", create)
        .get("/teams", list)
        .get("/teams/{team_id}", show)
        .put("/teams/{team_id}", upsert)
        .patch("/teams/{team_id}", patch)
        .delete("/teams/{team_id}", archive)
        .put("/teams/{team_id}/members/{user_id}", put_member)
        .delete("/teams/{team_id}/members/{user_id}", remove_member)
        .get("/team/{team_id}/performance", performance)
        .get("/teams/{team_id}/performance", performance)
        .get("/teams/{team_id}/presence", presence)
}

async fn create(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let team_id = fields.optional_id("id");
    let command = put_command(fields, true, team_id)?;
    roster::put(&call, &content, command, &[]).await
}

async fn upsert(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let team_id = call.path_id("team_id", Unknown::Team)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    fields.same_id(team_id);
    let command = put_command(fields, false, Some(team_id))?;
    roster::put(&call, &content, command, &[]).await
}

fn put_command(mut fields: Fields<'_>, create: bool, team_id: Option<TeamId>) -> Result<RosterCommand, Problem> {
    let command = RosterCommand::PutTeam {
        create,
        team_id,
        name: fields.line("name", TEAM_NAME_CHARS_MAX),
        mentor_id: fields.optional_id("mentor_id"),
    };
    fields.finish(command)
}

async fn patch(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let team_id = call.path_id("team_id", Unknown::Team)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let command = RosterCommand::PatchTeam {
        team_id,
        name: fields.change_to("name", |f, name| f.optional_line(name, TEAM_NAME_CHARS_MAX)),
        mentor_id: fields.change("mentor_id", |f, name| f.optional_id(name)),
    };
    let command = fields.finish(command)?;
    roster::put(&call, &content, command, &[Unknown::Team]).await
}

async fn archive(call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let team_id = call.path_id("team_id", Unknown::Team)?;
    roster::remove(&call, RosterCommand::Archive(Entity::Team(team_id)), &[Unknown::Team]).await
}

async fn put_member(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let team_id = call.path_id("team_id", Unknown::Team)?;
    let user_id = call.path_id("user_id", Unknown::User)?;
    let content = call.optional_content().await?.unwrap_or_else(|| json!({}));
    let mut fields = Fields::of(&content);
    let role = fields.optional_line("role", MEMBER_ROLE_CHARS_MAX);
    let command = RosterCommand::PutMember {
        team_id,
        user_id,
        role: role.clone(),
    };
    let command = fields.finish(command)?;
    let claim = call.claim(&content)?;
    let in_path = [Unknown::Team, Unknown::User];
    let changed = roster::change(&call, claim, command, wire::roster_answer, &in_path).await?;
    Ok(changed.with_body(&json!({"team_id": team_id, "user_id": user_id, "role": role})))
}

async fn remove_member(call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let command = RosterCommand::RemoveMember {
        team_id: call.path_id("team_id", Unknown::Team)?,
        user_id: call.path_id("user_id", Unknown::User)?,
    };
    roster::remove(&call, command, &[Unknown::Team, Unknown::User]).await
}

async fn show(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let team_id = call.path_id("team_id", Unknown::Team)?;
    let roster = call.app.engine().roster();
    let lens = team_lens(&call.caller, team_id, roster)?;
    let team = roster.team(team_id).ok_or_else(|| Problem::unknown(Unknown::Team))?;
    let mut body = wire::team(&team);
    body["members"] = Value::from(wire::team_members(team_id, lens, roster));
    Ok(answer::json(200, &body))
}

async fn list(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let (page, archived) = call.read_query(|fields| (Page::read(fields), roster::archived_too(fields)))?;
    page::by_id(&call, &format!("teams {archived}"), &page, |after, limit| {
        let teams = teams_after(&call, after, limit, archived);
        teams.iter().map(|team| (team.team_id, wire::team(team))).collect()
    })
}

/// The teams that a caller may know about.
fn teams_after(call: &Call, after: Option<TeamId>, limit: usize, archived: bool) -> Vec<TeamRecord> {
    let roster = call.app.engine().roster();
    let own = match (call.caller.role, call.caller.user_id) {
        (TokenRole::Admin | TokenRole::Service, _) => return roster.teams_after(after, limit, archived),
        (TokenRole::Mentor, Some(own)) => roster.mentored_by(own),
        (_, Some(own)) => roster.teams_of(own),
        (_, None) => Vec::new(),
    };
    let rest = own
        .into_iter()
        .filter(|team_id| after.is_none_or(|after| *team_id > after));
    rest.filter_map(|team_id| roster.team(team_id)).take(limit).collect()
}

async fn performance(call: Call) -> Answered {
    let team_id = call.path_id("team_id", Unknown::Team)?;
    let engine = call.app.engine();
    let lens = team_lens(&call.caller, team_id, engine.roster())?;
    let view = engine.team_performance(team_id).await;
    let view = view.map_err(|error| Problem::from(error).with_path(&[Unknown::Team]))?;
    Ok(answer::tagged(call.headers(), &wire::performance(&view, lens)))
}

/// Who is here, by id.
async fn presence(call: Call) -> Answered {
    let team_id: TeamId = call.path_id("team_id", Unknown::Team)?;
    let engine = call.app.engine();
    let lens = permissions::presence_lens(&call.caller, team_id, engine.roster())?;
    let page = call.read_query(Page::read)?;
    let (secret, scope) = (call.app.secret(), format!("presence {team_id} {}", call.viewer()));
    let after = page.cursor.as_deref().map(|text| cursor::decode(secret, &scope, text));
    let shown = engine.presence(team_id, after.transpose()?, page.limit).await;
    let shown = shown.map_err(|error| Problem::from(error).with_path(&[Unknown::Team]))?;
    let next = shown.next.and_then(|last| cursor::encode(secret, &scope, &last));
    let items = wire::people(engine.roster(), &shown.people, lens);
    let body = json!({"team_id": team_id, "count": shown.count, "items": items, "next_cursor": next});
    Ok(answer::json(200, &body))
}
