//! Keeps a few connections open between mails. A connection that broke while nobody looked costs no mail its turn.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    connect::Connector,
    dialogue::{Connection, Trouble},
};
use crate::compose::Composed;

/// Connections to one mail server.
pub(super) struct Pool {
    connector: Connector,
    places: Semaphore,
    idle: Mutex<Vec<Idle>>,
    keep: Duration,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(super) fn new(connector: Connector, size: usize, keep: Duration) -> Self {
        Pool { connector, places: Semaphore::new(size), idle: Mutex::new(Vec::new()), keep }
    }

    /// Delivers a mail over an open connection, or over a new one when there is none or it turns out to be broken.
    pub(super) async fn deliver(&self, mail: &Composed) -> Result<(), Trouble> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await.ok();
        if let Some(connection) = self.take() {
            match self.deliver_over(connection, mail).await {
                // It may have broken after the server took the mail; the second copy has the same Message-ID.
                Err(Trouble::Broken(error)) => {
                    debug!("a mail connection was broken, taking a new one: {error:#}")
                }
                outcome => return outcome,
            }
        }
        let connection = self.connector.connect().await.map_err(Trouble::Broken)?;
        self.deliver_over(connection, mail).await
    }

    /// Closes idle connections until the stop, then all.
    pub(super) async fn close_idle(&self, stop: &CancellationToken) {
        let mut tick = interval((self.keep / 2).max(Duration::from_millis(10)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => close(self.stale()).await,
            }
        }
        let rest = std::mem::take(&mut *self.idle());
        close(rest).await;
    }

    async fn deliver_over(&self, connection: Connection, mail: &Composed) -> Result<(), Trouble> {
        let (outcome, connection) = connection.send(mail).await;
        if let Some(connection) = connection {
            self.idle().push(Idle { connection, since: Instant::now() });
        }
        outcome
    }

    /// The connection used last, so that those not needed grow old.
    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < self.keep);
        idle.pop().map(|idle| idle.connection)
    }

    fn stale(&self) -> Vec<Idle> {
        self.idle().extract_if(.., |idle| idle.since.elapsed() >= self.keep).collect()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // A list of connections is whole after every statement, whoever panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn close(connections: Vec<Idle>) {
    join_all(connections.into_iter().map(|idle| idle.connection.close())).await;
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("keep", &self.keep).finish_non_exhaustive()
    }
}
