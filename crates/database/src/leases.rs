//! Leases of a database that only this process has open.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Who has the lease of which outbox channel.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<String, Held>>);

#[derive(Debug)]
struct Held {
    holder: String,
    fence: i64,
    until: Instant,
}

impl Leases {
    /// Takes or keeps the lease; see [`crate::Database::lease`].
    pub(crate) fn take(&self, channel: &str, holder: &str, time: Duration) -> Option<i64> {
        let mut leases = self.held();
        let now = Instant::now();
        let last = leases.get(channel);
        let fence = match last {
            Some(last) if last.holder == holder => last.fence,
            Some(last) if now < last.until => return None,
            last => last.map_or(0, |last| last.fence) + 1,
        };
        let held = Held { holder: holder.to_owned(), fence, until: now + time };
        leases.insert(channel.to_owned(), held);
        Some(fence)
    }

    /// Whether this is the lease that was given last.
    pub(crate) fn is_last(&self, channel: &str, fence: i64) -> bool {
        self.held().get(channel).is_some_and(|last| last.fence == fence)
    }

    /// Ends a lease before its time.
    pub(crate) fn release(&self, channel: &str, fence: i64) {
        if let Some(last) = self.held().get_mut(channel)
            && last.fence == fence
        {
            last.holder.clear();
            last.until = Instant::now();
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
