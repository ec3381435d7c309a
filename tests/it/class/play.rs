//! Plays the class into a node, request by request, in order.

use crate::support::{Client, Node};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use std::path::Path;

/// The class's last day, counted from its first.
const LAST_DAY: i64 = 17;

/// The day on which the class begins if its last day is today.
pub fn first_day() -> String {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    today.checked_sub(LAST_DAY.days()).unwrap().to_string()
}

/// Sends the roster, then each step.
pub async fn class(node: &Node, directory: &Path, first_day: &str) {
    let read = |file: &str| std::fs::read_to_string(directory.join(file)).unwrap();
    let roster: Value = serde_json::from_str(&read("roster.json")).unwrap();
    let admin = node.admin();
    admin.post("/import", roster).await.ok();
    let mut player = Player {
        first_day: first_day.parse().unwrap(),
        mentors: [(901, node.mentor(901).await), (902, node.mentor(902).await)].into(),
        admin,
        answers: Vec::new(),
    };
    for line in read("steps.jsonl").lines() {
        let step = serde_json::from_str(line).unwrap();
        let answer = player.step(&step).await;
        player.answers.push(answer);
    }
}

struct Player {
    first_day: Date,
    admin: Client,
    mentors: std::collections::HashMap<u64, Client>,
    answers: Vec<Value>,
}

impl Player {
    async fn step(&self, step: &Value) -> Value {
        let mut body = step.clone();
        let fields = body.as_object_mut().unwrap();
        for field in ["do", "at", "step", "by"] {
            fields.remove(field);
        }
        let of = || self.answers[step["step"].as_u64().unwrap() as usize]["event_id"].clone();
        match step["do"].as_str().unwrap() {
            "earn" => {
                body["occurred_at"] = json!(self.moment(&step["at"]));
                self.admin.post("/points/earn", body).await.ok()
            }
            "progress" => {
                body["occurred_at"] = json!(self.moment(&step["at"]));
                self.admin
                    .post(&format!("/progress/{}", step["user_id"]), body)
                    .await
                    .ok()
            }
            "award" => {
                let giver = step["by"].as_u64().map_or(&self.admin, |mentor| &self.mentors[&mentor]);
                giver.post("/points/award", body).await.expect(201)
            }
            correction @ ("reverse" | "reinstate") => {
                let path = format!("/points/{}/{correction}", of());
                self.admin.post(&path, body).await.expect(201)
            }
            membership => {
                let path = format!("/teams/{}/members/{}", step["team_id"], step["user_id"]);
                let answer = match membership {
                    "join" => self.admin.put(&path, json!({})).await,
                    _ => self.admin.delete(&path).await,
                };
                assert!((200..300).contains(&answer.status), "{}", answer.text);
                Value::Null
            }
        }
    }

    /// A day of the class and a time of day as a moment.
    fn moment(&self, at: &Value) -> String {
        let day = self.first_day.checked_add(at[0].as_i64().unwrap().days()).unwrap();
        format!("{day}T{}Z", at[1].as_str().unwrap())
    }
}
