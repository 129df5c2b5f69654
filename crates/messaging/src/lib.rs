//! Carries committed messages to their destination. Knows nothing of their meaning, and no HTTP.

mod backoff;
mod consume;
pub mod dead_letters;
pub mod embedded;
mod inbox;
pub mod kafka;
mod lease;
mod relay;
mod replay;
mod topic;

use std::sync::Arc;

use async_trait::async_trait;

pub use backoff::{Backoff, Retry};
pub use consume::{Consumer, Delivery, consume};
// Words of the ports below; whoever only publishes needs no database.
pub use database::{Header, Message};
pub use embedded::Embedded;
pub use inbox::{INBOX_RETENTION, clean_inbox};
pub use kafka::{Kafka, KafkaSettings};
pub use relay::relay;
pub use replay::replay;
pub use topic::TopicName;

/// Tells a loop to finish.
pub type Stop = tokio_util::sync::CancellationToken;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// A broker as services hold it.
pub type BrokerRef = Arc<dyn Broker>;

/// The outbox channel of messages to the broker.
pub const BROKER: &str = "broker";

/// The header that carries a message's id (CloudEvents, Kafka binding, binary mode).
pub const ID_HEADER: &str = "ce_id";

/// Why something did not work, and what is to be done about it.
#[derive(Debug)]
pub enum Failure {
    /// Not now: try again later.
    Retry(anyhow::Error),
    /// Nothing is wrong with it, but its turn has not come, or what all need is away: hand it over again. No attempt is counted.
    NoTurn(anyhow::Error),
    /// Never: keep it with its reason for a person.
    Reject(anyhow::Error),
}

/// A destination of messages: a broker, a mail server.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Hands over messages, oldest first; answers one outcome per message in the same order. `Ok` means that the
    /// destination has it on disk. Messages of the same key are never overtaken by a later one: after a `Retry` or
    /// `NoTurn`, later messages of that key are answered with it too.
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>>;
}

/// A broker: publishes, lets groups of consumers subscribe, and lets anybody listen.
#[async_trait]
pub trait Broker: Publish {
    /// Joins a group that reads a topic, which is created when absent. Reading starts after the group's committed offset.
    async fn subscribe(&self, topic: &str, group: &str) -> anyhow::Result<Box<dyn Subscription>>;

    /// Reads a topic, which is created when absent, from its end and without a group: every caller gets every message
    /// that is published after this returns. Nothing is remembered, so `commit` does nothing; a `poll` that failed may be
    /// repeated and goes on where it was.
    async fn tail(&self, topic: &str) -> anyhow::Result<Box<dyn Subscription>>;
}

/// A member of a group that reads a topic.
#[async_trait]
pub trait Subscription: Send {
    /// Waits until there is something to read, then returns up to `limit` records in order. Does not commit.
    /// May be dropped while it waits without losing anything.
    async fn poll(&mut self, limit: u32) -> anyhow::Result<Vec<Record>>;

    /// Remembers that the group has handled everything up to and including this record.
    async fn commit(&mut self, record: &Record) -> anyhow::Result<()>;

    /// Leaves the group and waits, no longer than a few seconds, until what was committed is known to the broker. Without
    /// it, a subscription that is dropped leaves in the background.
    async fn leave(&mut self) {}
}

/// A message as a broker delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The topic.
    pub topic: String,
    /// The partition, from 0.
    pub partition: i32,
    /// The position in the partition, from 0.
    pub offset: i64,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The headers in order.
    pub headers: Vec<Header>,
    /// The content; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// When the producer made it.
    pub timestamp: jiff::Timestamp,
}
