//! What an export shows beyond the other routes, and entries of the audit log.

use super::{optional_time, time, token};
use homeroom_schema::records::{AuditEntry, StoredEvent, TokenRecord, TokenRole};
use serde_json::{Value, json};

/// An event as it is kept, with the free text beside it.
#[must_use]
pub fn event(stored: &StoredEvent) -> Value {
    let body: Value = serde_json::from_str(&stored.body).unwrap_or_default();
    json!({
        "event_id": stored.event_id,
        "version": stored.version,
        "event_type": stored.event_type,
        "occurred_at": time(stored.occurred_at),
        "recorded_at": time(stored.recorded_at),
        "body": body,
        "note": stored.note,
    })
}

/// A token with its end, never its secret nor the hash of it.
#[must_use]
pub fn token_kept(record: &TokenRecord) -> Value {
    let mut shown = token(record);
    shown["revoked_at"] = json!(optional_time(record.revoked_at));
    shown
}

/// An entry of the audit log.
#[must_use]
pub fn audit_entry(entry: &AuditEntry) -> Value {
    let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
    json!({
        "audit_id": entry.audit_id,
        "at": time(entry.at),
        "by": {
            "token_id": entry.by.token_id,
            "role": entry.by.role.map(TokenRole::as_str),
            "user_id": entry.by.user_id,
        },
        "act": entry.act,
        "subject": entry.subject.as_ref().map(|(kind, id)| json!({"kind": kind, "id": id})),
        "detail": detail,
    })
}
