//! What messages come to: a state with changes applied, compared with what is seen afresh.

use super::topics::AllHeld;
use super::{Judged, Truth, require};
use serde_json::{Map, Value};

/// Applies a message to the state that its topic had.
pub(super) fn apply(topic: &str, state: &mut Value, data: &Value) {
    if topic.starts_with("board:") {
        rows(state, data);
    } else if topic.starts_with("team:") {
        if let (Some(state), Some(changed)) = (state.as_object_mut(), data.as_object()) {
            state.extend(changed.clone());
        }
    } else if let Some(total) = data["total"].as_u64() {
        state["progress"]["points"]["total"] = total.into();
    }
}

/// The name of a row, whatever the board is of and whoever looks.
fn id(row: &Value) -> Option<&Value> {
    ["user_id", "team_id", "row"].into_iter().find_map(|name| row.get(name))
}

fn rows(state: &mut Value, data: &Value) {
    let Some(entries) = state["entries"].as_array_mut() else {
        return;
    };
    for gone in data["removed"].as_array().into_iter().flatten() {
        entries.retain(|row| id(row) != Some(gone));
    }
    for row in data["changes"].as_array().into_iter().flatten() {
        entries.retain(|known| id(known) != id(row));
        entries.push(row.clone());
    }
}

/// Everybody is at the head, and holds what is seen afresh.
pub(super) fn compare(held: &AllHeld, truth: &Truth, judged: &mut Judged) -> Result<(), String> {
    for ((client, topic), held) in held {
        let afresh = truth.afresh.get(client).into_iter().flatten();
        let afresh = afresh.into_iter().find(|reply| reply["topic"] == topic.as_str());
        let afresh = afresh.ok_or_else(|| format!("client {client} holds {topic}, which nobody can see afresh"))?;
        require!(
            afresh.get("error").is_none(),
            "client {client} still holds {topic}, but: {afresh}"
        );
        require!(
            afresh["epoch"] == held.position.0.as_str() && afresh["offset"] == held.position.1,
            "client {client} is at {:?} of {topic}, but the head is {} {}",
            held.position,
            afresh["epoch"],
            afresh["offset"]
        );
        if let Some(state) = &held.state {
            let (own, head) = (comparable(topic, state), comparable(topic, &afresh["snapshot"]));
            require!(own == head, "client {client} made {own} of {topic}, but it is {head}");
        }
        judged.compared += 1;
    }
    Ok(())
}

/// What has to be equal: rows without their order and rank, which follow; of people the total.
fn comparable(topic: &str, state: &Value) -> Value {
    if topic.starts_with("board:") {
        let mut rows: Vec<Value> = state["entries"].as_array().cloned().unwrap_or_default();
        for row in &mut rows {
            row.as_object_mut().map(|row| row.remove("rank"));
        }
        rows.sort_by_key(|row| id(row).map(Value::to_string));
        Value::Array(rows)
    } else if topic.starts_with("team:") {
        let mut fields: Map<String, Value> = state.as_object().cloned().unwrap_or_default();
        fields.remove("version");
        Value::Object(fields)
    } else {
        state["progress"]["points"]["total"].clone()
    }
}
