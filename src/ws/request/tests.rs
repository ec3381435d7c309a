//! Frames and how they are read, a line each.

use super::*;
use serde_json::json;

#[track_caller]
fn refused(text: &str, code: &str, id: impl Into<Option<Value>>) {
    let misunderstood = parse(text).unwrap_err();
    assert_eq!(misunderstood.problem.code, code, "{text}");
    assert_eq!(misunderstood.id.map(|id| id.0), id.into(), "{text}");
}

#[test]
fn what_is_no_json_object_is_refused_without_an_id() {
    for text in [
        "",
        "{",
        "nothing",
        "[]",
        "7",
        "null",
        "\"ping\"",
        "{\"id\":1}{}",
        "{\"id\":1e999,\"type\":\"ping\"}",
    ] {
        refused(text, "invalid_json", None);
    }
}

#[test]
fn depth_is_bounded() {
    let deep = format!(
        "{{\"type\":\"ping\",\"id\":1,\"x\":{}{}}}",
        "[".repeat(30_000),
        "]".repeat(30_000)
    );
    refused(&deep, "invalid_json", None);
}

#[test]
fn what_is_wrong_inside_repeats_the_id() {
    refused(r#"{"id":1}"#, "validation", json!(1));
    refused(r#"{"id":1,"type":5}"#, "validation", json!(1));
    refused(r#"{"id":"a","type":"dance"}"#, "unknown_type", json!("a"));
    refused(r#"{"id":1,"type":"subscribe"}"#, "validation", json!(1));
    refused(r#"{"id":1,"type":"subscribe","topics":{}}"#, "validation", json!(1));
    refused(r#"{"id":1,"type":"subscribe","topics":[7]}"#, "validation", json!(1));
    refused(r#"{"id":1,"type":"earn","key":7}"#, "validation", json!(1));
}

#[test]
fn ids_are_numbers_or_short_text() {
    let long = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(REQUEST_ID_CHARS_MAX + 1));
    refused(&long, "validation", None);
    refused(r#"{"type":"ping","id":null}"#, "validation", None);
    refused(r#"{"type":"ping","id":{}}"#, "validation", None);
    for id in [json!(1), json!(-1), json!(1.5), json!("a")] {
        let read = parse(&json!({"type": "ping", "id": id}).to_string());
        assert_eq!(
            read,
            Ok(Request::Ping {
                id: Some(RequestId(id))
            })
        );
    }
}

#[test]
fn only_ping_comes_without_an_id() {
    assert_eq!(parse(r#"{"type":"ping"}"#), Ok(Request::Ping { id: None }));
    refused(r#"{"type":"earn"}"#, "validation", None);
    refused(r#"{"type":"subscribe","topics":[]}"#, "validation", None);
}

#[test]
fn a_position_needs_both_parts() {
    let frame = json!({"type": "subscribe", "id": 1, "topics": [
        {"topic": "user:7", "epoch": "e", "offset": 41}, {"topic": "user:7", "epoch": "e"},
        {"topic": "user:7", "offset": 41, "epoch": null}, "board:all",
    ]});
    let Ok(Request::Subscribe { topics, .. }) = parse(&frame.to_string()) else {
        panic!("not a subscribe");
    };
    let positions: Vec<_> = topics.into_iter().map(|wish| wish.position).collect();
    assert_eq!(positions, [Some(("e".to_owned(), 41)), None, None, None]);
}

#[test]
fn topics_of_one_request_are_bounded() {
    let topics = vec![json!({"topic": "board:all"}); REQUEST_TOPICS_MAX + 1];
    refused(
        &json!({"type": "subscribe", "id": 1, "topics": topics}).to_string(),
        "validation",
        json!(1),
    );
}

#[test]
fn commands_keep_their_fields_and_lose_the_envelope() {
    let frame = json!({"type": "earn", "id": 2, "key": "k", "user_id": 7, "action_type": "read_content"});
    let expected = Request::Command {
        id: RequestId(json!(2)),
        wish: Wish::Earn(json!({"user_id": 7, "action_type": "read_content"})),
        key: Some("k".into()),
    };
    assert_eq!(parse(&frame.to_string()), Ok(expected));
}
