//! The topics in use: looked for, and created when absent, as Spring's binder does; existing ones are left alone.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail, ensure};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
    metadata::Metadata,
};
use tracing::info;

use super::{
    desk::Desk,
    link::{Ear, Link},
};

/// How long a broker may take to answer one question.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a new topic may take to be known to the broker that is asked.
const SPREADING: Duration = Duration::from_secs(4);

/// Asks brokers about topics; reads nothing.
pub(super) type Asker = BaseConsumer<Ear>;

pub(super) struct Topics {
    pub(super) desk: Desk<Asker>,
    pub(super) link: Arc<Link>,
    /// How to reach the brokers as who may create.
    pub(super) config: ClientConfig,
    pub(super) partitions: i32,
    pub(super) replication_factor: i16,
    pub(super) auto_create: bool,
    /// Those that were seen to exist.
    pub(super) known: Mutex<BTreeSet<String>>,
}

impl Topics {
    /// Makes sure that a topic exists. Asks once; later calls only remember.
    pub(super) async fn ensure(&self, topic: &str) -> anyhow::Result<()> {
        if self.known().contains(topic) {
            return Ok(());
        }
        if self.partitions_of(topic).await?.is_none() {
            ensure!(
                self.auto_create,
                "topic {topic} does not exist and must not be created here: create it, or set spring.cloud.stream.kafka.binder.auto-create-topics=true"
            );
            self.create(topic).await?;
        }
        self.known().insert(topic.to_owned());
        Ok(())
    }

    /// Looks again the next time: the topic may be gone.
    pub(super) fn forget(&self, topic: &str) {
        self.known().remove(topic);
    }

    pub(super) fn in_use(&self) -> Vec<String> {
        self.known().iter().cloned().collect()
    }

    /// How many partitions a topic has; `None` when it does not exist.
    pub(super) async fn partitions_of(&self, topic: &str) -> anyhow::Result<Option<i32>> {
        let name = topic.to_owned();
        let found = self.desk.ask(move |asker| count(asker, &name, PATIENCE)).await?;
        let found = found.map_err(|cause| {
            anyhow!(
                "ask Kafka at {} about topic {topic}: {cause:#}{}",
                self.link.brokers(),
                self.link.reason()
            )
        })?;
        self.link.works();
        Ok(found)
    }

    /// Each partition with the offset of the next record that will be published.
    pub(super) async fn ends(&self, topic: &str) -> anyhow::Result<Vec<(i32, i64)>> {
        let name = topic.to_owned();
        let found = self.desk.ask(move |asker| ends(asker, &name)).await?;
        found.with_context(|| {
            format!("ask Kafka at {} where topic {topic} ends", self.link.brokers())
        })
    }

    /// Checks that every topic in use has a leader for each partition; without one, that a broker answers.
    pub(super) async fn check(&self, patience: Duration) -> anyhow::Result<()> {
        let (names, began) = (self.in_use(), Instant::now());
        // The answer that there is none has to be here in time, too.
        let asked = patience.mul_f64(0.9);
        let checked = self.desk.ask(move |asker| {
            if names.is_empty() {
                // Any name will do: that there is an answer counts, not what it is.
                return metadata(asker, "__consumer_offsets", asked).map(drop);
            }
            names
                .iter()
                .try_for_each(|name| led(asker, name, asked.saturating_sub(began.elapsed())))
        });
        let checked = tokio::time::timeout(patience, checked).await;
        let waited = || {
            format!(
                "Kafka at {} does not answer within {patience:?}{}",
                self.link.brokers(),
                self.link.reason()
            )
        };
        checked
            .with_context(waited)??
            .map_err(|cause| anyhow!("{cause:#}{}", self.link.reason()))?;
        self.link.works();
        Ok(())
    }

    async fn create(&self, topic: &str) -> anyhow::Result<()> {
        let mut config = self.config.clone();
        // Nobody reads this client's lines, and it would keep them.
        config.set_log_level(RDKafkaLogLevel::Emerg);
        let admin: AdminClient<Ear> =
            config.create_with_context(Ear { link: self.link.clone() })?;
        let replication = TopicReplication::Fixed(i32::from(self.replication_factor));
        let new = [NewTopic::new(topic, self.partitions, replication)];
        let options =
            AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        let created = admin.create_topics(&new, &options).await;
        self.desk.post(move |_| drop(admin))?;
        match created.with_context(|| format!("create topic {topic}"))?.pop() {
            Some(Ok(_)) => {
                info!(target: "Kafka", "created topic {topic} with {} partitions", self.partitions)
            }
            // Somebody else was faster.
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {}
            Some(Err((_, code))) => bail!("topic {topic} cannot be created: {code}"),
            None => bail!("Kafka does not say whether it has created topic {topic}"),
        }
        let began = Instant::now();
        while self.partitions_of(topic).await?.is_none() {
            ensure!(began.elapsed() < SPREADING, "topic {topic} was created and is not there yet");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what the client has to say, which it would keep in memory otherwise: lines for the log, and why it gets no answer.
pub(super) fn hear(asker: &Asker) {
    // A poll without any patience stops after one line.
    drop(asker.poll(Duration::from_millis(10)));
}

fn metadata(asker: &Asker, topic: &str, patience: Duration) -> anyhow::Result<Metadata> {
    let found = asker.fetch_metadata(Some(topic), patience);
    // The reason is among what it has to say, and whoever asked wants to name it.
    hear(asker);
    found.map_err(|cause| anyhow!("{cause}"))
}

fn count(asker: &Asker, topic: &str, patience: Duration) -> anyhow::Result<Option<i32>> {
    let found = metadata(asker, topic, patience)?;
    let Some(found) = found.topics().first() else { return Ok(None) };
    match found.error().map(RDKafkaErrorCode::from) {
        None => Ok(Some(i32::try_from(found.partitions().len())?)),
        // It exists; who leads it is being settled.
        Some(RDKafkaErrorCode::LeaderNotAvailable) => {
            Ok(Some(i32::try_from(found.partitions().len())?))
        }
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            Ok(None)
        }
        Some(code) => Err(code.into()),
    }
}

fn ends(asker: &Asker, topic: &str) -> anyhow::Result<Vec<(i32, i64)>> {
    let partitions = count(asker, topic, PATIENCE)?.context("it does not exist")?;
    let end = |partition| {
        let (_, end) = asker.fetch_watermarks(topic, partition, PATIENCE)?;
        anyhow::Ok((partition, end))
    };
    (0..partitions).map(end).collect()
}

fn led(asker: &Asker, topic: &str, patience: Duration) -> anyhow::Result<()> {
    let found = metadata(asker, topic, patience).with_context(|| format!("topic {topic}"))?;
    let found = found.topics().first().with_context(|| format!("topic {topic} is not there"))?;
    if let Some(error) = found.error() {
        bail!("topic {topic}: {}", RDKafkaErrorCode::from(error));
    }
    let without = found.partitions().iter().find(|partition| partition.leader() < 0);
    match without {
        Some(partition) => bail!("partition {} of topic {topic} has no leader", partition.id()),
        None => Ok(()),
    }
}
