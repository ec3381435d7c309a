//! A class: the shipped sample with its own people, so that every class starts from nothing on the same units.

use crate::client::Client;
use crate::replay::plan::{Command, Plan, Role, Shape};
use crate::replay::{ReplayError, bring_roster, sample};

/// Between the people of two classes; more than any id of the sample.
const PEOPLE_APART: u64 = 1_000_000;

/// People, and what they are going to do.
pub(super) struct Class {
    plan: Plan,
}

impl Class {
    /// The class of a number, from 0.
    pub(super) fn new(number: u64) -> Result<Self, ReplayError> {
        let mut plan = sample::plan(Shape::Moodle)?;
        let apart = number * PEOPLE_APART;
        let roster = &mut plan.roster;
        roster.users.iter_mut().for_each(|user| user.id += apart);
        for team in &mut roster.teams {
            team.id += apart;
            team.mentor_id = team.mentor_id.map(|id| id + apart);
            if number > 0 {
                team.name = format!("{} ({})", team.name, number + 1);
            }
        }
        for (team, user) in &mut roster.team_members {
            *team += apart;
            *user += apart;
        }
        roster.enrolments.iter_mut().for_each(|(_, user)| *user += apart);
        plan.commands.iter_mut().for_each(|command| command.user_id += apart);
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
    fn classes_share_units_but_no_people_teams_or_keys() {
        let [one, other] = [0, 1].map(|number| Class::new(number).expect("a sample"));
        let people = |class: &Class| {
            class
                .plan
                .roster
                .users
                .iter()
                .map(|user| user.id)
                .collect::<HashSet<_>>()
        };
        let teams = |class: &Class| {
            class
                .plan
                .roster
                .teams
                .iter()
                .map(|team| team.id)
                .collect::<HashSet<_>>()
        };
        assert!(people(&one).is_disjoint(&people(&other)) && teams(&one).is_disjoint(&teams(&other)));
        assert_eq!(one.plan.roster.units, other.plan.roster.units);
        assert_ne!(one.key(&one.commands()[0]), other.key(&other.commands()[0]));
        assert!(other.students().all(|student| student > PEOPLE_APART));
    }
}
