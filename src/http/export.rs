//! Everything that is stored of one person, as one JSON document. It is written page by page, so that a long history needs
//! no more memory than a short one; a document that breaks off is no JSON, so nobody takes a part for the whole.

use super::answer::{self, Answered};
use super::call::Call;
use super::routes::Routes;
use crate::app::App;
use crate::audit;
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::stream;
use homeroom_actors::EngineError;
use homeroom_actors::views::LearnerView;
use homeroom_schema::limits::STREAM_PAGE_MAX;
use homeroom_schema::records::{AuditFilter, AuditSubject, PinRecord, TokenRecord, UserRecord};
use homeroom_schema::{AuditId, UserId, Version};
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/users/{user_id}/export", export)
}

async fn export(call: Call) -> Answered {
    permissions::may_read_roster(&call.caller)?;
    let user_id: UserId = call.path_id("user_id", Unknown::User)?;
    let engine = call.app.engine();
    permissions::may_read_person(&call.caller, user_id, engine.roster())?;
    let view = engine.learner(user_id).await;
    let view = view.map_err(|error| Problem::from(error).with_path(&[Unknown::User]))?;
    let user = engine.roster().user(user_id);
    let user = user.ok_or_else(|| Problem::unknown(Unknown::User))?;
    if call.caller.user_id != Some(user_id) {
        let subject = AuditSubject {
            kind: "user",
            id: user_id.get(),
        };
        let by = audit::by(&call.caller);
        audit::keep(&call.app, by, "user_exported", Some(subject), &json!({})).await?;
    }
    let tokens = engine.tokens_of(user_id).await?;
    let pin = engine.pin(user_id).await?;
    let pages = Pages {
        app: call.app.clone(),
        user_id,
        until: view.version,
        part: Part::Head(head(&call.app, &user, &view, (&tokens, pin.as_ref()))),
    };
    let body = Body::from_stream(stream::try_unfold(pages, Pages::next));
    Ok(answer::secret(answer::with_type(
        StatusCode::OK,
        "application/json",
        body,
    )))
}

/// What is small: all but the histories.
fn head(
    app: &App,
    user: &UserRecord,
    view: &LearnerView,
    (tokens, pin): (&[TokenRecord], Option<&PinRecord>),
) -> Value {
    let roster = app.engine().roster();
    let user_id = user.user_id;
    let memberships = roster.memberships(user_id).into_iter().map(|(team_id, member)| {
        let team = roster.team(team_id).map(|team| team.name);
        json!({"team_id": team_id, "team": team, "role": member.role, "joined_at": wire::time(member.joined_at)})
    });
    let enrolments = roster.enrolments(user_id).into_iter();
    let enrolments = enrolments.map(|(id, at)| json!({"qualification_id": id, "enrolled_at": wire::time(at)}));
    let mentored = roster.mentor_links(user_id).into_iter();
    let mentored = mentored.map(|id| json!({"team_id": id, "team": roster.team(id).map(|team| team.name)}));
    json!({
        "exported_at": wire::time(app.clock().now()),
        "user": wire::person(user),
        "memberships": memberships.collect::<Vec<_>>(),
        "enrolments": enrolments.collect::<Vec<_>>(),
        "preferences": roster.preference(user_id).map(|said| json!({
            "leaderboard": if said.on_boards { "in" } else { "out" },
            "own_change_at": wire::optional_time(said.own_change_at),
        })),
        "mentored_teams": mentored.collect::<Vec<_>>(),
        "pin": pin.map(|pin| json!({"set_at": wire::time(pin.set_at)})),
        "tokens": tokens.iter().map(wire::token_kept).collect::<Vec<_>>(),
        "progress": wire::progress(view),
        "achievements": wire::achievements(view)["achievements"],
    })
}

/// A document under way.
struct Pages {
    app: App,
    user_id: UserId,
    /// The version that progress and achievements show: later events are left to the next export.
    until: Version,
    part: Part,
}

/// What comes next. Each list begins where the part before ends.
enum Part {
    Head(Value),
    /// Oldest first; whether one has been written, and the last version written.
    Events(bool, Version),
    /// Newest first.
    Ledger(bool, Version),
    /// Newest first.
    Audit(bool, Option<AuditId>),
    Done,
}

impl Pages {
    /// The next piece of text. An error breaks the document off.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, EngineError> {
        let (text, part) = match std::mem::replace(&mut self.part, Part::Done) {
            Part::Head(head) => {
                let mut text = head.to_string();
                // The object goes on: its closing brace comes at the end of the document.
                text.pop();
                text.push_str(",\"events\":[");
                (text, Part::Events(false, Version::ZERO))
            }
            Part::Events(begun, after) => self.events(begun, after).await?,
            Part::Ledger(begun, before) => self.ledger(begun, before).await?,
            Part::Audit(begun, before) => self.audit(begun, before).await?,
            Part::Done => return Ok(None),
        };
        self.part = part;
        Ok(Some((Bytes::from(text), self)))
    }

    async fn events(&self, begun: bool, after: Version) -> Result<(String, Part), EngineError> {
        let page = self.app.engine().events_of(self.user_id, after).await?;
        let shown = page.iter().filter(|event| event.version <= self.until);
        let text = items(begun, shown.map(wire::event));
        Ok(match page.last() {
            Some(last) if page.len() == STREAM_PAGE_MAX && last.version < self.until => {
                (text, Part::Events(true, last.version))
            }
            _ => (text + "],\"ledger\":[", Part::Ledger(false, self.until.plus(1))),
        })
    }

    async fn ledger(&self, begun: bool, before: Version) -> Result<(String, Part), EngineError> {
        let engine = self.app.engine();
        let page = engine.ledger(self.user_id, Some(before), STREAM_PAGE_MAX).await?;
        let text = items(begun, page.iter().filter_map(|entry| wire::ledger_entry(entry, false)));
        Ok(match page.last() {
            Some(last) if page.len() == STREAM_PAGE_MAX => (text, Part::Ledger(true, last.version)),
            _ => (text + "],\"audit\":[", Part::Audit(false, None)),
        })
    }

    async fn audit(&self, begun: bool, before: Option<AuditId>) -> Result<(String, Part), EngineError> {
        let filter = AuditFilter {
            before,
            person: Some(self.user_id),
            ..AuditFilter::default()
        };
        let page = self.app.engine().audit(filter, STREAM_PAGE_MAX).await?;
        let text = items(begun, page.iter().map(wire::audit_entry));
        Ok(match page.last() {
            Some(last) if page.len() == STREAM_PAGE_MAX => (text, Part::Audit(true, Some(last.audit_id))),
            _ => (text + "]}", Part::Done),
        })
    }
}

/// Items of a list as text, each with its comma before it.
fn items(begun: bool, items: impl Iterator<Item = Value>) -> String {
    let mut text = String::new();
    for item in items {
        if begun || !text.is_empty() {
            text.push(',');
        }
        text.push_str(&item.to_string());
    }
    text
}
