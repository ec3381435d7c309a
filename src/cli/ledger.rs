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
            "awarded": sum.awarded, "by_hand": sum.by_hand, "reversed": sum.reversed, "reinstated": sum.reinstated,
            "adjusted": sum.adjusted, "carried": sum.carried, "refusals": sum.refusals,
            "sum": sum.sum(), "agrees": sum.sum() == total,
        }));
        return Ok(());
    }
    let mut table = Table::new(&["event", "when", "what", "points", "total", "why"]);
    for entry in &explained {
        let cell = |field: &str| super::common::cell(&entry[field]);
        let action = match (entry["action_type"].as_str(), entry["act"].as_u64()) {
            (Some(action), _) => format!("{action} {}", cell("reference_id")),
            (None, Some(act)) => format!("rules {act}"),
            (None, None) => String::new(),
        };
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
    common.say(&format!("\n{}\n{}", sum.sentence(user, total), sum.check(total)));
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
        "award" if entry["action_type"] == "manual_award" => {
            let giver = entry["granted_by"].as_u64().map(|giver| format!(" by person {giver}"));
            format!("given by hand{}{}{later}", giver.unwrap_or_default(), note(entry))
        }
        "award" => {
            let bonus = entry["bonus_percent"].as_u64();
            let bonus = bonus.map(|percent| format!(", at {percent} % because of a bonus"));
            format!(
                "credited, the first time that this counted{}{}{later}",
                under_rules(entry),
                bonus.unwrap_or_default()
            )
        }
        "reversal" => format!("taken back{}", note(entry)),
        "reinstatement" => format!("given again after it was taken back{}{later}", note(entry)),
        "refusal" => format!(
            "not credited: {}{}",
            refusal(entry["reason"].as_str().unwrap_or_default()),
            possible_again(entry)
        ),
        "adjustment" if entry["reason"] == "rules_undone" => "changed rules that had been applied were undone".into(),
        "adjustment" => "changed rules were applied to what had been credited before".into(),
        "carried" => "carried over: single entries from before were purged".into(),
        other => format!("{other}{}", note(entry)),
    }
}

fn refusal(reason: &str) -> String {
    match reason {
        "already_awarded" => "this person, action and reference had been credited before, and count once".into(),
        "cooldown" => "too soon after the last one of its kind".into(),
        "window_full" => "as many of its kind as the rules allow within some time".into(),
        "cap_reached" => "as many points as the rules allow within some time".into(),
        other => other.replace('_', " "),
    }
}

/// The rules that decided it, if it says.
fn under_rules(entry: &Value) -> String {
    entry["rules"]
        .as_u64()
        .map_or_else(String::new, |version| format!(" by rules {version}"))
}

fn possible_again(entry: &Value) -> String {
    match entry.get("retry_at") {
        Some(Value::String(at)) => format!("; possible again from {at}"),
        _ => String::new(),
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
    by_hand: i64,
    carried: i64,
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
            "award" if entry["action_type"] == "manual_award" => tally.by_hand += points,
            "carried" => tally.carried += points,
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
    fn sum(&self) -> i64 {
        self.awarded + self.by_hand + self.carried + self.reversed + self.reinstated + self.adjusted
    }

    fn check(&self, total: i64) -> String {
        let sum = self.sum();
        if sum == total {
            format!("The entries sum to {sum}, as the total says.")
        } else {
            format!("The entries sum to {sum}, but the total says {total}: run `homeroom doctor`.")
        }
    }

    fn sentence(&self, user: u64, total: i64) -> String {
        let mut parts = vec![format!("{:+} in {} awards", self.awarded, self.awards)];
        if self.by_hand != 0 {
            parts.push(format!("{:+} by hand", self.by_hand));
        }
        if self.carried != 0 {
            parts.push(format!("{:+} carried over from purged entries", self.carried));
        }
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
    fn by_hand_under_a_bonus_and_possible_again_are_said() {
        let mut by_hand = entry(1, "award", 20, 20, "well done");
        by_hand["action_type"] = json!("manual_award");
        by_hand["granted_by"] = json!(900);
        let mut bonus = entry(2, "award", 75, 95, Value::Null);
        bonus["rules"] = json!(3);
        bonus["bonus_percent"] = json!(150);
        let mut refused = entry(3, "refusal", 0, 95, "cooldown");
        refused["retry_at"] = json!("2026-03-02T10:00:00.000Z");
        let adjusted = entry(4, "adjustment", -5, 90, "rules_applied");
        let entries = [by_hand, bonus, refused, adjusted];
        let said: Vec<_> = explain(&entries).iter().map(|entry| entry["why"].clone()).collect();
        assert_eq!(
            said,
            [
                "given by hand by person 900 (well done)",
                "credited, the first time that this counted by rules 3, at 150 % because of a bonus",
                "not credited: too soon after the last one of its kind; possible again from 2026-03-02T10:00:00.000Z",
                "changed rules were applied to what had been credited before",
            ]
        );
        let sum = tally(&entries);
        assert_eq!((sum.by_hand, sum.adjusted, sum.sum()), (20, -5, 90));
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
        assert_eq!(sum.check(50), "The entries sum to 50, as the total says.");
        assert!(sum.check(51).contains("but the total says 51"));
        assert_eq!(
            sum.sentence(7, 50),
            "Person 7 has 50 points: +50 in 1 awards, -50 in 1 reversals, +50 reinstated; one more attempt was not credited."
        );
    }
}
