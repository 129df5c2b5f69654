//! Apache Kafka as a broker, by librdkafka: a durable log on servers of its own.
//!
//! Publishing is idempotent and waits for all replicas in sync. Reading commits offsets by hand, and a thread for each
//! subscription keeps its place in the group however long a record takes. docs/decisions/0019-kafka-by-librdkafka.md

mod context;
mod desk;
mod link;
mod member;
mod partition;
mod producer;
mod progress;
mod reader;
mod record;
mod settings;
mod share;
mod tail;
mod topics;
mod verdict;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use database::Message;
use futures_util::future::join_all;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::{Broker, Failure, Publish, Subscription, TopicName};
use desk::Desk;
use link::{Ear, Link};
use member::{Listening, Member};
use producer::Producer;
use settings::Configs;
pub use settings::{KafkaSettings, Place, SPRING_NAMES, SPRING_PREFIXES, Side};
use tail::Tail;
use topics::Topics;
use verdict::Outcome;

/// Kafka, away or there. Clones share its connections.
#[derive(Clone)]
pub struct Kafka {
    shared: Arc<Shared>,
}

struct Shared {
    link: Arc<Link>,
    configs: Configs,
    topics: Topics,
    producer: Producer,
    /// Members of groups, for the health report.
    listening: Mutex<Vec<Weak<Listening>>>,
    /// Threads that read, and those that are leaving.
    running: TaskTracker,
}

/// What a health report says of Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaState {
    /// Whether a broker answered when one was last spoken to.
    pub reachable: bool,
    /// Topics that were published to or read.
    pub topics: Vec<String>,
    /// Members of groups.
    pub listeners: Vec<KafkaListener>,
}

/// A member of a group, as Spring reports its listener containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaListener {
    /// The topic.
    pub topic: String,
    /// The group.
    pub group: String,
    /// Whether it reads, or waits to be dealt partitions.
    pub running: bool,
    /// Always false: a member that handles a record goes on listening to its group.
    pub paused: bool,
}

impl Kafka {
    /// Looks at the settings and starts the thread that asks about topics; connects when it is first used, and waits for
    /// brokers that are away.
    ///
    /// # Errors
    /// When the settings cannot be used, for example because they need TLS and the feature `kafka-tls` is not built in. What
    /// has no effect is logged as a warning.
    pub fn new(settings: &KafkaSettings) -> anyhow::Result<Self> {
        let configs = settings.translate()?;
        for warning in &configs.warnings {
            warn!(target: "Kafka", "{warning}");
        }
        let link = Link::new(settings.brokers().to_owned());
        let ear = Ear { link: link.clone() };
        let mut asking = configs.consumer.clone();
        asking.remove("group.instance.id");
        let asker = asking.create_with_context(ear.clone()).context("make a Kafka client")?;
        let desk = Desk::open("kafka-asker", asker, topics::hear);
        let desk = desk.context("start the thread that asks Kafka")?;
        let topics = Topics {
            desk,
            link: link.clone(),
            config: configs.producer.clone(),
            partitions: settings.partitions,
            replication_factor: settings.replication_factor,
            auto_create: settings.auto_create_topics,
            known: Mutex::default(),
        };
        let producer = Producer::new(configs.producer.clone(), configs.delivery, ear);
        let producer = producer.context("start the thread that ends Kafka's producers")?;
        let (listening, running) = (Mutex::default(), TaskTracker::new());
        Ok(Kafka {
            shared: Arc::new(Shared { link, configs, topics, producer, listening, running }),
        })
    }

    /// Asks a broker whether every topic in use has a leader for each partition. May be dropped while it waits.
    ///
    /// # Errors
    /// When it is not so, or no broker answers in time; says which and why.
    pub async fn check(&self, patience: Duration) -> anyhow::Result<()> {
        self.shared.topics.check(patience).await
    }

    /// What is in use at the moment; asks nobody.
    pub fn state(&self) -> KafkaState {
        let mut listening = self.shared.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.retain(|one| one.strong_count() > 0);
        let listener = |one: Arc<Listening>| KafkaListener {
            topic: one.topic.clone(),
            group: one.group.clone(),
            running: one.running.load(Ordering::Relaxed),
            paused: false,
        };
        KafkaState {
            reachable: !self.shared.link.is_away(),
            topics: self.shared.topics.in_use(),
            listeners: listening.iter().filter_map(Weak::upgrade).map(listener).collect(),
        }
    }

