//! Imports: many rows of roster and catalogue at once, all or nothing.

use super::answer::Answered;
use super::call::{Call, apart};
use super::roster;
use super::routes::Routes;
use crate::fields::{Fields, Id};
use crate::permissions;
use crate::problem::{FieldError, Problem};
use crate::wire;
use homeroom_actors::roster::{Import, MustBeNew, RosterCommand};
use homeroom_schema::limits::{
    IMPORT_BODY_BYTES_MAX, IMPORT_ROWS_MAX, MEMBER_ROLE_CHARS_MAX, NAME_CHARS_MAX, PROBLEM_ERRORS_MAX, SKILL_CHARS_MAX,
    SKILLS_MAX, TEAM_NAME_CHARS_MAX,
};
use homeroom_schema::records::UserRole;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post("/import", import)
}

async fn import(mut call: Call) -> Answered {
    permissions::may_write_roster(&call.caller)?;
    let (content, fingerprint) = call.large_content(IMPORT_BODY_BYTES_MAX).await?;
    let claim = call.claim_as(fingerprint)?;
    let rows = apart(move || read(&content)).await??;
    let command = RosterCommand::Import(Box::new(rows));
    let changed = roster::change(&call, claim, command, wire::roster_answer, &[]).await?;
    Ok(changed.into_response())
}

/// All rows, or the first bad ones.
fn read(content: &Value) -> Result<Import, Problem> {
    let mut fields = Fields::of(content);
    let lists = [
        "qualifications",
        "units",
        "users",
        "teams",
        "team_members",
        "enrolments",
    ];
    let lists = lists.map(|name| (name, fields.list(name, IMPORT_ROWS_MAX)));
    let rows: usize = lists.iter().map(|(_, rows)| rows.len()).sum();
    if rows > IMPORT_ROWS_MAX {
        fields.wrong("body", format!("must have at most {IMPORT_ROWS_MAX} rows in all"));
    }
    let [qualifications, units, users, teams, team_members, enrolments] = fields.finish(lists)?;
    let mut errors = Vec::new();
    let must_be_new = MustBeNew {
        users: new_ids(users, &mut errors),
        teams: new_ids(teams, &mut errors),
        units: new_ids(units, &mut errors),
        qualifications: new_ids(qualifications, &mut errors),
    };
    let import = Import {
        must_be_new,
        qualifications: rows_of(qualifications, &mut errors, |row| {
            (row.id("id"), row.line("name", NAME_CHARS_MAX))
        }),
        units: rows_of(units, &mut errors, |row| {
            let (id, title) = (row.id("id"), row.line("title", NAME_CHARS_MAX));
            let skills = row.lines("skills", SKILLS_MAX, SKILL_CHARS_MAX);
            (id, title, row.optional_id("qualification_id"), skills)
        }),
        users: rows_of(users, &mut errors, |row| {
            let (id, name) = (row.id("id"), row.line("name", NAME_CHARS_MAX));
            let role = row.optional_word("role", "student, mentor, staff", UserRole::parse);
            (id, name, row.optional_line("alias", NAME_CHARS_MAX), role)
        }),
        teams: rows_of(teams, &mut errors, |row| {
            let (id, name) = (row.id("id"), row.line("name", TEAM_NAME_CHARS_MAX));
            (id, name, row.optional_id("mentor_id"))
        }),
        team_members: rows_of(team_members, &mut errors, |row| {
            let (team_id, user_id) = (row.id("team_id"), row.id("user_id"));
            (team_id, user_id, row.optional_line("role", MEMBER_ROLE_CHARS_MAX))
        }),
        enrolments: rows_of(enrolments, &mut errors, |row| {
            (row.id("qualification_id"), row.id("user_id"))
        }),
    };
    if errors.is_empty() {
        Ok(import)
    } else {
        Err(Problem::validation(errors))
    }
}

