//! When a relay waits, and from where it goes on.

use std::{collections::HashSet, time::Duration};

use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::{Next, Relay, Told};
use crate::Stop;

/// How long a relay sleeps until it looks at the oldest message; a commit wakes it earlier. One that is busy goes back as
/// often to where it had come when it did so before: not to the oldest, since a database may have to step over all that was
/// deleted. Covers a wake-up lost with a crashed commit, and a message that came to the outbox later than it seemed.
const ROUND: Duration = Duration::from_secs(5);

/// Where to go on when the oldest messages have failed again.
pub(super) struct Resume {
    position: i64,
    /// Keys of what failed before that position.
    held: HashSet<u64>,
}

impl Relay<'_> {
    /// Something waits for a retry.
    pub(super) fn retry_later(&mut self) {
        if self.retry_at.is_none() {
            self.retry_at = Some(Instant::now() + self.backoff.next_delay());
        }
    }

    /// Everything has been looked at.
    pub(super) fn all_done(&mut self) -> Next {
        self.reach.ends();
        self.resume = None;
        if self.held.is_empty() && self.retry_at.take().is_some() {
            self.backoff.reset();
            self.told = Told::default();
            info!(channel = self.channel, "delivery works again");
        }
        Next::Wait
    }

    /// Waits for a commit, or for the time to start again from the oldest message, while accepted messages leave.
    pub(super) async fn wait(&mut self, stop: &Stop) -> anyhow::Result<()> {
        // Whatever wakes it, there may be more then.
        self.ahead = None;
        self.accepted.begin_removal(self.lease);
        while self.accepted.is_being_removed() {
            tokio::select! {
                biased;
                removed = self.accepted.removed() => removed?,
                () = stop.cancelled() => return Ok(()),
                _ = self.added.changed(), if self.listens() => return Ok(()),
            }
            self.accepted.begin_removal(self.lease);
        }
        self.pause(stop).await;
        Ok(())
    }

    /// Waits for a commit, or for the time to try again.
    pub(super) async fn pause(&mut self, stop: &Stop) {
        self.ahead = None;
        let start_again = self.retry_at.unwrap_or_else(|| Instant::now() + ROUND);
        tokio::select! {
            () = stop.cancelled() => {}
            _ = self.added.changed(), if self.listens() => {}
            () = sleep_until(start_again) => self.retry(),
        }
    }

    /// Goes back if it is time for that.
    pub(super) fn go_back(&mut self, now: Instant) {
        match self.retry_at {
            Some(time) if time <= now && self.has_gone_on => self.retry(),
            None if self.round.0 + ROUND <= now => {
                let reached = self.position;
                self.position = reached.min(self.round.1);
                self.round = (now, reached);
            }
            _ => {}
        }
    }

    /// Whether a commit is worth a look.
    fn listens(&self) -> bool {
        self.reach.listens() && !self.held.is_full()
    }

    /// Tries the oldest messages again, or all of them.
    fn retry(&mut self) {
        if !self.reach.goes_on() || self.held.is_full() {
            return self.start_again();
        }
        let held = self.held.set_aside();
        match &mut self.resume {
            Some(resume) => resume.held.extend(held),
            resume => *resume = Some(Resume { position: self.position, held }),
        }
        self.position = 0;
        self.next_retry();
    }

    /// A batch was handed over. When these were the oldest and they have failed again, the relay goes on where it was: what failed
    /// before is still held, so that nothing comes before it.
    pub(super) fn resume(&mut self, have_failed: bool) {
        self.has_gone_on = self.resume.is_none();
        let Some(Resume { position, held }) = self.resume.take() else { return };
        if have_failed {
            self.position = self.position.max(position);
            self.held.add_all(held);
            // However long the oldest took, others have their turn before the next retry.
            self.next_retry();
        } else {
            self.reach.starts_again();
        }
    }

    /// Goes back to the oldest message, so that what was held is tried again.
    pub(super) fn start_again(&mut self) {
        (self.position, self.round) = (0, (Instant::now(), 0));
        self.held.clear();
        self.resume = None;
        self.reach.starts_again();
        self.next_retry();
    }

    fn next_retry(&mut self) {
        self.told.retry();
        if self.retry_at.is_some() {
            self.retry_at = Some(Instant::now() + self.backoff.next_delay());
        }
    }
}
