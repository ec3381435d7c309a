//! The roster of a plan as bodies of `POST /import`: in order of dependency, each within the bounds of one call.

use super::plan::{Plan, Roster};
use bytes::Bytes;
use homeroom_schema::limits::{IMPORT_BODY_BYTES_MAX, IMPORT_ROWS_MAX};

/// The lists of an import, in order of dependency.
const LISTS: [&str; 6] = [
    "qualifications",
    "units",
    "users",
    "teams",
    "team_members",
    "enrolments",
];

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    /// Its idempotency key.
    pub key: String,
    /// Its body.
    pub body: Bytes,
}

/// The calls that bring the roster of a plan into a node.
#[must_use]
pub(super) fn calls(plan: &Plan) -> Vec<Call> {
    let bodies = bodies(&plan.roster, IMPORT_ROWS_MAX, IMPORT_BODY_BYTES_MAX);
    let call = |(number, body): (usize, String)| Call {
        key: format!("replay.{}.roster.{number}", plan.digest),
        body: Bytes::from(body),
    };
    bodies.into_iter().enumerate().map(call).collect()
}

fn bodies(roster: &Roster, rows_max: usize, bytes_max: usize) -> Vec<String> {
    // Room for the names of the lists around the rows.
    let bytes_max = bytes_max - 256;
    let mut bodies = Vec::new();
    let mut lists: [String; 6] = Default::default();
    let (mut rows, mut bytes) = (0, 0);
    for (list, row) in rows_of(roster) {
        if rows == rows_max || bytes + row.len() + 1 > bytes_max {
            bodies.push(body(&mut lists));
            (rows, bytes) = (0, 0);
        }
        rows += 1;
        bytes += row.len() + 1;
        if !lists[list].is_empty() {
            lists[list].push(',');
        }
        lists[list].push_str(&row);
    }
    if rows > 0 {
        bodies.push(body(&mut lists));
    }
    bodies
}

/// Takes the lists that have rows into one object.
fn body(lists: &mut [String; 6]) -> String {
    let mut body = String::with_capacity(lists.iter().map(String::len).sum::<usize>() + 128);
    for (name, list) in LISTS.iter().zip(lists) {
        if !list.is_empty() {
            body.push(if body.is_empty() { '{' } else { ',' });
            body.push_str(&format!(r#""{name}":[{list}]"#));
            list.clear();
        }
    }
    body.push('}');
    body
}

/// Every row with the place of its list.
fn rows_of(roster: &Roster) -> impl Iterator<Item = (usize, String)> + '_ {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let qualifications = roster
        .qualifications
        .iter()
        .map(move |row| (0, format!(r#"{{"id":{},"name":{}}}"#, row.id, quoted(&row.name))));
    let units = roster.units.iter().map(move |row| {
        let title = quoted(&row.title);
        let text = format!(
            r#"{{"id":{},"title":{title},"qualification_id":{}}}"#,
            row.id, row.qualification_id
        );
        (1, text)
    });
    let users = roster.users.iter().map(|row| {
        let (id, title, role) = (row.id, row.role.title(), row.role.name());
        (2, format!(r#"{{"id":{id},"name":"{title} {id}","role":"{role}"}}"#))
    });
    let teams = roster.teams.iter().map(move |row| {
        let mentor = row.mentor_id.map_or("null".to_owned(), |id| id.to_string());
        let name = quoted(&row.name);
        (3, format!(r#"{{"id":{},"name":{name},"mentor_id":{mentor}}}"#, row.id))
    });
    let members = roster
        .team_members
        .iter()
        .map(|(team, user)| (4, format!(r#"{{"team_id":{team},"user_id":{user}}}"#)));
    let enrolments = roster
        .enrolments
        .iter()
        .map(|(qualification, user)| (5, format!(r#"{{"qualification_id":{qualification},"user_id":{user}}}"#)));
    qualifications
        .chain(units)
        .chain(users)
        .chain(teams)
        .chain(members)
        .chain(enrolments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::plan::{Qualification, Role, Team, Unit, User};

    fn roster() -> Roster {
        Roster {
            qualifications: vec![Qualification {
                id: 1,
                name: "a \"b\"".into(),
            }],
            units: vec![Unit {
                id: 2,
                title: "File: x".into(),
                qualification_id: 1,
            }],
            users: (1..=9)
                .map(|id| User {
                    id,
                    role: Role::Student,
                })
                .collect(),
            teams: vec![Team {
                id: 3,
                name: "t".into(),
                mentor_id: None,
            }],
            team_members: vec![(3, 1)],
            enrolments: vec![(1, 1), (1, 2)],
        }
    }

    #[test]
    fn a_small_roster_is_one_call_in_the_contracts_shape() {
        let bodies = bodies(&roster(), 100, 10_000);
        let body: serde_json::Value = serde_json::from_str(&bodies[0]).expect("JSON");
        assert_eq!(bodies.len(), 1);
        assert_eq!(body["qualifications"][0]["name"], "a \"b\"");
        assert_eq!(
            body["users"][8],
            serde_json::json!({"id": 9, "name": "Student 9", "role": "student"})
        );
        assert_eq!(body["teams"][0]["mentor_id"], serde_json::Value::Null);
    }

    #[test]
    fn calls_stay_within_rows_and_bytes_and_lose_nothing() {
        for (rows_max, bytes_max) in [(4, 10_000), (100, 400)] {
            let bodies = bodies(&roster(), rows_max, bytes_max);
            let mut rows = 0;
            for body in &bodies {
                let value: serde_json::Value = serde_json::from_str(body).expect("JSON");
                let count: usize = LISTS
                    .iter()
                    .filter_map(|list| Some(value.get(list)?.as_array()?.len()))
                    .sum();
                assert!(count <= rows_max && body.len() <= bytes_max, "{body}");
                rows += count;
            }
            assert!(bodies.len() > 1);
            assert_eq!(rows, 15);
        }
    }
}
