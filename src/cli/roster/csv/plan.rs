//! What a file would do to the roster: which things it makes, changes and leaves. Pure; nothing is sent here.

mod catalogue;
mod people;

use super::Kind;
use super::columns::Column;
use super::known::{Found, Known, Things};
use super::sheet::{RowError, Sheet, SheetRow};
use homeroom_schema::limits::IMPORT_ROWS_MAX;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// The largest number that JSON carries exactly everywhere.
const ID_MAX: u64 = (1 << 53) - 1;

/// The lists of an import, in the order in which they refer to each other.
pub(super) const LISTS: [&str; 6] = [
    "qualifications",
    "units",
    "users",
    "teams",
    "team_members",
    "enrolments",
];

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// It is not there yet.
    Created,
    /// It is there and differs.
    Changed,
    /// It is there as the file says.
    Same,
    /// It is made sure of, without having been looked up.
    Ensured,
}

impl What {
    pub(super) const ALL: [Self; 4] = [Self::Created, Self::Changed, Self::Same, Self::Ensured];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Same => "same",
            Self::Ensured => "ensured",
        }
    }
}

/// What one thing in the file comes to.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) list: &'static str,
    pub(super) what: What,
    pub(super) line: u64,
    pub(super) id: u64,
    pub(super) label: String,
    /// What is new about it, for people.
    pub(super) detail: String,
    row: Value,
}

impl Change {
    fn is_new_thing(&self) -> bool {
        self.what == What::Created && !matches!(self.list, "team_members" | "enrolments")
    }
}

/// A person whom the file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) team: String,
}

/// Everything that a file comes to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    pub(super) people: Vec<Named>,
}

impl Plan {
    /// Plans a file over what is known.
    ///
    /// # Errors
    /// Everything wrong with its rows.
    pub(super) fn new(kind: Kind, sheet: &Sheet, known: Known) -> Result<Self, Vec<RowError>> {
        let mut draft = Draft::new(sheet, known);
        draft.take_given(kind);
        match kind {
            Kind::Users => draft.people(),
            Kind::Teams => draft.teams(),
            Kind::Units => draft.units(),
            Kind::Qualifications => draft.qualifications(),
        }
        if draft.errors.is_empty() {
            Ok(draft.plan)
        } else {
            Err(draft.errors)
        }
    }

    /// How many of a list come to this.
    pub(super) fn count(&self, list: &str, what: What) -> usize {
        let matches = |change: &&Change| change.list == list && change.what == what;
        self.changes.iter().filter(matches).count()
    }

    /// What has to be sent.
    pub(super) fn sent(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.what != What::Same)
    }

    /// Whether one call takes it all.
    pub(super) fn fits(&self) -> bool {
        self.sent().count() <= IMPORT_ROWS_MAX
    }

    /// The body of `POST /import`. A row that makes something says so: should its number be taken meanwhile, the node
    /// refuses it, and nobody is renamed.
    pub(super) fn body(&self) -> Value {
        let row = |change: &Change| {
            let mut row = change.row.clone();
            if change.is_new_thing() {
                row["create"] = json!(true);
            }
            row
        };
        let list = |name: &str| -> Value { self.sent().filter(|change| change.list == name).map(row).collect() };
        let lists = LISTS.map(|name| (name.to_owned(), list(name)));
        Value::Object(Map::from_iter(lists))
    }

    /// The numbers that new things were to have.
    pub(super) fn given_out(&self) -> Vec<(&'static str, u64)> {
        let new = self.changes.iter().filter(|change| change.is_new_thing());
        new.map(|change| (change.list, change.id)).collect()
    }

    /// The line that a field of the node's errors (`users[3].name`) is about, and the rest of its name.
    pub(super) fn line_of<'f>(&self, field: &'f str) -> Option<(u64, &'f str)> {
        let (list, rest) = field.split_once('[')?;
        let (index, rest) = rest.split_once(']')?;
        let change = self
            .sent()
            .filter(|change| change.list == list)
            .nth(index.parse().ok()?)?;
        Some((change.line, rest.trim_start_matches('.')))
    }
}

