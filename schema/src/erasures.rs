//! The list of erased people that lives outside the database, so that an older backup of it cannot bring them back.
//!
//! It is the file `erasures.jsonl` in the data directory: one JSON object a line, `{"user_id":7,"erased_at":1772357400000}`
//! (milliseconds since 1970 in UTC), rising in no order, ids alone. A node appends to it before an erasure is answered,
//! and erases at its start whoever is on it and not yet erased. A restore into another directory takes the list of the old
//! one along, or merges it with the one of the backup: see [`merge`].

use crate::ids::{TimeMs, UserId};
use crate::limits::ERASURE_LINE_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// One erased person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Who.
    pub user_id: UserId,
    /// When, for the first time.
    pub erased_at: TimeMs,
}

/// Where the list of a data directory is.
#[must_use]
pub fn path(directory: &Path) -> PathBuf {
    directory.join("erasures.jsonl")
}

/// Adds to the list and waits until the disk has it.
///
/// # Errors
/// When the file cannot be written; then some of the lines may stand there all the same, which harms nothing.
pub fn append(directory: &Path, erasures: &[Erasure]) -> io::Result<()> {
    if erasures.is_empty() {
        return Ok(());
    }
    let path = path(directory);
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    let mut lines = Vec::new();
    if ends_torn(&file)? {
        // Whatever a crash cut off must not swallow the next line.
        lines.push(b'\n');
    }
    for erasure in erasures {
        serde_json::to_writer(&mut lines, erasure)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    file.sync_all()?;
    if is_new {
        // The name of a new file is durable with its directory.
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn ends_torn(mut file: &File) -> io::Result<bool> {
    use std::io::{Seek, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// All of the list, by person; of two entries of one person the earlier moment counts. Without a file: nobody. Lines that
/// are no entries (torn by a crash, longer than [`ERASURE_LINE_BYTES_MAX`]) are skipped and counted.
///
/// # Errors
/// When the file cannot be read.
pub fn read_all(directory: &Path) -> io::Result<BTreeMap<UserId, TimeMs>> {
    read_file(&path(directory))
}

/// The same of a list that lies anywhere.
///
/// # Errors
/// When the file cannot be read.
pub fn read_file(list: &Path) -> io::Result<BTreeMap<UserId, TimeMs>> {
    let file = match File::open(list) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let (mut erased, mut skipped) = (BTreeMap::new(), 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(ERASURE_LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        match serde_json::from_slice::<Erasure>(&line) {
            Ok(erasure) => add(&mut erased, erasure),
            Err(_) => skipped += 1,
        }
    }
    if skipped > 0 {
        tracing::warn!(skipped, "lines of the list of erased people could not be read");
    }
    Ok(erased)
}

fn add(erased: &mut BTreeMap<UserId, TimeMs>, erasure: Erasure) {
    let at = erased.entry(erasure.user_id).or_insert(erasure.erased_at);
    *at = (*at).min(erasure.erased_at);
}

/// Adds to the list of the directory `into` whoever is on the list `from` (a file) and not yet on it. Returns how many that
/// were. Safe to repeat.
///
/// # Errors
/// When one cannot be read or the other cannot be written.
pub fn merge(from: &Path, into: &Path) -> io::Result<usize> {
    let present = read_all(into)?;
    let missing: Vec<Erasure> = read_file(from)?
        .into_iter()
        .filter(|(user_id, _)| !present.contains_key(user_id))
        .map(|(user_id, erased_at)| Erasure { user_id, erased_at })
        .collect();
    append(into, &missing)?;
    Ok(missing.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(id: u64, at: i64) -> Erasure {
        Erasure {
            user_id: UserId::new(id).unwrap(),
            erased_at: TimeMs(at),
        }
    }

    fn listed(directory: &Path) -> Vec<(u64, i64)> {
        let all = read_all(directory).unwrap();
        all.into_iter().map(|(id, at)| (id.get(), at.0)).collect()
    }

    #[test]
    fn a_directory_without_a_list_has_erased_nobody() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(listed(directory.path()), []);
        append(directory.path(), &[]).unwrap();
        assert!(!path(directory.path()).exists());
    }

    #[test]
    fn a_torn_line_is_skipped_and_does_not_swallow_the_next() {
        let directory = tempfile::tempdir().unwrap();
        append(directory.path(), &[erasure(7, 70), erasure(3, 30)]).unwrap();
        let whole = std::fs::read(path(directory.path())).unwrap();
        for cut in 1..whole.len() {
            std::fs::write(path(directory.path()), &whole[..cut]).unwrap();
            append(directory.path(), &[erasure(9, 90)]).unwrap();
            assert!(listed(directory.path()).contains(&(9, 90)), "cut at {cut}");
        }
        let text = String::from_utf8(std::fs::read(path(directory.path())).unwrap()).unwrap();
        assert!(text.starts_with("{\"user_id\":7,\"erased_at\":70}\n"), "{text}");
    }

    #[test]
    fn a_line_without_end_is_read_in_pieces() {
        let directory = tempfile::tempdir().unwrap();
        let mut text = vec![b'x'; 3 * ERASURE_LINE_BYTES_MAX as usize + 5];
        text.push(b'\n');
        std::fs::write(path(directory.path()), &text).unwrap();
        append(directory.path(), &[erasure(5, 50)]).unwrap();
        assert_eq!(listed(directory.path()), [(5, 50)]);
    }

    #[test]
    fn lists_are_merged_once_and_the_earlier_moment_counts() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        append(old.path(), &[erasure(1, 10), erasure(2, 20), erasure(1, 5)]).unwrap();
        append(new.path(), &[erasure(2, 25)]).unwrap();
        assert_eq!(merge(&path(old.path()), new.path()).unwrap(), 1);
        assert_eq!(merge(&path(old.path()), new.path()).unwrap(), 0);
        assert_eq!(listed(new.path()), [(1, 5), (2, 25)]);
    }
}
