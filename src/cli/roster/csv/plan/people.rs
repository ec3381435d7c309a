//! People with their teams and qualifications: one file sets up a class.

use super::{Draft, Found, Named, What, several};
use crate::cli::roster::csv::columns::Column;
use crate::cli::roster::csv::sheet::SheetRow;
use homeroom_schema::limits::{MEMBER_ROLE_CHARS_MAX, NAME_CHARS_MAX, TEAM_NAME_CHARS_MAX};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Words for what people are.
const ROLES: [(&str, &[&str]); 3] = [
    (
        "student",
        &[
            "student",
            "pupil",
            "learner",
            "schüler",
            "schülerin",
            "schueler",
            "schuelerin",
            "lernende",
            "lernender",
            "s",
        ],
    ),
    (
        "mentor",
        &[
            "mentor",
            "mentorin",
            "teacher",
            "tutor",
            "coach",
            "lehrer",
            "lehrerin",
            "lehrkraft",
            "t",
            "l",
        ],
    ),
    (
        "staff",
        &[
            "staff",
            "admin",
            "office",
            "personal",
            "verwaltung",
            "mitarbeiter",
            "mitarbeiterin",
        ],
    ),
];

/// What the rows so far have said about people.
#[derive(Default)]
struct Seen {
    /// Number to name and line.
    by_id: HashMap<u64, (String, u64)>,
    /// Name to number, line, and whether the number was given.
    by_name: HashMap<String, (u64, u64, bool)>,
    links: HashSet<(&'static str, u64, u64)>,
}

impl Draft<'_> {
    pub(super) fn people(&mut self) {
        let mut seen = Seen::default();
        let sheet = self.sheet;
        for row in &sheet.rows {
            self.person(row, &mut seen);
        }
    }

    fn person(&mut self, row: &SheetRow, seen: &mut Seen) {
        let column = [Column::Name, Column::LastName, Column::FirstName];
        let column = column
            .into_iter()
            .find(|column| self.sheet.has(*column))
            .unwrap_or(Column::Id);
        let name = self.name(row);
        if self.is_repeated(row, name.as_deref(), column, seen) {
            return;
        }
        let Ok(id) = self.identify(row, "users", name.as_deref(), column) else {
            return;
        };
        let known = self.known.users.get(id).cloned();
        let name = name
            .or_else(|| known.as_ref().map(|known| known.name.clone()))
            .unwrap_or_default();
        let alias = self.text(row, Column::Alias, NAME_CHARS_MAX);
        let role = self.role(row);
        let before = seen.by_id.get(&id).cloned();
        match before {
            Some((other, line)) if other != name => {
                self.wrong(
                    row,
                    Column::Id,
                    format!("{id} is {other} in line {line} and {name} here"),
                );
                return;
            }
            // The same person again: this row only adds teams and qualifications.
            Some(_) => {}
            None => {
                let given = self.sheet.cell(row, Column::Id).is_some();
                seen.by_id.insert(id, (name.clone(), row.line));
                seen.by_name.insert(name.clone(), (id, row.line, given));
                let mut fields = Map::from_iter([("id".into(), json!(id)), ("name".into(), json!(name))]);
                fields.extend(alias.map(|alias| ("alias".to_owned(), json!(alias))));
                fields.extend(role.map(|role| ("role".to_owned(), json!(role))));
                self.compare("users", row.line, id, &name, fields);
            }
        }
        let team = self.memberships(row, id, &name, seen);
        self.enrolments(row, id, &name, seen);
        let known_role = known.and_then(|known| known.fields["role"].as_str().map(str::to_owned));
        if before_is_none(&self.plan.people, id) {
            self.plan.people.push(Named {
                id,
                name,
                role: role
                    .map(str::to_owned)
                    .or(known_role)
                    .unwrap_or_else(|| "student".into()),
                team,
            });
        }
    }

