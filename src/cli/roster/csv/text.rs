//! A CSV file as text: whatever a spreadsheet wrote, in whichever encoding and with whichever separator.

use encoding_rs::{Encoding, WINDOWS_1252};

/// Separators that spreadsheets write.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// The text of a file, and what should be said about how it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) separator: u8,
    /// Lines before the header: spreadsheets may write `sep=;` first.
    pub(super) lines_before: u64,
    pub(super) note: Option<String>,
}

/// Reads bytes as text: by their byte order mark, else as UTF-8, else as what old spreadsheets write.
pub(super) fn read(bytes: &[u8]) -> Text {
    let (text, note) = decode(bytes);
    let (text, told, lines_before) = match told_separator(&text) {
        Some((separator, rest)) => (rest.to_owned(), Some(separator), 1),
        None => (text, None, 0),
    };
    let separator = told.unwrap_or_else(|| likely_separator(&text));
    Text {
        text,
        // All separators are ASCII.
        separator: separator as u8,
        lines_before,
        note,
    }
}

fn decode(bytes: &[u8]) -> (String, Option<String>) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return (text.into_owned(), None);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), None);
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    let note = "the file is not UTF-8, so it was read as Latin-1 (Windows-1252): look at the accents in the preview";
    (text.into_owned(), Some(note.into()))
}

/// The separator that a first line like `sep=;` names, and the text after it.
fn told_separator(text: &str) -> Option<(char, &str)> {
    let (first, rest) = text.split_once('\n')?;
    let told = first.trim_end_matches('\r').trim().to_lowercase();
    let mut separator = told.strip_prefix("sep=")?.chars();
    let separator = separator.next().filter(|separator| SEPARATORS.contains(separator))?;
    Some((separator, rest))
}

/// The separator that the header has most of, outside of quotes.
fn likely_separator(text: &str) -> char {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut is_quoted = false;
    for c in header.chars() {
        is_quoted ^= c == '"';
        if let Some(place) = SEPARATORS
            .iter()
            .position(|separator| *separator == c)
            .filter(|_| !is_quoted)
        {
            counts[place] += 1;
        }
    }
    let mut best = 0;
    for place in 1..counts.len() {
        if counts[place] > counts[best] {
            best = place;
        }
    }
    SEPARATORS[best]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_spreadsheet_writes_is_read() {
        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain("Näme\tTeam\n".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        for (bytes, text, separator) in [
            (&b"name,team\nAda,Blue"[..], "name,team\nAda,Blue", ','),
            ("\u{feff}name;team\n".as_bytes(), "name;team\n", ';'),
            (
                "sep=;\r\nname;alias, or none\n".as_bytes(),
                "name;alias, or none\n",
                ';',
            ),
            (&b"N\xe4me\n"[..], "Näme\n", ','),
            (&utf16, "Näme\tTeam\n", '\t'),
            (b"\"a,b,c\";x\n", "\"a,b,c\";x\n", ';'),
            (b"name\n", "name\n", ','),
        ] {
            let read = read(bytes);
            assert_eq!(
                (read.text.as_str(), char::from(read.separator)),
                (text, separator),
                "{bytes:?}"
            );
        }
        assert!(read(b"N\xe4me\n").note.is_some_and(|note| note.contains("Latin-1")));
    }
}