/// The rows of one list. Reading ends when enough bad ones have been found to fill a problem.
fn rows_of<T>(
    (list, rows): (&str, &[Value]),
    errors: &mut Vec<FieldError>,
    read: impl Fn(&mut Fields<'_>) -> T,
) -> Vec<T> {
    let mut good = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        if errors.len() >= PROBLEM_ERRORS_MAX {
            break;
        }
        let mut fields = Fields::at(row, format!("{list}[{index}]"));
        good.push(read(&mut fields));
        errors.append(&mut fields.into_errors());
    }
    good
}

/// The ids of rows with `"create": true`: theirs must not be taken.
fn new_ids<T: Id + Ord>((list, rows): (&str, &[Value]), errors: &mut Vec<FieldError>) -> BTreeSet<T> {
    let mut new = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        match row.get("create") {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Bool(true)) => new.extend(row["id"].as_u64().and_then(|id| T::try_from(id).ok())),
            Some(_) if errors.len() >= PROBLEM_ERRORS_MAX => break,
            Some(_) => errors.push(FieldError::new(
                format!("{list}[{index}].create"),
                "must be true or false",
            )),
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_schema::{QualificationId, TeamId, UnitId, UserId};
    use serde_json::json;

    #[test]
    fn all_lists_are_read_and_unknown_ones_left_alone() {
        let content = json!({
            "qualifications": [{"id": 1, "name": "Mathematics"}],
            "units": [{"id": 10, "title": "Fractions", "qualification_id": 1, "skills": ["fractions"]}],
            "users": [{"id": 7, "name": "Ada", "alias": null}, {"id": 8, "name": "Mo", "role": "mentor"}],
            "teams": [{"id": 3, "name": "Blue", "mentor_id": 8, "create": true}],
            "team_members": [{"team_id": 3, "user_id": 7, "role": "captain"}],
            "enrolments": [{"qualification_id": 1, "user_id": 7}],
            "rooms": 5,
        });
        let (one, unit, team) = (QualificationId::MIN, UnitId::new(10).unwrap(), TeamId::new(3).unwrap());
        let (ada, mo) = (UserId::new(7).unwrap(), UserId::new(8).unwrap());
        let expected = Import {
            qualifications: vec![(one, "Mathematics".into())],
            units: vec![(unit, "Fractions".into(), Some(one), vec!["fractions".into()])],
            users: vec![
                (ada, "Ada".into(), None, None),
                (mo, "Mo".into(), None, Some(UserRole::Mentor)),
            ],
            teams: vec![(team, "Blue".into(), Some(mo))],
            team_members: vec![(team, ada, Some("captain".into()))],
            enrolments: vec![(one, ada)],
            must_be_new: MustBeNew {
                teams: BTreeSet::from([TeamId::new(3).unwrap()]),
                ..MustBeNew::default()
            },
        };
        assert_eq!(read(&content), Ok(expected));
        assert_eq!(read(&json!({})), Ok(Import::default()));
    }

    #[test]
    fn the_first_bad_rows_are_named_by_list_and_place() {
        let content = json!({"users": [{"id": 1, "name": "Ada"}, {"id": 0}], "enrolments": ["x"], "teams": [{"id": 1, "name": "Blue", "create": 1}]});
        let problem = read(&content).expect_err("refused");
        let named: Vec<_> = problem.errors.iter().map(|error| error.field.as_str()).collect();
        let expected = [
            "teams[0].create",
            "users[1].id",
            "users[1].name",
            "enrolments[0]",
            "enrolments[0].qualification_id",
            "enrolments[0].user_id",
        ];
        assert_eq!(named, expected);
    }

    #[test]
    fn there_are_only_so_many_rows_and_errors() {
        let row = json!({"id": 1, "name": "Ada"});
        let half = vec![row.clone(); IMPORT_ROWS_MAX / 2];
        assert!(read(&json!({"users": half, "qualifications": half})).is_ok());
        let problem = read(&json!({"users": half, "qualifications": half, "teams": [row]})).expect_err("refused");
        assert_eq!(problem.errors[0].field, "body");
        let bad = vec![json!({}); IMPORT_ROWS_MAX];
        let problem = read(&json!({"users": bad})).expect_err("refused");
        assert_eq!(problem.errors.len(), PROBLEM_ERRORS_MAX);
    }
}
