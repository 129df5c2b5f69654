//! The store service: keeps stores, and announces every update of one.

mod change_units;
pub mod domain;
mod settings;

use anyhow::Context;
use chassis::Service;
use database::{Header, Message};
use entity::{Change, Moment};
use identity::accounts::Accounts;
use messaging::{BROKER, ID_HEADER};
use microservice::{Description, Parts};
use serde::Serialize;

pub use change_units::change_units;
use domain::{STORE, Store, StoreStatus};
pub use settings::{Announced, Settings};

/// The commented default configuration.
pub const DEFAULTS: &str = include_str!("../config.yml");

/// What is announced of a store that has no status; a Java alert service takes any text (docs/differences.md).
const NO_STATUS: &str = "UNKNOWN";
/// How many bytes of a name are announced at most, as JSON writes them: Kafka takes records of 1,000,000 bytes.
const LONGEST_NAME: usize = 900_000;
/// What is announced of a store that was removed.
const DELETED: &str = "DELETED";

/// What the service is.
pub fn description() -> Description {
    Description {
        name: "store",
        package: "com.okta.developer.store",
        version: "0.0.1-SNAPSHOT",
        entity: STORE,
        accounts: Accounts::of_classes(
            "com.okta.developer.store.domain.User",
            change_units::AUTHORITY,
        ),
    }
}

/// The store service.
pub fn service(parts: Parts, settings: Settings) -> Service {
    let (database, broker, now) =
        (parts.database.clone(), parts.broker.clone(), parts.outside.teller());
    let decision = entity::typed(move |moment, change| announce(&settings, moment, change));
    microservice::service(description(), parts, decision).background("relay", |stop| async move {
        messaging::relay(BROKER, database, broker, now, stop).await
    })
}

/// What goes over the wire (contract §4.2): exactly these two members.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoreUpdated<'a> {
    store_name: &'a str,
    store_status: &'a str,
}

/// Tells of a change if it is one of those that are announced: a whole update unless configured otherwise, as the Java
/// service does.
fn announce(
    settings: &Settings,
    moment: Moment,
    change: Change<Store>,
) -> anyhow::Result<Vec<Message>> {
    let Announced { created, updated, patched, deleted } = *settings.announced.get();
    let (wanted, what, store) = match change {
        Change::Created(store) => (created, "created", store),
        Change::Updated(store) => (updated, "updated", store),
        Change::Patched(store) => (patched, "patched", store),
        Change::Deleted(store) => (deleted, "deleted", store),
    };
    let removed = what == "deleted";
    if !wanted {
        return Ok(Vec::new());
    }
    let status = if removed { DELETED } else { store.status.map_or(NO_STATUS, StoreStatus::name) };
    let event = StoreUpdated { store_name: fitting(&store.name), store_status: status };
    let message = Message {
        id: moment.id.clone(),
        channel: BROKER.to_owned(),
        topic: settings.topic.clone(),
        key: Some(store.id),
        headers: vec![
            // With its JSON quotes, as Spring Cloud Stream writes a media type.
            header("contentType", "\"application/json\""),
            header("spring_json_header_types", "{\"contentType\":\"java.lang.String\"}"),
            header(ID_HEADER, &moment.id),
            header("ce_source", "/services/store"),
            header("ce_type", &format!("com.okta.developer.store.{what}")),
            header("ce_time", &moment.at.to_string()),
            header("ce_specversion", "1.0"),
            header("traceparent", &moment.traceparent),
        ],
        payload: serde_json::to_vec(&event).context("write an update")?,
        created: moment.at,
    };
    Ok(vec![message])
}

/// As much of a name as a record takes: an alert with the half of a name is better than none.
fn fitting(name: &str) -> &str {
    let mut bytes = 0;
    let too_much = name.char_indices().find(|(_, letter)| {
        bytes += match letter {
            '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
            letter if *letter < ' ' => 6,
            letter => letter.len_utf8(),
        };
        bytes > LONGEST_NAME
    });
    too_much.map_or(name, |(at, _)| &name[..at])
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
    use chassis::Current;
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

    const UPDATED: Announced =
        Announced { created: false, updated: true, patched: false, deleted: false };

    fn announced(announced: Announced, change: Change<Store>) -> Vec<Message> {
        let at = "2026-11-24T10:00:00Z".parse().unwrap();
        let settings =
            Settings { topic: "store-alerts-topic".into(), announced: Current::new(announced) };
        let moment = Moment {
            id: "018f4d3a-0000-7000-8000-000000000001".into(),
            at,
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        };
        announce(&settings, moment, change).unwrap()
    }

    fn messages(change: Change<Store>) -> Vec<Message> {
        announced(UPDATED, change)
    }

    #[test]
    fn only_an_update_is_announced() {
        assert!(messages(Change::Created(store(None))).is_empty());
        assert!(messages(Change::Patched(store(None))).is_empty());
        assert!(messages(Change::Deleted(store(None))).is_empty());
        assert_eq!(messages(Change::Updated(store(None))).len(), 1);
    }

    #[test]
    fn each_other_change_is_announced_when_wanted() {
        let all = Announced { created: true, updated: true, patched: true, deleted: true };
        for (change, status) in [
            (Change::Created(store(Some(StoreStatus::Open))), "OPEN"),
            (Change::Patched(store(Some(StoreStatus::Closed))), "CLOSED"),
            (Change::Deleted(store(Some(StoreStatus::Open))), "DELETED"),
        ] {
            let payload = announced(all, change).remove(0).payload;
            let expected = format!(r#"{{"storeName":"Candle Shop","storeStatus":"{status}"}}"#);
            assert_eq!(String::from_utf8(payload).unwrap(), expected);
        }
        assert!(announced(Announced::default(), Change::Updated(store(None))).is_empty());
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
    fn a_name_that_no_record_takes_is_cut() {
        for (letter, bytes) in [("n", 1), ("é", 2), ("🕯", 4), ("\"", 2), ("\n", 2), ("\u{1}", 6)]
        {
            let announced = |count: usize| {
                let name = letter.repeat(count);
                let store = Store { name, ..store(None) };
                messages(Change::Updated(store)).remove(0).payload.len()
            };
            let (most, frame) = (LONGEST_NAME / bytes, announced(0));
            assert_eq!(announced(most), frame + most * bytes, "{letter:?}");
            assert_eq!(announced(most + 1), frame + most * bytes, "{letter:?}");
        }
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
