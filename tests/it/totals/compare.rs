//! The node against the books.

use super::books::Books;
use crate::support::{Client, Node};
use homeroom::replay::Report;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Learners whose progress is compared unit by unit; boards that are compared besides the large ones.
const LEARNERS_MAX: i64 = 150;
const BOARDS_MAX: i64 = 40;

/// What the replay said it did.
pub fn report(books: &Books, report: &Report) {
    assert_eq!(report.commands as i64, books.number("SELECT count(*) FROM command", []));
    let progress = books.number("SELECT count(*) FROM command WHERE kind = 'progress'", []);
    assert_eq!(report.sent["progress"] as i64, progress);
    let sql = "SELECT action, count(*), sum(points) FROM award GROUP BY action";
    let actions = books.rows(sql, [], |row| {
        Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?)))
    });
    let wanted: BTreeMap<String, (i64, i64)> = actions.into_iter().collect();
    let told = report.actions.iter().filter(|(_, totals)| totals.awards > 0);
    let told: BTreeMap<String, (i64, i64)> = told
        .map(|(name, of)| ((*name).into(), (of.awards as i64, of.points as i64)))
        .collect();
    assert_eq!(told, wanted);
    let repeated = books.number("SELECT count(*) FROM command WHERE kind = 'earn'", []) - report.awards as i64;
    assert_eq!(
        report.refusals.get("already_awarded").copied().unwrap_or(0) as i64,
        repeated,
        "{:?}",
        report.refusals
    );
}

/// Everything that the node shows.
pub async fn node(books: &Books, node: &Node) {
    let admin = node.admin();
    let mut boards = vec!["all".to_owned(), "teams".to_owned()];
    boards.extend(books.column::<String>("SELECT 'qualification:' || id FROM qualification ORDER BY id", []));
    let sql = "SELECT 'team:' || id FROM team t ORDER BY (SELECT count(*) FROM member WHERE team = id) DESC, id";
    boards.extend(books.column::<String>(sql, []));
    boards.truncate(BOARDS_MAX as usize);
    for name in &boards {
        board(books, &admin, name).await;
    }
    let sql = "SELECT user FROM (SELECT *, row_number() OVER (ORDER BY points DESC, user) AS place, count(*) OVER () AS count FROM total)
               WHERE place <= ?1 / 3 OR place % max(1, count * 3 / ?1 / 2) = 0 ORDER BY user LIMIT ?1";
    for user in books.column::<i64>(sql, [LEARNERS_MAX]) {
        learner(books, &admin, user).await;
        achievements(books, &admin, user).await;
    }
    for team in books.column::<i64>("SELECT id FROM team ORDER BY id LIMIT ?1", [BOARDS_MAX]) {
        performance(books, &admin, team).await;
    }
}

type Row = (i64, i64, i64, Option<String>);

