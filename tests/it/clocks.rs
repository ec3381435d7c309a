//! F-T1 to F-T4: a wall clock that is set back or far ahead under a running node, days that are no 24 hours or that begin far
//! from UTC, and times that clients make up.

use crate::support::{Class, Client, Node, NodeProcess, WallClock, earn, report_row};
use serde_json::{Value, json};

/// What a class does, and what it is answered: without ids and moments, which differ from run to run.
async fn lesson(node: &NodeProcess, class: &Class, actions: std::ops::Range<u64>) -> Vec<Value> {
    let admin = node.admin();
    let mut answers = Vec::new();
    for reference in actions {
        for student in &class.students {
            let answer = admin
                .post("/points/earn", earn(*student, "complete_quiz", 500 + reference))
                .await;
            answers.push(gist(&answer.ok()));
            // Again at once: refused, and the receipt of the day is kept once.
            let again = admin
                .post("/points/earn", earn(*student, "complete_quiz", 500 + reference))
                .await;
            answers.push(gist(&again.expect(200)));
            let unit = class.units[usize::try_from(reference).unwrap() % class.units.len()];
            let progress = json!({"user_id": student, "unit_id": unit, "progress_percentage": 10 * reference + 10});
            admin.post(&format!("/progress/{student}"), progress).await.ok();
        }
    }
    answers
}

fn gist(answer: &Value) -> Value {
    json!({"awarded": answer["awarded"], "points": answer["points"], "total": answer["total"],
        "reason": answer["reason"]})
}

