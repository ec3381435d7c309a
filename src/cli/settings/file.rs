//! Settings in a TOML file: read with the line of each, so that a mistake can be found.

use super::{SETTINGS, Setting, Settings, Wrong};
use std::ops::Range;
use std::path::Path;
use toml::de::DeTable;

/// Similar enough to be what was meant.
const SIMILAR: f64 = 0.75;

/// Takes what the file says into the settings. Gives the lines of the settings that it has, and everything wrong with it.
pub(super) fn take(settings: &mut Settings, path: &Path) -> (Vec<(&'static str, usize)>, Vec<Wrong>) {
    match std::fs::read_to_string(path) {
        Ok(text) => take_text(settings, &path.display().to_string(), &text),
        Err(error) => {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => "; `homeroom init FILE` writes one with every default in it",
                _ => "",
            };
            let place = path.display().to_string();
            (
                Vec::new(),
                vec![Wrong::new(place, format!("cannot be read: {error}{hint}"))],
            )
        }
    }
}

pub(super) fn take_text(settings: &mut Settings, file: &str, text: &str) -> (Vec<(&'static str, usize)>, Vec<Wrong>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let at = |span: Range<usize>| format!("{file} line {}", line_of(text, span.start));
    let broken = |error: &toml::de::Error| {
        let place = error.span().map_or_else(|| file.to_owned(), at);
        Wrong::new(place, format!("is no valid TOML: {}", error.message()))
    };
    let mut wrong: Vec<Wrong> = errors.iter().map(broken).collect();
    let mut lines = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line_of(text, key.span().start);
        match SETTINGS.iter().find(|setting| setting.name == key.get_ref()) {
            Some(setting) => {
                lines.push((setting.name, line));
                // What a broken line holds is a guess of the parser.
                if let Err(problem) = (setting.slot)(settings).take_toml(value.get_ref())
                    && errors.is_empty()
                {
                    wrong.push(Wrong::new(at(key.span()), format!("{} {problem}", setting.name)));
                }
            }
            None => wrong.push(Wrong::new(at(key.span()), unknown(key.get_ref()))),
        }
    }
    (lines, wrong)
}

/// What to say of a key that no setting has.
fn unknown(key: &str) -> String {
    match nearest(key) {
        Some(setting) => format!("there is no setting {key}; did you mean {}?", setting.name),
        None => format!("there is no setting {key}; `homeroom config show` lists them all"),
    }
}

/// The setting whose name is most like this one, if any is.
pub(super) fn nearest(key: &str) -> Option<&'static Setting> {
    let key = key.to_lowercase().replace(['-', ' '], "_");
    let likeness = |setting: &Setting| strsim::jaro_winkler(&key, setting.name);
    let best = SETTINGS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= SIMILAR).then_some(best)
}

/// Lines count from 1.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
