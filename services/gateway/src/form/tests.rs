//! The building and the reading of forms.

use serde_json::json;

use super::*;

fn field(name: &str, kind: Kind, required: bool) -> Field {
    Field {
        name: name.to_owned(),
        label: name.to_owned(),
        kind,
        required,
        read_only: false,
        max_length: None,
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn submission(pairs: &[(&str, &str)]) -> Submission {
    Submission(
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    )
}

fn sizes() -> Kind {
    Kind::Choice(vec!["BIG".into(), "SMALL".into()])
}

/// A new entity with one field `x`.
fn check_new(kind: Kind, text: &str, expected: Result<Value, &str>) {
    let fields = [field("id", Kind::Text, false), field("x", kind, true)];
    let outcome = entity(&fields, &submission(&[("x", text), ("_csrf", "t"), ("id", "7")]), None);
    let expected = match expected {
        Ok(value) => Ok(object(json!({ "x": value }))),
        Err(message) => Err(vec![FieldError { field: "x".into(), message: message.into() }]),
    };
    assert_eq!(outcome, expected, "{text}");
}

#[test]
fn texts_become_values_of_their_kind() {
    check_new(Kind::Text, "a b", Ok(json!("a b")));
    check_new(Kind::Text, "", Ok(json!(null)));
    check_new(Kind::Text, "<script>", Ok(json!("<script>")));
    check_new(sizes(), "BIG", Ok(json!("BIG")));
    check_new(sizes(), "", Ok(json!(null)));
    check_new(Kind::Instant, "2026-01-02T03:04", Ok(json!("2026-01-02T03:04:00Z")));
    check_new(Kind::Instant, "2026-01-02T03:04:05", Ok(json!("2026-01-02T03:04:05Z")));
    check_new(Kind::Instant, "2026-01-02T03:04:05.25", Ok(json!("2026-01-02T03:04:05.25Z")));
    check_new(Kind::Instant, "yesterday", Err("must be a date and time"));
    check_new(Kind::Integer, " 9007199254740993 ", Ok(json!(9_007_199_254_740_993_i64)));
    check_new(Kind::Integer, "1.5", Err("must be a whole number"));
    check_new(Kind::Integer, "9223372036854775808", Err("must be a whole number"));
    check_new(Kind::Decimal, "1.5", Ok(json!(1.5)));
    check_new(Kind::Decimal, "NaN", Err("must be a number"));
    check_new(Kind::Flag, "true", Ok(json!(true)));
    check_new(Kind::Flag, "", Ok(json!(false)));
}

/// An edited entity whose field `x` was `before` and came back as `text`.
fn check_edited(kind: Kind, before: Value, text: &str, after: Value) {
    let current = object(json!({ "id": 1, "x": before, "hidden": [1] }));
    let fields = [field("id", Kind::Integer, false), field("x", kind, false)];
    let edited = entity(&fields, &submission(&[("x", text)]), Some(&current)).unwrap();
    assert_eq!(
        edited,
        object(json!({ "id": 1, "x": after, "hidden": [1] })),
        "{before} came back as {text:?}"
    );
}

#[test]
fn what_was_not_changed_stays_exactly_as_it_is() {
    let precise = json!("2026-01-02T03:04:00.123456789Z");
    check_edited(Kind::Instant, precise.clone(), "2026-01-02T03:04:00", precise.clone());
    check_edited(Kind::Instant, precise.clone(), "2026-01-02T03:04", precise.clone());
    check_edited(Kind::Instant, precise.clone(), "2026-01-02T03:05", json!("2026-01-02T03:05:00Z"));
    check_edited(Kind::Instant, precise, "", json!(null));
    check_edited(Kind::Text, json!("a\nb"), "a\r\nb", json!("a\nb"));
    check_edited(Kind::Text, json!(""), "", json!(""));
    check_edited(Kind::Text, json!("a"), "", json!(null));
    check_edited(Kind::Integer, json!(5), "5", json!(5));
    check_edited(Kind::Decimal, json!(1), "1", json!(1));
    check_edited(Kind::Flag, json!(null), "", json!(null));
    check_edited(Kind::Flag, json!(true), "", json!(false));
    check_edited(sizes(), json!("HUGE"), "HUGE", json!("HUGE"));
}

fn check_control(kind: Kind, required: bool, value: Value, expected: Control) {
    let form = Form::of(&[field("x", kind, required)], &object(json!({ "x": value })));
    assert_eq!(form.inputs[0].control, expected, "{value}");
}

fn options(all: &[(&str, bool)]) -> Control {
    Control::Choice(
        all.iter()
            .map(|(value, selected)| Choice { value: (*value).into(), selected: *selected })
            .collect(),
    )
}

#[test]
fn values_choose_their_control() {
    check_control(Kind::Text, true, json!("a"), Control::Line("a".into()));
    check_control(Kind::Text, true, json!("a\nb"), Control::Lines("a\nb".into()));
    let instant = json!("2026-01-02T03:04:05.678Z");
    check_control(Kind::Instant, true, instant, Control::Instant("2026-01-02T03:04:05".into()));
    check_control(Kind::Instant, true, json!("never"), Control::Instant(String::new()));
    check_control(Kind::Integer, true, json!(5), Control::Integer("5".into()));
    check_control(Kind::Flag, true, json!(true), Control::Flag(true));
    check_control(Kind::Flag, true, json!(null), Control::Flag(false));
    check_control(sizes(), true, json!("SMALL"), options(&[("BIG", false), ("SMALL", true)]));
    check_control(
        sizes(),
        true,
        json!(null),
        options(&[("", true), ("BIG", false), ("SMALL", false)]),
    );
    check_control(
        sizes(),
        false,
        json!("BIG"),
        options(&[("", false), ("BIG", true), ("SMALL", false)]),
    );
    check_control(
        sizes(),
        true,
        json!("HUGE"),
        options(&[("BIG", false), ("SMALL", false), ("HUGE", true)]),
    );
}

#[test]
fn a_new_entity_starts_at_the_present_where_a_time_is_required() {
    let fields = [
        field("id", Kind::Text, true),
        field("a", Kind::Instant, true),
        field("b", Kind::Instant, false),
    ];
    let form = Form::blank(&fields, "2026-01-02T03:04:05.678Z".parse().unwrap());
    let controls: Vec<_> = form.inputs.into_iter().map(|input| input.control).collect();
    assert_eq!(
        controls,
        [Control::Instant("2026-01-02T03:04:05".into()), Control::Instant(String::new())]
    );
}

#[test]
fn errors_find_their_inputs() {
    let mut form = Form::submitted(&[field("x", Kind::Text, true)], &submission(&[("x", "kept")]));
    let error =
        |field: &str| FieldError { field: field.into(), message: "must not be null".into() };
    assert_eq!(form.mark(vec![error("x"), error("y")]), [error("y")]);
    assert_eq!(form.inputs[0].error.as_deref(), Some("must not be null"));
    assert_eq!(form.inputs[0].control, Control::Line("kept".into()));
}
