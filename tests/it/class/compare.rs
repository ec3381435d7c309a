//! The node against the figures of the script.

use super::analytics;
use crate::support::{Client, Node, whole_ledger};
use serde_json::{Map, Value};

/// All that the figures say.
pub async fn everything(node: &Node, figures: &Value) {
    standings(node, figures).await;
    let admin = node.admin();
    for (user, wanted) in object(&figures["learners"]) {
        ledger(&admin, user, wanted).await;
    }
    for (scope, wanted) in object(&figures["analytics"]) {
        analytics::everything(&admin, scope, figures["first_day"].as_str().unwrap(), wanted).await;
    }
}

/// How learners, boards and teams stand, whatever is still known of the way there.
pub async fn standings(node: &Node, figures: &Value) {
    let admin = node.admin();
    for (user, wanted) in object(&figures["learners"]) {
        learner(&admin, user, wanted).await;
        achievements(&admin, user, wanted).await;
    }
    for (board, wanted) in object(&figures["boards"]) {
        let (name, period) = board.split_once(' ').unwrap();
        rows(&admin, name, period, wanted).await;
        if period == "all" {
            // Without a season in the rules the season is everything.
            rows(&admin, name, "season", wanted).await;
        }
    }
    for (team, wanted) in object(&figures["teams"]) {
        performance(&admin, team, wanted).await;
    }
}

pub fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

/// Equal, numbers up to rounding.
#[track_caller]
pub fn same(shown: &Value, wanted: &Value, what: &str) {
    match (shown.as_f64(), wanted.as_f64()) {
        (Some(shown), Some(wanted)) => assert!((shown - wanted).abs() < 1e-9, "{what}: {shown} is not {wanted}"),
        _ => assert_eq!(shown, wanted, "{what}"),
    }
}

/// Awards by hand happen when they are sent, which the script writes as four minutes past midnight.
#[track_caller]
fn same_moment(shown: &Value, wanted: &Value, what: &str) {
    match wanted.as_str() {
        Some(wanted) if wanted.ends_with("T00:04:00.000Z") => assert!(shown.is_string(), "{what}: {shown}"),
        _ => assert_eq!(shown, wanted, "{what}"),
    }
}

async fn learner(admin: &Client, user: &str, wanted: &Value) {
    let shown = admin.get(&format!("/progress/{user}")).await.expect(200);
    same(&shown["points"]["total"], &wanted["total"], user);
    same(&shown["points"]["level"], &wanted["level"], user);
    let units = shown["units"].as_array().unwrap();
    assert_eq!(units.len(), object(&wanted["units"]).len(), "{user}");
    for unit in units {
        let of = &wanted["units"][unit["unit_id"].to_string()];
        same(&unit["progress_percentage"], &of[0], user);
        assert_eq!(unit["completed_at"], of[1], "{user} {unit}");
    }
    for field in ["units_completed", "units_total"] {
        same(&shown[field], &wanted[field], user);
    }
    let courses = shown["qualifications"].as_array().unwrap();
    assert_eq!(courses.len(), object(&wanted["qualifications"]).len(), "{user}");
    for course in courses {
        let of = &wanted["qualifications"][course["qualification_id"].to_string()];
        same(&course["units_completed"], &of[0], user);
        same(&course["units_total"], &of[1], user);
    }
    skills(&shown["skills"], &wanted["skills"], user);
}

fn skills(shown: &Value, wanted: &Value, what: &str) {
    let shown = shown.as_array().unwrap();
    assert_eq!(shown.len(), object(wanted).len(), "{what}");
    for skill in shown {
        let name = skill["skill"].as_str().unwrap();
        same(&skill["mastery"], &wanted[name], &format!("{what} {name}"));
    }
}

/// What each criterion stands at, and when each tier was earned.
async fn achievements(admin: &Client, user: &str, wanted: &Value) {
    let shown = admin.get(&format!("/achievements/{user}")).await.expect(200);
    for tier in shown["achievements"].as_array().unwrap() {
        let kind = tier["achievement_type"].as_str().unwrap();
        for criterion in tier["criteria"].as_array().unwrap() {
            let key = criterion["key"].as_str().unwrap();
            let what = format!("{user} {kind} {key}");
            same(&criterion["current"], &wanted["criteria"][kind][key], &what);
        }
        let earned = &wanted["earned"][kind][tier["tier"].as_str().unwrap()];
        same_moment(&tier["earned_at"], earned, &format!("{user} {tier}"));
    }
}

/// Every entry is there, and their sum is the total.
async fn ledger(admin: &Client, user: &str, wanted: &Value) {
    let entries = whole_ledger(admin, user.parse().unwrap()).await;
    let refusals = entries.iter().filter(|entry| entry["kind"] == "refusal").count();
    assert_eq!(wanted["refusals"], refusals, "{user}");
    assert_eq!(wanted["entries"], entries.len() - refusals, "{user}");
    let sum: i64 = entries.iter().map(|entry| entry["points"].as_i64().unwrap()).sum();
    assert_eq!(wanted["total"], sum, "{user}");
}

async fn rows(admin: &Client, board: &str, period: &str, wanted: &Value) {
    let shown = admin
        .get(&format!("/leaderboards/{board}?period={period}&limit=1000"))
        .await
        .expect(200);
    let (shown, wanted) = (shown["entries"].as_array().unwrap(), wanted.as_array().unwrap());
    assert_eq!(shown.len(), wanted.len(), "{board} {period}");
    for (row, wanted) in shown.iter().zip(wanted) {
        let what = format!("{board} {period}: {row} is not {wanted}");
        let id = if row["user_id"].is_null() {
            &row["team_id"]
        } else {
            &row["user_id"]
        };
        assert_eq!(
            (&row["rank"], id, &row["points"]),
            (&wanted[0], &wanted[1], &wanted[2]),
            "{what}"
        );
        same_moment(&row["reached_at"], &wanted[3], &what);
    }
}

async fn performance(admin: &Client, team: &str, wanted: &Value) {
    let shown = admin.get(&format!("/team/{team}/performance")).await.expect(200);
    for field in ["sum", "mean", "adjusted"] {
        same(&shown["points"][field], &wanted[field], team);
    }
    for field in ["mean_completion_percentage", "units_completed"] {
        same(&shown["progress"][field], &wanted[field], team);
    }
    same(&shown["achievements"], &wanted["achievements"], team);
    skills(&shown["skills"], &wanted["skills"], team);
    let members = shown["members"].as_array().unwrap();
    assert_eq!(members.len(), object(&wanted["members"]).len(), "{team}");
    for member in members {
        let of = &wanted["members"][member["user_id"].to_string()];
        same(&member["points"], &of[0], team);
        same(&member["completion_percentage"], &of[1], team);
    }
}
