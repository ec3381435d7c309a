//! A class and its courses: the shipped sample, and then the sample again as further courses of the same people, so that
//! there is always something to do.

use crate::client::Client;
use crate::replay::plan::{Command, Deed, Plan, Role, Shape};
use crate::replay::{ReplayError, bring_roster, sample};

/// Between the units of two courses; more than any unit of the sample, and not a reference of its grades.
const UNITS_APART: u64 = 1_000_000_000;
/// Between the qualifications of two courses.
const QUALIFICATIONS_APART: u64 = 1_000;

/// People, and what they are going to do.
pub(super) struct Course {
    plan: Plan,
}

impl Course {
    /// The course of a number, from 0.
    pub(super) fn new(number: u64) -> Result<Self, ReplayError> {
        let mut plan = sample::plan(Shape::Moodle)?;
        let (units, qualifications) = (number * UNITS_APART, number * QUALIFICATIONS_APART);
        let roster = &mut plan.roster;
        for qualification in &mut roster.qualifications {
            qualification.id += qualifications;
            if number > 0 {
                qualification.name = format!("{} ({})", qualification.name, number + 1);
            }
        }
        for unit in &mut roster.units {
            unit.id += units;
            unit.qualification_id += qualifications;
        }
        roster
            .enrolments
            .iter_mut()
            .for_each(|(qualification, _)| *qualification += qualifications);
        for command in &mut plan.commands {
            match &mut command.deed {
                Deed::Progress { unit_id, .. } => *unit_id += units,
                Deed::Earn { reference_id, .. } => *reference_id += units,
            }
        }
        plan.digest = format!("demo.{number}.{}", plan.digest);
        Ok(Self { plan })
    }

    /// Brings people, teams and units into the node.
    pub(super) async fn bring(&self, admin: &Client) -> Result<(), ReplayError> {
        bring_roster(&self.plan, admin).await
    }

    /// The students.
    pub(super) fn students(&self) -> impl Iterator<Item = u64> + '_ {
        let students = self.plan.roster.users.iter();
        students.filter(|user| user.role == Role::Student).map(|user| user.id)
    }

    /// What they do, in order.
    pub(super) fn commands(&self) -> &[Command] {
        &self.plan.commands
    }

    /// The idempotency key of a command.
    pub(super) fn key(&self, command: &Command) -> String {
        let mut key = String::new();
        command.write_key(&self.plan.digest, &mut key);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn courses_share_people_but_no_units_references_or_keys() {
        let [one, other] = [0, 1].map(|number| Course::new(number).expect("a sample"));
        assert_eq!(one.plan.roster.users, other.plan.roster.users);
        assert_eq!(one.plan.roster.teams, other.plan.roster.teams);
        let units = |course: &Course| {
            course
                .plan
                .roster
                .units
                .iter()
                .map(|unit| unit.id)
                .collect::<HashSet<_>>()
        };
        let deeds = |course: &Course| {
            let references = course.plan.commands.iter().map(|command| match command.deed {
                Deed::Progress { unit_id, .. } => unit_id,
                Deed::Earn { reference_id, .. } => reference_id,
            });
            references.collect::<HashSet<_>>()
        };
        assert!(units(&one).is_disjoint(&units(&other)) && deeds(&one).is_disjoint(&deeds(&other)));
        assert_ne!(one.key(&one.commands()[0]), other.key(&other.commands()[0]));
    }
}
