//! JSON to values and back, by the description, as Jackson does it for the Java services.

use database::{Id, IdKind, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::{Entity, FieldKind, instant, instant_text};

/// A body that is not JSON, or not of the entity's types.
#[derive(Debug, PartialEq, Eq)]
pub struct CodecError {
    /// What was wrong, for a log line at debug level.
    pub reason: String,
}

/// Reads a JSON object: id and one value per field. Unknown members are ignored, a missing member is null.
///
/// # Errors
/// When it is no JSON object or a member has the wrong type.
pub fn decode(entity: &Entity, body: &[u8]) -> Result<(Option<Id>, Vec<Value>), CodecError> {
    // What stands after the object is not read, as in the Java services.
    let mut reader = serde_json::Deserializer::from_slice(body);
    let json = Json::deserialize(&mut reader).map_err(|error| wrong(error.to_string()))?;
    let Json::Object(members) = json else { return Err(wrong("not a JSON object".to_owned())) };
    let id = match members.get("id") {
        None | Some(Json::Null) => None,
        Some(id) => Some(
            read_id(entity.id, id).ok_or_else(|| wrong(format!("id {id} has the wrong type")))?,
        ),
    };
    let mut values = Vec::with_capacity(entity.fields.len());
    for field in entity.fields.iter() {
        let value = members.get(field.name.as_ref()).unwrap_or(&Json::Null);
        let value = read(&field.kind, value);
        values
            .push(value.ok_or_else(|| wrong(format!("member {} has the wrong type", field.name)))?);
    }
    Ok((id, values))
}

/// Writes an entity as a JSON object: the id, then every field in the order of the description, null where there is no value.
pub fn encode(entity: &Entity, id: &Id, values: &[Value]) -> Json {
    let mut members = Map::with_capacity(values.len() + 1);
    members.insert("id".to_owned(), id_json(id));
    for (field, value) in entity.fields.iter().zip(values) {
        members.insert(field.name.clone().into_owned(), write(value));
    }
    Json::Object(members)
}

/// Reads the id of a path.
pub(crate) fn path_id(kind: IdKind, text: &str) -> Option<Id> {
    match kind {
        IdKind::ObjectId => Some(Id::Text(text.to_owned())),
        IdKind::Sequence => text.parse().ok().map(Id::Integer),
    }
}

fn id_json(id: &Id) -> Json {
    match id {
        Id::Text(text) => json!(text),
        Id::Integer(number) => json!(number),
    }
}

fn read_id(kind: IdKind, json: &Json) -> Option<Id> {
    match kind {
        IdKind::ObjectId => text(json).map(Id::Text),
        IdKind::Sequence => whole(json).map(Id::Integer),
    }
}

fn read(kind: &FieldKind, json: &Json) -> Option<Value> {
    if json.is_null() {
        return Some(Value::Null);
    }
    match kind {
        FieldKind::String => text(json).map(Value::Text),
        FieldKind::Integer => {
            whole(json).filter(|number| i32::try_from(*number).is_ok()).map(Value::Integer)
        }
        FieldKind::Long => whole(json).map(Value::Integer),
        FieldKind::Double => match json {
            Json::String(text) => text.trim().parse().ok(),
            _ => json.as_f64(),
        }
        .filter(|number: &f64| number.is_finite())
        .map(Value::Real),
        FieldKind::Boolean => match json {
            Json::String(text) => text.trim().parse().ok(),
            _ => json.as_bool(),
        }
        .map(Value::Boolean),
        FieldKind::Instant => instant::parse(json).map(Value::Instant),
        FieldKind::Enum(names) => match json {
            Json::String(name) => names.iter().find(|known| *known == name),
            // Jackson takes a name's position too.
            _ => json.as_u64().and_then(|position| names.get(usize::try_from(position).ok()?)),
        }
        .map(|name| Value::Text(name.clone().into_owned())),
    }
}

/// Jackson reads numbers and truth values as text where text is wanted.
fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn whole(json: &Json) -> Option<i64> {
    match json {
        Json::String(text) => text.trim().parse().ok(),
        _ => json.as_i64(),
    }
}

fn write(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::Integer(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Boolean(truth) => json!(truth),
        Value::Instant(instant) => json!(instant_text(*instant)),
    }
}

fn wrong(reason: String) -> CodecError {
    CodecError { reason }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Field, Rule};

    const fn field(name: &'static str, kind: FieldKind, rules: &'static [Rule]) -> Field {
        use std::borrow::Cow::Borrowed;
        Field { name: Borrowed(name), column: Borrowed(name), kind, rules: Borrowed(rules) }
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
                field(
                    "state",
                    FieldKind::Enum(Borrowed(&[Borrowed("NEW"), Borrowed("PAID")])),
                    &[],
                ),
                field("count", FieldKind::Integer, &[Rule::Min(1), Rule::Max(9)]),
                field("price", FieldKind::Double, &[]),
                field("gift", FieldKind::Boolean, &[]),
                field("placed", FieldKind::Instant, &[Rule::Required]),
            ]),
        }
    };

    fn check(body: &str, expected: &str) {
        let text = match decode(&ORDER, body.as_bytes()) {
            Ok((id, values)) => encode(&ORDER, &id.unwrap_or(Id::Integer(0)), &values).to_string(),
            Err(error) => error.reason,
        };
        assert_eq!(text, expected, "{body}");
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
    }

    #[test]
    fn refuses_wrong_types() {
        check(r#"{"title":{"a":1}}"#, "member title has the wrong type");
        check(r#"{"state":"MAYBE"}"#, "member state has the wrong type");
        check(r#"{"state":2}"#, "member state has the wrong type");
        check(r#"{"count":1.5}"#, "member count has the wrong type");
        check(r#"{"count":3000000000}"#, "member count has the wrong type");
        check(r#"{"price":"NaN"}"#, "member price has the wrong type");
        check(r#"{"placed":"today"}"#, "member placed has the wrong type");
        check(r#"{"id":"x"}"#, "id \"x\" has the wrong type");
        check("[]", "not a JSON object");
        check(r#"{"title":"#, "EOF while parsing a value at line 1 column 9");
        check(r#"{"title":"\ud83d"}"#, "unexpected end of hex escape at line 1 column 17");
    }
}
