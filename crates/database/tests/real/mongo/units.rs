//! Change units as Mongock keeps them, and what was recorded of them.

use database::{ChangeUnit, ConnectError, Seed};
use mongodb::bson::{DateTime, Document, doc};

use super::{Place, STAND_ALONE, document, with_database};

/// The collections that were recorded.
fn recorded() -> Vec<serde_json::Value> {
    let text = include_str!("../../../../../contracts/recorded/mongo.json");
    serde_json::from_str(text).unwrap()
}

fn collection<'a>(recorded: &'a [serde_json::Value], name: &str) -> &'a serde_json::Value {
    recorded.iter().find(|collection| collection["collection"] == name).unwrap()
}

/// The unit that was recorded.
fn unit(recorded: &[serde_json::Value]) -> ChangeUnit {
    let note = &collection(recorded, "mongockChangeLog")["documents"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned().into();
    let documents = collection(recorded, "jhi_authority")["documents"].as_array().unwrap();
    ChangeUnit {
        id: text(&note["changeId"]),
        author: text(&note["author"]),
        class: text(&note["changeLogClass"]),
        method: text(&note["changeSetMethod"]),
        documents: documents
            .iter()
            .map(|document| Seed {
                collection: "jhi_authority".into(),
                id: text(&document["_id"]),
                class: text(&document["_class"]),
            })
            .collect(),
    }
}

/// The indexes of a collection as they were recorded.
async fn indexes(place: &Place, name: &str) -> serde_json::Value {
    let mut cursor = place.collection(name).list_indexes().await.unwrap();
    let mut indexes = serde_json::Map::new();
    while cursor.advance().await.unwrap() {
        let index = cursor.deserialize_current().unwrap();
        let options = index.options.unwrap();
        let keys: Vec<serde_json::Value> = index
            .keys
            .iter()
            .map(|(key, order)| serde_json::json!([key, order.as_i32().unwrap()]))
            .collect();
        let mut entry = serde_json::json!({ "v": 2, "key": keys });
        if options.unique == Some(true) {
            entry["unique"] = true.into();
        }
        indexes.insert(options.name.unwrap(), entry);
    }
    indexes.into()
}

#[tokio::test]
async fn leaves_what_mongock_leaves() {
    let recorded = recorded();
    let unit = unit(&recorded);
    with_database(STAND_ALONE, async |place| {
        place.open(&[], std::slice::from_ref(&unit)).await.unwrap();
        for name in ["jhi_authority", "mongockChangeLog", "mongockLock"] {
            assert_eq!(
                indexes(&place, name).await,
                collection(&recorded, name)["indexes"],
                "{name}"
            );
        }
        let authorities = &collection(&recorded, "jhi_authority")["documents"];
        let expected: Vec<Document> =
            authorities.as_array().unwrap().iter().map(document).collect();
        assert_eq!(place.find("jhi_authority").await, expected);
        let log = place.find("mongockChangeLog").await;
        let expected = document(&collection(&recorded, "mongockChangeLog")["documents"][0]);
        assert_eq!(log[0].keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        let volatile = ["_id", "executionId", "timestamp", "executionMillis", "executionHostname"];
        for (name, value) in &expected {
            let found = log[0].get(name).unwrap();
            match volatile.contains(&name.as_str()) {
                true if name == "executionMillis" => assert!(found.as_i64().is_some()),
                true => assert_eq!(found.element_type(), value.element_type(), "{name}"),
                false => assert_eq!(found, value, "{name}"),
            }
        }
        // It is executed once, by whoever comes first.
        let again = [unit.clone(), unit.clone()];
        let (left, right) = tokio::join!(place.open(&[], &again), place.open(&[], &again));
        left.and(right).unwrap();
        assert_eq!(place.find("mongockChangeLog").await, log);
    })
    .await;
}

#[tokio::test]
async fn takes_a_database_that_a_java_service_made() {
    let recorded = recorded();
    let unit = unit(&recorded);
    with_database(STAND_ALONE, async |place| {
        let note = document(&collection(&recorded, "mongockChangeLog")["documents"][0]);
        place.collection("mongockChangeLog").insert_one(&note).await.unwrap();
        place.open(&[], std::slice::from_ref(&unit)).await.unwrap();
        assert_eq!(place.find("mongockChangeLog").await, [note]);
        assert!(place.find("jhi_authority").await.is_empty(), "what was removed stays so");
    })
    .await;
}

#[tokio::test]
async fn waits_while_a_java_service_holds_the_lock() {
    let unit = unit(&recorded());
    with_database(STAND_ALONE, async |place| {
        let lock = |expires: i64| doc! {
            "key": "DEFAULT_KEY", "status": "LOCK_HELD", "owner": "o", "expiresAt": DateTime::from_millis(expires),
        };
        place.collection("mongockLock").insert_one(lock(i64::MAX / 2)).await.unwrap();
        let refused = place.open(&[], std::slice::from_ref(&unit)).await.err().unwrap();
        assert!(matches!(refused, ConnectError::Unavailable(_)), "{refused:?}");
        place.collection("mongockLock").replace_one(doc! {}, lock(1)).await.unwrap();
        place.open(&[], std::slice::from_ref(&unit)).await.unwrap();
    })
    .await;
}
