//! What is read of a body, what is refused, and what is written.

use super::*;
use crate::{Field, FieldKind, Rule};

const fn field(name: &'static str, kind: FieldKind, rules: &'static [Rule]) -> Field {
    use std::borrow::Cow::Borrowed;
    let (name, column, rules) = (Borrowed(name), Borrowed(name), Borrowed(rules));
    Field { name, column, kind, rules, width: None }
}

pub(crate) const ORDER: Entity = {
    use std::borrow::Cow::Borrowed;
    Entity {
        name: Borrowed("Order"),
        collection: Borrowed("orders"),
        table: Borrowed("order"),
        class: Borrowed("com.example.shop.domain.Order"),
        id: IdKind::Sequence,
        fields: Borrowed(&[
            field("title", FieldKind::String, &[Rule::Required, Rule::MaxLength(20)]),
            field("state", FieldKind::Enum(Borrowed(&[Borrowed("NEW"), Borrowed("PAID")])), &[]),
            field("count", FieldKind::Integer, &[Rule::Min(1), Rule::Max(9)]),
            field("price", FieldKind::Double, &[]),
            field("gift", FieldKind::Boolean, &[]),
            field("placed", FieldKind::Instant, &[Rule::Required]),
        ]),
    }
};

fn check(body: &str, expected: &str) {
    let read = decode(&ORDER, body.as_bytes());
    let text = match read {
        Ok((id, values)) => {
            let id = id.unwrap_or(Id::Integer(0));
            let mut text = Vec::new();
            write(&ORDER, &id, &values, &mut text);
            let text = String::from_utf8(text).unwrap();
            assert_eq!(encode(&ORDER, &id, &values).to_string(), text);
            text
        }
        Err(error) => error.reason,
    };
    assert_eq!(text, expected, "{body}");
}

/// One member alone, read and written.
fn check_member(name: &str, given: &str, expected: Option<&str>) {
    let read = decode(&ORDER, format!("{{\"{name}\":{given}}}").as_bytes());
    let written = match &read {
        Ok((id, _)) if name == "id" => {
            Some(id.as_ref().map_or("null".to_owned(), |id| id.to_string()))
        }
        Ok((_, values)) => Some(encode(&ORDER, &Id::Integer(0), values)[name].to_string()),
        Err(_) => None,
    };
    assert_eq!(written.as_deref(), expected, "{name} {given}: {read:?}");
}

#[test]
fn gives_back_what_it_read_in_the_order_of_the_description() {
    check(
        r#"{"placed":"2026-01-01T00:00:00.5Z","gift":true,"price":1.5,"count":3,"state":"PAID","title":"Books","id":7}"#,
        r#"{"id":7,"title":"Books","state":"PAID","count":3,"price":1.5,"gift":true,"placed":"2026-01-01T00:00:00.500Z"}"#,
    );
    check(
        "{}",
        r#"{"id":0,"title":null,"state":null,"count":null,"price":null,"gift":null,"placed":null}"#,
    );
}

#[test]
fn is_as_lenient_as_jackson() {
    check(
        r#"{"title":12,"state":0,"count":"4","gift":"false","unknown":[1]} trailing"#,
        r#"{"id":0,"title":"12","state":"NEW","count":4,"price":null,"gift":false,"placed":null}"#,
    );
    check(
        "\u{feff}{\"count\":1,\"count\":2}",
        r#"{"id":0,"title":null,"state":null,"count":2,"price":null,"gift":null,"placed":null}"#,
    );
}

