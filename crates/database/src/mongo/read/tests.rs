//! What is made of documents that others wrote.

use mongodb::bson::{DateTime, RawDocumentBuf, Timestamp as BsonTimestamp, oid::ObjectId, rawdoc};

use super::*;
use crate::Column;

const HEX: &str = "6b04df114739d87c640f30b9";

fn book(id: IdKind) -> Table {
    let column = |name: &'static str, kind| Column { name: name.into(), kind, required: false };
    Table {
        name: "book".into(),
        id,
        key: "id".into(),
        class: None,
        columns: vec![
            column("title", Kind::Text),
            column("pages", Kind::Integer),
            column("price", Kind::Real),
            column("lent", Kind::Boolean),
            column("printed", Kind::Instant),
        ]
        .into(),
    }
}

fn read(document: &RawDocument) -> Vec<Value> {
    row(&book(IdKind::ObjectId), document).unwrap().unwrap().values
}

fn object() -> ObjectId {
    ObjectId::parse_str(HEX).unwrap()
}

#[test]
fn finds_fields_in_any_order_and_passes_over_others() {
    let document = rawdoc! {
        "printed": DateTime::from_millis(1500),
        "unknown": { "title": "not this" },
        "_outbox": [{ "id": "m" }],
        "title": "Moby Dick",
        "_id": object(),
        "lent": false,
        "_class": "com.example.Book",
    };
    let row = row(&book(IdKind::ObjectId), &document).unwrap().unwrap();
    assert_eq!(row.id, Id::Text(HEX.to_owned()));
    let printed = Value::Instant("1970-01-01T00:00:01.5Z".parse().unwrap());
    let expected =
        vec!["Moby Dick".into(), Value::Null, Value::Null, Value::Boolean(false), printed];
    assert_eq!(row.values, expected);
    assert_eq!(row.version, version::of(&expected));
}

#[test]
fn takes_what_means_the_same_and_nothing_else() {
    for (document, column, expected) in [
        (rawdoc! { "_id": object(), "pages": 5_i32 }, 1, Value::Integer(5)),
        (rawdoc! { "_id": object(), "pages": 5.0 }, 1, Value::Integer(5)),
        (rawdoc! { "_id": object(), "pages": 5.5 }, 1, Value::Null),
        (rawdoc! { "_id": object(), "pages": 1e19 }, 1, Value::Null),
        (rawdoc! { "_id": object(), "pages": f64::NAN }, 1, Value::Null),
        (rawdoc! { "_id": object(), "pages": "5" }, 1, Value::Null),
        (rawdoc! { "_id": object(), "price": 5_i32 }, 2, Value::Real(5.0)),
        (rawdoc! { "_id": object(), "price": 5_i64 }, 2, Value::Real(5.0)),
        (rawdoc! { "_id": object(), "title": 5_i32 }, 0, Value::Null),
        (rawdoc! { "_id": object(), "title": object() }, 0, Value::Null),
        (rawdoc! { "_id": object(), "title": ["a"] }, 0, Value::Null),
        (rawdoc! { "_id": object(), "lent": 1_i32 }, 3, Value::Null),
        (rawdoc! { "_id": object(), "printed": "2020-01-01T00:00:00Z" }, 4, Value::Null),
        (
            rawdoc! { "_id": object(), "printed": BsonTimestamp { time: 1, increment: 1 } },
            4,
            Value::Null,
        ),
        (rawdoc! { "_id": object(), "printed": DateTime::MAX }, 4, Value::Instant(Timestamp::MAX)),
        (rawdoc! { "_id": object(), "printed": DateTime::MIN }, 4, Value::Instant(Timestamp::MIN)),
    ] {
        assert_eq!(read(&document)[column], expected, "{document:?}");
    }
}

#[test]
fn reads_past_a_text_that_is_no_utf_8() {
    let document = rawdoc! { "_id": object(), "title": "a???b", "pages": 7_i64 };
    let mut bytes = document.as_bytes().to_vec();
    let at = bytes.windows(3).position(|bytes| bytes == b"???").unwrap();
    // A lone surrogate, U+D83D, as Java's driver writes it.
    bytes[at..at + 3].copy_from_slice(&[0xed, 0xa0, 0xbd]);
    let document = RawDocumentBuf::from_bytes(bytes).unwrap();
    let values = read(&document);
    assert_eq!(values[0], "a\u{fffd}\u{fffd}\u{fffd}b".into());
    assert_eq!(values[1], Value::Integer(7));
    let filter = unchanged(&book(IdKind::ObjectId), &document).unwrap();
    assert_eq!(filter.get("title"), Some(&Bson::Document(doc! { "$type": 2 })));
    assert_eq!(filter.get("pages"), Some(&Bson::Document(doc! { "$eq": 7_i64 })));
}

#[test]
fn passes_over_a_document_with_an_id_of_another_kind() {
    for (kind, document, expected) in [
        (IdKind::ObjectId, rawdoc! { "_id": "plain" }, Some(Id::Text("plain".to_owned()))),
        (IdKind::ObjectId, rawdoc! { "_id": 5_i64 }, None),
        (IdKind::ObjectId, rawdoc! { "title": "no id" }, None),
        (IdKind::Sequence, rawdoc! { "_id": 5_i64 }, Some(Id::Integer(5))),
        (IdKind::Sequence, rawdoc! { "_id": 5_i32 }, Some(Id::Integer(5))),
        (IdKind::Sequence, rawdoc! { "_id": "5" }, None),
    ] {
        let row = row(&book(kind), &document).unwrap();
        assert_eq!(row.map(|row| row.id), expected, "{document:?}");
    }
}

#[test]
fn says_what_an_unchanged_document_meets() {
    let document = rawdoc! { "_id": object(), "other": 1, "pages": 5_i32, "title": "a" };
    let filter = unchanged(&book(IdKind::ObjectId), &document).unwrap();
    let expected = doc! {
        "title": { "$eq": "a" },
        "pages": { "$eq": 5_i32 },
        "price": { "$eq": null },
        "lent": { "$eq": null },
        "printed": { "$eq": null },
        "_id": { "$eq": object() },
    };
    assert_eq!(filter, expected);
}
