//! The rules in force, their changes, and what rules would mean.

use super::{optional_time, time};
use homeroom_actors::domain::achievements::Tier;
use homeroom_actors::engine::RulesInForce;
use homeroom_actors::roster::Roster;
use homeroom_actors::rulebook::{ActState, Change, Origin, Past, PersonChange, PreviewTotals};
use serde_json::{Value, json};

/// `GET /rules`.
#[must_use]
pub fn rules_in_force(rules: &RulesInForce, name: &str) -> Value {
    let change = rules.change;
    json!({
        "version": rules.version,
        "name": name,
        "origin": change.map_or(Origin::Shipped, |change| change.origin).as_str(),
        "since": optional_time(change.map(|change| change.at)),
        "document": rules.document,
        "running": rules.running.map(|(change, state)| rules_change(&change, Some(state))),
    })
}

/// One change of the rules, with how its act on the past stands.
#[must_use]
pub fn rules_change(change: &Change, state: Option<ActState>) -> Value {
    let act = match change.past {
        None => Value::Null,
        Some(past) => {
            let mut act = match past {
                Past::Apply { from, revoke } => {
                    json!({"kind": "apply", "act": change.version, "from": from, "revoke": revoke, "undone": change.is_undone})
                }
                Past::Undo { act } => json!({"kind": "undo", "act": act}),
            };
            let (state, looked_at, adjusted) = match state {
                Some(ActState::Done { adjusted }) => ("done", None, adjusted),
                Some(ActState::Running { looked_at, adjusted }) => ("running", Some(looked_at), adjusted),
                None => ("running", None, 0),
            };
            act["state"] = json!(state);
            act["learners"] = json!(adjusted);
            if let Some(looked_at) = looked_at {
                act["looked_at"] = json!(looked_at);
            }
            act
        }
    };
    json!({
        "version": change.version,
        "origin": change.origin.as_str(),
        "since": time(change.at),
        "act": act,
    })
}

/// What rules would mean over everybody.
#[must_use]
pub fn preview_totals(totals: &PreviewTotals) -> Value {
    json!({
        "people": totals.people,
        "gaining": {"people": totals.gaining.0, "points": totals.gaining.1},
        "losing": {"people": totals.losing.0, "points": totals.losing.1},
        "levels_changed": totals.levels_changed,
        "tiers_given": totals.tiers_given,
        "tiers_lost": totals.tiers_lost,
    })
}

/// What rules would mean for one person, for staff.
#[must_use]
pub fn person_change(change: &PersonChange, roster: &Roster) -> Value {
    let tiers = |tiers: &[(String, Tier)]| -> Vec<Value> {
        let one = |(name, tier): &(String, Tier)| json!({"achievement_type": name, "tier": tier.as_str()});
        tiers.iter().map(one).collect()
    };
    json!({
        "user_id": change.user_id,
        "name": roster.user(change.user_id).map(|user| user.name),
        "total": change.total.0,
        "new_total": change.total.1,
        "points": change.total.1.cast_signed() - change.total.0.cast_signed(),
        "level": change.level.0,
        "new_level": change.level.1,
        "tiers_given": tiers(&change.given),
        "tiers_lost": tiers(&change.lost),
    })
}
