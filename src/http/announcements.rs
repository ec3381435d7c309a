//! Announcements: made by admins to everybody and by mentors to their teams, read by whom they are for.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use super::page::Page;
use super::routes::Routes;
use crate::audit;
use crate::fields::Fields;
use crate::idempotency::{self, Turn};
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use homeroom_actors::engine::NewAnnouncement;
use homeroom_actors::{EngineError, Lens};
use homeroom_schema::limits::ANNOUNCEMENT_CHARS_MAX;
use homeroom_schema::records::{AnnouncementRecord, AuditSubject, KeyOutcome, KeyRecord, Row, TokenRole};
use homeroom_schema::{AnnouncementId, TeamId};
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/announcements", make)
        .get("/announcements", list)
        .delete("/announcements/{announcement_id}", take_back)
}

async fn make(mut call: Call) -> Answered {
    permissions::may_announce_at_all(&call.caller)?;
    let content = call.content().await?;
    let claim = call.claim(&content)?;
    let mut fields = Fields::of(&content);
    let (audience, text) = (
        fields.optional_id::<TeamId>("team_id"),
        fields.paragraphs("text", ANNOUNCEMENT_CHARS_MAX),
    );
    let (audience, text) = fields.finish((audience, text))?;
    let engine = call.app.engine();
    permissions::may_announce(&call.caller, audience, engine.roster())?;
    let _guard = match idempotency::turn(&call.app, claim.as_ref()).await? {
        Turn::Again(record) => return again(record),
        Turn::First(guard) => guard,
    };
    let author = call.caller.user_id;
    let new = NewAnnouncement { audience, author, text };
    let (by, roster) = (audit::by(&call.caller), engine.roster().clone());
    let with = move |record: &AnnouncementRecord| {
        let key = claim.map(|claim| KeyRecord {
            hash: claim.hash,
            fingerprint: claim.fingerprint,
            created_at: record.at,
            about: author,
            status: 201,
            outcome: KeyOutcome::Body(wire::announcement(&roster, record, Lens::Staff).to_string()),
        });
        let audited = audited(record, by, record.at, "announced");
        (vec![audited], key)
    };
    match engine.announce(new, with).await {
        Ok(record) => Ok(answer::json(
            201,
            &wire::announcement(engine.roster(), &record, Lens::Staff),
        )),
        Err(EngineError::KeyTaken) => match claim {
            Some(claim) => again(idempotency::taken(&call.app, &claim).await?),
            None => Err(Problem::internal()),
        },
        Err(error) => Err(error.into()),
    }
}

fn again(record: KeyRecord) -> Answered {
    match record.outcome {
        KeyOutcome::Body(body) => Ok(answer::replayed(answer::text(record.status, body))),
        KeyOutcome::Event { .. } => Err(Problem::internal()),
    }
}

/// What was announced is in the announcement alone: the log names it, and to whom.
fn audited(
    record: &AnnouncementRecord,
    by: homeroom_schema::records::AuditedBy,
    at: homeroom_schema::TimeMs,
    act: &'static str,
) -> Row {
    let subject = record.team_id.map(|team_id| AuditSubject {
        kind: "team",
        id: team_id.get(),
    });
    let detail = json!({"announcement_id": record.announcement_id});
    audit::row(at, by, act, subject, &detail)
}

/// Newest first: to everybody, and to the teams that the caller has to do with.
async fn list(call: Call) -> Answered {
    let (page, team_id) = call.read_query(|fields| (Page::read(fields), fields.optional_id::<TeamId>("team_id")))?;
    let engine = call.app.engine();
    let roster = engine.roster();
    let lens_of = |audience| permissions::announcements_lens(&call.caller, audience, roster);
    if let Some(team_id) = team_id {
        lens_of(Some(team_id))?;
        if roster.team(team_id).is_none() {
            return Err(Problem::unknown(Unknown::Team));
        }
    }
    let scope = format!("announcements {team_id:?} {}", call.viewer());
    let secret = call.app.secret();
    let before = page.cursor.as_deref();
    let before = before.map(|text| cursor::decode::<AnnouncementId>(secret, &scope, text));
    let is_screen = call.caller.role == TokenRole::Projector;
    let is_wanted = |record: &AnnouncementRecord| match (team_id, record.team_id) {
        (Some(wanted), of) => of == Some(wanted),
        (None, None) => true,
        // A screen hangs in one room: it asks for the team whose room that is.
        (None, Some(_)) if is_screen => false,
        (None, audience) => lens_of(audience).is_ok(),
    };
    let found = engine.announcements(before.transpose()?, page.limit + 1, is_wanted);
    let shown = &found[..page.limit.min(found.len())];
    let last = shown.last().filter(|_| found.len() > page.limit);
    let next = last.and_then(|last| cursor::encode(secret, &scope, &last.announcement_id));
    let item = |record: &AnnouncementRecord| {
        let lens = lens_of(record.team_id).unwrap_or(Lens::Peer);
        wire::announcement(roster, record, lens)
    };
    let items: Vec<Value> = shown.iter().map(|record| item(record)).collect();
    Ok(answer::json(200, &json!({"items": items, "next_cursor": next})))
}

async fn take_back(call: Call) -> Answered {
    permissions::may_announce_at_all(&call.caller)?;
    let announcement_id = call.path_id::<AnnouncementId>("announcement_id", Unknown::Announcement)?;
    call.refuse_key()?;
    let engine = call.app.engine();
    let record = engine.announcement(announcement_id);
    let record = record.ok_or_else(|| Problem::unknown(Unknown::Announcement))?;
    permissions::may_take_back(&call.caller, record.user_id)?;
    let now = call.app.clock().now();
    let audited = audited(&record, audit::by(&call.caller), now, "announcement_removed");
    engine.unannounce(announcement_id, vec![audited]).await?;
    Ok(answer::no_content())
}
