//! Broker to inbox: hands records to a handler and commits what it answers, each record once.

mod batch;
mod dead_letter_topic;

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use database::{Changes, DatabaseRef};
use faults::{Promise, crash_point};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::{Backoff, BrokerRef, Clock, Failure, ID_HEADER, Record, Retry, Stop, Subscription};
use batch::Batch;

/// How often it is said that a broker is still away for the same reason.
const REMINDER: Duration = Duration::from_secs(30);

/// What is read, by whom, and what becomes of what cannot be handled.
#[derive(Debug, Clone, PartialEq)]
pub struct Consumer {
    /// The topic.
    pub topic: String,
    /// The group that reads it.
    pub group: String,
    /// How many records are handled and committed together at most.
    pub batch: u32,
    /// How a record is tried again that its handler does not take now. What the database does not take now, and
    /// [`Failure::NoTurn`], is always tried until it works.
    pub retry: Retry,
    /// Where dead letters are published too, for programs that read them there.
    pub dead_letter_topic: Option<String>,
}

impl Consumer {
    /// Reads a topic for a group: 256 records at a time, tried until they are handled.
    pub fn new(topic: impl Into<String>, group: impl Into<String>) -> Self {
        Consumer {
            topic: topic.into(),
            group: group.into(),
            batch: 256,
            retry: Retry::default(),
            dead_letter_topic: None,
        }
    }
}

/// A record with the id by which it is recognised when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The header `ce_id`, else topic, partition and offset.
    pub id: String,
    /// What the broker delivered.
    pub record: Record,
}

/// Reads a topic as a member of a group until `stop`. Commits what `handle` answers for the records of a batch together
/// with their ids in the inbox, so that a second delivery changes nothing; then commits the offsets. `now` tells the time.
///
/// Records of one key are handled one after the other. One that fails holds back later ones of its key, and no others.
///
/// `Failure::Retry` is tried again as the consumer says. `Failure::Reject` makes the record a dead letter, see
/// [`crate::dead_letters`], and the others of its batch are not held up.
///
/// # Errors
/// None while it runs: what fails is retried.
pub async fn consume<H, F>(
    broker: BrokerRef,
    database: DatabaseRef,
    consumer: Consumer,
    handle: H,
    now: Clock,
    stop: Stop,
) -> anyhow::Result<()>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    let Consumer { topic, group, .. } = &consumer;
    let mut backoff = Backoff::default();
    let mut said: Option<(Instant, String)> = None;
    while !stop.is_cancelled() {
        let batch = Batch { database: &database, consumer: &consumer, handle: &handle, now: &now };
        let Err(cause) = member(&broker, &batch, &stop).await else {
            break;
        };
        let reason = format!("{cause:#}");
        if said.as_ref().is_none_or(|(at, last)| *last != reason || at.elapsed() >= REMINDER) {
            warn!(target: "Consumer", "[Consumer groupId={group}] lost topic {topic}, joining again until it works: {reason}");
            said = Some((Instant::now(), reason));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(backoff.next_delay()) => {}
        }
    }
    info!(target: "Consumer", "[Consumer groupId={group}] left topic {topic}");
    Ok(())
}

async fn member<H, F>(broker: &BrokerRef, batch: &Batch<'_, H>, stop: &Stop) -> anyhow::Result<()>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    let Consumer { topic, group, batch: size, .. } = batch.consumer;
    let mut subscription = broker.subscribe(topic, group).await?;
    info!(target: "Consumer", "[Consumer groupId={group}] joined and subscribed to topic {topic}");
    loop {
        let records = tokio::select! {
            () = stop.cancelled() => break,
            records = subscription.poll(*size) => records?,
        };
        crash_point("after-poll");
        if faults::is_broken(Promise::OffsetLast) {
            commit_offsets(&mut *subscription, &records).await?;
        }
        if !batch.settle(&records, stop).await {
            break;
        }
        crash_point("before-offset");
        commit_offsets(&mut *subscription, &records).await?;
        crash_point("after-offset");
    }
    // What was committed is known to the group before we go, so that nothing is read again.
    subscription.leave().await;
    Ok(())
}

async fn commit_offsets(
    subscription: &mut dyn Subscription,
    records: &[Record],
) -> anyhow::Result<()> {
    let mut last: Vec<&Record> = Vec::new();
    for record in records.iter().rev() {
        if !last.iter().any(|seen| seen.partition == record.partition) {
            last.push(record);
        }
    }
    for record in last {
        subscription
            .commit(record)
            .await
            .map_err(|cause| anyhow!("commit offset {}: {cause:#}", record.offset))?;
    }
    Ok(())
}

impl Delivery {
    fn of(record: &Record) -> Self {
        let id = record.headers.iter().find(|header| header.name == ID_HEADER);
        let id = id
            .and_then(|header| std::str::from_utf8(&header.value).ok())
            .filter(|id| !id.is_empty());
        let coordinates = || format!("{}-{}-{}", record.topic, record.partition, record.offset);
        Delivery { id: id.map_or_else(coordinates, str::to_owned), record: record.clone() }
    }
}
