//! Files of a data set, on disk or shipped, read row by row. Bad rows are told to the caller with file, line and reason.

use super::ReplayError;
use super::plan::Skips;
use csv::{ErrorKind, StringRecord};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

/// Bytes of a header that are looked at for how lines end.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A file of a data set.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name without the directory: what reports show and what orders files.
    pub name: String,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Disk(PathBuf),
    Shipped(&'static str),
}

impl Source {
    /// A file on disk.
    #[must_use]
    pub const fn on_disk(name: String, path: PathBuf) -> Self {
        Self {
            name,
            content: Content::Disk(path),
        }
    }

    /// A file that comes with the program.
    #[must_use]
    pub fn shipped(name: &str, text: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            content: Content::Shipped(text),
        }
    }

    fn open(&self) -> Result<Box<dyn Read>, ReplayError> {
        match &self.content {
            Content::Disk(path) => {
                let file = File::open(path).map_err(|cause| self.unreadable(cause))?;
                Ok(Box::new(BufReader::with_capacity(1 << 18, file)))
            }
            Content::Shipped(text) => Ok(Box::new(text.as_bytes())),
        }
    }

    fn unreadable(&self, cause: std::io::Error) -> ReplayError {
        ReplayError::Unreadable {
            file: self.name.clone(),
            cause,
        }
    }

    fn csv(&self) -> Result<csv::Reader<Box<dyn Read>>, ReplayError> {
        Ok(csv::ReaderBuilder::new().from_reader(self.open()?))
    }

    /// Whether the first line ends with a carriage return and a line feed.
    fn ends_lines_with_pairs(&self) -> Result<bool, ReplayError> {
        let mut line = Vec::new();
        let mut content = BufReader::new(self.open()?.take(LINE_BYTES_MAX));
        content
            .read_until(b'\n', &mut line)
            .map_err(|cause| self.unreadable(cause))?;
        Ok(line.ends_with(b"\r\n"))
    }

    /// The names of the columns; empty for a file that is not even text.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn columns(&self) -> Result<Vec<String>, ReplayError> {
        let mut csv = self.csv()?;
        match csv.headers() {
            Ok(headers) => Ok(headers.iter().map(|name| name.trim().to_owned()).collect()),
            Err(error) => match error.into_kind() {
                ErrorKind::Io(cause) => Err(self.unreadable(cause)),
                _ => Ok(Vec::new()),
            },
        }
    }

    /// Shows every row to `visit`, with the fields of `columns` in that order. What it refuses, and what is no row at all,
    /// goes to `skips`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn each_row<const N: usize>(
        &self,
        columns: [&str; N],
        skips: &mut Skips,
        mut visit: impl FnMut(u32, [&str; N]) -> Result<(), String>,
    ) -> Result<(), ReplayError> {
        let places = places(&self.columns()?, columns);
        // The reader leaves the line feed of a pair for the next row, and so counts that row one line too early.
        let late_lines = u64::from(self.ends_lines_with_pairs()?);
        let mut csv = self.csv()?;
        let mut record = StringRecord::new();
        for row in 0_u32.. {
            let line = csv.position().line();
            match csv.read_record(&mut record) {
                Ok(true) => {
                    let fields = places.map(|place| place.and_then(|place| record.get(place)).unwrap_or_default());
                    let line = record.position().map_or(line, csv::Position::line) + late_lines;
                    if let Err(reason) = visit(row, fields) {
                        skips.push(&self.name, line, reason);
                    }
                }
                Ok(false) => break,
                Err(error) => {
                    let line = error.position().map_or(line, csv::Position::line) + late_lines;
                    match error.into_kind() {
                        ErrorKind::Io(cause) => return Err(self.unreadable(cause)),
                        kind => skips.push(&self.name, line, reason(&kind)),
                    }
                }
            }
        }
        Ok(())
    }
}

