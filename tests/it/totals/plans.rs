//! The plan of a replay against the books, before anything is sent: roster and every command in order.

use super::books::Books;
use homeroom::replay::load;
use homeroom::replay::plan::{Deed, Plan, Role};
use std::path::Path;

type Wish = (
    i64,
    String,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    String,
);

/// Whether reading a directory gives what the rules say.
pub fn check(books: &Books, directory: &Path) {
    let plan = load(directory).expect("a known shape");
    let sql = "SELECT user, kind, unit, percentage, action, reference, at FROM command ORDER BY nth";
    let wanted: Vec<Wish> = books.rows(sql, [], |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
        ))
    });
    let read = wishes(&plan);
    assert_eq!(read.len(), wanted.len());
    for (read, wanted) in read.iter().zip(&wanted) {
        assert_eq!(read, wanted);
    }
    roster(books, &plan);
}

fn wishes(plan: &Plan) -> Vec<Wish> {
    let wish = |command: &homeroom::replay::plan::Command| {
        let mut fields = String::new();
        command.write_fields(true, &mut fields);
        let at = fields
            .split(r#""occurred_at":""#)
            .nth(1)
            .unwrap()
            .trim_end_matches('"')
            .to_owned();
        let user = command.user_id as i64;
        match command.deed {
            Deed::Progress { unit_id, percentage } => (
                user,
                "progress".into(),
                Some(unit_id as i64),
                Some(i64::from(percentage)),
                None,
                None,
                at,
            ),
            Deed::Earn {
                action, reference_id, ..
            } => (
                user,
                "earn".into(),
                None,
                None,
                Some(action.name().into()),
                Some(reference_id as i64),
                at,
            ),
        }
    };
    plan.commands.iter().map(wish).collect()
}

fn roster(books: &Books, plan: &Plan) {
    let pairs = |sql: &str| {
        books.rows(sql, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })
    };
    let sorted = |pairs: Vec<(u64, Option<u64>)>| {
        let pairs = pairs
            .into_iter()
            .map(|(one, other)| (one as i64, other.map(|other| other as i64)));
        let mut pairs: Vec<(i64, Option<i64>)> = pairs.collect();
        pairs.sort_unstable();
        pairs
    };
    let roster = &plan.roster;
    let units = roster.units.iter().map(|unit| (unit.id, Some(unit.qualification_id)));
    assert_eq!(
        sorted(units.collect()),
        pairs("SELECT id, qualification FROM unit ORDER BY 1")
    );
    let teams = roster.teams.iter().map(|team| (team.id, team.mentor_id));
    assert_eq!(sorted(teams.collect()), pairs("SELECT id, mentor FROM team ORDER BY 1"));
    let members = roster.team_members.iter().map(|(team, user)| (*team, Some(*user)));
    assert_eq!(
        sorted(members.collect()),
        pairs("SELECT team, user FROM member ORDER BY 1, 2")
    );
    let enrolments = roster
        .enrolments
        .iter()
        .map(|(qualification, user)| (*qualification, Some(*user)));
    let sql = "SELECT qualification, user FROM enrolment ORDER BY 1, 2";
    assert_eq!(sorted(enrolments.collect()), pairs(sql));
    let students = roster.users.iter().filter(|user| user.role == Role::Student);
    let students = students.map(|user| (user.id, None)).collect();
    assert_eq!(sorted(students), pairs("SELECT user, NULL FROM student ORDER BY 1"));
    let mentors = roster.users.iter().filter(|user| user.role == Role::Mentor);
    let mentors = mentors.map(|user| (user.id, None)).collect();
    let sql = "SELECT DISTINCT mentor, NULL FROM team WHERE mentor IS NOT NULL ORDER BY 1";
    assert_eq!(sorted(mentors), pairs(sql));
}
