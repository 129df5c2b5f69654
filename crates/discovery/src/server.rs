//! The server side: a registry in memory that speaks Eureka, and a configuration server over a folder.
//!
//! Writes are visible to the next read; there is no response cache.

mod basic;
mod config;
mod eureka;
mod leases;
mod watch;

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, middleware};
use chassis::{Outside, Stop};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

pub use basic::{Gate, challenge};
pub use config::ConfigServer;

use leases::{Leases, Moment};
use watch::Watch;

/// How many instances the registry holds at most.
const CAPACITY: usize = 10_000;
/// How often the silent are looked for.
const EVICTION: Duration = Duration::from_secs(1);

/// Who is where. A clone is another handle to the same registry.
#[derive(Clone, Debug)]
pub struct Registry {
    outside: Outside,
    leases: Arc<Mutex<Leases>>,
    watch: Arc<Watch>,
}

impl Registry {
    /// An empty registry.
    pub fn new(outside: Outside) -> Self {
        let watch = Arc::new(Watch::new(u64::from_ne_bytes(outside.bytes())));
        Registry { outside, leases: Arc::default(), watch }
    }

    /// Eureka's interface, to be nested below `/eureka` and guarded: whoever is let in can name itself as any service.
    pub fn routes(&self) -> Router {
        eureka::routes(self.clone())
            .layer(middleware::from_fn_with_state(self.clone(), watch::hold))
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
                () = stop.cancelled() => {
                    self.watch.close();
                    return Ok(());
                }
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

    fn leases(&self) -> Held<'_> {
        let leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        Held { leases, watch: &self.watch }
    }

    fn now(&self) -> Moment {
        Moment { at: Instant::now(), millis: self.outside.now().as_millisecond() }
    }
}

/// The registrations, for one caller at a time; whoever waits for a change learns of it afterwards.
struct Held<'a> {
    leases: MutexGuard<'a, Leases>,
    watch: &'a Watch,
}

impl Deref for Held<'_> {
    type Target = Leases;

    fn deref(&self) -> &Leases {
        &self.leases
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Leases {
        &mut self.leases
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.watch.moved(self.leases.changes());
    }
}
