//! The class: what everybody may know of it, the set-up, its door.

use super::answer::{self, Answered};
use super::call::Call;
use super::routes::Routes;
use super::visit::Visit;
use crate::app::App;
use crate::audit;
use crate::auth;
use crate::classroom::{self, Class};
use crate::config::Leaderboards;
use crate::fields::Fields;
use crate::join;
use crate::permissions;
use crate::problem::Problem;
use crate::rules::Preset;
use crate::setup::{self, SetUp};
use homeroom_schema::limits::{NAME_CHARS_MAX, PAGE_MAX, SET_UP_TEAMS_MAX, SET_UP_UNITS_MAX, TEAM_NAME_CHARS_MAX};
use homeroom_schema::records::TokenRole;
use serde_json::{Value, json};

const WHO: &str = "opt_out, opt_in, off";
const PRESETS: &str = "standard, calm, teamwork";
const DOORS: &str = "open, locked";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/classroom", show)
        .patch("/classroom", change)
        .post("/classroom/setup", set_up)
        .post("/classroom/knock", knock)
}

/// The code is for those who let others in.
async fn show(visit: Visit) -> Answered {
    let app = &visit.app;
    let caller = auth::authenticate(app, &visit.headers).ok();
    let is_host = caller.is_some_and(|caller| matches!(caller.role, TokenRole::Admin | TokenRole::Mentor));
    let class = app.classroom().get();
    let body = if is_host {
        whole(app, &class)
    } else {
        outside(app, &class)
    };
    Ok(answer::secret(answer::json(200, &body)))
}

/// What everybody may know.
fn outside(app: &App, class: &Class) -> Value {
    json!({
        "is_set_up": class.is_set_up(),
        "name": class.name,
        "door": if class.is_locked { "locked" } else { "open" },
        "leaderboards": Leaderboards::from(app.engine().roster().leaderboards()),
    })
}

fn whole(app: &App, class: &Class) -> Value {
    let mut body = outside(app, class);
    body["code"] = json!(class.is_set_up().then_some(&class.code));
    body["urls"] = json!(app.config().reached_at);
    body
}

async fn change(mut call: Call) -> Answered {
    permissions::may_host(&call.caller)?;
    call.refuse_key()?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let name = fields.change_to("name", |f, name| f.optional_line(name, NAME_CHARS_MAX));
    let door = fields.optional_word("door", DOORS, |word| match word {
        "open" => Some(false),
        "locked" => Some(true),
        _ => None,
    });
    let who = fields.optional_word("leaderboards", WHO, Leaderboards::parse);
    let has_new_code = fields.optional_truth("new_code").unwrap_or_default();
    fields.finish(())?;
    let by = audit::by(&call.caller);
    let changed = classroom::change(&call.app, by, "classroom_changed", |class| {
        if !class.is_set_up() {
            let detail = "The class has to be set up first.";
            return Err(Problem::new(409, "not_set_up", "No class yet", detail));
        }
        if let Some(name) = name {
            class.name = Some(name);
        }
        if let Some(is_locked) = door {
            class.is_locked = is_locked;
        }
        if let Some(who) = who {
            class.leaderboards = who;
        }
        if has_new_code {
            class.code = classroom::new_code()?;
        }
        Ok(())
    });
    Ok(answer::secret(answer::json(200, &whole(&call.app, &changed.await?))))
}

async fn set_up(mut call: Call) -> Answered {
    permissions::may_host(&call.caller)?;
    call.refuse_key()?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let wish = SetUp {
        name: fields.line("name", NAME_CHARS_MAX),
        teams: fields.lines("teams", SET_UP_TEAMS_MAX, TEAM_NAME_CHARS_MAX),
        course: fields.optional_line("course", NAME_CHARS_MAX),
        units: fields.lines("units", SET_UP_UNITS_MAX, NAME_CHARS_MAX),
        rules: fields
            .optional_word("rules", PRESETS, Preset::parse)
            .unwrap_or_default(),
        leaderboards: fields
            .optional_word("leaderboards", WHO, Leaderboards::parse)
            .unwrap_or_default(),
    };
    let wish = fields.finish(wish)?;
    let class = setup::set_up(&call.app, audit::by(&call.caller), wish).await?;
    Ok(answer::secret(answer::json(201, &whole(&call.app, &class))))
}

/// With the right code one may see which class it is, and its teams.
async fn knock(mut visit: Visit) -> Answered {
    let content = visit.content().await?;
    let mut fields = Fields::of(&content);
    let code = fields.text("code").unwrap_or_default();
    let code = fields.finish(code)?;
    let app = &visit.app;
    join::knock(app, code, visit.way.client)?;
    let teams = app.engine().roster().teams_after(None, PAGE_MAX, false);
    let teams: Vec<Value> = teams
        .iter()
        .map(|team| json!({"team_id": team.team_id, "name": team.name}))
        .collect();
    let class = app.classroom().get();
    let mut body = outside(app, &class);
    body["teams"] = json!(teams);
    Ok(answer::secret(answer::json(200, &body)))
}
