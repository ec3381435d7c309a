//! F-A8: every list of the API document with limits, parameters and cursors that are no good. Never a 5xx, never a page.

use crate::support::{Class, Client, Node, document, earn, report_row};
use std::collections::BTreeMap;

/// Every list with its path filled in.
fn lists() -> Vec<String> {
    let operations = document::operations().into_iter();
    let lists = operations.filter(|(method, _, operation)| {
        let query = document::parameters(operation, "query");
        *method == "get" && query.iter().any(|(name, _)| *name == "limit")
    });
    let filled = lists.map(|(_, path, _)| {
        path.replace("{user_id}", "1")
            .replace("{board}", "all")
            .replace("{team_id}", "10")
    });
    filled.collect()
}

/// A node on which most lists have a second page.
async fn school() -> Node {
    let node = Node::start().await;
    for number in 0..2 {
        Class::import(&node.admin(), number, 3).await;
    }
    for user_id in 1..=3 {
        for reference in [101, 102] {
            let wish = earn(user_id, "read_content", reference);
            node.admin().post("/points/earn", wish).await.expect(201);
        }
    }
    for _ in 0..2 {
        node.caller("service", None).await;
    }
    node
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa8_limits_that_are_none_are_refused_on_every_list() {
    let node = school().await;
    let admin = node.admin();
    let bad = [
        "-1",
        "0",
        "1001",
        "1e9",
        "1000000000",
        "99999999999999999999999999",
        "ten",
        "1.5",
        "",
        "%205",
        "%2B5",
        "0x10",
        "5%00",
        "%D9%A3",
        "null",
    ];
    let mut refused = 0;
    for list in lists() {
        for limit in bad {
            let problem = admin
                .get(&format!("{list}?limit={limit}"))
                .await
                .problem(422, "validation");
            assert_eq!(problem["errors"][0]["field"], "limit", "{list} {limit}: {problem}");
            refused += 1;
        }
        for query in ["limit=5&limit=6", "limit=5&limit=5", "cursor=x&cursor=y", "x=1&x=2"] {
            let problem = admin.get(&format!("{list}?{query}")).await.problem(422, "validation");
            assert_eq!(
                problem["errors"][0]["message"], "must be sent once",
                "{list}: {problem}"
            );
            refused += 1;
        }
        for limit in ["1", "1000"] {
            admin.get(&format!("{list}?limit={limit}&unknown=1")).await.expect(200);
        }
    }
    assert!(lists().len() >= 7, "{:?}", lists());
    report_row(
        "F-A8",
        "bad or repeated limits and parameters",
        refused,
        "422 each time",
    );
}

/// A cursor of each list, where there is one.
async fn cursors(client: &Client) -> BTreeMap<String, String> {
    let mut cursors = BTreeMap::new();
    for list in lists() {
        let page = client.get(&format!("{list}?limit=1")).await.expect(200);
        if let Some(cursor) = page["next_cursor"].as_str() {
            let next = client.get(&format!("{list}?limit=1&cursor={cursor}")).await.expect(200);
            assert_ne!(next, page, "{list}");
            cursors.insert(list, cursor.to_owned());
        }
    }
    assert!(cursors.len() >= 7, "{cursors:?}");
    cursors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fa8_cursors_of_others_and_changed_ones_are_refused_on_every_list() {
    let (node, other) = (school().await, school().await);
    let (admin, student) = (node.admin(), node.student(1).await);
    let known = cursors(&admin).await;
    let elsewhere = cursors(&other.admin()).await;
    let mut refused = 0;
    for list in lists() {
        let mut bad: Vec<String> = ["", "x", "AAAAAAAAAAAAAAAA", "%00", "..%2F..%2F", "MQ==", "1", "null"]
            .map(String::from)
            .into();
        bad.push("A".repeat(5_000));
        bad.extend(elsewhere.get(&list).cloned());
        bad.extend(
            known
                .iter()
                .filter(|(name, _)| **name != list)
                .map(|(_, cursor)| cursor.clone()),
        );
        if let Some(cursor) = known.get(&list) {
            bad.extend([
                cursor[..cursor.len() - 1].to_owned(),
                format!("{cursor}A"),
                format!("{cursor}{cursor}"),
            ]);
            for place in 0..cursor.len() {
                let other = if &cursor[place..=place] == "A" { "B" } else { "A" };
                bad.push(format!("{}{other}{}", &cursor[..place], &cursor[place + 1..]));
            }
        }
        for cursor in bad {
            let answer = admin.get(&format!("{list}?cursor={cursor}")).await;
            answer.problem(400, "invalid_cursor");
            refused += 1;
        }
        // Another caller's place in the same list is no place in theirs.
        if let Some(cursor) = known.get(&list).filter(|_| !list.starts_with("/leaderboards")) {
            let answer = student.get(&format!("{list}?cursor={cursor}")).await;
            assert!([400, 403].contains(&answer.status), "{list}: {}", answer.text);
            refused += 1;
        }
    }
    report_row(
        "F-A8",
        "tampered and foreign cursors",
        refused,
        "400 each time, 0 pages",
    );
}