/// The known teams that a file names: who is in them has to be looked up.
pub(super) fn teams_named(sheet: &Sheet, known: &Known) -> Vec<u64> {
    let mut teams = BTreeSet::new();
    for row in &sheet.rows {
        let names = sheet.cell(row, Column::Team).into_iter().flat_map(several);
        teams.extend(names.filter_map(|name| match known.teams.named(name) {
            Found::One(id) => Some(id),
            Found::Nobody | Found::Several(_) => None,
        }));
        let given = sheet.cell(row, Column::TeamId).and_then(|cell| cell.parse().ok());
        teams.extend(given.filter(|id| known.teams.get(*id).is_some_and(|team| !team.is_archived)));
    }
    teams.into_iter().collect()
}

/// A plan in the making.
struct Draft<'s> {
    sheet: &'s Sheet,
    known: Known,
    plan: Plan,
    errors: Vec<RowError>,
    /// Teams and qualifications that the file makes, by list and name.
    made: HashMap<(&'static str, String), u64>,
}

impl<'s> Draft<'s> {
    fn new(sheet: &'s Sheet, known: Known) -> Self {
        Self {
            sheet,
            known,
            plan: Plan::default(),
            errors: Vec::new(),
            made: HashMap::new(),
        }
    }

    /// Numbers that the file gives are given to nobody else, wherever they stand in it.
    fn take_given(&mut self, kind: Kind) {
        let sheet = self.sheet;
        let given = sheet
            .rows
            .iter()
            .filter_map(|row| sheet.cell(row, Column::Id)?.parse().ok());
        for id in given.filter(|id| *id <= ID_MAX) {
            self.things(kind.list()).take(id);
        }
    }

    fn wrong(&mut self, row: &SheetRow, column: Column, problem: impl Into<String>) {
        self.errors.push(self.sheet.error(row, column, problem));
    }

    /// The number in a cell; an error and nothing when it is none.
    fn id(&mut self, row: &SheetRow, column: Column) -> Result<Option<u64>, ()> {
        let Some(text) = self.sheet.cell(row, column) else {
            return Ok(None);
        };
        match text.parse::<u64>() {
            Ok(id) if (1..=ID_MAX).contains(&id) => Ok(Some(id)),
            _ => {
                let problem = format!("{text} is no number from 1 to {ID_MAX}; leave the cell empty to have one given");
                self.wrong(row, column, problem);
                Err(())
            }
        }
    }

    /// The text in a cell; an error when it is too long or holds what no name holds.
    fn text(&mut self, row: &SheetRow, column: Column, chars_max: usize) -> Option<String> {
        let text = self.sheet.cell(row, column)?.to_owned();
        let chars = text.chars().count();
        if chars > chars_max {
            self.wrong(row, column, format!("has {chars} characters; {chars_max} are the most"));
        }
        if text.contains(char::is_control) {
            self.wrong(row, column, "holds a control character; type it anew");
        }
        Some(text)
    }

    /// The thing that a row of `list` is about: by its number, else by its name, else a new one.
    fn identify(&mut self, row: &SheetRow, list: &'static str, name: Option<&str>, column: Column) -> Result<u64, ()> {
        let id = self.id(row, Column::Id)?;
        if let Some(id) = id {
            if self.things(list).get(id).is_none() && name.is_none() {
                self.wrong(row, Column::Id, format!("there is no {id} yet, so a name is needed"));
                return Err(());
            }
            if self.things(list).get(id).is_some_and(|thing| thing.is_erased) {
                self.wrong(
                    row,
                    Column::Id,
                    format!("{id} was erased, and its number is never used again"),
                );
                return Err(());
            }
            self.things(list).take(id);
            return Ok(id);
        }
        let Some(name) = name else {
            self.wrong(
                row,
                column,
                "is empty; every row needs a name or the number of somebody known",
            );
            return Err(());
        };
        match self.things(list).named(name) {
            Found::One(id) => Ok(id),
            Found::Nobody => Ok(self.things(list).next_id()),
            Found::Several(ids) => {
                let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                let problem = format!("{name} is the name of several ({ids}); say which one in a column id");
                self.wrong(row, column, problem);
                Err(())
            }
        }
    }

