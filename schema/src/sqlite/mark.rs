//! The mark beside the database: how far it had come when it was last used, and what the file looked like when it was closed.
//!
//! A database that is behind its mark was replaced by an older one, or lost its log: clients may hold positions that it will
//! give out again, so it gets a new epoch. A file that is not as it was closed was changed by somebody else: it is looked
//! over before it is believed. The mark itself is never needed: without one the database is taken as it is.

use super::backup;
use super::errors::{Stage, sort};
use super::open::DATABASE_FILE;
use crate::backup::MANIFEST_SETTING;
use crate::files;
use crate::limits::OPEN_CHECK_BYTES_MAX;
use crate::queries as q;
use crate::store::StoreError;
use rusqlite::Connection;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Every mark has this length: it is written over the last one.
const BYTES: usize = 128;
const KIND: &str = "homeroom-mark-1";
const NEW_EPOCH: &str = "UPDATE settings SET value = lower(hex(randomblob(8))) WHERE name = 'epoch'";

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Note {
    epoch: String,
    last_event_id: u64,
    /// Length and CRC-32 of the file when it was closed in order; none while it is open.
    seal: Option<(u64, u32)>,
}

/// What was found beside the database.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// Not readable: half of it was written when the power failed, or it is no mark.
    Unreadable,
    Note(Note),
}

/// The mark of an open database.
#[derive(Debug)]
pub(super) struct Mark {
    database: PathBuf,
    /// None when it cannot be written: then the database goes on without one.
    file: Option<File>,
    note: Note,
    failed: bool,
}

/// What the mark of a directory says before the database is opened.
#[derive(Debug)]
pub(super) struct Before {
    database: PathBuf,
    found: Found,
}

impl Before {
    pub(super) fn read(directory: &Path) -> Self {
        let database = directory.join(DATABASE_FILE);
        let found = match File::open(place(&database)) {
            Ok(file) => parse(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
            Err(_) => Found::Unreadable,
        };
        Self { database, found }
    }

    /// Whether the file is another one than was closed.
    pub(super) fn was_changed(&self) -> bool {
        let Found::Note(Note { seal: Some(seal), .. }) = &self.found else {
            return false;
        };
        super::log::bytes_on_disk(&self.database) > 0 || seal_of(&self.database) != Some(*seal)
    }

    /// Compares the mark with the open database, which gets a new epoch if it is not where it was left. `keep_seal`
    /// leaves the seal as it is until something is written: a file that is not believed yet must be doubted again. A new
    /// epoch that `is_expected` is not worth a warning.
    pub(super) fn settle(
        self,
        connection: &Connection,
        keep_seal: bool,
        is_expected: bool,
    ) -> Result<Mark, StoreError> {
        let opened = |error: rusqlite::Error| sort(&error, Stage::Open);
        let (epoch, last_event_id) = position(connection).map_err(opened)?;
        let is_backup = backup::manifest(connection).map_err(opened)?.is_some();
        let mut note = Note {
            epoch,
            last_event_id,
            seal: None,
        };
        if let Some(reason) = reason_for_a_new_epoch(&self.found, &note, is_backup) {
            note.epoch = renew(connection).map_err(opened)?;
            // Of a restore it is what was asked for.
            if !is_expected {
                tracing::warn!(
                    reason,
                    last_event_id,
                    "the history starts a new epoch: every client will read anew"
                );
            }
        }
        let mut mark = Mark {
            file: open(&self.database).ok(),
            database: self.database,
            note,
            failed: false,
        };
        if !keep_seal {
            mark.write(true);
        }
        Ok(mark)
    }
}

impl Mark {
    /// Everything up to this event is durable. Not synced: losing power loses at most the newest marks, never makes one up.
    pub(super) fn advance(&mut self, last_event_id: u64) {
        if last_event_id > self.note.last_event_id {
            self.note.last_event_id = last_event_id;
            self.write(false);
        }
    }

    /// The database holds a history that came from elsewhere, with an epoch of its own.
    pub(super) fn adopt(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        (self.note.epoch, self.note.last_event_id) = position(connection)?;
        self.write(true);
        Ok(())
    }

    /// The database is closed and its log is empty: notes what the file looks like.
    pub(super) fn seal(&mut self) {
        if super::log::bytes_on_disk(&self.database) == 0 {
            self.note.seal = seal_of(&self.database);
            self.write(true);
        }
    }