    /// The name of a row, in one column or in two.
    fn name(&mut self, row: &SheetRow) -> Option<String> {
        if let Some(name) = self.text(row, Column::Name, NAME_CHARS_MAX) {
            return Some(name);
        }
        let parts = [Column::FirstName, Column::LastName];
        let parts: Vec<String> = parts
            .into_iter()
            .filter_map(|part| self.text(row, part, NAME_CHARS_MAX / 2))
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Whether a name without a number stands in the file before: nobody can tell whether that is the same person.
    fn is_repeated(&mut self, row: &SheetRow, name: Option<&str>, column: Column, seen: &Seen) -> bool {
        let Some((name, (id, line, given))) = name.and_then(|name| Some((name, *seen.by_name.get(name)?))) else {
            return false;
        };
        if self.sheet.cell(row, Column::Id).is_some() {
            return false;
        }
        let same = if given {
            format!("the id {id}")
        } else {
            "one id".to_owned()
        };
        let problem = format!(
            "{name} stands in line {line} too. If that is the same person, give both rows {same}, or name several teams in \
             one cell as Blue | Red; if not, give each an id of their own"
        );
        self.wrong(row, column, problem);
        true
    }

    fn role(&mut self, row: &SheetRow) -> Option<&'static str> {
        let word = self.sheet.cell(row, Column::Role)?.to_lowercase();
        let found = ROLES.iter().find(|(_, words)| words.contains(&word.as_str()));
        if found.is_none() {
            self.wrong(row, Column::Role, format!("{word} is none of student, mentor, staff"));
        }
        found.map(|(role, _)| *role)
    }

    /// Puts a person into the teams of their row. Gives the teams' names.
    fn memberships(&mut self, row: &SheetRow, user: u64, name: &str, seen: &mut Seen) -> String {
        let sheet = self.sheet;
        let role = self.text(row, Column::TeamRole, MEMBER_ROLE_CHARS_MAX);
        let cell = sheet.cell(row, Column::Team);
        let names = || cell.into_iter().flat_map(several);
        let mut teams: Vec<u64> = names()
            .filter_map(|team| self.by_name(row, "teams", Column::Team, team, TEAM_NAME_CHARS_MAX))
            .collect();
        teams.extend(self.by_number(row, "teams", Column::TeamId));
        for team in teams {
            if !seen.links.insert(("team_members", team, user)) {
                continue;
            }
            let before = self.known.members.get(&team).and_then(|members| members.get(&user));
            let what = match before {
                None => What::Created,
                Some(before) if role.is_some() && *before != role => What::Changed,
                Some(_) => What::Same,
            };
            let mut fields = json!({"team_id": team, "user_id": user});
            if let Some(role) = role.as_ref().or(before.and_then(Option::as_ref)) {
                fields["role"] = json!(role);
            }
            let detail = format!("in team {team}");
            self.change("team_members", what, row.line, user, name, detail, fields);
        }
        names().collect::<Vec<_>>().join(" | ")
    }

    fn enrolments(&mut self, row: &SheetRow, user: u64, name: &str, seen: &mut Seen) {
        let sheet = self.sheet;
        let names = sheet.cell(row, Column::Qualification).into_iter().flat_map(several);
        let mut courses: Vec<u64> = names
            .filter_map(|course| self.by_name(row, "qualifications", Column::Qualification, course, NAME_CHARS_MAX))
            .collect();
        courses.extend(self.by_number(row, "qualifications", Column::QualificationId));
        let is_new = self.known.users.get(user).is_none();
        for course in courses {
            if !seen.links.insert(("enrolments", course, user)) {
                continue;
            }
            let is_new = is_new || self.known.qualifications.get(course).is_none();
            let what = if is_new { What::Created } else { What::Ensured };
            let fields: Value = json!({"qualification_id": course, "user_id": user});
            let detail = format!("in qualification {course}");
            self.change("enrolments", what, row.line, user, name, detail, fields);
        }
    }

    /// The number of the person whom a cell names, by number or by name.
    pub(super) fn somebody(&mut self, row: &SheetRow, column: Column) -> Option<u64> {
        let cell = self.sheet.cell(row, column)?;
        if let Ok(id) = cell.parse::<u64>() {
            let is_there = self.known.users.get(id).is_some_and(|user| !user.is_archived);
            if !is_there {
                self.wrong(row, column, format!("there is no person {id}; bring people in first"));
            }
            return is_there.then_some(id);
        }
        match self.known.users.named(cell) {
            Found::One(id) => Some(id),
            Found::Nobody => {
                self.wrong(
                    row,
                    column,
                    format!("there is nobody named {cell}; bring people in first"),
                );
                None
            }
            Found::Several(_) => {
                self.wrong(
                    row,
                    column,
                    format!("there are several people named {cell}; give the number in place of the name"),
                );
                None
            }
        }
    }
}

fn before_is_none(people: &[Named], id: u64) -> bool {
    people.last().is_none_or(|last| last.id != id) && !people.iter().any(|person| person.id == id)
}
