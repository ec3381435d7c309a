//! F-T1, F-T2 and F-T4: a wall clock that is set back or far ahead under a running node, and times that clients make up.

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
