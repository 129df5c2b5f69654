//! The alert service: records what happened to stores and mails the distribution list.

pub mod changelog;
pub mod domain;
mod mail_text;
mod settings;

use std::sync::Arc;

use chassis::{Current, Outside, Service};
use database::{Changes, Id, Value, Write};
use entity::{Ids, announce_nothing};
use futures_util::{FutureExt, future::BoxFuture};
use identity::accounts::Accounts;
use jiff::Timestamp;
use mail::Mailer;
use messaging::{BROKER, Delivery, Failure, Publish};
use microservice::{Description, Parts};
use serde::Deserialize;
use tracing::info;

use domain::STORE_ALERT;
pub use settings::Settings;

/// The commented default configuration.
pub const DEFAULTS: &str = include_str!("../config.yml");

/// The longest name and status that a row takes, in letters; the mail has more of them.
const COLUMN: usize = 255;

/// What the service is.
pub fn description() -> Description {
    Description {
        name: "alert",
        package: "com.okta.developer.alert",
        version: "0.0.1-SNAPSHOT",
        entity: STORE_ALERT,
        accounts: Accounts::new(),
    }
}

/// The alert service. Without a mailer, mails are kept until there is one.
pub fn service(parts: Parts, mailer: Option<Arc<Mailer>>, settings: Settings) -> Service {
    let (database, broker) = (parts.database.clone(), parts.broker.clone());
    let (outside, now) = (parts.outside.clone(), parts.outside.teller());
    let Settings { consumer, inbox_retention, distribution_list } = settings;
    let publishes_dead_letters = consumer.dead_letter_topic.is_some();
    let ids = Ids::new(STORE_ALERT.id, database.clone(), outside.clone());
    let recorder = Arc::new(Recorder { ids, outside, distribution_list });
    let service = microservice::service(description(), parts, announce_nothing())
        .background("replay", {
            let (database, now) = (database.clone(), now.clone());
            let (group, recorder) = (consumer.group.clone(), recorder.clone());
            move |stop| async move {
                messaging::replay(database, &group, recorder.handler(), now, stop).await
            }
        })
        .background("consume", {
            let (broker, database, now) = (broker.clone(), database.clone(), now.clone());
            move |stop| {
                messaging::consume(broker, database, consumer, recorder.handler(), now, stop)
            }
        })
        .background("inbox", {
            let (database, now) = (database.clone(), now.clone());
            move |stop| messaging::clean_inbox(database, inbox_retention, now, stop)
        });
    let relay = |service: Service, name, channel, destination: Arc<dyn Publish>| {
        let (database, now) = (database.clone(), now.clone());
        service.background(name, move |stop| async move {
            messaging::relay(channel, database, destination, now, stop).await
        })
    };
    let service = match publishes_dead_letters {
        true => relay(service, "relay", BROKER, broker),
        false => service,
    };
    let Some(mailer) = mailer else { return service };
    relay(service, "mail", mail::CHANNEL, mailer.clone())
        .background("mail connections", move |stop| async move { mailer.close_idle(stop).await })
}

/// What this service reads of an update; it ignores the rest.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoreUpdated {
    #[serde(deserialize_with = "lenient")]
    store_name: String,
    #[serde(deserialize_with = "lenient")]
    store_status: String,
}

/// Takes numbers and truth values as text, as the Java service does.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        serde_json::Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(serde::de::Error::custom("expected a text")),
    }
}

/// What the decision is given from outside.
struct Recorder {
    ids: Ids,
    outside: Outside,
    distribution_list: Current<Vec<String>>,
}

impl Recorder {
    /// What consumes and replays records.
    fn handler(
        self: Arc<Self>,
    ) -> impl Fn(Arc<Delivery>) -> BoxFuture<'static, Result<Changes, Failure>> + Send + Sync {
        move |delivery| Recorder::handle(self.clone(), delivery).boxed()
    }

    async fn handle(self: Arc<Self>, delivery: Arc<Delivery>) -> Result<Changes, Failure> {
        let event = read(&delivery).map_err(Failure::Reject)?;
        // What gives ids is the database: it is away for every record.
        let id = self.ids.next().await.map_err(Failure::NoTurn)?;
        let name = &delivery.id;
        let (store, status) = (shortened(&event.store_name), shortened(&event.store_status));
        info!(target: "AlertConsumer", { message.id = %name }, "Got message from kafka stream: {store} {status}");
        record(id, self.outside.now(), &delivery, event, &self.distribution_list.get())
            .map_err(Failure::Reject)
    }
}

/// As much of a text as a column of the twin's takes, and nothing that PostgreSQL cannot keep; the Java service loses the
/// alert instead.
fn fitting(text: &str) -> String {
    text.chars().filter(|letter| *letter != '\0').take(COLUMN).collect()
}

/// Enough of a text for a log line.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

fn read(delivery: &Delivery) -> anyhow::Result<StoreUpdated> {
    let payload = delivery.record.payload.as_deref().unwrap_or_default();
    serde_json::from_slice(payload)
        .map_err(|error| anyhow::anyhow!("the payload is no store update: {error}"))
}

