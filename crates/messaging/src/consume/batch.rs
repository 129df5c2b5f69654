//! Brings the records of a batch to their end: all in one commit when nothing is in the way, else each by itself.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use anyhow::anyhow;
use database::{Changes, CommitError, DatabaseRef};
use faults::{Promise, crash_point};
use futures_util::future::join_all;
use tracing::warn;

use super::{Consumer, Delivery, dead_letter_topic};
use crate::{
    Backoff, Clock, Failure, Record, Stop,
    dead_letters::{DeadLetter, keep},
};

/// Everything that handling records needs.
pub(super) struct Batch<'a, H> {
    pub(super) database: &'a DatabaseRef,
    pub(super) consumer: &'a Consumer,
    pub(super) handle: &'a H,
    pub(super) now: &'a Clock,
}

impl<H, F> Batch<'_, H>
where
    H: Fn(Arc<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Changes, Failure>> + Send,
{
    /// Brings every record to its end. False when told to stop before that: then the batch is delivered again.
    pub(super) async fn settle(&self, records: &[Record], stop: &Stop) -> bool {
        let deliveries: Vec<Arc<Delivery>> =
            records.iter().map(|record| Arc::new(Delivery::of(record))).collect();
        let rest = match deliveries.len() {
            0 | 1 => deliveries,
            _ => self.settle_together(deliveries).await,
        };
        let mut backoff = Backoff::new(self.consumer.retry.clone());
        let mut chains = chains(rest);
        loop {
            // Commits that wait together share one wait for the disk; the database takes them in this order.
            let settled = join_all(chains.iter_mut().map(|chain| self.settle_chain(chain)));
            let failed: Vec<anyhow::Error> =
                settled.await.into_iter().filter_map(Result::err).collect();
            chains.retain(|chain| !chain.is_empty());
            let Some((cause, first)) = failed.first().zip(chains.first().and_then(VecDeque::front))
            else {
                return true;
            };
            let (id, count) = (&first.delivery.id, chains.iter().map(VecDeque::len).sum::<usize>());
            warn!(message.id = %id, "{count} messages wait, trying again until it works; first {id}: {cause:#}");
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(backoff.next_delay()) => {}
            }
        }
    }

    /// Commits all records at once that their handler takes; answers the others, or all of them when something among
    /// them is in the way.
    async fn settle_together(&self, deliveries: Vec<Arc<Delivery>>) -> Vec<Arc<Delivery>> {
        let handled = deliveries.iter().map(|delivery| (self.handle)(delivery.clone()));
        let outcomes = join_all(handled).await;
        let (mut all, mut taken, mut rest) = (Changes::new(), Vec::new(), Vec::new());
        let mut waiting: HashSet<Vec<u8>> = HashSet::new();
        for (delivery, outcome) in deliveries.into_iter().zip(outcomes) {
            let key = delivery.record.key.as_ref();
            match outcome {
                Ok(changes) if key.is_none_or(|key| !waiting.contains(key)) => {
                    all = all.and(self.with_id(changes, &delivery));
                    taken.push(delivery);
                }
                _ => {
                    waiting.extend(key.cloned());
                    rest.push(delivery);
                }
            }
        }
        crash_point("before-commit");
        match self.database.commit(all).await {
            Ok(()) => rest,
            // One of them was handled before, or cannot be kept; or the database is away, and that is not said twice.
            Err(_) => {
                taken.extend(rest);
                taken.sort_by_key(|it| (it.record.partition, it.record.offset));
                taken
            }
        }
    }

    /// Brings the records of a chain to their end one after the other; what is left of it has to be tried again.
    async fn settle_chain(&self, chain: &mut VecDeque<Waiting>) -> anyhow::Result<()> {
        while let Some(first) = chain.front_mut() {
            self.settle_one(first).await?;
            chain.pop_front();
        }
        Ok(())
    }

    /// Tries a record once. What is away for all of them does not count as an attempt of this one.
    async fn settle_one(&self, waiting: &mut Waiting) -> anyhow::Result<()> {
        let Waiting { delivery, attempts } = waiting;
        let failed = match (self.handle)(delivery.clone()).await {
            Ok(changes) => {
                crash_point("before-commit");
                match self.database.commit(self.with_id(changes, delivery)).await {
                    Ok(()) | Err(CommitError::AlreadyHandled) => return Ok(()),
                    Err(CommitError::Unavailable(cause)) => return Err(cause),
                    Err(CommitError::Refused(reason)) => Failure::Reject(anyhow!(reason)),
                    Err(cause @ CommitError::Conflict) => Failure::Retry(cause.into()),
                }
            }
            Err(failed) => failed,
        };
        let (cause, is_final) = match failed {
            Failure::NoTurn(cause) => return Err(cause),
            Failure::Retry(cause) => (cause, false),
            Failure::Reject(cause) => (cause, true),
        };
        *attempts += 1;
        if !is_final && self.consumer.retry.attempts.is_none_or(|most| *attempts < most) {
            return Err(cause);
        }
        self.reject(delivery, &format!("{cause:#}"), *attempts).await
    }

    /// Makes a record a dead letter. Its id does not go into the inbox: that is for its replay.
    async fn reject(&self, delivery: &Delivery, reason: &str, attempts: u32) -> anyhow::Result<()> {
        let Consumer { group, dead_letter_topic, .. } = self.consumer;
        let now = (self.now)();
        let letter = DeadLetter::of_record(group, delivery, (reason, attempts), now);
        let also = dead_letter_topic.iter().map(|topic| dead_letter_topic::message(topic, &letter));
        let also = Changes::new().send_all(also);
        keep(self.database, &letter, also).await.map_err(|error| match error {
            CommitError::Unavailable(cause) => cause,
            error => anyhow!("keep dead letter {}: {error}", letter.id),
        })?;
        warn!(message.id = %letter.message, "message {} cannot be processed and is dead letter {}: {}", letter.message, letter.id, letter.reason);
        crash_point("after-rejection");
        Ok(())
    }

    /// What a record changes, and that it was handled.
    fn with_id(&self, changes: Changes, delivery: &Delivery) -> Changes {
        match faults::is_broken(Promise::HandledOnce) {
            true => changes,
            false => changes.handled(&self.consumer.group, &delivery.id),
        }
    }
}

/// A record that has not come to its end.
struct Waiting {
    delivery: Arc<Delivery>,
    /// How often it has failed by itself.
    attempts: u32,
}

/// The records of a batch, those of one key in one chain: a later one waits until the earlier ones are done.
fn chains(deliveries: Vec<Arc<Delivery>>) -> Vec<VecDeque<Waiting>> {
    let mut chains: Vec<VecDeque<Waiting>> = Vec::new();
    let mut chain_of: HashMap<Vec<u8>, usize> = HashMap::new();
    for delivery in deliveries {
        let known = delivery.record.key.clone().and_then(|key| {
            let next = chains.len();
            let chain = *chain_of.entry(key).or_insert(next);
            (chain < next).then_some(chain)
        });
        let waiting = Waiting { delivery, attempts: 0 };
        match known {
            Some(chain) => chains[chain].push_back(waiting),
            None => chains.push(VecDeque::from([waiting])),
        }
    }
    chains
}
