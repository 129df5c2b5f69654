//! Documents that a Java service reads and writes too.

use database::{
    Changes, Column, Condition, Database, Id, IdKind, Kind, Page, Sort, Table, Test, Value, Write,
};
use mongodb::bson::{Bson, DateTime, Document, RawDocumentBuf, doc, oid::ObjectId};

use super::{BOTH, Place, STAND_ALONE, document, ids, with_database};
use crate::conformance::{BOOK, book, id, insert, message};

fn column(name: &'static str, kind: Kind) -> Column {
    Column { name: name.into(), kind, required: false }
}

/// As the recorded documents are.
fn shops(name: &str) -> Table {
    Table {
        name: name.to_owned().into(),
        id: IdKind::ObjectId,
        key: "id".into(),
        class: Some("com.example.Shop".into()),
        columns: vec![
            column("name", Kind::Text),
            column("address", Kind::Text),
            column("status", Kind::Text),
            column("create_timestamp", Kind::Instant),
            column("update_timestamp", Kind::Instant),
        ]
        .into(),
    }
}

/// The collection with most documents of those that were recorded.
fn recorded() -> (String, Vec<Document>) {
    let text = include_str!("../../../../../contracts/recorded/mongo.json");
    let collections: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    let largest = collections
        .iter()
        .max_by_key(|collection| collection["documents"].as_array().unwrap().len());
    let largest = largest.unwrap();
    let documents = largest["documents"].as_array().unwrap();
    let documents = documents.iter().map(document).collect();
    (largest["collection"].as_str().unwrap().to_owned(), documents)
}

/// The values of a recorded document.
fn values(document: &Document) -> Vec<Value> {
    let text = |name| document.get_str(name).map_or(Value::Null, |text| text.into());
    let instant = |name| match document.get_datetime(name) {
        Ok(date) => Value::Instant(date.try_to_rfc3339_string().unwrap().parse().unwrap()),
        Err(_) => Value::Null,
    };
    vec![
        text("name"),
        text("address"),
        text("status"),
        instant("create_timestamp"),
        instant("update_timestamp"),
    ]
}

async fn raw(place: &Place, collection: &str, id: impl Into<Bson>) -> RawDocumentBuf {
    let collection = place.other.collection::<RawDocumentBuf>(collection);
    collection.find_one(doc! { "_id": id.into() }).await.unwrap().unwrap()
}

#[tokio::test]
async fn reads_and_writes_byte_for_byte_what_java_wrote() {
    let (name, documents) = recorded();
    assert!(documents.len() >= 10);
    with_database(STAND_ALONE, async |place| {
        let mut table = shops(&name);
        table.class = Some(documents[0].get_str("_class").unwrap().to_owned().into());
        place.collection(&name).insert_many(&documents).await.unwrap();
        let mongo = place.open(&[table.clone()], &[]).await.unwrap();
        let listed = mongo.list(&table, &Page::first(100)).await.unwrap();
        assert_eq!(listed.total, documents.len() as u64);
        for (row, document) in listed.rows.iter().zip(&documents) {
            let object = document.get_object_id("_id").unwrap();
            assert_eq!(row.id, Id::Text(object.to_hex()));
            assert_eq!(row.values, values(document));
            assert_eq!(mongo.get(&table, &row.id).await.unwrap().as_ref(), Some(row));
            // Written anew, in three ways, with messages and without, it is the same again.
            let original = document.to_vec().unwrap();
            let (id, values) = (row.id.clone(), row.values.clone());
            let delete = Write::Delete { table: table.clone(), id: id.clone(), version: None };
            mongo.commit(Changes::new().write(delete)).await.unwrap();
            for (way, write) in [
                Write::Insert { table: table.clone(), id: id.clone(), values: values.clone() },
                Write::Overwrite {
                    table: table.clone(),
                    id: id.clone(),
                    values: vec![Value::Null; 5],
                },
                Write::Overwrite { table: table.clone(), id: id.clone(), values: values.clone() },
                Write::Replace { table: table.clone(), id, version: row.version, values },
            ]
            .into_iter()
            .enumerate()
            {
                let sent = message(&format!("{object} {way}"), "shops", "k");
                mongo.commit(Changes::new().write(write).send(sent)).await.unwrap();
                if way != 1 {
                    assert_eq!(raw(&place, &name, object).await.as_bytes(), original, "way {way}");
                }
            }
        }
        assert_eq!(ids(&mongo, "shops").await.len(), 4 * documents.len());
    })
    .await;
}