/// Ledger, board and progress without ids of events and moments, and whether time ever ran backwards in the ledger.
async fn seen(admin: &Client, class: &Class) -> Value {
    let mut people = Vec::new();
    for student in &class.students {
        let ledger = admin.get(&format!("/points/{student}?limit=1000")).await.expect(200);
        let entries = ledger["items"].as_array().unwrap();
        let recorded: Vec<&str> = entries
            .iter()
            .map(|entry| entry["recorded_at"].as_str().unwrap())
            .collect();
        assert!(
            recorded.is_sorted_by(|newer, older| newer >= older),
            "newest first: {recorded:?}"
        );
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| json!([entry["kind"], entry["action_type"], entry["points"], entry["total"]]))
            .collect();
        let progress = admin.get(&format!("/progress/{student}")).await.expect(200);
        let units: Vec<Value> = (progress["units"].as_array().unwrap().iter())
            .map(|unit| json!([unit["unit_id"], unit["progress_percentage"]]))
            .collect();
        people.push(json!({"ledger": entries, "units": units, "points": progress["points"]}));
    }
    let board = admin.get("/leaderboards/all?limit=1000").await.expect(200);
    let rows: Vec<Value> = (board["entries"].as_array().unwrap().iter())
        .map(|row| json!([row["rank"], row["points"]]))
        .collect();
    json!({"people": people, "board": rows})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ft1_a_clock_set_back_a_day_under_a_running_node_pays_nothing_twice() {
    let Some(clock) = WallClock::new("F-T1", "the wall clock set back a day mid-run") else {
        return;
    };
    let mut runs = Vec::new();
    for jumps in [false, true] {
        clock.set("+0");
        let directory = tempfile::tempdir().unwrap();
        let node = clock.start(directory.path(), &[]).await;
        let class = Class::import(&node.admin(), 0, 3).await;
        let mut answers = lesson(&node, &class, 0..4).await;
        if jumps {
            clock.set("-1d");
        }
        // The same actions again: each is refused as in the first half, with no second receipt for a second "today".
        answers.extend(lesson(&node, &class, 0..8).await);
        runs.push((answers, seen(&node.admin(), &class).await));
        if jumps {
            node.stderr_with("the wall clock was set back").await;
        }
        assert!(!node.stderr().contains("panicked"), "{}", node.stderr());
    }
    assert_eq!(runs[0], runs[1]);
    let outcome = "answers, ledgers, progress and board as without the jump";
    report_row("F-T1", "wall clock back a day mid-run", 1, outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ft1_budgets_do_not_look_at_the_wall_clock() {
    let Some(clock) = WallClock::new("F-T1", "rate limits under a clock that jumps") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let node = clock.start(directory.path(), &[]).await;
    let class = Class::import(&node.admin(), 0, 1).await;
    let wish = json!({"role": "student", "user_id": class.students[0]});
    let token = node.admin().post("/tokens", wish).await.expect(201);
    let student = node.with_token(token["token"].as_str().unwrap());
    for offset in ["-1d", "+1d", "-2d"] {
        clock.set(offset);
        // A burst of twenty reads is inside the budget of fifty a second whatever the wall clock does.
        for _ in 0..20 {
            student.get("/me").await.expect(200);
        }
    }
    report_row("F-T1", "reads across three jumps of the wall clock", 60, "none refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ft2_ten_years_ahead_tokens_expire_and_nothing_panics() {
    let Some(clock) = WallClock::new("F-T2", "the wall clock set ten years ahead") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let mut node = clock.start(directory.path(), &[]).await;
    let class = Class::import(&node.admin(), 0, 3).await;
    let wish = json!({"role": "student", "user_id": class.students[0], "expires_in_s": 86_400});
    let token = node.admin().post("/tokens", wish).await.expect(201);
    let student = node.with_token(token["token"].as_str().unwrap());
    student.get("/me").await.expect(200);
    lesson(&node, &class, 0..2).await;
    clock.set("+10y");
    student.get("/me").await.problem(401, "unauthenticated");
    lesson(&node, &class, 0..4).await;
    let admin = node.admin();
    let ahead = seen(&admin, &class).await;
    for period in ["all", "day", "week", "season"] {
        let board = admin.get(&format!("/leaderboards/all?period={period}")).await;
        assert!(board.status < 500, "{period}");
    }
    let said = node.stderr();
    assert!(!said.contains("panicked") && !said.contains("overflow"), "{said}");
    // A restart at the right time again: everything is there, whatever its moments say.
    node.sigterm().await;
    assert!(node.wait().await.success());
    clock.set("+0");
    let node = clock.start(directory.path(), &[]).await;
    assert_eq!(seen(&node.admin(), &class).await, ahead);
    assert!(!node.stderr().contains("panicked"));
    report_row(
        "F-T2",
        "ten years ahead and back",
        2,
        "tokens expired, 0 panics, nothing lost",
    );
}

/// A local day: its first moment, its last second, and the first moment of the next one, in UTC.
struct LocalDay {
    zone: &'static str,
    first: &'static str,
    last: &'static str,
    next: &'static str,
}

const DAYS: [LocalDay; 4] = [
    LocalDay {
        zone: "Europe/Berlin",
        first: "2026-03-28T23:00:00.000Z",
        last: "2026-03-29T21:59:59.000Z",
        next: "2026-03-29T22:00:00.000Z",
    },
    LocalDay {
        zone: "Europe/Berlin",
        first: "2026-10-24T22:00:00.000Z",
        last: "2026-10-25T22:59:59.000Z",
        next: "2026-10-25T23:00:00.000Z",
    },
    LocalDay {
        zone: "Pacific/Kiritimati",
        first: "2025-12-31T10:00:00.000Z",
        last: "2026-01-01T09:59:59.000Z",
        next: "2026-01-01T10:00:00.000Z",
    },
    LocalDay {
        zone: "Pacific/Pago_Pago",
        first: "2025-12-31T11:00:00.000Z",
        last: "2026-01-01T10:59:59.000Z",
        next: "2026-01-01T11:00:00.000Z",
    },
];

/// One quiz a day, and no more.
const ONE_QUIZ_A_DAY: &str = "name = \"one quiz a day\"\n[[caps]]\nactions = [\"complete_quiz\"]\npoints = 50\nper = \"day\"\nat_cap = \"refuse\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ft3_a_day_is_the_schools_day_when_clocks_change_at_the_years_end_and_far_from_utc() {
    for day in DAYS {
        let directory = tempfile::tempdir().unwrap();
        let rules = directory.path().join("rules.toml");
        std::fs::write(&rules, ONE_QUIZ_A_DAY).unwrap();
        let data = directory.path().join("data");
        let settings = ["--time-zone", day.zone, "--rules", rules.to_str().unwrap()];
        let mut node = NodeProcess::spawn(&data, &settings);
        node.ready().await;
        let class = Class::import(&node.admin(), 0, 1).await;
        let (admin, student) = (node.admin(), class.students[0]);
        let quiz = |reference: u64, occurred_at: &str| {
            let mut body = earn(student, "complete_quiz", reference);
            body["occurred_at"] = json!(occurred_at);
            body
        };
        let in_zone = format!("{} {}", day.zone, day.first);
        // The last second first: order of arrival makes no difference to what a day is.
        let answer = admin.post("/points/earn", quiz(1, day.last)).await.expect(201);
        assert_eq!(answer["points"], 50, "{in_zone}");
        let refused = admin.post("/points/earn", quiz(2, day.first)).await.expect(200);
        assert_eq!(refused["reason"], "cap_reached", "{in_zone}");
        assert_eq!(refused["retry_at"], day.next, "{in_zone}");
        let answer = admin.post("/points/earn", quiz(3, day.next)).await.expect(201);
        assert_eq!(
            (&answer["points"], &answer["total"]),
            (&json!(50), &json!(100)),
            "{in_zone}"
        );
        // The boards of both days, as they were at their ends.
        for at in [day.last, day.next] {
            let path = format!("/leaderboards/all?period=day&at={at}");
            let board = admin.get(&path).await.expect(200);
            assert_eq!(board["entries"][0]["points"], 50, "{in_zone} at {at}");
        }
    }
    let outcome = "each local day pays once, and has a board of its own";
    report_row(
        "F-T3",
        "days of 23 and 25 hours, year end, UTC+14 and UTC-11",
        4,
        outcome,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ft1_a_daily_cap_does_not_pay_again_when_the_clock_is_set_back() {
    let Some(clock) = WallClock::new("F-T1", "a daily cap under a clock that is set back") else {
        return;
    };
    let mut runs = Vec::new();
    for jumps in [false, true] {
        // Noon, so that no run crosses midnight by itself.
        clock.set("@2026-03-02 12:00:00");
        let directory = tempfile::tempdir().unwrap();
        let rules = directory.path().join("rules.toml");
        std::fs::write(&rules, ONE_QUIZ_A_DAY).unwrap();
        let data = directory.path().join("data");
        let node = clock.start(&data, &["--rules", rules.to_str().unwrap()]).await;
        let class = Class::import(&node.admin(), 0, 2).await;
        let mut answers = lesson(&node, &class, 0..2).await;
        if jumps {
            clock.set("@2026-03-01 12:00:00");
        }
        answers.extend(lesson(&node, &class, 2..4).await);
        runs.push((answers, seen(&node.admin(), &class).await));
    }
    assert_eq!(runs[0], runs[1]);
    report_row("F-T1", "a daily cap, clock back a day", 1, "paid once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ft4_moments_that_cannot_be_are_refused_and_others_count_as_claimed() {
    let node = Node::start().await;
    let class = Class::of(&node, 1).await;
    let admin = node.admin();
    let at = |reference: u64, occurred_at: &str| {
        let mut body = earn(class.students[0], "read_content", reference);
        body["occurred_at"] = json!(occurred_at);
        body
    };
    let impossible = [
        "1969-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00.000Z",
        "2999-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "2026-02-30T00:00:00.000Z",
        "yesterday",
    ];
    for (place, occurred_at) in impossible.into_iter().enumerate() {
        let answer = admin.post("/points/earn", at(900 + place as u64, occurred_at)).await;
        let status = answer.status;
        assert!(matches!(status, 400 | 422), "{occurred_at}: {status}");
        let problem = answer.any_problem(status);
        assert!(problem.to_string().contains("occurred_at"), "{problem}");
    }
    for (reference, occurred_at) in [(800, "1970-01-01T00:00:00.000Z"), (801, "2017-09-01T08:00:00.000Z")] {
        admin.post("/points/earn", at(reference, occurred_at)).await.expect(201);
        let path = format!("/points/{}", class.students[0]);
        let ledger = admin.get(&path).await.expect(200);
        assert_eq!(ledger["items"][0]["occurred_at"], occurred_at);
        assert_ne!(ledger["items"][0]["recorded_at"], occurred_at);
    }
    let outcome = "refused by name, or kept as claimed beside when it was recorded";
    report_row("F-T4", "claimed moments", 8, outcome);
}
