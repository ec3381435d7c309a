//! Rosters for tests: a class with a team, a mentor, a qualification with units, and names that are easy to find in bytes.

use super::{Client, Node};
use serde_json::{Value, json};

/// A class: students 1 to N in one team with one mentor, enrolled in one qualification with four units.
#[derive(Debug, Clone)]
pub struct Class {
    /// Students, rising.
    pub students: Vec<u64>,
    /// Their team.
    pub team_id: u64,
    /// The team's mentor.
    pub mentor_id: u64,
    /// Their qualification.
    pub qualification_id: u64,
    /// Its units, rising. They train "fractions" (the first two) and "algebra" (the others).
    pub units: Vec<u64>,
}

impl Class {
    /// How a student's real name begins: no peer and no projector may ever see these bytes.
    pub const REAL: &'static str = "Realname Zq7x";
    /// How an alias begins.
    pub const ALIAS: &'static str = "Alias";

    /// A class of `students` on a fresh node: ids from 1, mentor 900, team 10, qualification 20, units 101 to 104.
    pub async fn of(node: &Node, students: u64) -> Self {
        Self::import(&node.admin(), 0, students).await
    }

    /// The class number `number` (from 0) beside others: ids moved by 1000 times that number.
    pub async fn import(admin: &Client, number: u64, students: u64) -> Self {
        assert!(students < 900, "ids of students end below the mentor's");
        let base = number * 1000;
        let class = Self {
            students: (base + 1..=base + students).collect(),
            team_id: base + 10,
            mentor_id: base + 900,
            qualification_id: base + 20,
            units: (base + 101..=base + 104).collect(),
        };
        admin.post("/import", class.rows()).await.ok();
        class
    }

    /// The class as rows of `/import`.
    pub fn rows(&self) -> Value {
        let mut users: Vec<Value> = self
            .students
            .iter()
            .map(|id| json!({"id": id, "name": Self::real_name(*id), "alias": Self::alias(*id)}))
            .collect();
        users.push(json!({"id": self.mentor_id, "name": Self::real_name(self.mentor_id), "role": "mentor"}));
        let units: Vec<Value> = self
            .units
            .iter()
            .enumerate()
            .map(|(place, id)| {
                let skill = if place < 2 { "fractions" } else { "algebra" };
                json!({"id": id, "title": format!("Unit {id}"), "qualification_id": self.qualification_id, "skills": [skill]})
            })
            .collect();
        let (team_id, qualification_id) = (self.team_id, self.qualification_id);
        let members: Vec<Value> = self
            .students
            .iter()
            .map(|id| json!({"team_id": team_id, "user_id": id}))
            .collect();
        let enrolments: Vec<Value> = self
            .students
            .iter()
            .map(|id| json!({"qualification_id": qualification_id, "user_id": id}))
            .collect();
        json!({
            "qualifications": [{"id": qualification_id, "name": format!("Qualification {qualification_id}")}],
            "units": units,
            "users": users,
            "teams": [{"id": team_id, "name": format!("Team {team_id}"), "mentor_id": self.mentor_id}],
            "team_members": members,
            "enrolments": enrolments,
        })
    }

    /// The real name of a person made here.
    pub fn real_name(id: u64) -> String {
        format!("{} {id}", Self::REAL)
    }

    /// The alias of a student made here.
    pub fn alias(id: u64) -> String {
        format!("{} {id}", Self::ALIAS)
    }
}

/// Fields of `POST /points/earn`.
pub fn earn(user_id: u64, action_type: &str, reference_id: u64) -> Value {
    json!({"user_id": user_id, "action_type": action_type, "reference_id": reference_id})
}
