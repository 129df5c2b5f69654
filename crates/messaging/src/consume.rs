//! Broker to inbox: hands records to a handler and commits what it answers, each record once.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::Arc,
    time::Duration,
};

use anyhow::anyhow;
use database::{Changes, CommitError, DatabaseRef, Message};
use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::{Backoff, BrokerRef, Failure, ID_HEADER, Record, Stop, Subscription, relay::rejected};

/// How many records share one round of commits.
const BATCH: u32 = 256;
/// How often it is said that a broker is still away for the same reason.
const REMINDER: Duration = Duration::from_secs(30);

/// A record with the id by which it is recognised when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The header `ce_id`, else topic, partition and offset.
    pub id: String,
    /// What the broker delivered.
    pub record: Record,
}

/// Reads a topic as a member of a group until `stop`. For each record, commits the changes that `handle` answers together
/// with the record's id in the inbox, so that a second delivery changes nothing; then commits the offset.
///
/// Records of one key are handled one after the other, different keys at the same time.
///
/// `Failure::Retry` is tried again until it works. `Failure::Reject` keeps the record, with its reason, in the outbox
/// channel [`crate::REJECTED`], and the others of its batch are not held up.
///
/// # Errors
/// None while it runs: what fails is retried.
pub async fn consume<H, F>(
    broker: BrokerRef,
    database: DatabaseRef,
    (topic, group): (&str, &str),
    handle: H,
    stop: Stop,
) -> anyhow::Result<()>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    let mut backoff = Backoff::new();
    let mut said: Option<(Instant, String)> = None;
    while !stop.is_cancelled() {
        let Err(cause) = member(&broker, &database, (topic, group), &handle, &stop).await else {
            break;
        };
        let reason = format!("{cause:#}");
        if said.as_ref().is_none_or(|(at, last)| *last != reason || at.elapsed() >= REMINDER) {
            warn!(target: "Consumer", "[Consumer groupId={group}] lost topic {topic}, joining again until it works: {reason}");
            said = Some((Instant::now(), reason));
        }
        wait(&mut backoff, &stop).await;
    }
    info!(target: "Consumer", "[Consumer groupId={group}] left topic {topic}");
    Ok(())
}

async fn member<H, F>(
    broker: &BrokerRef,
    database: &DatabaseRef,
    (topic, group): (&str, &str),
    handle: &H,
    stop: &Stop,
) -> anyhow::Result<()>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    let mut subscription = broker.subscribe(topic, group).await?;
    info!(target: "Consumer", "[Consumer groupId={group}] joined and subscribed to topic {topic}");
    loop {
        let records = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            records = subscription.poll(BATCH) => records?,
        };
        if !settle(database, group, handle, &records, stop).await {
            return Ok(());
        }
        commit_offsets(&mut *subscription, &records).await?;
    }
}

/// Brings every record of a batch to its end. False when told to stop before that: then the batch is delivered again.
async fn settle<H, F>(
    database: &DatabaseRef,
    group: &str,
    handle: &H,
    records: &[Record],
    stop: &Stop,
) -> bool
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    let mut backoff = Backoff::new();
    let mut chains = chains(records);
    loop {
        // Commits that wait together share one wait for the disk; the database takes them in this order.
        let settled =
            join_all(chains.iter_mut().map(|chain| settle_chain(database, group, handle, chain)));
        let failed: Vec<anyhow::Error> =
            settled.await.into_iter().filter_map(Result::err).collect();
        chains.retain(|chain| !chain.is_empty());
        let Some((cause, first)) = failed.first().zip(chains.first().and_then(VecDeque::front))
        else {
            return true;
        };
        let (id, count) = (&first.id, chains.iter().map(VecDeque::len).sum::<usize>());
        warn!(message.id = %id, "{count} messages wait, trying again until it works; first {id}: {cause:#}");
        wait(&mut backoff, stop).await;
        if stop.is_cancelled() {
            return false;
        }
    }
}

/// The records of a batch, those of one key in one chain: a later one waits until the earlier ones are done.
fn chains(records: &[Record]) -> Vec<VecDeque<Arc<Delivery>>> {
    let mut chains: Vec<VecDeque<Arc<Delivery>>> = Vec::new();
    let mut chain_of: HashMap<&[u8], usize> = HashMap::new();
    for record in records {
        let delivery = Arc::new(delivery(record));
        let known = record.key.as_deref().and_then(|key| {
            let next = chains.len();
            let chain = *chain_of.entry(key).or_insert(next);
            (chain < next).then_some(chain)
        });
        match known {
            Some(chain) => chains[chain].push_back(delivery),
            None => chains.push(VecDeque::from([delivery])),
        }
    }
    chains
}

/// Brings the records of a chain to their end one after the other; what is left of it has to be tried again.
async fn settle_chain<H, F>(
    database: &DatabaseRef,
    group: &str,
    handle: &H,
    chain: &mut VecDeque<Arc<Delivery>>,
) -> anyhow::Result<()>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    while let Some(delivery) = chain.front() {
        settle_one(database, group, handle, delivery).await?;
        chain.pop_front();
    }
    Ok(())
}

async fn settle_one<H, F>(
    database: &DatabaseRef,
    group: &str,
    handle: &H,
    delivery: &Arc<Delivery>,
) -> anyhow::Result<()>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    let done = match handle(delivery.clone()).await {
        Ok(changes) => commit(database, group, delivery, changes).await,
        Err(Failure::Retry(cause)) => return Err(cause),
        Err(Failure::Reject(cause)) => Err(CommitError::Refused(format!("{cause:#}"))),
    };
    let done = match done {
        Err(CommitError::Refused(reason)) => {
            let id = &delivery.id;
            warn!(message.id = %id, "message {id} cannot be processed and is kept with its reason: {reason}");
            let kept = Changes::new().send(rejected(kept(delivery), &anyhow!(reason)));
            commit(database, group, delivery, kept).await
        }
        done => done,
    };
    match done {
        Ok(()) | Err(CommitError::AlreadyHandled) => Ok(()),
        Err(cause @ (CommitError::Conflict | CommitError::Refused(_))) => Err(cause.into()),
        Err(CommitError::Unavailable(cause)) => Err(cause),
    }
}

/// Commits what a record changes, and that it was handled.
async fn commit(
    database: &DatabaseRef,
    group: &str,
    delivery: &Delivery,
    changes: Changes,
) -> Result<(), CommitError> {
    database.commit(changes.handled(group, &delivery.id)).await
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

async fn wait(backoff: &mut Backoff, stop: &Stop) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(backoff.next_delay()) => {}
    }
}

fn delivery(record: &Record) -> Delivery {
    let id = record.headers.iter().find(|header| header.name == ID_HEADER);
    let id =
        id.and_then(|header| std::str::from_utf8(&header.value).ok()).filter(|id| !id.is_empty());
    let coordinates = || format!("{}-{}-{}", record.topic, record.partition, record.offset);
    Delivery { id: id.map_or_else(coordinates, str::to_owned), record: record.clone() }
}

/// The record as a message, with the place it came from.
fn kept(delivery: &Delivery) -> Message {
    let record = &delivery.record;
    Message {
        id: delivery.id.clone(),
        channel: crate::BROKER.to_owned(),
        topic: record.topic.clone(),
        key: record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
        headers: record.headers.clone(),
        payload: record.payload.clone().unwrap_or_default(),
        created: record.timestamp,
    }
}
