//! Rows as documents, as Spring Data MongoDB writes them: fields in the order of the columns, none for what is not there,
//! `_class` last.

use jiff::Timestamp;
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};

use crate::{Id, Table, Value};

/// The field that holds messages which were committed with a document and are not in the outbox yet.
pub(super) const PENDING: &str = "_outbox";
/// The field that names the class.
pub(super) const CLASS: &str = "_class";

/// An id: 24 hexadecimal digits are an object id, as Spring Data takes them.
pub(super) fn id(id: &Id) -> Bson {
    match id {
        Id::Integer(number) => Bson::Int64(*number),
        Id::Text(text) => text_id(text),
    }
}

/// A textual id.
pub(super) fn text_id(text: &str) -> Bson {
    let object = if text.len() == 24 { ObjectId::parse_str(text).ok() } else { None };
    object.map_or_else(|| Bson::String(text.to_owned()), Bson::ObjectId)
}

/// A value; nothing for null.
pub(super) fn value(value: &Value) -> Option<Bson> {
    Some(match value {
        Value::Null => return None,
        Value::Text(text) => Bson::String(text.clone()),
        Value::Integer(number) => Bson::Int64(*number),
        Value::Real(number) => Bson::Double(*number),
        Value::Boolean(truth) => Bson::Boolean(*truth),
        Value::Instant(instant) => Bson::DateTime(date(*instant)),
    })
}

/// An instant as MongoDB keeps it; what is less than a millisecond is cut off.
pub(super) fn date(instant: Timestamp) -> DateTime {
    DateTime::from_millis(milliseconds(instant))
}

/// The milliseconds since 1970, rounded down.
pub(super) fn milliseconds(instant: Timestamp) -> i64 {
    // Toward zero, so one too many before 1970 when something was cut off.
    let truncated = instant.as_millisecond();
    truncated - i64::from(instant.subsec_nanosecond() % 1_000_000 < 0)
}

/// A new document, with messages that are to be sent.
pub(super) fn row(table: &Table, row: &Id, values: &[Value], pending: Vec<Bson>) -> Document {
    let mut document = doc! { "_id": id(row) };
    document.extend(fields(table, values));
    if let Some(class) = &table.class {
        document.insert(CLASS, class.as_ref());
    }
    if !pending.is_empty() {
        document.insert(PENDING, pending);
    }
    document
}

/// An update that gives a document new values and leaves it as if it were written anew, but for fields that we do not know
/// and for messages that still wait in it: they stay.
pub(super) fn replacement(table: &Table, values: &[Value], pending: Vec<Bson>) -> Vec<Document> {
    let mut known: Vec<Bson> =
        table.columns.iter().map(|column| Bson::String(column.name.to_string())).collect();
    let fields: Document = fields(table, values).collect();
    let mut parts = vec![
        Bson::Document(doc! { "_id": "$_id" }),
        Bson::Document(doc! { "$literal": fields }),
        Bson::String("$$ROOT".to_owned()),
    ];
    if let Some(class) = &table.class {
        known.push(Bson::String(CLASS.to_owned()));
        parts.push(Bson::Document(doc! { CLASS: { "$literal": class.as_ref() } }));
    }
    if !pending.is_empty() {
        let waiting = doc! { "$ifNull": [format!("${PENDING}"), []] };
        let all = doc! { "$concatArrays": [waiting, { "$literal": pending }] };
        parts.push(Bson::Document(doc! { PENDING: all }));
    }
    let mut stages = vec![doc! { "$replaceWith": { "$mergeObjects": parts } }];
    if !known.is_empty() {
        stages.insert(0, doc! { "$unset": known });
    }
    stages
}

/// What a document with these values meets as long as they are what it holds.
pub(super) fn unchanged(table: &Table, row: &Id, values: &[Value]) -> Document {
    let mut filter = doc! { "_id": id(row) };
    for (column, kept) in table.columns.iter().zip(values) {
        filter.insert(column.name.as_ref(), doc! { "$eq": value(kept).unwrap_or(Bson::Null) });
    }
    filter
}

fn fields(table: &Table, values: &[Value]) -> impl Iterator<Item = (String, Bson)> {
    let columns = table.columns.iter().zip(values);
    columns.filter_map(|(column, kept)| Some((column.name.to_string(), value(kept)?)))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::{Column, IdKind, Kind};

    fn book() -> Table {
        let column = |name, kind| Column { name: Cow::Borrowed(name), kind, required: false };
        Table {
            name: "book".into(),
            id: IdKind::ObjectId,
            key: "id".into(),
            class: Some("com.example.Book".into()),
            columns: vec![
                column("title", Kind::Text),
                column("pages", Kind::Integer),
                column("printed", Kind::Instant),
            ]
            .into(),
        }
    }

    #[test]
    fn writes_fields_in_the_order_of_columns_and_the_class_last() {
        let hex = "6b04df114739d87c640f30b9";
        let printed = Value::Instant("2022-09-05T18:08:31.546Z".parse().unwrap());
        let written = row(
            &book(),
            &Id::Text(hex.to_owned()),
            &["Moby Dick".into(), Value::Null, printed],
            Vec::new(),
        );
        let expected = doc! {
            "_id": ObjectId::parse_str(hex).unwrap(),
            "title": "Moby Dick",
            "printed": DateTime::from_millis(1_662_401_311_546),
            "_class": "com.example.Book",
        };
        assert_eq!(written.to_vec().unwrap(), expected.to_vec().unwrap());
    }

    #[test]
    fn takes_only_24_hexadecimal_digits_for_an_object_id() {
        for (text, is_object) in [
            ("6b04df114739d87c640f30b9", true),
            ("6B04DF114739D87C640F30B9", true),
            ("6b04df114739d87c640f30bx", false),
            ("6b04df114739d87c640f30b", false),
            ("6b04df114739d87c640f30b9a", false),
            ("twelve bytes", false),
            ("", false),
        ] {
            assert_eq!(matches!(text_id(text), Bson::ObjectId(_)), is_object, "{text}");
        }
    }

    #[test]
    fn cuts_off_what_is_less_than_a_millisecond() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000999999Z", 0),
            ("1969-12-31T23:59:59.999999999Z", -1),
            ("1969-12-31T23:59:59.999Z", -1),
            ("1969-12-31T23:59:59.998000001Z", -2),
            ("1969-12-31T23:59:59Z", -1000),
            ("-009999-01-03T00:00:00.000000001Z", -377_704_944_000_000),
        ] {
            assert_eq!(milliseconds(text.parse().unwrap()), expected, "{text}");
        }
    }
}
