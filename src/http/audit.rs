//! The audit log: who did what, newest first.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use super::page::Page;
use super::routes::Routes;
use crate::permissions;
use crate::wire;
use homeroom_schema::records::AuditFilter;
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/audit", list)
}

async fn list(call: Call) -> Answered {
    permissions::may_read_audit(&call.caller)?;
    let (page, act, since) = call.read_query(|fields| {
        let act = fields.optional_text("act").map(str::to_owned);
        (Page::read(fields), act, fields.optional_time("since"))
    })?;
    let (secret, scope) = (call.app.secret(), format!("audit {act:?} {since:?} {}", call.viewer()));
    let before = match &page.cursor {
        Some(text) => Some(cursor::decode(secret, &scope, text)?),
        None => None,
    };
    let filter = AuditFilter {
        before,
        act,
        since,
        person: None,
    };
    let entries = call.app.engine().audit(filter, page.limit + 1).await?;
    let more = entries.len() > page.limit;
    let shown = &entries[..page.limit.min(entries.len())];
    let last = shown.last().filter(|_| more);
    let items: Vec<Value> = shown.iter().map(wire::audit_entry).collect();
    let next = last.and_then(|last| cursor::encode(secret, &scope, &last.audit_id));
    Ok(answer::json(200, &json!({"items": items, "next_cursor": next})))
}
