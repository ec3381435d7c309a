//! Making and ending tokens: kept with an entry of the audit log, then in force.

use super::NewToken;
use crate::app::App;
use crate::audit;
use crate::problem::{Problem, Unknown};
use homeroom_schema::records::{AuditSubject, AuditedBy, Row, TokenRecord, TokenRole};
use homeroom_schema::{TimeMs, TokenId, UserId};
use serde_json::json;

/// Keeps a new token; it is in force only once that is durable.
///
/// # Errors
/// 503 `too_many_tokens`, or when it cannot be kept.
pub async fn keep_token(app: &App, new: NewToken, secret: &str, by: AuditedBy) -> Result<TokenRecord, Problem> {
    let tokens = app.tokens();
    let now = app.clock().now();
    let _changing = tokens.changing.lock().await;
    if !tokens.has_room(now) {
        let detail = "The node has as many tokens as it takes; end some.";
        return Err(Problem::new(503, "too_many_tokens", "Too many tokens", detail).retry_after(60));
    }
    let record = tokens.record(new, secret, now);
    let audited = audited(now, by, "token_made", &record);
    app.engine()
        .keep_rows(vec![Row::Token(record.clone()), audited], None)
        .await?;
    tokens.insert(record.clone());
    Ok(record)
}

/// Ends a token, and with it the sessions on it.
///
/// # Errors
/// 404 `unknown_token`; 409 `last_admin_token`; 503.
pub async fn end_token(app: &App, token_id: TokenId, by: AuditedBy) -> Result<(), Problem> {
    let now = app.clock().now();
    let _changing = app.tokens().changing.lock().await;
    let record = app.tokens().get(token_id, now);
    let mut record = record.ok_or_else(|| Problem::unknown(Unknown::Token))?;
    if record.role == TokenRole::Admin && !app.tokens().has_admin_outside(&[token_id]) {
        let detail = "This is the last admin token; make another one first.";
        return Err(Problem::new(409, "last_admin_token", "The last admin token", detail));
    }
    record.revoked_at = Some(now);
    let audited = audited(now, by, "token_revoked", &record);
    app.engine().keep_rows(vec![Row::Token(record), audited], None).await?;
    app.tokens().remove(token_id);
    app.engine().sessions().end_token(token_id);
    Ok(())
}

/// Whether a person can be given a token.
///
/// # Errors
/// 410 `erased`; 404 `unknown_user` when there is no such person, or no more. For a body it is 422.
pub fn require_present(app: &App, user_id: UserId) -> Result<(), Problem> {
    let user = app.engine().roster().user(user_id);
    if user.as_ref().is_some_and(|user| user.erased_at.is_some()) {
        return Err(Problem::erased());
    }
    if user.is_none_or(|user| user.archived_at.is_some()) {
        return Err(Problem::unknown(Unknown::User).with_path(&[]));
    }
    Ok(())
}

/// A token of a person is about that person.
fn audited(now: TimeMs, by: AuditedBy, act: &'static str, record: &TokenRecord) -> Row {
    let subject = match record.user_id {
        Some(user_id) => AuditSubject {
            kind: "user",
            id: user_id.get(),
        },
        None => AuditSubject {
            kind: "token",
            id: record.token_id.get(),
        },
    };
    let detail = json!({"token_id": record.token_id, "role": record.role});
    audit::row(now, by, act, Some(subject), &detail)
}
