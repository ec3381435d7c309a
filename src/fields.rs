//! Reads the fields of a JSON object, gathers everything wrong with them under their names, and gives a 422 with all of it.
//!
//! A reader method that meets something wrong notes it and gives a stand-in, which never gets out: [`Fields::finish`]
//! gives either the value made of good fields or the problem.

mod ids;
#[cfg(test)]
mod tests;

pub use ids::Id;

use crate::problem::{FieldError, Problem};
use crate::wire::parse_time;
use homeroom_schema::ids::ID_MAX;
use homeroom_schema::{IdError, TimeMs};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

static NO_FIELDS: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// A JSON object being read.
#[derive(Debug)]
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    prefix: String,
    /// Numbers come as text.
    is_query: bool,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Reads a whole body.
    #[must_use]
    pub fn of(value: &'a Value) -> Self {
        Self::at(value, String::new())
    }

    /// Reads an object that is called `prefix` in errors (empty: the whole body).
    #[must_use]
    pub fn at(value: &'a Value, prefix: String) -> Self {
        let mut fields = Self {
            map: value.as_object().unwrap_or(&NO_FIELDS),
            prefix,
            is_query: false,
            errors: Vec::new(),
        };
        if !value.is_object() {
            let field = if fields.prefix.is_empty() {
                "body"
            } else {
                &fields.prefix
            };
            fields.errors.push(FieldError::new(field, "must be an object"));
        }
        fields
    }

    /// Reads a query, as an object of texts.
    #[must_use]
    pub fn of_query(query: &'a Value) -> Self {
        Self {
            is_query: true,
            ..Self::of(query)
        }
    }

    /// The value made of the fields, or everything that is wrong with them.
    ///
    /// # Errors
    /// 422 `validation`.
    pub fn finish<T>(self, value: T) -> Result<T, Problem> {
        if self.errors.is_empty() {
            Ok(value)
        } else {
            Err(Problem::validation(self.errors))
        }
    }

    /// The value, and whatever is wrong, to be gathered with more.
    #[must_use]
    pub fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// Notes something wrong with a field.
    pub fn wrong(&mut self, name: &str, message: impl Into<String>) {
        let field = self.name(name);
        self.errors.push(FieldError::new(field, message));
    }

    /// Whether something wrong with a field has been noted.
    #[must_use]
    pub fn is_wrong(&self, name: &str) -> bool {
        let field = self.name(name);
        self.errors.iter().any(|error| error.field == field)
    }

    /// Whether a field is there, null or not.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// A required id.
    pub fn id<T: Id>(&mut self, name: &str) -> T {
        self.required(name, Self::optional_id).unwrap_or(T::STAND_IN)
    }

    /// An id, or none when absent or null.
    pub fn optional_id<T: Id>(&mut self, name: &str) -> Option<T> {
        let is_query = self.is_query;
        self.read(name, |value| {
            let id = whole_number(value, is_query).and_then(|number| T::try_from(number).ok());
            id.ok_or_else(|| IdError.to_string())
        })
    }

    /// What stands at `id`, if anything, has to be the id in the path.
    pub fn same_id<T: Id>(&mut self, in_path: T) {
        if self.optional_id("id").is_some_and(|id: T| id != in_path) {
            self.wrong("id", "must be the one in the path");
        }
    }

    /// A required whole number in a range.
    pub fn whole(&mut self, name: &str, range: RangeInclusive<u64>) -> u64 {
        let start = *range.start();
        self.required(name, |fields, name| fields.optional_whole(name, range))
            .unwrap_or(start)
    }

    /// A whole number in a range, or none.
    pub fn optional_whole(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let is_query = self.is_query;
        self.read(name, |value| {
            let number = whole_number(value, is_query).filter(|number| range.contains(number));
            number.ok_or_else(|| format!("must be an integer from {} to {}", range.start(), range.end()))
        })
    }

    /// A number from 0 to 1, or none.
    pub fn optional_share(&mut self, name: &str) -> Option<f64> {
        self.read(name, |value| {
            let number = value.as_f64().filter(|number| (0.0..=1.0).contains(number));
            number.ok_or_else(|| "must be a number from 0 to 1".into())
        })
    }

    /// A required line of text of 1 to `max` characters: not blank, no control characters.
    pub fn line(&mut self, name: &str, max: usize) -> String {
        self.required(name, |fields, name| fields.optional_line(name, max))
            .unwrap_or_default()
    }

    /// A required text of 1 to `max` characters in any number of lines: not blank, no other control characters, and without
    /// the space around it.
    pub fn paragraphs(&mut self, name: &str, max: usize) -> String {
        self.required(name, |fields, name| fields.read(name, |value| paragraphs(value, max)))
            .unwrap_or_default()
    }

    /// True or false, or none when absent or null.
    pub fn optional_truth(&mut self, name: &str) -> Option<bool> {
        self.read(name, |value| {
            value.as_bool().ok_or_else(|| "must be true or false".into())
        })
    }

    /// A line of text, or none.
    pub fn optional_line(&mut self, name: &str, max: usize) -> Option<String> {
        self.read(name, |value| line(value, max))
    }

    /// Any text, required: for what is checked elsewhere.
    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        self.required(name, Self::optional_text)
    }

    /// Any text, or none: for what is checked elsewhere.
    pub fn optional_text(&mut self, name: &str) -> Option<&'a str> {
        self.read(name, |value| value.as_str().ok_or_else(|| "must be text".into()))
    }

    /// A time, or none.
    pub fn optional_time(&mut self, name: &str) -> Option<TimeMs> {
        self.read(name, |value| {
            let time = value.as_str().and_then(parse_time);
            time.ok_or_else(|| "must be a time as in 2026-03-01T09:30:00.000Z".into())
        })
    }

    /// A required word that `parse` knows; `known` are those words.
    pub fn word<T>(&mut self, name: &str, known: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.required(name, |fields, name| fields.optional_word(name, known, parse))
    }

    /// A word that `parse` knows, or none.
    pub fn optional_word<T>(&mut self, name: &str, known: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.read(name, |value| {
            let word = value.as_str().and_then(&parse);
            word.ok_or_else(|| format!("must be one of {known}"))
        })
    }

    /// Lines of text, at most `count_max`, none twice; empty when absent.
    pub fn lines(&mut self, name: &str, count_max: usize, max: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, value) in self.list(name, count_max).iter().enumerate() {
            match line(value, max) {
                Ok(text) if !lines.contains(&text) => lines.push(text),
                Ok(_) => {}
                Err(message) => self.wrong(&format!("{name}[{index}]"), message),
            }
        }
        lines
    }

    /// The items of a list of at most `max`; empty when absent or null.
    pub fn list(&mut self, name: &str, max: usize) -> &'a [Value] {
        let items = self.read(name, |value| {
            let items = value.as_array().ok_or_else(|| "must be a list".to_owned())?;
            if items.len() > max {
                return Err(format!("must have at most {max} items"));
            }
            Ok(items.as_slice())
        });
        items.unwrap_or_default()
    }

    /// An object inside, read by `read`; none when absent or null.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        let value = self.present(name)?;
        let mut inner = Fields::at(value, self.name(name));
        let read = read(&mut inner);
        self.errors.append(&mut inner.errors);
        Some(read)
    }

    /// A field of a `PATCH` that may be set to nothing: absent, null, or a value read by `read`.
    pub fn change<T>(&mut self, name: &str, read: impl FnOnce(&mut Self, &str) -> Option<T>) -> Option<Option<T>> {
        self.has(name).then(|| read(self, name))
    }

    /// A field of a `PATCH` that has to have a value when it is there.
    pub fn change_to<T>(&mut self, name: &str, read: impl FnOnce(&mut Self, &str) -> Option<T>) -> Option<T> {
        if self.has(name) {
            self.required(name, read)
        } else {
            None
        }
    }

    fn required<T>(&mut self, name: &str, read: impl FnOnce(&mut Self, &str) -> Option<T>) -> Option<T> {
        if self.present(name).is_none() {
            let message = if self.has(name) {
                "must not be null"
            } else {
                "is required"
            };
            self.wrong(name, message);
        }
        read(self, name)
    }

    fn read<T>(&mut self, name: &str, read: impl FnOnce(&'a Value) -> Result<T, String>) -> Option<T> {
        match read(self.present(name)?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.wrong(name, message);
                None
            }
        }
    }

    fn present(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn name(&self, name: &str) -> String {
        match self.prefix.as_str() {
            "" => name.into(),
            prefix => format!("{prefix}.{name}"),
        }
    }
}

