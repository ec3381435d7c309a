//! A backup as JSON.

use super::time;
use crate::backups::Backup;
use serde_json::{Value, json};

/// A backup as listed. What cannot be read of it is null.
#[must_use]
pub fn backup(backup: &Backup) -> Value {
    let manifest = backup.manifest.as_ref();
    json!({
        "name": backup.name,
        "bytes": backup.bytes,
        "sha256": backup.sha256,
        "made_at": time(manifest.map_or_else(|| backup.name.made_at(), |manifest| manifest.made_at)),
        "epoch": manifest.map(|manifest| manifest.epoch.as_str()),
        "last_event_id": manifest.and_then(|manifest| manifest.last_event_id),
        "schema_version": manifest.map(|manifest| manifest.schema_version),
        "program": manifest.map(|manifest| manifest.program.as_str()),
    })
}
