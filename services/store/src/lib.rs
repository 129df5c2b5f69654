//! The store service: keeps stores, and announces every update of one.

pub mod domain;

use anyhow::Context;
use axum::{Json, Router, routing::get};
use chassis::{Outside, Service, management};
use database::{DatabaseRef, Header, Message};
use discovery::{Address, Registration, keep_registered};
use entity::{Change, Moment, Resource};
use identity::{Verifier, authenticated};
use messaging::{BROKER, BrokerRef, ID_HEADER};
use serde::Serialize;

use domain::{STORE, Store, StoreStatus};

/// The topic on which updates are announced.
pub const TOPIC: &str = "store-alerts-topic";

/// What is announced of a store that has no status; a Java alert service takes any text (docs/differences.md).
const NO_STATUS: &str = "UNKNOWN";

/// The ports and values that the service is a function of.
pub struct Parts {
    pub database: DatabaseRef,
    pub broker: BrokerRef,
    pub verifier: std::sync::Arc<Verifier>,
    pub registry: Address,
    pub registration: Registration,
    pub outside: Outside,
}

/// The store service.
pub fn service(parts: Parts) -> Service {
    let Parts { database, broker, verifier, registry, registration, outside } = parts;
    let stores =
        Resource::new("store", STORE, database.clone(), outside.clone(), entity::typed(announce));
    let document = entity::document("store", &[&STORE]);
    Service::new("store")
        .routes(authenticated(stores.routes(), verifier))
        .routes(Router::new().route("/v3/api-docs", get(move || async { Json(document) })))
        .routes(management::routes(&["prod", "api-docs"]))
        .background("relay", move |stop| async move {
            messaging::relay(BROKER, database, broker, stop).await
        })
        .background("registration", move |stop| {
            keep_registered(registry, registration, outside, stop)
        })
}

/// What goes over the wire (contract §4.2): exactly these two members.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoreUpdated<'a> {
    store_name: &'a str,
    store_status: &'a str,
}

/// Only a whole update is news, as in the Java service; new, patched and deleted stores are nobody's business.
fn announce(moment: Moment, change: Change<Store>) -> anyhow::Result<Vec<Message>> {
    let Change::Updated(store) = change else { return Ok(Vec::new()) };
    let event = StoreUpdated {
        store_name: &store.name,
        store_status: store.status.map_or(NO_STATUS, StoreStatus::name),
    };
    let message = Message {
        id: moment.id.clone(),
        channel: BROKER.to_owned(),
        topic: TOPIC.to_owned(),
        key: Some(store.id),
        headers: vec![
            // With its JSON quotes, as Spring Cloud Stream writes a media type.
            header("contentType", "\"application/json\""),
            header("spring_json_header_types", "{\"contentType\":\"java.lang.String\"}"),
            header(ID_HEADER, &moment.id),
        ],
        payload: serde_json::to_vec(&event).context("write an update")?,
        created: moment.at,
    };
    Ok(vec![message])
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.as_bytes().to_vec() }
}

impl StoreStatus {
    fn name(self) -> &'static str {
        match self {
            StoreStatus::Open => "OPEN",
            StoreStatus::Closed => "CLOSED",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn store(status: Option<StoreStatus>) -> Store {
        Store {
            id: "63163a1b2f3c4d5e6f708192".into(),
            name: "Candle Shop".into(),
            address: "1 Wax Street".into(),
            status,
            create_timestamp: "2022-09-05T18:08:31.546Z".parse().unwrap(),
            update_timestamp: None,
        }
    }

    fn messages(change: Change<Store>) -> Vec<Message> {
        let at = "2026-11-24T10:00:00Z".parse().unwrap();
        announce(Moment { id: "018f4d3a-0000-7000-8000-000000000001".into(), at }, change).unwrap()
    }

    #[test]
    fn only_an_update_is_announced() {
        assert!(messages(Change::Created(store(None))).is_empty());
        assert!(messages(Change::Patched(store(None))).is_empty());
        assert!(messages(Change::Deleted(store(None))).is_empty());
        assert_eq!(messages(Change::Updated(store(None))).len(), 1);
    }

    #[test]
    fn an_update_is_announced_as_the_contract_has_it() {
        let contract: Value =
            serde_json::from_str(include_str!("../../../contracts/store-alerts-topic.json"))
                .unwrap();
        let message = messages(Change::Updated(store(Some(StoreStatus::Closed)))).remove(0);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers: Vec<_> = message
            .headers
            .iter()
            .map(|header| json!([header.name, text(&header.value)]))
            .collect();
        let actual = json!({ "topic": message.topic, "key": message.key, "headers": headers, "payload": text(&message.payload) });
        assert_eq!(actual, contract);
    }

    #[test]
    fn a_store_without_status_is_announced_too() {
        let message = messages(Change::Updated(store(None))).remove(0);
        assert_eq!(message.payload, br#"{"storeName":"Candle Shop","storeStatus":"UNKNOWN"}"#);
    }

    #[test]
    fn the_type_reads_what_the_description_writes() {
        let read: Store = serde_json::from_value(json!({
            "id": "63163a1b2f3c4d5e6f708192", "name": "Candle Shop", "address": "1 Wax Street", "status": "OPEN",
            "createTimestamp": "2022-09-05T18:08:31.546Z", "updateTimestamp": null
        }))
        .unwrap();
        assert_eq!(read, store(Some(StoreStatus::Open)));
    }
}
