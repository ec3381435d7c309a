//! Teams, units and qualifications: one row, one thing.

use super::Draft;
use crate::cli::roster::csv::columns::Column;
use crate::cli::roster::csv::sheet::SheetRow;
use homeroom_schema::limits::{NAME_CHARS_MAX, SKILL_CHARS_MAX, SKILLS_MAX, TEAM_NAME_CHARS_MAX};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Numbers seen so far, with their lines.
type Lines = HashMap<u64, u64>;

impl Draft<'_> {
    pub(super) fn teams(&mut self) {
        let mut lines = Lines::new();
        let sheet = self.sheet;
        for row in &sheet.rows {
            let Some((id, name)) = self.once(row, "teams", TEAM_NAME_CHARS_MAX, &mut lines) else {
                continue;
            };
            let mentor = match self.sheet.cell(row, Column::Mentor) {
                Some(_) => self.somebody(row, Column::Mentor).map(Value::from),
                // An import replaces the whole row, so what the file does not say is said again.
                None => self.before("teams", id, "mentor_id"),
            };
            let fields = [
                ("id", json!(id)),
                ("name", json!(name)),
                ("mentor_id", mentor.unwrap_or_default()),
            ];
            self.compare("teams", row.line, id, &name, object(fields));
        }
    }

    pub(super) fn qualifications(&mut self) {
        let mut lines = Lines::new();
        let sheet = self.sheet;
        for row in &sheet.rows {
            let Some((id, name)) = self.once(row, "qualifications", NAME_CHARS_MAX, &mut lines) else {
                continue;
            };
            let fields = [("id", json!(id)), ("name", json!(name))];
            self.compare("qualifications", row.line, id, &name, object(fields));
        }
    }

    pub(super) fn units(&mut self) {
        let mut lines = Lines::new();
        let sheet = self.sheet;
        for row in &sheet.rows {
            let Some((id, title)) = self.once(row, "units", NAME_CHARS_MAX, &mut lines) else {
                continue;
            };
            let named = self.sheet.cell(row, Column::Qualification).map(str::to_owned);
            let course = match named {
                Some(name) => self.by_name(row, "qualifications", Column::Qualification, &name, NAME_CHARS_MAX),
                None => self.by_number(row, "qualifications", Column::QualificationId),
            };
            let course = course
                .map(Value::from)
                .or_else(|| self.before("units", id, "qualification_id"));
            let skills = self.skills(row).or_else(|| self.before("units", id, "skills"));
            let fields = [
                ("id", json!(id)),
                ("title", json!(title)),
                ("qualification_id", course.unwrap_or_default()),
                ("skills", skills.unwrap_or_else(|| json!([]))),
            ];
            self.compare("units", row.line, id, &title, object(fields));
        }
    }

    /// The number and the name of a row whose thing stands in the file once.
    fn once(
        &mut self,
        row: &SheetRow,
        list: &'static str,
        chars_max: usize,
        lines: &mut Lines,
    ) -> Option<(u64, String)> {
        let name = self.text(row, Column::Name, chars_max);
        if let Some(name) = name.as_deref().filter(|_| self.sheet.cell(row, Column::Id).is_none()) {
            let key = self.things(list).key(name);
            if let Some(id) = self.made.get(&(list, key)) {
                let line = lines.get(id).copied().unwrap_or_default();
                self.wrong(
                    row,
                    Column::Name,
                    format!("{name} stands in line {line} too; take one away, or give both an id"),
                );
                return None;
            }
        }
        let id = self.identify(row, list, name.as_deref(), Column::Name).ok()?;
        let known = self.things(list).get(id).map(|known| known.name.clone());
        let name = name.or(known).unwrap_or_default();
        if let Some(line) = lines.insert(id, row.line) {
            self.wrong(
                row,
                Column::Id,
                format!("{id} ({name}) stands in line {line} too; take one away"),
            );
            return None;
        }
        let key = self.things(list).key(&name);
        self.made.insert((list, key), id);
        Some((id, name))
    }

    fn skills(&mut self, row: &SheetRow) -> Option<Value> {
        let cell = self.sheet.cell(row, Column::Skills)?;
        let parts = cell.split(['|', ',', ';']).map(str::trim);
        let skills: Vec<&str> = parts.filter(|skill| !skill.is_empty()).collect();
        if skills.len() > SKILLS_MAX {
            self.wrong(
                row,
                Column::Skills,
                format!("names {} skills; {SKILLS_MAX} are the most", skills.len()),
            );
        }
        if let Some(skill) = skills.iter().find(|skill| skill.chars().count() > SKILL_CHARS_MAX) {
            self.wrong(
                row,
                Column::Skills,
                format!("{skill} has more than {SKILL_CHARS_MAX} characters"),
            );
        }
        Some(json!(skills))
    }

    fn before(&mut self, list: &str, id: u64, field: &str) -> Option<Value> {
        let known = self.things(list).get(id)?;
        known.fields.get(field).filter(|value| !value.is_null()).cloned()
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
