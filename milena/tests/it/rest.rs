//! The same story by REST with a token, at the services themselves and through the gateway, and what goes over each wire.

use std::time::Duration;

use messaging::{Broker, Record};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Answer, Caller, DISTRIBUTION_LIST, Home, Running, sent, store};

/// What a page is told by an answer: `Location`, and what happened to whom.
fn told(answer: &Answer) -> [&str; 3] {
    ["location", "x-storeapp-alert", "x-storeapp-params"].map(|name| answer.header(name))
}

/// Goes through everything that can be done to a store, with the addresses below `stores`, and answers its id.
async fn everything(admin: &Caller, stores: &str) -> String {
    let created = admin.send(Method::POST, stores, &store("Candle Shop", "OPEN")).await.expect(201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let (one, here) = (format!("{stores}/{id}"), format!("/api/stores/{id}"));
    let mut expected = store("Candle Shop", "OPEN");
    expected["id"] = json!(id);
    assert_eq!(created.json(), expected);
    assert_eq!(told(&created), [&here, "storeApp.storeStore.created", &id]);

    let read = admin.get(&one).await.expect(200);
    assert_eq!((read.json(), told(&read)), (expected.clone(), [""; 3]));
    assert_eq!(admin.get(stores).await.expect(200).json(), json!([expected]));

    expected["status"] = json!("CLOSED");
    expected["updateTimestamp"] = json!("2022-09-11T08:37:30.664Z");
    for _ in 0..2 {
        let replaced = admin.send(Method::PUT, &one, &expected).await.expect(200);
        assert_eq!(
            (replaced.json(), told(&replaced)),
            (expected.clone(), ["", "storeApp.storeStore.updated", &id])
        );
    }

    let patch = json!({ "id": id, "status": "OPEN" });
    expected["status"] = json!("OPEN");
    for kind in ["application/merge-patch+json", "application/json"] {
        let request =
            admin.request(Method::PATCH, &one).header("Content-Type", kind).body(patch.to_string());
        let patched = sent(request).await.expect(200);
        assert_eq!(
            (patched.json(), told(&patched)),
            (expected.clone(), ["", "storeApp.storeStore.updated", &id])
        );
    }
    assert_eq!(admin.get(&one).await.expect(200).json(), expected);

    for _ in 0..2 {
        let deleted = admin.delete(&one).await.expect(204);
        assert_eq!(
            (deleted.body.as_str(), told(&deleted)),
            ("", ["", "storeApp.storeStore.deleted", &id])
        );
    }
    admin.get(&one).await.expect(404);
    assert_eq!(admin.get(stores).await.expect(200).json(), json!([]));
    id
}

/// Every record on the topic, read by a group of its own.
async fn records(home: &Home) -> Vec<Record> {
    let broker = home.broker().await;
    let mut subscription = broker.subscribe("store-alerts-topic", "observers").await.unwrap();
    timeout(Duration::from_secs(5), subscription.poll(1000)).await.unwrap().unwrap()
}

/// A record in the form of the contract's example.
fn as_in_the_contract(record: &Record) -> Value {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers: Vec<_> =
        record.headers.iter().map(|header| json!([header.name, text(&header.value)])).collect();
    json!({
        "topic": record.topic, "key": record.key.as_deref().map(text),
        "headers": headers, "payload": record.payload.as_deref().map(text),
    })
}

/// Lives the story at one address; only the two updates may leave a trace elsewhere.
async fn check(stores: impl Fn(&Running) -> String) {
    let system = Running::start().await;
    let admin = system.admin().await;
    let id = everything(&admin, &stores(&system)).await;
    system.home().mails_when(2).await;
    let alerts = admin.alerts().await;
    let home = system.stop().await;

    assert_eq!(alerts.len(), 2, "one row for each update, none for anything else: {alerts:?}");
    for (alert, number) in alerts.iter().zip(1001..) {
        assert_eq!(
            [&alert["id"], &alert["storeName"], &alert["storeStatus"]],
            [&json!(number), &json!("Candle Shop"), &json!("CLOSED")]
        );
    }
    let (records, mails) = (records(&home).await, home.mails());
    assert_eq!((records.len(), mails.len()), (2, 2));
    for (record, mail) in records.iter().zip(&mails) {
        let actual = as_in_the_contract(record);
        let event = actual["headers"][2][1].as_str().unwrap();
        let mut contract: Value =
            serde_json::from_str(include_str!("../../../contracts/store-alerts-topic.json"))
                .unwrap();
        contract["key"] = json!(id);
        // The id, the time and the trace are of this event.
        for header in [2, 5, 7] {
            contract["headers"][header][1] = actual["headers"][header][1].clone();
        }
        assert_eq!(contract["headers"][2][1], json!(event));
        assert_eq!(actual, contract);

        assert_eq!(mail.header("Subject"), "Store Alert: Candle Shop");
        assert_eq!(mail.text, "CLOSED");
        assert_eq!(mail.header("From"), "StoreAlert <milena@localhost>");
        assert_eq!(mail.header("To"), DISTRIBUTION_LIST.join(", "));
        assert_eq!(mail.header("X-Envelope-To"), format!("<{}>", DISTRIBUTION_LIST[0]));
        assert_eq!(mail.header("Message-ID"), format!("<{event}@milena>"));
        assert!(mail.header("Content-Type").starts_with("text/plain"));
    }
}

#[tokio::test]
async fn a_program_lives_the_story_at_the_service_itself() {
    check(|system| format!("{}/api/stores", system.at.store)).await;
}

#[tokio::test]
async fn a_program_lives_the_story_through_the_gateway() {
    check(|system| format!("{}/services/store/api/stores", system.at.gateway)).await;
}