#[tokio::test]
async fn keeps_fields_that_it_does_not_know() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.open(&[shops("shop")], &[]).await.unwrap();
            let shop = doc! {
                "_id": "plain", "later": { "$price": 5 }, "name": "first", "status": null, "_class": "old",
            };
            place.collection("shop").insert_one(&shop).await.unwrap();
            let row = mongo.get(&shops("shop"), &id("plain")).await.unwrap().unwrap();
            assert_eq!(row.values[..3], ["first".into(), Value::Null, Value::Null]);
            let mut values = row.values.clone();
            values[0] = "$name".into();
            values[2] = "OPEN".into();
            let (table, version) = (shops("shop"), row.version);
            let replace = Write::Replace { table, id: id("plain"), version, values };
            let sent = message("m", "shops", "k");
            mongo.commit(Changes::new().write(replace).send(sent)).await.unwrap();
            let expected = doc! {
                "_id": "plain", "name": "$name", "status": "OPEN", "later": { "$price": 5 },
                "_class": "com.example.Shop",
            };
            assert_eq!(
                raw(&place, "shop", "plain").await.as_bytes(),
                expected.to_vec().unwrap(),
                "{:?}",
                place.find("shop").await
            );
        })
        .await;
    }
}

#[tokio::test]
async fn refuses_a_version_when_a_java_service_has_saved_the_document() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.connect().await;
            mongo.commit(insert("shared", book("first", 1))).await.unwrap();
            let seen = mongo.get(&BOOK, &id("shared")).await.unwrap().unwrap();
            let saved = doc! { "_id": "shared", "title": "by another", "pages": 1_i64 };
            let books = place.collection("book");
            books.replace_one(doc! { "_id": "shared" }, saved.clone()).await.unwrap();
            let replace = |version| {
                let values = book("second", 1);
                let write = Write::Replace { table: BOOK, id: id("shared"), version, values };
                Changes::new().write(write)
            };
            let stale = mongo.commit(replace(seen.version)).await;
            assert!(matches!(stale, Err(database::CommitError::Conflict)), "{stale:?}");
            assert_eq!(place.find("book").await, [saved]);
            let now = mongo.get(&BOOK, &id("shared")).await.unwrap().unwrap();
            assert_ne!(now.version, seen.version);
            mongo.commit(replace(now.version)).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn reads_past_what_others_have_put_there() {
    with_database(STAND_ALONE, async |place| {
        let table = shops("shop");
        let mongo = place.open(std::slice::from_ref(&table), &[]).await.unwrap();
        let mut bytes = doc! { "_id": "a", "name": "x???y", "address": "1 Road" }.to_vec().unwrap();
        let at = bytes.windows(3).position(|bytes| bytes == b"???").unwrap();
        bytes[at..at + 3].copy_from_slice(&[0xed, 0xa0, 0xbd]);
        let shops = place.other.collection::<RawDocumentBuf>("shop");
        shops.insert_one(RawDocumentBuf::from_bytes(bytes).unwrap()).await.unwrap();
        for strange in [
            doc! { "_id": "b", "name": 5, "create_timestamp": "yesterday" },
            doc! { "_id": "c", "name": ["x"], "create_timestamp": DateTime::MAX },
            doc! { "_id": ObjectId::from_bytes([7; 12]), "address": "2 Road", "_outbox": [] },
            doc! { "_id": 5, "name": "a number for an id" },
        ] {
            place.collection("shop").insert_one(strange).await.unwrap();
        }
        let listed = mongo.list(&table, &Page::first(10)).await.unwrap();
        assert_eq!(listed.total, 5);
        let ids: Vec<String> = listed.rows.iter().map(|row| row.id.to_string()).collect();
        assert_eq!(ids, ["a", "b", "c", "070707070707070707070707"]);
        let one = mongo.get(&table, &id("a")).await.unwrap().unwrap();
        assert_eq!(one, listed.rows[0]);
        assert_eq!(one.values[..2], ["x\u{fffd}\u{fffd}\u{fffd}y".into(), "1 Road".into()]);
        // Sorting by it, looking for it and writing it works too.
        for (sort, filter) in [
            (vec![Sort { column: Some(0), direction: database::Direction::Ascending }], vec![]),
            (vec![], vec![Condition { column: Some(0), test: Test::Contains("y".to_owned()) }]),
            (vec![], vec![Condition { column: Some(0), test: Test::IsSet(true) }]),
        ] {
            let page = Page { sort, filter, ..Page::first(10) };
            mongo.list(&table, &page).await.unwrap();
        }
        let values = vec![Value::Null; 5];
        let replace =
            Write::Replace { table: table.clone(), id: id("a"), version: one.version, values };
        mongo.commit(Changes::new().write(replace)).await.unwrap();
        let now = mongo.get(&table, &id("a")).await.unwrap().unwrap();
        assert_eq!(now.values, vec![Value::Null; 5]);
    })
    .await;
}
