//! The embedded broker: a durable log in one SQLite file, for a system that runs in one process.
//!
//! Topics have partitions, records have keys and headers, groups have committed offsets, as in Kafka, so that
//! services cannot tell the difference.

mod groups;
mod headers;
mod log;
mod partition;
mod subscription;
mod tail;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use database::{Durability, Message, OpenError, SqliteFile};
use futures_util::FutureExt;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{Broker, Failure, Publish, Stop, Subscription, TopicName};
use groups::Groups;
use subscription::Member;
use tail::Tail;

/// How long records are kept, as Kafka's default has it: seven days, and in any case until every group has passed them,
/// or somebody has listened without one.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often old records are removed.
const CLEANING: Duration = Duration::from_secs(10 * 60);
/// How many records are removed at a time.
const PORTION: u32 = 1000;

/// A broker in this process. Clones share it.
#[derive(Clone)]
pub struct Embedded {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    file: SqliteFile,
    /// How many partitions a new topic gets.
    partitions: i32,
    topics: Mutex<HashMap<String, Topic>>,
    groups: Groups,
}

/// A topic that is known to be in the log.
#[derive(Clone)]
struct Topic {
    partitions: i32,
    /// Counts what was appended; wakes who waits for more.
    appended: watch::Sender<u64>,
}

impl Embedded {
    /// Opens or creates the log. New topics get this many partitions (at least one).
    ///
    /// # Errors
    /// When the file is damaged or of a newer version; it is left alone then.
    pub async fn open(
        path: &Path,
        partitions: i32,
        durability: Durability,
    ) -> Result<Self, OpenError> {
        let file = SqliteFile::open(path, durability).await?;
        let prepared: anyhow::Result<()> =
            file.write(durability, Vec::new(), |connection| log::prepare(connection).boxed()).await;
        prepared.map_err(|cause| OpenError::Unavailable { path: path.to_owned(), cause })?;
        let (topics, groups) = (Mutex::default(), Groups::default());
        Ok(Embedded {
            shared: Arc::new(Shared { file, partitions: partitions.max(1), topics, groups }),
        })
    }

    /// Removes records older than seven days that every group has passed, every ten minutes until `stop`.
    /// `now` tells the time.
    ///
    /// # Errors
    /// None: what fails is tried again the next time.
    pub async fn clean(
        self,
        now: impl Fn() -> jiff::Timestamp + Send,
        stop: Stop,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(CLEANING) => {}
            }
            match self.remove_before(now() - RETENTION).await {
                Ok(0) => {}
                Ok(count) => info!("removed {count} old records from the embedded broker"),
                Err(cause) => warn!("old records stay in the embedded broker for now: {cause:#}"),
            }
        }
    }

    /// Removes records made before this time that every group of their topic has passed; returns how many. Who listens
    /// without a group holds nothing back, but without either the records wait.
    ///
    /// # Errors
    /// When the file does not take it.
    pub async fn remove_before(&self, time: jiff::Timestamp) -> anyhow::Result<u64> {
        self.shared
            .file
            .write_in_portions(move |connection| {
                log::remove_before(connection, time, PORTION).boxed()
            })
            .await
    }
}

impl Shared {
    /// The topic of this name, created when absent.
    async fn topic(&self, name: &str) -> anyhow::Result<Topic> {
        if let Some(topic) = self.topics.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(topic.clone());
        }
        let (topic, partitions) = (name.to_owned(), self.partitions);
        let created: anyhow::Result<i32> = self
            .file
            .write(Durability::PowerFailure, Vec::new(), move |connection| {
                async move { log::create(connection, &topic, partitions).await }.boxed()
            })
            .await;
        let topic = Topic { partitions: created?, appended: watch::Sender::new(0) };
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        // Another caller may have been faster, and somebody may wait on its channel already.
        Ok(topics.entry(name.to_owned()).or_insert(topic).clone())
    }

    async fn append(&self, messages: Vec<Message>) -> anyhow::Result<()> {
        let mut topics = HashMap::new();
        for message in &messages {
            if !topics.contains_key(&message.topic) {
                topics.insert(message.topic.clone(), self.topic(&message.topic).await?);
            }
        }
        let wake = topics.values().map(|topic| topic.appended.clone()).collect();
        let partitions = topics.into_iter().map(|(name, topic)| (name, topic.partitions)).collect();
        self.file
            .write(Durability::PowerFailure, wake, move |connection| {
                log::append(connection, messages, partitions).boxed()
            })
            .await
    }
}

#[async_trait]
impl Publish for Embedded {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let good: Vec<Message> =
            messages.iter().filter(|message| TopicName::takes(&message.topic)).cloned().collect();
        let appended = if good.is_empty() { Ok(()) } else { self.shared.append(good).await };
        let outcome = |message: &Message| match &appended {
            _ if !TopicName::takes(&message.topic) => {
                Err(Failure::Reject(anyhow::anyhow!("{:?} cannot name a topic", message.topic)))
            }
            Ok(()) => Ok(()),
            Err(cause) => Err(Failure::Retry(anyhow::anyhow!(
                "append to the embedded broker's log: {cause:#}"
            ))),
        };
        messages.iter().map(outcome).collect()
    }
}

#[async_trait]
impl Broker for Embedded {
    async fn subscribe(&self, topic: &str, group: &str) -> anyhow::Result<Box<dyn Subscription>> {
        topic.parse::<TopicName>()?;
        anyhow::ensure!(!group.is_empty(), "a group needs a name to read {topic}");
        Ok(Box::new(Member::join(self.shared.clone(), topic, group).await?))
    }

    async fn tail(&self, topic: &str) -> anyhow::Result<Box<dyn Subscription>> {
        topic.parse::<TopicName>()?;
        Ok(Box::new(Tail::begin(self.shared.clone(), topic).await?))
    }
}
