//! Lists, page by page.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use crate::fields::{Fields, Id};
use crate::problem::Problem;
use homeroom_schema::limits::{PAGE_DEFAULT, PAGE_MAX};
use serde_json::{Value, json};

/// Which page of a list is wanted.
pub(super) struct Page {
    /// Items at most.
    pub(super) limit: usize,
    /// The cursor as sent.
    pub(super) cursor: Option<String>,
}

impl Page {
    /// Reads `limit` and `cursor`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        let limit = fields.optional_whole("limit", 1..=PAGE_MAX as u64);
        Self {
            limit: limit.map_or(PAGE_DEFAULT, |limit| limit as usize),
            cursor: fields.optional_text("cursor").map(str::to_owned),
        }
    }
}

/// Answers a page of a list ordered by id. `scope` names the list and its filters; `after` gives at most so many items
/// after an id, each with its id.
pub(super) fn by_id<T: Id + Into<u64>>(
    call: &Call,
    scope: &str,
    page: &Page,
    after: impl FnOnce(Option<T>, usize) -> Vec<(T, Value)>,
) -> Answered {
    let secret = call.app.secret();
    let scope = format!("{scope} {}", call.viewer());
    let start = match &page.cursor {
        None => None,
        Some(text) => {
            let place = cursor::decode::<u64>(secret, &scope, text)?;
            Some(T::try_from(place).map_err(|_| Problem::invalid_cursor())?)
        }
    };
    // One more than asked for says whether there is a next page.
    let mut items = after(start, page.limit + 1);
    let more = items.len() > page.limit;
    items.truncate(page.limit);
    let last = items.last().filter(|_| more).map(|(id, _)| (*id).into());
    let next = last.and_then(|id: u64| cursor::encode(secret, &scope, &id));
    let items: Vec<_> = items.into_iter().map(|(_, item)| item).collect();
    Ok(answer::json(200, &json!({"items": items, "next_cursor": next})))
}
