//! The document is about the messages, topics and close codes of the code, all of them, and nothing else.

use super::*;
use crate::ws::CLOSES;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::from_str(super::document()).unwrap()
}

/// Words that stand between these two in a source text.
fn between<'a>(text: &'a str, before: &str, after: &str) -> BTreeSet<&'a str> {
    let pieces = text.split(before).skip(1);
    let words = pieces.filter_map(|rest| rest.split(after).next());
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    words.filter(is_word).collect()
}

#[test]
fn every_message_of_the_code_is_described_and_no_other() {
    let (message, reply) = (include_str!("../../ws/message.rs"), include_str!("../../ws/reply.rs"));
    let request = include_str!("../../ws/request.rs");
    let mut known = between(message, "(\"", "\", raw(");
    known.extend(between(reply, "\"type\": \"", "\""));
    known.extend(between(reply, "r#type: \"", "\""));
    let kinds = request
        .split("matches!(kind.as_str(), ")
        .nth(1)
        .expect("the kinds of requests");
    known.extend(
        kinds
            .split(')')
            .next()
            .unwrap()
            .split(" | ")
            .map(|kind| kind.trim_matches('"')),
    );
    known.insert("ping");
    assert!(request.contains("kind == \"ping\""));
    let document = document();
    let messages = document["components"]["messages"].as_object().unwrap();
    let described: BTreeSet<&str> = messages
        .values()
        .map(|message| message["name"].as_str().unwrap())
        .collect();
    assert_eq!(described, known, "described (left) and in the code (right)");
}

#[test]
fn every_close_code_is_in_the_table() {
    let document = document();
    let described: Vec<_> = document["x-close-codes"].as_array().unwrap().iter().collect();
    let told: Vec<(u64, &str)> = described
        .iter()
        .map(|close| (close["code"].as_u64().unwrap(), close["reason"].as_str().unwrap()))
        .collect();
    let known: Vec<(u64, &str)> = CLOSES.iter().map(|(code, name)| (u64::from(*code), *name)).collect();
    assert_eq!(told, known);
    let said = document["channels"]["live"]["description"].as_str().unwrap();
    for close in described {
        let row = format!("| {} |", close["code"]);
        assert!(
            said.contains(&row) && said.contains(close["means"].as_str().unwrap()),
            "{close}"
        );
    }
}

#[test]
fn every_address_is_a_topic_and_every_kind_of_topic_an_address() {
    use homeroom_actors::topics::TopicName;
    let document = document();
    let mut parsed = 0;
    for channel in document["channels"].as_object().unwrap().values() {
        let address = channel["address"].as_str().unwrap();
        if address.starts_with('/') {
            continue;
        }
        for period in ["day", "week", "season"] {
            let mut topic = address.replace("{period}", period);
            for id in ["{user_id}", "{team_id}", "{qualification_id}"] {
                topic = topic.replace(id, "7");
            }
            let name: TopicName = topic.parse().unwrap_or_else(|_| panic!("{topic}"));
            assert_eq!(name.to_string(), topic);
        }
        parsed += 1;
    }
    assert_eq!(
        parsed, 14,
        "user, team, presence, two of announcements, honours, four boards of all time and four of periods"
    );
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_left_over() {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(|it| it[1..].to_owned()));
                fields.values().for_each(|inner| walk(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    walk(&document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    for (kind, components) in document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys() {
            let reference = format!("/components/{kind}/{name}");
            assert!(found.contains(&reference), "{reference} is not used");
        }
    }
}

#[test]
fn its_version_is_the_programs() {
    assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document()["asyncapi"], "3.0.0");
}
