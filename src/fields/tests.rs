//! What is read, and what is said about what cannot be.

use super::*;
use homeroom_schema::UserId;
use serde_json::json;

/// What is wrong with one field, as `field message` lines; empty when nothing is.
fn said<T>(body: &Value, read: impl FnOnce(&mut Fields<'_>) -> T) -> String {
    let mut fields = Fields::of(body);
    read(&mut fields);
    let errors = fields.into_errors();
    let lines: Vec<_> = errors.iter().map(|e| format!("{} {}", e.field, e.message)).collect();
    lines.join("\n")
}

#[test]
fn ids_are_integers_from_1_to_2_to_the_53rd_minus_1() {
    let wrong = "id must be an integer from 1 to 9007199254740991";
    for (value, expected) in [
        (json!(1), ""),
        (json!(ID_MAX), ""),
        (json!(7.0), ""),
        (json!(0), wrong),
        (json!(-1), wrong),
        (json!(ID_MAX + 1), wrong),
        (json!(u64::MAX), wrong),
        (json!(7.5), wrong),
        (json!(1e300), wrong),
        (json!("7"), wrong),
        (json!([7]), wrong),
        (json!(true), wrong),
        (json!(null), "id must not be null"),
    ] {
        assert_eq!(
            said(&json!({"id": value}), |f| f.id::<UserId>("id")),
            expected,
            "{value}"
        );
    }
    assert_eq!(said(&json!({}), |f| f.id::<UserId>("id")), "id is required");
    assert_eq!(said(&json!({"id": null}), |f| f.optional_id::<UserId>("id")), "");
}

#[test]
fn lines_are_not_blank_and_bounded_and_without_control_characters() {
    for (value, expected) in [
        (json!("Ada"), ""),
        (json!(" Ada "), ""),
        (json!("Ådå ✓"), ""),
        (json!("ñññññ"), ""),
        (json!("ñññññn"), "x must have at most 5 characters"),
        (json!("a".repeat(1_000)), "x must have at most 5 characters"),
        (json!(""), "x must not be empty"),
        (json!("  "), "x must not be empty"),
        (json!("a\nb"), "x must not have control characters"),
        (json!("a\u{0}"), "x must not have control characters"),
        (json!(5), "x must be text"),
        (json!({}), "x must be text"),
    ] {
        assert_eq!(said(&json!({"x": value}), |f| f.line("x", 5)), expected, "{value}");
    }
}

#[test]
fn numbers_have_ranges() {
    for (value, expected) in [
        (json!(0), ""),
        (json!(100), ""),
        (json!(101), "x must be an integer from 0 to 100"),
        (json!(-1), "x must be an integer from 0 to 100"),
        (json!(0.5), "x must be an integer from 0 to 100"),
        (json!("5"), "x must be an integer from 0 to 100"),
    ] {
        assert_eq!(
            said(&json!({"x": value}), |f| f.whole("x", 0..=100)),
            expected,
            "{value}"
        );
    }
    for (value, expected) in [
        (json!(0), ""),
        (json!(0.25), ""),
        (json!(1), ""),
        (json!(1.000_001), "x must be a number from 0 to 1"),
        (json!(-0.1), "x must be a number from 0 to 1"),
        (json!("1"), "x must be a number from 0 to 1"),
    ] {
        assert_eq!(
            said(&json!({"x": value}), |f| f.optional_share("x")),
            expected,
            "{value}"
        );
    }
}

#[test]
fn everything_wrong_is_said_at_once_under_dotted_and_indexed_names() {
    let body = json!({
        "user_id": "7",
        "at": "yesterday",
        "evidence": {"score": 2, "resource": {"user_id": 0}},
        "skills": ["a", "", "a", 5],
        "kind": "other",
    });
    let said = said(&body, |f| {
        f.id::<UserId>("user_id");
        f.optional_time("at");
        f.object("evidence", |evidence| {
            evidence.optional_share("score");
            evidence.object("resource", |resource| resource.id::<UserId>("user_id"));
        });
        assert_eq!(f.lines("skills", 4, 10), ["a"]);
        f.word("kind", "one, two", |word| (word == "one").then_some(()));
        f.line("name", 5);
    });
    let expected = [
        "user_id must be an integer from 1 to 9007199254740991",
        "at must be a time as in 2026-03-01T09:30:00.000Z",
        "evidence.score must be a number from 0 to 1",
        "evidence.resource.user_id must be an integer from 1 to 9007199254740991",
        "skills[1] must not be empty",
        "skills[3] must be text",
        "kind must be one of one, two",
        "name is required",
    ];
    assert_eq!(said, expected.join("\n"));
}

#[test]
fn what_is_no_object_or_list_is_said_so() {
    for body in [json!([]), json!("x"), json!(null), json!(5)] {
        assert!(said(&body, |_| ()).starts_with("body must be an object"), "{body}");
    }
    assert_eq!(said(&json!({"e": 5}), |f| f.object("e", |_| ())), "e must be an object");
    assert_eq!(said(&json!({"l": {}}), |f| f.list("l", 2).len()), "l must be a list");
    assert_eq!(
        said(&json!({"l": [1, 2, 3]}), |f| f.list("l", 2).len()),
        "l must have at most 2 items"
    );
}

#[test]
fn a_patch_tells_absent_from_null_from_a_value() {
    let body = json!({"alias": null, "name": "Ada", "title": null});
    let mut fields = Fields::of(&body);
    assert_eq!(fields.change("alias", |f, n| f.optional_line(n, 9)), Some(None));
    assert_eq!(
        fields.change("name", |f, n| f.optional_line(n, 9)),
        Some(Some("Ada".into()))
    );
    assert_eq!(fields.change("other", |f, n| f.optional_line(n, 9)), None);
    assert_eq!(fields.change_to("other", |f, n| f.optional_line(n, 9)), None);
    assert_eq!(fields.change_to("title", |f, n| f.optional_line(n, 9)), None);
    let problem = fields.finish(()).expect_err("a title must not be null");
    assert_eq!((problem.errors.len(), problem.errors[0].field.as_str()), (1, "title"));
}

#[test]
fn only_so_many_errors_are_named_and_the_rest_are_counted() {
    let errors = (0..500).map(|n| FieldError::new(format!("f{n}"), "is wrong")).collect();
    let problem = Problem::validation(errors);
    assert_eq!(problem.errors.len(), homeroom_schema::limits::PROBLEM_ERRORS_MAX);
    assert!(problem.detail.starts_with("500 fields"), "{}", problem.detail);
}

#[test]
fn whole_numbers_of_a_query_are_digits() {
    for (text, is_fine) in [
        ("7", true),
        ("7.0", true),
        ("7.00", true),
        ("7.5", false),
        ("7.", false),
        (".0", false),
        ("+7", false),
        ("-7", false),
        (" 7", false),
        ("7e0", false),
        ("", false),
    ] {
        let query = json!({ "x": text });
        let mut fields = Fields::of_query(&query);
        let number = fields.optional_whole("x", 1..=9);
        assert_eq!(fields.finish(number).ok(), is_fine.then_some(Some(7)), "{text:?}");
    }
}