/// `7` and `7.0` are whole numbers alike, as JSON Schema has it.
fn whole_number(value: &Value, is_query: bool) -> Option<u64> {
    if is_query {
        let text = value.as_str()?;
        let (digits, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit())
            && !fraction.is_empty()
            && fraction.bytes().all(|byte| byte == b'0');
        return digits.parse().ok().filter(|_| is_whole);
    }
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        let is_whole = number.fract() == 0.0 && (0.0..=ID_MAX as f64).contains(&number);
        is_whole.then_some(number as u64)
    })
}

fn line(value: &Value, max: usize) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| "must be text".to_owned())?;
    bounded(text, max, char::is_control).map(str::to_owned)
}

fn paragraphs(value: &Value, max: usize) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| "must be text".to_owned())?;
    let is_wrong = |letter: char| letter.is_control() && letter != '\n';
    bounded(text, max, is_wrong).map(|text| text.trim().to_owned())
}

fn bounded(text: &str, max: usize, is_wrong: impl Fn(char) -> bool) -> Result<&str, String> {
    if text.trim().is_empty() {
        return Err("must not be empty".into());
    }
    if text.chars().any(is_wrong) {
        return Err("must not have control characters".into());
    }
    // Bytes first: a long text is not counted character by character.
    if text.len() > 4 * max || text.chars().count() > max {
        return Err(format!("must have at most {max} characters"));
    }
    Ok(text)
}
