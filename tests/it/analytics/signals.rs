//! Signals of a team: who is stuck, silent or nearly there, and why.

use crate::support::{Class, Node};
use serde_json::{Value, json};

const DAY: i64 = 24 * 3_600_000;

fn days_ago(days: i64) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = i64::try_from(now.as_millis()).unwrap();
    homeroom::wire::time(homeroom_schema::TimeMs(now - days * DAY - 60_000))
}

fn progress(user_id: u64, unit_id: u64, percentage: u8, days: i64) -> Value {
    json!({"kind": "progress", "user_id": user_id, "unit_id": unit_id, "progress_percentage": percentage, "occurred_at": days_ago(days)})
}

fn quiz(user_id: u64, reference: u64, unit_id: u64, score: f64, days: i64) -> Value {
    json!({"kind": "points", "user_id": user_id, "action_type": "complete_quiz", "reference_id": reference, "unit_id": unit_id,
           "evidence": {"score": score}, "occurred_at": days_ago(days)})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mentor_sees_who_is_stuck_silent_and_nearly_there_with_the_reason() {
    let node = Node::start().await;
    let mut rows = Class::of(&node, 0).await.rows();
    rows["users"] = (1..=8)
        .map(|id| json!({"id": id, "name": Class::real_name(id)}))
        .collect();
    rows["team_members"] = (1..=8).map(|id| json!({"team_id": 10, "user_id": id})).collect();
    rows["enrolments"] = (1..=8)
        .map(|id| json!({"qualification_id": 20, "user_id": id}))
        .collect();
    // Five units: four of them are 80 percent.
    let unit =
        |id: u64| json!({"id": id, "title": format!("Unit {id}"), "qualification_id": 20, "skills": ["fractions"]});
    rows["units"] = (101..=105).map(unit).collect();
    let admin = node.admin();
    admin.post("/import", rows).await.ok();
    let mut events = vec![
        // 1 is stuck in two units, begun 12 and 8 days ago; 2 began one 6 days ago.
        progress(1, 102, 30, 12),
        progress(1, 101, 30, 8),
        progress(1, 101, 40, 1),
        progress(2, 101, 30, 6),
        // 3 failed twice in one unit; 4 failed twice, but passed in between; 5 failed in two units of one skill.
        quiz(3, 1, 101, 0.5, 3),
        quiz(3, 2, 101, 0.59, 2),
        quiz(4, 1, 101, 0.5, 3),
        quiz(4, 2, 101, 0.6, 2),
        quiz(4, 3, 101, 0.1, 1),
        quiz(5, 1, 101, 0.2, 3),
        quiz(5, 2, 102, 0.2, 2),
        // 6 did something 8 days ago, begun long before; 8 did nothing ever, but joined today.
        progress(6, 101, 30, 20),
        progress(6, 101, 31, 8),
    ];
    events.extend((101..=104).map(|unit| progress(7, unit, 100, 2)));
    let results = admin.post("/events", json!({"events": events})).await.expect(200);
    for result in results["results"].as_array().unwrap() {
        assert!(result["status"].as_u64().unwrap() < 300, "{result}");
    }
    let mentor = node.mentor(900).await;
    let found = mentor.get("/team/10/signals").await.expect(200);
    let signals = found["signals"].as_array().unwrap();
    let shown: Vec<_> = signals
        .iter()
        .map(|signal| {
            (
                signal["user_id"].as_u64().unwrap(),
                signal["kind"].as_str().unwrap(),
                signal["reason"].as_str().unwrap(),
            )
        })
        .filter(|(_, _, reason)| *reason != "achievement_nearly_earned")
        .collect();
    assert_eq!(
        shown,
        [
            (1, "stuck", "unit_not_completed"),
            (3, "stuck", "quizzes_failed"),
            (5, "stuck", "quizzes_failed"),
            (6, "silent", "no_activity"),
            (7, "nearly_there", "qualification_nearly_complete"),
        ]
    );
    let of = |user: u64| signals.iter().find(|signal| signal["user_id"] == user).unwrap();
    assert_eq!(
        (&of(1)["unit_id"], &of(1)["units"], &of(1)["days"]),
        (&json!(102), &json!(2), &json!(12))
    );
    assert_eq!((&of(3)["unit_id"], &of(3)["quizzes_failed"]), (&json!(101), &json!(2)));
    assert_eq!(
        (&of(5)["skill"], &of(5)["quizzes_failed"]),
        (&json!("fractions"), &json!(2))
    );
    assert_eq!(
        (&of(6)["days"], &of(6)["name"]),
        (&json!(8), &json!(Class::real_name(6)))
    );
    assert_eq!(
        (&of(7)["units_completed"], &of(7)["units_total"]),
        (&json!(4), &json!(5))
    );

    let page = mentor.get("/team/10/signals?limit=2").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = mentor
        .get(&format!("/team/10/signals?limit=2&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(next["signals"][0], signals[2]);
    // What was taken back is no failure any more.
    let award = admin.get("/points/3").await.expect(200)["items"][0]["event_id"].clone();
    admin
        .post(&format!("/points/{award}/reverse"), json!({"reason": "r"}))
        .await
        .ok();
    let found = mentor.get("/team/10/signals").await.expect(200);
    assert!(
        found["signals"]
            .as_array()
            .unwrap()
            .iter()
            .all(|signal| signal["user_id"] != 3),
        "{found}"
    );
}
