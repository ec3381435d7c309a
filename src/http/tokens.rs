//! Tokens and tickets: made once, shown once. None of these answers is kept, so none takes an idempotency key.

use super::answer::{self, Answered};
use super::call::Call;
use super::page::{self, Page};
use super::routes::Routes;
use crate::audit;
use crate::auth::{self, NewToken};
use crate::fields::Fields;
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use homeroom_schema::limits::NAME_CHARS_MAX;
use homeroom_schema::records::TokenRole;
use homeroom_schema::{TokenId, UserId};
use serde_json::{Value, json};

/// The longest life of a token that a service makes, and its default: a day.
const SERVICE_LIFE_S: u64 = 24 * 60 * 60;
/// The longest life that can be asked for: a hundred years.
const LIFE_S_MAX: u64 = 100 * 365 * 24 * 60 * 60;
const ROLES: &str = "admin, service, mentor, student, projector";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/tokens", make)
        .get("/tokens", list)
        .delete("/tokens/{token_id}", revoke)
        .get("/me", me)
        .post("/tickets", ticket)
}

/// What is asked of `POST /tokens`.
struct Wanted {
    role: TokenRole,
    user_id: Option<UserId>,
    expires_in_s: Option<u64>,
    label: Option<String>,
}

async fn make(mut call: Call) -> Answered {
    call.refuse_key()?;
    // The role wanted is in the body: who may make none at all is told so before it is read.
    permissions::may_make_token(&call.caller, TokenRole::Projector)?;
    let content = call.content().await?;
    let wanted = read(&content, call.caller.role == TokenRole::Service)?;
    permissions::may_make_token(&call.caller, wanted.role)?;
    if let Some(user_id) = wanted.user_id {
        auth::require_present(&call.app, user_id)?;
    }
    let secret = auth::random_secret(auth::SECRET_PREFIX)?;
    let now = call.app.clock().now();
    let new = NewToken {
        role: wanted.role,
        user_id: wanted.user_id,
        label: wanted.label,
        expires_at: wanted.expires_in_s.map(|seconds| now.plus_ms(seconds as i64 * 1_000)),
    };
    let record = auth::keep_token(&call.app, new, &secret, audit::by(&call.caller)).await?;
    let mut body = wire::token(&record);
    body["token"] = json!(secret);
    Ok(answer::secret(answer::json(201, &body)))
}

fn read(content: &Value, is_service: bool) -> Result<Wanted, Problem> {
    let mut fields = Fields::of(content);
    let role = fields.word("role", ROLES, TokenRole::parse);
    let user_id = fields.optional_id("user_id");
    let longest = if is_service { SERVICE_LIFE_S } else { LIFE_S_MAX };
    let expires_in_s = fields.optional_whole("expires_in_s", 1..=longest);
    let label = fields.optional_line("label", NAME_CHARS_MAX);
    let needs_person = matches!(role, Some(TokenRole::Student | TokenRole::Mentor));
    if needs_person && user_id.is_none() && !fields.is_wrong("user_id") {
        fields.wrong("user_id", "is required for student and mentor tokens");
    }
    fields.finish(Wanted {
        role: role.unwrap_or(TokenRole::Projector),
        user_id,
        expires_in_s: expires_in_s.or(is_service.then_some(SERVICE_LIFE_S)),
        label,
    })
}

async fn list(call: Call) -> Answered {
    permissions::may_manage_tokens(&call.caller)?;
    let page = call.read_query(Page::read)?;
    let now = call.app.clock().now();
    page::by_id(&call, "tokens", &page, |after: Option<TokenId>, limit| {
        let records = call.app.tokens().after(after, limit, now);
        records
            .iter()
            .map(|record| (record.token_id, wire::token(record)))
            .collect()
    })
}

async fn revoke(call: Call) -> Answered {
    permissions::may_manage_tokens(&call.caller)?;
    let token_id = call.path_id::<TokenId>("token_id", Unknown::Token)?;
    call.refuse_key()?;
    auth::end_token(&call.app, token_id, audit::by(&call.caller)).await?;
    Ok(answer::no_content())
}

async fn me(call: Call) -> Answered {
    let (app, caller) = (&call.app, &call.caller);
    let record = app.tokens().get(caller.token_id, app.clock().now());
    let mut body = wire::token(&record.ok_or_else(Problem::unauthenticated)?);
    let roster = app.engine().roster();
    let user = caller.user_id.and_then(|user_id| roster.user(user_id));
    body["user"] = user.as_ref().map(wire::person).unwrap_or_default();
    let own_teams = caller.user_id.map(|user_id| match caller.role {
        TokenRole::Mentor => roster.mentored_by(user_id),
        _ => roster.teams_of(user_id),
    });
    body["teams"] = json!(own_teams.unwrap_or_default());
    if let (TokenRole::Mentor, Some(mentor)) = (caller.role, caller.user_id) {
        let budget = app.engine().budget(mentor).await?;
        body["manual_awards"] = json!({
            "per_award": budget.per_award,
            "per_week": budget.per_week,
            "left": budget.left,
            "renews_at": wire::time(budget.renews_at),
        });
    }
    Ok(answer::secret(answer::json(200, &body)))
}

async fn ticket(call: Call) -> Answered {
    call.refuse_key()?;
    let ticket = call.app.tickets().issue(call.caller.token_id, call.app.clock().now())?;
    let body = json!({"ticket": ticket.secret, "expires_at": wire::time(ticket.expires_at)});
    Ok(answer::secret(answer::json(201, &body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_makes_short_lived_tokens() {
        let day = json!({"role": "student", "user_id": 1, "expires_in_s": 86_400});
        assert!(read(&day, true).is_ok());
        let longer = json!({"role": "student", "user_id": 1, "expires_in_s": 86_401});
        assert!(read(&longer, false).is_ok());
        assert_eq!(
            read(&longer, true).err().map(|p| p.errors[0].field.clone()),
            Some("expires_in_s".into())
        );
        let none = json!({"role": "projector"});
        assert_eq!(read(&none, true).ok().and_then(|w| w.expires_in_s), Some(86_400));
        assert_eq!(read(&none, false).ok().and_then(|w| w.expires_in_s), None);
    }

    #[test]
    fn people_need_a_person_and_no_token_ends_before_it_begins() {
        for (body, wrong) in [
            (json!({"role": "student"}), "user_id"),
            (json!({"role": "mentor", "user_id": null, "label": "x"}), "user_id"),
            (json!({"role": "service"}), ""),
            (json!({"role": "root"}), "role"),
            (json!({}), "role"),
            (json!({"role": "service", "expires_in_s": 0}), "expires_in_s"),
            (json!({"role": "service", "expires_in_s": 1e18}), "expires_in_s"),
            (json!({"role": "service", "label": ""}), "label"),
        ] {
            let problem = read(&body, false).err();
            assert_eq!(
                problem.map(|p| p.errors[0].field.clone()).unwrap_or_default(),
                wrong,
                "{body}"
            );
        }
    }
}
