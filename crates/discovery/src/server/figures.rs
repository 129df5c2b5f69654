//! What a page about the registry shows.

use std::{sync::Arc, time::Duration};

use super::{Past, Registry, leases::Listed, peers::Peer};
use crate::instance::Instance;

/// The figures by which an operator sees whether all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How many instances are registered.
    pub instances: usize,
    /// How many signs of life came within the last 60 seconds.
    pub renewals_in_last_minute: u64,
    /// How many signs of life are too few for that time: the share that the settings name of what the instances promise.
    pub renewal_threshold: u64,
    /// Whether they are too few.
    pub is_below_threshold: bool,
    /// Whether nobody is evicted for that reason.
    pub preserves_itself: bool,
    /// For how long the registry has been running.
    pub uptime: Duration,
}

impl Registry {
    /// Every instance, the applications in order of their names.
    pub fn instances(&self) -> Vec<Arc<Instance>> {
        let listed = self.leases().list(|_| true);
        listed.iter().map(Listed::instance).collect()
    }

    /// One instance, of an application in any case.
    pub fn instance(&self, app: &str, id: &str) -> Option<Arc<Instance>> {
        let listed = self.leases().instance(&app.to_uppercase(), id);
        listed.as_ref().map(Listed::instance)
    }

    /// The last thousand registrations, the newest first.
    pub fn last_registered(&self) -> Vec<Past> {
        self.leases().last_registered()
    }

    /// The last thousand cancellations, the newest first.
    pub fn last_cancelled(&self) -> Vec<Past> {
        self.leases().last_cancelled()
    }

    /// The figures as of now.
    pub fn figures(&self) -> Figures {
        let now = self.now();
        self.leases().figures(now, &self.settings)
    }

    /// The other registries and how it stands with them.
    pub fn peers(&self) -> Vec<Peer> {
        self.peers.list()
    }
}
