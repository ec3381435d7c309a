//! Backups over HTTP: made, listed, fetched, checked, removed. For admins alone.

use super::answer::{self, Answered};
use super::call::{Call, apart};
use super::cursor;
use super::page::Page;
use super::routes::Routes;
use crate::audit;
use crate::backups::{BackupError, CheckError, Name};
use crate::idempotency::{self, Turn};
use crate::permissions;
use crate::problem::{Problem, Unknown};
use crate::wire;
use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use bytes::BytesMut;
use futures_util::stream;
use homeroom_actors::EngineError;
use homeroom_actors::engine::KeyClaim;
use homeroom_schema::records::{KeyOutcome, KeyRecord};
use serde_json::{Value, json};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Bytes that are read from a backup at once.
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post("/backups", make)
        .get("/backups", list)
        .get("/backups/{name}", fetch)
        .delete("/backups/{name}", remove)
        .post("/backups/{name}/verify", verify)
}

async fn make(call: Call) -> Answered {
    permissions::may_manage_backups(&call.caller)?;
    let claim = call.claim(&Value::Null)?;
    let _guard = match idempotency::turn(&call.app, claim.as_ref()).await? {
        Turn::Again(record) => return again(record),
        Turn::First(guard) => guard,
    };
    let app = call.app.clone();
    // Whoever hangs up meanwhile finds the backup in the list.
    let made = tokio::spawn(async move { app.backups().make(app.engine(), app.clock().now()).await });
    let made = made.await.map_err(|cause| {
        tracing::error!(%cause, "making a backup failed");
        Problem::internal()
    })?;
    let backup = made?;
    let body = wire::backup(&backup).to_string();
    keep(&call, claim, "backup_made", &backup.name, (201, &body)).await?;
    let mut response = answer::text(201, body);
    if let Ok(place) = HeaderValue::from_str(&format!("/backups/{}", backup.name)) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Keeps who did it, and the answer under its key. What was done is done whatever becomes of it.
async fn keep(
    call: &Call,
    claim: Option<KeyClaim>,
    act: &'static str,
    name: &Name,
    (status, body): (u16, &str),
) -> Result<(), Problem> {
    let now = call.app.clock().now();
    let record = claim.map(|claim| KeyRecord {
        hash: claim.hash,
        fingerprint: claim.fingerprint,
        created_at: now,
        status,
        outcome: KeyOutcome::Body(body.to_owned()),
        about: None,
    });
    let audited = audit::row(now, audit::by(&call.caller), act, None, &json!({ "name": name }));
    match call.app.engine().keep_rows(vec![audited], record).await {
        Ok(()) | Err(EngineError::KeyTaken) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn again(record: KeyRecord) -> Answered {
    match record.outcome {
        KeyOutcome::Body(body) => Ok(answer::replayed(answer::text(record.status, body))),
        KeyOutcome::Event { .. } => Err(Problem::internal()),
    }
}

async fn list(call: Call) -> Answered {
    permissions::may_manage_backups(&call.caller)?;
    let page = call.read_query(Page::read)?;
    let secret = call.app.secret();
    let scope = format!("backups {}", call.viewer());
    let before = page.cursor.as_deref();
    let before = before
        .map(|text| cursor::decode::<Name>(secret, &scope, text))
        .transpose()?;
    let (app, limit) = (call.app.clone(), page.limit);
    let (items, last) = apart(move || -> Result<_, BackupError> {
        let names = app.backups().names()?.into_iter();
        let mut names = names.filter(|name| before.as_ref().is_none_or(|before| name < before));
        let mut items = Vec::new();
        let mut last = None;
        for name in names.by_ref().take(limit) {
            match app.backups().read(&name) {
                Ok(backup) => items.push(wire::backup(&backup)),
                // It was removed meanwhile.
                Err(BackupError::Unknown) => {}
                Err(error) => return Err(error),
            }
            last = Some(name);
        }
        Ok((items, names.next().and(last)))
    })
    .await??;
    let next = last.and_then(|name| cursor::encode(secret, &scope, &name));
    Ok(answer::json(200, &json!({"items": items, "next_cursor": next})))
}

async fn fetch(call: Call) -> Answered {
    permissions::may_manage_backups(&call.caller)?;
    let name = named(&call)?;
    let path = call.app.backups().path(&name)?;
    let opened = async {
        let file = File::open(&path).await?;
        let bytes = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, bytes))
    };
    // Everybody's data leaves the node with it.
    let by = audit::by(&call.caller);
    audit::keep(&call.app, by, "backup_fetched", None, &json!({ "name": name })).await?;
    let (file, bytes) = opened.await.map_err(BackupError::from)?;
    let mut response = answer::with_type(StatusCode::OK, "application/vnd.sqlite3", streamed(file));
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(answer::secret(response))
}

async fn remove(call: Call) -> Answered {
    permissions::may_manage_backups(&call.caller)?;
    let name = named(&call)?;
    let claim = call.claim(&Value::Null)?;
    let _guard = match idempotency::turn(&call.app, claim.as_ref()).await? {
        Turn::Again(record) => return again(record),
        Turn::First(guard) => guard,
    };
    call.app.backups().remove(&name)?;
    keep(&call, claim, "backup_removed", &name, (204, "")).await?;
    Ok(answer::no_content())
}

async fn verify(call: Call) -> Answered {
    permissions::may_manage_backups(&call.caller)?;
    let name = named(&call)?;
    let app = call.app.clone();
    let asked = name.clone();
    let checked = apart(move || app.backups().check(&asked)).await??;
    let mut body = match checked {
        Ok(check) => check.to_value(),
        Err(CheckError::Store(error)) => json!({"ok": false, "problems": [error.to_string()]}),
        Err(CheckError::NoBackup(_)) => json!({"ok": false, "problems": ["the file is no backup"]}),
        Err(CheckError::Unreadable { cause, .. }) => return Err(BackupError::from(cause).into()),
    };
    body["name"] = json!(name);
    Ok(answer::json(200, &body))
}

fn named(call: &Call) -> Result<Name, Problem> {
    Name::parse(call.path_text("name")).ok_or_else(|| Problem::unknown(Unknown::Backup))
}

/// A file piece by piece, at the pace of its reader.
fn streamed(file: File) -> Body {
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = BytesMut::with_capacity(CHUNK_BYTES);
        let read = file.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (piece.freeze(), file)))
    });
    Body::from_stream(pieces)
}
