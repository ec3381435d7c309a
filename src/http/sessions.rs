//! Sessions of browsers: coming in by a link, by a token, with the class code, or again with a PIN; and going.

use super::answer::{self, Answered};
use super::call::Call;
use super::routes::Routes;
use super::visit::Visit;
use crate::app::App;
use crate::audit;
use crate::auth::{self, NewToken, Principal, browser};
use crate::fields::Fields;
use crate::join::{self, Joining};
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use homeroom_schema::limits::{NAME_CHARS_MAX, SESSION_LIFE, SIGN_IN_LIFE};
use homeroom_schema::records::{AuditedBy, TokenRole};
use homeroom_schema::{TeamId, UserId};
use serde_json::{Value, json};
use std::net::IpAddr;

const ROLES: &str = "admin, mentor, student, projector";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/sessions", come_in)
        .get("/sessions", list)
        .delete("/sessions/{role}", go)
        .post("/sign-ins", invite)
}

/// The ways in.
enum Way {
    Key(String),
    Token(String),
    Class(Joining),
}

async fn come_in(mut visit: Visit) -> Answered {
    let content = visit.content().await?;
    let app = visit.app.clone();
    let now = app.clock().now();
    let (who, pin) = match read(&content, visit.way.client)? {
        Way::Key(key) => {
            let sign_in = app.sign_ins().redeem(&key, now).ok_or_else(wrong_key)?;
            ((sign_in.role, sign_in.user_id), None)
        }
        Way::Token(token) => {
            let caller = auth::authenticate_token(&app, &token)?;
            if caller.role == TokenRole::Service {
                return Err(Problem::invalid("token", "is a service's: no page is for those"));
            }
            ((caller.role, caller.user_id), None)
        }
        Way::Class(joining) => {
            let joined = join::come_in(&app, joining).await?;
            ((TokenRole::Student, Some(joined.user_id)), joined.new_pin)
        }
    };
    open(&visit, who, pin).await
}

fn read(content: &Value, from: Option<IpAddr>) -> Result<Way, Problem> {
    let mut fields = Fields::of(content);
    if let Some(key) = fields.optional_text("key") {
        let key = key.to_owned();
        return fields.finish(Way::Key(key));
    }
    if let Some(token) = fields.optional_text("token") {
        let token = token.to_owned();
        return fields.finish(Way::Token(token));
    }
    let joining = Joining {
        from,
        code: fields.text("code").unwrap_or_default().to_owned(),
        name: fields.line("name", NAME_CHARS_MAX),
        alias: fields.optional_line("alias", NAME_CHARS_MAX),
        team_id: fields.optional_id::<TeamId>("team_id"),
        pin: fields.optional_text("pin").map(str::to_owned),
        new_pin: fields.optional_text("new_pin").map(str::to_owned),
    };
    if joining.new_pin.as_deref().is_some_and(|pin| !crate::pins::is_pin(pin)) {
        fields.wrong("new_pin", "must be 4 to 12 digits");
    }
    fields.finish(Way::Class(joining))
}

/// Makes a token of the session's own and gives it to the browser: in a cookie, never in the body.
async fn open(visit: &Visit, (role, user_id): (TokenRole, Option<UserId>), pin: Option<String>) -> Answered {
    let app = &visit.app;
    let secret = auth::random_secret(auth::SECRET_PREFIX)?;
    let new = NewToken {
        role,
        user_id,
        label: Some("browser".into()),
        expires_at: Some(app.clock().now().plus_ms(SESSION_LIFE.as_millis() as i64)),
    };
    let by = AuditedBy {
        token_id: None,
        role: Some(role),
        user_id,
    };
    let record = auth::keep_token(app, new, &secret, by).await?;
    let caller = auth::authenticate_token(app, &secret)?;
    let mut body = session(app, &caller);
    let status = if pin.is_some() { 201 } else { 200 };
    if let Some(pin) = pin {
        body["pin"] = json!(pin);
    }
    let cookie = browser::holding(record.role, &secret, SESSION_LIFE.as_secs().cast_signed(), &visit.way);
    let mut response = answer::secret(answer::json(status, &body));
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// What a page may know of its session.
fn session(app: &App, caller: &Principal) -> Value {
    let roster = app.engine().roster();
    let user = caller.user_id.and_then(|user_id| roster.user(user_id));
    let teams = caller.user_id.map(|user_id| match caller.role {
        TokenRole::Mentor => roster.mentored_by(user_id),
        _ => roster.teams_of(user_id),
    });
    json!({
        "role": caller.role,
        "user": user.map(|user| json!({"user_id": user.user_id, "name": user.name, "alias": user.alias})),
        "teams": teams.unwrap_or_default(),
        "expires_at": wire::optional_time(caller.expires_at),
    })
}

async fn list(visit: Visit) -> Answered {
    let sessions: Vec<Value> = sessions_of(&visit).map(|caller| session(&visit.app, &caller)).collect();
    Ok(answer::secret(answer::json(200, &json!({"sessions": sessions}))))
}

fn sessions_of(visit: &Visit) -> impl Iterator<Item = Principal> + '_ {
    let secrets = browser::ROLES
        .into_iter()
        .filter_map(|role| browser::secret_of(&visit.headers, role));
    secrets.filter_map(|secret| auth::authenticate_token(&visit.app, &secret).ok())
}

/// Ends the session of this browser in one role. Safe to repeat: what is not there is gone.
async fn go(visit: Visit) -> Answered {
    let role = browser::role(visit.path_text("role")).ok_or_else(|| Problem::unknown(Unknown::Token))?;
    // The header that other sites cannot send: signing somebody out is nothing for them either.
    browser::role_named(&visit.headers).ok_or_else(Problem::unauthenticated)?;
    let held = browser::secret_of(&visit.headers, role);
    if let Some(caller) = held.and_then(|secret| auth::authenticate_token(&visit.app, &secret).ok()) {
        auth::end_token(&visit.app, caller.token_id, audit::by(&caller)).await?;
    }
    let mut response: Response = answer::no_content();
    response
        .headers_mut()
        .append(SET_COOKIE, browser::forgetting(role, &visit.way));
    Ok(response)
}

/// A link that signs somebody in, once.
async fn invite(mut call: Call) -> Answered {
    call.refuse_key()?;
    permissions::may_manage_tokens(&call.caller)?;
    let content = call.content().await?;
    let mut fields = Fields::of(&content);
    let role = fields.word("role", ROLES, browser::role);
    let user_id = fields.optional_id::<UserId>("user_id");
    if matches!(role, Some(TokenRole::Student | TokenRole::Mentor)) && user_id.is_none() && !fields.is_wrong("user_id")
    {
        fields.wrong("user_id", "is required for students and mentors");
    }
    let role = fields.finish(role)?.unwrap_or(TokenRole::Projector);
    if let Some(user_id) = user_id {
        auth::require_present(&call.app, user_id)?;
    }
    let app = &call.app;
    let (key, sign_in) = app.sign_ins().issue(role, user_id, SIGN_IN_LIFE, app.clock().now())?;
    let detail = json!({"role": role, "user_id": user_id});
    audit::keep(app, audit::by(&call.caller), "sign_in_made", None, &detail).await?;
    let body = json!({
        "path": format!("/{}#key={key}", role.as_str()),
        "key": key,
        "role": role,
        "expires_at": wire::time(sign_in.expires_at),
    });
    Ok(answer::secret(answer::json(201, &body)))
}

fn wrong_key() -> Problem {
    let detail = "The key of this link is unknown, used or ended. Ask for another link.";
    Problem::new(401, "wrong_key", "Not a key", detail)
}