/// An update is recorded and mailed, both or neither.
fn record(
    id: Id,
    at: Timestamp,
    delivery: &Delivery,
    event: StoreUpdated,
    distribution_list: &[String],
) -> anyhow::Result<Changes> {
    let key = delivery.record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned());
    let mail = mail_text::about(&event.store_name, &event.store_status, distribution_list);
    // Java's records have no key; the name of a store is the best there is to keep its mails in order.
    let key = key.unwrap_or_else(|| fitting(&event.store_name));
    let mails = mail.into_messages(&delivery.id, Some(&key), at)?;
    let column = |text: &str| Value::Text(fitting(text));
    let values = vec![column(&event.store_name), column(&event.store_status), Value::Instant(at)];
    Ok(Changes::new()
        .write(Write::Insert { table: STORE_ALERT.table(), id, values })
        .send_all(mails))
}

#[cfg(test)]
mod tests {
    use database::Header;
    use mail::Mail;
    use messaging::Record;
    use serde_json::Value as Json;

    use super::*;

    fn delivery(payload: &[u8]) -> Delivery {
        let record = Record {
            topic: "store-alerts-topic".into(),
            partition: 0,
            offset: 7,
            key: Some(b"63163a1b2f3c4d5e6f708192".to_vec()),
            headers: vec![Header {
                name: "contentType".into(),
                value: b"\"application/json\"".to_vec(),
            }],
            payload: Some(payload.to_vec()),
            timestamp: "2026-11-24T10:00:00Z".parse().unwrap(),
        };
        Delivery { id: "018f4d3a-0000-7000-8000-000000000001".into(), record }
    }

    #[test]
    fn an_update_of_the_contract_becomes_a_row_and_a_mail_to_everybody() {
        let contract: Json =
            serde_json::from_str(include_str!("../../../contracts/store-alerts-topic.json"))
                .unwrap();
        assert_eq!(contract["topic"], "store-alerts-topic");
        let delivery = delivery(contract["payload"].as_str().unwrap().as_bytes());
        let at: Timestamp = "2026-11-24T10:00:01Z".parse().unwrap();
        let list = ["a@example.com".to_owned(), "b@example.com".to_owned()];
        let changes =
            record(Id::Integer(1001), at, &delivery, read(&delivery).unwrap(), &list).unwrap();
        let values = vec!["Candle Shop".into(), "CLOSED".into(), Value::Instant(at)];
        assert_eq!(
            changes.writes,
            [Write::Insert { table: STORE_ALERT.table(), id: Id::Integer(1001), values }]
        );
        let sent: Vec<_> = changes
            .outgoing
            .iter()
            .map(|message| (message.id.as_str(), message.key.as_deref().unwrap()))
            .collect();
        assert_eq!(
            sent,
            [
                (&*format!("{}/1", delivery.id), "a@example.com 63163a1b2f3c4d5e6f708192"),
                (&*format!("{}/2", delivery.id), "b@example.com 63163a1b2f3c4d5e6f708192"),
            ]
        );
        for message in &changes.outgoing {
            let mail = Mail::from_message(message).unwrap();
            assert_eq!(
                (mail.subject.as_str(), mail.text.as_str(), mail.to),
                ("Store Alert: Candle Shop", "CLOSED", list.to_vec())
            );
        }
    }

    #[test]
    fn mails_of_a_store_stay_in_order_though_a_java_record_has_no_key() {
        let mut delivery = delivery(br#"{"storeName":"Candle Shop","storeStatus":"OPEN"}"#);
        delivery.record.key = None;
        let event = read(&delivery).unwrap();
        let list = ["a@example.com".to_owned()];
        let at = delivery.record.timestamp;
        let changes = record(Id::Integer(1), at, &delivery, event, &list).unwrap();
        let [message] = &changes.outgoing[..] else { panic!("{changes:?}") };
        assert_eq!(
            (message.id.as_str(), message.key.as_deref()),
            (&*delivery.id, Some("a@example.com Candle Shop"))
        );
    }

    #[test]
    fn a_long_name_is_recorded_as_far_as_a_row_takes_it() {
        let name = "ü".repeat(COLUMN + 1);
        let delivery = delivery(
            serde_json::json!({"storeName": name, "storeStatus": "OPEN"}).to_string().as_bytes(),
        );
        let event = read(&delivery).unwrap();
        let list = ["a@example.com".to_owned()];
        let at = delivery.record.timestamp;
        let changes = record(Id::Integer(1), at, &delivery, event, &list).unwrap();
        let Write::Insert { values, .. } = &changes.writes[0] else { panic!("{changes:?}") };
        assert_eq!(values[0], Value::Text("ü".repeat(COLUMN)));
        let mail = Mail::from_message(&changes.outgoing[0]).unwrap();
        assert_eq!(mail.subject, format!("Store Alert: {name}"));
    }

    #[test]
    fn numbers_are_names_and_unknown_members_are_ignored() {
        let event =
            read(&delivery(br#"{"storeName":12,"storeStatus":"OPEN","more":[1]}"#)).unwrap();
        assert_eq!(event, StoreUpdated { store_name: "12".into(), store_status: "OPEN".into() });
    }

    #[test]
    fn what_is_no_update_is_refused_with_its_reason() {
        for payload in
            ["", "[]", "text", r#"{"storeName":"x"}"#, r#"{"storeName":"x","storeStatus":null}"#]
        {
            let error = read(&delivery(payload.as_bytes())).unwrap_err().to_string();
            assert!(error.starts_with("the payload is no store update: "), "{payload}: {error}");
        }
    }
}
