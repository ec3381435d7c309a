//! The catalogue: qualifications and units, and who is enrolled in what.

use super::answer::{self, Answered};
use super::call::Call;
use super::page::{self, Page};
use super::roster;
use super::routes::Routes;
use crate::fields::Fields;
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use homeroom_actors::roster::{Entity, RosterCommand};
use homeroom_schema::limits::{NAME_CHARS_MAX, SKILL_CHARS_MAX, SKILLS_MAX};
use homeroom_schema::{QualificationId, TimeMs, UnitId};
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/qualifications", create_qualification)
        .get("/qualifications", list_qualifications)
        .get("/qualifications/{qualification_id}", show_qualification)
        .put("/qualifications/{qualification_id}", upsert_qualification)
        .patch("/qualifications/{qualification_id}", patch_qualification)
        .delete("/qualifications/{qualification_id}", archive_qualification)
        .put("/qualifications/{qualification_id}/learners/{user_id}", enrol)
        .delete("/qualifications/{qualification_id}/learners/{user_id}", unenrol)
        .post("/units", create_unit)
        .get("/units", list_units)
        .get("/units/{unit_id}", show_unit)
        .put("/units/{unit_id}", upsert_unit)
        .patch("/units/{unit_id}", patch_unit)
        .delete("/units/{unit_id}", archive_unit)
}

async fn create_qualification(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let command = RosterCommand::PutQualification {
        create: true,
        qualification_id: fields.optional_id("id"),
        name: fields.line("name", NAME_CHARS_MAX),
    };
    let command = fields.finish(command)?;
    roster::put(&call, &content, command, &[]).await
}

async fn upsert_qualification(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let qualification_id = call.path_id("qualification_id", Unknown::Qualification)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    fields.same_id(qualification_id);
    let command = RosterCommand::PutQualification {
        create: false,
        qualification_id: Some(qualification_id),
        name: fields.line("name", NAME_CHARS_MAX),
    };
    let command = fields.finish(command)?;
    roster::put(&call, &content, command, &[]).await
}

async fn patch_qualification(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let qualification_id = call.path_id("qualification_id", Unknown::Qualification)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let command = RosterCommand::PatchQualification {
        qualification_id,
        name: fields.change_to("name", |f, name| f.optional_line(name, NAME_CHARS_MAX)),
    };
    let command = fields.finish(command)?;
    roster::put(&call, &content, command, &[Unknown::Qualification]).await
}

async fn archive_qualification(call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let qualification_id = call.path_id("qualification_id", Unknown::Qualification)?;
    let command = RosterCommand::Archive(Entity::Qualification(qualification_id));
    roster::remove(&call, command, &[Unknown::Qualification]).await
}

async fn show_qualification(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let qualification_id = call.path_id("qualification_id", Unknown::Qualification)?;
    let found = call.app.engine().roster().qualification(qualification_id);
    let found = found.filter(|found| is_shown(&call, found.archived_at));
    let found = found.ok_or_else(|| Problem::unknown(Unknown::Qualification))?;
    Ok(answer::json(200, &wire::qualification(&found)))
}

async fn list_qualifications(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let (page, archived) = list_query(&call)?;
    let scope = format!("qualifications {archived}");
    page::by_id(&call, &scope, &page, |after: Option<QualificationId>, limit| {
        let found = call.app.engine().roster().qualifications_after(after, limit, archived);
        let shown = found.iter().map(|one| (one.qualification_id, wire::qualification(one)));
        shown.collect()
    })
}

async fn enrol(call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let qualification_id = call.path_id("qualification_id", Unknown::Qualification)?;
    let user_id = call.path_id("user_id", Unknown::User)?;
    let command = RosterCommand::Enrol {
        qualification_id,
        user_id,
    };
    let claim = call.claim(&Value::Null)?;
    let in_path = [Unknown::Qualification, Unknown::User];
    let changed = roster::change(&call, claim, command, wire::roster_answer, &in_path).await?;
    Ok(changed.with_body(&json!({"qualification_id": qualification_id, "user_id": user_id})))
}

async fn unenrol(call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let command = RosterCommand::Unenrol {
        qualification_id: call.path_id("qualification_id", Unknown::Qualification)?,
        user_id: call.path_id("user_id", Unknown::User)?,
    };
    roster::remove(&call, command, &[Unknown::Qualification, Unknown::User]).await
}

async fn create_unit(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let unit_id = fields.optional_id("id");
    let command = put_unit(fields, true, unit_id)?;
    roster::put(&call, &content, command, &[]).await
}

async fn upsert_unit(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let unit_id = call.path_id("unit_id", Unknown::Unit)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    fields.same_id(unit_id);
    let command = put_unit(fields, false, Some(unit_id))?;
    roster::put(&call, &content, command, &[]).await
}

fn put_unit(mut fields: Fields<'_>, create: bool, unit_id: Option<UnitId>) -> Result<RosterCommand, Problem> {
    let command = RosterCommand::PutUnit {
        create,
        unit_id,
        title: fields.line("title", NAME_CHARS_MAX),
        qualification_id: fields.optional_id("qualification_id"),
        skills: fields.lines("skills", SKILLS_MAX, SKILL_CHARS_MAX),
    };
    fields.finish(command)
}

async fn patch_unit(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let unit_id = call.path_id("unit_id", Unknown::Unit)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let command = RosterCommand::PatchUnit {
        unit_id,
        title: fields.change_to("title", |f, name| f.optional_line(name, NAME_CHARS_MAX)),
        qualification_id: fields.change("qualification_id", |f, name| f.optional_id(name)),
        skills: fields.change_to("skills", |f, name| Some(f.lines(name, SKILLS_MAX, SKILL_CHARS_MAX))),
    };
    let command = fields.finish(command)?;
    roster::put(&call, &content, command, &[Unknown::Unit]).await
}

async fn archive_unit(call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let unit_id = call.path_id("unit_id", Unknown::Unit)?;
    roster::remove(&call, RosterCommand::Archive(Entity::Unit(unit_id)), &[Unknown::Unit]).await
}

async fn show_unit(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let unit_id = call.path_id("unit_id", Unknown::Unit)?;
    let found = call.app.engine().roster().unit(unit_id);
    let found = found.filter(|found| is_shown(&call, found.archived_at));
    let found = found.ok_or_else(|| Problem::unknown(Unknown::Unit))?;
    Ok(answer::json(200, &wire::unit(&found)))
}

async fn list_units(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let (page, archived) = list_query(&call)?;
    page::by_id(
        &call,
        &format!("units {archived}"),
        &page,
        |after: Option<UnitId>, limit| {
            let found = call.app.engine().roster().units_after(after, limit, archived);
            found.iter().map(|one| (one.unit_id, wire::unit(one))).collect()
        },
    )
}

fn list_query(call: &Call) -> Result<(Page, bool), Problem> {
    let (page, archived) = call.read_query(|fields| (Page::read(fields), roster::archived_too(fields)))?;
    Ok((page, archived && permissions::may_write_roster(&call.caller).is_ok()))
}

/// Archived things are there for those who archive them.
fn is_shown(call: &Call, archived_at: Option<TimeMs>) -> bool {
    archived_at.is_none() || permissions::may_write_roster(&call.caller).is_ok()
}