fn places<const N: usize>(header: &[String], columns: [&str; N]) -> [Option<usize>; N] {
    columns.map(|column| header.iter().position(|name| name == column))
}

fn reason(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} fields where {expected_len} belong"),
        ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => "not a row of CSV".to_owned(),
    }
}

/// A digest of the contents of these files in this order: the same data has the same digest under any file names.
///
/// # Errors
/// When a file cannot be read.
pub fn digest(sources: &[Source]) -> Result<String, ReplayError> {
    let mut all = Sha256::new();
    let mut chunk = vec![0_u8; 1 << 18];
    for source in sources {
        let mut one = Sha256::new();
        let mut content = source.open()?;
        loop {
            match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => one.update(&chunk[..count]),
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(source.unreadable(cause)),
            }
        }
        all.update(one.finalize());
    }
    Ok(all
        .finalize()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The largest id that JSON numbers carry exactly.
const ID_MAX: u64 = (1 << 53) - 1;

/// An id that may be absent.
///
/// # Errors
/// The reason, for people.
pub fn optional_id(field: &str, column: &str) -> Result<Option<u64>, String> {
    let field = field.trim();
    if field.is_empty() {
        return Ok(None);
    }
    match field.parse::<u64>() {
        Ok(id) if (1..=ID_MAX).contains(&id) => Ok(Some(id)),
        _ => Err(format!("{column} {field:?} is not an id")),
    }
}

/// An id that must be there.
///
/// # Errors
/// The reason, for people.
pub fn id(field: &str, column: &str) -> Result<u64, String> {
    optional_id(field, column)?.ok_or_else(|| format!("{column} is empty"))
}

/// A text that must be there.
///
/// # Errors
/// The reason, for people.
pub fn text<'f>(field: &'f str, column: &str) -> Result<&'f str, String> {
    match field.trim() {
        "" => Err(format!("{column} is empty")),
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_none_are_skipped_with_their_line() {
        check_skips("b,a\n1,x\n2\n3,\"y\nz\"\n4,w\n", "2y\nz3");
        check_skips("b,a\r\n1,x\r\n2\r\n3,\"y\r\nz\"\r\n4,w\r\n", "2y\r\nz3");
    }

    fn check_skips(text: &'static str, third: &str) {
        let source = Source::shipped("a.csv", text);
        let (mut skips, mut seen) = (Skips::default(), Vec::new());
        let read = source.each_row(["a", "b"], &mut skips, |row, [a, b]| {
            seen.push(format!("{row}{a}{b}"));
            if b == "4" { Err("four".into()) } else { Ok(()) }
        });
        assert!(read.is_ok());
        assert_eq!(seen, ["0x1", third, "3w4"]);
        let lines: Vec<_> = skips
            .listed
            .iter()
            .map(|skip| (skip.line, skip.reason.as_str()))
            .collect();
        assert_eq!(lines, [(3, "1 fields where 2 belong"), (6, "four")]);
    }

    #[test]
    fn ids_are_whole_numbers_that_json_can_carry() {
        assert_eq!(optional_id("", "x"), Ok(None));
        assert_eq!(optional_id("9007199254740991", "x"), Ok(Some(ID_MAX)));
        for bad in ["0", "-1", "1.5", "9007199254740992", "abc"] {
            assert!(optional_id(bad, "x").is_err(), "{bad}");
        }
        assert!(id(" ", "x").is_err());
    }

    #[test]
    fn a_digest_depends_on_contents_and_not_on_names() {
        let one = [Source::shipped("a", "1"), Source::shipped("b", "2")];
        let renamed = [Source::shipped("c", "1"), Source::shipped("d", "2")];
        let moved = [Source::shipped("a", "12"), Source::shipped("b", "")];
        let digest = |sources: &[Source]| digest(sources).unwrap_or_default();
        assert_eq!(digest(&one), digest(&renamed));
        assert_ne!(digest(&one), digest(&moved));
    }
}