/// Every row of a board: rank, id, points and when they were reached, in order.
async fn board(books: &Books, admin: &Client, name: &str) {
    let sql = "SELECT rank, id, points, reached_at FROM board WHERE board = ?1 ORDER BY place";
    let wanted: Vec<Row> = books.rows(sql, [name], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    let mut shown: Vec<Row> = Vec::new();
    let mut path = format!("/leaderboards/{name}?limit=1000");
    loop {
        let page = admin.get(&path).await.expect(200);
        assert_eq!(page["total"], wanted.len(), "{name}");
        let id = |row: &Value| row["user_id"].as_i64().or_else(|| row["team_id"].as_i64()).unwrap();
        let reached_at = |row: &Value| row["reached_at"].as_str().map(str::to_owned);
        let number = |row: &Value, field: &str| row[field].as_i64().unwrap();
        let entries = page["entries"].as_array().unwrap().iter();
        shown.extend(entries.map(|row| (number(row, "rank"), id(row), number(row, "points"), reached_at(row))));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/leaderboards/{name}?limit=1000&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(shown.len(), wanted.len(), "{name}");
    for (shown, wanted) in shown.iter().zip(&wanted) {
        assert_eq!(shown, wanted, "{name}");
    }
}

/// One learner: total, every unit touched, completion as a whole and by qualification.
async fn learner(books: &Books, admin: &Client, user: i64) {
    let shown = admin.get(&format!("/progress/{user}")).await.expect(200);
    let total = books.number("SELECT points FROM total WHERE user = ?1", [user]);
    assert_eq!(shown["points"]["total"], total, "{user}");
    type Touched = (i64, String, Option<String>);
    let sql = "SELECT unit, percentage, completed_at, last_at FROM progress WHERE user = ?1";
    let touched = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(3)?, row.get(2)?)));
    let wanted: BTreeMap<i64, Touched> = books.rows(sql, [user], touched).into_iter().collect();
    let units = shown["units"].as_array().unwrap();
    assert_eq!(units.len(), wanted.len(), "{user}: {units:?}");
    for unit in units {
        let id = unit["unit_id"].as_i64().unwrap();
        let (percentage, last_at, completed_at) = &wanted[&id];
        assert_eq!(unit["progress_percentage"], *percentage, "{user} {id}");
        assert_eq!(unit["completed_at"].as_str(), completed_at.as_deref(), "{user} {id}");
        // Touches are kept once a minute, so the node may lag by less than that.
        let age = books.number(
            "SELECT CAST(round((julianday(?1) - julianday(?2)) * 86400) AS INTEGER)",
            [last_at.as_str(), unit["last_accessed"].as_str().unwrap()],
        );
        assert!(age < 60, "{user} {id}: {last_at} {unit}");
    }
    let sql =
        "SELECT qualification, units_completed, units_total FROM completion WHERE user = ?1 ORDER BY qualification";
    let wanted = books.rows(sql, [user], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let number = |value: &Value, field: &str| value[field].as_i64().unwrap();
    let mut courses: Vec<(i64, i64, i64)> = Vec::new();
    for course in shown["qualifications"].as_array().unwrap() {
        let (completed, all) = (number(course, "units_completed"), number(course, "units_total"));
        courses.push((number(course, "qualification_id"), completed, all));
        check_percentage(&course["completion_percentage"], completed, all, user);
    }
    courses.sort_unstable();
    assert_eq!(courses, wanted, "{user}");
    let (completed, all) = wanted
        .iter()
        .fold((0, 0), |sum, course| (sum.0 + course.1, sum.1 + course.2));
    assert_eq!(
        (number(&shown, "units_completed"), number(&shown, "units_total")),
        (completed, all),
        "{user}"
    );
    check_percentage(&shown["completion_percentage"], completed, all, user);
}

#[track_caller]
fn check_percentage(shown: &Value, completed: i64, all: i64, user: i64) {
    let wanted = if all == 0 {
        0.0
    } else {
        100.0 * completed as f64 / all as f64
    };
    assert!(
        (shown.as_f64().unwrap() - wanted).abs() < 1e-9,
        "{user}: {shown} is not {wanted}"
    );
}

/// Every criterion of every achievement. The data has no quality, duration, rating or team achievement, and each type asks for
/// one of them: nobody earns any.
async fn achievements(books: &Books, admin: &Client, user: i64) {
    let sql = "SELECT criterion, CAST(current AS REAL) FROM criterion WHERE user = ?1";
    let wanted = books.rows(sql, [user], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?)));
    let mut wanted: BTreeMap<String, f64> = wanted.into_iter().collect();
    let mean = books.column::<f64>("SELECT mean FROM best_team WHERE user = ?1", [user]);
    let success = mean.first().map_or(0, |mean| level(*mean));
    wanted.insert("team_success".into(), f64::from(success));
    let most_used = books.column::<f64>("SELECT uses FROM most_used WHERE user = ?1", [user]);
    let most_used = most_used.first().copied().unwrap_or(0.0);
    let shown = admin.get(&format!("/achievements/{user}")).await.expect(200);
    let tiers = shown["achievements"].as_array().unwrap();
    assert_eq!(tiers.len(), 4 * 3, "{user}");
    for tier in tiers {
        assert!(tier["earned_at"].is_null(), "{user} {tier}");
        let criteria = tier["criteria"].as_array().unwrap();
        assert_eq!(criteria.len(), 3, "{user} {tier}");
        for criterion in criteria {
            let key = criterion["key"].as_str().unwrap();
            if key == "usage_by_others" {
                let uses = criterion["current"].as_f64().unwrap();
                assert!((0.0..=most_used).contains(&uses), "{user}: {uses} of {most_used}");
                continue;
            }
            let current = wanted.get(key).copied().unwrap_or(0.0);
            same(&criterion["current"], current, &format!("{user} {criterion}"));
        }
    }
}

