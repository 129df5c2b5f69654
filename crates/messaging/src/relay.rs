//! Outbox to destination: publishes what was committed, in the order of commits per key, and deletes what was accepted.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use database::{Changes, DatabaseRef, Header, Message};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
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
        accepted: BTreeSet::new(),
        held: HashSet::new(),
        retry_at: None,
        backoff: Backoff::new(),
    };
    while !stop.is_cancelled() {
        if let Err(cause) = relay.step(&stop).await {
            warn!(channel, "the outbox does not answer, trying again: {cause:#}");
            relay.hold(None);
            relay.wait(&stop).await;
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
    /// Positions that the destination has accepted and that are still in the outbox; never handed over again.
    accepted: BTreeSet<i64>,
    /// Keys of which a message waits for a retry.
    held: HashSet<Option<String>>,
    /// When what is held is tried again; set while something has failed.
    retry_at: Option<Instant>,
    backoff: Backoff,
}

impl Relay<'_> {
    /// Hands over one batch, or waits for one.
    async fn step(&mut self, stop: &Stop) -> anyhow::Result<()> {
        if self.retry_at.is_some_and(|time| time <= Instant::now()) {
            self.start_again();
        }
        self.added.mark_unchanged();
        let waiting = self.database.unsent(self.channel, self.position, BATCH).await?;
        let Some((last, _)) = waiting.last() else { return self.rest(stop).await };
        let last = *last;
        let to_do = |(position, message): &(i64, Message)| {
            !self.held.contains(&message.key) && !self.accepted.contains(position)
        };
        let (positions, messages): (Vec<i64>, Vec<Message>) =
            waiting.into_iter().filter(to_do).unzip();
        // Deleting what is done and handing over what is next need not wait for one another.
        let destination = self.destination.clone();
        let (outcomes, deleted) =
            tokio::join!(destination.publish(&messages), self.forget_accepted());
        if let Err(cause) = deleted {
            warn!(
                channel = self.channel,
                "delivered messages stay in the outbox for now: {cause:#}"
            );
        }
        let mut delivered = messages.is_empty();
        for ((position, message), outcome) in positions.into_iter().zip(messages).zip(outcomes) {
            delivered |= self.settle(position, message, outcome).await;
        }
        self.position = last;
        // Nothing got through: to read on would only collect more that has to wait.
        if !delivered {
            self.wait(stop).await;
        }
        Ok(())
    }

    /// Notes what became of a message; false when it has to be tried again.
    async fn settle(
        &mut self,
        position: i64,
        message: Message,
        outcome: Result<(), Failure>,
    ) -> bool {
        let id = message.id.clone();
        let cause = match outcome {
            Ok(()) => return self.accepted.insert(position),
            Err(Failure::Retry(cause)) => cause,
            Err(Failure::Reject(cause)) => {
                warn!(channel = self.channel, message.id = %id, "message {id} cannot be delivered and waits in channel {REJECTED}: {cause:#}");
                let kept = Changes::new().send(rejected(message.clone(), &cause));
                match self.database.commit(kept).await {
                    Ok(()) => return self.accepted.insert(position),
                    Err(error) => error.into(),
                }
            }
        };
        if self.retry_at.is_none() {
            warn!(channel = self.channel, message.id = %id, "delivery of message {id} failed, trying again until it works: {cause:#}");
        }
        self.hold(Some(message.key));
        false
    }

    fn hold(&mut self, key: Option<Option<String>>) {
        self.held.extend(key);
        if self.retry_at.is_none() {
            self.retry_at = Some(Instant::now() + self.backoff.next_delay());
        }
    }

    /// Everything has been looked at: deletes what is done, then waits for more.
    async fn rest(&mut self, stop: &Stop) -> anyhow::Result<()> {
        if !self.accepted.is_empty() {
            return self.forget_accepted().await;
        }
        if self.held.is_empty() && self.retry_at.take().is_some() {
            self.backoff.reset();
            info!(channel = self.channel, "delivery works again");
        }
        self.wait(stop).await;
        Ok(())
    }

    /// Waits for a commit, or for the time to start again from the oldest message.
    async fn wait(&mut self, stop: &Stop) {
        let start_again = self.retry_at.unwrap_or_else(|| Instant::now() + NAP);
        tokio::select! {
            () = stop.cancelled() => {}
            _ = self.added.changed(), if self.held.len() < HELD => {}
            () = sleep_until(start_again) => self.start_again(),
        }
    }

    /// Goes back to the oldest message, so that what was held is tried again.
    fn start_again(&mut self) {
        self.position = 0;
        self.held.clear();
        if self.retry_at.is_some() {
            self.retry_at = Some(Instant::now() + self.backoff.next_delay());
        }
    }

    async fn forget_accepted(&mut self) -> anyhow::Result<()> {
        let done: Vec<i64> = self.accepted.iter().copied().collect();
        self.database.sent(self.channel, &done).await?;
        self.accepted.clear();
        Ok(())
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
