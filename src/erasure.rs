//! Erased people and the list of them outside the database: whoever is on it stays erased, whichever database is found.

use homeroom_actors::roster::RosterCommand;
use homeroom_actors::{Engine, EngineError};
use homeroom_schema::erasures::{self, Erasure};
use homeroom_schema::records::AuditedBy;
use homeroom_schema::{TimeMs, UserId};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// At the start, before anybody is served: erases again whoever is on the list but not erased (the database is an older
/// one), and puts on the list whoever is erased but not on it. Returns how many were erased again.
///
/// # Errors
/// When the list cannot be read or written, or an erasure cannot be kept.
pub async fn settle(engine: &Engine, directory: &Path) -> io::Result<usize> {
    let listed = read(directory).await?;
    let mut again = 0;
    for (user_id, erased_at) in &listed {
        let command = RosterCommand::EraseUser {
            user_id: *user_id,
            erased_at: Some(*erased_at),
        };
        match engine.change_roster(command, None, AuditedBy::default()).await {
            Ok(_) => again += 1,
            Err(EngineError::Erased(_)) => {}
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    let missing = engine.roster().erased().into_iter();
    let missing = missing.filter(|(user_id, _)| !listed.contains_key(user_id));
    append(directory, missing.map(erasure).collect()).await?;
    Ok(again)
}

/// Puts an erased person on the list, unless they are on it, and waits until the disk has it.
///
/// # Errors
/// When the list cannot be read or written.
pub async fn list(engine: &Engine, directory: &Path, user_id: UserId) -> io::Result<()> {
    if read(directory).await?.contains_key(&user_id) {
        return Ok(());
    }
    let erased_at = engine.roster().user(user_id).and_then(|user| user.erased_at);
    let missing = erased_at.map(|at| erasure((user_id, at)));
    append(directory, missing.into_iter().collect()).await
}

fn erasure((user_id, erased_at): (UserId, TimeMs)) -> Erasure {
    Erasure { user_id, erased_at }
}

async fn read(directory: &Path) -> io::Result<BTreeMap<UserId, TimeMs>> {
    apart(directory, |directory| erasures::read_all(&directory)).await
}

async fn append(directory: &Path, missing: Vec<Erasure>) -> io::Result<()> {
    apart(directory, move |directory| erasures::append(&directory, &missing)).await
}

async fn apart<T: Send + 'static>(
    directory: &Path,
    work: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let directory = directory.to_owned();
    tokio::task::spawn_blocking(move || work(directory)).await?
}