    fn write(&mut self, sync: bool) {
        let line = render(&self.note);
        let written = match &self.file {
            None => return,
            Some(file) => file
                .write_all_at(&line, 0)
                .and_then(|()| if sync { file.sync_all() } else { Ok(()) }),
        };
        match written {
            Ok(()) => self.failed = false,
            Err(error) if !self.failed => {
                self.failed = true;
                tracing::warn!(%error, "the mark beside the database cannot be written");
            }
            Err(_) => {}
        }
    }
}

fn place(database: &Path) -> PathBuf {
    database.with_added_extension("mark")
}

fn open(database: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(place(database))
}

fn seal_of(database: &Path) -> Option<(u64, u32)> {
    let bytes = std::fs::metadata(database).ok()?.len();
    if bytes > OPEN_CHECK_BYTES_MAX {
        return None;
    }
    files::crc32_of(database).ok().map(|crc| (bytes, crc))
}

fn position(connection: &Connection) -> rusqlite::Result<(String, u64)> {
    let epoch = connection.query_row(q::SETTING, ["epoch"], |row| row.get(0))?;
    let last = super::examine::last_event_id(connection)?;
    Ok((epoch, last.map_or(0, crate::ids::EventId::get)))
}

fn reason_for_a_new_epoch(found: &Found, note: &Note, is_backup: bool) -> Option<&'static str> {
    match found {
        _ if is_backup => Some("a backup was put in the place of the database"),
        Found::Nothing => None,
        Found::Unreadable => Some("the mark beside the database cannot be read"),
        Found::Note(mark) if mark.epoch != note.epoch => Some("the database is not the one that was here last"),
        Found::Note(mark) if mark.last_event_id > note.last_event_id => {
            Some("the database is older than it was: its log was lost, or an older file is in its place")
        }
        Found::Note(_) => None,
    }
}

fn renew(connection: &Connection) -> rusqlite::Result<String> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute(NEW_EPOCH, [])?;
    transaction.execute("DELETE FROM settings WHERE name = ?1", [MANIFEST_SETTING])?;
    let epoch = transaction.query_row(q::SETTING, ["epoch"], |row| row.get(0))?;
    transaction.commit()?;
    Ok(epoch)
}

fn render(note: &Note) -> Vec<u8> {
    let (bytes, crc) = match note.seal {
        Some((bytes, crc)) => (bytes.to_string(), format!("{crc:08x}")),
        None => ("-".to_owned(), "-".to_owned()),
    };
    let said = format!("{KIND} {} {} {bytes} {crc}", note.epoch, note.last_event_id);
    let line = format!("{said} {:08x}", crc32fast::hash(said.as_bytes()));
    let mut line = format!("{line:<width$}", width = BYTES - 1).into_bytes();
    line.push(b'\n');
    line
}

fn parse(file: File) -> Found {
    let mut text = String::new();
    if file.take(BYTES as u64 + 1).read_to_string(&mut text).is_err() {
        return Found::Unreadable;
    }
    read(text.trim_end()).map_or(Found::Unreadable, Found::Note)
}

fn read(text: &str) -> Option<Note> {
    let (said, crc) = text.rsplit_once(' ')?;
    if u32::from_str_radix(crc, 16).ok()? != crc32fast::hash(said.as_bytes()) {
        return None;
    }
    let [kind, epoch, last_event_id, bytes, crc] = said.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let seal = match (bytes, crc) {
        ("-", "-") => None,
        _ => Some((bytes.parse().ok()?, u32::from_str_radix(crc, 16).ok()?)),
    };
    (kind == KIND).then_some(())?;
    Some(Note {
        epoch: epoch.to_owned(),
        last_event_id: last_event_id.parse().ok()?,
        seal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(epoch: &str, last_event_id: u64) -> Note {
        Note {
            epoch: epoch.into(),
            last_event_id,
            seal: None,
        }
    }

    #[test]
    fn a_mark_comes_back_as_it_went_in_and_a_torn_one_does_not() {
        for seal in [None, Some((4_096, 0xdead_beef))] {
            let note = Note {
                seal,
                ..note("0123456789abcdef", 9_007_199_254_740_991)
            };
            let line = render(&note);
            assert_eq!(line.len(), BYTES);
            let text = String::from_utf8(line).unwrap();
            assert_eq!(read(text.trim_end()), Some(note));
            for cut in 0..text.trim_end().len() {
                assert_eq!(read(&text[..cut]), None, "cut at {cut}");
            }
            assert_eq!(read(&text.trim_end().replacen('0', "1", 1)), None);
        }
    }

    #[test]
    fn a_database_behind_its_mark_or_beside_another_gets_a_new_epoch() {
        let here = note("a", 10);
        for (found, is_backup, wanted) in [
            (Found::Nothing, false, false),
            (Found::Nothing, true, true),
            (Found::Unreadable, false, true),
            (Found::Note(note("a", 10)), false, false),
            (Found::Note(note("a", 9)), false, false),
            (Found::Note(note("a", 11)), false, true),
            (Found::Note(note("b", 1)), false, true),
            (Found::Note(note("a", 10)), true, true),
        ] {
            let reason = reason_for_a_new_epoch(&found, &here, is_backup);
            assert_eq!(reason.is_some(), wanted, "{found:?} {is_backup}");
        }
    }
}
