//! Outbox to destination: publishes what was committed, in the order of commits per key, and deletes what was accepted.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use database::{Changes, CommitError, DatabaseRef, Message};
use faults::{Promise, crash_point_of};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tracing::{debug, info, warn};

use crate::{
    Backoff, Clock, Failure, Publish, Stop,
    dead_letters::{DeadLetter, Note, REPLAY, keep, take_note},
    lease::Lease,
};

/// How many messages are handed over at a time.
const BATCH: u32 = 256;
/// How many keys may be waiting for a retry before the relay stops looking past them.
const HELD: usize = 10_000;
/// How long a relay sleeps at most; a commit wakes it earlier. Covers a wake-up lost with a crashed commit.
const NAP: Duration = Duration::from_secs(5);

/// Carries the messages of an outbox channel to their destination until `stop`, as long as it has the lease of the
/// channel: of all relays on one database, one works and the others wait to take its place. `now` tells the time.
///
/// A message leaves the outbox only when its destination has it, or when the destination never will: then it becomes a
/// dead letter with the reason. A message that has to wait holds back later ones of its own key only.
///
/// # Errors
/// None while it runs: what fails is retried.
pub async fn relay(
    channel: &str,
    database: DatabaseRef,
    destination: Arc<dyn Publish>,
    now: Clock,
    stop: Stop,
) -> anyhow::Result<()> {
    let added = database.added(channel);
    let lease = Lease::new(channel, database.clone());
    let mut relay = Relay {
        channel,
        database,
        destination,
        now,
        added,
        lease: 0,
        position: 0,
        accepted: BTreeSet::new(),
        held: HashSet::new(),
        retry_at: None,
        backoff: Backoff::default(),
    };
    let finished = Stop::new();
    let work = async {
        relay.work(&lease, &stop).await;
        finished.cancel();
    };
    // The lease is kept while the last messages are on their way.
    tokio::join!(work, lease.keep(&finished));
    lease.release().await;
    Ok(())
}

struct Relay<'a> {
    channel: &'a str,
    database: DatabaseRef,
    destination: Arc<dyn Publish>,
    now: Clock,
    added: watch::Receiver<u64>,
    /// The lease in whose name the rest of this was noted.
    lease: i64,
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
    async fn work(&mut self, lease: &Lease, stop: &Stop) {
        while !stop.is_cancelled() {
            let number = tokio::select! {
                () = stop.cancelled() => break,
                number = lease.wait() => number,
            };
            if number != self.lease {
                self.begin(number);
            }
            if let Err(cause) = self.step(stop).await {
                warn!(
                    channel = self.channel,
                    "the outbox does not answer, trying again: {cause:#}"
                );
                self.hold(None);
                self.wait(stop).await;
            }
        }
        if let Err(cause) = self.forget_accepted().await {
            let count = self.accepted.len();
            warn!(
                channel = self.channel,
                "{count} delivered messages stay in the outbox and will be delivered again: {cause:#}"
            );
        }
    }

    /// Looks at everything anew: somebody else may have been at it.
    fn begin(&mut self, lease: i64) {
        debug!(channel = self.channel, "this instance relays the channel, lease {lease}");
        self.lease = lease;
        self.accepted.clear();
        self.start_again();
    }

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
        let (positions, mut messages): (Vec<i64>, Vec<Message>) =
            waiting.into_iter().filter(to_do).unzip();
        let notes = self.notes(&mut messages);
        if faults::is_broken(Promise::DeleteLast) {
            self.accepted.extend(&positions);
            self.forget_accepted().await?;
        }
        if !messages.is_empty() {
            crash_point_of("before-publish", self.channel);
        }
        // Deleting what is done and handing over what is next need not wait for one another.
        let destination = self.destination.clone();
        let (outcomes, deleted) =
            tokio::join!(destination.publish(&messages), self.forget_accepted());
        if !positions.is_empty() {
            crash_point_of("after-publish", self.channel);
        }
        if let Err(cause) = deleted {
            warn!(
                channel = self.channel,
                "delivered messages stay in the outbox for now: {cause:#}"
            );
        }
        let mut delivered = messages.is_empty();
        let messages = messages.into_iter().zip(notes);
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

    /// Takes the notes off replayed messages: they are none of the destination's business.
    fn notes(&self, messages: &mut [Message]) -> Vec<Option<Note>> {
        let is_internal = self.channel.starts_with(REPLAY);
        let take = |message| if is_internal { None } else { take_note(message) };
        messages.iter_mut().map(take).collect()
    }

    /// Notes what became of a message; false when it has to be tried again.
    async fn settle(
        &mut self,
        position: i64,
        (message, note): (Message, Option<Note>),
        outcome: Result<(), Failure>,
    ) -> bool {
        let (id, key) = (message.id.clone(), message.key.clone());
        let cause = match outcome {
            Ok(()) => return self.accepted.insert(position),
            Err(Failure::Retry(cause)) => cause,
            Err(Failure::Reject(cause)) => match self.reject(message, note, &cause).await {
                Ok(()) => return self.accepted.insert(position),
                Err(error) => error.into(),
            },
        };
        if self.retry_at.is_none() {
            warn!(channel = self.channel, message.id = %id, "delivery of message {id} failed, trying again until it works: {cause:#}");
        }
        self.hold(Some(key));
        false
    }

    async fn reject(
        &self,
        mut message: Message,
        note: Option<Note>,
        cause: &anyhow::Error,
    ) -> Result<(), CommitError> {
        let note = note.or_else(|| take_note(&mut message));
        let letter = DeadLetter::of_message(message, note, &format!("{cause:#}"), (self.now)());
        warn!(channel = self.channel, message.id = %letter.message, "message {} cannot be delivered and is dead letter {}: {}", letter.message, letter.id, letter.reason);
        keep(&self.database, &letter, Changes::new()).await?;
        crash_point_of("after-dead-letter", self.channel);
        Ok(())
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
        if done.is_empty() {
            return Ok(());
        }
        crash_point_of("before-delete", self.channel);
        // When the lease is somebody else's, they are theirs to deliver, once more, and to delete.
        self.database.sent(self.channel, &done, self.lease).await?;
        crash_point_of("after-delete", self.channel);
        self.accepted.clear();
        Ok(())
    }
}
