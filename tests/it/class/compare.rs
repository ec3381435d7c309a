//! The node against the figures of the script.

use crate::support::{Client, Node, whole_ledger};
use serde_json::{Map, Value};

/// All that the figures say.
pub async fn everything(node: &Node, figures: &Value) {
    let admin = node.admin();
    for (user, wanted) in object(&figures["learners"]) {
        learner(&admin, user, wanted).await;
        ledger(&admin, user, wanted).await;
    }
    for (board, wanted) in object(&figures["boards"]) {
        if let (name, "all") = board.split_once(' ').unwrap() {
            rows(&admin, name, wanted).await;
        }
    }
    for (team, wanted) in object(&figures["teams"]) {
        performance(&admin, team, wanted).await;
    }
}

fn object(value: &Value) -> &Map<String, Value> {
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

async fn rows(admin: &Client, board: &str, wanted: &Value) {
    let shown = admin
        .get(&format!("/leaderboards/{board}?limit=1000"))
        .await
        .expect(200);
    let (shown, wanted) = (shown["entries"].as_array().unwrap(), wanted.as_array().unwrap());
    assert_eq!(shown.len(), wanted.len(), "{board}");
    for (row, wanted) in shown.iter().zip(wanted) {
        let what = format!("{board}: {row} is not {wanted}");
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
    let members = shown["members"].as_array().unwrap();
    assert_eq!(members.len(), object(&wanted["members"]).len(), "{team}");
    for member in members {
        let of = &wanted["members"][member["user_id"].to_string()];
        same(&member["points"], &of[0], team);
        same(&member["completion_percentage"], &of[1], team);
    }
}