#[test]
fn each_kind_takes_what_it_takes_in_java() {
    for (name, given, expected) in [
        ("id", "1.5", Some("1")),
        ("id", "\"7\"", Some("7")),
        ("id", "\"\"", Some("null")),
        ("id", "\"1.5\"", None),
        ("id", "9223372036854775808", None),
        ("id", "1e30", None),
        ("title", "true", Some("\"true\"")),
        ("title", "123456789012345678901234567890", Some("\"123456789012345678901234567890\"")),
        ("title", "1.50", Some("\"1.50\"")),
        ("title", "\"\"", Some("\"\"")),
        ("title", r#""a\u0000b""#, Some(r#""a\u0000b""#)),
        ("title", r#""\ud83d\ude00""#, Some("\"😀\"")),
        ("title", r#""\ud83d""#, None),
        ("title", "{}", None),
        ("state", "\"PAID\"", Some("\"PAID\"")),
        ("state", "\" PAID \"", Some("\"PAID\"")),
        ("state", "\"1\"", Some("\"PAID\"")),
        ("state", "1", Some("\"PAID\"")),
        ("state", "2", None),
        ("state", "1.0", None),
        ("state", "\"paid\"", None),
        ("state", "\"\"", None),
        ("count", "1.9", Some("1")),
        ("count", "-1.9", Some("-1")),
        ("count", "\" 4 \"", Some("4")),
        ("count", "\"\"", Some("null")),
        ("count", "3000000000", None),
        ("count", "3e9", None),
        ("count", "true", None),
        ("price", "1", Some("1.0")),
        ("price", "\"1.5\"", Some("1.5")),
        ("price", "\"NaN\"", None),
        ("price", "1e999", None),
        ("gift", "1", Some("true")),
        ("gift", "0", Some("false")),
        ("gift", "1.0", None),
        ("gift", "\"TRUE\"", Some("true")),
        ("gift", "\"yes\"", None),
        ("placed", "0.5", Some("\"1970-01-01T00:00:00.500Z\"")),
        ("placed", "\"1\"", Some("\"1970-01-01T00:00:01Z\"")),
        ("placed", "\" \"", Some("null")),
        ("placed", "\"today\"", None),
        ("placed", "true", None),
        ("placed", "[0]", None),
    ] {
        check_member(name, given, expected);
    }
}

#[test]
fn a_body_that_cannot_be_read_is_refused_with_a_reason() {
    check(r#"{"title":{"a":1}}"#, "member title has the wrong type");
    check(r#"{"id":"x"}"#, "id \"x\" has the wrong type");
    check("[]", "invalid type: sequence, expected a JSON object at line 1 column 0");
    check(r#"{"title":"#, "EOF while parsing a value at line 1 column 9");
    check(r#"{"title":"\ud83d"}"#, "unexpected end of hex escape at line 1 column 8");
    check(
        "{\"title\":\"\0\"}",
        "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 10",
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for body in [&b"{\"title\":\"\xff\"}"[..], b"\xff", b"", b"{\"title\":\"\xed\xa0\xbd\"}"] {
        assert!(decode(&ORDER, body).is_err(), "{body:?}");
    }
}

#[test]
fn depth_is_refused_where_a_value_is_wanted_and_costs_nothing_elsewhere() {
    let deep = "[".repeat(200_000);
    let closed = format!("{deep}{}", "]".repeat(200_000));
    check(&format!("{{\"title\":{closed}}}"), "member title has the wrong type");
    assert!(decode(&ORDER, format!("{{\"unknown\":{closed}}}").as_bytes()).is_ok());
    assert!(decode(&ORDER, deep.as_bytes()).is_err());
}

#[test]
fn what_is_null_and_what_is_missing_can_be_told_apart() {
    let given = Given::read(&ORDER, br#"{"title":null,"gift":true}"#).unwrap();
    let (null, gift) = (Some(Value::Null), Some(Value::Boolean(true)));
    assert_eq!(given.values, [null, None, None, None, gift, None]);
}

#[test]
fn the_id_of_a_path_is_read_as_spring_does() {
    for (text, expected) in
        [("7", Some(7)), ("-7", Some(-7)), (" 7 ", Some(7)), ("x", None), ("1.5", None)]
    {
        assert_eq!(path_id(IdKind::Sequence, text), expected.map(Id::Integer), "{text}");
    }
    assert_eq!(path_id(IdKind::ObjectId, "x"), Some(Id::Text("x".to_owned())));
}
