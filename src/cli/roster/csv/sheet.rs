//! The rows of a CSV file, each with its line, under columns whose meaning is known.

use super::Kind;
use super::columns::{Column, meaning};
use super::text::Text;
use csv::{ReaderBuilder, StringRecord, Trim};
use homeroom_schema::limits::IMPORT_ROWS_MAX;

/// The rows, and what should be said about the columns.
#[derive(Debug)]
pub(super) struct Sheet {
    columns: Vec<(Column, String)>,
    pub(super) rows: Vec<SheetRow>,
    pub(super) notes: Vec<String>,
}

/// One row with something in it.
#[derive(Debug)]
pub(super) struct SheetRow {
    /// As editors and spreadsheets count: the header is line 1.
    pub(super) line: u64,
    cells: Vec<String>,
}

/// Something wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowError {
    pub(super) line: u64,
    /// The header of the column, if it is about one.
    pub(super) column: Option<String>,
    /// What is wrong, and what to do.
    pub(super) problem: String,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.problem),
            None => write!(f, "line {}: {}", self.line, self.problem),
        }
    }
}

impl Sheet {
    /// Reads the rows.
    ///
    /// # Errors
    /// What is wrong with the header, or with the shape of rows.
    pub(super) fn read(kind: Kind, text: &Text) -> Result<Self, Vec<RowError>> {
        let mut reader = ReaderBuilder::new()
            .delimiter(text.separator)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(text.text.as_bytes());
        let mut lines = Lines::new(text);
        let broken = |error: &csv::Error| {
            let line = error.position().map_or(1, csv::Position::line) + text.lines_before;
            vec![error_at(line, None, format!("cannot be read as CSV: {error}"))]
        };
        let headers = reader.headers().map_err(|error| broken(&error))?.clone();
        let mut sheet = Self::under(kind, &headers)?;
        let mut errors = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error))?;
            if record.iter().all(str::is_empty) {
                continue;
            }
            let line = lines.line_at(record.position().map_or(0, csv::Position::byte));
            let beyond = record.iter().skip(sheet.columns.len()).any(|cell| !cell.is_empty());
            if beyond {
                let (cells, columns) = (record.len(), sheet.columns.len());
                let problem =
                    format!("has {cells} cells under {columns} columns; put texts with a separator in them in quotes");
                errors.push(error_at(line, None, problem));
            }
            // One more than may be sent is enough to say so.
            if sheet.rows.len() > IMPORT_ROWS_MAX {
                break;
            }
            let cells = record
                .iter()
                .map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "));
            let cells = cells.collect();
            sheet.rows.push(SheetRow { line, cells });
        }
        if errors.is_empty() { Ok(sheet) } else { Err(errors) }
    }

    fn under(kind: Kind, headers: &StringRecord) -> Result<Self, Vec<RowError>> {
        let columns: Vec<(Column, String)> = headers
            .iter()
            .map(|header| (meaning(kind, header), header.trim_matches('\u{feff}').to_owned()))
            .collect();
        let mut errors = Vec::new();
        let mut notes = Vec::new();
        for (place, (column, header)) in columns.iter().enumerate() {
            let before = columns[..place].iter().find(|(other, _)| other == column);
            match (column, before) {
                (Column::Private, _) => notes.push(format!("column {header} is left out: a node keeps no such data")),
                (Column::Unknown, _) if header.is_empty() => {}
                (Column::Unknown, _) => notes.push(format!("column {header} is not known and left out")),
                (_, Some((_, first))) => {
                    let problem = format!("means the same as column {first}; keep one of them");
                    errors.push(error_at(1, Some(header), problem));
                }
                (_, None) => {}
            }
        }
        let sheet = Self {
            columns,
            rows: Vec::new(),
            notes,
        };
        let has_name = sheet.has(Column::Name) || sheet.has(Column::FirstName) || sheet.has(Column::LastName);
        if !has_name && !sheet.has(Column::Id) {
            let found = headers.iter().collect::<Vec<_>>().join(", ");
            let problem = format!(
                "the first line must name the columns, and one of them {}; it has: {found}",
                kind.name_header()
            );
            errors.push(error_at(1, None, problem));
        }
        if errors.is_empty() { Ok(sheet) } else { Err(errors) }
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.iter().any(|(other, _)| *other == column)
    }

    /// What a row holds in a column; nothing if that is empty or there is no such column.
    pub(super) fn cell<'s>(&self, row: &'s SheetRow, column: Column) -> Option<&'s str> {
        let place = self.columns.iter().position(|(other, _)| *other == column)?;
        row.cells.get(place).map(String::as_str).filter(|cell| !cell.is_empty())
    }

    /// An error about a cell of a row.
    pub(super) fn error(&self, row: &SheetRow, column: Column, problem: impl Into<String>) -> RowError {
        let header = self
            .columns
            .iter()
            .find(|(other, _)| *other == column)
            .map(|(_, header)| header);
        error_at(row.line, header, problem)
    }
}

/// Counts lines up to a place in the text. The reader takes the empty lines before a row as part of it; people do not.
struct Lines<'t> {
    rest: &'t [u8],
    offset: u64,
    line: u64,
}

impl<'t> Lines<'t> {
    fn new(text: &'t Text) -> Self {
        Self {
            rest: text.text.as_bytes(),
            offset: 0,
            line: 1 + text.lines_before,
        }
    }

    /// The line of the first row at or after an offset, which never goes back.
    fn line_at(&mut self, offset: u64) -> u64 {
        while let Some((byte, rest)) = self.rest.split_first() {
            if self.offset >= offset && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.offset += 1;
            self.rest = rest;
        }
        self.line
    }
}

fn error_at(line: u64, column: Option<&String>, problem: impl Into<String>) -> RowError {
    RowError {
        line,
        column: column.cloned(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    fn read(file: &str) -> Result<Sheet, Vec<RowError>> {
        Sheet::read(Kind::Users, &text::read(file.as_bytes()))
    }

    #[test]
    fn rows_keep_their_lines_and_empty_ones_are_left_out() {
        let sheet = read("Name;E-Mail;Team\nAda  Example;a@x.example;Blue\n;;\n\n\"Ben\";;\n").unwrap();
        let lines: Vec<u64> = sheet.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 5]);
        assert_eq!(sheet.cell(&sheet.rows[0], Column::Name), Some("Ada Example"));
        assert_eq!(sheet.cell(&sheet.rows[1], Column::Team), None);
        assert!(sheet.notes[0].contains("E-Mail"), "{:?}", sheet.notes);
    }

    #[test]
    fn what_cannot_be_understood_is_named_with_its_line() {
        for (file, line, part) in [
            ("Ada,Ben\n", 1, "must name the columns"),
            ("Name,Student\nAda,Ada\n", 1, "means the same as column Name"),
            ("Name,Team\nAda,Blue,7\n", 2, "in quotes"),
            ("", 1, "must name the columns"),
        ] {
            let errors = read(file).unwrap_err();
            assert_eq!(errors[0].line, line, "{file:?}");
            assert!(errors[0].to_string().contains(part), "{}", errors[0]);
        }
    }
}
