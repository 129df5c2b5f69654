//! The server side: a registry in memory that speaks Eureka, and a configuration server over a folder.
//!
//! Writes are visible to the next read; there is no response cache.

mod basic;
pub mod config;
mod eureka;
mod events;
mod figures;
mod leases;
mod operations;
mod operator;
mod peers;
mod settings;
mod watch;

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, extract::Request, middleware, response::Response};
use chassis::{Outside, Stop};
use tokio::{
    sync::broadcast,
    time::{Instant, MissedTickBehavior},
};

use crate::Address;

pub use basic::{Gate, challenge};
pub use config::ConfigServer;
#[doc(hidden)]
pub use config::fuzz as config_fuzz;
pub use events::{Author, Event, Kind, Origin};
pub use figures::Figures;
pub use leases::Past;
pub use peers::{Peer, PeerState};
pub use settings::RegistrySettings;

use leases::{Leases, Moment};
use operations::Refusals;
use peers::Peers;
use watch::Watch;

/// How many events wait for whoever is slow; older ones are lost to it, and it is told how many.
const EVENTS: usize = 4_096;
/// The shortest interval between two looks for the silent.
const SHORTEST_RUN: Duration = Duration::from_millis(10);

/// Who is where. A clone is another handle to the same registry.
#[derive(Clone, Debug)]
pub struct Registry {
    outside: Outside,
    settings: Arc<RegistrySettings>,
    leases: Arc<Mutex<Leases>>,
    events: broadcast::Sender<Event>,
    peers: Arc<Peers>,
    refusals: Arc<Refusals>,
    watch: Arc<Watch>,
}

impl Registry {
    /// An empty registry without peers, with the settings that are the default.
    pub fn new(outside: Outside) -> Self {
        Registry::with(outside, RegistrySettings::default(), Vec::new())
    }

    /// An empty registry, which shares what it knows with the registries at these addresses once [`Registry::replicate`]
    /// runs. Its own address may be among them.
    pub fn with(outside: Outside, settings: RegistrySettings, peers: Vec<Address>) -> Self {
        let start = Instant::now();
        Registry {
            settings: Arc::new(settings),
            leases: Arc::new(Mutex::new(Leases::new(start))),
            events: broadcast::Sender::new(EVENTS),
            peers: Arc::new(Peers::new(peers, &outside, start)),
            refusals: Arc::default(),
            watch: Arc::new(Watch::new(u64::from_ne_bytes(outside.bytes()))),
            outside,
        }
    }

    /// Eureka's interface, to be nested below `/eureka` and guarded: whoever is let in can name itself as any service.
    pub fn routes(&self) -> Router {
        eureka::routes(self.clone())
            .layer(middleware::from_fn_with_state(self.clone(), watch::hold))
    }

    /// Answers heartbeats, by their heads alone, as the [routes](Registry::routes) below `/eureka` do behind a guard that
    /// lets in who shows the gate's password; leaves everything else, and whatever is unusual, to them.
    pub fn heartbeat(&self, gate: &Gate, request: &Request) -> Option<Response> {
        eureka::answer_heartbeat(self, gate, request)
    }

    /// The route that a heartbeat has, below `/eureka`.
    pub const HEARTBEAT: &str = "/eureka/apps/{app}/{id}";

    /// What happens from now on. The channel is bounded: whoever reads too slowly is told how many events it has missed.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Takes out, until `stop`, every instance that has been silent for longer than its own lease.
    ///
    /// # Errors
    /// Never; the signature is that of a background loop.
    pub async fn evict(self, stop: Stop) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(self.settings.eviction_interval.max(SHORTEST_RUN));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    self.watch.close();
                    return Ok(());
                }
                _ = ticks.tick() => {}
            }
            self.evict_once();
        }
    }

    /// Passes on to every peer, until `stop`, what clients change here, after a first look at what a peer knows.
    ///
    /// # Errors
    /// When the client for a peer cannot be prepared.
    pub async fn replicate(self, stop: Stop) -> anyhow::Result<()> {
        peers::replicate(self, stop).await
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
