//! A topic of the real Kafka that only one test uses, and the group that reads it.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::strangers::ask;
use crate::{fresh, program::until};

/// How many callers' stores the records of a test are about: each is a key.
const KEYS: usize = 16;

/// A topic and a group of names that nobody else has.
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) group: String,
}

impl Topic {
    /// A new topic.
    pub(super) async fn create(partitions: u32) -> Topic {
        let (name, group) = (fresh("store-alerts-topic"), fresh("store-alerts"));
        ask(&["create", &name, &partitions.to_string()], &[]).await;
        Topic { name, group }
    }

    /// So many names that no other record has.
    pub(super) fn names(&self, begin: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{begin} {number} of {}", self.group)).collect()
    }

    /// Sends records with the independent client; returns when Kafka has them.
    pub(super) async fn produce(&self, records: &[Value]) {
        let kept = ask(&["produce", &self.name], records).await;
        assert_eq!(kept.len(), records.len(), "Kafka has all of them");
    }

    /// Everything that is in the topic.
    pub(super) async fn read(&self) -> Vec<Value> {
        ask(&["read", &self.name], &[]).await
    }

    /// Waits until the group has so many members and each has something to read.
    pub(super) async fn shared_by(&self, members: usize) {
        until("a group whose members all have partitions", async || {
            let group = self.group().await;
            let here = group["members"].as_array().unwrap();
            let busy = |member: &Value| !member["partitions"].as_array().unwrap().is_empty();
            let stable = group["state"] == "STABLE";
            (stable && here.len() == members && here.iter().all(busy)).then_some(())
        })
        .await;
    }

    /// Waits until the group has committed everything.
    pub(super) async fn all_committed(&self) {
        until("the group's offsets at the end", async || {
            let group = self.group().await;
            let offsets = group["offsets"].as_array().unwrap();
            offsets.iter().all(|part| part["committed"] == part["end"]).then_some(())
        })
        .await;
    }

    /// What the independent client knows of the group; not asked more often than it can start.
    async fn group(&self) -> Value {
        sleep(Duration::from_millis(200)).await;
        ask(&["group", &self.name, &self.group], &[]).await.remove(0)
    }

    /// Sends announcements of these names a few at a time, as a service would, while something happens.
    pub(super) async fn produce_while<T>(
        &self,
        names: &[String],
        happens: impl Future<Output = T>,
    ) -> T {
        let sending = async {
            for names in names.chunks(20) {
                let records: Vec<_> =
                    names.iter().enumerate().map(|(at, name)| announcement(at, name)).collect();
                self.produce(&records).await;
                sleep(Duration::from_millis(20)).await;
            }
        };
        let ((), happened) = tokio::join!(sending, happens);
        happened
    }
}

/// A record as a Java service writes it, but with a key.
pub(super) fn announcement(at: usize, name: &str) -> Value {
    let payload = json!({ "storeName": name, "storeStatus": "CLOSED" }).to_string();
    json!({
        "key": BASE64_STANDARD.encode(format!("key {}", at % KEYS)),
        "headers": [
            ["contentType", BASE64_STANDARD.encode("\"application/json\"")],
            [
                "spring_json_header_types",
                BASE64_STANDARD.encode(r#"{"contentType":"java.lang.String"}"#),
            ],
        ],
        "value": BASE64_STANDARD.encode(payload),
    })
}
