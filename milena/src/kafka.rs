//! Stands in for Kafka, which this version cannot speak to: what is announced waits in the outbox, and nothing is read.

use anyhow::anyhow;
use async_trait::async_trait;
use database::Message;
use messaging::{Broker, Failure, Publish, Subscription};

/// A broker that cannot be reached.
pub(crate) struct Kafka {
    pub(crate) brokers: String,
}

impl Kafka {
    fn reason(&self) -> anyhow::Error {
        anyhow!(
            "this version cannot speak to Kafka at {}; announcements are kept until one that can is started",
            self.brokers
        )
    }
}

#[async_trait]
impl Publish for Kafka {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        messages.iter().map(|_| Err(Failure::Retry(self.reason()))).collect()
    }
}

#[async_trait]
impl Broker for Kafka {
    async fn subscribe(&self, _topic: &str, _group: &str) -> anyhow::Result<Box<dyn Subscription>> {
        Err(self.reason())
    }

    async fn tail(&self, _topic: &str) -> anyhow::Result<Box<dyn Subscription>> {
        Err(self.reason())
    }
}
