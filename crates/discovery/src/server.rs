//! The server side: a registry in memory that speaks Eureka, and a configuration server over a folder.
//!
//! Writes are visible to the next read; there is no response cache.

mod basic;
mod config;
mod eureka;
mod leases;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::Router;
use chassis::{Outside, Stop};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

pub use basic::{Gate, challenge};
#[doc(hidden)]
pub use config::fuzz as config_fuzz;
pub use config::{
    BackendSettings, BackendState, Change, CipherOptions, ConfigServer, ConfigServerError,
    ConfigServerSettings, Effective, Origin, Overridden, RepositorySettings, RsaAlgorithm,
    Versioned,
};

use leases::{Leases, Moment};

/// How many instances the registry holds at most.
const CAPACITY: usize = 10_000;
/// How often the silent are looked for.
const EVICTION: Duration = Duration::from_secs(1);

/// Who is where. A clone is another handle to the same registry.
#[derive(Clone, Debug)]
pub struct Registry {
    outside: Outside,
    leases: Arc<Mutex<Leases>>,
}

impl Registry {
    /// An empty registry.
    pub fn new(outside: Outside) -> Self {
        Registry { outside, leases: Arc::default() }
    }

    /// Eureka's interface, to be nested below `/eureka` and guarded: whoever is let in can name itself as any service.
    pub fn routes(&self) -> Router {
        eureka::routes(self.clone())
    }

    /// Takes out, until `stop`, every instance that has been silent for longer than its own lease.
    ///
    /// # Errors
    /// Never; the signature is that of a background loop.
    pub async fn evict(self, stop: Stop) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(EVICTION);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            let now = self.now();
            let evicted = self.leases().evict(now);
            for instance in evicted {
                let (app, id, lease) =
                    (&instance.app, instance.id(), instance.lease_info.duration_in_secs);
                warn!(
                    instance.app = app,
                    instance.id = id,
                    "evicted {app}/{id}: silent for more than {lease} s"
                );
            }
        }
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment { at: Instant::now(), millis: self.outside.now().as_millisecond() }
    }
}
