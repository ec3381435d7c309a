//! The people of a run: so many students in teams, brought in by the roster's own import.

use super::BenchError;
use super::target::Target;
use homeroom_schema::limits;
use serde_json::{Value, json};

/// Units of the one course that all are enrolled in.
pub(super) const UNITS: u64 = 200;
/// Skills that the units train.
const SKILLS: u64 = 20;
/// With memberships, enrolments and teams below the rows that one import may have.
const STUDENTS_AN_IMPORT: u64 = limits::IMPORT_ROWS_MAX as u64 / 5;

/// Students with ids from the target's first id on, everyone enrolled and in a team.
#[derive(Debug, Clone, Copy)]
pub(super) struct School {
    /// Ids begin behind this.
    pub(super) ids: u64,
    pub(super) students: u64,
    pub(super) team_size: u64,
}

impl School {
    /// Brings the school into the node.
    pub(super) async fn bring(target: &Target, students: u64, team_size: u64) -> Result<Self, BenchError> {
        let school = Self {
            ids: target.ids,
            students,
            team_size,
        };
        let client = target.client()?;
        client.import(school.catalogue().to_string().into(), None).await?;
        for first in (0..students).step_by(STUDENTS_AN_IMPORT as usize) {
            let part = first..students.min(first + STUDENTS_AN_IMPORT);
            client.import(school.people(part).to_string().into(), None).await?;
        }
        Ok(school)
    }

    /// The id of a student, by number from 0.
    pub(super) fn student(&self, number: u64) -> u64 {
        self.ids + 1 + number % self.students
    }

    /// The id of that student's team.
    pub(super) fn team(&self, number: u64) -> u64 {
        self.ids + 1 + number % self.students / self.team_size
    }

    /// The id of a unit, by number from 0.
    pub(super) fn unit(&self, number: u64) -> u64 {
        self.ids + 1 + number % UNITS
    }

    fn catalogue(&self) -> Value {
        let course = self.ids + 1;
        let units = (0..UNITS).map(|number| {
            let skill = format!("skill-{}", number % SKILLS);
            json!({"id": self.unit(number), "title": format!("Unit {number}"), "qualification_id": course, "skills": [skill]})
        });
        json!({"qualifications": [{"id": course, "name": "Load"}], "units": units.collect::<Value>()})
    }

    fn people(&self, numbers: std::ops::Range<u64>) -> Value {
        let rows = |row: &dyn Fn(u64) -> Value| numbers.clone().map(row).collect::<Value>();
        let teams = numbers.start / self.team_size..=(numbers.end - 1) / self.team_size;
        let teams = teams.map(|number| json!({"id": self.ids + 1 + number, "name": format!("Load team {number}")}));
        json!({
            "users": rows(&|number| json!({"id": self.student(number), "name": format!("Load student {number}"), "alias": format!("Otter {number}")})),
            "teams": teams.collect::<Value>(),
            "team_members": rows(&|number| json!({"team_id": self.team(number), "user_id": self.student(number)})),
            "enrolments": rows(&|number| json!({"qualification_id": self.ids + 1, "user_id": self.student(number)})),
        })
    }
}
