//! Who waits for messages of an outbox channel, and how they are woken.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// A counter for each channel that somebody has asked for.
#[derive(Debug, Default)]
pub(crate) struct Channels(Mutex<HashMap<String, watch::Sender<u64>>>);

impl Channels {
    /// The counter of a channel.
    pub(crate) fn counter(&self, channel: &str) -> watch::Sender<u64> {
        let mut counters = self.counters();
        if let Some(counter) = counters.get(channel) {
            return counter.clone();
        }
        counters.entry(channel.to_owned()).or_insert_with(|| watch::Sender::new(0)).clone()
    }

    /// Wakes who waits for a channel, if anybody has ever asked for it.
    pub(crate) fn wake_known(&self, channel: &str) {
        if let Some(counter) = self.counters().get(channel) {
            wake(counter);
        }
    }

    /// Wakes everybody.
    pub(crate) fn wake_all(&self) {
        self.counters().values().for_each(wake);
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes who waits for a counter to change.
pub(crate) fn wake(counter: &watch::Sender<u64>) {
    counter.send_modify(|count| *count = count.wrapping_add(1));
}