/// Level n begins at 125 (n - 1) n points.
fn level(points: f64) -> u32 {
    let begins = |level: &u32| f64::from(125 * (level - 1) * level) <= points;
    (1..=100).take_while(begins).last().unwrap_or(1)
}

#[track_caller]
fn same(shown: &Value, wanted: f64, what: &str) {
    let shown = shown.as_f64().unwrap();
    assert!((shown - wanted).abs() < 1e-9, "{what}: {shown} is not {wanted}");
}

/// One team: its points in every way, progress and rank, each course, and its members with points and completion.
async fn performance(books: &Books, admin: &Client, team: i64) {
    let shown = admin.get(&format!("/team/{team}/performance")).await.expect(200);
    let mentor: Option<i64> = books.column::<Option<i64>>("SELECT mentor FROM team WHERE id = ?1", [team])[0];
    assert_eq!(shown["mentor_id"].as_i64(), mentor, "{team}");
    let sum = books.number("SELECT points FROM board WHERE board = 'teams' AND id = ?1", [team]);
    assert_eq!(shown["points"]["sum"], sum, "{team}");
    whole(books, &shown, team);
    let sql = "SELECT user, points, (SELECT sum(units_completed) FROM completion c WHERE c.user = m.user),
               (SELECT sum(units_total) FROM completion c WHERE c.user = m.user)
               FROM member m JOIN total USING (user) WHERE team = ?1 ORDER BY user";
    let wanted = books.rows(sql, [team], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, i64>(3)?,
        ))
    });
    let mut members = shown["members"].as_array().unwrap().clone();
    members.sort_by_key(|member| member["user_id"].as_i64());
    assert_eq!(members.len(), wanted.len(), "{team}");
    for (member, (user, points, completed, all)) in members.iter().zip(wanted) {
        assert_eq!(
            (&member["user_id"], &member["points"]),
            (&user.into(), &points.into()),
            "{team}"
        );
        check_percentage(&member["completion_percentage"], completed, all, user);
    }
}

/// What a team shows of itself, beside its members.
fn whole(books: &Books, shown: &Value, team: i64) {
    let sql = "SELECT points, members, completion, units_completed FROM team_total WHERE team = ?1";
    let totals = books.rows(sql, [team], |row| {
        let numbers: (f64, f64) = (row.get(0)?, row.get(1)?);
        Ok((numbers.0, numbers.1, row.get::<_, f64>(2)?, row.get::<_, f64>(3)?))
    });
    let (points, members, completion, units) = totals.first().copied().unwrap_or((0.0, 1.0, 0.0, 0.0));
    let what = format!("team {team}");
    same(&shown["points"]["mean"], points / members, &what);
    same(&shown["points"]["adjusted"], points / members.sqrt(), &what);
    let progress = &shown["progress"];
    same(&progress["mean_completion_percentage"], completion, &what);
    same(&progress["units_completed"], units, &what);
    assert_eq!(
        (&shown["achievements"], &shown["skills"]),
        (&json!(0), &json!([])),
        "{what}"
    );
    if !totals.is_empty() {
        let rank = books.number("SELECT rank FROM board WHERE board = 'teams' AND id = ?1", [team]);
        assert_eq!(shown["rank"], rank, "{what}");
    }
    let sql = "SELECT qualification, count(*), sum(units_completed = units_total AND units_total > 0),
               avg(100.0 * units_completed / max(units_total, 1))
               FROM member JOIN completion USING (user) WHERE team = ?1 GROUP BY qualification ORDER BY qualification";
    let wanted = books.rows(sql, [team], |row| {
        let counts: (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((counts, row.get::<_, f64>(3)?))
    });
    let courses = shown["course_completion"].as_array().unwrap();
    assert_eq!(courses.len(), wanted.len(), "{what}");
    for (course, ((id, learners, completed), percentage)) in courses.iter().zip(wanted) {
        assert_eq!(
            (
                &course["qualification_id"],
                &course["learners"],
                &course["learners_completed"]
            ),
            (&json!(id), &json!(learners), &json!(completed)),
            "{what}"
        );
        same(&course["completion_percentage"], percentage, &what);
    }
}
