//! Promises that every broker keeps. Each is an ordinary function over the port; topics get names of their own, so that it
//! works on a broker that others use at the same time.

#[path = "conformance/groups.rs"]
mod groups;
#[path = "conformance/listeners.rs"]
mod listeners;
#[path = "conformance/records.rs"]
mod records;

use std::{sync::Arc, time::Duration};

use messaging::{Broker, Header, Message, Record, Subscription};
use tokio::time::{Instant, timeout};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Checks all promises. `open` opens the broker, new topics get this many partitions.
pub(crate) async fn all(open: impl AsyncFn(i32) -> Arc<dyn Broker>) {
    let one = World { broker: open(1).await, run: std::process::id() };
    let four = World { broker: open(4).await, run: std::process::id() };
    records::all(&one, &four).await;
    groups::all(&one, &four).await;
    listeners::all(&one, &four).await;
}

/// A broker, and the number of this run on it.
pub(crate) struct World {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) run: u32,
}

impl World {
    /// A topic that no other promise and no other run uses.
    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{name}-{}", self.run)
    }

    /// Publishes messages with these ids, which are their content too.
    pub(crate) async fn publish(&self, topic: &str, ids: &[&str], key: Option<&str>) {
        let messages: Vec<_> = ids.iter().map(|id| message(topic, id, key)).collect();
        for outcome in self.broker.publish(&messages).await {
            outcome.unwrap_or_else(|failure| panic!("{failure:?}"));
        }
    }

    pub(crate) async fn join(&self, topic: &str, group: &str) -> Box<dyn Subscription> {
        self.broker.subscribe(topic, group).await.unwrap()
    }
}

pub(crate) fn message(topic: &str, id: &str, key: Option<&str>) -> Message {
    Message {
        id: id.to_owned(),
        channel: "broker".to_owned(),
        topic: topic.to_owned(),
        key: key.map(str::to_owned),
        headers: vec![Header { name: "ce_id".to_owned(), value: id.as_bytes().to_vec() }],
        payload: id.as_bytes().to_vec(),
        created: "2026-11-24T10:00:00.123Z".parse().unwrap(),
    }
}

/// Polls until there are this many records.
pub(crate) async fn poll(member: &mut dyn Subscription, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let until = Instant::now() + PATIENCE;
    while records.len() < count {
        let more = tokio::time::timeout_at(until, member.poll(100)).await;
        let more = more.unwrap_or_else(|_| panic!("{} of {count} records came", records.len()));
        records.extend(more.unwrap());
    }
    records
}

/// That nothing comes for a while: there is no event that tells of nothing.
pub(crate) async fn nothing_comes(member: &mut dyn Subscription) {
    let more = timeout(Duration::from_millis(500), member.poll(100)).await;
    assert!(more.is_err(), "{more:?}");
}

pub(crate) fn ids(records: &[Record]) -> Vec<&str> {
    let payloads = records.iter().map(|record| record.payload.as_deref().unwrap());
    payloads.map(|payload| std::str::from_utf8(payload).unwrap()).collect()
}

/// Leaves the group, as a program that stops cleanly.
pub(crate) async fn leave(mut member: Box<dyn Subscription>) {
    member.leave().await;
}
