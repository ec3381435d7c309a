//! Whether a file is a whole backup: its checksum, its structure, its version, and whether what it says agrees with itself.

use homeroom_actors::verify::{Findings, verify};
use homeroom_schema::backup::Manifest;
use homeroom_schema::sqlite::DatabaseFile;
use homeroom_schema::{StoreError, files};
use serde_json::{Value, json};
use std::io;
use std::path::Path;

/// Whether the file is the one that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// It is.
    Matches,
    /// It is not.
    Differs,
    /// Nobody can say: there is no checksum beside it.
    Missing,
}

/// What was found in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Whether that is the one beside it.
    pub checksum: Checksum,
    /// The version of its tables.
    pub schema_version: u32,
    /// What it says of itself.
    pub manifest: Manifest,
    /// What is wrong with its structure.
    pub structure: Vec<String>,
    /// What of it does not agree with the rest. Nothing was looked at where the structure is wrong already.
    pub findings: Findings,
}

/// Why a file cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It cannot be read.
    #[error("cannot read {file}: {cause}")]
    Unreadable {
        /// Which.
        file: String,
        /// What the system said.
        cause: io::Error,
    },
    /// It is a database of ours, but no backup.
    #[error("{0} is not a backup: `homeroom backup` makes one")]
    NoBackup(String),
    /// It is no database, damaged beyond reading, or of a newer program.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far a check has come, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Bytes of the checksum.
    Checksum,
    /// Events replayed.
    Replay,
}

impl Check {
    /// Whether it can be restored: everything that could be compared agrees.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems().is_empty()
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.checksum == Checksum::Differs {
            problems.push("the file is not the one that was made: its checksum differs".to_owned());
        }
        problems.extend(self.structure.iter().map(|found| format!("damaged: {found}")));
        problems.extend(self.findings.named.iter().cloned());
        let unnamed = self.findings.contradictions - self.findings.named.len() as u64;
        if unnamed > 0 {
            problems.push(format!("and {unnamed} more contradictions"));
        }
        problems
    }

    /// The same for programs.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "ok": self.is_sound(),
            "bytes": self.bytes,
            "sha256": self.sha256,
            "checksum": match self.checksum {
                Checksum::Matches => "matches",
                Checksum::Differs => "differs",
                Checksum::Missing => "missing",
            },
            "made_at": crate::wire::time(self.manifest.made_at),
            "epoch": self.manifest.epoch,
            "last_event_id": self.manifest.last_event_id,
            "schema_version": self.schema_version,
            "program": self.manifest.program,
            "events": self.findings.events,
            "learners": self.findings.learners,
            "ledger_entries": self.findings.entries,
            "problems": self.problems(),
        })
    }
}

/// Checks a file whole; blocks as long as that takes. `show` is told the step and the share done, 0 to 1.
///
/// # Errors
/// When there is nothing to check. What is wrong with a backup is in the [`Check`].
pub fn check(path: &Path, mut show: impl FnMut(Step, f64)) -> Result<Check, CheckError> {
    let unreadable = |cause| CheckError::Unreadable {
        file: path.display().to_string(),
        cause,
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    let share = |done: u64, all: u64| done as f64 / all.max(1) as f64;
    let sha256 = files::sha256_of(path, |done| show(Step::Checksum, share(done, bytes))).map_err(unreadable)?;
    let checksum = match files::checksum_beside(path) {
        None => Checksum::Missing,
        Some(beside) if beside == sha256 => Checksum::Matches,
        Some(_) => Checksum::Differs,
    };
    let file = DatabaseFile::open(path)?;
    let manifest = file.manifest()?;
    let manifest = manifest.ok_or_else(|| CheckError::NoBackup(path.display().to_string()))?;
    let structure = file.structure()?;
    let mut findings = if structure.is_empty() {
        verify(&file, |done, all| show(Step::Replay, share(done, all)))?
    } else {
        Findings::default()
    };
    if structure.is_empty() && file.last_event_id()? != manifest.last_event_id {
        findings.contradictions += 1;
        findings
            .named
            .push("the last event is not the one that the backup names".into());
    }
    Ok(Check {
        bytes,
        sha256,
        checksum,
        schema_version: file.schema_version()?,
        manifest,
        structure,
        findings,
    })
}
