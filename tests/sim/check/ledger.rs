//! Commands and what is kept of them: nothing acknowledged is missing, nothing counts twice, sums are sums.

use super::{Judged, Truth, require};
use crate::history::Event;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(events: &[(u64, Event)], truth: &Truth, judged: &mut Judged) -> Result<(), String> {
    sums(truth)?;
    answers(events, truth, judged)?;
    looks(events, truth)
}

fn total_of(truth: &Truth, user: u64) -> i64 {
    let ledger = truth.ledgers.get(&user).into_iter().flatten();
    ledger.filter_map(|entry| entry["points"].as_i64()).sum()
}

/// H3, I3: from scratch.
fn sums(truth: &Truth) -> Result<(), String> {
    for (user, ledger) in &truth.ledgers {
        let mut awarded = BTreeMap::new();
        for entry in ledger.iter().filter(|entry| entry["awarded"] == true) {
            let what = (entry["action_type"].to_string(), entry["reference_id"].to_string());
            let before = awarded.insert(what, entry);
            require!(
                before.is_none(),
                "person {user} was awarded twice: {entry} and {before:?}"
            );
        }
        let total = total_of(truth, *user);
        let progress = truth.progress.get(user).unwrap_or(&Value::Null);
        require!(
            progress["points"]["total"].as_i64() == Some(total),
            "the ledger of person {user} comes to {total}, their progress says {}",
            progress["points"]
        );
        let rows = truth.boards.get("all").and_then(|board| board["entries"].as_array());
        let row = rows.into_iter().flatten().find(|row| row["user_id"] == *user);
        require!(
            row.is_some_and(|row| row["points"].as_i64() == Some(total)),
            "the ledger of person {user} comes to {total}, their row is {row:?}"
        );
    }
    let team: i64 = truth.members.iter().map(|user| total_of(truth, *user)).sum();
    let rows = truth.boards.get("teams").and_then(|board| board["entries"].as_array());
    let row = rows.into_iter().flatten().find(|row| row["team_id"] == 1);
    require!(
        row.is_some_and(|row| row["points"].as_i64() == Some(team)),
        "the members of the team come to {team}, its row is {row:?}"
    );
    Ok(())
}

/// H1, H2: what was answered.
fn answers(events: &[(u64, Event)], truth: &Truth, judged: &mut Judged) -> Result<(), String> {
    let mut answered: BTreeMap<(usize, u64), Value> = BTreeMap::new();
    let mut furthest: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let mut sent = BTreeSet::new();
    for (at_ms, event) in events {
        if let Event::Sent { client, number } = event {
            sent.insert((*client, *number));
        }
        let Event::Frame { client, frame, .. } = event else {
            continue;
        };
        let Some(number) = frame["id"].as_u64() else { continue };
        if frame["type"] == "error" {
            judged.refused_for_now += u64::from(frame["error"]["status"].as_u64() >= Some(500));
            continue;
        }
        if frame["type"] != "ack" {
            continue;
        }
        judged.acknowledged += 1;
        require!(
            sent.contains(&(*client, number)),
            "at {at_ms} ms: client {client} is told of command {number}, which it never sent"
        );
        let data = &frame["data"];
        let before = answered.entry((*client, number)).or_insert_with(|| data.clone());
        require!(
            before == data,
            "at {at_ms} ms: command {number} of client {client} was answered {before}, and now {data}"
        );
        if data["awarded"] == true {
            let user = data["user_id"].as_u64().unwrap_or_default();
            let ledger = truth.ledgers.get(&user).into_iter().flatten();
            let entry = ledger.into_iter().find(|entry| entry["event_id"] == data["event_id"]);
            require!(
                entry.is_some_and(|entry| entry["reference_id"] == data["reference_id"]
                    && entry["points"] == data["points"]
                    && entry["action_type"] == data["action_type"]),
                "command {number} of client {client} was acknowledged as {data}; the ledger has {entry:?}"
            );
        }
        if let (Some(user), Some(unit), Some(percentage)) = (
            owner(data, truth),
            data["unit_id"].as_u64(),
            data["progress_percentage"].as_u64(),
        ) {
            let most = furthest.entry((user, unit)).or_default();
            *most = percentage.max(*most);
        }
    }
    for ((user, unit), percentage) in furthest {
        let units = truth
            .progress
            .get(&user)
            .and_then(|progress| progress["units"].as_array());
        let kept = units.into_iter().flatten().find(|row| row["unit_id"] == unit);
        require!(
            kept.is_some_and(|row| row["progress_percentage"].as_u64() >= Some(percentage)),
            "person {user} was told {percentage} % of unit {unit}, kept is {kept:?}"
        );
    }
    Ok(())
}

fn owner(data: &Value, truth: &Truth) -> Option<u64> {
    let user = data["user_id"].as_u64()?;
    truth.progress.contains_key(&user).then_some(user)
}

/// I1: what was answered before a read began is in it, and what a read showed is still there.
fn looks(events: &[(u64, Event)], truth: &Truth) -> Result<(), String> {
    for (at_ms, event) in events {
        let Event::Looked {
            user,
            began,
            total,
            on_board,
        } = event
        else {
            continue;
        };
        let before = events[..*began].iter().filter_map(|(_, event)| match event {
            Event::Frame { frame, .. } if frame["type"] == "ack" && frame["data"]["user_id"] == *user => {
                frame["data"]["total"].as_u64()
            }
            _ => None,
        });
        let told = before.max().unwrap_or_default();
        for (what, seen) in [("progress", Some(*total)), ("board", *on_board)] {
            if let Some(seen) = seen {
                require!(
                    seen >= told,
                    "at {at_ms} ms: person {user} was told a total of {told}, their {what} shows {seen}"
                );
                require!(
                    seen <= total_of(truth, *user).unsigned_abs(),
                    "at {at_ms} ms: the {what} of person {user} showed {seen}, which was never kept"
                );
            }
        }
    }
    Ok(())
}