    /// Waits until every subscription that was dropped has committed its last offsets and left its group, at most this
    /// long. For the end of a program: a subscription that was left by [`Subscription::leave`] has done so already.
    pub async fn close(&self, patience: Duration) {
        self.shared.running.close();
        drop(tokio::time::timeout(patience, self.shared.running.wait()).await);
    }
}

#[async_trait]
impl Publish for Kafka {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let Shared { producer, .. } = &*self.shared;
        let deadline = producer.deadline();
        let mut outcomes = self.refused(messages).await;
        // Rounds: all, and then by itself each message of a request that was refused as a whole.
        let mut round: Vec<usize> =
            (0..messages.len()).filter(|at| outcomes[*at].is_none()).collect();
        let mut alone = Vec::new();
        loop {
            let held = held(messages, &outcomes);
            round.retain(|at| messages[*at].key.as_ref().is_none_or(|key| !held.contains(key)));
            let batch: Vec<&Message> = round.iter().map(|at| &messages[*at]).collect();
            for (at, outcome) in round.iter().zip(producer.send(&batch, deadline).await) {
                if let Outcome::Alone(_) = outcome {
                    alone.push(*at);
                } else {
                    outcomes[*at] = Some(outcome);
                }
            }
            if alone.is_empty() {
                break;
            }
            round = vec![alone.remove(0)];
        }
        self.answers(messages, outcomes)
    }
}

impl Kafka {
    /// What need not be tried: names that no topic can have, and topics that are not there and cannot be made.
    async fn refused(&self, messages: &[Message]) -> Vec<Option<Outcome>> {
        let names: HashSet<&str> = messages.iter().map(|message| message.topic.as_str()).collect();
        let look = async |name: &str| {
            if !TopicName::takes(name) {
                return Some(Err(anyhow!("{name:?} cannot name a topic")));
            }
            self.shared.topics.ensure(name).await.err().map(Ok)
        };
        let looked = join_all(names.iter().map(|name| look(name))).await;
        let refused: HashMap<&str, _> = names.into_iter().zip(looked).collect();
        let outcome = |message: &Message| match refused.get(message.topic.as_str()) {
            Some(Some(Ok(cause))) => Some(Outcome::Again(anyhow!("{cause:#}"))),
            Some(Some(Err(cause))) => Some(Outcome::Never(anyhow!("{cause:#}"))),
            _ => None,
        };
        messages.iter().map(outcome).collect()
    }

    fn answers(
        &self,
        messages: &[Message],
        outcomes: Vec<Option<Outcome>>,
    ) -> Vec<Result<(), Failure>> {
        let mut held: HashSet<&str> = HashSet::new();
        let mut answers = Vec::with_capacity(messages.len());
        for (message, outcome) in messages.iter().zip(outcomes) {
            let earlier =
                || Outcome::Again(anyhow!("an earlier message of its key has to be sent first"));
            let mut outcome = outcome.unwrap_or_else(earlier);
            if let Outcome::Lost(_) = outcome {
                self.shared.topics.forget(&message.topic);
            }
            if let Some(key) = &message.key {
                if held.contains(key.as_str()) && !outcome.is_open() {
                    outcome = earlier();
                }
                if outcome.is_open() {
                    held.insert(key);
                }
            }
            answers.push(outcome.answer());
        }
        answers
    }
}

/// Keys of which a message has to be handed over again.
fn held(messages: &[Message], outcomes: &[Option<Outcome>]) -> HashSet<String> {
    let open = |(message, outcome): (&Message, &Option<Outcome>)| {
        let open = outcome.as_ref().is_some_and(Outcome::is_open);
        message.key.clone().filter(|_| open)
    };
    messages.iter().zip(outcomes).filter_map(open).collect()
}

#[async_trait]
impl Broker for Kafka {
    async fn subscribe(&self, topic: &str, group: &str) -> anyhow::Result<Box<dyn Subscription>> {
        topic.parse::<TopicName>()?;
        ensure!(!group.is_empty(), "a group needs a name to read {topic}");
        let listening = Arc::new(Listening {
            topic: topic.to_owned(),
            group: group.to_owned(),
            running: AtomicBool::new(false),
        });
        let mut all = self.shared.listening.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(&listening));
        Ok(Box::new(Member { shared: self.shared.clone(), listening, reader: None }))
    }

    async fn tail(&self, topic: &str) -> anyhow::Result<Box<dyn Subscription>> {
        topic.parse::<TopicName>()?;
        Ok(Box::new(Tail::begin(self.shared.clone(), topic).await?))
    }
}