    fn things(&mut self, list: &str) -> &mut Things {
        self.known.list(list)
    }

    /// The team or qualification that a cell names, made if there is none yet.
    fn by_name(
        &mut self,
        row: &SheetRow,
        list: &'static str,
        column: Column,
        name: &str,
        chars_max: usize,
    ) -> Option<u64> {
        let key = self.things(list).key(name);
        if let Some(id) = self.made.get(&(list, key.clone())) {
            return Some(*id);
        }
        match self.things(list).named(name) {
            Found::One(id) => Some(id),
            Found::Several(ids) => {
                let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                self.wrong(
                    row,
                    column,
                    format!(
                        "{name} is the name of several ({ids}); rename one, or give its number in a column for that"
                    ),
                );
                None
            }
            Found::Nobody if name.chars().count() > chars_max => {
                self.wrong(row, column, format!("has more than {chars_max} characters"));
                None
            }
            Found::Nobody => {
                let id = self.things(list).next_id();
                self.made.insert((list, key), id);
                let detail = format!("named in line {}", row.line);
                self.change(
                    list,
                    What::Created,
                    row.line,
                    id,
                    name,
                    detail,
                    json!({"id": id, "name": name}),
                );
                Some(id)
            }
        }
    }

    /// The known team or qualification with the number in a cell.
    fn by_number(&mut self, row: &SheetRow, list: &'static str, column: Column) -> Option<u64> {
        let id = self.id(row, column).ok()??;
        let is_there = self.things(list).get(id).is_some_and(|thing| !thing.is_archived);
        if !is_there {
            self.wrong(
                row,
                column,
                format!("there is no {id}; make it first, or give its name in place of its number"),
            );
        }
        is_there.then_some(id)
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a change, in their order")]
    fn change(&mut self, list: &'static str, what: What, line: u64, id: u64, label: &str, detail: String, row: Value) {
        self.plan.changes.push(Change {
            list,
            what,
            line,
            id,
            label: label.to_owned(),
            detail,
            row,
        });
    }

    /// Compares a row with what is known of the thing, and keeps what it comes to.
    fn compare(&mut self, list: &'static str, line: u64, id: u64, label: &str, row: Map<String, Value>) {
        let before = self.things(list).get(id).cloned();
        let (what, detail) = match before {
            None => (What::Created, described(&row)),
            Some(before) => {
                let mut differences = differences(&before.fields, &row);
                if before.is_archived {
                    differences.insert(0, "brought back".into());
                }
                let what = if differences.is_empty() {
                    What::Same
                } else {
                    What::Changed
                };
                (what, differences.join(", "))
            }
        };
        self.change(list, what, line, id, label, detail, Value::Object(row));
    }
}

/// The fields of a new thing, for people.
fn described(row: &Map<String, Value>) -> String {
    let shown = row
        .iter()
        .filter(|(name, value)| !matches!(name.as_str(), "id" | "name" | "title") && !value.is_null());
    let part = |(name, value): (&String, &Value)| format!("{name} {}", crate::cli::common::cell(value));
    shown.map(part).collect::<Vec<_>>().join(", ")
}

/// What a row would change, for people.
fn differences(before: &Value, row: &Map<String, Value>) -> Vec<String> {
    let cell = crate::cli::common::cell;
    let differs = |(name, value): &(&String, &Value)| before[name.as_str()] != **value;
    let part = |(name, value): (&String, &Value)| format!("{name}: {} → {}", cell(&before[name.as_str()]), cell(value));
    row.iter().filter(differs).map(part).collect()
}

/// Names in one cell, separated by bars.
fn several(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('|').map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
