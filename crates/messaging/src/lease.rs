//! One relay at a time: holds the lease of an outbox channel, and says when it is lost.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use database::DatabaseRef;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tracing::{info, warn};

use crate::Stop;

/// How long a lease lasts. Who dies is succeeded after this time and one more look of the successor.
const TIME: Duration = Duration::from_secs(4);
/// How often a lease is renewed, and how often others look whether they can have it.
const LOOK: Duration = Duration::from_millis(800);
/// How much of a lease has to be left when something is begun in its name.
const MARGIN: Duration = Duration::from_millis(500);

/// The lease of a channel as this relay has it.
pub(crate) struct Lease {
    channel: String,
    database: DatabaseRef,
    holder: String,
    held: watch::Sender<Option<Held>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    number: i64,
    until: Instant,
}

impl Lease {
    pub(crate) fn new(channel: &str, database: DatabaseRef) -> Self {
        // Each `RandomState` has other keys: no two relays have one name.
        let holder = format!("{:016x}", RandomState::new().hash_one(channel));
        let held = watch::Sender::new(None);
        Lease { channel: channel.to_owned(), database, holder, held }
    }

    /// Takes the lease whenever it can be had, and renews it, until `stop`.
    pub(crate) async fn keep(&self, stop: &Stop) {
        let mut said = false;
        while !stop.is_cancelled() {
            let asked = Instant::now();
            match self.database.lease(&self.channel, &self.holder, TIME).await {
                Ok(Some(number)) => {
                    faults::crash_point_of("after-lease", &self.channel);
                    said = false;
                    self.held.send_replace(Some(Held { number, until: asked + TIME }));
                }
                Ok(None) => {
                    if self.held.send_replace(None).is_some() {
                        info!(channel = self.channel, "another instance relays this channel now");
                    }
                }
                Err(cause) if !said => {
                    said = true;
                    warn!(
                        channel = self.channel,
                        "the outbox does not answer, trying again until it does: {cause:#}"
                    );
                }
                Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    /// Waits until the lease is ours for some time, and answers its number.
    pub(crate) async fn wait(&self) -> i64 {
        let mut changes = self.held.subscribe();
        loop {
            let held = *changes.borrow_and_update();
            if let Some(held) = held
                && held.until >= Instant::now() + MARGIN
            {
                return held.number;
            }
            // The sender is this value's own.
            let _ = changes.changed().await;
        }
    }

    /// Gives the lease back, so that the next one need not wait.
    pub(crate) async fn release(&self) {
        let Some(held) = self.held.send_replace(None) else { return };
        if let Err(cause) = self.database.release(&self.channel, held.number).await {
            warn!(channel = self.channel, "the lease of this channel ends by itself: {cause:#}");
        }
    }
}
