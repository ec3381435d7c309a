//! `homeroom ledger explain`: entry by entry, in words, why a total is what it is.

use super::common::Common;
use super::failure::Outcome;
use super::table::Table;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Why a person has the points that they have
#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Command {
    /// Explain a person's total, entry by entry, oldest first
    Explain {
        /// Number of the person
        user: u64,
        #[command(flatten)]
        common: Common,
    },
}

/// An action and what it was about: credited once.
type NaturalKey = (String, u64);

pub(super) async fn run(command: Command) -> Outcome {
    let Command::Explain { user, common } = command;
    let mut entries = common.client()?.all(&format!("/points/{user}")).await?;
    entries.reverse();
    let explained = explain(&entries);
    let total = entries
        .last()
        .map_or(0, |entry| entry["total"].as_i64().unwrap_or_default());
    let sum = tally(&entries);
    if common.json {
        super::print_json(&json!({
            "user_id": user, "total": total, "entries": explained,
            "awarded": sum.awarded, "reversed": sum.reversed, "reinstated": sum.reinstated, "adjusted": sum.adjusted,
            "refusals": sum.refusals,
        }));
        return Ok(());
    }
    let mut table = Table::new(&["event", "when", "what", "points", "total", "why"]);
    for entry in &explained {
        let cell = |field: &str| super::common::cell(&entry[field]);
        let action = format!("{} {}", cell("action_type"), cell("reference_id"));
        table.row(&[
            cell("event_id"),
            cell("occurred_at"),
            action,
            signed(&entry["points"]),
            cell("total"),
            cell("why"),
        ]);
    }
    table.print();
    common.say(&format!("\n{}", sum.sentence(user, total)));
    Ok(())
}

/// Each entry with what it means, oldest first.
fn explain(entries: &[Value]) -> Vec<Value> {
    // What later became of an award stands beside it.
    let mut reversed_by: HashMap<u64, (u64, String)> = HashMap::new();
    let mut latest: HashMap<NaturalKey, u64> = HashMap::new();
    for entry in entries {
        let id = entry["event_id"].as_u64().unwrap_or_default();
        match entry["kind"].as_str() {
            Some("award" | "reinstatement") => {
                latest.insert(natural_key(entry), id);
            }
            Some("reversal") => {
                if let Some(award) = latest.get(&natural_key(entry)) {
                    reversed_by.insert(*award, (id, note(entry)));
                }
            }
            _ => {}
        }
    }
    let with_reason = |entry: &Value| {
        let mut explained = entry.clone();
        explained["why"] = json!(why(entry, &reversed_by));
        explained
    };
    entries.iter().map(with_reason).collect()
}

fn why(entry: &Value, reversed_by: &HashMap<u64, (u64, String)>) -> String {
    let id = entry["event_id"].as_u64().unwrap_or_default();
    let later = reversed_by
        .get(&id)
        .map(|(by, note)| format!("; taken back later by entry {by}{note}"));
    let later = later.unwrap_or_default();
    match entry["kind"].as_str().unwrap_or_default() {
        "award" => format!("credited, the first time that this counted{later}"),
        "reversal" => format!("taken back{}", note(entry)),
        "reinstatement" => format!("given again after it was taken back{}{later}", note(entry)),
        "refusal" => format!(
            "not credited: {}",
            refusal(entry["reason"].as_str().unwrap_or_default())
        ),
        "adjustment" => format!("changed by new rules{}", note(entry)),
        other => format!("{other}{}", note(entry)),
    }
}

fn refusal(reason: &str) -> String {
    match reason {
        "already_awarded" => "this person, action and reference had been credited before, and count once".into(),
        "cooldown" => "too soon after the last one of its kind".into(),
        "cap_reached" => "the rules allow no more of these for now".into(),
        other => other.replace('_', " "),
    }
}

/// What somebody wrote about it.
fn note(entry: &Value) -> String {
    entry["reason"]
        .as_str()
        .map_or_else(String::new, |reason| format!(" ({reason})"))
}

fn natural_key(entry: &Value) -> NaturalKey {
    let action = entry["action_type"].as_str().unwrap_or_default();
    (action.to_owned(), entry["reference_id"].as_u64().unwrap_or_default())
}

fn signed(points: &Value) -> String {
    points
        .as_i64()
        .map_or_else(|| "–".into(), |points| format!("{points:+}"))
}

/// Where the points came from and went.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    awarded: i64,
    awards: usize,
    reversed: i64,
    reversals: usize,
    reinstated: i64,
    adjusted: i64,
    refusals: usize,
}

fn tally(entries: &[Value]) -> Tally {
    let mut tally = Tally::default();
    for entry in entries {
        let points = entry["points"].as_i64().unwrap_or_default();
        match entry["kind"].as_str().unwrap_or_default() {
            "award" => {
                tally.awarded += points;
                tally.awards += 1;
            }
            "reversal" => {
                tally.reversed += points;
                tally.reversals += 1;
            }
            "reinstatement" => tally.reinstated += points,
            "refusal" => tally.refusals += 1,
            _ => tally.adjusted += points,
        }
    }
    tally
}

impl Tally {
    fn sentence(&self, user: u64, total: i64) -> String {
        let mut parts = vec![format!("{:+} in {} awards", self.awarded, self.awards)];
        if self.reversals > 0 {
            parts.push(format!("{:+} in {} reversals", self.reversed, self.reversals));
        }
        if self.reinstated != 0 {
            parts.push(format!("{:+} reinstated", self.reinstated));
        }
        if self.adjusted != 0 {
            parts.push(format!("{:+} adjusted", self.adjusted));
        }
        let refused = match self.refusals {
            0 => String::new(),
            1 => "; one more attempt was not credited".into(),
            more => format!("; {more} more attempts were not credited"),
        };
        format!("Person {user} has {total} points: {}{refused}.", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, kind: &str, points: i64, total: i64, reason: impl Into<Value>) -> Value {
        let reason: Value = reason.into();
        json!({
            "event_id": id, "kind": kind, "action_type": "complete_quiz", "reference_id": 10,
            "points": points, "total": total, "reason": reason,
        })
    }

    #[test]
    fn a_total_is_explained_by_what_was_given_taken_and_given_again() {
        let entries = [
            entry(1, "award", 50, 50, Value::Null),
            entry(2, "refusal", 0, 50, "already_awarded"),
            entry(3, "reversal", -50, 0, "cheated"),
            entry(4, "reinstatement", 50, 50, "did not"),
        ];
        let explained = explain(&entries);
        for (place, part) in [
            (0, "taken back later by entry 3 (cheated)"),
            (1, "count once"),
            (2, "taken back (cheated)"),
            (3, "given again"),
        ] {
            let why = explained[place]["why"].as_str().unwrap();
            assert!(why.contains(part), "{why}");
        }
        let sum = tally(&entries);
        assert_eq!(sum.awarded + sum.reversed + sum.reinstated, 50);
        assert_eq!(
            sum.sentence(7, 50),
            "Person 7 has 50 points: +50 in 1 awards, -50 in 1 reversals, +50 reinstated; one more attempt was not credited."
        );
    }
}
