//! Outbox to destination: publishes what was committed, in the order of commits per key, and deletes what was accepted.

use std::{collections::HashSet, sync::Arc, time::Duration};

use database::{Changes, DatabaseRef, Header, Message};
use tokio::{sync::watch, time::timeout};
use tracing::{info, warn};

use crate::{Backoff, Failure, Publish, REJECTED, Stop};

/// How many messages are handed over at a time.
const BATCH: u32 = 256;
/// How many keys may be waiting for a retry before the relay stops looking past them.
const HELD: usize = 10_000;
/// How long a relay sleeps at most; a commit wakes it earlier. Covers a wake-up lost with a crashed commit.
const NAP: Duration = Duration::from_secs(5);

/// Carries the messages of an outbox channel to their destination until `stop`.
///
/// A message leaves the outbox only when its destination has it, or when the destination never will: then it moves to the
/// channel [`REJECTED`] with the reason in the header `x-reason`. A message that has to wait holds back later ones of
/// its own key only.
///
/// # Errors
/// None while it runs: what fails is retried.
pub async fn relay(
    channel: &str,
    database: DatabaseRef,
    destination: Arc<dyn Publish>,
    stop: Stop,
) -> anyhow::Result<()> {
    let added = database.added(channel);
    let mut relay = Relay {
        channel,
        database,
        destination,
        added,
        position: 0,
        accepted: Vec::new(),
        held: HashSet::new(),
        backoff: Backoff::new(),
        failing: false,
    };
    while !stop.is_cancelled() {
        if let Err(cause) = relay.step(&stop).await {
            warn!(channel, "the outbox does not answer, trying again: {cause:#}");
            relay.pause(&stop).await;
        }
    }
    relay.forget_accepted().await
}

struct Relay<'a> {
    channel: &'a str,
    database: DatabaseRef,
    destination: Arc<dyn Publish>,
    added: watch::Receiver<u64>,
    /// Everything up to here was handed over or is held back.
    position: i64,
    /// Accepted by the destination, not yet deleted from the outbox.
    accepted: Vec<i64>,
    /// Keys of which a message waits for a retry.
    held: HashSet<Option<String>>,
    backoff: Backoff,
    failing: bool,
}

impl Relay<'_> {
    /// Hands over one batch, or waits for one.
    async fn step(&mut self, stop: &Stop) -> anyhow::Result<()> {
        self.added.mark_unchanged();
        let waiting = self.database.unsent(self.channel, self.position, BATCH).await?;
        let Some((last, _)) = waiting.last() else { return self.rest(stop).await };
        let last = *last;
        let (positions, messages): (Vec<i64>, Vec<Message>) =
            waiting.into_iter().filter(|(_, message)| !self.held.contains(&message.key)).unzip();
        let done = std::mem::take(&mut self.accepted);
        // Deleting what is done and handing over what is next need not wait for one another.
        let (outcomes, deleted) = tokio::join!(
            self.destination.publish(&messages),
            self.database.sent(self.channel, &done)
        );
        if let Err(cause) = deleted {
            self.accepted.extend(done);
            warn!(
                channel = self.channel,
                "delivered messages stay in the outbox for now: {cause:#}"
            );
        }
        self.position = last;
        for ((position, message), outcome) in positions.into_iter().zip(messages).zip(outcomes) {
            self.settle(position, message, outcome).await?;
        }
        if self.held.len() > HELD || (self.failing && self.accepted.is_empty()) {
            self.retry_from_start(stop).await;
        }
        Ok(())
    }

    async fn settle(
        &mut self,
        position: i64,
        message: Message,
        outcome: Result<(), Failure>,
    ) -> anyhow::Result<()> {
        match outcome {
            Ok(()) => {
                self.accepted.push(position);
                self.recovered();
            }
            Err(Failure::Retry(cause)) => {
                if !std::mem::replace(&mut self.failing, true) {
                    let id = &message.id;
                    warn!(channel = self.channel, message.id = %id, "delivery of message {id} failed, trying again until it works: {cause:#}");
                }
                self.held.insert(message.key);
            }
            Err(Failure::Reject(cause)) => {
                let id = message.id.clone();
                warn!(channel = self.channel, message.id = %id, "message {id} cannot be delivered and waits in channel {REJECTED}: {cause:#}");
                self.database.commit(Changes::new().send(rejected(message, &cause))).await?;
                self.accepted.push(position);
            }
        }
        Ok(())
    }

    /// Nothing new: deletes what is done, then waits for a commit, or for the time to try the held messages again.
    async fn rest(&mut self, stop: &Stop) -> anyhow::Result<()> {
        if !self.accepted.is_empty() {
            return self.forget_accepted().await;
        }
        if !self.held.is_empty() {
            self.retry_from_start(stop).await;
            return Ok(());
        }
        tokio::select! {
            () = stop.cancelled() => {}
            woken = timeout(NAP, self.added.changed()) => {
                if woken.is_err() {
                    self.position = 0;
                }
            }
        }
        Ok(())
    }

    async fn forget_accepted(&mut self) -> anyhow::Result<()> {
        self.database.sent(self.channel, &self.accepted).await?;
        self.accepted.clear();
        Ok(())
    }

    async fn retry_from_start(&mut self, stop: &Stop) {
        if let Err(cause) = self.forget_accepted().await {
            warn!(
                channel = self.channel,
                "delivered messages stay in the outbox for now: {cause:#}"
            );
        }
        self.pause(stop).await;
        // What was accepted but could not be deleted is not read again before it is.
        self.position = 0;
        self.held.clear();
    }

    async fn pause(&mut self, stop: &Stop) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(self.backoff.next_delay()) => {}
        }
    }

    fn recovered(&mut self) {
        self.backoff.reset();
        if self.held.is_empty() && std::mem::take(&mut self.failing) {
            info!(channel = self.channel, "delivery works again");
        }
    }
}

/// A message that waits for a person, with the reason.
pub(crate) fn rejected(mut message: Message, cause: &anyhow::Error) -> Message {
    let channel = Header { name: "x-channel".into(), value: message.channel.into_bytes() };
    let reason = Header { name: "x-reason".into(), value: format!("{cause:#}").into_bytes() };
    message.headers.extend([channel, reason]);
    message.channel = REJECTED.to_owned();
    message
}
