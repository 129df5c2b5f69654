//! Outbox to destination: publishes what was committed, in the order of commits per key, and deletes what was accepted.
//!
//! While much waits, three things go on at the same time: one batch is handed over, the next one is read, and those before
//! leave the outbox. Otherwise the relay rests after each batch for as long as it took, at most a few milliseconds: a message
//! that comes alone finds it rested, and of many each batch takes more, for which databases and brokers do less.

mod accepted;
mod held;
mod pace;
mod reach;
mod settle;
mod told;

use std::{sync::Arc, time::Duration};

use database::{DatabaseRef, Message};
use faults::{Promise, crash_point_of};
use futures_util::future::join;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tracing::{debug, warn};

use crate::{Backoff, Clock, Failure, Publish, Stop, lease::Lease};
use accepted::Accepted;
use held::Held;
use pace::Resume;
use reach::{Passed, Reach};
use settle::Settled;
use told::Told;

/// How many messages are handed over at a time.
const BATCH: u32 = 512;
/// How long a relay rests at most after a batch behind which nothing more waited.
const REST: Duration = Duration::from_millis(3);
/// How many accepted messages may wait to leave the outbox before the relay waits for them.
const LEAVING: usize = 4_096;
/// How long a relay waits when no message of a batch had its turn.
const TURN: Duration = Duration::from_secs(1);

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
    let accepted = Accepted::new(channel, database.clone());
    let mut relay = Relay {
        channel,
        database,
        destination,
        now,
        added,
        lease: 0,
        position: 0,
        ahead: None,
        rested_at: Instant::now(),
        accepted,
        held: Held::default(),
        reach: Reach::new(),
        resume: None,
        has_gone_on: true,
        round: (Instant::now(), 0),
        retry_at: None,
        backoff: Backoff::default(),
        told: Told::default(),
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

/// Messages with their positions, oldest first.
type Waiting = Vec<(i64, Message)>;

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
    /// Messages that were read while others were handed over, and the position that they come after.
    ahead: Option<(i64, Waiting)>,
    /// Until when the relay rests.
    rested_at: Instant,
    accepted: Accepted,
    held: Held,
    reach: Reach,
    resume: Option<Resume>,
    /// Whether anything but the oldest messages was looked at since these were tried.
    has_gone_on: bool,
    /// When it last went back, and where it had come by then.
    round: (Instant, i64),
    /// When what is held is tried again; set while something has failed.
    retry_at: Option<Instant>,
    backoff: Backoff,
    /// What the log knows of failures.
    told: Told,
}

impl Relay<'_> {
    async fn work(&mut self, lease: &Lease, stop: &Stop) {
        while !stop.is_cancelled() {
            let rested_at = self.rested_at;
            let rest = async {
                sleep_until(rested_at).await;
                lease.wait().await
            };
            let number = tokio::select! {
                () = stop.cancelled() => break,
                number = self.accepted.beside(rest) => number,
            };
            if number != self.lease {
                self.begin(number);
            }
            let step = match self.step(stop).await {
                Ok(Next::Read) => Ok(()),
                Ok(Next::Wait) => self.wait(stop).await,
                Err(cause) => Err(cause),
            };
            if let Err(cause) = step {
                warn!(
                    channel = self.channel,
                    "the outbox does not answer, trying again: {cause:#}"
                );
                self.retry_later();
                self.pause(stop).await;
            }
        }
        if let Err(cause) = self.accepted.remove_all(self.lease).await {
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
        self.ahead = None;
        self.start_again();
    }

    /// Hands over one batch.
    async fn step(&mut self, stop: &Stop) -> anyhow::Result<Next> {
        let began = Instant::now();
        self.go_back(began);
        let waiting = self.read().await?;
        let Some((last, _)) = waiting.last() else { return Ok(self.all_done()) };
        let (last, is_full) = (*last, waiting.len() >= BATCH as usize);
        let to_do = |(position, message): &(i64, Message)| {
            !self.held.holds(message.key.as_deref()) && !self.accepted.contains(*position)
        };
        let (positions, mut messages): (Vec<i64>, Vec<Message>) =
            waiting.into_iter().filter(to_do).unzip();
        let notes = self.notes(&mut messages);
        if faults::is_broken(Promise::DeleteLast) {
            positions.iter().for_each(|position| self.accepted.add(*position));
            self.accepted.remove_all(self.lease).await?;
        }
        if !messages.is_empty() {
            crash_point_of("before-publish", self.channel);
        }
        let outcomes = self.publish(&messages, is_full.then_some(last)).await;
        if !positions.is_empty() {
            crash_point_of("after-publish", self.channel);
        }
        self.position = last;
        let (mut accepted, mut held, mut had_no_turn) = (0, 0, false);
        let messages = messages.into_iter().zip(notes);
        for ((position, message), outcome) in positions.into_iter().zip(messages).zip(outcomes) {
            match self.settle(message, outcome).await {
                Settled::Accepted => {
                    self.accepted.add(position);
                    accepted += 1;
                }
                Settled::Held => held += 1,
                // It is read once more, and with it what came behind it and is not accepted.
                Settled::NoTurn => {
                    self.position = self.position.min(position - 1);
                    had_no_turn = true;
                }
            }
        }
        self.accepted.begin_removal(self.lease);
        if !is_full {
            self.rested_at = Instant::now() + began.elapsed().min(REST);
        }
        let passed = Passed::of(accepted, held, had_no_turn);
        self.resume(matches!(passed, Passed::Fruitless | Passed::Partly));
        let goes_on = self.reach.passes(passed) && !self.held.is_full();
        if had_no_turn && accepted == 0 {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.accepted.beside(sleep(TURN)) => {}
            }
            return Ok(Next::Read);
        }
        Ok(if goes_on { Next::Read } else { Next::Wait })
    }

    /// What waits after the position: as it was read ahead, or as it is now.
    async fn read(&mut self) -> anyhow::Result<Waiting> {
        self.accepted.notice()?;
        match self.ahead.take() {
            Some((after, waiting)) if after == self.position => Ok(waiting),
            _ => {
                self.added.mark_unchanged();
                self.accepted.begin_read();
                let read = self.database.unsent(self.channel, self.position, BATCH);
                self.accepted.beside(read).await
            }
        }
    }

    /// Hands messages over, and meanwhile reads what comes after the last one that was read, if more waits.
    async fn publish(
        &mut self,
        messages: &[Message],
        last: Option<i64>,
    ) -> Vec<Result<(), Failure>> {
        if self.accepted.len() >= LEAVING
            && let Err(cause) = self.accepted.removed().await
        {
            warn!(
                channel = self.channel,
                "delivered messages stay in the outbox for now: {cause:#}"
            );
        }
        let hand_over = self.destination.publish(messages);
        let Some(last) = last else { return self.accepted.beside(hand_over).await };
        self.added.mark_unchanged();
        self.accepted.begin_read();
        let read = self.database.unsent(self.channel, last, BATCH);
        let (outcomes, ahead) = self.accepted.beside(join(hand_over, read)).await;
        // If it could not be read, that shows when it is read again.
        self.ahead = ahead.ok().map(|waiting| (last, waiting));
        outcomes
    }
}

/// What a relay does after a step.
enum Next {
    /// There may be more.
    Read,
    /// There is nothing to do until something happens.
    Wait,
}
